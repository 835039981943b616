//! The weights of a linear layer in the form that their file has them in, and the product that is made for it.

use crate::kernels::layout::ACTIVATION_I16_MAX;
use crate::kernels::{
    Epilogue, FourBitWeights, PackedWeights, PanelRoom, RowsI8, RowsI16, RowsU7, SixteenBitWeights, fast,
};

/// What a product works in besides weights: activations in the bits that the weights beside them take, eight for four
/// and seven for eight, and room to unpack.
#[derive(Debug, Default)]
pub struct Operands {
    pub(super) rows: RowsU7,
    pub(super) words: RowsI16,
    eight_bits: RowsI8,
    panel: PanelRoom,
}

impl Operands {
    /// Quantises rows of as many floats as these matrices, all of one shape, have inputs.
    pub(super) fn quantise<'a>(&mut self, input: &[f32], matrices: impl IntoIterator<Item = &'a Matrix>) {
        let (mut to_seven, mut to_eight) = (false, false);
        for matrix in matrices {
            match matrix {
                Matrix::FourBits(weights) if !to_eight => {
                    fast::quantise_rows_to_eight_bits(input, weights.n_in(), &mut self.eight_bits);
                    to_eight = true;
                }
                Matrix::EightBits(weights) if !to_seven => {
                    fast::quantise_rows(input, weights.n_in(), &mut self.rows);
                    to_seven = true;
                }
                _ => {}
            }
        }
    }
}

/// The weights and bias of a linear map.
#[derive(Debug, Clone)]
pub enum Matrix {
    /// On the grid of Q4_0: four bits at rest and while they are multiplied.
    FourBits(FourBitWeights),
    /// A byte each, with a scale per output.
    EightBits(PackedWeights),
}

impl Matrix {
    /// Outputs.
    pub fn n_out(&self) -> usize {
        match self {
            Self::FourBits(weights) => weights.n_out(),
            Self::EightBits(weights) => weights.n_out(),
        }
    }

    /// Inputs.
    pub fn n_in(&self) -> usize {
        match self {
            Self::FourBits(weights) => weights.n_in(),
            Self::EightBits(weights) => weights.n_in(),
        }
    }

    /// Where the bias is put.
    pub fn bias_mut(&mut self) -> &mut [f32] {
        match self {
            Self::FourBits(weights) => weights.bias_mut(),
            Self::EightBits(weights) => weights.bias_mut(),
        }
    }

    /// Bytes of memory it holds.
    pub fn byte_len(&self) -> usize {
        match self {
            Self::FourBits(weights) => weights.byte_len(),
            Self::EightBits(weights) => weights.byte_len(),
        }
    }

    /// `rows × weights`, with bias and epilogue, into rows of `out` that begin `out_stride` apart. The rows are those that
    /// were quantised for this matrix.
    pub(super) fn apply(&self, operands: &mut Operands, epilogue: Epilogue, out: &mut [f32], out_stride: usize) {
        let Operands { rows, eight_bits, panel, .. } = operands;
        match self {
            Self::FourBits(weights) => fast::linear_of_four_bits(eight_bits, weights, panel, epilogue, out, out_stride),
            Self::EightBits(weights) => fast::linear(rows, weights, epilogue, out, out_stride),
        }
    }
}

/// The weights of a convolution as a matrix of its window's inputs.
#[derive(Debug, Clone)]
pub enum Taps {
    /// Beside activations of seven bits, with a grid for each window.
    EightBits(PackedWeights),
    /// Beside activations of eleven bits and a sign, with one grid for all windows.
    SixteenBits(SixteenBitWeights),
}

impl Taps {
    /// Outputs.
    pub fn n_out(&self) -> usize {
        match self {
            Self::EightBits(weights) => weights.n_out(),
            Self::SixteenBits(weights) => weights.n_out(),
        }
    }

    /// Inputs.
    pub fn n_in(&self) -> usize {
        match self {
            Self::EightBits(weights) => weights.n_in(),
            Self::SixteenBits(weights) => weights.n_in(),
        }
    }

    /// Where the bias is put.
    pub fn bias_mut(&mut self) -> &mut [f32] {
        match self {
            Self::EightBits(weights) => weights.bias_mut(),
            Self::SixteenBits(weights) => weights.bias_mut(),
        }
    }

    /// Bytes of memory it holds.
    pub fn byte_len(&self) -> usize {
        match self {
            Self::EightBits(weights) => weights.byte_len(),
            Self::SixteenBits(weights) => weights.byte_len(),
        }
    }

    /// `input × weights`, with bias and epilogue, into rows of `out` that lie one after another.
    pub(super) fn apply(&self, input: &[f32], operands: &mut Operands, epilogue: Epilogue, out: &mut [f32]) {
        let (n_in, n_out) = (self.n_in(), self.n_out());
        match self {
            Self::EightBits(weights) => {
                fast::quantise_rows(input, n_in, &mut operands.rows);
                fast::linear(&operands.rows, weights, epilogue, out, n_out);
            }
            Self::SixteenBits(weights) => {
                let words = &mut operands.words;
                let mut largest = 0.0;
                fast::reach(input, &mut largest);
                let scale = largest / f32::from(ACTIVATION_I16_MAX);
                words.resize(input.len() / n_in, n_in, scale);
                let stride = words.stride();
                if stride == n_in {
                    fast::to_sixteen_bits(input, scale, words.values_mut());
                } else {
                    let rows = words.values_mut().chunks_exact_mut(stride);
                    input.chunks_exact(n_in).zip(rows).for_each(|(x, row)| fast::to_sixteen_bits(x, scale, row));
                }
                fast::linear_of_sixteen_bits(words, weights, epilogue, out, n_out);
            }
        }
    }
}
