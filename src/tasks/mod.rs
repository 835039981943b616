//! From raw input to a judgement. The only home of thresholds; calibration is folded into the shipped weights (see
//! models/sentiment.md). Knows no browser, no storage and no queue.

#![warn(missing_docs)]

pub mod claims;
pub mod nsfw;
pub mod sentiment;
pub mod ways;
pub mod why;

/// e^x / Σ e^x of one net's logits.
fn softmax(logits: &[f32]) -> Vec<f32> {
    let mut probabilities = logits.to_vec();
    crate::kernels::fast::softmax_rows(&mut probabilities, logits.len());
    probabilities
}
