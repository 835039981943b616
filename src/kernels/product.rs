//! The integer matrix product and its ways out. The loops are here, once; the innermost tile is the flavour's.

use std::ops::Range;

use super::elementwise::gelu_in_place;
use super::lanes::{LANES, Lanes};
use super::layout::{Columns, DOT_INPUTS, Epilogue, PackedWeights, RowsU7, TILE_COLUMNS, TILE_ROWS};

/// Activations that stay in the second-level cache while all weights pass by.
pub(super) const BLOCK_BYTES: usize = 256 * 1024;
/// Weights that stay in the first-level cache, half of it, while the rows of a block pass by.
const PANEL_BYTES: usize = 16 * 1024;

const _: () = assert!(TILE_COLUMNS == LANES, "one tile of columns is one set of lanes");

/// Where the sums go.
pub(super) trait Sink<L: Lanes> {
    /// Eight sums of one row and one tile of columns.
    fn write(&mut self, tile: usize, row: usize, sums: L::Sums);
    /// All sums of these tiles and rows are written.
    fn finish(&mut self, _tiles: Range<usize>, _rows: Range<usize>) {}
}

/// Rows and weights of some width, as the loop over tiles sees them.
pub(super) trait Product<L: Lanes> {
    fn n_rows(&self) -> usize;
    /// From one row's start to the next.
    fn row_bytes(&self) -> usize;
    fn n_tiles(&self) -> usize;
    /// From one tile's start to the next.
    fn tile_bytes(&self) -> usize;
    /// # Safety
    /// Rows `row..row + R` and the tile exist.
    unsafe fn sums<const R: usize>(&self, lanes: L, row: usize, tile: usize) -> [L::Sums; R];
}

/// ```text
/// for each block of rows that fits the second-level cache:
///     for each panel of tiles that fits the first:        weights pass by once per block, in order
///         for each 4 rows of the block:
///             for each tile of 8 columns of the panel:
///                 sums = rows × tile                       in registers, all inputs at once
///                 write(tile, row, sums)
///             finish(tiles, rows)                          while they are in the first-level cache
/// ```
/// At 768 inputs a panel is two tiles: they halve the traffic of activations, and what they write is whole cache lines.
/// At 16 inputs a panel is the whole matrix, and rows are written in order.
#[inline(always)]
pub(super) fn for_each_tile<L: Lanes>(lanes: L, product: &impl Product<L>, mut out: impl Sink<L>) {
    let (n_rows, n_tiles) = (product.n_rows(), product.n_tiles());
    let block = (BLOCK_BYTES / product.row_bytes().max(1)).next_multiple_of(TILE_ROWS);
    let panel = (PANEL_BYTES / product.tile_bytes().max(1)).max(1);
    for first in (0..n_rows).step_by(block) {
        let end = n_rows.min(first + block);
        for first_tile in (0..n_tiles).step_by(panel) {
            let tiles = first_tile..n_tiles.min(first_tile + panel);
            for row in (first..end).step_by(TILE_ROWS) {
                let group = row..end.min(row + TILE_ROWS);
                for tile in tiles.clone() {
                    // SAFETY: tiles and rows are those that there are; each arm takes as many rows as the group has.
                    unsafe {
                        match group.len() {
                            1 => tile_of_rows::<L, 1>(lanes, product, row, tile, &mut out),
                            2 => tile_of_rows::<L, 2>(lanes, product, row, tile, &mut out),
                            3 => tile_of_rows::<L, 3>(lanes, product, row, tile, &mut out),
                            _ => tile_of_rows::<L, TILE_ROWS>(lanes, product, row, tile, &mut out),
                        }
                    }
                }
                out.finish(tiles.clone(), group);
            }
        }
    }
}

/// # Safety
/// Rows `row..row + R` and the tile exist.
#[inline(always)]
unsafe fn tile_of_rows<L: Lanes, const R: usize>(
    lanes: L,
    product: &impl Product<L>,
    row: usize,
    tile: usize,
    out: &mut impl Sink<L>,
) {
    // SAFETY: the caller's promise.
    let sums: [L::Sums; R] = unsafe { product.sums(lanes, row, tile) };
    for (index, &sums) in sums.iter().enumerate() {
        out.write(tile, row + index, sums);
    }
}

/// Where rows begin in memory, `R` of them from `row` on.
///
/// # Safety
/// They exist, `stride` numbers apart.
#[inline(always)]
pub(super) unsafe fn row_pointers<T, const R: usize>(values: &[T], row: usize, stride: usize) -> [*const T; R] {
    let mut pointers = [values.as_ptr(); R];
    for (index, pointer) in pointers.iter_mut().enumerate() {
        // SAFETY: the caller's promise.
        *pointer = unsafe { pointer.add((row + index) * stride) };
    }
    pointers
}

/// Seven bits times eight; `ORDERED`: in the order that the weights have, if any.
struct Bytes<'a, const ORDERED: bool> {
    rows: &'a RowsU7,
    weights: &'a PackedWeights,
}

impl<'a, const ORDERED: bool> Bytes<'a, ORDERED> {
    /// Asserts what [`Product::sums`] relies on.
    #[inline(always)]
    fn new(rows: &'a RowsU7, weights: &'a PackedWeights) -> Self {
        assert_eq!(rows.n_in(), weights.n_in(), "rows and weights have the same inputs");
        let (stride, tile_bytes) = (rows.stride(), weights.n_steps() * DOT_INPUTS * TILE_COLUMNS);
        assert!(rows.values().len() >= rows.n_rows() * stride && stride >= weights.n_steps() * DOT_INPUTS);
        assert!(weights.tiles().len() >= weights.n_tiles() * tile_bytes);
        Self { rows, weights }
    }
}

impl<L: Lanes, const ORDERED: bool> Product<L> for Bytes<'_, ORDERED> {
    #[inline(always)]
    fn n_rows(&self) -> usize {
        self.rows.n_rows()
    }

    #[inline(always)]
    fn row_bytes(&self) -> usize {
        self.rows.stride()
    }

    #[inline(always)]
    fn n_tiles(&self) -> usize {
        self.weights.n_tiles()
    }

    #[inline(always)]
    fn tile_bytes(&self) -> usize {
        self.weights.n_steps() * DOT_INPUTS * TILE_COLUMNS
    }

    #[inline(always)]
    unsafe fn sums<const R: usize>(&self, lanes: L, row: usize, tile: usize) -> [L::Sums; R] {
        let n_steps = self.weights.n_steps();
        // SAFETY: the caller's promise; `new` asserts that tiles lie inside `tiles` and rows inside `values`, of which each
        // is at least `n_steps` × 4 bytes long; values are 0..=127 by `RowsU7`'s making, and a tile's order is of its weights.
        unsafe {
            let rows = row_pointers(self.rows.values(), row, self.rows.stride());
            let at = self.weights.tiles().as_ptr().add(tile * n_steps * DOT_INPUTS * TILE_COLUMNS);
            lanes.product(rows, at, n_steps, if ORDERED { self.weights.order(tile) } else { None })
        }
    }
}

/// The bare sums.
#[inline(always)]
pub fn matmul_i32<L: Lanes>(lanes: L, rows: &RowsU7, weights: &PackedWeights, out: &mut [i32]) {
    let n_out = weights.n_out();
    assert_eq!(out.len(), rows.n_rows() * n_out, "one sum for each row and column");
    for_each_tile(lanes, &Bytes::<true>::new(rows, weights), BareSums { lanes, out, n_out });
}

pub(super) struct BareSums<'a, L> {
    pub lanes: L,
    pub out: &'a mut [i32],
    pub n_out: usize,
}

impl<L: Lanes> Sink<L> for BareSums<'_, L> {
    /// A ragged last tile goes through eight sums on the stack.
    #[inline(always)]
    fn write(&mut self, tile: usize, row: usize, sums: L::Sums) {
        let mut eight = [0; TILE_COLUMNS];
        // SAFETY: `eight` holds eight sums.
        unsafe { self.lanes.store_sums(sums, eight.as_mut_ptr()) };
        let column = tile * TILE_COLUMNS;
        let n_columns = TILE_COLUMNS.min(self.n_out - column);
        self.out[row * self.n_out + column..][..n_columns].copy_from_slice(&eight[..n_columns]);
    }
}

/// The product with its epilogue, while the sums are still in registers, or, for GELU, in the first-level cache. The
/// arithmetic before the activation is plain multiplication and addition in the reference's order, so it is equal to
/// the bit.
#[inline(always)]
pub fn linear<L: Lanes>(
    lanes: L,
    rows: &RowsU7,
    weights: &PackedWeights,
    epilogue: Epilogue,
    out: &mut [f32],
    out_stride: usize,
) {
    let columns = weights.columns();
    let sink = Linear::<_, true>::new(lanes, (rows.scales(), rows.zero_points()), columns, epilogue, out, out_stride);
    for_each_tile(lanes, &Bytes::<true>::new(rows, weights), sink);
}

/// The same for weights that are filled in place, and so have no order: a smaller function without.
#[inline(always)]
pub(super) fn linear_as_it_comes<L: Lanes>(
    lanes: L,
    rows: &RowsU7,
    weights: &PackedWeights,
    out: &mut [f32],
    out_stride: usize,
) {
    let grid = (rows.scales(), rows.zero_points());
    let sink = Linear::<_, true>::new(lanes, grid, weights.columns(), Epilogue::Store, out, out_stride);
    for_each_tile(lanes, &Bytes::<false>::new(rows, weights), sink);
}

/// Scales the sums, adds the bias and does what the epilogue says.
/// `SHIFTED`: whether rows have zero points that are other than zero.
pub(super) struct Linear<'a, L, const SHIFTED: bool> {
    lanes: L,
    columns: &'a Columns,
    row_scales: &'a [f32],
    zero_points: &'a [i32],
    epilogue: Epilogue,
    out: &'a mut [f32],
    out_stride: usize,
}

impl<'a, L, const SHIFTED: bool> Linear<'a, L, SHIFTED> {
    /// Asserts what the lengths must be.
    #[inline(always)]
    pub fn new(
        lanes: L,
        (row_scales, zero_points): (&'a [f32], &'a [i32]),
        columns: &'a Columns,
        epilogue: Epilogue,
        out: &'a mut [f32],
        out_stride: usize,
    ) -> Self {
        let (n_rows, n_out) = (row_scales.len(), columns.n_out());
        assert!(n_out <= out_stride || n_rows <= 1, "rows of {n_out} columns do not fit a stride of {out_stride}");
        assert!(n_rows == 0 || out.len() >= (n_rows - 1) * out_stride + n_out, "`out` holds all rows");
        let padded_out = columns.n_tiles() * TILE_COLUMNS;
        assert!(padded_out >= n_out && columns.sums.len() == padded_out && columns.bias.len() == padded_out);
        Self { lanes, columns, row_scales, zero_points, epilogue, out, out_stride }
    }
}

impl<L: Lanes, const SHIFTED: bool> Sink<L> for Linear<'_, L, SHIFTED> {
    #[inline(always)]
    fn write(&mut self, tile: usize, row: usize, sums: L::Sums) {
        let (lanes, columns, column) = (self.lanes, self.columns, tile * TILE_COLUMNS);
        // SAFETY: scales, sums and bias are padded to whole tiles, as `new` asserts.
        let (column_sums, column_scales, bias) = unsafe {
            (
                lanes.load_sums(columns.sums.as_ptr().add(column)),
                lanes.load(columns.scales.as_ptr().add(column)),
                lanes.load(columns.bias.as_ptr().add(column)),
            )
        };
        let sums = if SHIFTED {
            lanes.sub_sums(sums, lanes.mul_sums(lanes.splat_sum(self.zero_points[row]), column_sums))
        } else {
            sums
        };
        let scale = lanes.mul(lanes.splat(self.row_scales[row]), column_scales);
        let value = lanes.add(lanes.mul(lanes.sums_to_floats(sums), scale), bias);
        if column + TILE_COLUMNS <= columns.n_out() {
            // SAFETY: the row's eight columns lie inside `out`, as `new` asserts.
            unsafe {
                let out = self.out.as_mut_ptr().add(row * self.out_stride + column);
                self.write_eight(value, out);
            }
        } else {
            let range = row * self.out_stride + column..row * self.out_stride + columns.n_out();
            let mut eight = [0f32; TILE_COLUMNS];
            eight[..range.len()].copy_from_slice(&self.out[range.clone()]);
            // SAFETY: `eight` holds eight floats.
            unsafe { self.write_eight(value, eight.as_mut_ptr()) };
            self.out[range.clone()].copy_from_slice(&eight[..range.len()]);
        }
    }

    #[inline(always)]
    fn finish(&mut self, tiles: Range<usize>, rows: Range<usize>) {
        if self.epilogue == Epilogue::Gelu {
            let columns = tiles.start * TILE_COLUMNS..self.columns.n_out().min(tiles.end * TILE_COLUMNS);
            for row in rows {
                gelu_in_place(self.lanes, &mut self.out[row * self.out_stride..][columns.clone()]);
            }
        }
    }
}

impl<L: Lanes, const SHIFTED: bool> Linear<'_, L, SHIFTED> {
    /// # Safety
    /// `out` is readable and writable for eight floats.
    #[inline(always)]
    unsafe fn write_eight(&self, value: L::Floats, out: *mut f32) {
        let (lanes, zero) = (self.lanes, self.lanes.splat(0.0));
        let value = match self.epilogue {
            // GELU is for `finish`.
            Epilogue::Store | Epilogue::Gelu => value,
            Epilogue::Relu => lanes.greater(value, zero),
            Epilogue::Relu6 => lanes.lesser(lanes.greater(value, zero), lanes.splat(6.0)),
            // SAFETY: the caller's promise.
            Epilogue::Add => lanes.add(unsafe { lanes.load(out) }, value),
            // SAFETY: the caller's promise.
            Epilogue::AddRelu => lanes.greater(lanes.add(unsafe { lanes.load(out) }, value), zero),
        };
        // SAFETY: the caller's promise.
        unsafe { lanes.store(value, out) }
    }
}
