//! How numbers lie in memory while they are multiplied. Knows no arithmetic beyond packing itself.

/// Output columns that share one tile of packed weights: two vectors of four.
pub const TILE_COLUMNS: usize = 8;
/// Inputs that one dot instruction sums for each column.
pub const DOT_INPUTS: usize = 4;
/// Rows of activations are padded to a whole number of vectors, so that no kernel reads past a row.
pub const ROW_ALIGNMENT: usize = 16;

/// The largest weight and the largest activation. With both in seven bits, a pair of products never leaves i16, so the
/// relaxed dot gives the same i32 on every processor.
pub const WEIGHT_MAX: i8 = 127;
pub const ACTIVATION_MAX: u8 = 127;

/// The weights of a linear map, `n_out` columns of `n_in` inputs, i8 with one scale per output column.
///
/// Packed as `[n_out / 8][n_in / 4][8 columns][4 inputs]`: a dot instruction finds four inputs of four columns in one
/// vector. Ragged edges are filled with zero weights, which add nothing.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct PackedWeights {
    n_out: usize,
    n_in: usize,
    tiles: Vec<i8>,
    column_scales: Vec<f32>,
    column_sums: Vec<i32>,
    bias: Vec<f32>,
}

impl PackedWeights {
    pub fn zeroed(n_out: usize, n_in: usize) -> Self {
        let padded_out = n_out.next_multiple_of(TILE_COLUMNS);
        let padded_in = n_in.next_multiple_of(DOT_INPUTS);
        Self {
            n_out,
            n_in,
            tiles: vec![0; padded_out * padded_in],
            column_scales: vec![0.0; padded_out],
            column_sums: vec![0; padded_out],
            bias: vec![0.0; padded_out],
        }
    }

    /// All zeros in a new shape, in the memory that is there already: for weights that are made anew for each use.
    pub fn reshape(&mut self, n_out: usize, n_in: usize) {
        let padded_out = n_out.next_multiple_of(TILE_COLUMNS);
        (self.n_out, self.n_in) = (n_out, n_in);
        self.tiles.clear();
        self.tiles.resize(padded_out * n_in.next_multiple_of(DOT_INPUTS), 0);
        self.column_scales.clear();
        self.column_scales.resize(padded_out, 0.0);
        self.column_sums.clear();
        self.column_sums.resize(padded_out, 0);
        self.bias.clear();
        self.bias.resize(padded_out, 0.0);
    }

    pub fn n_out(&self) -> usize {
        self.n_out
    }

    pub fn n_in(&self) -> usize {
        self.n_in
    }

    pub fn n_tiles(&self) -> usize {
        self.column_scales.len() / TILE_COLUMNS
    }

    /// Steps of four inputs in a tile.
    pub fn n_steps(&self) -> usize {
        self.n_in.div_ceil(DOT_INPUTS)
    }

    pub fn tiles(&self) -> &[i8] {
        &self.tiles
    }

    pub fn column_scales(&self) -> &[f32] {
        &self.column_scales
    }

    /// Sum of each column's weights: what a zero point must be multiplied with.
    pub fn column_sums(&self) -> &[i32] {
        &self.column_sums
    }

    pub fn bias(&self) -> &[f32] {
        &self.bias
    }

    pub fn bias_mut(&mut self) -> &mut [f32] {
        &mut self.bias[..self.n_out]
    }

    /// The parts a widening kernel fills in place: tiles, scales, sums.
    pub fn parts_mut(&mut self) -> (&mut [i8], &mut [f32], &mut [i32]) {
        (&mut self.tiles, &mut self.column_scales, &mut self.column_sums)
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
        assert!(column < self.n_out && weights.len() == self.n_in, "a column of {} inputs", self.n_in);
        let mut sum = 0;
        for (input, &weight) in weights.iter().enumerate() {
            let index = self.tile_index(column, input);
            self.tiles[index] = weight;
            sum += i32::from(weight);
        }
        self.column_scales[column] = scale;
        self.column_sums[column] = sum;
    }

    /// Bytes of memory the weights hold.
    pub fn byte_len(&self) -> usize {
        self.tiles.len() + 12 * self.column_scales.len()
    }
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

/// Bytes of one Q4_0 group: an f16 scale and 32 weights in 4 bits.
pub const Q4_GROUP: usize = 32;
pub const Q4_GROUP_BYTES: usize = 18;
