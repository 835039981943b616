//! Depthwise convolution, the stem and pooling, over widths, channels and strides.

use super::{Case, Flavour, Random, sizes, within};
use crate::kernels::reference;

/// Sums of at most 27 products within −1..1, rounded once or twice each.
const ALLOWED: f32 = 1e-5;
const CHANNELS: &[usize] = sizes(&[1, 3, 7, 8, 9, 15, 16, 24, 33, 96], &[1, 8, 9, 16]);
const PIXELS: &[usize] = sizes(&[0, 1, 2, 3, 4, 5, 7, 12], &[0, 1, 2, 3, 5]);

fn check_depthwise<F: Flavour>(
    n_pixels: usize,
    n_channels: usize,
    stride: usize,
    first: usize,
    size: f32,
) -> Result<(), String> {
    let mut random = Random((n_pixels * 1000 + n_channels * 10 + stride) as u64);
    let n_columns = n_pixels.max(1) * stride + first + 2;
    let rows: Vec<Vec<f32>> = (0..3).map(|_| random.floats(n_columns * n_channels, size)).collect();
    let input = [&rows[0][..], &rows[1][..], &rows[2][..]];
    let (weights, bias) = (random.floats(9 * n_channels, 1.0), random.floats(n_channels, 1.0));
    let (mut got, mut want) = (vec![7.0; n_pixels * n_channels], vec![8.0; n_pixels * n_channels]);
    F::depthwise_row(input, &weights, &bias, stride, first, &mut got);
    reference::depthwise_row(input, &weights, &bias, stride, first, &mut want);
    within(&got, &want, |_, _| ALLOWED * size.max(1.0))
}

fn check_stem<F: Flavour>(n_pixels: usize, n_out: usize) -> Result<(), String> {
    let mut random = Random((n_pixels * 1000 + n_out) as u64);
    // The last output pixel ends at the zero pixel after an even width.
    let rows: Vec<Vec<f32>> = (0..3).map(|_| random.floats((2 * n_pixels + 1) * 3, 1.0)).collect();
    let input = [&rows[0][..], &rows[1][..], &rows[2][..]];
    let (weights, bias) = (random.floats(27 * n_out, 1.0), random.floats(n_out, 1.0));
    let (mut got, mut want) = (vec![7.0; n_pixels * n_out], vec![8.0; n_pixels * n_out]);
    F::stem_row(input, &weights, &bias, &mut got);
    reference::stem_row(input, &weights, &bias, &mut want);
    within(&got, &want, |_, _| ALLOWED)
}

fn check_pool<F: Flavour>(n_pixels: usize, n_channels: usize) -> Result<(), String> {
    let input = Random((n_pixels * 1000 + n_channels) as u64).floats(n_pixels * n_channels, 6.0);
    let (mut got, mut want) = (vec![7.0; n_channels], vec![8.0; n_channels]);
    F::average_pool(&input, &mut got);
    reference::average_pool(&input, &mut want);
    within(&got, &want, |_, _| 6.0 * 1e-6)
}

pub fn cases<F: Flavour>() -> Vec<Case> {
    let mut cases = Vec::new();
    for &n_channels in CHANNELS {
        for (stride, first) in [(1, 0), (2, 0), (2, 1), (3, 0)] {
            cases.push(Case::new(
                format!("depthwise_row {n_channels} channels, stride {stride} from {first}"),
                move || {
                    PIXELS.iter().try_for_each(|&n_pixels| {
                        [1.0, 20.0]
                            .into_iter()
                            .try_for_each(|size| check_depthwise::<F>(n_pixels, n_channels, stride, first, size))
                    })
                },
            ));
        }
        cases.push(Case::new(format!("stem_row {n_channels} outputs"), move || {
            PIXELS.iter().try_for_each(|&n_pixels| check_stem::<F>(n_pixels, n_channels))
        }));
        cases.push(Case::new(format!("average_pool {n_channels} channels"), move || {
            [1, 2, 49, 64].into_iter().try_for_each(|n_pixels| check_pool::<F>(n_pixels, n_channels))
        }));
    }
    cases.push(Case::new("average_pool no pixels", || check_pool::<F>(0, 16)));
    cases
}
