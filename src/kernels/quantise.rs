//! Floats to seven or eight bits, row by row. Equal to the reference to the bit: only operations that round as IEEE says.

use super::lanes::{LANES, Lanes, ROUNDER};
use super::layout::{ACTIVATION_I8_MAX, ACTIVATION_MAX, ROW_ALIGNMENT, RowsI8, RowsU7};
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

/// The same to −127..=127, with the sums that four-bit products start from.
#[inline(always)]
pub fn quantise_rows_to_eight_bits<L: Lanes>(lanes: L, input: &[f32], n_in: usize, rows: &mut RowsI8) {
    let n_rows = input.len().checked_div(n_in).unwrap_or(0);
    rows.resize(n_rows, n_in);
    for (row, input) in input.chunks_exact(n_in.max(1)).enumerate() {
        let (blocks, _) = input.as_chunks::<BLOCK>();
        let Some(grid) = Grid::of(lanes, blocks, &[0.0; BLOCK], EIGHT_BITS) else {
            reference::quantise_row_to_eight_bits(input, row, rows);
            continue;
        };
        rows.set_grid(row, (grid.scale, grid.zero_point as i32));
        for (group, pair) in rows.row_mut(row).zip(blocks.as_chunks::<2>().0) {
            let rounder = lanes.splat(ROUNDER);
            let mut halves = [lanes.zero_bytes(); 2];
            for half in 0..2 {
                let [first, second] = grid.whole(lanes, &pair[half]);
                halves[half] = lanes.rounded_bytes([lanes.add(first, rounder), lanes.add(second, rounder)]);
                // SAFETY: a group's values are twice sixteen bytes.
                unsafe { lanes.store_sixteen(halves[half], group.values.as_mut_ptr().add(half * BLOCK)) };
            }
            group.start = -8 * lanes.sum_of_four(lanes.add_bytes(lanes.zero_bytes(), halves));
            group.start_of_halves = [group.start as i16, 0];
        }
    }
}

/// One row into `out`, which is a row of a `RowsU7`; returns its scale and zero point.
#[inline(always)]
pub fn quantise_row<L: Lanes>(lanes: L, input: &[f32], out: &mut [u8]) -> (f32, i32) {
    let (blocks, rest) = input.as_chunks::<BLOCK>();
    let mut last = [0f32; BLOCK];
    last[..rest.len()].copy_from_slice(rest);
    let Some(grid) = Grid::of(lanes, blocks, &last, SEVEN_BITS) else {
        return reference::quantise_row(input, SEVEN_BITS, out);
    };
    let (out_blocks, _) = out.as_chunks_mut::<BLOCK>();
    for (block, out) in blocks.iter().zip(&mut *out_blocks) {
        // SAFETY: `out` holds sixteen bytes.
        unsafe { lanes.store_bytes(grid.whole(lanes, block), out.as_mut_ptr()) };
    }
    if !rest.is_empty() {
        let mut bytes = [0; BLOCK];
        // SAFETY: `bytes` holds sixteen.
        unsafe { lanes.store_bytes(grid.whole(lanes, &last), bytes.as_mut_ptr()) };
        // What lies past the row's end stays zero.
        out_blocks[blocks.len()][..rest.len()].copy_from_slice(&bytes[..rest.len()]);
    }
    (grid.scale, grid.zero_point as i32)
}

/// The least and the greatest value of a row.
pub type Ends = (f32, f32);
pub const SEVEN_BITS: Ends = (0.0, ACTIVATION_MAX as f32);
pub const EIGHT_BITS: Ends = (-(ACTIVATION_I8_MAX as f32), ACTIVATION_I8_MAX as f32);

/// What a row's numbers are rounded to.
#[derive(Clone, Copy)]
struct Grid {
    scale: f32,
    inverse: f32,
    zero_point: f32,
    ends: Ends,
}

impl Grid {
    /// None where the range is infinite, or too small to divide by.
    #[inline(always)]
    fn of<L: Lanes>(lanes: L, blocks: &[[f32; BLOCK]], last: &[f32; BLOCK], ends: Ends) -> Option<Self> {
        let (low, high) = range(lanes, blocks, last);
        let scale = (high - low) / (ends.1 - ends.0);
        let inverse = if scale > 0.0 { 1.0 / scale } else { 0.0 };
        let zero_point = (-low * inverse).round_ties_even() + ends.0;
        (scale.is_finite() && inverse.is_finite()).then_some(Self { scale, inverse, zero_point, ends })
    }

    /// Sixteen numbers, rounded.
    #[inline(always)]
    fn whole<L: Lanes>(&self, lanes: L, block: &[f32; BLOCK]) -> [L::Floats; 2] {
        let (inverse, zero_point) = (lanes.splat(self.inverse), lanes.splat(self.zero_point));
        let (least, most) = (lanes.splat(self.ends.0), lanes.splat(self.ends.1));
        let mut whole = [least; 2];
        for half in 0..2 {
            // SAFETY: a block holds two times eight floats.
            let x = lanes.nan_to_zero(unsafe { lanes.load(block.as_ptr().add(half * LANES)) });
            let x = lanes.add(lanes.round(lanes.mul(x, inverse)), zero_point);
            whole[half] = lanes.lesser(lanes.greater(x, least), most);
        }
        whole
    }
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
