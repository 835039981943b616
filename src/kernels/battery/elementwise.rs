//! GELU and layer norm against the reference, over their range and at its corners.

use super::{Case, Flavour, Random, sizes, within};
use crate::kernels::reference;

const WIDTHS: &[usize] = sizes(&[0, 1, 2, 7, 8, 9, 15, 16, 17, 64, 100, 768], &[0, 1, 7, 8, 9, 16, 17, 24]);
const GELU_STEP: usize = if cfg!(miri) { 1000 } else { 1 };

fn check_gelu<F: Flavour>(input: &[f32]) -> Result<(), String> {
    let (mut got, mut want) = (input.to_vec(), input.to_vec());
    F::gelu_in_place(&mut got);
    reference::gelu_in_place(&mut want);
    within(&got, &want, |index, _| 5e-7 * input[index].abs().max(1.0))
}

fn check_layer_norm<F: Flavour>(width: usize, input: &[f32]) -> Result<(), String> {
    let mut random = Random(width as u64);
    let (gamma, beta) = (random.floats(width, 2.0), random.floats(width, 1.0));
    let (mut got, mut want) = (input.to_vec(), input.to_vec());
    F::layer_norm_rows(&mut got, &gamma, &beta, 1e-12);
    reference::layer_norm_rows(&mut want, &gamma, &beta, 1e-12);
    within(&got, &want, |_, want| 1e-5 * (1.0 + want.abs()))
}

pub fn cases<F: Flavour>() -> Vec<Case> {
    let mut cases = vec![
        Case::new("gelu_in_place −12..12 in steps of 0.0005", || {
            check_gelu::<F>(&(-24_000..=24_000).step_by(GELU_STEP).map(|step| step as f32 * 5e-4).collect::<Vec<_>>())
        }),
        Case::new("gelu_in_place every exponent, both signs", || {
            let positive = (0..255u32).step_by(if cfg!(miri) { 17 } else { 1 }).flat_map(|exponent| {
                [0, 1, 0x2a_aaaa, 0x40_0000, 0x7f_ffff].map(|fraction| f32::from_bits(exponent << 23 | fraction))
            });
            check_gelu::<F>(&positive.flat_map(|x| [x, -x]).collect::<Vec<_>>())
        }),
        Case::new("gelu_in_place infinities and not-a-number", || {
            let mut got = [f32::INFINITY, f32::NAN, f32::NEG_INFINITY];
            F::gelu_in_place(&mut got);
            if got[0] == f32::INFINITY && got[1].is_nan() { Ok(()) } else { Err(format!("{got:?}")) }
        }),
        Case::new("gelu_in_place lengths", || {
            WIDTHS.iter().try_for_each(|&width| check_gelu::<F>(&Random(width as u64).floats(width, 4.0)))
        }),
        Case::new("layer_norm_rows one value, and zeros", || {
            let mut input = vec![0.0; 3 * 24];
            input[..24].fill(2.5);
            check_layer_norm::<F>(24, &input)
        }),
        Case::new("layer_norm_rows far from zero", || {
            let width = if cfg!(miri) { 40 } else { 768 };
            let input: Vec<f32> = Random(9).floats(4 * width, 1.0).iter().map(|x| x + 5.0).collect();
            check_layer_norm::<F>(width, &input)
        }),
    ];
    for &width in WIDTHS {
        for size in [1.0, 1e-3, 1e3] {
            cases.push(Case::new(format!("layer_norm_rows {width}, within {size}"), move || {
                // Of one or two numbers, the deviation may be nothing but rounding.
                if width < 3 {
                    return check_layer_norm::<F>(width, &vec![size; 3 * width]);
                }
                check_layer_norm::<F>(width, &Random(width as u64).floats(3 * width, size))
            }));
        }
    }
    cases
}
