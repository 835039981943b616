//! A linear map with its epilogue; and the last small ones, in floats.

use std::cell::RefCell;

use candle_core::{CpuStorage, CustomOp1, Error, Layout, Result, Shape, Storage, Tensor};
use candle_nn::Linear;

use super::{Matrix, Workspace, floats};
use crate::kernels::{Epilogue, fast};

/// `x [n, n_in] → [n, n_out]`, used as `x.apply_op1_no_bwd(&dense.pass(..))` where a new small tensor is wanted.
pub struct Dense<'a> {
    pub weights: &'a Matrix,
    pub epilogue: Epilogue,
    pub workspace: &'a RefCell<Workspace>,
}

impl CustomOp1 for Dense<'_> {
    fn name(&self) -> &'static str {
        "sotto-dense"
    }

    fn cpu_fwd(&self, input: &CpuStorage, input_at: &Layout) -> Result<(CpuStorage, Shape)> {
        let input = floats(input, input_at)?;
        let n_rows = input.len() / self.weights.n_in();
        let mut out = vec![0f32; n_rows * self.weights.n_out()];
        let operands = &mut self.workspace.borrow_mut().operands;
        operands.quantise(input, [self.weights]);
        self.weights.apply(operands, self.epilogue, &mut out, self.weights.n_out());
        Ok((CpuStorage::F32(out), Shape::from((n_rows, self.weights.n_out()))))
    }
}

/// A classifier's few labels in floats: `x [n, n_in] → [n, n_labels]`. Candle's own product and mean come in a form for every type
/// of number, an eighth of the module, and take no less time for three labels.
pub struct Head<'a>(pub &'a Linear);

impl CustomOp1 for Head<'_> {
    fn name(&self) -> &'static str {
        "sotto-head"
    }

    fn cpu_fwd(&self, input: &CpuStorage, input_at: &Layout) -> Result<(CpuStorage, Shape)> {
        let input = floats(input, input_at)?;
        let (n_labels, n_in) = self.0.weight().dims2()?;
        let bias = self.0.bias().ok_or_else(|| Error::Msg("a head has a bias".into()))?;
        let out = with_floats(self.0.weight(), |weights| {
            with_floats(bias, |bias| {
                let label = |row: &[f32], (weights, &bias): (&[f32], &f32)| {
                    let products =
                        row.iter().zip(weights).map(|(&value, &weight)| f64::from(value) * f64::from(weight));
                    (products.sum::<f64>() + f64::from(bias)) as f32
                };
                let labels = || weights.chunks_exact(n_in).zip(bias);
                input.chunks_exact(n_in).flat_map(|row| labels().map(|one| label(row, one))).collect::<Vec<f32>>()
            })
        })??;
        Ok((CpuStorage::F32(out), Shape::from((input.len() / n_in, n_labels))))
    }
}

/// What `read` makes of a tensor's numbers.
fn with_floats<T>(tensor: &Tensor, read: impl FnOnce(&[f32]) -> T) -> Result<T> {
    let (storage, layout) = tensor.storage_and_layout();
    match &*storage {
        Storage::Cpu(storage) => Ok(read(floats(storage, layout)?)),
        _ => Err(Error::Msg("the layers work on this processor".into())),
    }
}

/// The mean of each channel over all pixels: `x [n_pixels × n_channels] → [1, n_channels]`.
pub struct MeanPass {
    /// Of each pixel.
    pub n_channels: usize,
}

impl CustomOp1 for MeanPass {
    fn name(&self) -> &'static str {
        "sotto-mean"
    }

    fn cpu_fwd(&self, input: &CpuStorage, input_at: &Layout) -> Result<(CpuStorage, Shape)> {
        let mut out = vec![0f32; self.n_channels];
        fast::average_pool(floats(input, input_at)?, &mut out);
        Ok((CpuStorage::F32(out), Shape::from((1, self.n_channels))))
    }
}
