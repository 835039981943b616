//! From raw input to a judgement. The only home of thresholds; calibration is folded into the shipped weights (see
//! models/sentiment.md). Knows no browser, no storage and no queue.

#![warn(missing_docs)]

pub mod alarm;
#[cfg(feature = "engine")]
pub mod claims;
#[cfg(feature = "engine")]
pub mod nsfw;
#[cfg(feature = "engine")]
pub mod parts;
#[cfg(feature = "engine")]
pub mod sentiment;
#[cfg(feature = "engine")]
pub mod ways;
#[cfg(feature = "engine")]
pub mod why;

/// e^x / Σ e^x of one net's logits, of which there are a few.
#[cfg(feature = "engine")]
pub fn softmax(logits: &[f32]) -> Vec<f32> {
    let largest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let powers: Vec<f64> = logits.iter().map(|&logit| f64::from(logit - largest).exp()).collect();
    let sum: f64 = powers.iter().sum();
    powers.iter().map(|power| (power / sum) as f32).collect()
}
