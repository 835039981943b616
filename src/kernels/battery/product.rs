//! Quantising, the integer product and its epilogues. All but GELU must be equal to the bit.

use super::{Case, Flavour, Random, Values, equal, sizes, within};
use crate::kernels::layout::{ACTIVATION_MAX, WEIGHT_MAX};
use crate::kernels::{Epilogue, PackedWeights, RowsI8, RowsU7, reference};

const ROWS: &[usize] = sizes(&[0, 1, 2, 3, 4, 5, 7, 8, 13], &[0, 1, 4, 5]);
const INPUTS: &[usize] = sizes(&[0, 1, 3, 4, 5, 8, 15, 16, 17, 31, 33, 64, 100, 256], &[0, 1, 4, 5, 17]);
const OUTPUTS: &[usize] = sizes(&[0, 1, 2, 7, 8, 9, 16, 35], &[0, 1, 8, 9]);
const WIDTHS: &[usize] = sizes(&[0, 1, 7, 8, 9, 15, 16, 17, 24, 31, 32, 33, 100, 768], &[0, 1, 8, 17]);
const LINEAR_ROWS: &[usize] = sizes(&[0, 1, 3, 4, 9], &[0, 1, 5]);
const LINEAR_INPUTS: &[usize] = sizes(&[1, 16, 37], &[1, 17]);
const QUANTISED_ROWS: &[usize] = sizes(&[0, 1, 3], &[0, 2]);
/// The nets' own, and more rows than one block of activations holds.
const SHAPES: &[[usize; 3]] =
    if cfg!(miri) { &[[5, 40, 9]] } else { &[[3, 768, 40], [5, 3072, 17], [173, 3072, 9], [1, 1280, 5], [50, 960, 8]] };

fn weights(values: Values, n_out: usize, n_in: usize, random: &mut Random) -> PackedWeights {
    let mut weights = PackedWeights::zeroed(n_out, n_in);
    for column in 0..n_out {
        let one: Vec<i8> = (0..n_in)
            .map(|input| match values {
                Values::Random => (random.below(255) as i32 - 127) as i8,
                Values::Lowest => -WEIGHT_MAX,
                Values::Highest => WEIGHT_MAX,
                Values::Alternating => [WEIGHT_MAX, -WEIGHT_MAX][input % 2],
            })
            .collect();
        weights.set_column(column, &one, 0.001 + random.float().abs() * 0.01);
    }
    weights.bias_mut().iter_mut().for_each(|bias| *bias = random.float());
    weights
}

fn rows(values: Values, n_rows: usize, n_in: usize, random: &mut Random) -> RowsU7 {
    let mut rows = RowsU7::default();
    rows.resize(n_rows, n_in);
    let stride = rows.stride();
    let (bytes, scales, zero_points) = rows.parts_mut();
    for row in 0..n_rows {
        for byte in &mut bytes[row * stride..][..n_in] {
            *byte = match values {
                Values::Random => random.below(128) as u8,
                _ => ACTIVATION_MAX,
            };
        }
        scales[row] = 0.001 + random.float().abs() * 0.1;
        zero_points[row] = match values {
            Values::Random => random.below(128) as i32,
            Values::Lowest => 127,
            _ => 0,
        };
    }
    rows
}

/// Weights of the eight that meet in one lane over four steps, in the first two steps and in the last two, and what a group of such
/// lanes is: light, paired or heavy (0, 1 or 2).
const LANES: &[([i8; 4], [i8; 4], usize)] = &[
    ([127, 127, 4, 0], [0; 4], 0),
    ([-4, -127, 0, 0], [0, -127, 0, 0], 0),
    ([127, -127, 127, -127], [4, -4, 0, 0], 0),
    ([32, 32, 32, 32], [32, 32, 32, 34], 0),
    ([127, 127, 4, 0], [127, 127, 4, 0], 1),
    ([-127, -127, -4, 0], [-1, 0, 0, 0], 1),
    ([33, 32, 32, 32], [32, 32, 32, 34], 1),
    ([127, 127, 5, 0], [0; 4], 2),
    ([0; 4], [-127, -127, -5, 0], 2),
    ([127; 4], [-127; 4], 2),
];

/// Each group has one of `LANES` in all of its lanes, each with an order of its own; what is left of the inputs has the largest
/// weights. Returns the groups of each kind, too.
fn weights_of_lanes([n_out, n_in]: [usize; 2], backwards: bool, random: &mut Random) -> (PackedWeights, [Vec<u16>; 3]) {
    let mut kinds = [const { Vec::new() }; 3];
    let lanes: Vec<_> = (0..n_in / 16).map(|_| LANES[random.below(LANES.len() as u64) as usize]).collect();
    lanes.iter().zip(0..).for_each(|((.., kind), group)| kinds[*kind].push(group));
    let mut weights = PackedWeights::zeroed(n_out, n_in);
    for column in 0..n_out {
        let mut one = vec![WEIGHT_MAX; n_in];
        for (group, (first, last, _)) in one.chunks_exact_mut(16).zip(&lanes) {
            for (half, of_half) in group.chunks_exact_mut(8).zip([first, last]) {
                for lane in [[0, 1, 4, 5], [2, 3, 6, 7]] {
                    let turn = random.below(4) as usize;
                    (0..4).for_each(|place| half[lane[place]] = of_half[(place + turn) % 4]);
                }
            }
        }
        weights.set_column(if backwards { n_out - 1 - column } else { column }, &one, 1.0);
    }
    (weights, kinds)
}

/// That sums are right at the ends of sixteen bits, and that the order is what it should be.
fn check_order<F: Flavour>([n_rows, n_in, n_out]: [usize; 3], backwards: bool) -> Result<(), String> {
    let mut random = Random((n_rows * 31 + n_in * 7 + n_out) as u64);
    let (weights, [light, paired, heavy]) = weights_of_lanes([n_out, n_in], backwards, &mut random);
    for values in [Values::Highest, Values::Random] {
        check_sums_of::<F>(&weights, &rows(values, n_rows, n_in, &mut random))?;
    }
    // With few groups, or columns that came in another order, there is none.
    let is_plain = n_in < 64 || light.len() + paired.len() == 0 || (backwards && n_out > 1);
    for tile in 0..weights.n_tiles() {
        let order = weights.order(tile);
        let want = [&light[..], &paired, &heavy].concat();
        match order {
            None if is_plain => {}
            Some(_) if backwards => {}
            Some(got)
                if !is_plain && got.groups == want && [got.n_light, got.n_paired] == [light.len(), paired.len()] => {}
            _ => {
                return Err(format!(
                    "tile {tile} has {order:?}, of light {light:?}, paired {paired:?} and heavy {heavy:?}"
                ));
            }
        }
    }
    Ok(())
}

fn check_sums<F: Flavour>(values: Values, [n_rows, n_in, n_out]: [usize; 3]) -> Result<(), String> {
    let mut random = Random((n_rows * 31 + n_in * 7 + n_out) as u64);
    let weights = weights(values, n_out, n_in, &mut random);
    check_sums_of::<F>(&weights, &rows(values, n_rows, n_in, &mut random))
}

fn check_sums_of<F: Flavour>(weights: &PackedWeights, rows: &RowsU7) -> Result<(), String> {
    let (n_rows, n_out) = (rows.n_rows(), weights.n_out());
    let (mut got, mut want) = (vec![-1; n_rows * n_out], vec![-2; n_rows * n_out]);
    F::matmul_i32(rows, weights, &mut got);
    reference::matmul_i32(rows, weights, &mut want);
    match got.iter().zip(&want).position(|(got, want)| got != want) {
        Some(index) => Err(format!("at {index}: {} instead of {}", got[index], want[index])),
        None => Ok(()),
    }
}

fn check_linear<F: Flavour>(
    epilogue: Epilogue,
    values: Values,
    [n_rows, n_in, n_out]: [usize; 3],
) -> Result<(), String> {
    let mut random = Random((n_rows * 13 + n_in * 5 + n_out) as u64);
    let weights = weights(values, n_out, n_in, &mut random);
    let rows = rows(values, n_rows, n_in, &mut random);
    // Three numbers after each row that no one may touch.
    let stride = n_out + 3;
    let before = random.floats(n_rows * stride, 2.0);
    let (mut got, mut want) = (before.clone(), before);
    F::linear(&rows, &weights, epilogue, &mut got, stride);
    reference::linear(&rows, &weights, epilogue, &mut want, stride);
    match epilogue {
        Epilogue::Gelu => {
            let mut before = want.clone();
            reference::linear(&rows, &weights, Epilogue::Store, &mut before, stride);
            within(&got, &want, |index, _| 5e-7 * before[index].abs().max(1.0))
        }
        _ => equal(&got, &want),
    }
}

pub(super) type MakeNumber = Box<dyn Fn(usize, &mut Random) -> f32 + Send + Sync>;

/// Rows that a scale, a zero point or a rounding could get wrong. Of what is only another number, Miri gets one, and one of
/// those that are left to the reference.
pub(super) fn rows_to_quantise() -> Vec<(&'static str, MakeNumber)> {
    let mut all = all_rows_to_quantise();
    all.retain(|(name, _)| !cfg!(miri) || ["random", "infinity"].contains(name));
    all
}

fn all_rows_to_quantise() -> Vec<(&'static str, MakeNumber)> {
    vec![
        ("random", Box::new(|_, random| random.float() * 3.0)),
        ("zeros", Box::new(|_, _| 0.0)),
        ("negative zeros", Box::new(|_, _| -0.0)),
        ("one positive value", Box::new(|_, _| 0.7)),
        ("one negative value", Box::new(|_, _| -0.7)),
        ("positive only", Box::new(|_, random| random.float().abs())),
        ("negative only", Box::new(|_, random| -random.float().abs())),
        ("ties", Box::new(|index, _| if index == 0 { 127.0 } else { index as f32 % 50.0 + 0.5 })),
        ("ties below zero", Box::new(|index, _| if index == 0 { -127.0 } else { -(index as f32 % 50.0) - 0.5 })),
        ("not-a-numbers", Box::new(|index, random| if index % 3 == 0 { f32::NAN } else { random.float() })),
        ("only not-a-numbers", Box::new(|_, _| f32::NAN)),
        ("infinity", Box::new(|index, random| if index == 2 { f32::INFINITY } else { random.float() })),
        ("minus infinity", Box::new(|index, random| if index == 2 { f32::NEG_INFINITY } else { random.float() })),
        ("both infinities", Box::new(|index, _| [f32::INFINITY, f32::NEG_INFINITY, 1.0][index % 3])),
        ("largest floats", Box::new(|index, _| [f32::MAX, f32::MIN][index % 2])),
        ("subnormals", Box::new(|_, random| random.float() * 1e-40)),
        ("smallest subnormals", Box::new(|index, _| f32::from_bits(index as u32 % 4))),
        ("one outlier", Box::new(|index, random| if index == 1 { 1e6 } else { random.float() })),
    ]
}

fn check_quantise<F: Flavour>(
    make: &dyn Fn(usize, &mut Random) -> f32,
    n_rows: usize,
    n_in: usize,
) -> Result<(), String> {
    let mut random = Random(n_in as u64);
    let input: Vec<f32> = (0..n_rows * n_in).map(|index| make(index % n_in.max(1), &mut random)).collect();
    let (mut got, mut want) = (RowsU7::default(), RowsU7::default());
    // Memory that was used before must leave no trace.
    F::quantise_rows(&random.floats(3 * (n_in + 5), 1.0), n_in + 5, &mut got);
    F::quantise_rows(&input, n_in, &mut got);
    reference::quantise_rows(&input, n_in, &mut want);
    equal(got.scales(), want.scales()).map_err(|message| format!("scale {message}"))?;
    if got.zero_points() != want.zero_points() {
        return Err(format!("zero points {:?} instead of {:?}", got.zero_points(), want.zero_points()));
    }
    if got.values().len() != want.values().len() {
        return Err(format!("{} values instead of {}", got.values().len(), want.values().len()));
    }
    match got.values().iter().zip(want.values()).position(|(got, want)| got != want) {
        Some(index) => Err(format!("value {index}: {} instead of {}", got.values()[index], want.values()[index])),
        None => Ok(()),
    }
}

fn check_quantise_to_eight_bits<F: Flavour>(
    make: &dyn Fn(usize, &mut Random) -> f32,
    n_rows: usize,
    n_in: usize,
) -> Result<(), String> {
    let mut random = Random(n_in as u64);
    let input: Vec<f32> = (0..n_rows * n_in).map(|index| make(index % n_in.max(1), &mut random)).collect();
    let (mut got, mut want) = (RowsI8::default(), RowsI8::default());
    // Memory that was used before must leave no trace.
    F::quantise_rows_to_eight_bits(&random.floats(3 * (n_in + 32), 1.0), n_in + 32, &mut got);
    F::quantise_rows_to_eight_bits(&input, n_in, &mut got);
    reference::quantise_rows_to_eight_bits(&input, n_in, &mut want);
    if got.groups().as_flattened().iter().any(|group| group.values.contains(&i8::MIN)) {
        return Err("a value of −128".into());
    }
    for row in 0..n_rows {
        if !got.row(row).eq(want.row(row)) {
            return Err(format!("row {row} is another"));
        }
    }
    equal(got.scales(), want.scales())?;
    if got.zero_points() == want.zero_points() { Ok(()) } else { Err("other zero points".into()) }
}

pub fn cases<F: Flavour>() -> Vec<Case> {
    let mut cases = Vec::new();
    for &values in Values::ALL {
        for &n_rows in ROWS {
            for &n_in in INPUTS {
                cases.push(Case::new(format!("matmul_i32 {n_rows} rows, {n_in} inputs, {values:?}"), move || {
                    OUTPUTS.iter().try_for_each(|&n_out| {
                        check_sums::<F>(values, [n_rows, n_in, n_out])
                            .map_err(|message| format!("{n_out} outputs {message}"))
                    })
                }));
            }
        }
    }
    for &shape in SHAPES {
        cases.push(Case::new(format!("matmul_i32 {shape:?} Random"), move || check_sums::<F>(Values::Random, shape)));
        cases.push(Case::new(format!("matmul_i32 {shape:?} Lowest"), move || check_sums::<F>(Values::Lowest, shape)));
    }
    for backwards in [false, true] {
        for &n_in in sizes(&[16, 48, 64, 67, 80, 192, 700], &[80]) {
            cases.push(Case::new(format!("matmul_i32 in order, {n_in} inputs, backwards: {backwards}"), move || {
                for &n_rows in LINEAR_ROWS {
                    for &n_out in OUTPUTS {
                        check_order::<F>([n_rows, n_in, n_out], backwards)
                            .map_err(|message| format!("{n_rows} rows {n_out} outputs {message}"))?;
                    }
                }
                Ok(())
            }));
        }
    }
    let epilogues =
        [Epilogue::Add, Epilogue::Gelu, Epilogue::Store, Epilogue::Relu, Epilogue::Relu6, Epilogue::AddRelu];
    for &epilogue in if cfg!(miri) { &epilogues[..2] } else { &epilogues[..] } {
        for &values in Values::ALL {
            cases.push(Case::new(format!("linear {epilogue:?}, {values:?}"), move || {
                for &n_rows in LINEAR_ROWS {
                    for &n_in in LINEAR_INPUTS {
                        for &n_out in OUTPUTS {
                            check_linear::<F>(epilogue, values, [n_rows, n_in, n_out])
                                .map_err(|message| format!("{n_rows} rows {n_in} inputs {n_out} outputs {message}"))?;
                        }
                    }
                }
                Ok(())
            }));
        }
    }
    for (name, make) in rows_to_quantise() {
        cases.push(Case::new(format!("quantise_rows_to_eight_bits {name}"), move || {
            for &n_in in sizes(&[0, 32, 64, 768], &[0, 64]) {
                for &n_rows in QUANTISED_ROWS {
                    check_quantise_to_eight_bits::<F>(&make, n_rows, n_in)
                        .map_err(|message| format!("{n_rows} × {n_in}: {message}"))?;
                }
            }
            Ok(())
        }));
    }
    for (name, make) in rows_to_quantise() {
        cases.push(Case::new(format!("quantise_rows {name}"), move || {
            for &n_in in WIDTHS {
                for &n_rows in QUANTISED_ROWS {
                    check_quantise::<F>(&make, n_rows, n_in)
                        .map_err(|message| format!("{n_rows} × {n_in}: {message}"))?;
                }
            }
            Ok(())
        }));
    }
    cases
}
