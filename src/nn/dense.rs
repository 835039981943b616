//! A linear map with its epilogue, and the form in which nets fill its weights from packed rows.

use std::cell::RefCell;

use candle_core::{CpuStorage, CustomOp1, Layout, Result, Shape};

use super::{Workspace, floats};
use crate::kernels::{Epilogue, PackedWeights, fast};

/// `x [n, n_in] → [n, n_out]`, used as `x.apply_op1_no_bwd(&dense.pass(..))` where a new small tensor is wanted.
pub struct Dense<'a> {
    pub weights: &'a PackedWeights,
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
        let rows = &mut self.workspace.borrow_mut().rows;
        fast::quantise_rows(input, self.weights.n_in(), rows);
        fast::linear(rows, self.weights, self.epilogue, &mut out, self.weights.n_out());
        Ok((CpuStorage::F32(out), Shape::from((n_rows, self.weights.n_out()))))
    }
}

/// Rows of packed weights as they come from a file.
#[derive(Debug, Clone, Copy)]
pub enum NarrowedRows<'a> {
    Q4(&'a [u8]),
    /// One byte per weight; the scales of these rows beside it.
    I8(&'a [i8], &'a [f32]),
}

impl NarrowedRows<'_> {
    /// Widens these rows into columns of `weights` from `first_column` on, which is their last form.
    pub fn widen_into(self, first_column: usize, weights: &mut PackedWeights) {
        match self {
            Self::Q4(groups) => fast::widen_q4_columns(groups, first_column, weights),
            Self::I8(values, scales) => {
                let n_in = weights.n_in();
                for ((column, row), &scale) in (first_column..).zip(values.chunks_exact(n_in)).zip(scales) {
                    weights.set_column(column, row, scale);
                }
            }
        }
    }
}
