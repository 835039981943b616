//! Before the picture net: bringing pixels of any size to the net's size, a band of rows at a time, so that a large
//! picture never lies in memory as a whole. Knows no net and no file format; decoding is the browser's or the command
//! line's.

#![warn(missing_docs)]

mod antialias;
mod header;
mod jpeg;
mod likeness;
mod resize;

pub use antialias::Antialiased;
pub use header::{Format, Kind, dimensions, format, is_photograph, kind};
pub use jpeg::through_jpeg;
pub use likeness::Likeness;
pub use resize::{PictureError, Resizer};

/// Pictures that are made by a formula, for outcomes that another program gave.
#[cfg(test)]
mod tests {
    fn picture(width: u32, height: u32, pixel: impl Fn(u32, u32) -> [u8; 3]) -> Vec<u8> {
        (0..height).flat_map(|y| (0..width).flat_map(|x| pixel(x, y)).collect::<Vec<_>>()).collect()
    }

    /// In NumPy: `dstack([x * x + 3 * y, 7 * x * y + y, 5 * x + y * y]) & 255`.
    pub fn pattern(width: u32, height: u32) -> Vec<u8> {
        picture(width, height, |x, y| [x * x + 3 * y, 7 * x * y + y, 5 * x + y * y].map(|value| value as u8))
    }

    /// In NumPy: `where(dstack([x * y, 3 * x + y, x ^ y]) & 4, 255, 0)`.
    pub fn saturated(width: u32, height: u32) -> Vec<u8> {
        picture(width, height, |x, y| [x * y, 3 * x + y, x ^ y].map(|value| if value & 4 == 0 { 0 } else { 255 }))
    }

    /// FNV-1a of 64 bits.
    pub fn fingerprint(bytes: &[u8]) -> u64 {
        bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, &byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
    }
}
