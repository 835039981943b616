//! A residual net's convolutions on pictures laid out `[height][width][channels]`: gathered into rows, a band of output
//! rows at a time, and multiplied as matrices. Sixteen bits where eight cost too much of the answer.

use std::cell::RefCell;
use std::ops::Range;

use candle_core::{CpuStorage, InplaceOp1, InplaceOp2, Layout, Result};

use super::matrix::{Operands, Taps};
use super::workspace::room;
use super::{Workspace, floats, floats_mut};
use crate::kernels::layout::ACTIVATION_I16_MAX;
use crate::kernels::{Epilogue, fast};

/// What the rows of one band take: they stay in the second cache while all weights pass by.
const BAND_BYTES: usize = 128 * 1024;

/// A convolution over a square picture, with zeros around it.
#[derive(Debug, Clone)]
pub struct Convolution {
    pub taps: Taps,
    /// Width and height of its window: odd.
    pub side: usize,
    pub stride: usize,
    /// Width and height of the picture it reads.
    pub size: usize,
    /// Channels of that picture.
    pub n_in: usize,
}

impl Convolution {
    pub fn size_out(&self) -> usize {
        (self.size - 1) / self.stride + 1
    }

    pub fn n_out(&self) -> usize {
        self.taps.n_out()
    }

    /// Numbers of the picture that it makes.
    pub fn len_out(&self) -> usize {
        self.size_out() * self.size_out() * self.n_out()
    }

    pub fn byte_len(&self) -> usize {
        self.taps.byte_len()
    }

    fn apply(&self, input: &[f32], epilogue: Epilogue, out: &mut [f32], room: &mut Room) {
        let (size_out, n_out) = (self.size_out(), self.n_out());
        let window = self.side * self.side * self.n_in;
        let Room { operands, words, windows } = room;
        // Then windows are the picture's own pixels.
        let is_plain = self.side == 1 && self.stride == 1;
        let mut scale = 0.0;
        if let (Taps::SixteenBits(_), false) = (&self.taps, is_plain) {
            fast::reach(input, &mut scale);
            scale /= f32::from(ACTIVATION_I16_MAX);
            words.resize(input.len().max(words.len()), 0);
            fast::to_sixteen_bits(input, scale, &mut words[..input.len()]);
        }
        let n_band = (BAND_BYTES / (size_out * window * size_of::<f32>())).clamp(1, size_out);
        for first in (0..size_out).step_by(n_band) {
            let band = first..size_out.min(first + n_band);
            let n_windows = band.len() * size_out;
            let out = &mut out[band.start * size_out * n_out..][..n_windows * n_out];
            match &self.taps {
                taps if is_plain => {
                    let pixels = &input[band.start * size_out * window..][..n_windows * window];
                    taps.apply(pixels, operands, epilogue, out);
                }
                Taps::SixteenBits(weights) => {
                    let rows = &mut operands.words;
                    rows.resize(n_windows, window, scale);
                    let stride = rows.stride();
                    self.gather(&words[..input.len()], band, rows.values_mut(), stride);
                    fast::linear_of_sixteen_bits(rows, weights, epilogue, out, n_out);
                }
                taps => {
                    let windows = super::workspace::room(windows, n_windows * window);
                    self.gather(input, band, windows, window);
                    taps.apply(windows, operands, epilogue, out);
                }
            }
        }
    }

    /// What each output pixel of these rows sees, as a row of `out`: rows begin `out_stride` apart.
    fn gather<T: Copy + Default>(&self, input: &[T], rows: Range<usize>, out: &mut [T], out_stride: usize) {
        let (size, n_in, before) = (self.size, self.n_in, self.side / 2);
        let n_line = self.side * n_in;
        let pixels = rows.flat_map(|y| (0..self.size_out()).map(move |x| (y, x)));
        for ((y, x), out) in pixels.zip(out.chunks_exact_mut(out_stride)) {
            // Columns and rows of the window, counted from `before` outside of the picture.
            let (x, y) = (x * self.stride, y * self.stride);
            let skipped = before.saturating_sub(x);
            let n_columns = (size + before - x).min(self.side) - skipped;
            for (line, out) in out.chunks_exact_mut(n_line).take(self.side).enumerate() {
                match (y + line).checked_sub(before).filter(|&y| y < size) {
                    Some(y) => {
                        let from = &input[(y * size + x + skipped - before) * n_in..][..n_columns * n_in];
                        let (left, rest) = out.split_at_mut(skipped * n_in);
                        let (middle, right) = rest.split_at_mut(from.len());
                        left.fill(T::default());
                        middle.copy_from_slice(from);
                        right.fill(T::default());
                    }
                    None => out.fill(T::default()),
                }
            }
        }
    }
}

/// Narrow, look around, widen, and add what came in.
#[derive(Debug, Clone)]
pub struct Bottleneck {
    /// 1×1, with the block's stride.
    pub narrow: Convolution,
    /// 3×3.
    pub middle: Convolution,
    /// 1×1 from the block's input to its output's shape, where these differ.
    pub shortcut: Option<Convolution>,
    /// 1×1.
    pub widen: Convolution,
}

impl Bottleneck {
    pub fn len_out(&self) -> usize {
        self.widen.len_out()
    }

    pub fn byte_len(&self) -> usize {
        let shortcut = self.shortcut.as_ref().map_or(0, Convolution::byte_len);
        self.narrow.byte_len() + self.middle.byte_len() + shortcut + self.widen.byte_len()
    }

    /// The narrow part, whose result waits in the workspace.
    fn look(&self, input: &[f32], workspace: &mut Workspace) {
        let Workspace { wide, narrow, pictures, .. } = workspace;
        let narrowed = room(narrow, self.narrow.len_out());
        self.narrow.apply(input, Epilogue::Relu, narrowed, pictures);
        self.middle.apply(narrowed, Epilogue::Relu, room(wide, self.middle.len_out()), pictures);
    }

    fn widen(&self, out: &mut [f32], workspace: &mut Workspace) {
        let Workspace { wide, pictures, .. } = workspace;
        self.widen.apply(room(wide, self.middle.len_out()), Epilogue::AddRelu, out, pictures);
    }
}

/// What convolutions work in: grows to the largest seen and stays.
#[derive(Debug, Default)]
pub(super) struct Room {
    operands: Operands,
    /// The picture in sixteen bits.
    words: Vec<i16>,
    /// A band's windows.
    windows: Vec<f32>,
}

/// `hidden.inplace_op1(&pass)` for a block without a shortcut of its own, `out.inplace_op2(&input, &pass)` for one with.
pub struct BottleneckPass<'a> {
    pub block: &'a Bottleneck,
    pub workspace: &'a RefCell<Workspace>,
}

impl InplaceOp1 for BottleneckPass<'_> {
    fn name(&self) -> &'static str {
        "sotto-bottleneck"
    }

    fn cpu_fwd(&self, hidden: &mut CpuStorage, hidden_at: &Layout) -> Result<()> {
        let (hidden, workspace) = (floats_mut(hidden, hidden_at)?, &mut *self.workspace.borrow_mut());
        self.block.look(hidden, workspace);
        self.block.widen(hidden, workspace);
        Ok(())
    }
}

impl InplaceOp2 for BottleneckPass<'_> {
    fn name(&self) -> &'static str {
        "sotto-projected-bottleneck"
    }

    fn cpu_fwd(&self, out: &mut CpuStorage, out_at: &Layout, input: &CpuStorage, input_at: &Layout) -> Result<()> {
        let (input, out) = (floats(input, input_at)?, floats_mut(out, out_at)?);
        let workspace = &mut *self.workspace.borrow_mut();
        self.block.look(input, workspace);
        if let Some(shortcut) = &self.block.shortcut {
            shortcut.apply(input, Epilogue::Store, out, &mut workspace.pictures);
        }
        self.block.widen(out, workspace);
        Ok(())
    }
}

/// The convolution that opens the net, and the largest of each 3 × 3 pixels of what it gives, every second one:
/// `out.inplace_op2(&picture, &pass)`.
pub struct StemPass<'a> {
    pub stem: &'a Convolution,
    pub workspace: &'a RefCell<Workspace>,
}

impl StemPass<'_> {
    /// Width and height of what comes out.
    pub fn size_out(stem: &Convolution) -> usize {
        stem.size_out() / 2
    }
}

impl InplaceOp2 for StemPass<'_> {
    fn name(&self) -> &'static str {
        "sotto-residual-stem"
    }

    fn cpu_fwd(&self, out: &mut CpuStorage, out_at: &Layout, input: &CpuStorage, input_at: &Layout) -> Result<()> {
        let Workspace { wide, pictures, .. } = &mut *self.workspace.borrow_mut();
        let made = room(wide, self.stem.len_out());
        self.stem.apply(floats(input, input_at)?, Epilogue::Relu, made, pictures);
        largest_of_nine(made, self.stem.size_out(), self.stem.n_out(), floats_mut(out, out_at)?);
        Ok(())
    }
}

/// The largest of pixels 2x, 2x + 1 and 2x + 2 both ways; past the end there are none.
fn largest_of_nine(input: &[f32], size: usize, n_channels: usize, out: &mut [f32]) {
    let size_out = size / 2;
    for (index, out) in out.chunks_exact_mut(n_channels).take(size_out * size_out).enumerate() {
        let (y, x) = (index / size_out * 2, index % size_out * 2);
        out.fill(f32::NEG_INFINITY);
        for y in y..size.min(y + 3) {
            for x in x..size.min(x + 3) {
                let pixel = &input[(y * size + x) * n_channels..][..n_channels];
                out.iter_mut().zip(pixel).for_each(|(out, &value)| *out = if value > *out { value } else { *out });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::random::Random;
    use crate::kernels::{PackedWeights, SixteenBitWeights};

    /// The sum that a convolution is, one number at a time.
    fn plain(convolution: &Convolution, weights: &[f32], input: &[f32]) -> Vec<f32> {
        let Convolution { side, stride, size, n_in, .. } = *convolution;
        let (size_out, n_out) = (convolution.size_out(), convolution.n_out());
        let mut out = Vec::new();
        for (y, x, column) in
            (0..size_out).flat_map(|y| (0..size_out).flat_map(move |x| (0..n_out).map(move |column| (y, x, column))))
        {
            let mut sum = 0.0;
            for (tap, weights) in
                weights[column * side * side * n_in..].chunks_exact(n_in).take(side * side).enumerate()
            {
                let (y, x) = (y * stride + tap / side, x * stride + tap % side);
                let (Some(y), Some(x)) = (y.checked_sub(side / 2), x.checked_sub(side / 2)) else { continue };
                if y < size && x < size {
                    let pixel = &input[(y * size + x) * n_in..][..n_in];
                    sum += weights.iter().zip(pixel).map(|(&weight, &value)| weight * value).sum::<f32>();
                }
            }
            out.push(sum);
        }
        out
    }

    #[test]
    fn convolutions_are_the_sums_of_their_windows() {
        for (side, stride, size, n_in, n_out) in [
            (1, 1, 5, 16, 9),
            (1, 2, 7, 16, 8),
            (1, 2, 8, 3, 8),
            (3, 1, 6, 5, 8),
            (3, 1, 1, 4, 3),
            (7, 2, 20, 3, 16),
            (7, 2, 21, 3, 8),
        ] {
            let mut random = Random((side * size + n_out) as u64);
            let n_window = side * side * n_in;
            let whole: Vec<i8> = (0..n_out * n_window).map(|_| (random.float() * 100.0) as i8).collect();
            let input: Vec<f32> = random.floats(size * size * n_in, 3.0);
            let mut eight = PackedWeights::zeroed(n_out, n_window);
            let mut sixteen = SixteenBitWeights::zeroed(n_out, n_window);
            for (column, row) in whole.chunks_exact(n_window).enumerate() {
                eight.set_column(column, row, 0.01);
                assert!(sixteen.set_column(column, row.iter().map(|&weight| 40 * i16::from(weight)), 0.01 / 40.0));
            }
            let floats: Vec<f32> = whole.iter().map(|&weight| f32::from(weight) * 0.01).collect();
            for (taps, allowed) in [(Taps::EightBits(eight), 0.05), (Taps::SixteenBits(sixteen), 0.002)] {
                let convolution = Convolution { taps, side, stride, size, n_in };
                let want = plain(&convolution, &floats, &input);
                let mut got = vec![f32::NAN; convolution.len_out()];
                let mut room = Room::default();
                // What an earlier picture left must not be seen: its rows are as long, and full.
                room.windows.resize(100_000, 1e6);
                let before = Taps::SixteenBits(SixteenBitWeights::zeroed(8, n_window));
                let size = convolution.size_out();
                let before = Convolution { taps: before, side: 1, stride: 1, size, n_in: n_window };
                let full = vec![50.0; size * size * n_window];
                before.apply(&full, Epilogue::Store, &mut vec![0.0; before.len_out()], &mut room);
                convolution.apply(&input, Epilogue::Store, &mut got, &mut room);
                let bound = allowed * (n_window as f32).sqrt();
                for (index, (got, want)) in got.iter().zip(&want).enumerate() {
                    assert!((got - want).abs() <= bound, "{side} {stride} {size} at {index}: {got} for {want}");
                }
            }
        }
    }

    #[test]
    fn the_largest_of_nine_stops_at_the_edge() {
        let input: Vec<f32> = (0..16).map(|index| index as f32).collect();
        let mut out = [0.0; 4];
        largest_of_nine(&input, 4, 1, &mut out);
        assert_eq!(out, [10.0, 11.0, 14.0, 15.0]);
    }
}
