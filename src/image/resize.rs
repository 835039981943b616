//! Bilinear resizing with aligned corners, as nsfwjs prepares its pictures (TensorFlow.js' resizeBilinear), streaming.

use thiserror::Error;

/// A picture larger than this on a side is refused before any memory is asked for it.
pub const LARGEST_SIDE: u32 = 65_535;

/// Why a picture can not be brought to size.
#[derive(Debug, Error, PartialEq, Eq)]
#[allow(missing_docs, reason = "the message of each variant says what it is")]
pub enum PictureError {
    #[error("a picture of {width} × {height} pixels can't be judged; sides of 1 to {LARGEST_SIDE} pixels can")]
    Size { width: u32, height: u32 },
    #[error("{found} bytes of pixels came where {expected} were due; send whole RGBA rows, {expected} bytes in all")]
    Length { found: u64, expected: u64 },
}

/// Which rows of a picture have come, and what is refused on their way: what both ways of resizing have in common.
#[derive(Debug)]
pub(super) struct Coming {
    pub width: u32,
    pub height: u32,
    pub next_row: u32,
}

impl Coming {
    pub fn of(width: u32, height: u32) -> Result<Self, PictureError> {
        if !(1..=LARGEST_SIDE).contains(&width) || !(1..=LARGEST_SIDE).contains(&height) {
            return Err(PictureError::Size { width, height });
        }
        Ok(Self { width, height, next_row: 0 })
    }

    /// Bytes of a row; refuses parts of rows, and more rows than are due.
    pub fn row_bytes_of(&self, rgba: &[u8]) -> Result<usize, PictureError> {
        let row_bytes = self.width as usize * 4;
        let n_left = (self.height - self.next_row) as usize * row_bytes;
        if !rgba.len().is_multiple_of(row_bytes) || rgba.len() > n_left {
            return Err(PictureError::Length { found: rgba.len() as u64, expected: n_left as u64 });
        }
        Ok(row_bytes)
    }

    /// Refuses a picture of which rows are missing.
    pub fn finish(&self) -> Result<(), PictureError> {
        let bytes_of = |n_rows: u32| u64::from(n_rows) * u64::from(self.width) * 4;
        match self.next_row < self.height {
            true => Err(PictureError::Length { found: bytes_of(self.next_row), expected: bytes_of(self.height) }),
            false => Ok(()),
        }
    }
}

/// Takes RGBA rows from top to bottom and gives `size × size` RGB floats, 0 to 255. See-through pixels are shown on
/// white, as a page would.
#[derive(Debug)]
pub struct Resizer {
    coming: Coming,
    size: usize,
    /// For each output column: the source columns to its left and right, and the share of the right one.
    columns: Vec<(usize, usize, f32)>,
    out: Vec<f32>,
}

impl Resizer {
    /// For a picture of these pixels, to `size` on each side.
    pub fn new(width: u32, height: u32, size: usize) -> Result<Self, PictureError> {
        let coming = Coming::of(width, height)?;
        let columns = (0..size).map(|x| neighbours(x, width, size)).collect();
        Ok(Self { coming, size, columns, out: vec![0.0; size * size * 3] })
    }

    /// Whole rows, in order, as many at a time as is handy.
    pub fn feed(&mut self, rgba: &[u8]) -> Result<(), PictureError> {
        for row in rgba.chunks_exact(self.coming.row_bytes_of(rgba)?) {
            self.take_row(row);
            self.coming.next_row += 1;
        }
        Ok(())
    }

    fn take_row(&mut self, row: &[u8]) {
        let mut narrow = None;
        // Output rows near this source row; a few more than need be are looked at.
        let per_row = (self.size as f32 - 1.0) / (self.coming.height as f32 - 1.0).max(1.0);
        let middle = self.coming.next_row as f32 * per_row;
        let (first, last) = if self.coming.height == 1 {
            (0, self.size)
        } else {
            ((middle - per_row - 2.0).max(0.0) as usize, ((middle + per_row + 3.0) as usize).min(self.size))
        };
        for y in first..last {
            let (above, below, share) = neighbours(y, self.coming.height, self.size);
            let row_number = self.coming.next_row as usize;
            let mut weight = 0.0;
            if above == row_number {
                weight += 1.0 - share;
            }
            if below == row_number {
                weight += share;
            }
            if weight == 0.0 {
                continue;
            }
            let narrow = narrow.get_or_insert_with(|| self.narrow(row));
            let out = &mut self.out[y * self.size * 3..][..self.size * 3];
            out.iter_mut().zip(narrow.iter()).for_each(|(out, value)| *out += weight * value);
        }
    }

    /// One source row, brought to the output's width.
    fn narrow(&self, row: &[u8]) -> Vec<f32> {
        let pixel = |x: usize| {
            let [red, green, blue, alpha] = row.as_chunks::<4>().0[x];
            let (share, rest) = (f32::from(alpha) / 255.0, f32::from(255 - alpha));
            [red, green, blue].map(|channel| f32::from(channel) * share + rest)
        };
        self.columns
            .iter()
            .flat_map(|&(left, right, share)| {
                let (left, right) = (pixel(left), pixel(right));
                [0, 1, 2].map(|channel| left[channel] + (right[channel] - left[channel]) * share)
            })
            .collect()
    }

    /// The picture at the net's size.
    pub fn finish(self) -> Result<Vec<f32>, PictureError> {
        self.coming.finish()?;
        Ok(self.out)
    }
}

/// The source pixels on both sides of output pixel `index`, and how far it stands from the first.
fn neighbours(index: usize, n_source: u32, n_out: usize) -> (usize, usize, f32) {
    let ratio = if n_out > 1 { f64::from(n_source - 1) / (n_out - 1) as f64 } else { 0.0 };
    let place = index as f64 * ratio;
    let before = (place.floor() as usize).min(n_source as usize - 1);
    (before, (before + 1).min(n_source as usize - 1), (place - before as f64) as f32)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resized(width: u32, height: u32, size: usize, pixel: impl Fn(u32, u32) -> [u8; 4]) -> Vec<f32> {
        let mut resizer = Resizer::new(width, height, size).unwrap();
        for y in 0..height {
            let row: Vec<u8> = (0..width).flat_map(|x| pixel(x, y)).collect();
            resizer.feed(&row).unwrap();
        }
        resizer.finish().unwrap()
    }

    /// A plane stays the same plane at any size: corner values equal, everything between on the line.
    #[test]
    fn a_gradient_stays_a_gradient() {
        for (width, height, size) in [(1, 1, 4), (2, 2, 5), (5, 7, 3), (100, 60, 224), (500, 300, 224), (3, 1, 4)] {
            let slope = |n: u32| if n > 1 { 200.0 / (n - 1) as f32 } else { 0.0 };
            let (sx, sy) = (slope(width), slope(height));
            let out = resized(width, height, size, |x, y| [(x as f32 * sx) as u8, (y as f32 * sy) as u8, 7, 255]);
            for (index, pixel) in out.chunks_exact(3).enumerate() {
                let (x, y) = (index % size, index / size);
                let at = |i: usize, n: u32| if n > 1 { 200.0 * i as f32 / (size - 1) as f32 } else { 0.0 };
                // The source is cut to whole numbers, so it may lie up to one below the line.
                for (value, expected) in [(pixel[0], at(x, width)), (pixel[1], at(y, height)), (pixel[2], 7.0)] {
                    assert!(
                        value <= expected + 0.01 && value >= expected - 1.01,
                        "{width}×{height}→{size} at {x},{y}: {value} for {expected}"
                    );
                }
            }
        }
    }

    #[test]
    fn see_through_pixels_are_white() {
        let out = resized(2, 2, 2, |x, _| if x == 0 { [0, 0, 0, 0] } else { [10, 20, 30, 255] });
        assert_eq!(out, [255.0, 255.0, 255.0, 10.0, 20.0, 30.0, 255.0, 255.0, 255.0, 10.0, 20.0, 30.0]);
    }

    #[test]
    fn wrong_sizes_are_refused() {
        assert_eq!(Resizer::new(0, 5, 224).unwrap_err(), PictureError::Size { width: 0, height: 5 });
        assert!(Resizer::new(70_000, 5, 224).is_err());
        let mut resizer = Resizer::new(2, 2, 224).unwrap();
        assert!(resizer.feed(&[0; 7]).is_err());
        assert!(resizer.feed(&[0; 24]).is_err());
        resizer.feed(&[0; 8]).unwrap();
        assert_eq!(resizer.finish().unwrap_err(), PictureError::Length { found: 8, expected: 16 });
    }
}
