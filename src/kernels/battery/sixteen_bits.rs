//! Products of sixteen bits, and how floats become them: all equal to the bit.

use super::product::{MakeNumber, rows_to_quantise};
use super::{Case, Flavour, Random, Values, equal, sizes};
use crate::kernels::layout::{ACTIVATION_I16_MAX, COLUMN_I16_MAX};
use crate::kernels::{Epilogue, RowsI16, SixteenBitWeights, reference};

const ROWS: &[usize] = sizes(&[0, 1, 2, 3, 4, 5, 8, 13], &[0, 1, 4, 5]);
const INPUTS: &[usize] = sizes(&[0, 1, 2, 15, 16, 17, 31, 32, 33, 147], &[0, 1, 16, 17]);
const OUTPUTS: &[usize] = sizes(&[0, 1, 7, 8, 9, 35], &[0, 1, 8, 9]);
const WIDTHS: &[usize] = sizes(&[0, 1, 7, 8, 9, 15, 16, 17, 100, 768], &[0, 1, 8, 17]);
/// The net's own, and more rows than one block of activations holds.
const SHAPES: &[[usize; 3]] =
    if cfg!(miri) { &[[5, 40, 9]] } else { &[[56, 576, 64], [112, 147, 64], [500, 288, 32], [3, 2304, 17]] };

/// The largest weight that a column of so many inputs may have all over.
fn largest(n_in: usize) -> i16 {
    (COLUMN_I16_MAX / n_in.max(1) as i64).min(i64::from(i16::MAX)) as i16
}

fn weights(values: Values, n_out: usize, n_in: usize, random: &mut Random) -> Result<SixteenBitWeights, String> {
    let mut weights = SixteenBitWeights::zeroed(n_out, n_in);
    let most = largest(n_in);
    for column in 0..n_out {
        let one: Vec<i16> = (0..n_in)
            .map(|input| match values {
                Values::Random => (random.float() * f32::from(most)) as i16,
                Values::Lowest => -most,
                Values::Highest => most,
                Values::Alternating => [most, -most][input % 2],
            })
            .collect();
        if !weights.set_column(column, one.iter().copied(), 0.001 + random.float().abs() * 0.01) {
            return Err(format!("{n_in} weights of {most} are refused"));
        }
    }
    weights.bias_mut().iter_mut().for_each(|bias| *bias = random.float());
    Ok(weights)
}

fn rows(values: Values, n_rows: usize, n_in: usize, random: &mut Random) -> RowsI16 {
    let mut rows = RowsI16::default();
    rows.resize(n_rows, n_in, 0.01 + random.float().abs());
    let stride = rows.stride();
    let most = ACTIVATION_I16_MAX;
    for row in rows.values_mut().chunks_exact_mut(stride.max(1)) {
        for value in &mut row[..n_in] {
            *value = match values {
                Values::Random => (random.float() * f32::from(most)) as i16,
                Values::Lowest => -most,
                _ => most,
            };
        }
    }
    rows
}

fn check_sums<F: Flavour>(values: Values, [n_rows, n_in, n_out]: [usize; 3]) -> Result<(), String> {
    let mut random = Random((n_rows * 31 + n_in * 7 + n_out) as u64);
    let weights = weights(values, n_out, n_in, &mut random)?;
    let rows = rows(values, n_rows, n_in, &mut random);
    let (mut got, mut want) = (vec![-1; n_rows * n_out], vec![-2; n_rows * n_out]);
    F::matmul_of_sixteen_bits(&rows, &weights, &mut got);
    reference::matmul_of_sixteen_bits(&rows, &weights, &mut want);
    match got.iter().zip(&want).position(|(got, want)| got != want) {
        Some(index) => Err(format!("at {index}: {} instead of {}", got[index], want[index])),
        None => Ok(()),
    }
}

fn check_linear<F: Flavour>(epilogue: Epilogue, [n_rows, n_in, n_out]: [usize; 3]) -> Result<(), String> {
    let mut random = Random((n_rows * 13 + n_in * 5 + n_out) as u64);
    let weights = weights(Values::Random, n_out, n_in, &mut random)?;
    let rows = rows(Values::Random, n_rows, n_in, &mut random);
    // Three numbers after each row that no one may touch.
    let stride = n_out + 3;
    let before = random.floats(n_rows * stride, 2.0);
    let (mut got, mut want) = (before.clone(), before);
    F::linear_of_sixteen_bits(&rows, &weights, epilogue, &mut got, stride);
    reference::linear_of_sixteen_bits(&rows, &weights, epilogue, &mut want, stride);
    equal(&got, &want)
}

fn check_words<F: Flavour>(make: &MakeNumber, n: usize) -> Result<(), String> {
    let mut random = Random(n as u64);
    let input: Vec<f32> = (0..n).map(|index| make(index, &mut random)).collect();
    let (mut got, mut want) = (-1.0, -2.0);
    F::reach(&input, &mut got);
    reference::reach(&input, &mut want);
    equal(&[got], &[want])?;
    for scale in [want / f32::from(ACTIVATION_I16_MAX), 0.01, 0.0] {
        let (mut got, mut want) = (vec![-1; n], vec![-2; n]);
        F::to_sixteen_bits(&input, scale, &mut got);
        reference::to_sixteen_bits(&input, scale, &mut want);
        if got != want {
            return Err(format!("steps of {scale:e}: {got:?} instead of {want:?}"));
        }
    }
    Ok(())
}

pub fn cases<F: Flavour>() -> Vec<Case> {
    let mut cases = Vec::new();
    for &values in Values::ALL {
        for &n_rows in ROWS {
            cases.push(Case::new(format!("matmul_of_sixteen_bits {n_rows} rows, {values:?}"), move || {
                for &n_in in INPUTS {
                    for &n_out in OUTPUTS {
                        check_sums::<F>(values, [n_rows, n_in, n_out])
                            .map_err(|message| format!("{n_in} inputs {n_out} outputs {message}"))?;
                    }
                }
                Ok(())
            }));
        }
        for &shape in SHAPES {
            cases.push(Case::new(format!("matmul_of_sixteen_bits {shape:?}, {values:?}"), move || {
                check_sums::<F>(values, shape)
            }));
        }
    }
    let epilogues = [Epilogue::AddRelu, Epilogue::Store, Epilogue::Relu, Epilogue::Relu6, Epilogue::Add];
    for &epilogue in if cfg!(miri) { &epilogues[..1] } else { &epilogues[..] } {
        cases.push(Case::new(format!("linear_of_sixteen_bits {epilogue:?}"), move || {
            for &n_rows in sizes(&[0, 1, 3, 4, 9], &[0, 5]) {
                for &n_out in OUTPUTS {
                    check_linear::<F>(epilogue, [n_rows, 37, n_out])
                        .map_err(|message| format!("{n_rows} rows {n_out} outputs {message}"))?;
                }
            }
            Ok(())
        }));
    }
    for (name, make) in rows_to_quantise() {
        cases.push(Case::new(format!("to_sixteen_bits {name}"), move || {
            WIDTHS.iter().try_for_each(|&n| check_words::<F>(&make, n).map_err(|message| format!("{n}: {message}")))
        }));
    }
    cases.push(Case::new("a column of sixteen bits whose sum could leave 32 is refused", || {
        let mut weights = SixteenBitWeights::zeroed(1, 64);
        let (fits, too_large) = ([largest(64); 64], [largest(64) + 1; 64]);
        match (weights.set_column(0, fits.into_iter(), 1.0), weights.set_column(0, too_large.into_iter(), 1.0)) {
            (true, false) => Ok(()),
            other => Err(format!("{other:?}")),
        }
    }));
    cases
}
