//! The weight file and its importers: what is written comes back, bad input is refused by name and place.
#![cfg(feature = "cli")]

mod candle;
mod checkpoint;
mod collect;
mod container;
mod distilbert;
mod four_bits;
mod graph;
mod labels;
mod nsfwjs;
mod open_nsfw;
mod package;
mod packaged;

use sotto::kernels::widen_q4_row;
use sotto::pack::PackError;

/// Whole groups of 18 bytes as their 32 weights each.
fn q4_0_to_f32(groups: &[u8]) -> Vec<f32> {
    let mut weights = vec![0.0; groups.len() / 18 * 32];
    widen_q4_row(groups, &mut weights);
    weights
}

/// The whole message of a refusal, which must name what is wrong.
#[track_caller]
fn refused<T: std::fmt::Debug>(result: Result<T, PackError>, parts: &[&str]) {
    let message = result.expect_err("must be refused").to_string();
    for part in parts {
        assert!(message.contains(part), "{message:?} does not say {part:?}");
    }
}
