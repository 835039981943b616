//! Arithmetic on slices. `reference` is the truth; `simd128` and `relaxed` (browser), `avx2` and `scalar` (command line)
//! are fast, with the same signatures. Knows nothing of Candle, JavaScript or models, and builds alone in seconds.
//!
//! Each algorithm is written once, over `lanes::Lanes`; a flavour says what eight lanes can do, and how a tile of
//! integers is multiplied. `fast` is the one flavour of this build.

#![warn(missing_docs)]
// What no net uses the battery does, and what it does not use, nets do: where both are there, as in `clippy --all-targets`,
// the compiler sees what nobody uses.
#![cfg_attr(not(all(feature = "engine", any(test, feature = "battery"))), allow(dead_code))]
// Loops of constant length over several small arrays unroll; spelled as zipped iterators they do not read better.
#![allow(clippy::needless_range_loop)]

mod attention;
mod convolution;
mod elementwise;
mod four_bits;
mod lanes;
pub(crate) mod layout;
mod order;
mod product;
mod quantise;
#[cfg(any(test, feature = "battery", feature = "web"))]
pub(crate) mod random;
mod reference;
mod sixteen_bits;

#[cfg(target_arch = "x86_64")]
pub(crate) mod avx2;
#[cfg(all(target_arch = "wasm32", target_feature = "simd128", feature = "relaxed"))]
pub(crate) mod relaxed;
#[cfg(not(all(target_arch = "wasm32", target_feature = "simd128")))]
pub(crate) mod scalar;
#[cfg(all(target_arch = "wasm32", target_feature = "simd128", not(feature = "relaxed")))]
pub(crate) mod simd128;
#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
mod wasm;

pub(crate) use layout::SixteenBitWeights;
pub(crate) use layout::{
    AttentionRoom, Epilogue, FourBitWeights, Heads, PackedWeights, PanelRoom, RowsI8, RowsI16, RowsU7,
};
pub use reference::{f16_to_f32, widen_q4_row};

#[cfg(target_arch = "x86_64")]
pub(crate) use avx2 as fast;
#[cfg(all(target_arch = "wasm32", target_feature = "simd128", feature = "relaxed"))]
pub(crate) use relaxed as fast;
#[cfg(not(any(target_arch = "x86_64", all(target_arch = "wasm32", target_feature = "simd128"))))]
pub(crate) use scalar as fast;
#[cfg(all(target_arch = "wasm32", target_feature = "simd128", not(feature = "relaxed")))]
pub(crate) use simd128 as fast;

/// The kernels by module and signature: a flavour turns each into a function of its own.
macro_rules! each_kernel {
    ($define:ident) => {
        $define!(quantise::quantise_rows(input: &[f32], n_in: usize, rows: &mut $crate::kernels::RowsU7));
        $define!(quantise::quantise_rows_to_eight_bits(
            input: &[f32], n_in: usize, rows: &mut $crate::kernels::RowsI8
        ));
        $define!(product::matmul_i32(
            rows: &$crate::kernels::RowsU7, weights: &$crate::kernels::PackedWeights, out: &mut [i32]
        ));
        $define!(product::linear(
            rows: &$crate::kernels::RowsU7, weights: &$crate::kernels::PackedWeights,
            epilogue: $crate::kernels::Epilogue, out: &mut [f32], out_stride: usize
        ));
        $define!(elementwise::gelu_in_place(x: &mut [f32]));
        $define!(elementwise::layer_norm_rows(x: &mut [f32], gamma: &[f32], beta: &[f32], epsilon: f32));
        $define!(attention::attention(
            qkv: &[f32], heads: $crate::kernels::Heads, room: &mut $crate::kernels::AttentionRoom, out: &mut [f32]
        ));
        $define!(convolution::depthwise_row(
            input: [&[f32]; 3], weights: &[f32], bias: &[f32], stride: usize, first: usize, out: &mut [f32]
        ));
        $define!(convolution::stem_row(input: [&[f32]; 3], weights: &[f32], bias: &[f32], out: &mut [f32]));
        $define!(convolution::average_pool(input: &[f32], out: &mut [f32]));
        $define!(four_bits::put_q4_columns(
            q4: &[u8], first_column: usize, weights: &mut $crate::kernels::FourBitWeights
        ));
        $define!(four_bits::matmul_of_four_bits(
            rows: &$crate::kernels::RowsI8, weights: &$crate::kernels::FourBitWeights,
            room: &mut $crate::kernels::PanelRoom, out: &mut [i32]
        ));
        $define!(four_bits::linear_of_four_bits(
            rows: &$crate::kernels::RowsI8, weights: &$crate::kernels::FourBitWeights,
            room: &mut $crate::kernels::PanelRoom, epilogue: $crate::kernels::Epilogue,
            out: &mut [f32], out_stride: usize
        ));
        $define!(sixteen_bits::reach(input: &[f32], out: &mut f32));
        $define!(sixteen_bits::to_sixteen_bits(input: &[f32], scale: f32, out: &mut [i16]));
        $define!(sixteen_bits::matmul_of_sixteen_bits(
            rows: &$crate::kernels::RowsI16, weights: &$crate::kernels::SixteenBitWeights, out: &mut [i32]
        ));
        $define!(sixteen_bits::linear_of_sixteen_bits(
            rows: &$crate::kernels::RowsI16, weights: &$crate::kernels::SixteenBitWeights,
            epilogue: $crate::kernels::Epilogue, out: &mut [f32], out_stride: usize
        ));
    };
}
use each_kernel;

/// The flavour that `fast` is, as people are told.
pub fn flavour() -> &'static str {
    fast::flavour()
}

#[cfg(any(test, feature = "battery"))]
pub(crate) mod battery;
