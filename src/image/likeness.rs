//! What a picture looks like, in a few hundred bits: the same picture is known again by them when it was made smaller, stored
//! anew or trimmed a little, and no other is taken for it. Nothing of the picture can be seen in them but where it is lighter
//! and darker, roughly.
//!
//! A picture is averaged to 32 × 32 and its brightness and colour go through a cosine transform; what is kept are the signs of
//! the slowest waves. A trimmed edge moves all of them, so a picture that is to be known again is kept as it is and with six
//! slight cuts, and is known by the one that lies nearest. models/nsfw.md has the figures.

use std::f32::consts::PI;

/// Averages on each side.
const SIDE: usize = 32;
/// Waves on each side whose signs are kept: of brightness, without the constant one, and of each of the two colours.
const WAVES: usize = 16;
const COLOUR_WAVES: usize = 4;
/// 255 + 2 × 16 bits.
const BYTES: usize = (WAVES * WAVES + 2 * COLOUR_WAVES * COLOUR_WAVES) / 8;

/// In hundredths of the sides: left, top, right, bottom.
const CUTS: [[u8; 4]; 7] =
    [[0, 0, 0, 0], [1, 1, 1, 1], [2, 2, 0, 0], [0, 2, 2, 0], [2, 0, 0, 2], [0, 0, 2, 2], [2, 2, 2, 2]];

/// A wave this strong (in steps of brightness, of a transform that keeps lengths) has a sign that is the picture's own and not
/// rounding's; and so many of them there must be for a picture to be known by.
const STRONG: f32 = 2.0;
const STRONG_MIN: usize = 96;

/// The bits of one cut.
pub type Bits = [u8; BYTES];

/// A picture's bits and those of its cuts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Likeness([Bits; CUTS.len()]);

impl Likeness {
    /// The same picture differs in no more bits than that, another in more.
    pub const DISTANCE_MAX: u32 = 40;

    /// Of a square picture in bytes (RGB, row by row), of an even number of pixels on each side. None for one in which there is too little to be known by: a plain area, a
    /// soft gradient.
    pub fn of(rgb: &[u8], side: usize) -> Option<Self> {
        let planes = planes(rgb, side);
        let waves = waves();
        let mut all = [[0; BYTES]; CUTS.len()];
        for (bits, cut) in all.iter_mut().zip(CUTS) {
            let [brightness, colours @ ..] =
                planes.each_ref().map(|plane| transformed(&averages(plane, side / 2, cut), &waves));
            let n_strong = brightness[1..].iter().filter(|wave| wave.abs() >= STRONG).count();
            if n_strong < STRONG_MIN {
                return None;
            }
            let slow = colours
                .iter()
                .flat_map(|colour| (0..COLOUR_WAVES).flat_map(move |y| colour[y * WAVES..][..COLOUR_WAVES].iter()));
            for (at, &wave) in brightness[1..].iter().chain(slow).enumerate() {
                bits[at / 8] |= u8::from(wave > 0.0) << (at % 8);
            }
        }
        Some(Self(all))
    }

    /// Whether what is seen now is this picture.
    pub fn is_of(&self, seen: &Self) -> bool {
        self.distance(seen) <= Self::DISTANCE_MAX
    }

    /// In how many bits what is seen now differs from the nearest cut of this picture.
    pub fn distance(&self, Self([seen, ..]): &Self) -> u32 {
        self.0.iter().map(|kept| differing(kept, seen)).min().unwrap_or(u32::MAX)
    }

    /// To be kept.
    pub fn to_bytes(&self) -> Vec<u8> {
        self.0.concat()
    }

    /// None of what is no likeness.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (cuts, []) = bytes.as_chunks() else { return None };
        cuts.try_into().ok().map(Self)
    }
}

fn differing(one: &Bits, other: &Bits) -> u32 {
    one.iter().zip(other).map(|(one, other)| (one ^ other).count_ones()).sum()
}

/// Brightness and the two colours, as JPEG has them, of four pixels together: so a cut costs a quarter.
fn planes(rgb: &[u8], side: usize) -> [Vec<f32>; 3] {
    let half = side / 2;
    let mut planes = [(); 3].map(|()| Vec::with_capacity(half * half));
    for rows in rgb.chunks_exact(side * 6) {
        let (upper, lower) = rows.split_at(side * 3);
        for (upper, lower) in upper.as_chunks::<6>().0.iter().zip(lower.as_chunks::<6>().0) {
            let mean = |channel: usize| {
                let four = [upper[channel], upper[channel + 3], lower[channel], lower[channel + 3]];
                four.map(f32::from).iter().sum::<f32>() / 4.0
            };
            let [red, green, blue] = [mean(0), mean(1), mean(2)];
            planes[0].push(0.299 * red + 0.587 * green + 0.114 * blue);
            planes[1].push(-0.1687 * red - 0.3313 * green + 0.5 * blue);
            planes[2].push(0.5 * red - 0.4187 * green - 0.0813 * blue);
        }
    }
    planes
}

// Sums of rows, each times something, are what processors are quick at; so columns wait until there are few rows.

/// The means of 32 × 32 equal fields of what is left after the cut.
fn averages(plane: &[f32], side: usize, [left, top, right, bottom]: [u8; 4]) -> Vec<f32> {
    let (columns, rows) = (fields(side, left, right), fields(side, top, bottom));
    let mut out = Vec::with_capacity(SIDE * SIDE);
    let mut low = vec![0.0; side];
    for row in &rows {
        low.fill(0.0);
        for (weight, values) in row.weights.iter().zip(plane.chunks_exact(side).skip(row.first)) {
            add_times(&mut low, values, *weight);
        }
        let mean = |column: &Field| {
            column.weights.iter().zip(&low[column.first..]).map(|(weight, low)| weight * low).sum::<f32>()
        };
        out.extend(columns.iter().map(mean));
    }
    out
}

fn add_times(sums: &mut [f32], values: &[f32], factor: f32) {
    sums.iter_mut().zip(values).for_each(|(sum, value)| *sum += value * factor);
}

/// A stretch of a row: its first pixel with a part of it, whole ones, and a part of the last.
struct Field {
    first: usize,
    weights: Vec<f32>,
}

fn fields(side: usize, before: u8, after: u8) -> Vec<Field> {
    let share = |hundredths: u8| side as f32 * f32::from(hundredths) / 100.0;
    let width = (side as f32 - share(before) - share(after)) / SIDE as f32;
    let edge = |index: usize| share(before) + index as f32 * width;
    (0..SIDE)
        .map(|index| {
            let (start, end) = (edge(index), edge(index + 1));
            let first = (start as usize).min(side - 1);
            let last = (end.ceil() as usize).clamp(first + 1, side);
            let covered = |pixel: usize| (end.min(pixel as f32 + 1.0) - start.max(pixel as f32)).max(0.0);
            Field { first, weights: (first..last).map(|pixel| covered(pixel) / width).collect() }
        })
        .collect()
}

/// At each of the 32 places the height of each wave; lengths are kept.
fn waves() -> Vec<f32> {
    let scale = |wave: usize| (if wave == 0 { 1.0 } else { 2.0 } / SIDE as f32).sqrt();
    let height = |wave: usize, place: usize| (PI * wave as f32 * (place as f32 + 0.5) / SIDE as f32).cos();
    (0..SIDE).flat_map(|place| (0..WAVES).map(move |wave| scale(wave) * height(wave, place))).collect()
}

/// The 16 × 16 slowest waves, a row for each along the columns.
fn transformed(averages: &[f32], waves: &[f32]) -> Vec<f32> {
    let mut out = vec![0.0; WAVES * WAVES];
    for (row, down) in averages.chunks_exact(SIDE).zip(waves.chunks_exact(WAVES)) {
        let mut across = [0.0; WAVES];
        for (value, along) in row.iter().zip(waves.chunks_exact(WAVES)) {
            add_times(&mut across, along, *value);
        }
        for (out, down) in out.chunks_exact_mut(WAVES).zip(down) {
            add_times(out, &across, *down);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::Antialiased;

    const BIG: usize = 256;

    /// Blurry shapes, of which each seed makes others.
    fn scene(seed: u32, width: u32, height: u32) -> Vec<u8> {
        // SplitMix64.
        let mut state = u64::from(seed);
        let mut random = || {
            state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            (mixed >> 40) as f64 / f64::from(1 << 24)
        };
        let spots: Vec<[f64; 6]> = (0..40).map(|_| std::array::from_fn(|_| random())).collect();
        let mut rgba = Vec::new();
        for y in 0..height {
            for x in 0..width {
                let (x, y) = (f64::from(x) / f64::from(width), f64::from(y) / f64::from(height));
                let mut light = [120.0; 3];
                for [spot_x, spot_y, size, colour @ ..] in &spots {
                    let reach = 0.03 + size * 0.12;
                    let near = (-((x - spot_x).powi(2) + (y - spot_y).powi(2)) / (reach * reach)).exp();
                    light.iter_mut().zip(colour).for_each(|(light, colour)| *light += near * (colour - 0.5) * 200.0);
                }
                rgba.extend(light.map(|value| value.clamp(0.0, 255.0) as u8));
                rgba.push(255);
            }
        }
        rgba
    }

    fn squared(rgba: &[u8], width: u32, height: u32) -> Vec<u8> {
        let mut picture = Antialiased::new(width, height, BIG).unwrap();
        picture.feed(rgba).unwrap();
        picture.finish().unwrap()
    }

    fn likeness(rgba: &[u8], width: u32, height: u32) -> Likeness {
        Likeness::of(&squared(rgba, width, height), BIG).unwrap()
    }

    #[test]
    fn a_smaller_trimmed_noisy_picture_is_the_same_one() {
        let whole = likeness(&scene(1, 600, 400), 600, 400);
        assert_eq!(whole.distance(&whole), 0);
        let (width, height) = (290, 194);
        // Trimmed by ten of 600 columns and eight of 400 rows, halved, in steps of eight.
        let big = scene(1, 600, 400);
        let mut small = Vec::new();
        for y in 0..height {
            for x in 0..width {
                let at = ((8 + 2 * y) * 600 + 10 + 2 * x) * 4;
                small.extend(big[at..at + 3].iter().map(|value| value & !7));
                small.push(255);
            }
        }
        let seen = likeness(&small, width as u32, height as u32);
        assert!(whole.is_of(&seen), "{}", whole.distance(&seen));
    }

    #[test]
    fn other_pictures_are_others() {
        let all: Vec<Likeness> = (0..30).map(|seed| likeness(&scene(seed, 200, 160), 200, 160)).collect();
        for (at, one) in all.iter().enumerate() {
            for other in all[..at].iter().chain(&all[at + 1..]) {
                assert!(!one.is_of(other), "{}", one.distance(other));
            }
        }
    }

    #[test]
    fn nobody_knows_a_plain_area_again() {
        assert_eq!(Likeness::of(&[200; BIG * BIG * 3], BIG), None);
        let gradient: Vec<u8> = (0..BIG).flat_map(|y| vec![y as u8; BIG * 3]).collect();
        assert_eq!(Likeness::of(&gradient, BIG), None);
    }

    #[test]
    fn is_kept_and_read_again() {
        let one = likeness(&scene(3, 100, 100), 100, 100);
        let bytes = one.to_bytes();
        assert_eq!(bytes.len(), 252);
        assert_eq!(Likeness::from_bytes(&bytes), Some(one));
        for wrong in [&bytes[1..], &[bytes.as_slice(), &[0]].concat(), &[]] {
            assert_eq!(Likeness::from_bytes(wrong), None);
        }
    }

    /// The waves are those of scipy.fft.dctn(…, norm="ortho") and the averages those of fields of equal size.
    #[test]
    fn a_ramp_has_the_transform_that_it_must_have() {
        let ramp: Vec<f32> = (0..64 * 64).map(|at| (at % 64) as f32).collect();
        let means = averages(&ramp, 64, [0; 4]);
        assert!((0..SIDE).all(|at| (means[at] - (2.0 * at as f32 + 0.5)).abs() < 1e-3), "{:?}", &means[..SIDE]);
        let transform = transformed(&means, &waves());
        // Of 0.5, 2.5, 4.5 … in 32 equal rows: 32 × the mean of 31.5, and −(32/π²) × √2 × 32 × 2 × … along x alone.
        assert!((transform[0] - 1008.0).abs() < 0.1, "{}", transform[0]);
        let expected: f32 =
            (0..SIDE).map(|place| (2.0 * place as f32 + 0.5) * (PI * (place as f32 + 0.5) / 32.0).cos()).sum::<f32>()
                * (2.0f32 / 32.0).sqrt()
                * 32.0f32.sqrt();
        let along: Vec<f32> = transform.iter().copied().filter(|wave| (wave - expected).abs() < 0.1).collect();
        assert_eq!(along.len(), 1, "{expected} {:?}", &transform[..20]);
        let cut = averages(&ramp, 64, [25, 0, 0, 0]);
        assert!((cut[0] - 49.0 / 3.0).abs() < 1e-3 && (cut[SIDE - 1] - 188.0 / 3.0).abs() < 1e-3, "{:?}", &cut[..SIDE]);
    }
}
