//! A linear map with its epilogue.

use std::cell::RefCell;

use candle_core::{CpuStorage, CustomOp1, Layout, Result, Shape};

use super::{Matrix, Workspace, floats};
use crate::kernels::Epilogue;

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
