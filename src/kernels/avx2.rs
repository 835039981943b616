//! The flavour for x86-64 processors with AVX2 and FMA, asked for at run time; without them, `scalar`. Serves the
//! command line and the tests; its sums are those of the browser to the bit.

use core::arch::x86_64::*;

use super::lanes::{Lanes, ROUNDER};
use super::layout::{FourBitGroup, GROUP_STEPS, Piece, RowGroup, TILE_ROWS};
use super::order::Order;
use super::scalar;

/// Made only where `available()` says so.
#[derive(Clone, Copy)]
pub struct Avx2(());

/// The feature `scalar` makes every processor one without AVX2: so tests go the way such a processor goes, and what ships
/// has no switch.
fn available() -> bool {
    !cfg!(feature = "scalar") && is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma")
}

/// One instruction, with the reason why it may run here.
macro_rules! instruction {
    ($x:expr) => {
        // SAFETY: whoever holds an `Avx2` made sure that the processor has AVX2 and FMA.
        unsafe { $x }
    };
}

impl Lanes for Avx2 {
    type Floats = __m256;
    type Sums = __m256i;
    type Bytes = __m128i;

    #[inline(always)]
    fn splat(self, x: f32) -> __m256 {
        instruction!(_mm256_set1_ps(x))
    }

    #[inline(always)]
    unsafe fn load(self, from: *const f32) -> __m256 {
        instruction!(_mm256_loadu_ps(from))
    }

    #[inline(always)]
    unsafe fn store(self, x: __m256, to: *mut f32) {
        instruction!(_mm256_storeu_ps(to, x));
    }

    #[inline(always)]
    fn add(self, a: __m256, b: __m256) -> __m256 {
        instruction!(_mm256_add_ps(a, b))
    }

    #[inline(always)]
    fn sub(self, a: __m256, b: __m256) -> __m256 {
        instruction!(_mm256_sub_ps(a, b))
    }

    #[inline(always)]
    fn mul(self, a: __m256, b: __m256) -> __m256 {
        instruction!(_mm256_mul_ps(a, b))
    }

    #[inline(always)]
    fn div(self, a: __m256, b: __m256) -> __m256 {
        instruction!(_mm256_div_ps(a, b))
    }

    #[inline(always)]
    fn multiply_add(self, a: __m256, b: __m256, c: __m256) -> __m256 {
        instruction!(_mm256_fmadd_ps(a, b, c))
    }

    #[inline(always)]
    fn lesser(self, a: __m256, b: __m256) -> __m256 {
        instruction!(_mm256_min_ps(a, b))
    }

    #[inline(always)]
    fn greater(self, a: __m256, b: __m256) -> __m256 {
        instruction!(_mm256_max_ps(a, b))
    }

    #[inline(always)]
    fn nan_to_zero(self, x: __m256) -> __m256 {
        instruction!(_mm256_and_ps(x, _mm256_cmp_ps::<_CMP_EQ_OQ>(x, x)))
    }

    #[inline(always)]
    fn round(self, x: __m256) -> __m256 {
        instruction!(_mm256_round_ps::<{ _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC }>(x))
    }

    #[inline(always)]
    fn scale_by_power_of_two(self, x: __m256, biased: __m256) -> __m256 {
        instruction!({
            let exponent = _mm256_slli_epi32::<23>(_mm256_castps_si256(biased));
            _mm256_castsi256_ps(_mm256_add_epi32(_mm256_castps_si256(x), exponent))
        })
    }

    #[inline(always)]
    fn sum(self, x: __m256) -> f32 {
        let x: [f32; 8] = to_array(x);
        (x[0] + x[4]) + (x[2] + x[6]) + ((x[1] + x[5]) + (x[3] + x[7]))
    }

    #[inline(always)]
    fn largest(self, x: __m256) -> f32 {
        to_array(x).into_iter().fold(f32::NEG_INFINITY, |a, b| if a < b { b } else { a })
    }

    #[inline(always)]
    fn lowest(self, x: __m256) -> f32 {
        to_array(x).into_iter().fold(f32::INFINITY, |a, b| if b < a { b } else { a })
    }

    #[inline(always)]
    unsafe fn store_bytes(self, x: [__m256; 2], to: *mut u8) {
        let rounder = self.splat(ROUNDER);
        let bytes = self.rounded_bytes([self.add(x[0], rounder), self.add(x[1], rounder)]);
        instruction!(_mm_storeu_si128(to.cast(), bytes));
    }

    #[inline(always)]
    fn splat_sum(self, x: i32) -> __m256i {
        instruction!(_mm256_set1_epi32(x))
    }

    #[inline(always)]
    unsafe fn load_sums(self, from: *const i32) -> __m256i {
        instruction!(_mm256_loadu_si256(from.cast()))
    }

    #[inline(always)]
    unsafe fn store_sums(self, x: __m256i, to: *mut i32) {
        instruction!(_mm256_storeu_si256(to.cast(), x));
    }

    #[inline(always)]
    fn sub_sums(self, a: __m256i, b: __m256i) -> __m256i {
        instruction!(_mm256_sub_epi32(a, b))
    }

    #[inline(always)]
    fn mul_sums(self, a: __m256i, b: __m256i) -> __m256i {
        instruction!(_mm256_mullo_epi32(a, b))
    }

    #[inline(always)]
    fn sums_to_floats(self, x: __m256i) -> __m256 {
        instruction!(_mm256_cvtepi32_ps(x))
    }

    /// Both vectors of a step in one register; pairs of products stay within sixteen bits, as layouts promise.
    #[inline(always)]
    unsafe fn product<const R: usize>(
        self,
        rows: [*const u8; R],
        weights: *const i8,
        n_steps: usize,
        _order: Option<Order<'_>>,
    ) -> [__m256i; R] {
        let mut sums = [self.splat_sum(0); R];
        let ones = instruction!(_mm256_set1_epi16(1));
        for step in 0..n_steps {
            // SAFETY: the caller's promise: 32 bytes of weights and four of each row for each step.
            unsafe {
                let weights = _mm256_loadu_si256(weights.add(step * 32).cast());
                for row in 0..R {
                    let four = _mm256_set1_epi32(rows[row].add(step * 4).cast::<i32>().read_unaligned());
                    let pairs = _mm256_maddubs_epi16(four, weights);
                    sums[row] = _mm256_add_epi32(sums[row], _mm256_madd_epi16(pairs, ones));
                }
            }
        }
        sums
    }

    #[inline(always)]
    unsafe fn product_of_words<const R: usize>(
        self,
        rows: [*const i16; R],
        weights: *const i16,
        n_blocks: usize,
    ) -> [__m256i; R] {
        let mut sums = [self.splat_sum(0); R];
        for step in 0..8 * n_blocks {
            // SAFETY: the caller's promise: sixteen words of weights and two of each row for each step.
            unsafe {
                let weights = _mm256_loadu_si256(weights.add(step * 16).cast());
                for row in 0..R {
                    let two = _mm256_set1_epi32(rows[row].add(step * 2).cast::<i32>().read_unaligned());
                    sums[row] = _mm256_add_epi32(sums[row], _mm256_madd_epi16(two, weights));
                }
            }
        }
        sums
    }

    #[inline(always)]
    unsafe fn store_words(self, x: __m256, to: *mut i16) {
        instruction!({
            let whole = _mm256_cvtps_epi32(x);
            let words = _mm_packs_epi32(_mm256_castsi256_si128(whole), _mm256_extracti128_si256::<1>(whole));
            _mm_storeu_si128(to.cast(), words);
        });
    }

    #[inline(always)]
    fn panel_pays_from(self) -> usize {
        17
    }

    #[inline(always)]
    unsafe fn product_of_nibbles<const R: usize>(
        self,
        rows: *const [RowGroup; TILE_ROWS],
        groups: *const FourBitGroup,
        n_groups: usize,
    ) -> [__m256i; R] {
        // SAFETY: the caller's promise.
        unsafe {
            let weights = |index, step| weights_of(groups.add(index), step);
            product_of_groups(rows, n_groups, weights, |index| paired(groups.add(index)))
        }
    }

    /// Sixteen multipliers, each column's twice, and its steps.
    const GROUP_PIECES: usize = 2 + 2 * GROUP_STEPS;
    type PanelInputs = [RowGroup; TILE_ROWS];

    #[inline(always)]
    unsafe fn unpack(self, groups: *const FourBitGroup, n_groups: usize, panel: *mut Piece) {
        for index in 0..n_groups {
            // SAFETY: the caller's promise.
            unsafe {
                let (group, to) = (groups.add(index), panel.add(index * Self::GROUP_PIECES).cast::<__m256i>());
                _mm256_storeu_si256(to, paired(group));
                for step in 0..GROUP_STEPS {
                    _mm256_storeu_si256(to.add(1 + step), weights_of(group, step));
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
    ) -> [__m256i; R] {
        // SAFETY: the caller's promise; a panel's group is as `unpack` writes it.
        unsafe {
            let at =
                |index, piece| _mm256_loadu_si256(panel.add(index * Self::GROUP_PIECES).cast::<__m256i>().add(piece));
            product_of_groups(rows, n_groups, |index, step| at(index, 1 + step), |index| at(index, 0))
        }
    }

    #[inline(always)]
    fn zero_bytes(self) -> __m128i {
        instruction!(_mm_setzero_si128())
    }

    #[inline(always)]
    fn rounded_bytes(self, x: [__m256; 2]) -> __m128i {
        instruction!({
            let rounder = _mm256_set1_epi32(ROUNDER.to_bits() as i32);
            let first = _mm256_sub_epi32(_mm256_castps_si256(x[0]), rounder);
            let second = _mm256_sub_epi32(_mm256_castps_si256(x[1]), rounder);
            // Narrowing works within halves: 0-3 8-11 | 4-7 12-15 must be put in order.
            let words = _mm256_permute4x64_epi64::<0b11_01_10_00>(_mm256_packs_epi32(first, second));
            _mm_packs_epi16(_mm256_castsi256_si128(words), _mm256_extracti128_si256::<1>(words))
        })
    }

    #[inline(always)]
    unsafe fn store_quads(self, x: [__m256; 4], to: *mut i8) {
        let rounder = self.splat(ROUNDER);
        // The low byte of each sum is the rounded number.
        let [a, b, c, d] = x.map(|x| self.add(x, rounder));
        instruction!({
            let low_byte = _mm256_set1_epi32(255);
            let [a, b, c] = [a, b, c].map(|x| _mm256_and_si256(_mm256_castps_si256(x), low_byte));
            let d = _mm256_slli_epi32::<24>(_mm256_castps_si256(d));
            let first = _mm256_or_si256(a, _mm256_slli_epi32::<8>(b));
            let second = _mm256_or_si256(_mm256_slli_epi32::<16>(c), d);
            _mm256_storeu_si256(to.cast(), _mm256_or_si256(first, second));
        });
    }

    #[inline(always)]
    unsafe fn join_nibbles(self, first: *const u8, second: *const u8) -> [__m128i; 2] {
        instruction!({
            let (a, b) = (_mm_loadu_si128(first.cast()), _mm_loadu_si128(second.cast()));
            let (low, high) = (_mm_set1_epi8(15), _mm_set1_epi8(15 << 4));
            [
                _mm_or_si128(_mm_and_si128(a, low), _mm_and_si128(_mm_slli_epi16::<4>(b), high)),
                _mm_or_si128(_mm_and_si128(_mm_srli_epi16::<4>(a), low), _mm_and_si128(b, high)),
            ]
        })
    }

    #[inline(always)]
    fn add_bytes(self, sums: __m128i, x: [__m128i; 2]) -> __m128i {
        instruction!({
            let ones = _mm_set1_epi8(1);
            let pairs = _mm_add_epi16(_mm_maddubs_epi16(ones, x[0]), _mm_maddubs_epi16(ones, x[1]));
            _mm_add_epi32(sums, _mm_madd_epi16(pairs, _mm_set1_epi16(1)))
        })
    }

    #[inline(always)]
    fn sum_of_four(self, sums: __m128i) -> i32 {
        instruction!({
            let sums = _mm_add_epi32(sums, _mm_shuffle_epi32::<0b01_00_11_10>(sums));
            _mm_cvtsi128_si32(_mm_add_epi32(sums, _mm_shuffle_epi32::<0b10_11_00_01>(sums)))
        })
    }

    #[inline(always)]
    fn transpose(self, [a, b, c, d]: [__m128i; 4]) -> [__m128i; 4] {
        instruction!({
            let (ab_low, ab_high) = (_mm_unpacklo_epi32(a, b), _mm_unpackhi_epi32(a, b));
            let (cd_low, cd_high) = (_mm_unpacklo_epi32(c, d), _mm_unpackhi_epi32(c, d));
            [
                _mm_unpacklo_epi64(ab_low, cd_low),
                _mm_unpackhi_epi64(ab_low, cd_low),
                _mm_unpacklo_epi64(ab_high, cd_high),
                _mm_unpackhi_epi64(ab_high, cd_high),
            ]
        })
    }

    #[inline(always)]
    unsafe fn store_sixteen(self, x: __m128i, to: *mut i8) {
        instruction!(_mm_storeu_si128(to.cast(), x));
    }
}

#[inline(always)]
fn to_array(x: __m256) -> [f32; 8] {
    // SAFETY: both are 32 bytes of floats.
    unsafe { core::mem::transmute(x) }
}

/// Both ways of the product: for each group, pairs of products add up in sixteen bits, from its start on, and are scaled.
///
/// # Safety
/// `rows` are readable for `n_groups`, and `weights` and `multipliers` may be asked for each of them.
#[inline(always)]
unsafe fn product_of_groups<const R: usize>(
    rows: *const [RowGroup; TILE_ROWS],
    n_groups: usize,
    weights: impl Fn(usize, usize) -> __m256i,
    multipliers: impl Fn(usize) -> __m256i,
) -> [__m256i; R] {
    instruction!({
        let mut sums = [_mm256_setzero_si256(); R];
        for index in 0..n_groups {
            let rows = rows.add(index);
            let mut parts: [__m256i; R] = std::array::from_fn(|row| starting(&raw const (*rows)[row]));
            for step in 0..GROUP_STEPS {
                let weights = weights(index, step);
                for row in 0..R {
                    let four = (&raw const (*rows)[row]).cast::<i32>().add(step).read();
                    let pairs = _mm256_maddubs_epi16(weights, _mm256_set1_epi32(four));
                    parts[row] = _mm256_add_epi16(parts[row], pairs);
                }
            }
            let multipliers = multipliers(index);
            for row in 0..R {
                sums[row] = _mm256_add_epi32(sums[row], _mm256_madd_epi16(parts[row], multipliers));
            }
        }
        sums
    })
}

/// What a group's parts start from.
///
/// # Safety
/// `row` is readable.
#[inline(always)]
unsafe fn starting(row: *const RowGroup) -> __m256i {
    instruction!(_mm256_set1_epi32((&raw const (*row).start_of_halves).cast::<i32>().read_unaligned()))
}

/// Four inputs of eight columns plus eight, 0..=15.
///
/// # Safety
/// `group` is readable.
#[inline(always)]
unsafe fn weights_of(group: *const FourBitGroup, step: usize) -> __m256i {
    instruction!({
        let nibbles = _mm_loadu_si128((&raw const (*group).nibbles).cast::<__m128i>().add(step));
        let both = _mm256_set_m128i(_mm_srli_epi16::<4>(nibbles), nibbles);
        _mm256_and_si256(both, _mm256_set1_epi8(15))
    })
}

/// Eight multipliers, each twice: for both halves of its column's lane.
///
/// # Safety
/// `group` is readable.
#[inline(always)]
unsafe fn paired(group: *const FourBitGroup) -> __m256i {
    instruction!({
        let one = _mm_loadu_si128((&raw const (*group).multipliers).cast());
        _mm256_set_m128i(_mm_unpackhi_epi16(one, one), _mm_unpacklo_epi16(one, one))
    })
}

macro_rules! define {
    ($module:ident::$name:ident($($argument:ident: $type:ty),*)) => {
        pub fn $name($($argument: $type),*) {
            #[target_feature(enable = "avx2,fma")]
            fn run($($argument: $type),*) {
                super::$module::$name(Avx2(()), $($argument),*);
            }
            if available() {
                // SAFETY: the processor has AVX2 and FMA.
                unsafe { run($($argument),*) }
            } else {
                scalar::$name($($argument),*);
            }
        }
    };
}

super::each_kernel!(define);

pub fn flavour() -> &'static str {
    if available() { "AVX2" } else { scalar::flavour() }
}
