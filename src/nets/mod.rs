//! The nets: shapes, weights, forward. They know nothing of words, pictures' formats or what their classes mean.

#![warn(missing_docs)]

pub(crate) mod distilbert;
pub(crate) mod mobilenet_v2;
pub(crate) mod open_nsfw;
pub(crate) mod picture_pair;
mod rows;

pub use distilbert::{DistilBert, DistilBertBuilder};
pub use mobilenet_v2::{MobileNetV2, MobileNetV2Builder};
pub use open_nsfw::{OpenNsfw, OpenNsfwBuilder};
pub use picture_pair::PicturePairBuilder;
