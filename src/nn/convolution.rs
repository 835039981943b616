//! MobileNetV2's blocks on pictures laid out `[height][width][channels]`.
//!
//! A block is worked row by row: three expanded rows are kept in a ring, each output row is convolved, narrowed to
//! seven bits and projected while it is still in the first cache. The expanded picture (4.8 MB at its largest) never
//! exists as a whole.

use std::cell::RefCell;

use candle_core::{CpuStorage, CustomOp1, Error, InplaceOp1, InplaceOp2, Layout, Result, Shape};

use super::matrix::{Operands, Taps};
use super::workspace::room;
use super::{Workspace, floats, floats_mut};
use crate::kernels::{Epilogue, PackedWeights, fast};

/// The 3×3 stride-2 convolution over RGB that opens the net.
#[derive(Debug, Clone)]
pub struct Stem {
    /// [27][n_out]: row, column, channel.
    pub weights: Vec<f32>,
    /// [n_out]
    pub bias: Vec<f32>,
}

/// Where a block's wide rows come from.
#[derive(Debug, Clone)]
pub enum RowSource {
    /// The first block reads the picture through the stem.
    Stem(Stem),
    /// [n_in] → [n_expanded], a 1×1 convolution.
    Expand(Taps),
    /// The input's own rows.
    Input,
}

#[derive(Debug, Clone)]
pub struct InvertedResidual {
    pub source: RowSource,
    /// [9][n_expanded]: taps in reading order.
    pub depthwise: Vec<f32>,
    /// [n_expanded]
    pub depthwise_bias: Vec<f32>,
    /// [n_expanded] → [n_out], a 1×1 convolution without activation.
    pub project: Taps,
    pub stride: usize,
    /// Whether the input is added to the output; then the block works in place.
    pub residual: bool,
    /// Width and height of the input (of the stem's output for the first block); pictures are square.
    pub size: usize,
}

impl InvertedResidual {
    pub fn size_out(&self) -> usize {
        self.size.div_ceil(self.stride)
    }

    pub fn byte_len(&self) -> usize {
        let source = match &self.source {
            RowSource::Stem(stem) => 4 * (stem.weights.len() + stem.bias.len()),
            RowSource::Expand(weights) => weights.byte_len(),
            RowSource::Input => 0,
        };
        source + 4 * (self.depthwise.len() + self.depthwise_bias.len()) + self.project.byte_len()
    }

    /// Wide row `y`, with a zero pixel at both ends.
    fn make_row(&self, y: usize, input: &[f32], operands: &mut Operands, out: &mut [f32]) {
        let n_wide = self.depthwise_bias.len();
        let (ends, n_middle) = (n_wide, self.size * n_wide);
        out[..ends].fill(0.0);
        out[ends + n_middle..].fill(0.0);
        let middle = &mut out[ends..ends + n_middle];
        match &self.source {
            RowSource::Stem(stem) => {
                let width = 2 * self.size + 1;
                let row = |dy: usize| &input[(2 * y + dy) * width * 3..][..width * 3];
                fast::stem_row([row(0), row(1), row(2)], &stem.weights, &stem.bias, middle);
            }
            RowSource::Expand(weights) => {
                let n_row = self.size * weights.n_in();
                weights.apply(&input[y * n_row..][..n_row], operands, Epilogue::Relu6, middle);
            }
            RowSource::Input => middle.copy_from_slice(&input[y * n_middle..][..n_middle]),
        }
    }

    /// Works through the picture, output row by output row. Input row `y` has been read for the last time when output
    /// row `y` is written, so a picture that is its own output is safe where shapes are equal.
    fn walk(&self, picture: &mut impl InOut, workspace: &mut Workspace) {
        let n_wide = self.depthwise_bias.len();
        let n_ring_row = (self.size + 2) * n_wide;
        let size_out = self.size_out();
        // TensorFlow's "same": one zero pixel on every side at stride 1, after the end only at stride 2 and even size.
        let before = usize::from(self.stride == 1 || self.size % 2 == 1);
        let Workspace { operands, wide, narrow, .. } = workspace;
        let (ring, zeros) = room(wide, 4 * n_ring_row).split_at_mut(3 * n_ring_row);
        zeros.fill(0.0);
        let convolved = room(narrow, size_out * n_wide);
        let mut n_made = 0;
        for y_out in 0..size_out {
            // Counted from the zero row above the picture.
            let first = y_out * self.stride + 1 - before;
            while n_made < self.size && n_made < first + 2 {
                let slot = n_made % 3 * n_ring_row;
                self.make_row(n_made, picture.input(), operands, &mut ring[slot..slot + n_ring_row]);
                n_made += 1;
            }
            let taps = [first, first + 1, first + 2].map(|y| match y.checked_sub(1) {
                Some(y) if y < self.size => &ring[y % 3 * n_ring_row..][..n_ring_row],
                _ => &*zeros,
            });
            fast::depthwise_row(taps, &self.depthwise, &self.depthwise_bias, self.stride, 1 - before, convolved);
            let n_out = self.project.n_out();
            let (out, epilogue) = picture.output_row(y_out * size_out * n_out, size_out * n_out);
            self.project.apply(convolved, operands, epilogue, out);
        }
    }
}

/// What a block reads and where it writes.
trait InOut {
    fn input(&self) -> &[f32];
    fn output_row(&mut self, start: usize, length: usize) -> (&mut [f32], Epilogue);
}

/// A residual block adds to what it reads.
struct Same<'a>(&'a mut [f32]);

impl InOut for Same<'_> {
    fn input(&self) -> &[f32] {
        self.0
    }

    fn output_row(&mut self, start: usize, length: usize) -> (&mut [f32], Epilogue) {
        (&mut self.0[start..start + length], Epilogue::Add)
    }
}

struct Apart<'a> {
    input: &'a [f32],
    out: &'a mut [f32],
}

impl InOut for Apart<'_> {
    fn input(&self) -> &[f32] {
        self.input
    }

    fn output_row(&mut self, start: usize, length: usize) -> (&mut [f32], Epilogue) {
        (&mut self.out[start..start + length], Epilogue::Store)
    }
}

/// `hidden.inplace_op1(&pass)` for a residual block, `out.inplace_op2(&input, &pass)` for the others. The first
/// block's input is the picture as [2 × size + 1][2 × size + 1][3], with zeros in the last row and column.
pub struct BlockPass<'a> {
    pub block: &'a InvertedResidual,
    pub workspace: &'a RefCell<Workspace>,
}

impl InplaceOp1 for BlockPass<'_> {
    fn name(&self) -> &'static str {
        "sotto-inverted-residual"
    }

    fn cpu_fwd(&self, hidden: &mut CpuStorage, hidden_at: &Layout) -> Result<()> {
        if !self.block.residual {
            return Err(Error::Msg("only a residual block works in place".into()));
        }
        self.block.walk(&mut Same(floats_mut(hidden, hidden_at)?), &mut self.workspace.borrow_mut());
        Ok(())
    }
}

impl InplaceOp2 for BlockPass<'_> {
    fn name(&self) -> &'static str {
        "sotto-inverted-bottleneck"
    }

    fn cpu_fwd(&self, out: &mut CpuStorage, out_at: &Layout, input: &CpuStorage, input_at: &Layout) -> Result<()> {
        let mut picture = Apart { input: floats(input, input_at)?, out: floats_mut(out, out_at)? };
        self.block.walk(&mut picture, &mut self.workspace.borrow_mut());
        Ok(())
    }
}

/// The last 1×1 convolution with ReLU6 and the mean over all pixels: [n_pixels × n_in] → [1, n_out].
pub struct PointwisePool<'a> {
    pub weights: &'a PackedWeights,
    pub workspace: &'a RefCell<Workspace>,
}

impl CustomOp1 for PointwisePool<'_> {
    fn name(&self) -> &'static str {
        "sotto-pointwise-pool"
    }

    fn cpu_fwd(&self, input: &CpuStorage, input_at: &Layout) -> Result<(CpuStorage, Shape)> {
        let input = floats(input, input_at)?;
        let n_out = self.weights.n_out();
        let Workspace { operands: Operands { rows, .. }, wide, .. } = &mut *self.workspace.borrow_mut();
        fast::quantise_rows(input, self.weights.n_in(), rows);
        let wide = room(wide, rows.n_rows() * n_out);
        fast::linear(rows, self.weights, Epilogue::Relu6, wide, n_out);
        let mut out = vec![0f32; n_out];
        fast::average_pool(wide, &mut out);
        Ok((CpuStorage::F32(out), Shape::from((1, n_out))))
    }
}
