//! Rounds the few rows of weights that have no exact i8 form. Which rounding error matters depends on what the weight
//! is multiplied with, and batch norm tells that without any picture: its output has mean beta and deviation gamma.
//!
//! Measured on the seven reference pictures, weights rounded and activations in floats, largest change of a class
//! (mobilenet_v2): nearest steps of largest / 127: 0.047; as here: 0.0062.

/// How the numbers on one channel are spread.
#[derive(Debug, Clone, Copy)]
pub(super) struct Spread {
    pub mean: f64,
    pub variance: f64,
}

/// One output channel's weights.
#[derive(Debug)]
pub(super) struct Row {
    pub scale: f64,
    /// i8 as bytes.
    pub steps: Vec<u8>,
    /// What the rounding adds to the output on average; the bias takes it back.
    pub mean_error: f64,
}

/// Middle points of 32 equally likely slices of the normal distribution, the positive half. A table, because a
/// machine's `exp` may differ in the last bit and packed files must be the same everywhere.
const NORMAL_SLICES: [f64; 16] = [
    0.0392, 0.1178, 0.1971, 0.2777, 0.3601, 0.4451, 0.5334, 0.6261, 0.7245, 0.8305, 0.9468, 1.0775, 1.2299, 1.4178,
    1.6759, 2.1539,
];

impl Spread {
    pub(super) const UNKNOWN: Self = Self { mean: 0.0, variance: 1.0 };

    /// Batch norm's output, or what is left of it after clipping to 0..6.
    pub(super) fn after_batch_norm(beta: f64, gamma: f64, clipped: bool) -> Self {
        if !clipped {
            return Self { mean: beta, variance: gamma * gamma };
        }
        let clip = |z: f64| (beta + gamma * z).clamp(0.0, 6.0);
        let values = || NORMAL_SLICES.iter().flat_map(|&z| [clip(z), clip(-z)]);
        let n = 2.0 * NORMAL_SLICES.len() as f64;
        let mean = values().sum::<f64>() / n;
        let variance = values().map(|value| (value - mean) * (value - mean)).sum::<f64>() / n;
        Self { mean, variance }
    }
}

/// Rounds to the scale, among those that use 64 to 127 steps, at which the output's error varies least. `inputs` says
/// how what each weight multiplies is spread.
pub(super) fn round_row(weights: &[f64], inputs: &[Spread]) -> Row {
    let largest = weights.iter().fold(0.0f64, |largest, weight| largest.max(weight.abs()));
    if largest == 0.0 {
        return Row { scale: 0.0, steps: vec![0; weights.len()], mean_error: 0.0 };
    }
    let errors = |scale: f64| {
        weights.iter().zip(inputs).map(move |(weight, input)| ((weight / scale).round() * scale - weight, input))
    };
    let variance = |scale: f64| errors(scale).map(|(error, input)| error * error * input.variance).sum::<f64>();
    // Eighths of a step: fine enough to find a scale on which the weights that matter land, few enough to try all.
    let candidates = (64 * 8..=127 * 8).map(|eighths| largest * 8.0 / f64::from(eighths));
    let best = candidates.min_by(|a, b| variance(*a).total_cmp(&variance(*b)));
    let scale = best.unwrap_or(largest / 127.0);
    let mean_error = errors(scale).map(|(error, input)| error * input.mean).sum();
    Row { scale, steps: weights.iter().map(|weight| (weight / scale).round() as i8 as u8).collect(), mean_error }
}
