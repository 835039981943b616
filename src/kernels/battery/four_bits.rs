//! Four-bit weights: how they are put in place and what they are multiplied to. Equal to the bit, whatever the scales are.

use super::{Case, Flavour, Random, Values, equal, sizes, within};
use crate::kernels::layout::{ACTIVATION_I8_MAX, Q4_GROUP, Q4_GROUP_BYTES, RowGroup};
use crate::kernels::{Epilogue, FourBitWeights, PanelRoom, RowsI8, reference};

/// f16 scales as a packed model holds them.
pub const ORDINARY: &[u16] = &[0x1c00, 0x9c33, 0x2345, 0xa0ff, 0x1801];

/// The same, and what a damaged one may.
const SCALES: [(&str, &[u16]); 9] = [
    ("ordinary", ORDINARY),
    ("zero", &[0, 0x8000]),
    ("all the same", &[0x1c00]),
    ("subnormal", &[1, 0x8001, 0x03ff]),
    ("largest", &[0x7bff, 0xfbff]),
    ("of very different sizes", &[0x0001, 0x7bff, 0x3c00]),
    // 4095 × 0.5 and more that end in a half.
    ("near a tie", &[0x3c00, 0x3800, 0x3400, 0x3000, 0x2c00]),
    ("infinite", &[0x7c00, 0xfc00, 0x3c00]),
    ("not-a-number", &[0x7e00, 0xfe01, 0x3c00]),
];

const INPUTS: &[usize] = sizes(&[32, 64, 96, 768], &[64]);
const PRODUCT_INPUTS: &[usize] = sizes(&[32, 96], &[64]);
/// Outputs, the first column that is put in place, and how many.
const COLUMNS: &[(usize, usize, usize)] = if cfg!(miri) {
    &[(16, 8, 8), (9, 4, 5)]
} else {
    &[(8, 0, 8), (16, 8, 8), (32, 0, 32), (5, 0, 5), (20, 3, 14), (9, 4, 5), (4, 1, 1)]
};
/// On both sides of where each flavour begins to use a panel.
const ROWS: &[usize] = sizes(&[0, 1, 2, 3, 4, 5, 7, 8, 13, 16, 17, 18, 19, 20, 33], &[1, 5]);
const OUTPUTS: &[usize] = sizes(&[0, 1, 7, 8, 9, 24, 35], &[9]);
/// The net's own in small, more rows than one block of activations holds, and more columns than one panel.
const SHAPES: &[[usize; 3]] = if cfg!(miri) { &[] } else { &[[3, 768, 40], [21, 3072, 17], [90, 3072, 9]] };

/// Groups of Q4_0, column by column.
fn q4(n_groups: usize, scales: &[u16], values: Values, random: &mut Random) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(n_groups * Q4_GROUP_BYTES);
    for _ in 0..n_groups {
        bytes.extend(scales[random.below(scales.len() as u64) as usize].to_le_bytes());
        bytes.extend((0..Q4_GROUP / 2).map(|_| match values {
            Values::Random => random.bits() as u8,
            Values::Lowest => 0x00,
            Values::Highest => 0xff,
            Values::Alternating => 0x0f,
        }));
    }
    bytes
}

pub fn weights(scales: &[u16], values: Values, n_out: usize, n_in: usize, random: &mut Random) -> FourBitWeights {
    let mut weights = FourBitWeights::zeroed(n_out, n_in);
    reference::put_q4_columns(&q4(n_out * (n_in / Q4_GROUP), scales, values, random), 0, &mut weights);
    weights.bias_mut().iter_mut().for_each(|bias| *bias = random.float());
    weights
}

pub fn rows(values: Values, n_rows: usize, n_in: usize, random: &mut Random) -> RowsI8 {
    let mut rows = RowsI8::default();
    rows.resize(n_rows, n_in);
    for row in 0..n_rows {
        for group in rows.row_mut(row) {
            *group = RowGroup::of(std::array::from_fn(|index| match values {
                Values::Random => (random.below(255) as i32 - 127) as i8,
                Values::Lowest => -ACTIVATION_I8_MAX,
                Values::Highest => ACTIVATION_I8_MAX,
                Values::Alternating => [ACTIVATION_I8_MAX, -ACTIVATION_I8_MAX][index / 2 % 2],
            }));
        }
        let zero_point = match values {
            Values::Random => random.below(255) as i32 - 127,
            // The farthest that a value can be from its zero point.
            Values::Lowest => 127,
            Values::Highest => -127,
            Values::Alternating => 0,
        };
        rows.set_grid(row, (0.001 + random.float().abs() * 0.1, zero_point));
    }
    rows
}

fn check_columns<F: Flavour>(
    n_in: usize,
    (n_out, first_column, n_columns): (usize, usize, usize),
    scales: &[u16],
    values: Values,
) -> Result<(), String> {
    let mut random = Random((n_in * 100 + n_out) as u64);
    let q4 = q4(n_columns * (n_in / Q4_GROUP), scales, values, &mut random);
    let mut got = FourBitWeights::zeroed(n_out, n_in);
    let mut want = got.clone();
    F::put_q4_columns(&q4, first_column, &mut got);
    reference::put_q4_columns(&q4, first_column, &mut want);
    equal(&got.columns().scales, &want.columns().scales).map_err(|message| format!("scale {message}"))?;
    if got.columns().sums != want.columns().sums {
        return Err(format!("sums {:?} instead of {:?}", got.columns().sums, want.columns().sums));
    }
    match got.groups().iter().zip(want.groups()).position(|(got, want)| got != want) {
        Some(index) => Err(format!("group {index}: {:?} instead of {:?}", got.groups()[index], want.groups()[index])),
        None => Ok(()),
    }
}

fn check_sums<F: Flavour>(scales: &[u16], values: Values, [n_rows, n_in, n_out]: [usize; 3]) -> Result<(), String> {
    let mut random = Random((n_rows * 31 + n_in * 7 + n_out) as u64);
    let weights = weights(scales, values, n_out, n_in, &mut random);
    let rows = rows(values, n_rows, n_in, &mut random);
    let (mut got, mut want) = (vec![-1; n_rows * n_out], vec![-2; n_rows * n_out]);
    F::matmul_of_four_bits(&rows, &weights, &mut PanelRoom::default(), &mut got);
    reference::matmul_of_four_bits(&rows, &weights, &mut PanelRoom::default(), &mut want);
    match got.iter().zip(&want).position(|(got, want)| got != want) {
        Some(index) => Err(format!("at {index}: {} instead of {}", got[index], want[index])),
        None => Ok(()),
    }
}

fn check_linear<F: Flavour>(
    epilogue: Epilogue,
    values: Values,
    room: &mut PanelRoom,
    [n_rows, n_in, n_out]: [usize; 3],
) -> Result<(), String> {
    let mut random = Random((n_rows * 13 + n_in * 5 + n_out) as u64);
    let weights = weights(SCALES[0].1, values, n_out, n_in, &mut random);
    let rows = rows(values, n_rows, n_in, &mut random);
    // Three numbers after each row that no one may touch.
    let stride = n_out + 3;
    let before = random.floats(n_rows * stride, 2.0);
    let (mut got, mut want) = (before.clone(), before);
    F::linear_of_four_bits(&rows, &weights, room, epilogue, &mut got, stride);
    reference::linear_of_four_bits(&rows, &weights, room, epilogue, &mut want, stride);
    match epilogue {
        Epilogue::Gelu => {
            let mut before = want.clone();
            reference::linear_of_four_bits(&rows, &weights, room, Epilogue::Store, &mut before, stride);
            within(&got, &want, |index, _| 5e-7 * before[index].abs().max(1.0))
        }
        _ => equal(&got, &want),
    }
}

/// All scales the same and all weights −8, activations as far from their zero point as they can be.
fn check_largest() -> Result<(), String> {
    let n_in = if cfg!(miri) { 64 } else { 3072 };
    let weights = weights(&[0x1c00], Values::Lowest, 1, n_in, &mut Random(12));
    let multipliers: i64 = weights.groups().iter().map(|group| i64::from(group.multipliers[0])).sum();
    let largest = multipliers * 8 * Q4_GROUP as i64 * 2 * i64::from(ACTIVATION_I8_MAX);
    if largest <= i64::from(i32::MAX) { Ok(()) } else { Err(format!("a sum of {largest}")) }
}

/// The sums against what the weights of the file say, in floats: what the definition itself loses.
fn check_precision<F: Flavour>() -> Result<(), String> {
    let (n_rows, n_in, n_out) = if cfg!(miri) { (1, 64, 8) } else { (4, 768, 16) };
    let mut random = Random(11);
    let q4 = q4(n_out * (n_in / Q4_GROUP), SCALES[0].1, Values::Random, &mut random);
    let rows = rows(Values::Random, n_rows, n_in, &mut random);
    let mut weights = FourBitWeights::zeroed(n_out, n_in);
    F::put_q4_columns(&q4, 0, &mut weights);
    let mut sums = vec![0; n_rows * n_out];
    F::matmul_of_four_bits(&rows, &weights, &mut PanelRoom::default(), &mut sums);
    let (mut error, mut power) = (0f64, 0f64);
    let mut exact = vec![0f32; n_in];
    for column in 0..n_out {
        reference::widen_q4_row(&q4[column * q4.len() / n_out..][..q4.len() / n_out], &mut exact);
        for row in 0..n_rows {
            let values = rows.row(row).flat_map(|group| group.values);
            let want: f64 = exact.iter().zip(values).map(|(&weight, value)| f64::from(weight) * f64::from(value)).sum();
            let got = f64::from(sums[row * n_out + column]) * f64::from(weights.columns().scales[column]);
            error += (got - want).powi(2);
            power += want.powi(2);
        }
    }
    let relative = (error / power).sqrt();
    if relative < 5e-4 { Ok(()) } else { Err(format!("an error of {relative:e} of the sums")) }
}

pub fn cases<F: Flavour>() -> Vec<Case> {
    let mut cases = Vec::new();
    for &(name, scales) in if cfg!(miri) { &SCALES[..1] } else { &SCALES[..] } {
        cases.push(Case::new(format!("put_q4_columns, scales {name}"), move || {
            for &values in Values::ALL {
                for &n_in in INPUTS {
                    for &columns in COLUMNS {
                        check_columns::<F>(n_in, columns, scales, values)
                            .map_err(|message| format!("{columns:?} × {n_in}, {values:?}: {message}"))?;
                    }
                }
            }
            Ok(())
        }));
        cases.push(Case::new(format!("matmul_of_four_bits, scales {name}"), move || {
            for &values in Values::ALL {
                for &n_rows in ROWS {
                    for &n_in in PRODUCT_INPUTS {
                        for &n_out in OUTPUTS {
                            check_sums::<F>(scales, values, [n_rows, n_in, n_out]).map_err(|message| {
                                format!("{n_rows} rows {n_in} inputs {n_out} outputs {values:?} {message}")
                            })?;
                        }
                    }
                }
            }
            Ok(())
        }));
    }
    for &shape in SHAPES {
        for &values in Values::ALL {
            let name = format!("matmul_of_four_bits {shape:?} {values:?}");
            cases.push(Case::new(name, move || check_sums::<F>(SCALES[0].1, values, shape)));
        }
    }
    // What finishes the sums is the eight-bit product's own, and Miri has seen it there.
    let epilogues = [Epilogue::Store, Epilogue::Gelu, Epilogue::Relu, Epilogue::Relu6, Epilogue::Add];
    for &epilogue in if cfg!(miri) { &epilogues[..1] } else { &epilogues[..] } {
        cases.push(Case::new(format!("linear_of_four_bits {epilogue:?}"), move || {
            // One room for all: what was there before must leave no trace.
            let mut room = PanelRoom::default();
            for &values in Values::ALL {
                for &n_rows in ROWS {
                    for &n_out in OUTPUTS {
                        check_linear::<F>(epilogue, values, &mut room, [n_rows, 64, n_out])
                            .map_err(|message| format!("{n_rows} rows {n_out} outputs {values:?} {message}"))?;
                    }
                }
            }
            Ok(())
        }));
    }
    cases.push(Case::new("the largest sums of the widest column fit 32 bits", check_largest));
    cases.push(Case::new("put_q4_columns of no groups", || {
        check_columns::<F>(0, (8, 0, 0), SCALES[0].1, Values::Random)?;
        check_columns::<F>(64, (8, 0, 0), SCALES[0].1, Values::Random)
    }));
    cases.push(Case::new("matmul_of_four_bits beside the file's own weights", check_precision::<F>));
    cases
}
