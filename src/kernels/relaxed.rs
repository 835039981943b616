//! The flavour for browsers with relaxed SIMD: eight-bit dots and fused multiply-add. One opcode of it makes a module
//! fail where it is missing, so this is compiled under the feature `relaxed` alone.

use core::arch::wasm32::*;

use super::wasm::{Flavour, Wasm};

/// "i7" in the dots' names is the range where all processors agree; layouts keep activations there.
#[derive(Clone, Copy)]
pub struct Relaxed {
    one_instruction: bool,
}

impl Relaxed {
    /// The dot with accumulation is one instruction where the processor has it (AVX-VNNI, Arm's dot product); elsewhere
    /// V8 makes five of it, of which two only rebuild a constant, and asking for the parts is faster: in registers 79
    /// against 51 GOP/s on a Xeon of the Cascade Lake generation at 3.1 GHz, Chromium 156. Outside the range where all
    /// processors agree, what comes out tells which it is: on x86-64 without the instruction, pairs of products saturate
    /// at 32767.
    #[inline]
    #[target_feature(enable = "relaxed-simd")]
    pub fn detect() -> Self {
        let weights = core::hint::black_box(i8x16_splat(127));
        let activations = core::hint::black_box(u8x16_splat(255));
        let sums = i32x4_relaxed_dot_i8x16_i7x16_add(weights, activations, i32x4_splat(0));
        Self { one_instruction: i32x4_extract_lane::<0>(sums) != 2 * i32::from(i16::MAX) }
    }
}

impl Flavour for Relaxed {
    #[inline(always)]
    fn multiply_add(self, a: v128, b: v128, c: v128) -> v128 {
        f32x4_relaxed_madd(a, b, c)
    }

    #[inline(always)]
    fn swizzle(self, table: v128, indices: v128) -> v128 {
        i8x16_relaxed_swizzle(table, indices)
    }

    #[inline(always)]
    unsafe fn product<const R: usize>(
        self,
        rows: [*const u8; R],
        weights: *const i8,
        n_steps: usize,
    ) -> [[v128; 2]; R] {
        // SAFETY: the caller's promise.
        unsafe {
            if self.one_instruction {
                product::<R, true>(rows, weights, n_steps)
            } else {
                product::<R, false>(rows, weights, n_steps)
            }
        }
    }
}

/// ```text
/// for each step of four inputs:
///     two vectors of weights          [4 columns][4 inputs] each
///     for each row: its four activations, four times
///         sums[row][vector] += dot(weights[vector], activations)
/// ```
/// Four rows by two vectors reach 85 % of what the same dots do in registers (the machine above). Measured and not
/// better: 2 × 4, 3 × 3, 5 × 2, 6 × 2, 8 × 1 tiles; rows packed side by side; unrolling, which V8 does by itself, and which
/// twice makes it spill.
///
/// # Safety
/// As [`super::lanes::Lanes::product`].
#[inline(always)]
unsafe fn product<const R: usize, const ONE_INSTRUCTION: bool>(
    rows: [*const u8; R],
    weights: *const i8,
    n_steps: usize,
) -> [[v128; 2]; R] {
    let mut sums = [[i32x4_splat(0); 2]; R];
    // Opaque, or the compiler would put the pairwise addition back, whose constant the browser reads from memory.
    let ones = core::hint::black_box(i16x8_splat(1));
    // SAFETY: the caller's promise: 32 bytes of weights and four of each row for each step.
    unsafe {
        for step in 0..n_steps {
            let weights: *const v128 = weights.add(step * 32).cast();
            let weights = [v128_load(weights), v128_load(weights.add(1))];
            for row in 0..R {
                let four = v128_load32_splat(rows[row].add(step * 4).cast());
                for vector in 0..2 {
                    sums[row][vector] = dot::<ONE_INSTRUCTION>(weights[vector], four, sums[row][vector], ones);
                }
            }
        }
    }
    sums
}

#[inline(always)]
fn dot<const ONE_INSTRUCTION: bool>(weights: v128, activations: v128, sum: v128, ones: v128) -> v128 {
    if ONE_INSTRUCTION {
        i32x4_relaxed_dot_i8x16_i7x16_add(weights, activations, sum)
    } else {
        // A pair of products is at most 2 × 127 × 127, which sixteen bits hold.
        let pairs = i16x8_relaxed_dot_i8x16_i7x16(weights, activations);
        i32x4_add(sum, i32x4_dot_i16x8(pairs, ones))
    }
}

/// Dots that each accumulator takes in one round of [`peak`].
#[cfg(feature = "battery")]
const PEAK_REPEATS: u32 = 8;

/// Operations of one round of [`peak`].
#[cfg(feature = "battery")]
pub const PEAK_OPERATIONS: u32 = PEAK_REPEATS * 8 * 32;

/// The dots of eight tile steps with nothing to load or store: what the product is measured against.
#[cfg(feature = "battery")]
#[target_feature(enable = "relaxed-simd")]
pub fn peak(n_rounds: u32) -> i32 {
    let sums = if Relaxed::detect().one_instruction { peak_of::<true>(n_rounds) } else { peak_of::<false>(n_rounds) };
    i32x4_extract_lane::<0>(sums)
}

#[cfg(feature = "battery")]
#[inline(always)]
fn peak_of<const ONE_INSTRUCTION: bool>(n_rounds: u32) -> v128 {
    let ones = core::hint::black_box(i16x8_splat(1));
    let rows = core::hint::black_box([1, 2, 3, 4].map(|x| i8x16_splat(x)));
    let mut weights = [5, -6].map(|x| i8x16_splat(x));
    let mut sums = [[i32x4_splat(0); 2]; 4];
    for _ in 0..n_rounds {
        for repeat in 0..PEAK_REPEATS {
            // In two parts the products don't depend on the sums, and the compiler would compute them once for all rounds:
            // there the weights pass through memory each time. With one instruction that would be most of the time.
            if repeat == 0 || !ONE_INSTRUCTION {
                weights = core::hint::black_box(weights);
            }
            for row in 0..4 {
                for vector in 0..2 {
                    sums[row][vector] = dot::<ONE_INSTRUCTION>(weights[vector], rows[row], sums[row][vector], ones);
                }
            }
        }
    }
    sums.as_flattened().iter().fold(i32x4_splat(0), |total, &sum| i32x4_add(total, sum))
}

macro_rules! define {
    ($module:ident::$name:ident($($argument:ident: $type:ty),*)) => {
        pub fn $name($($argument: $type),*) {
            #[target_feature(enable = "relaxed-simd")]
            fn run($($argument: $type),*) {
                super::$module::$name(Wasm(Relaxed::detect()), $($argument),*);
            }
            run($($argument),*);
        }
    };
}

super::each_kernel!(define);

pub fn flavour() -> &'static str {
    "relaxed SIMD"
}
