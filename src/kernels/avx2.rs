//! The flavour for x86-64 processors with AVX2 and FMA, asked for at run time; without them, `scalar`. Serves the
//! command line and the tests; its sums are those of the browser to the bit.

use core::arch::x86_64::*;

use super::lanes::{Lanes, ROUNDER};
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
    unsafe fn product<const R: usize>(self, rows: [*const u8; R], weights: *const i8, n_steps: usize) -> [__m256i; R] {
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
    unsafe fn look_up_nibbles(self, table: __m128i, nibbles: *const u8) -> [__m128i; 2] {
        let (low, high) = split(instruction!(_mm_loadu_si128(nibbles.cast())));
        instruction!([_mm_shuffle_epi8(table, low), _mm_shuffle_epi8(table, high)])
    }

    #[inline(always)]
    unsafe fn largest_nibble(self, nibbles: *const u8) -> u8 {
        instruction!({
            let (low, high) = split(_mm_loadu_si128(nibbles.cast()));
            let eight = _mm_set1_epi8(8);
            let distance =
                _mm_max_epi8(_mm_abs_epi8(_mm_sub_epi8(low, eight)), _mm_abs_epi8(_mm_sub_epi8(high, eight)));
            // The smallest of eight words is one instruction; the largest distance is the smallest of its complement.
            let rest = _mm_sub_epi8(eight, distance);
            let rest = _mm_min_epu8(rest, _mm_srli_epi16::<8>(rest));
            let words = _mm_and_si128(rest, _mm_set1_epi16(0xff));
            8 - _mm_cvtsi128_si32(_mm_minpos_epu16(words)) as u8
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

/// Low nibbles, high nibbles.
#[inline(always)]
fn split(nibbles: __m128i) -> (__m128i, __m128i) {
    instruction!({
        let mask = _mm_set1_epi8(15);
        (_mm_and_si128(nibbles, mask), _mm_and_si128(_mm_srli_epi16::<4>(nibbles), mask))
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
