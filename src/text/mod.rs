//! Before and after the text net: what can be judged, sentences, word pieces. Knows no net.

pub mod judgeable;
mod language;
pub mod sentences;
pub mod wordpiece;
