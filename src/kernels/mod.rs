//! Arithmetic on slices. `reference` is the truth; `simd128` and `relaxed` (browser), `avx2` and `scalar` (command line)
//! are fast, with the same signatures. Knows nothing of Candle, JavaScript or models, and builds alone in seconds.
//!
//! Each algorithm is written once, over `lanes::Lanes`; a flavour says what eight lanes can do, and how a tile of
//! integers is multiplied. `fast` is the one flavour of this build.

// Loops of constant length over several small arrays unroll; spelled as zipped iterators they do not read better.
#![allow(clippy::needless_range_loop)]

pub mod layout;
pub mod reference;

mod attention;
mod convolution;
mod elementwise;
mod lanes;
mod product;
mod quantise;
mod widen;

#[cfg(target_arch = "x86_64")]
pub mod avx2;
#[cfg(all(target_arch = "wasm32", target_feature = "simd128", feature = "relaxed"))]
pub mod relaxed;
#[cfg(not(all(target_arch = "wasm32", target_feature = "simd128")))]
pub mod scalar;
#[cfg(all(target_arch = "wasm32", target_feature = "simd128", not(feature = "relaxed")))]
pub mod simd128;
#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
mod wasm;

pub use layout::{AttentionRoom, Epilogue, Heads, PackedWeights, RowsU7};

#[cfg(target_arch = "x86_64")]
pub use avx2 as fast;
#[cfg(all(target_arch = "wasm32", target_feature = "simd128", feature = "relaxed"))]
pub use relaxed as fast;
#[cfg(not(any(target_arch = "x86_64", all(target_arch = "wasm32", target_feature = "simd128"))))]
pub use scalar as fast;
#[cfg(all(target_arch = "wasm32", target_feature = "simd128", not(feature = "relaxed")))]
pub use simd128 as fast;

/// The kernels by module and signature: a flavour turns each into a function of its own.
macro_rules! each_kernel {
    ($define:ident) => {
        $define!(quantise::quantise_rows(input: &[f32], n_in: usize, rows: &mut $crate::kernels::RowsU7));
        $define!(product::matmul_i32(
            rows: &$crate::kernels::RowsU7, weights: &$crate::kernels::PackedWeights, out: &mut [i32]
        ));
        $define!(product::linear(
            rows: &$crate::kernels::RowsU7, weights: &$crate::kernels::PackedWeights,
            epilogue: $crate::kernels::Epilogue, out: &mut [f32], out_stride: usize
        ));
        $define!(elementwise::gelu_in_place(x: &mut [f32]));
        $define!(elementwise::layer_norm_rows(x: &mut [f32], gamma: &[f32], beta: &[f32], epsilon: f32));
        $define!(elementwise::softmax_rows(x: &mut [f32], width: usize));
        $define!(attention::attention(
            qkv: &[f32], heads: $crate::kernels::Heads, room: &mut $crate::kernels::AttentionRoom, out: &mut [f32]
        ));
        $define!(convolution::depthwise_row(
            input: [&[f32]; 3], weights: &[f32], bias: &[f32], stride: usize, first: usize, out: &mut [f32]
        ));
        $define!(convolution::stem_row(input: [&[f32]; 3], weights: &[f32], bias: &[f32], out: &mut [f32]));
        $define!(convolution::average_pool(input: &[f32], out: &mut [f32]));
        $define!(widen::widen_q4_row(groups: &[u8], out: &mut [f32]));
        $define!(widen::widen_q4_columns(
            groups: &[u8], first_column: usize, weights: &mut $crate::kernels::PackedWeights
        ));
    };
}
use each_kernel;

/// The flavour that `fast` is, as people are told.
pub fn flavour() -> &'static str {
    fast::flavour()
}

#[cfg(any(test, feature = "battery"))]
pub mod battery;
