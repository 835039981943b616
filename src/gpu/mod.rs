//! The product of four-bit weights for a graphics processor: the program (product.wgsl), what it is given, and what must come
//! of it, which is the i32 of `kernels` to the bit. It must never open a device nor decide that one is used: players do as they are
//! told, extension/gpu.js in browsers and tests/gpu natively. No net runs on it.
//!
//! Rows and weights go up as they lie in memory here, with nothing converted:
//! - activations (`RowsI8`) as [n_rows / 4][n_in / 32][4 rows] of 40 bytes: 32 values in one byte each, then what the group's
//!   sum starts from in four, −8 × the sum of the values, because weights are multiplied as 0..=15; the last four are for
//!   others;
//! - weights (`FourBitWeights`) as [n_out / 8][n_in / 32] of 144 bytes: eight multipliers in two bytes each, then for each
//!   step of four inputs sixteen bytes, of which byte 4 × c + i has input i of column c in its low half and of column c + 4 in
//!   its high half;
//! - sums come back as [n_rows][n_out], four bytes each.

#![warn(missing_docs)]

#[cfg(feature = "battery")]
pub mod cases;
#[cfg(all(target_arch = "wasm32", feature = "battery"))]
mod exports;
#[cfg(feature = "web")]
pub(crate) mod made;

use crate::kernels::layout::{FourBitGroup, RowGroup, TILE_ROWS};
#[cfg(feature = "web")]
use crate::kernels::{Epilogue, PanelRoom, fast};
use crate::kernels::{FourBitWeights, RowsI8};

/// Rows and columns that one workgroup makes.
const TILE: usize = 64;

/// The program for a processor whose WGSL has `packed_4x8_integer_dot_product`, or one for all.
pub fn program(has_packed_dots: bool) -> String {
    // A mark ends the comment's line that it stands in, and begins another.
    let mut parts = include_str!("product.wgsl").split('#').skip(1);
    let (with, without, rest) = (parts.next(), parts.next(), parts.next());
    let mut text = "//".to_owned();
    for part in [if has_packed_dots { with } else { without }, rest] {
        text.push_str(part.unwrap_or_default());
    }
    text
}

/// Activations as they go up.
pub(crate) fn bytes_of_rows(rows: &RowsI8) -> &[u8] {
    let groups: &[[RowGroup; TILE_ROWS]] = rows.groups();
    // SAFETY: 32 bytes, four and twice two have nothing between or behind them.
    unsafe { std::slice::from_raw_parts(groups.as_ptr().cast(), size_of_val(groups)) }
}

/// Rows times weights, as a player is told it.
#[derive(Clone, Copy)]
pub struct Product<'a> {
    rows: &'a RowsI8,
    weights: &'a FourBitWeights,
}

impl<'a> Product<'a> {
    pub(crate) fn new(rows: &'a RowsI8, weights: &'a FourBitWeights) -> Self {
        Self { rows, weights }
    }

    /// The program's uniform; a uniform is whole sixteen bytes.
    pub fn shape(&self) -> [u32; 4] {
        [self.rows.n_rows(), self.weights.n_groups(), self.weights.n_out(), 0].map(|n| n as u32)
    }

    /// How many workgroups side by side, and how many such rows.
    pub fn workgroups(&self) -> [u32; 2] {
        [self.weights.n_out(), self.rows.n_rows()].map(|n| n.div_ceil(TILE) as u32)
    }

    /// How many sums come of it.
    pub fn n_sums(&self) -> usize {
        self.rows.n_rows() * self.weights.n_out()
    }

    /// The activations.
    pub fn rows(&self) -> &'a [u8] {
        bytes_of_rows(self.rows)
    }

    /// The weights with their multipliers.
    pub fn weights(&self) -> &'a [u8] {
        let groups: &[FourBitGroup] = self.weights.groups();
        // SAFETY: sixteen bytes and 128 have nothing between or behind them.
        unsafe { std::slice::from_raw_parts(groups.as_ptr().cast(), size_of_val(groups)) }
    }

    /// The same on this processor, by the kernel that a net uses: with scales of one, no zero points and no bias its numbers
    /// are the sums, where a float holds these.
    #[cfg(feature = "web")]
    pub(crate) fn multiply(&self, room: &mut PanelRoom, numbers: &mut [f32]) {
        let n_out = self.weights.n_out();
        fast::linear_of_four_bits(self.rows, self.weights, room, Epilogue::Store, numbers, n_out);
    }
}

const _: () = assert!(size_of::<RowGroup>() == 40 && size_of::<FourBitGroup>() == 144, "as product.wgsl reads them");
