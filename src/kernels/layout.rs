//! How numbers lie in memory while they are multiplied. Knows no arithmetic beyond packing itself.

use super::order::{GROUP_OF_STEPS, GROUPS_MIN, Order, put_in_order};

/// Output columns that share one tile of packed weights: two vectors of four.
pub const TILE_COLUMNS: usize = 8;
/// Rows that share one pass over a tile of weights: 4 rows × 8 columns are eight 128-bit accumulators, which with two
/// vectors of weights, one of activations and a temporary stay within the sixteen registers of x86-64.
pub const TILE_ROWS: usize = 4;
/// Inputs that one dot instruction sums for each column.
pub const DOT_INPUTS: usize = 4;
/// Bytes of one step of a tile: four inputs of eight columns.
pub const STEP: usize = TILE_COLUMNS * DOT_INPUTS;
/// The largest activation beside four-bit weights, and, below zero, the least: a pair of products of −127..=127 and
/// 0..=15, and the sums of eight pairs less eight times the activations, stay within sixteen bits.
pub const ACTIVATION_I8_MAX: i8 = 127;
/// Rows of activations are padded to a whole number of vectors, so that no kernel reads past a row.
pub const ROW_ALIGNMENT: usize = 16;

/// The largest i8 weight and the largest activation. With both in seven bits, a pair of products never leaves i16, so the
/// relaxed dot gives the same i32 on every processor.
pub const WEIGHT_MAX: i8 = 127;
pub const ACTIVATION_MAX: u8 = 127;

/// What every output column of a linear map has besides its weights. Padded to whole tiles with zeros.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Columns {
    n_out: usize,
    pub(super) scales: Vec<f32>,
    /// Sum of each column's weights: what a zero point must be multiplied with.
    pub(super) sums: Vec<i32>,
    pub(super) bias: Vec<f32>,
}

impl Columns {
    fn zeroed(n_out: usize) -> Self {
        let padded = n_out.next_multiple_of(TILE_COLUMNS);
        Self { n_out, scales: vec![0.0; padded], sums: vec![0; padded], bias: vec![0.0; padded] }
    }

    fn reshape(&mut self, n_out: usize) {
        let padded = n_out.next_multiple_of(TILE_COLUMNS);
        self.n_out = n_out;
        self.scales.clear();
        self.scales.resize(padded, 0.0);
        self.sums.clear();
        self.sums.resize(padded, 0);
        self.bias.clear();
        self.bias.resize(padded, 0.0);
    }

    pub fn n_out(&self) -> usize {
        self.n_out
    }

    pub fn n_tiles(&self) -> usize {
        self.scales.len() / TILE_COLUMNS
    }

    fn byte_len(&self) -> usize {
        12 * self.scales.len()
    }
}

/// The weights of a linear map, `n_out` columns of `n_in` inputs, i8 with one scale per output column.
///
/// Packed as `[n_out / 8][n_in / 4][8 columns][4 inputs]`: a dot instruction finds four inputs of four columns in one
/// vector. Ragged edges are filled with zero weights, which add nothing.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct PackedWeights {
    n_in: usize,
    tiles: Vec<i8>,
    /// Each tile's groups in order, and how many of them are light and how many paired.
    groups: Vec<u16>,
    n_of_kinds: Vec<[u16; 2]>,
    columns: Columns,
}

impl PackedWeights {
    pub fn zeroed(n_out: usize, n_in: usize) -> Self {
        let columns = Columns::zeroed(n_out);
        let mut weights = Self { n_in, columns, ..Self::default() };
        weights.clear();
        weights
    }

    /// All zeros in a new shape, in the memory that is there already: for weights that are made anew for each use.
    pub fn reshape(&mut self, n_out: usize, n_in: usize) {
        self.n_in = n_in;
        self.columns.reshape(n_out);
        self.clear();
    }

    fn clear(&mut self) {
        let n_tiles = self.columns.n_tiles();
        self.tiles.clear();
        self.tiles.resize(n_tiles * TILE_COLUMNS * self.n_in.next_multiple_of(DOT_INPUTS), 0);
        self.groups.clear();
        self.n_of_kinds.clear();
        self.n_of_kinds.resize(n_tiles, [0; 2]);
    }

    fn n_groups(&self) -> usize {
        self.n_steps() / GROUP_OF_STEPS
    }

    pub fn n_out(&self) -> usize {
        self.columns.n_out
    }

    pub fn n_in(&self) -> usize {
        self.n_in
    }

    pub fn n_tiles(&self) -> usize {
        self.columns.n_tiles()
    }

    /// Steps of four inputs in a tile.
    pub fn n_steps(&self) -> usize {
        self.n_in.div_ceil(DOT_INPUTS)
    }

    pub fn tiles(&self) -> &[i8] {
        &self.tiles
    }

    pub fn columns(&self) -> &Columns {
        &self.columns
    }

    pub fn bias_mut(&mut self) -> &mut [f32] {
        &mut self.columns.bias[..self.columns.n_out]
    }

    /// None where they are to be taken as they come.
    pub fn order(&self, tile: usize) -> Option<Order<'_>> {
        let [n_light, n_paired] = self.n_of_kinds[tile].map(usize::from);
        let groups = self.groups.get(tile * self.n_groups()..)?.get(..self.n_groups())?;
        (n_light + n_paired > 0).then_some(Order { groups, n_light, n_paired })
    }

    /// The parts that attention fills in place: tiles, scales, sums. Then no tile has an order.
    pub fn parts_mut(&mut self) -> (&mut [i8], &mut [f32], &mut [i32]) {
        self.n_of_kinds.fill([0; 2]);
        (&mut self.tiles, &mut self.columns.scales, &mut self.columns.sums)
    }

    /// Where weight (`column`, `input`) lies in `tiles`.
    pub fn tile_index(&self, column: usize, input: usize) -> usize {
        let (tile, column) = (column / TILE_COLUMNS, column % TILE_COLUMNS);
        let (step, input) = (input / DOT_INPUTS, input % DOT_INPUTS);
        ((tile * self.n_steps() + step) * TILE_COLUMNS + column) * DOT_INPUTS + input
    }

    pub fn weight(&self, column: usize, input: usize) -> i8 {
        self.tiles[self.tile_index(column, input)]
    }

    pub fn set_column(&mut self, column: usize, weights: &[i8], scale: f32) {
        assert!(column < self.columns.n_out && weights.len() == self.n_in, "a column of {} inputs", self.n_in);
        // Four inputs at a time, a step apart.
        let (fours, rest) = weights.as_chunks::<DOT_INPUTS>();
        let first = self.tile_index(column, 0);
        let places = self.tiles.get_mut(first..).unwrap_or_default().chunks_mut(STEP);
        for (place, four) in places.zip(fours) {
            place[..DOT_INPUTS].copy_from_slice(four);
        }
        if !rest.is_empty() {
            self.tiles[first + fours.len() * STEP..][..rest.len()].copy_from_slice(rest);
        }
        self.columns.scales[column] = scale;
        self.columns.sums[column] = weights.iter().map(|&weight| i32::from(weight)).sum();
        // Columns come one after another: with its last one a tile is whole.
        let tile = column / TILE_COLUMNS;
        if column % TILE_COLUMNS == TILE_COLUMNS - 1 || column + 1 == self.columns.n_out {
            self.put_in_order(tile);
        } else {
            self.n_of_kinds[tile] = [0; 2];
        }
    }

    fn put_in_order(&mut self, tile: usize) {
        let (n_groups, n_steps) = (self.n_groups(), self.n_steps());
        if n_groups < GROUPS_MIN || n_groups > usize::from(u16::MAX) {
            return;
        }
        let steps = self.tiles[tile * n_steps * STEP..][..n_groups * GROUP_OF_STEPS * STEP].as_chunks().0;
        self.groups.resize(self.columns.n_tiles() * n_groups, 0);
        self.n_of_kinds[tile] = put_in_order(steps, &mut self.groups[tile * n_groups..][..n_groups]);
    }

    /// Bytes of memory the weights hold.
    pub fn byte_len(&self) -> usize {
        self.tiles.len() + 2 * self.groups.len() + 4 * self.n_of_kinds.len() + self.columns.byte_len()
    }
}

/// Bytes of one Q4_0 group, as weight files hold it: an f16 scale and 32 weights in 4 bits.
pub const Q4_GROUP: usize = 32;
pub const Q4_GROUP_BYTES: usize = 18;
/// Dots of four inputs in a group.
pub const GROUP_STEPS: usize = Q4_GROUP / DOT_INPUTS;
/// The largest multiplier: with a weight of four bits it makes sixteen, in which plain SIMD multiplies.
pub const MULTIPLIER_MAX: f32 = 4095.0;
/// How large the multipliers of a column may be together, for sums of any weights and activations to stay within i32,
/// whatever the zero point.
pub const MULTIPLIERS_MAX: f32 = (i32::MAX / (8 * Q4_GROUP as i32 * 2 * ACTIVATION_I8_MAX as i32)) as f32;

/// 32 inputs of eight columns, as they lie in memory: four bits a weight and sixteen a group's multiplier.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
#[repr(C, align(16))]
pub struct FourBitGroup {
    /// One for each column.
    pub multipliers: [i16; TILE_COLUMNS],
    /// For each step of four inputs the weights plus eight: byte `4 × c + i` has input `i` of column `c` in its low half and
    /// of column `c + 4` in its high half, so that each half is what a dot instruction takes.
    pub nibbles: [[u8; 16]; GROUP_STEPS],
}

/// The weights of a linear map on the grid of Q4_0, multiplied as the four bits that they are:
///
/// `sum[column] = Σ over groups (multiplier × Σ over the group's 32 inputs (weight × activation))`,
///
/// whole numbers, the same on every processor; weights are −8..=7, activations [`RowsI8`]. The inner sum stays within
/// sixteen bits, the outer one within 32: a column's multipliers are its groups' scales in proportion, as large as that
/// allows.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct FourBitWeights {
    n_in: usize,
    /// [n_out / 8][n_in / 32]
    groups: Vec<FourBitGroup>,
    columns: Columns,
}

impl FourBitWeights {
    /// # Panics
    /// Where `n_in` is not whole groups, or so many that a multiplier of one would be too much.
    pub fn zeroed(n_out: usize, n_in: usize) -> Self {
        assert!(n_in.is_multiple_of(Q4_GROUP), "{n_in} inputs are not whole groups of {Q4_GROUP}");
        assert!(((n_in / Q4_GROUP) as f32) < MULTIPLIERS_MAX / 2.0, "{n_in} inputs");
        let columns = Columns::zeroed(n_out);
        let groups = Box::<[FourBitGroup]>::new_zeroed_slice(columns.n_tiles() * (n_in / Q4_GROUP));
        // SAFETY: numbers alone, for which zeros are zeros. (`vec!` would write each group, which takes a browser that has not yet
        // made this fast 10 ms for a net.)
        Self { n_in, groups: unsafe { groups.assume_init() }.into_vec(), columns }
    }

    pub fn n_out(&self) -> usize {
        self.columns.n_out
    }

    pub fn n_in(&self) -> usize {
        self.n_in
    }

    /// Groups of a column.
    pub fn n_groups(&self) -> usize {
        self.n_in / Q4_GROUP
    }

    pub fn groups(&self) -> &[FourBitGroup] {
        &self.groups
    }

    pub fn columns(&self) -> &Columns {
        &self.columns
    }

    pub fn bias_mut(&mut self) -> &mut [f32] {
        &mut self.columns.bias[..self.columns.n_out]
    }

    /// The parts that are filled in place: groups, scales, sums.
    pub fn parts_mut(&mut self) -> (&mut [FourBitGroup], &mut [f32], &mut [i32]) {
        (&mut self.groups, &mut self.columns.scales, &mut self.columns.sums)
    }

    /// Bytes of memory the weights hold.
    pub fn byte_len(&self) -> usize {
        size_of_val(self.groups.as_slice()) + self.columns.byte_len()
    }
}

/// Sixteen bytes of a panel, where vectors are loaded from.
#[derive(Debug, Clone, Copy, Default)]
#[repr(C, align(16))]
pub struct Piece(pub [u8; 16]);

/// What the product of four-bit weights works in: grows to the largest shape seen and stays.
#[derive(Debug, Clone, Default)]
pub struct PanelRoom {
    /// Weights as a flavour multiplies them.
    pub(super) panel: Vec<Piece>,
    /// Activations in sixteen bits, for a flavour that wants them so.
    pub(super) wide_rows: Vec<WideRows>,
}

/// Activations in seven bits: `x ≈ scale[row] × (value − zero_point[row])`, values 0..=127.
/// Filled anew for each use; `resize` keeps the memory, so a shape that was seen once costs no allocation again.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RowsU7 {
    n_rows: usize,
    n_in: usize,
    stride: usize,
    values: Vec<u8>,
    scales: Vec<f32>,
    zero_points: Vec<i32>,
}

impl RowsU7 {
    pub fn resize(&mut self, n_rows: usize, n_in: usize) {
        self.n_rows = n_rows;
        self.n_in = n_in;
        self.stride = n_in.next_multiple_of(ROW_ALIGNMENT);
        self.values.clear();
        self.values.resize(n_rows * self.stride, 0);
        self.scales.resize(n_rows, 0.0);
        self.zero_points.resize(n_rows, 0);
    }

    pub fn n_rows(&self) -> usize {
        self.n_rows
    }

    pub fn n_in(&self) -> usize {
        self.n_in
    }

    /// Bytes from one row's start to the next; what lies past `n_in` is zero.
    pub fn stride(&self) -> usize {
        self.stride
    }

    pub fn values(&self) -> &[u8] {
        &self.values
    }

    pub fn scales(&self) -> &[f32] {
        &self.scales
    }

    pub fn zero_points(&self) -> &[i32] {
        &self.zero_points
    }

    pub fn parts_mut(&mut self) -> (&mut [u8], &mut [f32], &mut [i32]) {
        (&mut self.values, &mut self.scales, &mut self.zero_points)
    }
}

/// Activations in eight bits, for four-bit weights: `x ≈ scale[row] × (value − zero_point[row])`, both −127..=127.
/// Filled anew for each use; `resize` keeps the memory.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RowsI8 {
    n_in: usize,
    /// [n_rows / 4][n_in / 32][4]: the same group of four rows side by side, so that a tile needs one pointer.
    groups: Vec<[RowGroup; TILE_ROWS]>,
    scales: Vec<f32>,
    zero_points: Vec<i32>,
}

/// A group's activations of one row, and what their sum starts from where weights are multiplied as 0..=15 instead of
/// −8..=7: −8 × the sum of the activations.
#[derive(Debug, Clone, Copy, PartialEq)]
#[repr(C)]
pub struct RowGroup {
    pub values: [i8; Q4_GROUP],
    pub start: i32,
    /// The same, for a sum in two halves of sixteen bits, of which the second starts from zero.
    pub start_of_halves: [i16; 2],
}

impl Default for RowGroup {
    fn default() -> Self {
        Self::of([0; Q4_GROUP])
    }
}

impl RowGroup {
    pub fn of(values: [i8; Q4_GROUP]) -> Self {
        let start = -8 * values.iter().map(|&value| i32::from(value)).sum::<i32>();
        Self { values, start, start_of_halves: [start as i16, 0] }
    }
}

impl RowsI8 {
    /// # Panics
    /// Where `n_in` is not whole groups.
    pub fn resize(&mut self, n_rows: usize, n_in: usize) {
        assert!(n_in.is_multiple_of(Q4_GROUP), "{n_in} inputs are not whole groups of {Q4_GROUP}");
        self.n_in = n_in;
        self.groups.resize(n_rows.div_ceil(TILE_ROWS) * (n_in / Q4_GROUP), Default::default());
        self.scales.resize(n_rows, 0.0);
        self.zero_points.resize(n_rows, 0);
    }

    pub fn n_rows(&self) -> usize {
        self.scales.len()
    }

    pub fn n_in(&self) -> usize {
        self.n_in
    }

    /// Groups of a row.
    pub fn n_groups(&self) -> usize {
        self.n_in / Q4_GROUP
    }

    pub fn groups(&self) -> &[[RowGroup; TILE_ROWS]] {
        &self.groups
    }

    /// The groups of one row.
    pub fn row(&self, row: usize) -> impl Iterator<Item = &RowGroup> {
        let n_groups = self.n_groups();
        self.groups[row / TILE_ROWS * n_groups..][..n_groups].iter().map(move |rows| &rows[row % TILE_ROWS])
    }

    pub fn row_mut(&mut self, row: usize) -> impl Iterator<Item = &mut RowGroup> {
        let n_groups = self.n_groups();
        self.groups[row / TILE_ROWS * n_groups..][..n_groups].iter_mut().map(move |rows| &mut rows[row % TILE_ROWS])
    }

    pub fn scales(&self) -> &[f32] {
        &self.scales
    }

    pub fn zero_points(&self) -> &[i32] {
        &self.zero_points
    }

    pub fn set_grid(&mut self, row: usize, (scale, zero_point): (f32, i32)) {
        (self.scales[row], self.zero_points[row]) = (scale, zero_point);
    }
}

/// The largest activation beside weights of sixteen bits: eleven bits and a sign.
pub const ACTIVATION_I16_MAX: i16 = 2047;
/// How large a column's weights of sixteen bits may be together, for the sum of any activations to stay within 32 bits.
pub const COLUMN_I16_MAX: i64 = i32::MAX as i64 / ACTIVATION_I16_MAX as i64;
/// Inputs that rows and weights of sixteen bits are padded to: eight steps of two.
pub const WORD_BLOCK: usize = 16;

/// The weights of a linear map in sixteen bits, with one scale per output column, for layers that eight bits are too few
/// for.
///
/// Packed as `[n_out / 8][n_in / 16][8 steps][8 columns][2 inputs]`; ragged edges are zeros.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SixteenBitWeights {
    n_in: usize,
    words: Vec<i16>,
    columns: Columns,
}

impl SixteenBitWeights {
    pub fn zeroed(n_out: usize, n_in: usize) -> Self {
        let columns = Columns::zeroed(n_out);
        Self { n_in, words: vec![0; columns.scales.len() * n_in.next_multiple_of(WORD_BLOCK)], columns }
    }

    pub fn n_out(&self) -> usize {
        self.columns.n_out
    }

    pub fn n_in(&self) -> usize {
        self.n_in
    }

    /// Blocks of sixteen inputs in a tile.
    pub fn n_blocks(&self) -> usize {
        self.n_in.div_ceil(WORD_BLOCK)
    }

    pub fn words(&self) -> &[i16] {
        &self.words
    }

    pub fn columns(&self) -> &Columns {
        &self.columns
    }

    pub fn bias_mut(&mut self) -> &mut [f32] {
        &mut self.columns.bias[..self.columns.n_out]
    }

    /// Where weight (`column`, `input`) lies in `words`.
    fn index(&self, column: usize, input: usize) -> usize {
        let (tile, column) = (column / TILE_COLUMNS, column % TILE_COLUMNS);
        let n_steps = self.n_blocks() * WORD_BLOCK / 2;
        ((tile * n_steps + input / 2) * TILE_COLUMNS + column) * 2 + input % 2
    }

    pub fn weight(&self, column: usize, input: usize) -> i16 {
        self.words[self.index(column, input)]
    }

    /// False, and nothing is set, where the weights are too large together: see [`COLUMN_I16_MAX`].
    #[must_use]
    pub fn set_column(
        &mut self,
        column: usize,
        weights: impl ExactSizeIterator<Item = i16> + Clone,
        scale: f32,
    ) -> bool {
        assert!(column < self.columns.n_out && weights.len() == self.n_in, "a column of {} inputs", self.n_in);
        if weights.clone().map(|weight| i64::from(weight).abs()).sum::<i64>() > COLUMN_I16_MAX {
            return false;
        }
        for (input, weight) in weights.enumerate() {
            let index = self.index(column, input);
            self.words[index] = weight;
        }
        self.columns.scales[column] = scale;
        true
    }

    /// Bytes of memory the weights hold.
    pub fn byte_len(&self) -> usize {
        2 * self.words.len() + self.columns.byte_len()
    }
}

/// Activations in eleven bits and a sign: `x ≈ scale × value`. Filled anew for each use; `resize` keeps the memory.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RowsI16 {
    n_in: usize,
    stride: usize,
    values: Vec<i16>,
    scales: Vec<f32>,
    /// All zero.
    zero_points: Vec<i32>,
}

impl RowsI16 {
    /// What rows hold is whatever was there before, but for their padding, which is zero.
    pub fn resize(&mut self, n_rows: usize, n_in: usize, scale: f32) {
        let stride = n_in.next_multiple_of(WORD_BLOCK);
        if stride != self.stride || n_in < self.n_in {
            self.values.clear();
        }
        (self.n_in, self.stride) = (n_in, stride);
        self.values.resize(n_rows * stride, 0);
        self.scales.clear();
        self.scales.resize(n_rows, scale);
        self.zero_points.resize(n_rows, 0);
    }

    pub fn n_rows(&self) -> usize {
        self.scales.len()
    }

    pub fn n_in(&self) -> usize {
        self.n_in
    }

    /// Numbers from one row's start to the next.
    pub fn stride(&self) -> usize {
        self.stride
    }

    pub fn values(&self) -> &[i16] {
        &self.values
    }

    pub fn values_mut(&mut self) -> &mut [i16] {
        &mut self.values
    }

    pub fn scales(&self) -> &[f32] {
        &self.scales
    }

    pub fn zero_points(&self) -> &[i32] {
        &self.zero_points
    }
}

/// Four rows' group as a flavour multiplies it with a panel.
pub trait PanelInputs: Copy {
    /// Rows as they are, or widened into `room`.
    fn of(groups: &[[RowGroup; TILE_ROWS]], room: &mut Vec<WideRows>) -> *const Self;
}

/// The activations of four rows' group in sixteen bits.
pub type WideRows = [[i16; Q4_GROUP]; TILE_ROWS];

impl PanelInputs for [RowGroup; TILE_ROWS] {
    #[inline(always)]
    fn of(groups: &[Self], _: &mut Vec<WideRows>) -> *const Self {
        groups.as_ptr()
    }
}

impl PanelInputs for WideRows {
    #[inline(always)]
    fn of(groups: &[[RowGroup; TILE_ROWS]], room: &mut Vec<WideRows>) -> *const Self {
        room.clear();
        room.extend(groups.iter().map(|rows| rows.map(|row| row.values.map(i16::from))));
        room.as_ptr()
    }
}

/// What happens to a sum on its way out of the matrix product. The values are
/// `(acc − zero_point × column_sum) × (row_scale × column_scale) + bias`, in f32, in this order in every flavour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Epilogue {
    Store,
    /// x/2 × (1 + erf(x/√2)), as BERT was trained.
    Gelu,
    Relu,
    Relu6,
    /// Added to what `out` holds: a residual connection.
    Add,
    /// The same, then nothing below zero.
    AddRelu,
}

/// One query-key-value block of a transformer: rows of `[query | key | value]`, each `n_heads × head_size` wide.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Heads {
    pub n_heads: usize,
    pub head_size: usize,
}

impl Heads {
    pub fn width(self) -> usize {
        self.n_heads * self.head_size
    }
}

/// What attention works in: grows to the longest sequence seen and stays.
#[derive(Debug, Clone, Default)]
pub struct AttentionRoom {
    pub(super) keys: PackedWeights,
    pub(super) values: PackedWeights,
    pub(super) queries: RowsU7,
    pub(super) powers: RowsU7,
    pub(super) scores: Vec<f32>,
    /// Rows on their way into keys and values.
    pub(super) row: Vec<f32>,
}
