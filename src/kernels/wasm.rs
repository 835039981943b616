//! Eight lanes as a pair of WebAssembly vectors, for both flavours of the browser. What differs between them, three
//! instructions, is a `Flavour`. Knows no algorithm.

use core::arch::wasm32::*;

use super::lanes::{LANES, Lanes, ROUNDER};

/// The instructions that plain and relaxed SIMD do differently.
pub trait Flavour: Copy {
    fn multiply_add(self, a: v128, b: v128, c: v128) -> v128;
    /// `indices` are below sixteen.
    fn swizzle(self, table: v128, indices: v128) -> v128;
    /// # Safety
    /// As [`Lanes::product`].
    unsafe fn product<const R: usize>(self, rows: [*const u8; R], weights: *const i8, n_steps: usize)
    -> [[v128; 2]; R];
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
    ) -> [[v128; 2]; R] {
        // SAFETY: the caller's promise.
        unsafe { self.0.product(rows, weights, n_steps) }
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
    unsafe fn look_up_nibbles(self, table: v128, nibbles: *const u8) -> [v128; 2] {
        // SAFETY: the caller's promise.
        let nibbles = unsafe { v128_load(nibbles.cast()) };
        let (low, high) = split(nibbles);
        [self.0.swizzle(table, low), self.0.swizzle(table, high)]
    }

    #[inline(always)]
    unsafe fn largest_nibble(self, nibbles: *const u8) -> u8 {
        // SAFETY: the caller's promise.
        let (low, high) = split(unsafe { v128_load(nibbles.cast()) });
        let eight = i8x16_splat(8);
        let distance = i8x16_max(i8x16_abs(i8x16_sub(low, eight)), i8x16_abs(i8x16_sub(high, eight)));
        // Q4_0 gives the largest weight of a group the nibble zero, so this ends here nearly always.
        if v128_any_true(i8x16_eq(distance, eight)) {
            return 8;
        }
        let distance = i8x16_max(distance, i64x2_shuffle::<1, 0>(distance, distance));
        let distance = i8x16_max(distance, i32x4_shuffle::<1, 0, 3, 2>(distance, distance));
        let distance = i8x16_max(distance, i16x8_shuffle::<1, 0, 3, 2, 5, 4, 7, 6>(distance, distance));
        u8x16_extract_lane::<0>(distance).max(u8x16_extract_lane::<1>(distance))
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

/// Low nibbles, high nibbles.
#[inline(always)]
fn split(nibbles: v128) -> (v128, v128) {
    let low = v128_and(nibbles, i8x16_splat(15));
    // Shifting all eight bits down would need a shift of bytes, which x86-64 lacks; of sixteen bits it has one.
    (low, v128_and(u16x8_shr(nibbles, 4), i8x16_splat(15)))
}
