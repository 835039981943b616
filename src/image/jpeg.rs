//! What a JPEG does to a picture: written as Pillow writes one by default (quality 75, colour at half the width and
//! height) and read again, equal to libjpeg-turbo to the bit. The bytes between are lossless and therefore left out.
//!
//! open_nsfw's own preparation has this step in it: the pictures that set its scores have been through it.

/// A row of eight values for each of eight rows.
type Block = [[i32; 8]; 8];

/// The standard's tables at quality 75: half the example tables of its annex K, rounded up.
const QUANTA_LUMA: Block = [
    [8, 6, 5, 8, 12, 20, 26, 31],
    [6, 6, 7, 10, 13, 29, 30, 28],
    [7, 7, 8, 12, 20, 29, 35, 28],
    [7, 9, 11, 15, 26, 44, 40, 31],
    [9, 11, 19, 28, 34, 55, 52, 39],
    [12, 18, 28, 32, 41, 52, 57, 46],
    [25, 32, 39, 44, 52, 61, 60, 51],
    [36, 46, 48, 49, 56, 50, 52, 50],
];
const QUANTA_CHROMA: Block = [
    [9, 9, 12, 24, 50, 50, 50, 50],
    [9, 11, 13, 33, 50, 50, 50, 50],
    [12, 13, 28, 50, 50, 50, 50, 50],
    [24, 33, 50, 50, 50, 50, 50, 50],
    [50; 8],
    [50; 8],
    [50; 8],
    [50; 8],
];

/// Changes `side × side` RGB pixels, `side` a multiple of 16, into what reading their JPEG would give.
///
/// # Panics
///
/// If `side` is no multiple of 16 or `rgb` has another length.
pub fn through_jpeg(rgb: &mut [u8], side: usize) {
    assert!(side.is_multiple_of(16), "a side of {side} pixels is no multiple of 16");
    assert_eq!(rgb.len(), side * side * 3, "bytes of a picture of {side} × {side} pixels");
    if side == 0 {
        return;
    }
    let mut planes = Planes::of(rgb, side);
    through_blocks(&mut planes.luma, side, &QUANTA_LUMA);
    through_blocks(&mut planes.blue, side / 2, &QUANTA_CHROMA);
    through_blocks(&mut planes.red, side / 2, &QUANTA_CHROMA);
    planes.show(rgb, side);
}

/// Brightness, and at half the width and height how far blue and red stand from it.
struct Planes {
    luma: Vec<u8>,
    blue: Vec<u8>,
    red: Vec<u8>,
}

/// Colours' factors have 16 bits behind the point.
const fn fixed(factor: f64) -> i32 {
    (factor * 65536.0 + 0.5) as i32
}

const HALF: i32 = 1 << 15;

impl Planes {
    fn of(rgb: &[u8], side: usize) -> Self {
        let half = side / 2;
        let mut planes = Self { luma: vec![0; side * side], blue: vec![0; half * half], red: vec![0; half * half] };
        let (mut blue, mut red) = (vec![0; side * 2], vec![0; side * 2]);
        let lumas = planes.luma.chunks_exact_mut(side * 2);
        let halves = planes.blue.chunks_exact_mut(half).zip(planes.red.chunks_exact_mut(half));
        for ((rgb, luma), (half_blue, half_red)) in rgb.chunks_exact(side * 6).zip(lumas).zip(halves) {
            let out = luma.iter_mut().zip(&mut blue).zip(&mut red);
            for (pixel, ((luma, blue), red)) in rgb.as_chunks::<3>().0.iter().zip(out) {
                let [r, g, b] = pixel.map(i32::from);
                // Just under a half is added to the colours, so that the strongest of them comes to 255.
                let middle = (128 << 16) + HALF - 1;
                *luma = ((fixed(0.299) * r + fixed(0.587) * g + fixed(0.114) * b + HALF) >> 16) as u8;
                *blue = ((fixed(0.5) * b - fixed(0.16874) * r - fixed(0.33126) * g + middle) >> 16) as u8;
                *red = ((fixed(0.5) * r - fixed(0.41869) * g - fixed(0.08131) * b + middle) >> 16) as u8;
            }
            halve(&blue, half_blue);
            halve(&red, half_red);
        }
        planes
    }

    fn show(&self, rgb: &mut [u8], side: usize) {
        let half = side / 2;
        let (mut blues, mut reds) = (vec![0; side], vec![0; side]);
        let mut sums = vec![0; half + 2];
        for (y, (rgb, luma)) in rgb.chunks_exact_mut(side * 3).zip(self.luma.chunks_exact(side)).enumerate() {
            widen(&self.blue, y, &mut sums, &mut blues);
            widen(&self.red, y, &mut sums, &mut reds);
            for (pixel, ((luma, blue), red)) in
                rgb.as_chunks_mut::<3>().0.iter_mut().zip(luma.iter().zip(&blues).zip(&reds))
            {
                let (luma, blue, red) = (i32::from(*luma), i32::from(*blue) - 128, i32::from(*red) - 128);
                let r = luma + ((fixed(1.402) * red + HALF) >> 16);
                let g = luma + ((HALF - fixed(0.34414) * blue - fixed(0.71414) * red) >> 16);
                let b = luma + ((fixed(1.772) * blue + HALF) >> 16);
                *pixel = [r, g, b].map(byte);
            }
        }
    }
}

fn byte(value: i32) -> u8 {
    value.clamp(0, 255) as u8
}

/// Two rows to one of half their width. A half is rounded down and up in turn, lest colours drift to one side.
fn halve(rows: &[u8], out: &mut [u8]) {
    let (above, below) = rows.split_at(out.len() * 2);
    let pairs = above.as_chunks::<2>().0.iter().zip(below.as_chunks::<2>().0);
    for (x, (out, (above, below))) in out.iter_mut().zip(pairs).enumerate() {
        let sum: u16 = above.iter().chain(below).map(|&value| u16::from(value)).sum();
        *out = ((sum + 1 + (x as u16 & 1)) >> 2) as u8;
    }
}

/// Row `y`, at full width, of a plane that has half the width and height. Each of the four pixels that were made one is
/// nearest to one corner of it, and so gets nine parts of it, three of both neighbours there, and one of the third.
fn widen(plane: &[u8], y: usize, sums: &mut [u16], out: &mut [u8]) {
    let half = out.len() / 2;
    let near = y / 2;
    let far = if y.is_multiple_of(2) { near.saturating_sub(1) } else { (near + 1).min(half - 1) };
    let (near, far) = (&plane[near * half..][..half], &plane[far * half..][..half]);
    for (sum, (&near, &far)) in sums[1..].iter_mut().zip(near.iter().zip(far)) {
        *sum = 3 * u16::from(near) + u16::from(far);
    }
    // Beyond the edges the picture goes on as at them.
    sums[0] = sums[1];
    sums[half + 1] = sums[half];
    for (out, [left, sum, right]) in out.as_chunks_mut::<2>().0.iter_mut().zip(sums.array_windows()) {
        *out = [((3 * sum + left + 8) >> 4) as u8, ((3 * sum + right + 7) >> 4) as u8];
    }
}

/// Each block of 8 × 8 to frequencies, these to whole quanta, and back.
fn through_blocks(plane: &mut [u8], side: usize, quanta: &Block) {
    let reciprocals = quanta.map(|row| row.map(reciprocal));
    for rows in plane.chunks_exact_mut(side * 8) {
        for x in (0..side).step_by(8) {
            let mut block = Block::default();
            for (row, values) in rows.chunks_exact(side).zip(&mut block) {
                *values = std::array::from_fn(|column| i32::from(row[x + column]) - 128);
            }
            to_frequencies(&mut block);
            for (row, (quanta, reciprocals)) in block.iter_mut().zip(quanta.iter().zip(&reciprocals)) {
                for (value, (&quantum, &reciprocal)) in row.iter_mut().zip(quanta.iter().zip(reciprocals)) {
                    *value = whole_quanta(*value, quantum, reciprocal) * quantum;
                }
            }
            from_frequencies(&mut block);
            for (row, values) in rows.chunks_exact_mut(side).zip(&block) {
                row[x..x + 8].copy_from_slice(&values.map(|value| byte(value + 128)));
            }
        }
    }
}

/// One over the quantum, rounded up, with 18 bits behind the point: enough for every frequency there can be.
fn reciprocal(quantum: i32) -> i32 {
    ((1 << 18) + quantum - 1) / quantum
}

/// The nearest whole number of quanta, halves away from zero. The frequencies come at eight times their size.
fn whole_quanta(value: i32, quantum: i32, reciprocal: i32) -> i32 {
    let sign = value >> 31;
    let size = (value ^ sign) - sign;
    let n_quanta = (((size + 4 * quantum) >> 3) * reciprocal) >> 18;
    (n_quanta ^ sign) - sign
}

/// The cosine transforms' factors have 13 bits behind the point, and the values between their passes two.
const FACTOR_BITS: u32 = 13;
const BETWEEN_BITS: u32 = 2;
const F_0_298: i32 = 2446;
const F_0_390: i32 = 3196;
const F_0_541: i32 = 4433;
const F_0_765: i32 = 6270;
const F_0_899: i32 = 7373;
const F_1_175: i32 = 9633;
const F_1_501: i32 = 12299;
const F_1_847: i32 = 15137;
const F_1_961: i32 = 16069;
const F_2_053: i32 = 16819;
const F_2_562: i32 = 20995;
const F_3_072: i32 = 25172;

/// libjpeg's accurate integer cosine transform ("islow", after Loeffler, Ligtenberg and Moschytz): rows, then columns.
/// Gives eight times the frequencies.
fn to_frequencies(block: &mut Block) {
    *block = turn(block);
    each_column(block, |column| forward(column, |sum| sum << BETWEEN_BITS, descale::<{ FACTOR_BITS - BETWEEN_BITS }>));
    *block = turn(block);
    each_column(block, |column| forward(column, descale::<BETWEEN_BITS>, descale::<{ FACTOR_BITS + BETWEEN_BITS }>));
}

/// And back: columns, then rows. The order matters, as the passes round differently.
fn from_frequencies(block: &mut Block) {
    each_column(block, inverse::<{ FACTOR_BITS - BETWEEN_BITS }>);
    *block = turn(block);
    each_column(block, inverse::<{ FACTOR_BITS + BETWEEN_BITS + 3 }>);
    *block = turn(block);
}

fn turn(block: &Block) -> Block {
    std::array::from_fn(|y| std::array::from_fn(|x| block[x][y]))
}

/// Columns rather than rows, so that the compiler works on many side by side.
#[inline(always)]
fn each_column(block: &mut Block, pass: impl Fn([i32; 8]) -> [i32; 8]) {
    for x in 0..8 {
        let column = pass(std::array::from_fn(|y| block[y][x]));
        for (row, value) in block.iter_mut().zip(column) {
            row[x] = value;
        }
    }
}

/// Shifts down, rounding.
fn descale<const BITS: u32>(value: i32) -> i32 {
    (value + (1 << (BITS - 1))) >> BITS
}

/// What is a sum of values alone is scaled by `of_sum`, what has been multiplied by factors, by `of_product`.
#[inline(always)]
fn forward(column: [i32; 8], of_sum: impl Fn(i32) -> i32, of_product: impl Fn(i32) -> i32) -> [i32; 8] {
    let [s0, s1, s2, s3] = std::array::from_fn(|i| column[i] + column[7 - i]);
    let [d0, d1, d2, d3] = std::array::from_fn(|i| column[i] - column[7 - i]);
    let (outer, inner) = (s0 - s3, s1 - s2);
    let shared = (outer + inner) * F_0_541;
    let [f7, f5, f3, f1] = odd_part(d3, d2, d1, d0).map(&of_product);
    [
        of_sum(s0 + s3 + s1 + s2),
        f1,
        of_product(shared + outer * F_0_765),
        f3,
        of_sum(s0 + s3 - s1 - s2),
        f5,
        of_product(shared - inner * F_1_847),
        f7,
    ]
}

#[inline(always)]
fn inverse<const BITS: u32>([f0, f1, f2, f3, f4, f5, f6, f7]: [i32; 8]) -> [i32; 8] {
    let shared = (f2 + f6) * F_0_541;
    let (low, high) = (shared - f6 * F_1_847, shared + f2 * F_0_765);
    let (sum, difference) = ((f0 + f4) << FACTOR_BITS, (f0 - f4) << FACTOR_BITS);
    let even = [sum + high, difference + low, difference - low, sum - high];
    let [d3, d2, d1, d0] = odd_part(f7, f5, f3, f1);
    let odd = [d0, d1, d2, d3];
    std::array::from_fn(|i| descale::<BITS>(if i < 4 { even[i] + odd[i] } else { even[7 - i] - odd[7 - i] }))
}

/// What the odd frequencies need, the same there and back.
#[inline(always)]
fn odd_part(a: i32, b: i32, c: i32, d: i32) -> [i32; 4] {
    let all = (a + b + c + d) * F_1_175;
    let (outer, inner) = ((a + d) * F_0_899, (b + c) * F_2_562);
    let (first, second) = (all - (a + c) * F_1_961, all - (b + d) * F_0_390);
    [
        a * F_0_298 - outer + first,
        b * F_2_053 - inner + second,
        c * F_3_072 - inner + first,
        d * F_1_501 - outer + second,
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::tests::{fingerprint, pattern, saturated};

    /// The fingerprints are of a picture that Pillow (9.5, 12.3 and 13.0) has saved as "JPEG" without options, opened and
    /// converted to RGB.
    #[test]
    fn equals_pillow() {
        for (side, of_pattern, of_saturated) in
            [(16, 0x8417_63eb_a3b9_42fd, 0xf61e_e06e_92fd_3848), (48, 0xe83d_a0a6_b6cc_db27, 0x335b_3915_4fb8_051c)]
        {
            for (mut rgb, expected) in [(pattern(side, side), of_pattern), (saturated(side, side), of_saturated)] {
                through_jpeg(&mut rgb, side as usize);
                assert_eq!(fingerprint(&rgb), expected, "{side} × {side}");
            }
        }
    }

    /// Greys have no colour, and a block's mean comes in quanta of one.
    #[test]
    fn flat_greys_stay() {
        for grey in 0..=255 {
            let mut rgb = vec![grey; 32 * 32 * 3];
            through_jpeg(&mut rgb, 32);
            assert!(rgb.iter().all(|&value| value == grey), "{grey} came to {:?}", &rgb[..3]);
        }
    }

    #[test]
    fn a_gradient_stays_near() {
        let before: Vec<u8> =
            (0..64 * 64).flat_map(|index| [(index % 64) as u8 * 3, 90, (index / 64) as u8 * 3]).collect();
        let mut after = before.clone();
        through_jpeg(&mut after, 64);
        let furthest = before.iter().zip(&after).map(|(before, after)| before.abs_diff(*after)).max();
        assert!(furthest.is_some_and(|furthest| (1..=16).contains(&furthest)), "{furthest:?}");
    }

    #[test]
    fn halves_go_down_and_up_in_turn() {
        let mut out = [0; 4];
        halve(&[0, 1, 0, 1, 0, 1, 0, 1, 1, 0, 1, 0, 1, 0, 1, 0], &mut out);
        assert_eq!(out, [0, 1, 0, 1]);
        halve(&[255; 16], &mut out);
        assert_eq!(out, [255; 4]);
    }

    #[test]
    fn widening_mixes_neighbours_and_keeps_edges() {
        let plane = [0, 160, 160, 0];
        let mut rows = [[0; 4]; 4];
        for (y, row) in rows.iter_mut().enumerate() {
            widen(&plane, y, &mut [0; 4], row);
        }
        assert_eq!(rows, [[0, 40, 120, 160], [40, 60, 100, 120], [120, 100, 60, 40], [160, 120, 40, 0]]);
    }

    /// Every frequency that eight times eight bytes can have, and more.
    #[test]
    fn whole_quanta_are_those_of_a_division() {
        for quantum in QUANTA_LUMA.iter().chain(&QUANTA_CHROMA).flatten().copied() {
            for value in -16_384..=16_384_i32 {
                let size = (value.abs() + 4 * quantum) / (8 * quantum);
                assert_eq!(whole_quanta(value, quantum, reciprocal(quantum)), size * value.signum());
            }
        }
    }

    /// Against the cosine transform's definition.
    #[test]
    fn frequencies_are_those_of_the_definition() {
        let before: Block =
            std::array::from_fn(|y| std::array::from_fn(|x| ((x * x * 31 + y * 57) % 256) as i32 - 128));
        let mut block = before;
        to_frequencies(&mut block);
        let cosine = |x: usize, u: usize| {
            let norm = if u == 0 { 0.5_f64.sqrt() } else { 1.0 };
            norm * ((2 * x + 1) as f64 * u as f64 * std::f64::consts::PI / 16.0).cos() / 2.0
        };
        for (v, row) in block.iter().enumerate() {
            for (u, &found) in row.iter().enumerate() {
                let at = |y: usize, x: usize| f64::from(before[y][x]) * cosine(y, v) * cosine(x, u);
                let expected: f64 = (0..8).flat_map(|y| (0..8).map(move |x| at(y, x))).sum();
                assert!((f64::from(found) - 8.0 * expected).abs() < 2.0, "{found} for 8 × {expected} at {v}, {u}");
            }
        }
        let mut back = block.map(|row| row.map(descale::<3>));
        from_frequencies(&mut back);
        for (before, back) in before.iter().flatten().zip(back.iter().flatten()) {
            assert!((before - back).abs() <= 2, "{back} for {before}");
        }
    }

    #[test]
    #[should_panic(expected = "a side of 24 pixels")]
    fn sides_in_half_blocks_are_refused() {
        through_jpeg(&mut [0; 24 * 24 * 3], 24);
    }

    #[test]
    #[should_panic(expected = "bytes of a picture")]
    fn other_lengths_are_refused() {
        through_jpeg(&mut [0; 16 * 16 * 4], 16);
    }
}
