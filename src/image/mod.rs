//! Before the picture net: bringing pixels of any size to the net's size, a band of rows at a time, so that a large
//! picture never lies in memory as a whole. Knows no net and no file format; decoding is the browser's or the command
//! line's.

#![warn(missing_docs)]

mod header;
mod resize;

pub use header::{Kind, dimensions, is_photograph, kind};
pub use resize::{PictureError, Resizer};
