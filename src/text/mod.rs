//! Before and after the text net: what can be judged, its kind, sentences, word pieces. Knows no net.

#![warn(missing_docs)]

pub mod judgeable;
pub mod kind;
mod language;
mod plain;
pub mod sentences;
pub mod wordpiece;

pub use plain::plain;
