//! Weights from four bits to what is multiplied: each Q4_0 group becomes a table of its sixteen possible values, and the
//! nibbles look themselves up. Equal to the reference to the bit.

use super::lanes::{LANES, Lanes, ROUNDER};
use super::layout::{DOT_INPUTS, PackedWeights, Q4_GROUP, Q4_GROUP_BYTES, TILE_COLUMNS, WEIGHT_MAX};
use super::reference::{self, f16_to_f32};

/// Columns that are widened together: as many as one transposition in units of four inputs takes.
const COLUMNS: usize = 4;
/// What the sixteen nibbles stand for, before the group's scale.
const NIBBLES: [[f32; LANES]; 2] =
    [[-8.0, -7.0, -6.0, -5.0, -4.0, -3.0, -2.0, -1.0], [0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0]];

#[inline(always)]
fn split_group(group: &[u8; Q4_GROUP_BYTES]) -> (f32, &[u8]) {
    (f16_to_f32(u16::from_le_bytes([group[0], group[1]])), &group[2..])
}

/// A row as floats is read for embeddings, one row per token: the reference's loop is quick enough as the compiler
/// vectorises it.
#[inline(always)]
pub fn widen_q4_row<L: Lanes>(_: L, groups: &[u8], out: &mut [f32]) {
    reference::widen_q4_row(groups, out);
}

/// ```text
/// for each four columns:
///     largest |weight| of each: |scale| × largest |nibble − 8|, group by group     (exact: 11 bits × 4 bits)
///     for each group of 32 inputs:
///         table = low bytes of round(scale × (0..16 − 8) × 127 / largest)
///         weights = table[nibbles], 16 at a time
///         transposed in units of four inputs into the tile
/// ```
/// Columns that do not come in whole fours, groups that do not fill the row and scales that are not finite are left to
/// the reference.
#[inline(always)]
pub fn widen_q4_columns<L: Lanes>(lanes: L, groups: &[u8], first_column: usize, weights: &mut PackedWeights) {
    let n_groups = weights.n_in() / Q4_GROUP;
    let row_bytes = n_groups * Q4_GROUP_BYTES;
    if !weights.n_in().is_multiple_of(Q4_GROUP) || row_bytes == 0 {
        return reference::widen_q4_columns(groups, first_column, weights);
    }
    let n_columns = groups.len() / row_bytes;
    assert!(first_column + n_columns <= weights.n_out(), "columns from {first_column} on fit the weights");
    let mut column = 0;
    while column < n_columns {
        let aligned = (first_column + column).is_multiple_of(COLUMNS);
        let together = if aligned { COLUMNS.min(n_columns - column) } else { 1 };
        let some = &groups[column * row_bytes..][..together * row_bytes];
        if together < COLUMNS || !widen_four(lanes, some, first_column + column, n_groups, weights) {
            reference::widen_q4_columns(some, first_column + column, weights);
        }
        column += together;
    }
}

/// Touches nothing and says false where a scale is not finite.
#[inline(always)]
fn widen_four<L: Lanes>(lanes: L, groups: &[u8], column: usize, n_groups: usize, weights: &mut PackedWeights) -> bool {
    let (groups, _) = groups.as_chunks::<Q4_GROUP_BYTES>();
    let mut inverses = [0f32; COLUMNS];
    let mut largest = [0f32; COLUMNS];
    for index in 0..COLUMNS {
        let mut most = 0f32;
        for group in &groups[index * n_groups..][..n_groups] {
            let (scale, nibbles) = split_group(group);
            if !scale.is_finite() {
                return false;
            }
            // SAFETY: a group holds sixteen bytes of nibbles.
            let distance = unsafe { lanes.largest_nibble(nibbles.as_ptr()) };
            let weight = (scale * f32::from(distance)).abs();
            most = if weight > most { weight } else { most };
        }
        largest[index] = most;
        inverses[index] = if most > 0.0 { f32::from(WEIGHT_MAX) / most } else { 0.0 };
    }

    let start = weights.tile_index(column, 0);
    let (tiles, column_scales, column_sums) = weights.parts_mut();
    let step_bytes = TILE_COLUMNS * DOT_INPUTS;
    let steps_per_group = Q4_GROUP / DOT_INPUTS;
    let tile = &mut tiles[start..start + (n_groups * steps_per_group - 1) * step_bytes + COLUMNS * DOT_INPUTS];
    // Kept from the compiler, so that they are loaded: V8 would put each constant vector together anew for each group.
    let nibble_values = std::hint::black_box(&NIBBLES);
    let mut sums = [lanes.zero_bytes(); COLUMNS];
    for group in 0..n_groups {
        let (mut low, mut high) = ([lanes.zero_bytes(); COLUMNS], [lanes.zero_bytes(); COLUMNS]);
        for index in 0..COLUMNS {
            let (scale, nibbles) = split_group(&groups[index * n_groups + group]);
            let table = table_of(lanes, nibble_values, scale, inverses[index]);
            // SAFETY: a group holds sixteen bytes of nibbles.
            let widened = unsafe { lanes.look_up_nibbles(table, nibbles.as_ptr()) };
            sums[index] = lanes.add_bytes(sums[index], widened);
            [low[index], high[index]] = widened;
        }
        let steps = [lanes.transpose(low), lanes.transpose(high)];
        for (step, &four) in steps.as_flattened().iter().enumerate() {
            // SAFETY: the last step of the last group ends where `tile` ends.
            unsafe {
                lanes.store_sixteen(four, tile.as_mut_ptr().add((group * steps_per_group + step) * step_bytes));
            }
        }
    }
    for index in 0..COLUMNS {
        column_scales[column + index] = largest[index] / f32::from(WEIGHT_MAX);
        column_sums[column + index] = lanes.sum_of_four(sums[index]);
    }
    true
}

/// The sixteen values of a group, rounded as the reference rounds: two products, then ties to even.
#[inline(always)]
fn table_of<L: Lanes>(lanes: L, nibble_values: &[[f32; LANES]; 2], scale: f32, inverse: f32) -> L::Bytes {
    let (scale, inverse, rounder) = (lanes.splat(scale), lanes.splat(inverse), lanes.splat(ROUNDER));
    let mut rounded = [rounder; 2];
    for half in 0..2 {
        // SAFETY: each half holds eight floats.
        let nibbles = unsafe { lanes.load(nibble_values[half].as_ptr()) };
        rounded[half] = lanes.add(lanes.mul(lanes.mul(scale, nibbles), inverse), rounder);
    }
    lanes.rounded_bytes(rounded)
}
