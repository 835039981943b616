//! Embedding tables: rows looked up by number and widened one at a time, so they stay as small in memory as at rest.

use candle_core::{CpuStorage, Error, InplaceOp2, Layout, Result};

use super::floats_mut;
use crate::kernels::layout::{Q4_GROUP, Q4_GROUP_BYTES};
use crate::kernels::{f16_to_f32, layout, widen_q4_row};
use crate::nn::LayerNorm;

#[derive(Debug, Clone)]
pub enum Table {
    /// Groups of 32 weights in 4 bits with a half-precision scale.
    Q4 { width: usize, bytes: Vec<u8> },
    /// One byte each, one scale per row.
    I8 { width: usize, values: Vec<i8>, scales: Vec<f32> },
    /// Half precision.
    F16 { width: usize, bits: Vec<u16> },
}

impl Table {
    pub fn n_rows(&self) -> usize {
        match self {
            Self::Q4 { width, bytes } => bytes.len() / (width / Q4_GROUP * Q4_GROUP_BYTES).max(1),
            Self::I8 { scales, .. } => scales.len(),
            Self::F16 { width, bits } => bits.len() / width,
        }
    }

    pub fn byte_len(&self) -> usize {
        match self {
            Self::Q4 { bytes, .. } => bytes.len(),
            Self::I8 { values, scales, .. } => values.len() + 4 * scales.len(),
            Self::F16 { bits, .. } => 2 * bits.len(),
        }
    }

    /// Writes row `row` to `out`, which is as wide as the table.
    fn widen(&self, row: usize, out: &mut [f32]) {
        match self {
            Self::Q4 { width, bytes } => {
                let row_bytes = width / Q4_GROUP * layout::Q4_GROUP_BYTES;
                widen_q4_row(&bytes[row * row_bytes..][..row_bytes], out);
            }
            Self::I8 { width, values, scales } => {
                for (out, &value) in out.iter_mut().zip(&values[row * width..]) {
                    *out = f32::from(value) * scales[row];
                }
            }
            Self::F16 { width, bits } => {
                for (out, &bits) in out.iter_mut().zip(&bits[row * width..]) {
                    *out = f16_to_f32(bits);
                }
            }
        }
    }
}

/// hidden[token] = norm(words[id] + positions[place of the token in its sequence]). Used as
/// `hidden.inplace_op2(&ids, &pass)` with `hidden` [n_tokens, width] and `ids` [n_tokens].
pub struct EmbeddingPass<'a> {
    pub words: &'a Table,
    pub positions: &'a Table,
    pub norm: &'a LayerNorm,
    /// Lengths of the sequences that lie one after another in `ids`.
    pub sequences: &'a [usize],
}

impl InplaceOp2 for EmbeddingPass<'_> {
    fn name(&self) -> &'static str {
        "sotto-embedding"
    }

    fn cpu_fwd(&self, hidden: &mut CpuStorage, hidden_at: &Layout, ids: &CpuStorage, ids_at: &Layout) -> Result<()> {
        let width = self.norm.gamma.len();
        let (start, end) = super::contiguous(ids_at)?;
        let ids = &ids.as_slice::<u32>()?[start..end];
        let hidden = floats_mut(hidden, hidden_at)?;
        let places = self.sequences.iter().flat_map(|&length| 0..length);
        let mut position = vec![0f32; width];
        for ((&id, place), hidden) in ids.iter().zip(places).zip(hidden.chunks_exact_mut(width)) {
            let id = id as usize;
            if id >= self.words.n_rows() || place >= self.positions.n_rows() {
                return Err(Error::Msg(format!("token {id} at place {place} is outside the embedding tables")));
            }
            self.words.widen(id, hidden);
            self.positions.widen(place, &mut position);
            hidden.iter_mut().zip(&position).for_each(|(hidden, position)| *hidden += position);
        }
        self.norm.apply(hidden);
        Ok(())
    }
}
