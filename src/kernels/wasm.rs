//! Eight lanes as a pair of WebAssembly vectors, for both flavours of the browser. What differs between them, fused
//! multiply-add and the products, is a `Flavour`. Knows no algorithm.

use core::arch::wasm32::*;

use super::lanes::{LANES, Lanes, ROUNDER};
use super::layout::{FourBitGroup, PanelInputs, Piece, RowGroup, TILE_ROWS};
use super::order::Order;

/// The instructions that plain and relaxed SIMD do differently.
pub trait Flavour: Copy {
    fn multiply_add(self, a: v128, b: v128, c: v128) -> v128;
    /// # Safety
    /// As [`Lanes::product`].
    unsafe fn product<const R: usize>(
        self,
        rows: [*const u8; R],
        weights: *const i8,
        n_steps: usize,
        order: Option<Order<'_>>,
    ) -> [[v128; 2]; R];
    fn panel_pays_from(self) -> usize;
    /// # Safety
    /// As [`Lanes::product_of_nibbles`].
    unsafe fn product_of_nibbles<const R: usize>(
        self,
        rows: *const [RowGroup; TILE_ROWS],
        groups: *const FourBitGroup,
        n_groups: usize,
    ) -> [[v128; 2]; R];
    const GROUP_PIECES: usize;
    type PanelInputs: PanelInputs;
    /// # Safety
    /// As [`Lanes::unpack`].
    unsafe fn unpack(self, groups: *const FourBitGroup, n_groups: usize, panel: *mut Piece);
    /// # Safety
    /// As [`Lanes::product_of_panel`].
    unsafe fn product_of_panel<const R: usize>(
        self,
        rows: *const Self::PanelInputs,
        panel: *const Piece,
        n_groups: usize,
    ) -> [[v128; 2]; R];
}

#[derive(Clone, Copy)]
pub struct Wasm<F>(pub F);

/// Both halves through one instruction.
macro_rules! halves {
    ($instruction:ident, $($x:ident),+) => { [$instruction($($x[0]),+), $instruction($($x[1]),+)] };
}

impl<F: Flavour> Lanes for Wasm<F> {
    type Floats = [v128; 2];
    type Sums = [v128; 2];
    type Bytes = v128;

    #[inline(always)]
    fn splat(self, x: f32) -> [v128; 2] {
        [f32x4_splat(x); 2]
    }

    #[inline(always)]
    unsafe fn load(self, from: *const f32) -> [v128; 2] {
        // SAFETY: the caller's promise; WebAssembly loads need no alignment.
        unsafe { [v128_load(from.cast()), v128_load(from.add(LANES / 2).cast())] }
    }

    #[inline(always)]
    unsafe fn store(self, x: [v128; 2], to: *mut f32) {
        // SAFETY: the caller's promise.
        unsafe {
            v128_store(to.cast(), x[0]);
            v128_store(to.add(LANES / 2).cast(), x[1]);
        }
    }

    #[inline(always)]
    fn add(self, a: [v128; 2], b: [v128; 2]) -> [v128; 2] {
        halves!(f32x4_add, a, b)
    }

    #[inline(always)]
    fn sub(self, a: [v128; 2], b: [v128; 2]) -> [v128; 2] {
        halves!(f32x4_sub, a, b)
    }

    #[inline(always)]
    fn mul(self, a: [v128; 2], b: [v128; 2]) -> [v128; 2] {
        halves!(f32x4_mul, a, b)
    }

    #[inline(always)]
    fn div(self, a: [v128; 2], b: [v128; 2]) -> [v128; 2] {
        halves!(f32x4_div, a, b)
    }

    #[inline(always)]
    fn multiply_add(self, a: [v128; 2], b: [v128; 2], c: [v128; 2]) -> [v128; 2] {
        [self.0.multiply_add(a[0], b[0], c[0]), self.0.multiply_add(a[1], b[1], c[1])]
    }

    /// The "pseudo" minimum is one instruction on x86-64; the one without that word is seven.
    #[inline(always)]
    fn lesser(self, a: [v128; 2], b: [v128; 2]) -> [v128; 2] {
        halves!(f32x4_pmin, a, b)
    }

    #[inline(always)]
    fn greater(self, a: [v128; 2], b: [v128; 2]) -> [v128; 2] {
        halves!(f32x4_pmax, a, b)
    }

    #[inline(always)]
    fn nan_to_zero(self, x: [v128; 2]) -> [v128; 2] {
        let is_number = halves!(f32x4_eq, x, x);
        halves!(v128_and, x, is_number)
    }

    #[inline(always)]
    fn round(self, x: [v128; 2]) -> [v128; 2] {
        halves!(f32x4_nearest, x)
    }

    #[inline(always)]
    fn scale_by_power_of_two(self, x: [v128; 2], biased: [v128; 2]) -> [v128; 2] {
        [i32x4_add(x[0], i32x4_shl(biased[0], 23)), i32x4_add(x[1], i32x4_shl(biased[1], 23))]
    }

    #[inline(always)]
    fn sum(self, x: [v128; 2]) -> f32 {
        let x = f32x4_add(x[0], x[1]);
        let x = f32x4_add(x, i32x4_shuffle::<2, 3, 0, 1>(x, x));
        f32x4_extract_lane::<0>(x) + f32x4_extract_lane::<1>(x)
    }

    #[inline(always)]
    fn largest(self, x: [v128; 2]) -> f32 {
        let x = f32x4_pmax(x[0], x[1]);
        let x = f32x4_pmax(x, i32x4_shuffle::<2, 3, 0, 1>(x, x));
        f32x4_extract_lane::<0>(f32x4_pmax(x, i32x4_shuffle::<1, 0, 3, 2>(x, x)))
    }

    #[inline(always)]
    fn lowest(self, x: [v128; 2]) -> f32 {
        let x = f32x4_pmin(x[0], x[1]);
        let x = f32x4_pmin(x, i32x4_shuffle::<2, 3, 0, 1>(x, x));
        f32x4_extract_lane::<0>(f32x4_pmin(x, i32x4_shuffle::<1, 0, 3, 2>(x, x)))
    }

    #[inline(always)]
    unsafe fn store_bytes(self, x: [[v128; 2]; 2], to: *mut u8) {
        let rounder = self.splat(ROUNDER);
        // SAFETY: the caller's promise.
        unsafe { v128_store(to.cast(), self.rounded_bytes([self.add(x[0], rounder), self.add(x[1], rounder)])) }
    }

    #[inline(always)]
    fn splat_sum(self, x: i32) -> [v128; 2] {
        [i32x4_splat(x); 2]
    }

    #[inline(always)]
    unsafe fn load_sums(self, from: *const i32) -> [v128; 2] {
        // SAFETY: the caller's promise.
        unsafe { [v128_load(from.cast()), v128_load(from.add(LANES / 2).cast())] }
    }

    #[inline(always)]
    unsafe fn store_sums(self, x: [v128; 2], to: *mut i32) {
        // SAFETY: the caller's promise.
        unsafe {
            v128_store(to.cast(), x[0]);
            v128_store(to.add(LANES / 2).cast(), x[1]);
        }
    }

    #[inline(always)]
    fn sub_sums(self, a: [v128; 2], b: [v128; 2]) -> [v128; 2] {
        halves!(i32x4_sub, a, b)
    }

    #[inline(always)]
    fn mul_sums(self, a: [v128; 2], b: [v128; 2]) -> [v128; 2] {
        halves!(i32x4_mul, a, b)
    }

    #[inline(always)]
    fn sums_to_floats(self, x: [v128; 2]) -> [v128; 2] {
        halves!(f32x4_convert_i32x4, x)
    }

    #[inline(always)]
    unsafe fn product<const R: usize>(
        self,
        rows: [*const u8; R],
        weights: *const i8,
        n_steps: usize,
        order: Option<Order<'_>>,
    ) -> [[v128; 2]; R] {
        // SAFETY: the caller's promise.
        unsafe { self.0.product(rows, weights, n_steps, order) }
    }

    /// ```text
    /// for each step of two inputs:
    ///     two vectors of weights          [4 columns][2 inputs] each
    ///     for each row: its two activations, four times
    ///         sums[row][vector] += pairs of products
    /// ```
    #[inline(always)]
    unsafe fn product_of_words<const R: usize>(
        self,
        rows: [*const i16; R],
        weights: *const i16,
        n_blocks: usize,
    ) -> [[v128; 2]; R] {
        let eight = core::hint::black_box(8);
        let (mut rows, mut at) = (rows, weights.cast::<v128>());
        let mut sums = [[i32x4_splat(0); 2]; R];
        for _ in 0..n_blocks {
            // SAFETY: the caller's promise: 256 bytes of weights and 32 of each row for each block; past the last block
            // pointers are one past the end at most.
            unsafe {
                eight_steps!(eight, step => {
                    let weights = [v128_load(at.add(2 * step)), v128_load(at.add(2 * step + 1))];
                    for row in 0..R {
                        let two = v128_load32_splat(rows[row].add(2 * step).cast());
                        for vector in 0..2 {
                            let pairs = i32x4_dot_i16x8(weights[vector], two);
                            sums[row][vector] = i32x4_add(sums[row][vector], pairs);
                        }
                    }
                });
                at = opaque(at.add(16));
                for row in &mut rows {
                    *row = opaque(row.add(16));
                }
            }
        }
        sums
    }

    #[inline(always)]
    unsafe fn store_words(self, x: [v128; 2], to: *mut i16) {
        let rounder = self.splat(ROUNDER);
        let [low, high] = self.add(x, rounder);
        let bits = i32x4_splat(ROUNDER.to_bits() as i32);
        // SAFETY: the caller's promise.
        unsafe { v128_store(to.cast(), i16x8_narrow_i32x4(i32x4_sub(low, bits), i32x4_sub(high, bits))) }
    }

    #[inline(always)]
    fn panel_pays_from(self) -> usize {
        self.0.panel_pays_from()
    }

    #[inline(always)]
    unsafe fn product_of_nibbles<const R: usize>(
        self,
        rows: *const [RowGroup; TILE_ROWS],
        groups: *const FourBitGroup,
        n_groups: usize,
    ) -> [[v128; 2]; R] {
        // SAFETY: the caller's promise.
        unsafe { self.0.product_of_nibbles(rows, groups, n_groups) }
    }

    const GROUP_PIECES: usize = F::GROUP_PIECES;
    type PanelInputs = F::PanelInputs;

    #[inline(always)]
    unsafe fn unpack(self, groups: *const FourBitGroup, n_groups: usize, panel: *mut Piece) {
        // SAFETY: the caller's promise.
        unsafe { self.0.unpack(groups, n_groups, panel) }
    }

    #[inline(always)]
    unsafe fn product_of_panel<const R: usize>(
        self,
        rows: *const Self::PanelInputs,
        panel: *const Piece,
        n_groups: usize,
    ) -> [[v128; 2]; R] {
        // SAFETY: the caller's promise.
        unsafe { self.0.product_of_panel(rows, panel, n_groups) }
    }

    #[inline(always)]
    fn zero_bytes(self) -> v128 {
        i8x16_splat(0)
    }

    #[inline(always)]
    fn rounded_bytes(self, x: [[v128; 2]; 2]) -> v128 {
        // Subtracting leaves whole numbers, which narrow. (Masking the low bytes would do too, but LLVM takes that and
        // the narrowing for moves of single bytes.)
        let rounder = i32x4_splat(ROUNDER.to_bits() as i32);
        let [[a, b], [c, d]] = x;
        let low = i16x8_narrow_i32x4(i32x4_sub(a, rounder), i32x4_sub(b, rounder));
        let high = i16x8_narrow_i32x4(i32x4_sub(c, rounder), i32x4_sub(d, rounder));
        i8x16_narrow_i16x8(low, high)
    }

    #[inline(always)]
    unsafe fn store_quads(self, x: [[v128; 2]; 4], to: *mut i8) {
        let (rounder, low_byte) = (f32x4_splat(ROUNDER), i32x4_splat(255));
        for half in 0..2 {
            // The low byte of each sum is the rounded number.
            let [a, b, c, d] = x.map(|x| f32x4_add(x[half], rounder));
            let first = v128_or(v128_and(a, low_byte), i32x4_shl(v128_and(b, low_byte), 8));
            let second = v128_or(i32x4_shl(v128_and(c, low_byte), 16), i32x4_shl(d, 24));
            // SAFETY: the caller's promise.
            unsafe { v128_store(to.add(half * 16).cast(), v128_or(first, second)) };
        }
    }

    #[inline(always)]
    unsafe fn join_nibbles(self, first: *const u8, second: *const u8) -> [v128; 2] {
        // SAFETY: the caller's promise.
        let (a, b) = unsafe { (v128_load(first.cast()), v128_load(second.cast())) };
        let (low, high) = (u8x16_splat(15), u8x16_splat(240));
        // Shifting all sixteen bytes would need a shift of bytes, which x86-64 lacks; of sixteen bits it has one.
        [
            v128_or(v128_and(a, low), v128_and(i16x8_shl(b, 4), high)),
            v128_or(v128_and(u16x8_shr(a, 4), low), v128_and(b, high)),
        ]
    }

    #[inline(always)]
    fn add_bytes(self, sums: v128, x: [v128; 2]) -> v128 {
        let pairs = i16x8_add(i16x8_extadd_pairwise_i8x16(x[0]), i16x8_extadd_pairwise_i8x16(x[1]));
        i32x4_add(sums, i32x4_extadd_pairwise_i16x8(pairs))
    }

    #[inline(always)]
    fn sum_of_four(self, sums: v128) -> i32 {
        let sums = i32x4_add(sums, i32x4_shuffle::<2, 3, 0, 1>(sums, sums));
        i32x4_extract_lane::<0>(sums) + i32x4_extract_lane::<1>(sums)
    }

    #[inline(always)]
    fn transpose(self, [a, b, c, d]: [v128; 4]) -> [v128; 4] {
        let (ab_low, ab_high) = (i32x4_shuffle::<0, 4, 1, 5>(a, b), i32x4_shuffle::<2, 6, 3, 7>(a, b));
        let (cd_low, cd_high) = (i32x4_shuffle::<0, 4, 1, 5>(c, d), i32x4_shuffle::<2, 6, 3, 7>(c, d));
        [
            i64x2_shuffle::<0, 2>(ab_low, cd_low),
            i64x2_shuffle::<1, 3>(ab_low, cd_low),
            i64x2_shuffle::<0, 2>(ab_high, cd_high),
            i64x2_shuffle::<1, 3>(ab_high, cd_high),
        ]
    }

    #[inline(always)]
    unsafe fn store_sixteen(self, x: v128, to: *mut i8) {
        // SAFETY: the caller's promise.
        unsafe { v128_store(to.cast(), x) }
    }
}

/// Four inputs of eight columns plus eight, 0..=15.
///
/// # Safety
/// `group` is readable.
#[inline(always)]
pub unsafe fn weights_of(group: *const FourBitGroup, step: usize) -> [v128; 2] {
    // SAFETY: the caller's promise.
    let nibbles = unsafe { v128_load((&raw const (*group).nibbles).cast::<v128>().add(step)) };
    let low = u8x16_splat(15);
    [v128_and(nibbles, low), v128_and(u16x8_shr(nibbles, 4), low)]
}

/// A pointer that LLVM knows nothing about: its strength reduction would otherwise make one addition of each load that
/// fits a constant offset.
#[inline(always)]
pub fn opaque<T>(pointer: *const T) -> *const T {
    core::hint::black_box(pointer)
}

/// Eight steps written out, with a way out after each that is never taken: `$eight` is 8, which the compiler can't know.
/// Without the ways out all steps would be one basic block; there LLVM puts all additions to one sum in a row, so that the
/// loads of all steps have to be kept, and V8 keeps them on the stack. As a loop, each load costs an addition.
macro_rules! eight_steps {
    ($eight:ident, $step:ident => $body:block) => {
        'group: {
            $crate::kernels::wasm::eight_steps!(@ 'group $eight $step $body 0 1 2 3 4 5 6);
            let $step = 7;
            $body
        }
    };
    (@ $group:lifetime $eight:ident $step:ident $body:block $($number:literal)*) => {
        $(
            {
                let $step = $number;
                $body
            }
            if $eight == $number + 1 {
                break $group;
            }
        )*
    };
}
pub(super) use eight_steps;

/// The same, of four.
#[cfg(feature = "relaxed")]
macro_rules! four_steps {
    ($four:ident, $step:ident => $body:block) => {
        'group: {
            $crate::kernels::wasm::eight_steps!(@ 'group $four $step $body 0 1 2);
            let $step = 3;
            $body
        }
    };
}
#[cfg(feature = "relaxed")]
pub(super) use four_steps;

/// Six products a time, each added to a sum of its own; `times` in eights. Two loads of weights for six products, as the
/// product has them.
#[cfg(feature = "battery")]
#[inline(always)]
pub fn peak_of_six(times: u32, multiply_add: impl Fn(v128, v128, v128) -> v128) -> i32 {
    // Values that the compiler knows nothing of.
    let table = core::hint::black_box(Vec::from_iter((-8..8).map(|x| i8x16_splat(x))));
    let table = table.as_ptr();
    let mut rows = [1, 2, 3].map(|x| i8x16_splat(x));
    let mut sums = [[i32x4_splat(0); 2]; 3];
    for _ in 0..times / 8 {
        // In other registers each time, or the products would be the same each time.
        rows = core::hint::black_box(rows);
        for time in 0..8 {
            // SAFETY: 2 × (0..8) and one more stay below 16.
            let weights = unsafe { [v128_load(table.add(2 * time)), v128_load(table.add(2 * time + 1))] };
            for row in 0..3 {
                for vector in 0..2 {
                    sums[row][vector] = multiply_add(weights[vector], rows[row], sums[row][vector]);
                }
            }
        }
    }
    let total = sums.as_flattened().iter().fold(i32x4_splat(0), |total, &sum| i32x4_add(total, sum));
    // All of its lanes are wanted, or only one of each sum would be computed.
    i32x4_extract_lane::<0>(core::hint::black_box(total))
}
