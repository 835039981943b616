//! The weight file and its importers: what is written comes back, bad input is refused by name and place.
#![cfg(feature = "cli")]

mod candle;
mod checkpoint;
mod collect;
mod container;
mod distilbert;
mod nsfwjs;
mod package;
mod packaged;

use sotto::pack::PackError;

/// The whole message of a refusal, which must name what is wrong.
#[track_caller]
fn refused<T: std::fmt::Debug>(result: Result<T, PackError>, parts: &[&str]) {
    let message = result.expect_err("must be refused").to_string();
    for part in parts {
        assert!(message.contains(part), "{message:?} does not say {part:?}");
    }
}
