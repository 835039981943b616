//! The instruction set as a thin layer: what eight lanes can do at once. Every algorithm above it is written once, over
//! this trait; a flavour is one implementation. Knows nothing of rows, weights or nets.

use super::layout::{FourBitGroup, PanelInputs, Piece, RowGroup, TILE_ROWS};
use super::order::Order;

/// Floats and sums that are worked on at once: one AVX2 register, or a pair of 128-bit ones, whose two halves also hide
/// each other's latency.
pub const LANES: usize = 8;

/// Methods are safe where a wrong argument can only give a wrong number. The value itself is the proof that the
/// processor has the instructions: a flavour hands it out only after it made sure.
///
/// `add`, `sub`, `mul` and `div` round once, as IEEE says, on every flavour: what is built of them alone is equal to the
/// bit everywhere. `multiply_add` may round once or twice.
pub trait Lanes: Copy {
    type Floats: Copy;
    type Sums: Copy;
    /// One 128-bit register: sixteen bytes, or four sums.
    type Bytes: Copy;

    fn splat(self, x: f32) -> Self::Floats;
    /// # Safety
    /// `from` is readable for eight floats.
    unsafe fn load(self, from: *const f32) -> Self::Floats;
    /// # Safety
    /// `to` is writable for eight floats.
    unsafe fn store(self, x: Self::Floats, to: *mut f32);

    fn add(self, a: Self::Floats, b: Self::Floats) -> Self::Floats;
    fn sub(self, a: Self::Floats, b: Self::Floats) -> Self::Floats;
    fn mul(self, a: Self::Floats, b: Self::Floats) -> Self::Floats;
    fn div(self, a: Self::Floats, b: Self::Floats) -> Self::Floats;
    /// a × b + c
    fn multiply_add(self, a: Self::Floats, b: Self::Floats, c: Self::Floats) -> Self::Floats;
    /// Where one is not a number, either. (WebAssembly could say which, but where relaxed SIMD is on, LLVM turns its
    /// "pseudo" minimum into the relaxed one, which does not.)
    fn lesser(self, a: Self::Floats, b: Self::Floats) -> Self::Floats;
    /// Where one is not a number, either.
    fn greater(self, a: Self::Floats, b: Self::Floats) -> Self::Floats;
    /// Not-a-number becomes zero.
    fn nan_to_zero(self, x: Self::Floats) -> Self::Floats;
    /// Rounds to nearest, ties to even.
    fn round(self, x: Self::Floats) -> Self::Floats;
    /// x × 2^n, where `biased` is [`ROUNDER`] + n. Right where x and the result are normal.
    fn scale_by_power_of_two(self, x: Self::Floats, biased: Self::Floats) -> Self::Floats;
    fn sum(self, x: Self::Floats) -> f32;
    fn largest(self, x: Self::Floats) -> f32;
    fn lowest(self, x: Self::Floats) -> f32;
    /// Sixteen whole numbers in −128..=127 as bytes.
    ///
    /// # Safety
    /// `to` is writable for sixteen bytes.
    unsafe fn store_bytes(self, x: [Self::Floats; 2], to: *mut u8);

    fn splat_sum(self, x: i32) -> Self::Sums;
    /// # Safety
    /// `from` is readable for eight sums.
    unsafe fn load_sums(self, from: *const i32) -> Self::Sums;
    /// # Safety
    /// `to` is writable for eight sums.
    unsafe fn store_sums(self, x: Self::Sums, to: *mut i32);
    fn sub_sums(self, a: Self::Sums, b: Self::Sums) -> Self::Sums;
    fn mul_sums(self, a: Self::Sums, b: Self::Sums) -> Self::Sums;
    fn sums_to_floats(self, x: Self::Sums) -> Self::Floats;

    /// The integer product of `R` rows and one tile of eight columns, over `n_steps` steps of four inputs.
    ///
    /// # Safety
    /// Each row is readable for `4 × n_steps` bytes, all of them at most 127; `weights` for `32 × n_steps`, none −128.
    /// `order` is what `PackedWeights` says of the tile.
    unsafe fn product<const R: usize>(
        self,
        rows: [*const u8; R],
        weights: *const i8,
        n_steps: usize,
        order: Option<Order<'_>>,
    ) -> [Self::Sums; R];

    /// The product of `R` rows and one tile of eight columns, over `n_blocks` blocks of sixteen inputs.
    ///
    /// # Safety
    /// Each row is readable for `16 × n_blocks` words; `weights` for `128 × n_blocks`. No sum leaves 32 bits.
    unsafe fn product_of_words<const R: usize>(
        self,
        rows: [*const i16; R],
        weights: *const i16,
        n_blocks: usize,
    ) -> [Self::Sums; R];
    /// Eight whole numbers of sixteen bits.
    ///
    /// # Safety
    /// `to` is writable for eight words.
    unsafe fn store_words(self, x: Self::Floats, to: *mut i16);

    /// From how many rows on four-bit weights are unpacked into a panel first.
    fn panel_pays_from(self) -> usize;
    /// The product of the first `R` of four rows and one tile of four-bit weights, unpacked on the way.
    ///
    /// # Safety
    /// `rows` and `groups` are readable for `n_groups`; no activation is −128.
    unsafe fn product_of_nibbles<const R: usize>(
        self,
        rows: *const [RowGroup; TILE_ROWS],
        groups: *const FourBitGroup,
        n_groups: usize,
    ) -> [Self::Sums; R];
    /// What a group of a tile takes in a panel.
    const GROUP_PIECES: usize;
    /// Four rows' group as it is multiplied with a panel.
    type PanelInputs: PanelInputs;
    /// Unpacks one tile into a panel.
    ///
    /// # Safety
    /// `groups` is readable for `n_groups`, `panel` writable for `n_groups × GROUP_PIECES`.
    unsafe fn unpack(self, groups: *const FourBitGroup, n_groups: usize, panel: *mut Piece);
    /// The product of the first `R` of four rows and one tile of a panel.
    ///
    /// # Safety
    /// `rows` are readable for `n_groups`, and what `PanelInputs::of` made; `panel` is what `unpack` made of `n_groups`.
    unsafe fn product_of_panel<const R: usize>(
        self,
        rows: *const Self::PanelInputs,
        panel: *const Piece,
        n_groups: usize,
    ) -> [Self::Sums; R];

    /// Sixteen zero bytes, or four zero sums.
    fn zero_bytes(self) -> Self::Bytes;
    /// The low bytes of sixteen floats that [`ROUNDER`] was added to: whole numbers in −128..=127.
    fn rounded_bytes(self, x: [Self::Floats; 2]) -> Self::Bytes;
    /// Four sets of lanes, rounded to −127..=127, as eight groups of four bytes: the four numbers of each lane.
    ///
    /// # Safety
    /// `to` is writable for 32 bytes.
    unsafe fn store_quads(self, x: [Self::Floats; 4], to: *mut i8);
    /// Two columns' groups of sixteen bytes of nibbles: `[low, high]` nibbles of both, the first column's in the low
    /// half of each byte.
    ///
    /// # Safety
    /// Both are readable for sixteen bytes.
    unsafe fn join_nibbles(self, first: *const u8, second: *const u8) -> [Self::Bytes; 2];
    /// Adds 32 signed bytes to four sums; which byte goes to which is left open.
    fn add_bytes(self, sums: Self::Bytes, x: [Self::Bytes; 2]) -> Self::Bytes;
    fn sum_of_four(self, sums: Self::Bytes) -> i32;
    /// Four vectors of four times four bytes, transposed in units of four bytes.
    fn transpose(self, x: [Self::Bytes; 4]) -> [Self::Bytes; 4];
    /// # Safety
    /// `to` is writable for sixteen bytes.
    unsafe fn store_sixteen(self, x: Self::Bytes, to: *mut i8);
}

/// 1.5 × 2²³: adding it to a float below 2²² rounds to a whole number, ties to even, and leaves it in the low bits.
pub const ROUNDER: f32 = 12_582_912.0;
