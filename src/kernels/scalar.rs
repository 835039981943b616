//! The flavour for every other processor: lanes as plain arrays, of which the compiler makes what vectors it has. Serves
//! x86-64 without AVX2 and all that is not x86-64, and is what an interpreter or a sanitizer follows to the byte, so the
//! loops of all flavours are checked through it. The integer sums are the browser's to the bit.
//!
//! A sentence of 24 tokens by `sotto classify` on an Intel Xeon with AMX, 2.6 GHz, compiled for plain x86-64: 114 ms; by
//! AVX2 17 ms, by the reference 761 ms. The product alone: 19, 209 and 2.8 GOP/s.

use super::lanes::{LANES, Lanes, ROUNDER};
use super::layout::{FourBitGroup, GROUP_STEPS, Piece, RowGroup, TILE_ROWS};
use super::order::Order;

#[derive(Clone, Copy)]
pub struct Scalar;

/// 2²³: from here on every float is a whole number.
const WHOLE: f32 = 8_388_608.0;

#[inline(always)]
fn each<T: Copy, U>(x: [T; LANES], operation: impl Fn(T) -> U) -> [U; LANES] {
    std::array::from_fn(|index| operation(x[index]))
}

#[inline(always)]
fn both<T: Copy, U>(a: [T; LANES], b: [T; LANES], operation: impl Fn(T, T) -> U) -> [U; LANES] {
    std::array::from_fn(|index| operation(a[index], b[index]))
}

impl Lanes for Scalar {
    type Floats = [f32; LANES];
    type Sums = [i32; LANES];
    /// Units of four bytes, each of which may be a sum.
    type Bytes = [[u8; 4]; 4];

    #[inline(always)]
    fn splat(self, x: f32) -> [f32; LANES] {
        [x; LANES]
    }

    #[inline(always)]
    unsafe fn load(self, from: *const f32) -> [f32; LANES] {
        // SAFETY: the caller's promise.
        unsafe { from.cast::<[f32; LANES]>().read_unaligned() }
    }

    #[inline(always)]
    unsafe fn store(self, x: [f32; LANES], to: *mut f32) {
        // SAFETY: the caller's promise.
        unsafe { to.cast::<[f32; LANES]>().write_unaligned(x) }
    }

    #[inline(always)]
    fn add(self, a: [f32; LANES], b: [f32; LANES]) -> [f32; LANES] {
        both(a, b, |a, b| a + b)
    }

    #[inline(always)]
    fn sub(self, a: [f32; LANES], b: [f32; LANES]) -> [f32; LANES] {
        both(a, b, |a, b| a - b)
    }

    #[inline(always)]
    fn mul(self, a: [f32; LANES], b: [f32; LANES]) -> [f32; LANES] {
        both(a, b, |a, b| a * b)
    }

    #[inline(always)]
    fn div(self, a: [f32; LANES], b: [f32; LANES]) -> [f32; LANES] {
        both(a, b, |a, b| a / b)
    }

    /// Rounds twice: where no instruction rounds once, `f32::mul_add` is a call.
    #[inline(always)]
    fn multiply_add(self, a: [f32; LANES], b: [f32; LANES], c: [f32; LANES]) -> [f32; LANES] {
        self.add(self.mul(a, b), c)
    }

    /// Spelled as SSE's minimum is defined; `f32::min` would be several instructions.
    #[inline(always)]
    fn lesser(self, a: [f32; LANES], b: [f32; LANES]) -> [f32; LANES] {
        both(a, b, |a, b| if a < b { a } else { b })
    }

    #[inline(always)]
    fn greater(self, a: [f32; LANES], b: [f32; LANES]) -> [f32; LANES] {
        both(a, b, |a, b| if a > b { a } else { b })
    }

    #[inline(always)]
    fn nan_to_zero(self, x: [f32; LANES]) -> [f32; LANES] {
        each(x, |x| if x.is_nan() { 0.0 } else { x })
    }

    /// By adding and subtracting 2²³, since `f32::round_ties_even` is a call where SSE4.1 is not.
    #[inline(always)]
    fn round(self, x: [f32; LANES]) -> [f32; LANES] {
        each(x, |x| if x.abs() < WHOLE { ((x.abs() + WHOLE) - WHOLE).copysign(x) } else { x })
    }

    #[inline(always)]
    fn scale_by_power_of_two(self, x: [f32; LANES], biased: [f32; LANES]) -> [f32; LANES] {
        both(x, biased, |x, biased| f32::from_bits(x.to_bits().wrapping_add(biased.to_bits() << 23)))
    }

    #[inline(always)]
    fn sum(self, x: [f32; LANES]) -> f32 {
        (x[0] + x[4]) + (x[2] + x[6]) + ((x[1] + x[5]) + (x[3] + x[7]))
    }

    #[inline(always)]
    fn largest(self, x: [f32; LANES]) -> f32 {
        x.into_iter().fold(f32::NEG_INFINITY, |a, b| if a < b { b } else { a })
    }

    #[inline(always)]
    fn lowest(self, x: [f32; LANES]) -> f32 {
        x.into_iter().fold(f32::INFINITY, |a, b| if b < a { b } else { a })
    }

    #[inline(always)]
    unsafe fn store_bytes(self, x: [[f32; LANES]; 2], to: *mut u8) {
        let bytes = self.rounded_bytes(x.map(|x| each(x, |x| x + ROUNDER)));
        // SAFETY: the caller's promise.
        unsafe { to.cast::<[[u8; 4]; 4]>().write(bytes) }
    }

    #[inline(always)]
    fn splat_sum(self, x: i32) -> [i32; LANES] {
        [x; LANES]
    }

    #[inline(always)]
    unsafe fn load_sums(self, from: *const i32) -> [i32; LANES] {
        // SAFETY: the caller's promise.
        unsafe { from.cast::<[i32; LANES]>().read_unaligned() }
    }

    #[inline(always)]
    unsafe fn store_sums(self, x: [i32; LANES], to: *mut i32) {
        // SAFETY: the caller's promise.
        unsafe { to.cast::<[i32; LANES]>().write_unaligned(x) }
    }

    #[inline(always)]
    fn sub_sums(self, a: [i32; LANES], b: [i32; LANES]) -> [i32; LANES] {
        both(a, b, i32::wrapping_sub)
    }

    #[inline(always)]
    fn mul_sums(self, a: [i32; LANES], b: [i32; LANES]) -> [i32; LANES] {
        both(a, b, i32::wrapping_mul)
    }

    #[inline(always)]
    fn sums_to_floats(self, x: [i32; LANES]) -> [f32; LANES] {
        each(x, |x| x as f32)
    }

    /// A column's four weights are one integer, each shifted out in its turn, and rows come one after the other: so the
    /// compiler puts columns into lanes. With rows or bytes innermost it chose other lanes, and took 2.3 times as long.
    #[inline(always)]
    unsafe fn product<const R: usize>(
        self,
        rows: [*const u8; R],
        weights: *const i8,
        n_steps: usize,
        _order: Option<Order<'_>>,
    ) -> [[i32; LANES]; R] {
        rows.map(|row| {
            let mut sums = [0; LANES];
            for step in 0..n_steps {
                // SAFETY: the caller's promise: 32 bytes of weights and four of each row for each step.
                let (weights, four) = unsafe {
                    (
                        weights.add(step * 32).cast::<[[u8; 4]; LANES]>().read(),
                        row.add(step * 4).cast::<[u8; 4]>().read(),
                    )
                };
                let (weights, four) = (weights.map(i32::from_le_bytes), four.map(i32::from));
                for column in 0..LANES {
                    let weight = weights[column];
                    sums[column] += (weight << 24 >> 24) * four[0]
                        + (weight << 16 >> 24) * four[1]
                        + (weight << 8 >> 24) * four[2]
                        + (weight >> 24) * four[3];
                }
            }
            sums
        })
    }

    #[inline(always)]
    unsafe fn product_of_words<const R: usize>(
        self,
        rows: [*const i16; R],
        weights: *const i16,
        n_blocks: usize,
    ) -> [[i32; LANES]; R] {
        let mut sums = [[0; LANES]; R];
        for step in 0..8 * n_blocks {
            // SAFETY: the caller's promise: sixteen words of weights and two of each row for each step.
            unsafe {
                let weights = weights.add(step * 2 * LANES).cast::<[[i16; 2]; LANES]>().read();
                for (sums, row) in sums.iter_mut().zip(rows) {
                    let two = row.add(step * 2).cast::<[i16; 2]>().read();
                    for column in 0..LANES {
                        sums[column] += i32::from(weights[column][0]) * i32::from(two[0])
                            + i32::from(weights[column][1]) * i32::from(two[1]);
                    }
                }
            }
        }
        sums
    }

    #[inline(always)]
    unsafe fn store_words(self, x: [f32; LANES], to: *mut i16) {
        // SAFETY: the caller's promise.
        unsafe { to.cast::<[i16; LANES]>().write(each(x, |x| x as i16)) }
    }

    #[inline(always)]
    fn panel_pays_from(self) -> usize {
        5
    }

    #[inline(always)]
    unsafe fn product_of_nibbles<const R: usize>(
        self,
        rows: *const [RowGroup; TILE_ROWS],
        groups: *const FourBitGroup,
        n_groups: usize,
    ) -> [[i32; LANES]; R] {
        let mut sums = [[0; LANES]; R];
        for index in 0..n_groups {
            // SAFETY: the caller's promise.
            let group = unsafe { &*groups.add(index) };
            let steps = std::array::from_fn(|step| weights_of(group, step));
            // SAFETY: as above.
            unsafe { add_group(&mut sums, &*rows.add(index), &steps, &group.multipliers) };
        }
        sums
    }

    /// Multipliers, then two pieces for each step.
    const GROUP_PIECES: usize = 1 + 2 * GROUP_STEPS;
    type PanelInputs = [RowGroup; TILE_ROWS];

    #[inline(always)]
    unsafe fn unpack(self, groups: *const FourBitGroup, n_groups: usize, panel: *mut Piece) {
        for index in 0..n_groups {
            // SAFETY: the caller's promise.
            unsafe {
                let (group, to) = (&*groups.add(index), panel.add(index * Self::GROUP_PIECES));
                to.cast::<[i16; LANES]>().write(group.multipliers);
                to.add(1).cast::<GroupWeights>().write(std::array::from_fn(|step| weights_of(group, step)));
            }
        }
    }

    #[inline(always)]
    unsafe fn product_of_panel<const R: usize>(
        self,
        rows: *const [RowGroup; TILE_ROWS],
        panel: *const Piece,
        n_groups: usize,
    ) -> [[i32; LANES]; R] {
        let mut sums = [[0; LANES]; R];
        for index in 0..n_groups {
            // SAFETY: the caller's promise.
            unsafe {
                let group = panel.add(index * Self::GROUP_PIECES);
                let steps = &*group.add(1).cast::<GroupWeights>();
                add_group(&mut sums, &*rows.add(index), steps, &*group.cast::<[i16; LANES]>());
            }
        }
        sums
    }

    #[inline(always)]
    fn zero_bytes(self) -> [[u8; 4]; 4] {
        [[0; 4]; 4]
    }

    #[inline(always)]
    fn rounded_bytes(self, x: [[f32; LANES]; 2]) -> [[u8; 4]; 4] {
        std::array::from_fn(|unit| std::array::from_fn(|index| x[unit / 2][unit % 2 * 4 + index].to_bits() as u8))
    }

    #[inline(always)]
    unsafe fn store_quads(self, x: [[f32; LANES]; 4], to: *mut i8) {
        // The low byte of each sum is the rounded number.
        let quads: [u32; LANES] = std::array::from_fn(|lane| {
            let [a, b, c, d] = x.map(|x| (x[lane] + ROUNDER).to_bits());
            (a & 255) | (b & 255) << 8 | (c & 255) << 16 | d << 24
        });
        // SAFETY: the caller's promise.
        unsafe { to.cast::<[[u8; 4]; LANES]>().write(quads.map(u32::to_le_bytes)) }
    }

    #[inline(always)]
    unsafe fn join_nibbles(self, first: *const u8, second: *const u8) -> [[[u8; 4]; 4]; 2] {
        // SAFETY: the caller's promise.
        let (a, b) = unsafe { (first.cast::<[[u8; 4]; 4]>().read(), second.cast::<[[u8; 4]; 4]>().read()) };
        let join = |join: fn(u8, u8) -> u8| {
            std::array::from_fn(|unit| std::array::from_fn(|index| join(a[unit][index], b[unit][index])))
        };
        [join(|a, b| a & 15 | b << 4), join(|a, b| a >> 4 | b & 240)]
    }

    #[inline(always)]
    fn add_bytes(self, sums: [[u8; 4]; 4], x: [[[u8; 4]; 4]; 2]) -> [[u8; 4]; 4] {
        std::array::from_fn(|unit| {
            let four: i32 =
                (0..4).map(|index| i32::from(x[0][unit][index] as i8) + i32::from(x[1][unit][index] as i8)).sum();
            (i32::from_ne_bytes(sums[unit]) + four).to_ne_bytes()
        })
    }

    #[inline(always)]
    fn sum_of_four(self, sums: [[u8; 4]; 4]) -> i32 {
        sums.map(i32::from_ne_bytes).into_iter().sum()
    }

    #[inline(always)]
    fn transpose(self, x: [[[u8; 4]; 4]; 4]) -> [[[u8; 4]; 4]; 4] {
        std::array::from_fn(|row| std::array::from_fn(|column| x[column][row]))
    }

    #[inline(always)]
    unsafe fn store_sixteen(self, x: [[u8; 4]; 4], to: *mut i8) {
        // SAFETY: the caller's promise.
        unsafe { to.cast::<[[u8; 4]; 4]>().write(x) }
    }
}

/// For each step the four weights of each column, one byte each.
type GroupWeights = [[[i8; 4]; LANES]; GROUP_STEPS];

#[inline(always)]
fn weights_of(group: &FourBitGroup, step: usize) -> [[i8; 4]; LANES] {
    let (bytes, _) = group.nibbles[step].as_chunks::<4>();
    std::array::from_fn(|column| bytes[column % 4].map(|byte| (byte >> (column / 4 * 4) & 15) as i8 - 8))
}

/// Adds one group of each row to its sums.
#[inline(always)]
fn add_group<const R: usize>(
    sums: &mut [[i32; LANES]; R],
    rows: &[RowGroup; TILE_ROWS],
    steps: &GroupWeights,
    multipliers: &[i16; LANES],
) {
    for (sums, row) in sums.iter_mut().zip(rows) {
        let mut parts = [0; LANES];
        for (weights, four) in steps.iter().zip(row.values.as_chunks::<4>().0) {
            for column in 0..LANES {
                for input in 0..4 {
                    parts[column] += i32::from(weights[column][input]) * i32::from(four[input]);
                }
            }
        }
        for column in 0..LANES {
            sums[column] += parts[column] * i32::from(multipliers[column]);
        }
    }
}

macro_rules! define {
    ($module:ident::$name:ident($($argument:ident: $type:ty),*)) => {
        pub fn $name($($argument: $type),*) {
            super::$module::$name(Scalar, $($argument),*);
        }
    };
}

super::each_kernel!(define);

pub fn flavour() -> &'static str {
    "scalar"
}
