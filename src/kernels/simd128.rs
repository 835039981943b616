//! The flavour for browsers with plain WebAssembly SIMD. It multiplies the same packed bytes as `relaxed`, widened to
//! sixteen bits on the way, to the same sums.

use core::arch::wasm32::*;

use super::wasm::{Flavour, Wasm};

#[derive(Clone, Copy)]
pub struct Simd128;

impl Flavour for Simd128 {
    #[inline(always)]
    fn multiply_add(self, a: v128, b: v128, c: v128) -> v128 {
        f32x4_add(f32x4_mul(a, b), c)
    }

    #[inline(always)]
    fn swizzle(self, table: v128, indices: v128) -> v128 {
        i8x16_swizzle(table, indices)
    }

    /// ```text
    /// for each half of the tile (four columns):
    ///     for each step of four inputs:
    ///         two vectors of weights, i8 → i16         [2 columns][4 inputs] each
    ///         for each row: its four activations twice, u8 → i16
    ///             sums[row][vector] += pairs of products
    ///     columns = neighbouring sums of both vectors, added
    /// ```
    /// Half a tile at a time, because sums of pairs need twice the registers that whole sums need.
    #[inline(always)]
    unsafe fn product<const R: usize>(
        self,
        rows: [*const u8; R],
        weights: *const i8,
        n_steps: usize,
    ) -> [[v128; 2]; R] {
        let mut out = [[i32x4_splat(0); 2]; R];
        for half in 0..2 {
            let mut sums = [[i32x4_splat(0); 2]; R];
            for step in 0..n_steps {
                // SAFETY: the caller's promise: 32 bytes of weights and four of each row for each step.
                unsafe {
                    let weights = weights.add(step * 32 + half * 16);
                    let weights = [i16x8_load_extend_i8x8(weights), i16x8_load_extend_i8x8(weights.add(8))];
                    for row in 0..R {
                        let four = v128_load32_splat(rows[row].add(step * 4).cast());
                        let four = u16x8_extend_low_u8x16(four);
                        for vector in 0..2 {
                            let pairs = i32x4_dot_i16x8(weights[vector], four);
                            sums[row][vector] = i32x4_add(sums[row][vector], pairs);
                        }
                    }
                }
            }
            for row in 0..R {
                let [a, b] = sums[row];
                let even = i32x4_shuffle::<0, 2, 4, 6>(a, b);
                out[row][half] = i32x4_add(even, i32x4_shuffle::<1, 3, 5, 7>(a, b));
            }
        }
        out
    }
}

/// Operations of one round of [`peak`].
#[cfg(feature = "battery")]
pub const PEAK_OPERATIONS: u32 = 8 * 16;

/// The dots of one step of half a tile with nothing to load, widen or store: what the product is measured against.
#[cfg(feature = "battery")]
pub fn peak(n_rounds: u32) -> i32 {
    let rows = core::hint::black_box([1, 2, 3, 4].map(|x| i16x8_splat(x)));
    let mut weights = [5, -6].map(|x| i16x8_splat(x));
    let mut sums = [[i32x4_splat(0); 2]; 4];
    for _ in 0..n_rounds {
        // Once per eight dots through memory, or the compiler would compute the products once for all rounds.
        weights = core::hint::black_box(weights);
        for row in 0..4 {
            for vector in 0..2 {
                sums[row][vector] = i32x4_add(sums[row][vector], i32x4_dot_i16x8(weights[vector], rows[row]));
            }
        }
    }
    i32x4_extract_lane::<0>(sums.as_flattened().iter().fold(i32x4_splat(0), |total, &sum| i32x4_add(total, sum)))
}

macro_rules! define {
    ($module:ident::$name:ident($($argument:ident: $type:ty),*)) => {
        pub fn $name($($argument: $type),*) {
            super::$module::$name(Wasm(Simd128), $($argument),*);
        }
    };
}

super::each_kernel!(define);

pub fn flavour() -> &'static str {
    "SIMD"
}
