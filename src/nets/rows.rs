//! What both builders do with rows from a weight file: read floats, keep scales until their weights come.

use crate::kernels::PackedWeights;
use crate::nn::NarrowedRows;
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

    /// Rows of a matrix as they go into packed weights.
    pub fn narrowed<'a>(
        &'a self,
        tensor: &TensorInfo,
        first_row: usize,
        bytes: &'a [u8],
    ) -> Result<NarrowedRows<'a>, PackError> {
        expect(tensor, &[Dtype::Q4_0, Dtype::I8])?;
        Ok(match tensor.dtype {
            Dtype::Q4_0 => NarrowedRows::Q4(bytes),
            _ => {
                let n_rows = bytes.len() / tensor.row_bytes;
                NarrowedRows::I8(as_i8(bytes), &self.of(tensor)?[first_row..first_row + n_rows])
            }
        })
    }

    pub fn widen(
        &self,
        tensor: &TensorInfo,
        first_row: usize,
        bytes: &[u8],
        weights: &mut PackedWeights,
    ) -> Result<(), PackError> {
        self.narrowed(tensor, first_row, bytes)?.widen_into(first_row, weights);
        Ok(())
    }
}

pub fn as_i8(bytes: &[u8]) -> &[i8] {
    // SAFETY: u8 and i8 have the same size and alignment, and every bit pattern is a value of both.
    unsafe { std::slice::from_raw_parts(bytes.as_ptr().cast(), bytes.len()) }
}
