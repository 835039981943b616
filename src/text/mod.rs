//! Before and after the text net: what can be judged, sentences, word pieces. Knows no net.

#![warn(missing_docs)]

pub mod judgeable;
mod language;
pub mod sentences;
pub mod wordpiece;
