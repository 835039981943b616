//! Layers over the kernels, as Candle operations, so that nets are written in Candle's terms. Knows shapes and buffers,
//! but no model, file or browser.
//!
//! Candle's own matrix products are not used: its Q8_0 product reaches 12 GOP/s in a browser, ours more than ten times
//! that (benches/results). Layers work in place on tensors that the net allocates once; what they need besides lives in
//! a [`Workspace`] that grows to the largest shape seen and is reused.

#![warn(missing_docs)]

mod bottleneck;
mod convolution;
mod dense;
mod encoder;
mod matrix;
mod table;
mod workspace;

pub use bottleneck::{Bottleneck, BottleneckPass, Convolution, StemPass};
pub use convolution::{BlockPass, InvertedResidual, PointwisePool, RowSource, Stem};
pub use dense::{Dense, Head, MeanPass};
pub use encoder::{EncoderLayer, EncoderPass, FirstTokensPass, LayerNorm};
pub use matrix::{Matrix, Taps};
pub use table::{EmbeddingPass, Table};
pub use workspace::Workspace;

use candle_core::{CpuStorage, Error, Layout, Result};

/// The floats a contiguous tensor shows of its storage.
fn floats<'a>(storage: &'a CpuStorage, layout: &Layout) -> Result<&'a [f32]> {
    let (start, end) = contiguous(layout)?;
    Ok(&storage.as_slice::<f32>()?[start..end])
}

fn floats_mut<'a>(storage: &'a mut CpuStorage, layout: &Layout) -> Result<&'a mut [f32]> {
    let (start, end) = contiguous(layout)?;
    match storage {
        CpuStorage::F32(values) => Ok(&mut values[start..end]),
        _ => Err(Error::Msg("the layers work in place on f32 tensors".into())),
    }
}

fn contiguous(layout: &Layout) -> Result<(usize, usize)> {
    layout.contiguous_offsets().ok_or_else(|| Error::Msg("the layers take contiguous tensors".into()))
}
