//! The flavour for browsers with relaxed SIMD: eight-bit dots and fused multiply-add. One opcode of it makes a module
//! fail where it is missing, so this is compiled under the feature `relaxed` alone.

use core::arch::wasm32::*;

use super::layout::{DOT_INPUTS, FourBitGroup, GROUP_STEPS, Piece, RowGroup, TILE_ROWS};
use super::order::{GROUP_OF_STEPS, Order};
use super::wasm::{Flavour, Wasm, eight_steps, four_steps, opaque, weights_of};

/// "i7" in the dots' names is the range where all processors agree; layouts keep activations there.
///
/// `FUSED`: the dot with accumulation is one instruction. Each kernel is compiled both ways: a function with both would take the
/// browser twice as long to make fast, and until then a first verdict runs slowly.
#[derive(Clone, Copy)]
pub struct Relaxed<const FUSED: bool>;

/// The dot with accumulation is one instruction where the processor has it (AVX-VNNI, Arm's dot product); elsewhere
/// V8 makes five of it, of which two only rebuild a constant, and asking for the parts is faster: in registers 79
/// against 51 GOP/s on a Xeon of the Cascade Lake generation at 3.1 GHz, Chromium 156. Outside the range where all
/// processors agree, what comes out tells which it is: on x86-64 without the instruction, pairs of products saturate
/// at 32767.
#[inline]
#[target_feature(enable = "relaxed-simd")]
fn is_fused() -> bool {
    let weights = core::hint::black_box(i8x16_splat(127));
    let activations = core::hint::black_box(u8x16_splat(255));
    let sums = i32x4_relaxed_dot_i8x16_i7x16_add(weights, activations, i32x4_splat(0));
    i32x4_extract_lane::<0>(sums) != 2 * i32::from(i16::MAX)
}

impl<const FUSED: bool> Flavour for Relaxed<FUSED> {
    #[inline(always)]
    fn multiply_add(self, a: v128, b: v128, c: v128) -> v128 {
        f32x4_relaxed_madd(a, b, c)
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
        unsafe {
            match (FUSED, order) {
                (true, _) => product::<R, true>(rows, weights, n_steps),
                (false, None) => product::<R, false>(rows, weights, n_steps),
                (false, Some(order)) => product_in_order::<R>(rows, weights, n_steps, order),
            }
        }
    }

    #[inline(always)]
    fn panel_pays_from(self) -> usize {
        PANEL_PAYS_FROM
    }

    #[inline(always)]
    unsafe fn product_of_nibbles<const R: usize>(
        self,
        rows: *const [RowGroup; TILE_ROWS],
        groups: *const FourBitGroup,
        n_groups: usize,
    ) -> [[v128; 2]; R] {
        // SAFETY: the caller's promise.
        unsafe { product_of_nibbles::<R, FUSED>(rows, groups, n_groups) }
    }

    /// Two vectors of multipliers and two for each step.
    const GROUP_PIECES: usize = 2 + 2 * GROUP_STEPS;
    type PanelInputs = [RowGroup; TILE_ROWS];

    #[inline(always)]
    unsafe fn unpack(self, groups: *const FourBitGroup, n_groups: usize, panel: *mut Piece) {
        for index in 0..n_groups {
            // SAFETY: the caller's promise.
            unsafe {
                let (group, to) = (groups.add(index), panel.add(index * Self::GROUP_PIECES).cast::<v128>());
                let multipliers = paired(group, FUSED);
                v128_store(to, multipliers[0]);
                v128_store(to.add(1), multipliers[1]);
                for step in 0..GROUP_STEPS {
                    let weights = weights_of(group, step);
                    v128_store(to.add(2 + 2 * step), weights[0]);
                    v128_store(to.add(3 + 2 * step), weights[1]);
                }
            }
        }
    }

    #[inline(always)]
    unsafe fn product_of_panel<const R: usize>(
        self,
        rows: *const [RowGroup; TILE_ROWS],
        panel: *const Piece,
        n_groups: usize,
    ) -> [[v128; 2]; R] {
        // SAFETY: the caller's promise.
        unsafe { product_of_panel::<R, FUSED>(rows, panel, n_groups) }
    }
}

/// With four rows both ways are as fast; with eight a panel is a sixth faster here (Xeon of the Sapphire Rapids generation,
/// 2.6 GHz, with the fused dot and without).
const PANEL_PAYS_FROM: usize = 8;

/// ```text
/// for each group of 32 inputs:
///     parts[row] = −8 × the sum of its activations
///     for each of its eight steps: parts[row][vector] += dot(activations, weights[vector])        weights 0..=15
///     sums[row][vector] += parts, each column's two added and scaled by its multiplier in one instruction
/// ```
/// In the end a group's parts are at most 32 × 8 × 127 = 32,512, fused in a lane of 32 bits, else in two of sixteen: so
/// either way the multiplication is one of sixteen bits. On the way there sixteen bits may wrap around, which ends well.
/// The dot's second operand is the one of seven bits: so activations are the first, and have a sign and eight.
///
/// # Safety
/// As [`super::lanes::Lanes::product_of_nibbles`] for rows; `weights` and `multipliers` may be asked for each of `n_groups`
/// that lie `size` elements apart from `first` on.
#[inline(always)]
unsafe fn product_of_groups<const R: usize, const FUSED: bool, T>(
    rows: *const [RowGroup; TILE_ROWS],
    n_groups: usize,
    (first, size): (*const T, usize),
    weights: impl Fn(*const T, usize) -> [v128; 2],
    multipliers: impl Fn(*const T) -> [v128; 2],
) -> [[v128; 2]; R] {
    let eight = core::hint::black_box(GROUP_STEPS);
    let (mut rows, mut group) = (rows, first);
    let mut sums = [[i32x4_splat(0); 2]; R];
    for _ in 0..n_groups {
        let mut parts = [[i32x4_splat(0); 2]; R];
        for row in 0..R {
            // SAFETY: the caller's promise.
            parts[row] = unsafe {
                let row = &raw const (*rows)[row];
                let (whole, halves) = (&raw const (*row).start, &raw const (*row).start_of_halves);
                [v128_load32_splat(if FUSED { whole.cast() } else { halves.cast() }); 2]
            };
        }
        eight_steps!(eight, step => {
            let weights = weights(group, step);
            for row in 0..R {
                // SAFETY: the caller's promise.
                let four = unsafe { v128_load32_splat((&raw const (*rows)[row]).cast::<u32>().add(step)) };
                for vector in 0..2 {
                    let part = parts[row][vector];
                    parts[row][vector] = if FUSED {
                        i32x4_relaxed_dot_i8x16_i7x16_add(four, weights[vector], part)
                    } else {
                        i16x8_add(part, i16x8_relaxed_dot_i8x16_i7x16(four, weights[vector]))
                    };
                }
            }
        });
        let multipliers = multipliers(group);
        for row in 0..R {
            for vector in 0..2 {
                let scaled = i32x4_dot_i16x8(parts[row][vector], multipliers[vector]);
                sums[row][vector] = i32x4_add(sums[row][vector], scaled);
            }
        }
        // SAFETY: one past the last group at most.
        unsafe {
            group = opaque(group.add(size));
            rows = opaque(rows.add(1));
        }
    }
    sums
}

/// # Safety
/// As [`super::lanes::Lanes::product_of_nibbles`].
#[inline(always)]
unsafe fn product_of_nibbles<const R: usize, const FUSED: bool>(
    rows: *const [RowGroup; TILE_ROWS],
    groups: *const FourBitGroup,
    n_groups: usize,
) -> [[v128; 2]; R] {
    // SAFETY: the caller's promise.
    unsafe {
        let weights = |group, step| weights_of(group, step);
        product_of_groups::<R, FUSED, _>(rows, n_groups, (groups, 1), weights, |group| paired(group, FUSED))
    }
}

/// # Safety
/// As [`super::lanes::Lanes::product_of_panel`].
#[inline(always)]
unsafe fn product_of_panel<const R: usize, const FUSED: bool>(
    rows: *const [RowGroup; TILE_ROWS],
    panel: *const Piece,
    n_groups: usize,
) -> [[v128; 2]; R] {
    // SAFETY: the caller's promise; a panel's group is as `unpack` writes it.
    unsafe {
        let two = |from: *const v128| [v128_load(from), v128_load(from.add(1))];
        let group = (panel.cast::<v128>(), Relaxed::<FUSED>::GROUP_PIECES);
        product_of_groups::<R, FUSED, _>(rows, n_groups, group, |group, step| two(group.add(2 + 2 * step)), two)
    }
}

/// Eight multipliers, each for the two sixteen-bit halves of its column's lane: beside itself for two sums, or beside zero
/// for one.
///
/// # Safety
/// `group` is readable.
#[inline(always)]
unsafe fn paired(group: *const FourBitGroup, whole: bool) -> [v128; 2] {
    // SAFETY: the caller's promise.
    let one = unsafe { v128_load((&raw const (*group).multipliers).cast()) };
    let other = if whole { i16x8_splat(0) } else { one };
    [i16x8_shuffle::<0, 8, 1, 9, 2, 10, 3, 11>(one, other), i16x8_shuffle::<4, 12, 5, 13, 6, 14, 7, 15>(one, other)]
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

/// ```text
/// for each group of four steps, the light ones, the paired ones, the others:
///     for each one, two or four of its steps:
///         for each step:          parts[row][vector] += dot(weights[vector], activations)         in sixteen bits
///         sums[row][vector] += parts, both lanes of a column added
/// ```
/// For a light group these are nine instructions for four dots instead of twelve, and five instead of eight for the units that
/// multiply, which are two.
///
/// # Safety
/// As [`super::lanes::Lanes::product`].
#[inline(always)]
unsafe fn product_in_order<const R: usize>(
    rows: [*const u8; R],
    weights: *const i8,
    n_steps: usize,
    order: Order<'_>,
) -> [[v128; 2]; R] {
    let whole = n_steps / GROUP_OF_STEPS * GROUP_OF_STEPS;
    // SAFETY: the caller's promise, of the steps past the last whole group.
    unsafe {
        let mut sums = [[i32x4_splat(0); 2]; R];
        if order.n_light == order.groups.len() {
            add_groups::<R, 4>(0..whole / GROUP_OF_STEPS, rows, weights, &mut sums);
        } else {
            let (light, others) = order.groups.split_at(order.n_light);
            let (paired, heavy) = others.split_at(order.n_paired);
            let place = |&group: &u16| usize::from(group);
            add_groups::<R, 4>(light.iter().map(place), rows, weights, &mut sums);
            add_groups::<R, 2>(paired.iter().map(place), rows, weights, &mut sums);
            add_groups::<R, 1>(heavy.iter().map(place), rows, weights, &mut sums);
        }
        if whole < n_steps {
            let rest = product::<R, false>(
                rows.map(|row| row.add(whole * DOT_INPUTS)),
                weights.add(whole * 32),
                n_steps - whole,
            );
            for row in 0..R {
                for vector in 0..2 {
                    sums[row][vector] = i32x4_add(sums[row][vector], rest[row][vector]);
                }
            }
        }
        sums
    }
}

/// Each of these groups, `TOGETHER` of its steps at a time.
///
/// # Safety
/// As [`product_in_order`]: the groups are there, and of a kind for that.
#[inline(always)]
unsafe fn add_groups<const R: usize, const TOGETHER: usize>(
    groups: impl Iterator<Item = usize>,
    rows: [*const u8; R],
    weights: *const i8,
    sums: &mut [[v128; 2]; R],
) {
    let ones = core::hint::black_box(i16x8_splat(1));
    let four = core::hint::black_box(GROUP_OF_STEPS);
    for group in groups {
        // SAFETY: the caller's promise: 32 bytes of weights and four of each row for each step.
        unsafe {
            let at: *const v128 = weights.add(group * GROUP_OF_STEPS * 32).cast();
            let rows = rows.map(|row| row.add(group * GROUP_OF_STEPS * DOT_INPUTS));
            let mut parts = [[i16x8_splat(0); 2]; R];
            four_steps!(four, step => {
                let weights = [v128_load(at.add(2 * step)), v128_load(at.add(2 * step + 1))];
                for row in 0..R {
                    let four = v128_load32_splat(rows[row].add(step * DOT_INPUTS).cast());
                    for vector in 0..2 {
                        let dot = i16x8_relaxed_dot_i8x16_i7x16(weights[vector], four);
                        let part = if step % TOGETHER == 0 { dot } else { i16x8_add(parts[row][vector], dot) };
                        parts[row][vector] = part;
                        if (step + 1) % TOGETHER == 0 {
                            sums[row][vector] = i32x4_add(sums[row][vector], i32x4_dot_i16x8(part, ones));
                        }
                    }
                }
            });
        }
    }
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

/// Operations of one round of [`peak`].
#[cfg(feature = "battery")]
pub const PEAK_OPERATIONS: u32 = 240 * 32;

/// The dots of the product that this processor is given, with sums in registers and no row to load: what the product is
/// measured against.
#[cfg(feature = "battery")]
#[target_feature(enable = "relaxed-simd")]
pub fn peak(n_rounds: u32) -> i32 {
    use super::wasm::peak_of_six;
    if is_fused() {
        // Ten sums hide the latency of five; each dot depends on its sum, so none can be computed ahead.
        let (weights, activations) = core::hint::black_box((i8x16_splat(-3), i8x16_splat(5)));
        let (eight, mut sums) = (core::hint::black_box(GROUP_STEPS), [i32x4_splat(0); 10]);
        for _ in 0..n_rounds * (PEAK_OPERATIONS / 80 / 32) {
            eight_steps!(eight, _step => {
                for sum in &mut sums {
                    *sum = i32x4_relaxed_dot_i8x16_i7x16_add(weights, activations, *sum);
                }
            });
        }
        let total = sums.iter().fold(i32x4_splat(0), |total, &sum| i32x4_add(total, sum));
        i32x4_extract_lane::<0>(core::hint::black_box(total))
    } else {
        peak_of_six(n_rounds * (PEAK_OPERATIONS / 6 / 32), |weights, activations, sum| {
            i16x8_add(sum, i16x8_relaxed_dot_i8x16_i7x16(weights, activations))
        })
    }
}

/// How four-bit weights are multiplied here, for whoever measures.
#[cfg(any(feature = "battery", feature = "web"))]
#[target_feature(enable = "relaxed-simd")]
fn detected_path() -> &'static str {
    if is_fused() { "fused dots" } else { "dots in parts" }
}

/// How four-bit weights are multiplied here, for whoever measures.
#[cfg(any(feature = "battery", feature = "web"))]
pub fn path() -> &'static str {
    detected_path()
}

macro_rules! define {
    (four_bits::put_q4_columns $arguments:tt) => { define!(four_bits put_q4_columns never $arguments); };
    // Those with a product.
    (product::$name:ident $arguments:tt) => { define!(product $name is_fused $arguments); };
    (four_bits::$name:ident $arguments:tt) => { define!(four_bits $name is_fused $arguments); };
    (attention::$name:ident $arguments:tt) => { define!(attention $name is_fused $arguments); };
    ($module:ident::$name:ident $arguments:tt) => { define!($module $name never $arguments); };
    ($module:ident $name:ident $is_fused:ident ($($argument:ident: $type:ty),*)) => {
        pub fn $name($($argument: $type),*) {
            #[target_feature(enable = "relaxed-simd")]
            fn run<const FUSED: bool>($($argument: $type),*) {
                super::$module::$name(Wasm(Relaxed::<FUSED>), $($argument),*);
            }
            if $is_fused() { run::<true>($($argument),*) } else { run::<false>($($argument),*) }
        }
    };
}

fn never() -> bool {
    false
}

super::each_kernel!(define);

pub fn flavour() -> &'static str {
    "relaxed SIMD"
}
