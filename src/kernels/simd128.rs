//! The flavour for browsers with plain WebAssembly SIMD. It multiplies the same packed bytes as `relaxed`, widened to
//! sixteen bits on the way, to the same sums.

use core::arch::wasm32::*;

use super::layout::{FourBitGroup, GROUP_STEPS, Piece, Q4_GROUP, RowGroup, TILE_ROWS, WideRows};
use super::order::Order;
use super::wasm::{self, Flavour, Wasm, eight_steps, opaque};

#[derive(Clone, Copy)]
pub struct Simd128;

impl Flavour for Simd128 {
    #[inline(always)]
    fn multiply_add(self, a: v128, b: v128, c: v128) -> v128 {
        f32x4_add(f32x4_mul(a, b), c)
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
        _order: Option<Order<'_>>,
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

    /// For four rows it is as much work to unpack on the way, and then again for the next four.
    #[inline(always)]
    fn panel_pays_from(self) -> usize {
        4
    }

    /// Half a tile at a time, as above; a group's sums are scaled when its columns' halves are added.
    #[inline(always)]
    unsafe fn product_of_nibbles<const R: usize>(
        self,
        rows: *const [RowGroup; TILE_ROWS],
        groups: *const FourBitGroup,
        n_groups: usize,
    ) -> [[v128; 2]; R] {
        let mut sums = [[i32x4_splat(0); 2]; R];
        for index in 0..n_groups {
            for half in 0..2 {
                let mut parts = [[i32x4_splat(0); 2]; R];
                for step in 0..GROUP_STEPS {
                    // SAFETY: the caller's promise.
                    unsafe {
                        let weights = weights_of(groups.add(index), step)[half];
                        let weights = [i16x8_extend_low_i8x16(weights), i16x8_extend_high_i8x16(weights)];
                        for row in 0..R {
                            let four = v128_load32_splat((&raw const (*rows.add(index))[row]).cast::<u32>().add(step));
                            let four = i16x8_extend_low_i8x16(four);
                            for vector in 0..2 {
                                let pairs = i32x4_dot_i16x8(weights[vector], four);
                                parts[row][vector] = i32x4_add(parts[row][vector], pairs);
                            }
                        }
                    }
                }
                // SAFETY: the caller's promise.
                let multipliers = unsafe {
                    i32x4_load_extend_i16x4((&raw const (*groups.add(index)).multipliers).cast::<i16>().add(4 * half))
                };
                for row in 0..R {
                    let [a, b] = parts[row];
                    let columns = i32x4_add(i32x4_shuffle::<0, 2, 4, 6>(a, b), i32x4_shuffle::<1, 3, 5, 7>(a, b));
                    sums[row][half] = i32x4_add(sums[row][half], i32x4_mul(columns, multipliers));
                }
            }
        }
        sums
    }

    /// Two vectors for each two inputs.
    const GROUP_PIECES: usize = Q4_GROUP;
    type PanelInputs = WideRows;

    /// Weight × multiplier is what sixteen bits hold: `[16 steps of two inputs][2 vectors][4 columns][2 inputs]`.
    #[inline(always)]
    unsafe fn unpack(self, groups: *const FourBitGroup, n_groups: usize, panel: *mut Piece) {
        for index in 0..n_groups {
            // SAFETY: the caller's promise.
            unsafe {
                let (group, to) = (groups.add(index), panel.add(index * Self::GROUP_PIECES).cast::<v128>());
                let multipliers = v128_load((&raw const (*group).multipliers).cast());
                let multipliers = [
                    i16x8_shuffle::<0, 0, 1, 1, 2, 2, 3, 3>(multipliers, multipliers),
                    i16x8_shuffle::<4, 4, 5, 5, 6, 6, 7, 7>(multipliers, multipliers),
                ];
                for step in 0..GROUP_STEPS {
                    let weights = weights_of(group, step);
                    for half in 0..2 {
                        let low = i16x8_extend_low_i8x16(weights[half]);
                        let high = i16x8_extend_high_i8x16(weights[half]);
                        let pairs = [i32x4_shuffle::<0, 2, 4, 6>(low, high), i32x4_shuffle::<1, 3, 5, 7>(low, high)];
                        for (place, pairs) in pairs.into_iter().enumerate() {
                            v128_store(to.add(4 * step + 2 * place + half), i16x8_mul(pairs, multipliers[half]));
                        }
                    }
                }
            }
        }
    }

    /// ```text
    /// for each step of two inputs:
    ///     two vectors of weights          [4 columns][2 inputs] each
    ///     for each row: its two activations, four times
    ///         sums[row][vector] += pairs of products
    /// ```
    #[inline(always)]
    unsafe fn product_of_panel<const R: usize>(
        self,
        rows: *const WideRows,
        panel: *const Piece,
        n_groups: usize,
    ) -> [[v128; 2]; R] {
        let eight = core::hint::black_box(8);
        let (mut rows, mut at) = (rows, panel.cast::<v128>());
        let mut sums = [[i32x4_splat(0); 2]; R];
        for _ in 0..n_groups {
            for half in 0..2 {
                // SAFETY: the caller's promise.
                unsafe {
                    eight_steps!(eight, step => {
                        let weights = [v128_load(at.add(2 * step)), v128_load(at.add(2 * step + 1))];
                        for row in 0..R {
                            let two = (&raw const (*rows)[row]).cast::<u32>().add(8 * half + step);
                            let two = v128_load32_splat(two);
                            for vector in 0..2 {
                                let pairs = i32x4_dot_i16x8(weights[vector], two);
                                sums[row][vector] = i32x4_add(sums[row][vector], pairs);
                            }
                        }
                    });
                    at = opaque(at.add(Self::GROUP_PIECES / 2));
                }
            }
            // SAFETY: one past the last group at most.
            rows = opaque(unsafe { rows.add(1) });
        }
        sums
    }
}

/// Four inputs of eight columns, −8..=7.
///
/// # Safety
/// `group` is readable.
#[inline(always)]
unsafe fn weights_of(group: *const FourBitGroup, step: usize) -> [v128; 2] {
    // SAFETY: the caller's promise.
    unsafe { wasm::weights_of(group, step) }.map(|half| i8x16_sub(half, i8x16_splat(8)))
}

/// Operations of one round of [`peak`].
#[cfg(feature = "battery")]
pub const PEAK_OPERATIONS: u32 = 480 * 16;

/// The dots of the product with sums in registers and no row to load: what it is measured against.
#[cfg(feature = "battery")]
pub fn peak(n_rounds: u32) -> i32 {
    wasm::peak_of_six(n_rounds * (PEAK_OPERATIONS / 6 / 16), |weights, activations, sum| {
        i32x4_add(sum, i32x4_dot_i16x8(weights, activations))
    })
}

/// How four-bit weights are multiplied here, for whoever measures.
#[cfg(any(feature = "battery", feature = "web"))]
pub fn path() -> &'static str {
    "plain dots"
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
