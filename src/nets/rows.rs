//! What both builders do with rows from a weight file: read floats, keep scales until their weights come.

use crate::kernels::{FourBitWeights, PackedWeights, SixteenBitWeights, fast};
use crate::nn::{Matrix, Taps};
use crate::pack::{Dtype, PackError, TensorInfo};

/// Floats of an F32 tensor.
pub fn floats(bytes: &[u8]) -> impl Iterator<Item = f32> {
    bytes.as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes))
}

/// Puts an F32 tensor's rows where they belong.
pub fn fill(tensor: &TensorInfo, first_row: usize, bytes: &[u8], out: &mut [f32]) -> Result<(), PackError> {
    expect(tensor, &[Dtype::F32])?;
    let start = first_row * tensor.row_bytes / 4;
    out[start..].iter_mut().zip(floats(bytes)).for_each(|(out, value)| *out = value);
    Ok(())
}

pub fn expect(tensor: &TensorInfo, dtypes: &[Dtype]) -> Result<(), PackError> {
    if dtypes.contains(&tensor.dtype) {
        return Ok(());
    }
    Err(PackError::tensor(&tensor.name, format!("is stored as {:?}; this place takes {dtypes:?}", tensor.dtype)))
}

/// Row scales wait here for the I8 weights that follow them in the file.
#[derive(Debug, Default)]
pub struct Scales {
    of: String,
    values: Vec<f32>,
}

impl Scales {
    /// Takes `x.scale`, for `x.weight`.
    pub fn take(&mut self, tensor: &TensorInfo, bytes: &[u8]) -> Result<(), PackError> {
        expect(tensor, &[Dtype::F32])?;
        self.of = tensor.name.trim_end_matches(".scale").to_owned();
        self.values = floats(bytes).collect();
        Ok(())
    }

    pub fn of(&self, tensor: &TensorInfo) -> Result<&[f32], PackError> {
        if tensor.name.strip_suffix(".weight") != Some(&self.of) || self.values.len() != tensor.n_rows {
            return Err(PackError::tensor(&tensor.name, "its row scales don't stand right before it; pack it again"));
        }
        Ok(&self.values)
    }

    /// Puts rows of an I8 matrix into columns of `weights`, from `first_row` on.
    pub fn set_columns(
        &self,
        tensor: &TensorInfo,
        first_row: usize,
        bytes: &[u8],
        weights: &mut PackedWeights,
    ) -> Result<(), PackError> {
        self.set_columns_at(tensor, first_row, first_row, bytes, weights)
    }

    fn set_columns_at(
        &self,
        tensor: &TensorInfo,
        first_row: usize,
        first_column: usize,
        bytes: &[u8],
        weights: &mut PackedWeights,
    ) -> Result<(), PackError> {
        expect(tensor, &[Dtype::I8])?;
        let rows = as_i8(bytes).chunks_exact(tensor.row_bytes).zip(&self.of(tensor)?[first_row..]);
        for (column, (row, &scale)) in (first_column..).zip(rows) {
            weights.set_column(column, row, scale);
        }
        Ok(())
    }

    /// Puts rows of `x.weight`, I8 or I16, into columns of `taps`, from `first_row` on, and `x.bias` where it belongs.
    pub fn fill_taps(
        &self,
        tensor: &TensorInfo,
        first_row: usize,
        bytes: &[u8],
        taps: &mut Taps,
    ) -> Result<(), PackError> {
        if tensor.name.ends_with(".bias") {
            return fill(tensor, first_row, bytes, taps.bias_mut());
        }
        match taps {
            Taps::EightBits(weights) => self.set_columns(tensor, first_row, bytes, weights),
            Taps::SixteenBits(weights) => self.set_wide_columns(tensor, first_row, bytes, weights),
        }
    }

    fn set_wide_columns(
        &self,
        tensor: &TensorInfo,
        first_row: usize,
        bytes: &[u8],
        weights: &mut SixteenBitWeights,
    ) -> Result<(), PackError> {
        expect(tensor, &[Dtype::I16, Dtype::I8])?;
        let rows = bytes.chunks_exact(tensor.row_bytes).zip(&self.of(tensor)?[first_row..]);
        for (column, (row, &scale)) in (first_row..).zip(rows) {
            let is_set = match tensor.dtype {
                Dtype::I8 => weights.set_column(column, as_i8(row).iter().map(|&weight| weight.into()), scale),
                _ => {
                    let row = row.as_chunks::<2>().0.iter().map(|bytes| i16::from_le_bytes(*bytes));
                    weights.set_column(column, row, scale)
                }
            };
            if !is_set {
                return Err(PackError::tensor(
                    &tensor.name,
                    format!(
                        "the weights of row {column} are so large that their sum could leave 32 bits; pack it again"
                    ),
                ));
            }
        }
        Ok(())
    }

    /// Puts rows of a matrix into columns of `weights`, from `first_column` on, which is their last form.
    pub fn put(
        &self,
        tensor: &TensorInfo,
        first_row: usize,
        first_column: usize,
        bytes: &[u8],
        weights: &mut Matrix,
    ) -> Result<(), PackError> {
        match weights {
            Matrix::FourBits(weights) => {
                expect(tensor, &[Dtype::Q4_0])?;
                fast::put_q4_columns(bytes, first_column, weights);
                Ok(())
            }
            Matrix::EightBits(weights) => self.set_columns_at(tensor, first_row, first_column, bytes, weights),
        }
    }
}

/// Room for a matrix as the file has it.
pub fn matrix_of(tensor: &TensorInfo, n_out: usize, n_in: usize) -> Result<Matrix, PackError> {
    expect(tensor, &[Dtype::Q4_0, Dtype::I8])?;
    Ok(match tensor.dtype {
        Dtype::Q4_0 => Matrix::FourBits(FourBitWeights::zeroed(n_out, n_in)),
        _ => Matrix::EightBits(PackedWeights::zeroed(n_out, n_in)),
    })
}

pub fn as_i8(bytes: &[u8]) -> &[i8] {
    // SAFETY: u8 and i8 have the same size and alignment, and every bit pattern is a value of both.
    unsafe { std::slice::from_raw_parts(bytes.as_ptr().cast(), bytes.len()) }
}
