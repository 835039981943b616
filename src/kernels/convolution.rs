//! The convolutions that are no matrix products: 3×3 depthwise, the stem over RGB, and the mean over pixels. Channels lie
//! in lanes. A last, ragged vector overlaps the one before it: it computes some channels twice, to the same numbers.

use super::lanes::{LANES, Lanes};
use super::reference;

/// First channels of the vectors that cover `n_channels`, of which there are at least eight.
#[inline(always)]
fn vectors(n_channels: usize) -> impl Iterator<Item = usize> {
    let last = n_channels - LANES;
    (0..n_channels.div_ceil(LANES)).map(move |vector| (vector * LANES).min(last))
}

/// ```text
/// for each two output pixels:
///     for each eight channels:
///         for each of three input rows: load its pixels once, add them to both sums under their own taps
/// ```
/// Channels run innermost, so all loads are in order; the weights of all channels stay in the first-level cache.
#[inline(always)]
pub fn depthwise_row<L: Lanes>(
    lanes: L,
    input: [&[f32]; 3],
    weights: &[f32],
    bias: &[f32],
    stride: usize,
    first: usize,
    out: &mut [f32],
) {
    let n_channels = bias.len();
    if n_channels < LANES {
        return reference::depthwise_row(input, weights, bias, stride, first, out);
    }
    let n_pixels = out.len() / n_channels;
    if n_pixels == 0 {
        return;
    }
    assert_eq!(weights.len(), 9 * n_channels, "nine taps for each channel");
    let needed = ((n_pixels - 1) * stride + first + 3) * n_channels;
    assert!(input.iter().all(|row| row.len() >= needed), "input rows hold {needed} numbers");
    let row = Row { input: input.map(<[f32]>::as_ptr), n_rows: std::hint::black_box(3), weights, bias, stride, first };
    let mut x = 0;
    // SAFETY: the assertions above keep every load inside the rows, weights and bias; pixels x and x + 1 exist.
    unsafe {
        while x + 2 <= n_pixels {
            let out = out.as_mut_ptr().add(x * n_channels);
            match stride {
                1 => row.pixels::<L, 2, 4>(lanes, x, out),
                2 => row.pixels::<L, 2, 5>(lanes, x, out),
                _ => break,
            }
            x += 2;
        }
        while x < n_pixels {
            row.pixels::<L, 1, 3>(lanes, x, out.as_mut_ptr().add(x * n_channels));
            x += 1;
        }
    }
}

struct Row<'a> {
    input: [*const f32; 3],
    /// Three. The compiler must not know it: it would unroll the loop over rows, and V8 would then load all inputs and
    /// taps first and spill most of them, which took a third longer.
    n_rows: usize,
    weights: &'a [f32],
    bias: &'a [f32],
    stride: usize,
    first: usize,
}

impl Row<'_> {
    /// `PIXELS` output pixels from `COLUMNS` = (PIXELS − 1) × stride + 3 input pixels of each row.
    ///
    /// # Safety
    /// Output pixels `x..x + PIXELS` exist, with all the input they need; there are at least eight channels.
    #[inline(always)]
    unsafe fn pixels<L: Lanes, const PIXELS: usize, const COLUMNS: usize>(&self, lanes: L, x: usize, out: *mut f32) {
        let n_channels = self.bias.len();
        let step = if PIXELS == 1 { 1 } else { (COLUMNS - 3) / (PIXELS - 1) };
        let start = (x * self.stride + self.first) * n_channels;
        for channel in vectors(n_channels) {
            // SAFETY: the caller's promise; `channel + 8 <= n_channels`.
            unsafe {
                let mut sums = [lanes.load(self.bias.as_ptr().add(channel)); PIXELS];
                for row in 0..self.n_rows {
                    let from = self.input.get_unchecked(row).add(start + channel);
                    let taps = self.weights.as_ptr().add(row * 3 * n_channels + channel);
                    let taps =
                        [lanes.load(taps), lanes.load(taps.add(n_channels)), lanes.load(taps.add(2 * n_channels))];
                    for column in 0..COLUMNS {
                        let input = lanes.load(from.add(column * n_channels));
                        for pixel in 0..PIXELS {
                            let tap = column.wrapping_sub(pixel * step);
                            if tap < 3 {
                                sums[pixel] = lanes.multiply_add(input, taps[tap], sums[pixel]);
                            }
                        }
                    }
                }
                for (pixel, &sum) in sums.iter().enumerate() {
                    lanes.store(relu6(lanes, sum), out.add(pixel * n_channels + channel));
                }
            }
        }
    }
}

/// Four pixels at a time, so that a tap's weights are loaded once for all of them.
#[inline(always)]
pub fn stem_row<L: Lanes>(lanes: L, input: [&[f32]; 3], weights: &[f32], bias: &[f32], out: &mut [f32]) {
    let n_out = bias.len();
    if n_out < LANES {
        return reference::stem_row(input, weights, bias, out);
    }
    let n_pixels = out.len() / n_out;
    if n_pixels == 0 {
        return;
    }
    assert_eq!(weights.len(), 27 * n_out, "27 taps for each output");
    let needed = (n_pixels - 1) * 6 + 9;
    assert!(input.iter().all(|row| row.len() >= needed), "input rows hold {needed} numbers");
    let mut x = 0;
    // SAFETY: the assertions above keep every load inside the rows, weights and bias; the pixels exist.
    unsafe {
        while x + 4 <= n_pixels {
            stem_pixels::<L, 4>(lanes, input, weights, bias, x, out.as_mut_ptr().add(x * n_out));
            x += 4;
        }
        while x < n_pixels {
            stem_pixels::<L, 1>(lanes, input, weights, bias, x, out.as_mut_ptr().add(x * n_out));
            x += 1;
        }
    }
}

/// # Safety
/// Output pixels `x..x + PIXELS` exist, with all the input they need; there are at least eight outputs.
#[inline(always)]
unsafe fn stem_pixels<L: Lanes, const PIXELS: usize>(
    lanes: L,
    input: [&[f32]; 3],
    weights: &[f32],
    bias: &[f32],
    x: usize,
    out: *mut f32,
) {
    let n_out = bias.len();
    for channel in vectors(n_out) {
        // SAFETY: the caller's promise; `channel + 8 <= n_out`.
        unsafe {
            let mut sums = [lanes.load(bias.as_ptr().add(channel)); PIXELS];
            for (row, input) in input.iter().enumerate() {
                for tap in 0..9 {
                    let weights = lanes.load(weights.as_ptr().add((row * 9 + tap) * n_out + channel));
                    for (pixel, sum) in sums.iter_mut().enumerate() {
                        let value = lanes.splat(*input.get_unchecked((x + pixel) * 6 + tap));
                        *sum = lanes.multiply_add(value, weights, *sum);
                    }
                }
            }
            for (pixel, &sum) in sums.iter().enumerate() {
                lanes.store(relu6(lanes, sum), out.add(pixel * n_out + channel));
            }
        }
    }
}

#[inline(always)]
fn relu6<L: Lanes>(lanes: L, x: L::Floats) -> L::Floats {
    lanes.lesser(lanes.greater(x, lanes.splat(0.0)), lanes.splat(6.0))
}

/// Sums in f32, in order; for the 49 pixels of a last feature map that is 1e-6 from the truth.
#[inline(always)]
pub fn average_pool<L: Lanes>(lanes: L, input: &[f32], out: &mut [f32]) {
    let n_channels = out.len();
    if n_channels < LANES {
        return reference::average_pool(input, out);
    }
    let n_pixels = input.len() / n_channels;
    let n = lanes.splat(n_pixels.max(1) as f32);
    for channel in vectors(n_channels) {
        let mut sum = lanes.splat(0.0);
        for pixel in input.chunks_exact(n_channels) {
            // SAFETY: `channel + 8 <= n_channels`, the length of `pixel`.
            sum = lanes.add(sum, unsafe { lanes.load(pixel.as_ptr().add(channel)) });
        }
        // SAFETY: `channel + 8 <= n_channels`, the length of `out`.
        unsafe { lanes.store(lanes.div(sum, n), out.as_mut_ptr().add(channel)) };
    }
}
