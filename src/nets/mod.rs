//! The two nets: shapes, weights, forward. They know nothing of words, pictures' formats or what their classes mean.

#![warn(missing_docs)]

pub(crate) mod distilbert;
pub(crate) mod mobilenet_v2;
mod rows;

pub use distilbert::{DistilBert, DistilBertBuilder};
pub use mobilenet_v2::{MobileNetV2, MobileNetV2Builder};
