//! The buffers that layers share. They grow to the largest shape seen and stay, so no forward pass after the first of
//! its shape allocates; linear memory would never shrink anyway.

use super::bottleneck::Room;
use super::matrix::Operands;
use crate::kernels::AttentionRoom;

#[derive(Debug, Default)]
pub struct Workspace {
    /// A layer's input, and the wide middle of a feed-forward, in few bits.
    pub(super) operands: Operands,
    /// Query, key and value of one head, or the wide middle in floats.
    pub(super) wide: Vec<f32>,
    /// What one head, or one depthwise row, gives.
    pub(super) narrow: Vec<f32>,
    /// All heads' results side by side.
    pub(super) context: Vec<f32>,
    /// What convolutions that are matrix products gather their windows in.
    pub(super) pictures: Room,
    /// The attention kernel's own.
    pub(super) attention: AttentionRoom,
}

/// The first `n` floats of a buffer, grown if need be. What they hold is whatever was there before.
pub(super) fn room(buffer: &mut Vec<f32>, n: usize) -> &mut [f32] {
    if buffer.len() < n {
        buffer.reserve_exact(n - buffer.len());
        buffer.resize(n, 0.0);
    }
    &mut buffer[..n]
}
