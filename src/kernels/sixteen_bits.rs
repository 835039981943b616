//! Products of sixteen bits, for layers that eight are too few for: the first of a net that looks closely. Half as fast as
//! those of bytes where the processor has a dot for these, two thirds to as fast elsewhere, and the same i32 on every flavour.

use super::lanes::{LANES, Lanes};
use super::layout::{ACTIVATION_I16_MAX, Epilogue, RowsI16, SixteenBitWeights, TILE_COLUMNS, WORD_BLOCK};
use super::product::{BareSums, Linear, Product, for_each_tile, row_pointers};
use super::reference;

/// The largest size of any number: what one step of [`to_sixteen_bits`] follows from.
#[inline(always)]
pub fn reach<L: Lanes>(lanes: L, input: &[f32], out: &mut f32) {
    let (eights, rest) = input.as_chunks::<LANES>();
    let mut largest = lanes.splat(0.0);
    for eight in eights {
        // SAFETY: eight floats.
        let x = lanes.nan_to_zero(unsafe { lanes.load(eight.as_ptr()) });
        largest = lanes.greater(largest, lanes.greater(x, lanes.sub(lanes.splat(0.0), x)));
    }
    reference::reach(rest, out);
    let largest = lanes.largest(largest);
    *out = if largest > *out { largest } else { *out };
}

/// Numbers in steps of `scale`.
#[inline(always)]
pub fn to_sixteen_bits<L: Lanes>(lanes: L, input: &[f32], scale: f32, out: &mut [i16]) {
    let n = input.len().min(out.len());
    let (eights, rest) = input[..n].as_chunks::<LANES>();
    let (out_eights, out_rest) = out[..n].as_chunks_mut::<LANES>();
    let inverse = lanes.splat(if scale > 0.0 { 1.0 / scale } else { 0.0 });
    let (most, least) = (lanes.splat(f32::from(ACTIVATION_I16_MAX)), lanes.splat(-f32::from(ACTIVATION_I16_MAX)));
    for (eight, out) in eights.iter().zip(out_eights) {
        // SAFETY: eight floats, eight words.
        unsafe {
            let x = lanes.nan_to_zero(lanes.mul(lanes.load(eight.as_ptr()), inverse));
            lanes.store_words(lanes.round(lanes.lesser(lanes.greater(x, least), most)), out.as_mut_ptr());
        }
    }
    reference::to_sixteen_bits(rest, scale, out_rest);
}

struct Words<'a> {
    rows: &'a RowsI16,
    weights: &'a SixteenBitWeights,
}

impl<'a> Words<'a> {
    /// Asserts what [`Product::sums`] relies on.
    #[inline(always)]
    fn new(rows: &'a RowsI16, weights: &'a SixteenBitWeights) -> Self {
        assert_eq!(rows.n_in(), weights.n_in(), "rows and weights have the same inputs");
        let n_padded = weights.n_blocks() * WORD_BLOCK;
        assert!(rows.stride() >= n_padded && rows.values().len() >= rows.n_rows() * rows.stride());
        assert!(weights.words().len() >= weights.columns().n_tiles() * TILE_COLUMNS * n_padded);
        Self { rows, weights }
    }
}

impl<L: Lanes> Product<L> for Words<'_> {
    #[inline(always)]
    fn n_rows(&self) -> usize {
        self.rows.n_rows()
    }

    #[inline(always)]
    fn row_bytes(&self) -> usize {
        2 * self.rows.stride()
    }

    #[inline(always)]
    fn n_tiles(&self) -> usize {
        self.weights.columns().n_tiles()
    }

    #[inline(always)]
    fn tile_bytes(&self) -> usize {
        2 * TILE_COLUMNS * WORD_BLOCK * self.weights.n_blocks()
    }

    #[inline(always)]
    unsafe fn sums<const R: usize>(&self, lanes: L, row: usize, tile: usize) -> [L::Sums; R] {
        let n_blocks = self.weights.n_blocks();
        // SAFETY: the caller's promise; `new` asserts that tiles lie inside `words` and rows inside `values`.
        unsafe {
            let rows = row_pointers(self.rows.values(), row, self.rows.stride());
            let at = self.weights.words().as_ptr().add(tile * TILE_COLUMNS * WORD_BLOCK * n_blocks);
            lanes.product_of_words(rows, at, n_blocks)
        }
    }
}

/// The bare sums.
#[inline(always)]
pub fn matmul_of_sixteen_bits<L: Lanes>(lanes: L, rows: &RowsI16, weights: &SixteenBitWeights, out: &mut [i32]) {
    let n_out = weights.n_out();
    assert_eq!(out.len(), rows.n_rows() * n_out, "one sum for each row and column");
    for_each_tile(lanes, &Words::new(rows, weights), BareSums { lanes, out, n_out });
}

/// The product with its epilogue.
#[inline(always)]
pub fn linear_of_sixteen_bits<L: Lanes>(
    lanes: L,
    rows: &RowsI16,
    weights: &SixteenBitWeights,
    epilogue: Epilogue,
    out: &mut [f32],
    out_stride: usize,
) {
    let grid = (rows.scales(), rows.zero_points());
    let sink = Linear::<_, false>::new(lanes, grid, weights.columns(), epilogue, out, out_stride);
    for_each_tile(lanes, &Words::new(rows, weights), sink);
}
