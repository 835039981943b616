//! The product of four-bit weights, which stay four bits in memory: unpacked in registers for a few rows, and for many
//! once into a panel that all rows of a block pass by. Its sums are those of the reference to the bit, either way.

use super::lanes::Lanes;
use super::layout::{
    Epilogue, FourBitGroup, FourBitWeights, GROUP_STEPS, MULTIPLIER_MAX, MULTIPLIERS_MAX, PanelInputs, PanelRoom,
    Piece, Q4_GROUP, Q4_GROUP_BYTES, RowGroup, RowsI8, TILE_COLUMNS, TILE_ROWS,
};
use super::product::{BLOCK_BYTES, BareSums, Linear, Sink};
use super::reference;

/// Most of a first-level cache of 32 KB, beside four rows of activations: of 768 inputs four tiles, in plain SIMD two.
const PANEL_BYTES: usize = 28 * 1024;

/// The bare sums.
#[inline(always)]
pub fn matmul_of_four_bits<L: Lanes>(
    lanes: L,
    rows: &RowsI8,
    weights: &FourBitWeights,
    room: &mut PanelRoom,
    out: &mut [i32],
) {
    let n_out = weights.n_out();
    assert_eq!(out.len(), rows.n_rows() * n_out, "one sum for each row and column");
    for_each_tile(lanes, rows, weights, room, BareSums { lanes, out, n_out });
}

/// The product with its epilogue, as `product::linear` has it.
#[inline(always)]
pub fn linear_of_four_bits<L: Lanes>(
    lanes: L,
    rows: &RowsI8,
    weights: &FourBitWeights,
    room: &mut PanelRoom,
    epilogue: Epilogue,
    out: &mut [f32],
    out_stride: usize,
) {
    let columns = weights.columns();
    let sink = Linear::<_, true>::new(lanes, (rows.scales(), rows.zero_points()), columns, epilogue, out, out_stride);
    for_each_tile(lanes, rows, weights, room, sink);
}

#[inline(always)]
fn for_each_tile<L: Lanes>(lanes: L, rows: &RowsI8, weights: &FourBitWeights, room: &mut PanelRoom, out: impl Sink<L>) {
    assert_eq!(rows.n_in(), weights.n_in(), "rows and weights have the same inputs");
    let (n_rows, n_groups) = (rows.n_rows(), weights.n_groups());
    assert!(rows.groups().len() == n_rows.div_ceil(TILE_ROWS) * n_groups);
    assert!(weights.groups().len() >= weights.columns().n_tiles() * n_groups);
    if n_rows >= lanes.panel_pays_from() {
        by_panels(lanes, rows, weights, room, out);
    } else {
        on_the_fly(lanes, rows, weights, out);
    }
}

/// One row or a few, or a whole tile of them, through the function of its number of rows.
macro_rules! of_its_size {
    ($n_rows:expr, $R:ident => $call:expr) => {
        match $n_rows {
            1 => {
                const $R: usize = 1;
                $call
            }
            2 => {
                const $R: usize = 2;
                $call
            }
            3 => {
                const $R: usize = 3;
                $call
            }
            _ => {
                const $R: usize = TILE_ROWS;
                $call
            }
        }
    };
}

/// ```text
/// for each two tiles of 8 columns, because what finishes them takes sixteen columns at once:
///     for each 4 rows, for each tile: sums = rows × tile, unpacked on the way
/// ```
#[inline(always)]
fn on_the_fly<L: Lanes>(lanes: L, rows: &RowsI8, weights: &FourBitWeights, mut out: impl Sink<L>) {
    let (n_groups, n_tiles) = (weights.n_groups(), weights.columns().n_tiles());
    for first_tile in (0..n_tiles).step_by(2) {
        let tiles = first_tile..n_tiles.min(first_tile + 2);
        for row in (0..rows.n_rows()).step_by(TILE_ROWS) {
            let end = rows.n_rows().min(row + TILE_ROWS);
            for tile in tiles.clone() {
                // SAFETY: `for_each_tile` asserts that all groups and rows are there; each arm takes as many rows as are
                // left.
                unsafe {
                    let groups = weights.groups().as_ptr().add(tile * n_groups);
                    let rows = rows.groups().as_ptr().add(row / TILE_ROWS * n_groups);
                    of_its_size!(end - row, R => {
                        put(lanes.product_of_nibbles::<R>(rows, groups, n_groups), tile, row, &mut out);
                    });
                }
            }
            out.finish(tiles.clone(), row..end);
        }
    }
}

/// ```text
/// for each block of rows that fits the second-level cache:
///     for each panel of tiles that fits the first:        four bits → what is multiplied, once for all rows of the block
///         for each 4 rows of the block:
///             for each tile of 8 columns of the panel: sums = rows × tile
///             finish(tiles, rows)
/// ```
#[inline(always)]
fn by_panels<L: Lanes>(lanes: L, rows: &RowsI8, weights: &FourBitWeights, room: &mut PanelRoom, mut out: impl Sink<L>) {
    let (n_rows, n_groups, n_tiles) = (rows.n_rows(), weights.n_groups(), weights.columns().n_tiles());
    let rows_bytes = n_groups * size_of::<L::PanelInputs>();
    let block = TILE_ROWS * (BLOCK_BYTES / rows_bytes.max(1)).max(1);
    let tile_pieces = n_groups * L::GROUP_PIECES;
    let tiles_together = (PANEL_BYTES / (tile_pieces * size_of::<Piece>()).max(1)).max(1);
    let n_pieces = tiles_together.min(n_tiles) * tile_pieces;
    if room.panel.len() < n_pieces {
        room.panel.reserve_exact(n_pieces - room.panel.len());
        room.panel.resize(n_pieces, Piece::default());
    }
    for first in (0..n_rows).step_by(block) {
        let end = n_rows.min(first + block);
        let groups = first / TILE_ROWS * n_groups..end.div_ceil(TILE_ROWS) * n_groups;
        let inputs = L::PanelInputs::of(&rows.groups()[groups], &mut room.wide_rows);
        for first_tile in (0..n_tiles).step_by(tiles_together) {
            let tiles = first_tile..n_tiles.min(first_tile + tiles_together);
            for (index, tile) in tiles.clone().enumerate() {
                // SAFETY: `for_each_tile` asserts that all groups are there; `panel` has room for these tiles.
                unsafe {
                    let groups = weights.groups().as_ptr().add(tile * n_groups);
                    lanes.unpack(groups, n_groups, room.panel.as_mut_ptr().add(index * tile_pieces));
                }
            }
            for row in (first..end).step_by(TILE_ROWS) {
                let row_end = end.min(row + TILE_ROWS);
                for (index, tile) in tiles.clone().enumerate() {
                    // SAFETY: as above; `inputs` are the rows of this block, each arm takes as many as are left.
                    unsafe {
                        let panel = room.panel.as_ptr().add(index * tile_pieces);
                        let rows = inputs.add((row - first) / TILE_ROWS * n_groups);
                        of_its_size!(row_end - row, R => {
                            put(lanes.product_of_panel::<R>(rows, panel, n_groups), tile, row, &mut out);
                        });
                    }
                }
                out.finish(tiles.clone(), row..row_end);
            }
        }
    }
}

#[inline(always)]
fn put<L: Lanes, const R: usize>(sums: [L::Sums; R], tile: usize, row: usize, out: &mut impl Sink<L>) {
    for (index, &sums) in sums.iter().enumerate() {
        out.write(tile, row + index, sums);
    }
}

/// Puts columns of Q4_0 groups into their place in `weights`, from `first_column` on: eight columns at a time, all else
/// by the reference.
///
/// ```text
/// for each eight columns:
///     factor of each column, from the scales of its groups
///     for each group of 32 inputs:
///         multipliers = round(scale × factor)
///         nibbles of columns c and c + 4 joined, then transposed in units of four inputs
///     sums of columns = the product with a row of ones
/// ```
#[inline(always)]
pub fn put_q4_columns<L: Lanes>(lanes: L, q4: &[u8], first_column: usize, weights: &mut FourBitWeights) {
    let n_groups = weights.n_groups();
    let (q4, _) = q4.as_chunks::<Q4_GROUP_BYTES>();
    let n_columns = q4.len().checked_div(n_groups).unwrap_or(0);
    assert!(first_column + n_columns <= weights.n_out(), "columns from {first_column} on fit the weights");
    let ones = vec![[RowGroup::of([1; Q4_GROUP]); TILE_ROWS]; n_groups];
    let mut column = 0;
    while column < n_columns {
        let at = first_column + column;
        let together = if at.is_multiple_of(TILE_COLUMNS) { TILE_COLUMNS.min(n_columns - column) } else { 1 };
        let some = &q4[column * n_groups..][..together * n_groups];
        if together == TILE_COLUMNS {
            let (groups, scales, sums) = weights.parts_mut();
            let tile = at / TILE_COLUMNS;
            let groups = &mut groups[tile * n_groups..][..n_groups];
            let factors = factors(some, n_groups);
            interleave(lanes, some, factors, groups);
            scales[at..][..TILE_COLUMNS].copy_from_slice(&factors.map(step_of));
            // SAFETY: `ones` is as long as a row, `groups` are all of a tile's, and `sums` are padded to whole tiles.
            unsafe {
                let [of_ones] = lanes.product_of_nibbles(ones.as_ptr(), groups.as_ptr(), n_groups);
                lanes.store_sums(of_ones, sums[at..][..TILE_COLUMNS].as_mut_ptr());
            }
        } else {
            reference::put_q4_columns(some.as_flattened(), at, weights);
        }
        column += together;
    }
}

/// What eight columns' scales are multiplied with to become multipliers.
#[inline(always)]
fn factors(q4: &[[u8; Q4_GROUP_BYTES]], n_groups: usize) -> [f32; TILE_COLUMNS] {
    let (mut most, mut total) = ([0f32; TILE_COLUMNS], [0f32; TILE_COLUMNS]);
    for group in 0..n_groups {
        let scales = scales_of(q4, n_groups, group);
        for column in 0..TILE_COLUMNS {
            let size = scales[column].abs();
            most[column] = if size > most[column] { size } else { most[column] };
            total[column] += size;
        }
    }
    std::array::from_fn(|column| factor_of(most[column], total[column], n_groups))
}

/// The factor of a column whose scales' largest size is `most` and whose sizes add up to `total`. Rounding makes a
/// multiplier half a unit larger at most.
#[inline(always)]
pub fn factor_of(most: f32, total: f32, n_groups: usize) -> f32 {
    if most == 0.0 {
        return 0.0;
    }
    let (of_one, of_all) = (MULTIPLIER_MAX / most, (MULTIPLIERS_MAX - n_groups as f32) / total);
    if of_one < of_all { of_one } else { of_all }
}

/// What one step of a column's sums is worth.
#[inline(always)]
pub fn step_of(factor: f32) -> f32 {
    if factor == 0.0 { 0.0 } else { 1.0 / factor }
}

/// The scales of eight columns, as the reference reads one.
#[inline(always)]
fn scales_of(q4: &[[u8; Q4_GROUP_BYTES]], n_groups: usize, group: usize) -> [f32; TILE_COLUMNS] {
    let bits: [u16; TILE_COLUMNS] = std::array::from_fn(|column| {
        let [low, high, ..] = q4[column * n_groups + group];
        u16::from_le_bytes([low, high])
    });
    // Without a branch, so that eight become vectors. 2^112 moves the exponent's middle; subnormal numbers come right too.
    bits.map(|bits| {
        let magnitude = f32::from_bits(u32::from(bits & 0x7fff) << 13) * f32::from_bits((127 + 112) << 23);
        let finite = if bits & 0x7c00 == 0x7c00 { 0 } else { magnitude.to_bits() };
        f32::from_bits(u32::from(bits & 0x8000) << 16 | finite)
    })
}

#[inline(always)]
fn interleave<L: Lanes>(
    lanes: L,
    q4: &[[u8; Q4_GROUP_BYTES]],
    factors: [f32; TILE_COLUMNS],
    groups: &mut [FourBitGroup],
) {
    let n_groups = groups.len();
    for (index, group) in groups.iter_mut().enumerate() {
        let scales = scales_of(q4, n_groups, index);
        for column in 0..TILE_COLUMNS {
            // The low half of the sum's bits is the rounded number.
            let rounded = scales[column] * factors[column] + super::lanes::ROUNDER;
            group.multipliers[column] = rounded.to_bits() as i16;
        }
        // SAFETY: a group of Q4_0 holds sixteen bytes of nibbles after its scale.
        let joined: [[L::Bytes; 2]; 4] = std::array::from_fn(|column| unsafe {
            let of = |column: usize| q4[column * n_groups + index].as_ptr().add(2);
            lanes.join_nibbles(of(column), of(column + 4))
        });
        let steps = [lanes.transpose(joined.map(|[low, _]| low)), lanes.transpose(joined.map(|[_, high]| high))];
        for (to, &step) in group.nibbles.iter_mut().zip(steps.as_flattened()) {
            // SAFETY: a step is sixteen bytes.
            unsafe { lanes.store_sixteen(step, to.as_mut_ptr().cast()) };
        }
    }
}

const _: () = assert!(GROUP_STEPS == 8 && TILE_COLUMNS == 8, "a group's steps are two transpositions");
