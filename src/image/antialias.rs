//! Antialiased bilinear resizing, equal to Pillow's `resize((side, side), Image.BILINEAR)` to the bit, streaming: each
//! picture that open_nsfw is shown has been through it.
//!
//! Rows are narrowed first and rounded to bytes, and then columns are shortened; of tall pictures columns are shortened first,
//! as Pillow does it since 13.0. Both weigh the pixels under a triangle with whole numbers, so that neither the order of
//! summing nor the processor changes the outcome.

use super::resize::{Coming, PictureError};

/// The weights' bits behind the point: a byte and a spare bit on top, and a sign, fit an `i32`.
const PRECISION_BITS: u32 = 22;

/// What a sum starts at, so that shifting it down rounds.
const HALF: i32 = 1 << (PRECISION_BITS - 1);

/// Takes RGBA rows from top to bottom and gives `side × side` RGB bytes. See-through pixels are shown on white, as a
/// page would.
#[derive(Debug)]
pub struct Antialiased {
    coming: Coming,
    columns: Vec<Window>,
    rows: Vec<Window>,
    /// The first output row that is not complete.
    first_open: usize,
    /// The row at hand on white, if it has see-through pixels, and as it is added up; kept for their memory.
    on_white: Vec<[u8; 4]>,
    narrow: Vec<u8>,
    /// Whether rows are added up at their full width, and narrowed at the end.
    is_tall: bool,
    sums: Vec<i32>,
}

/// Sums of rows wider than this are not kept; Pillow's other order is then the price, which changes a value by one.
const TALL_WIDTH_MAX: u32 = 2048;

/// The source pixels that an output pixel is made of.
#[derive(Debug)]
struct Window {
    first: usize,
    weights: Vec<i32>,
}

impl Antialiased {
    /// For a picture of these pixels, to `side` (at least one) on each side.
    pub fn new(width: u32, height: u32, side: usize) -> Result<Self, PictureError> {
        let coming = Coming::of(width, height)?;
        let shrinks_by = |n: u32| i64::from(n) - side as i64;
        let is_tall = shrinks_by(height) > 0 && shrinks_by(height) > 2 * shrinks_by(width) && width <= TALL_WIDTH_MAX;
        let n_row = if is_tall { width as usize } else { side } * 3;
        Ok(Self {
            coming,
            columns: windows(width, side),
            rows: windows(height, side),
            first_open: 0,
            on_white: Vec::new(),
            narrow: vec![0; n_row],
            is_tall,
            sums: vec![HALF; side * n_row],
        })
    }

    /// Whole rows, in order, as many at a time as is handy.
    pub fn feed(&mut self, rgba: &[u8]) -> Result<(), PictureError> {
        for row in rgba.chunks_exact(self.coming.row_bytes_of(rgba)?) {
            self.take_row(row.as_chunks().0);
            self.coming.next_row += 1;
        }
        Ok(())
    }

    fn take_row(&mut self, row: &[[u8; 4]]) {
        let row = if row.iter().fold(255, |all, pixel| all & pixel[3]) == 255 {
            row
        } else {
            self.on_white.clear();
            self.on_white.extend(row.iter().map(on_white));
            &self.on_white
        };
        let narrow = self.narrow.as_chunks_mut::<3>().0.iter_mut();
        if self.is_tall {
            narrow.zip(row).for_each(|(out, &[red, green, blue, _])| *out = [red, green, blue]);
        } else {
            narrow
                .zip(&self.columns)
                .for_each(|(out, window)| *out = weigh(&row[window.first..][..window.weights.len()], &window.weights));
        }
        // The windows' beginnings and ends both rise, so those with this row follow one another.
        let row_number = self.coming.next_row as usize;
        let complete = |window: &Window| window.first + window.weights.len() <= row_number;
        self.first_open += self.rows[self.first_open..].iter().take_while(|window| complete(window)).count();
        for (window, sums) in self.rows.iter().zip(self.sums.chunks_exact_mut(self.narrow.len())).skip(self.first_open)
        {
            if window.first > row_number {
                break;
            }
            let weight = window.weights[row_number - window.first];
            sums.iter_mut().zip(&self.narrow).for_each(|(sum, &value)| *sum += weight * i32::from(value));
        }
    }

    /// The picture at the net's size.
    pub fn finish(self) -> Result<Vec<u8>, PictureError> {
        self.coming.finish()?;
        if !self.is_tall {
            return Ok(self.sums.into_iter().map(rounded).collect());
        }
        let mut out = Vec::with_capacity(self.rows.len() * self.columns.len() * 3);
        for sums in self.sums.chunks_exact(self.coming.width as usize * 3) {
            let pixel = |&[red, green, blue]: &[i32; 3]| [rounded(red), rounded(green), rounded(blue), 255];
            let row: Vec<[u8; 4]> = sums.as_chunks().0.iter().map(pixel).collect();
            for window in &self.columns {
                out.extend(weigh(&row[window.first..][..window.weights.len()], &window.weights));
            }
        }
        Ok(out)
    }
}

fn on_white(&[red, green, blue, alpha]: &[u8; 4]) -> [u8; 4] {
    let (share, rest) = (u32::from(alpha), u32::from(255 - alpha));
    let mix = |channel: u8| ((u32::from(channel) * share + 255 * rest + 127) / 255) as u8;
    [mix(red), mix(green), mix(blue), 255]
}

fn weigh(pixels: &[[u8; 4]], weights: &[i32]) -> [u8; 3] {
    let mut sums = [HALF; 3];
    for (pixel, &weight) in pixels.iter().zip(weights) {
        for (sum, &channel) in sums.iter_mut().zip(pixel) {
            *sum += weight * i32::from(channel);
        }
    }
    sums.map(rounded)
}

fn rounded(sum: i32) -> u8 {
    // Many thousand weights, each rounded, may together come to so much over one that white would be 256.
    (sum >> PRECISION_BITS).min(255) as u8
}

/// For each output pixel, the weights under a triangle whose base is two output pixels, or two source pixels where those
/// are larger. Floats round, so the order of operations is Pillow's too.
fn windows(n_source: u32, n_out: usize) -> Vec<Window> {
    let scale = f64::from(n_source) / n_out as f64;
    let reach = scale.max(1.0);
    let per_reach = 1.0 / reach;
    (0..n_out)
        .map(|index| {
            let centre = (index as f64 + 0.5) * scale;
            let first = (centre - reach + 0.5).max(0.0) as usize;
            let end = ((centre + reach + 0.5) as usize).min(n_source as usize);
            let triangle = |x: usize| (1.0 - ((x as f64 - centre + 0.5) * per_reach).abs()).max(0.0);
            let total: f64 = (first..end).map(triangle).sum();
            let fixed = |weight: f64| (weight / total * f64::from(1 << PRECISION_BITS) + 0.5) as i32;
            Window { first, weights: (first..end).map(|x| fixed(triangle(x))).collect() }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::tests::{fingerprint, pattern};

    fn resized(width: u32, height: u32, side: usize, rgba: &[u8]) -> Vec<u8> {
        let mut picture = Antialiased::new(width, height, side).unwrap();
        picture.feed(rgba).unwrap();
        picture.finish().unwrap()
    }

    fn rgba(rgb: &[u8]) -> Vec<u8> {
        rgb.as_chunks::<3>().0.iter().flat_map(|&[red, green, blue]| [red, green, blue, 255]).collect()
    }

    /// The fingerprints are of `Image.fromarray(pattern).resize((side, side), Image.BILINEAR).tobytes()` in Pillow 13.0,
    /// two of them of tall pictures.
    #[test]
    fn equals_pillow() {
        for (width, height, side, expected) in [
            (300, 200, 64, 0x45d8_988d_92e4_64cc),
            (200, 300, 64, 0x72a0_51e6_e250_53fe),
            (60, 300, 64, 0xb5a1_8275_dac2_d4e8),
            (90, 200, 64, 0xabc7_9847_4abe_bc9a),
            (5, 7, 16, 0x9148_c9eb_9aad_56be),
            (1, 1, 16, 0x9fa9_e040_e0ee_df25),
            (33, 16, 16, 0x6399_2a43_382d_23c2),
            (16, 16, 16, 0x83f9_3918_c5c1_65e5),
        ] {
            let out = resized(width, height, side, &rgba(&pattern(width, height)));
            assert_eq!(fingerprint(&out), expected, "{width} × {height} to {side}");
        }
    }

    /// Four pixels to two: weights of 3, 3 and 1 sevenths.
    #[test]
    fn weights_are_a_triangle() {
        let out = resized(4, 1, 2, &rgba(&[0, 0, 0, 0, 0, 0, 255, 255, 255, 255, 255, 255]));
        assert_eq!(out[..6], [36, 36, 36, 219, 219, 219]);
        assert_eq!(out[6..], out[..6]);
    }

    #[test]
    fn flat_pictures_stay_flat() {
        for (width, height, side) in [(1, 1, 16), (2, 300, 7), (301, 3, 16), (100, 90, 33), (20, 20, 64)] {
            for value in [0, 1, 127, 254, 255] {
                let out = resized(width, height, side, &[value, 255, value, 255].repeat((width * height) as usize));
                assert_eq!(out, [value, 255, value].repeat(side * side), "{width} × {height} to {side}");
            }
        }
    }

    #[test]
    fn a_gradient_rises_evenly() {
        let row: Vec<u8> = (0..=255).flat_map(|x| [x, x, x, 255]).collect();
        let out = resized(256, 256, 64, &row.repeat(256));
        for row in out.chunks_exact(64 * 3) {
            for (x, pixel) in row.as_chunks::<3>().0.iter().enumerate().skip(1).take(62) {
                // The middle of four pixels lies at a half, which goes up.
                assert_eq!(*pixel, [x as u8 * 4 + 2; 3]);
            }
        }
    }

    #[test]
    fn own_size_changes_nothing() {
        let rgb = pattern(48, 48);
        assert_eq!(resized(48, 48, 48, &rgba(&rgb)), rgb);
    }

    #[test]
    fn bands_of_rows_make_no_difference() {
        let rgba = rgba(&pattern(50, 70));
        let whole = resized(50, 70, 32, &rgba);
        for n_rows in [1, 3, 69] {
            let mut picture = Antialiased::new(50, 70, 32).unwrap();
            rgba.chunks(50 * 4 * n_rows).for_each(|band| picture.feed(band).unwrap());
            assert_eq!(picture.finish().unwrap(), whole);
        }
    }

    #[test]
    fn see_through_pixels_are_white() {
        let pixels = [0, 0, 0, 0, 10, 20, 30, 255, 0, 100, 255, 128, 30, 130, 230, 50];
        let white = [255, 255, 255, 10, 20, 30, 127, 177, 255, 211, 230, 250];
        assert_eq!(resized(2, 2, 2, &pixels), white);
        for value in 0..=255 {
            assert_eq!(on_white(&[value, 0, 255, 255]), [value, 0, 255, 255]);
            assert_eq!(on_white(&[value, 0, 255, 0]), [255; 4]);
        }
    }

    #[test]
    fn wrong_sizes_are_refused() {
        assert_eq!(Antialiased::new(0, 5, 256).unwrap_err(), PictureError::Size { width: 0, height: 5 });
        assert!(Antialiased::new(5, 70_000, 256).is_err());
        let mut picture = Antialiased::new(2, 2, 256).unwrap();
        assert!(picture.feed(&[0; 7]).is_err());
        assert!(picture.feed(&[0; 24]).is_err());
        picture.feed(&[0; 8]).unwrap();
        assert!(picture.feed(&[0; 16]).is_err());
        assert_eq!(picture.finish().unwrap_err(), PictureError::Length { found: 8, expected: 16 });
    }
}
