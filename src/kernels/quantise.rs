//! Floats to seven bits, row by row. Equal to the reference to the bit: only operations that round as IEEE says.

use super::lanes::{LANES, Lanes};
use super::layout::{ACTIVATION_MAX, ROW_ALIGNMENT, RowsU7};
use super::reference;

/// Bytes that are written at once; a row's stride is a multiple of it.
const BLOCK: usize = ROW_ALIGNMENT;

/// ```text
/// for each row:
///     low, high = least and greatest of the row and 0
///     inverse, zero_point from low and high, in scalars
///     for each block of sixteen: clamp(round(x × inverse) + zero_point), as bytes
/// ```
/// The ragged end of a row goes through a block of its own, filled with zeros, which change neither low nor high.
/// A row whose range is infinite, or too small to divide by, is left to the reference: so nothing below it meets
/// infinity × 0.
#[inline(always)]
pub fn quantise_rows<L: Lanes>(lanes: L, input: &[f32], n_in: usize, rows: &mut RowsU7) {
    let n_rows = input.len().checked_div(n_in).unwrap_or(0);
    rows.resize(n_rows, n_in);
    let stride = rows.stride();
    let (values, scales, zero_points) = rows.parts_mut();
    for (row, input) in input.chunks_exact(n_in.max(1)).enumerate() {
        (scales[row], zero_points[row]) = quantise_row(lanes, input, &mut values[row * stride..][..stride]);
    }
}

/// One row into `out`, which is a row of a `RowsU7`; returns its scale and zero point.
#[inline(always)]
pub fn quantise_row<L: Lanes>(lanes: L, input: &[f32], out: &mut [u8]) -> (f32, i32) {
    let (blocks, rest) = input.as_chunks::<BLOCK>();
    let mut last = [0f32; BLOCK];
    last[..rest.len()].copy_from_slice(rest);

    let (low, high) = range(lanes, blocks, &last);
    let scale = (high - low) / f32::from(ACTIVATION_MAX);
    let inverse = if scale > 0.0 { 1.0 / scale } else { 0.0 };
    if !scale.is_finite() || !inverse.is_finite() {
        let mut one = RowsU7::default();
        reference::quantise_rows(input, input.len(), &mut one);
        out.copy_from_slice(one.values());
        return (one.scales()[0], one.zero_points()[0]);
    }
    let zero_point = (-low * inverse).round_ties_even();
    let (out_blocks, _) = out.as_chunks_mut::<BLOCK>();
    for (block, out) in blocks.iter().zip(&mut *out_blocks) {
        quantise_block(lanes, block, inverse, zero_point, out);
    }
    if !rest.is_empty() {
        let mut bytes = [0; BLOCK];
        quantise_block(lanes, &last, inverse, zero_point, &mut bytes);
        // What lies past the row's end stays zero.
        out_blocks[blocks.len()][..rest.len()].copy_from_slice(&bytes[..rest.len()]);
    }
    (scale, zero_point as i32)
}

#[inline(always)]
fn range<L: Lanes>(lanes: L, blocks: &[[f32; BLOCK]], last: &[f32; BLOCK]) -> (f32, f32) {
    let (mut low, mut high) = ([lanes.splat(0.0); 2], [lanes.splat(0.0); 2]);
    for block in blocks.iter().chain([last]) {
        for half in 0..2 {
            // SAFETY: a block holds two times eight floats.
            let x = lanes.nan_to_zero(unsafe { lanes.load(block.as_ptr().add(half * LANES)) });
            low[half] = lanes.lesser(low[half], x);
            high[half] = lanes.greater(high[half], x);
        }
    }
    (lanes.lowest(lanes.lesser(low[0], low[1])), lanes.largest(lanes.greater(high[0], high[1])))
}

#[inline(always)]
fn quantise_block<L: Lanes>(lanes: L, block: &[f32; BLOCK], inverse: f32, zero_point: f32, out: &mut [u8; BLOCK]) {
    let (inverse, zero_point) = (lanes.splat(inverse), lanes.splat(zero_point));
    let (zero, most) = (lanes.splat(0.0), lanes.splat(f32::from(ACTIVATION_MAX)));
    let mut whole = [zero; 2];
    for half in 0..2 {
        // SAFETY: a block holds two times eight floats.
        let x = lanes.nan_to_zero(unsafe { lanes.load(block.as_ptr().add(half * LANES)) });
        let x = lanes.add(lanes.round(lanes.mul(x, inverse)), zero_point);
        whole[half] = lanes.lesser(lanes.greater(x, zero), most);
    }
    // SAFETY: `out` holds sixteen bytes.
    unsafe { lanes.store_bytes(whole, out.as_mut_ptr()) }
}
