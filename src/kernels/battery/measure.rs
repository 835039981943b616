//! What is measured of the kernels, on the shapes of the two nets, with ordinary floats (subnormal ones would be a
//! hundred times slower). Knows no clock.

use super::Random;
use crate::kernels::layout::{Q4_GROUP, Q4_GROUP_BYTES};
use crate::kernels::{
    AttentionRoom, Epilogue, FourBitWeights, Heads, PackedWeights, PanelRoom, RowsI8, RowsI16, RowsU7,
    SixteenBitWeights, fast,
};

pub type Work = Box<dyn FnMut() + Send>;

pub struct Measurement {
    pub name: &'static str,
    pub unit: &'static str,
    /// Operations or bytes of one repetition.
    pub amount: f64,
    pub prepare: fn() -> Work,
}

const fn linear(name: &'static str, [rows, n_in, n_out]: [usize; 3], prepare: fn() -> Work) -> Measurement {
    Measurement { name, unit: "GOP/s", amount: (2 * rows * n_in * n_out) as f64, prepare }
}

const fn floats(name: &'static str, n: usize, prepare: fn() -> Work) -> Measurement {
    Measurement { name, unit: "GB/s", amount: (4 * n) as f64, prepare }
}

const fn milliseconds(name: &'static str, prepare: fn() -> Work) -> Measurement {
    Measurement { name, unit: "ms", amount: 0.0, prepare }
}

const N_LAYERS: usize = 6;

/// Rounds in one repetition of the peak.
pub const PEAK_ROUNDS: u32 = 4_000;

pub const MEASUREMENTS: &[Measurement] = &[
    Measurement {
        name: "in-register peak of the product",
        unit: "GOP/s",
        amount: PEAK_ROUNDS as f64 * fast::PEAK_OPERATIONS as f64,
        prepare: || {
            Box::new(|| {
                fast::peak(PEAK_ROUNDS);
            })
        },
    },
    linear("four bits 1 × 768 × 768", [1, 768, 768], || four_bits([1, 768, 768], Epilogue::Store)),
    linear("four bits 4 × 768 × 768", [4, 768, 768], || four_bits([4, 768, 768], Epilogue::Store)),
    linear("four bits 8 × 768 × 768", [8, 768, 768], || four_bits([8, 768, 768], Epilogue::Store)),
    linear("four bits 16 × 768 × 768", [16, 768, 768], || four_bits([16, 768, 768], Epilogue::Store)),
    linear("four bits 128 × 768 × 768", [128, 768, 768], || four_bits([128, 768, 768], Epilogue::Store)),
    linear("four bits 128 × 768 × 3072", [128, 768, 3072], || four_bits([128, 768, 3072], Epilogue::Store)),
    linear("four bits 128 × 768 × 3072, GELU", [128, 768, 3072], || four_bits([128, 768, 3072], Epilogue::Gelu)),
    linear("four bits 128 × 3072 × 768, add", [128, 3072, 768], || four_bits([128, 3072, 768], Epilogue::Add)),
    linear("four bits 512 × 768 × 3072", [512, 768, 3072], || four_bits([512, 768, 3072], Epilogue::Store)),
    linear("product 12544 × 16 × 96, ReLU6", [12544, 16, 96], || product([12544, 16, 96], Epilogue::Relu6)),
    linear("product 3136 × 144 × 24", [3136, 144, 24], || product([3136, 144, 24], Epilogue::Store)),
    linear("product 196 × 96 × 576, ReLU6", [196, 96, 576], || product([196, 96, 576], Epilogue::Relu6)),
    linear("product 49 × 960 × 160", [49, 960, 160], || product([49, 960, 160], Epilogue::Store)),
    linear("sixteen bits 12544 × 147 × 64, ReLU", [12544, 147, 64], || words([12544, 147, 64], Epilogue::Relu)),
    linear("sixteen bits 3136 × 32 × 128, add", [3136, 32, 128], || words([3136, 32, 128], Epilogue::AddRelu)),
    linear("sixteen bits 784 × 576 × 64, ReLU", [784, 576, 64], || words([784, 576, 64], Epilogue::Relu)),
    floats("quantise 128 × 768", 128 * 768, || quantise(128, 768)),
    floats("quantise 128 × 768 to eight bits", 128 * 768, || {
        let (input, mut rows) = (Random(4).floats(128 * 768, 2.0), RowsI8::default());
        Box::new(move || fast::quantise_rows_to_eight_bits(&input, 768, &mut rows))
    }),
    floats("quantise 3136 × 144", 3136 * 144, || quantise(3136, 144)),
    floats("GELU", 1 << 16, || {
        let mut x = Random(1).floats(1 << 16, 3.0);
        let input = x.clone();
        Box::new(move || {
            x.copy_from_slice(&input);
            fast::gelu_in_place(&mut x);
        })
    }),
    floats("layer norm 128 × 768", 128 * 768, || {
        let mut x = Random(1).floats(128 * 768, 3.0);
        let (gamma, beta) = (vec![1.0; 768], vec![0.1; 768]);
        Box::new(move || fast::layer_norm_rows(&mut x, &gamma, &beta, 1e-12))
    }),
    milliseconds("attention 16 tokens", || attention(16)),
    milliseconds("attention 64 tokens", || attention(64)),
    milliseconds("attention 128 tokens", || attention(128)),
    milliseconds("attention 512 tokens", || attention(512)),
    milliseconds("stem of MobileNetV2", stem),
    milliseconds("all depthwise convolutions of MobileNetV2", depthwise),
    milliseconds("put 42.5 million four-bit weights in place", put_in_place),
];

fn quantised(n_rows: usize, n_in: usize) -> RowsU7 {
    let mut rows = RowsU7::default();
    fast::quantise_rows(&Random(2).floats(n_rows * n_in, 1.0), n_in, &mut rows);
    rows
}

fn product([n_rows, n_in, n_out]: [usize; 3], epilogue: Epilogue) -> Work {
    let rows = quantised(n_rows, n_in);
    let mut random = Random(3);
    let mut weights = PackedWeights::zeroed(n_out, n_in);
    for column in 0..n_out {
        // As a trained net's: far below the largest that there may be.
        let mut some = || random.below(64) as i32 - 32;
        let one: Vec<i8> = (0..n_in).map(|_| (some() + some()) as i8).collect();
        weights.set_column(column, &one, 1e-4);
    }
    let mut out = vec![0.0; n_rows * n_out];
    Box::new(move || fast::linear(&rows, &weights, epilogue, &mut out, n_out))
}

fn words([n_rows, n_in, n_out]: [usize; 3], epilogue: Epilogue) -> Work {
    let mut rows = RowsI16::default();
    let input = Random(2).floats(n_rows * n_in, 1.0);
    rows.resize(n_rows, n_in, 1.0 / 2047.0);
    let stride = rows.stride();
    let to = rows.values_mut().chunks_exact_mut(stride);
    input.chunks_exact(n_in).zip(to).for_each(|(input, row)| fast::to_sixteen_bits(input, 1.0 / 2047.0, row));
    let mut random = Random(3);
    let mut weights = SixteenBitWeights::zeroed(n_out, n_in);
    for column in 0..n_out {
        let one: Vec<i16> = (0..n_in).map(|_| (random.float() * 800.0) as i16).collect();
        assert!(weights.set_column(column, one.into_iter(), 1e-6), "they are not so large");
    }
    let mut out = vec![0.0; n_rows * n_out];
    Box::new(move || fast::linear_of_sixteen_bits(&rows, &weights, epilogue, &mut out, n_out))
}

/// Scales near 0.004.
fn q4(n_groups: usize) -> Vec<u8> {
    let mut random = Random(10);
    let mut q4: Vec<u8> = (0..n_groups * Q4_GROUP_BYTES).map(|_| random.bits() as u8).collect();
    q4.chunks_exact_mut(Q4_GROUP_BYTES).for_each(|group| group[1] = 0x1c);
    q4
}

/// As many copies of the weights as a net has layers, by turns: so they come from as far away as in a net.
fn four_bits([n_rows, n_in, n_out]: [usize; 3], epilogue: Epilogue) -> Work {
    let mut rows = RowsI8::default();
    fast::quantise_rows_to_eight_bits(&Random(2).floats(n_rows * n_in, 1.0), n_in, &mut rows);
    let mut weights = FourBitWeights::zeroed(n_out, n_in);
    fast::put_q4_columns(&q4(n_in / Q4_GROUP * n_out), 0, &mut weights);
    let copies = vec![weights; N_LAYERS];
    let (mut room, mut out, mut turn) = (PanelRoom::default(), vec![0.0; n_rows * n_out], 0);
    Box::new(move || {
        turn = (turn + 1) % copies.len();
        fast::linear_of_four_bits(&rows, &copies[turn], &mut room, epilogue, &mut out, n_out);
    })
}

fn quantise(n_rows: usize, n_in: usize) -> Work {
    let input = Random(4).floats(n_rows * n_in, 2.0);
    let mut rows = RowsU7::default();
    Box::new(move || fast::quantise_rows(&input, n_in, &mut rows))
}

fn attention(n_tokens: usize) -> Work {
    let heads = Heads { n_heads: 12, head_size: 64 };
    let qkv = Random(5).floats(n_tokens * 3 * heads.width(), 1.0);
    let (mut room, mut out) = (AttentionRoom::default(), vec![0.0; n_tokens * heads.width()]);
    Box::new(move || fast::attention(&qkv, heads, &mut room, &mut out))
}

fn stem() -> Work {
    let image = Random(6).floats(225 * 225 * 3, 1.0);
    let (weights, bias) = (Random(7).floats(27 * 32, 0.3), vec![0.1; 32]);
    let mut out = vec![0.0; 112 * 112 * 32];
    Box::new(move || {
        for (y, out) in out.chunks_exact_mut(112 * 32).enumerate() {
            let row = |row: usize| &image[(2 * y + row) * 225 * 3..][..225 * 3];
            fast::stem_row([row(0), row(1), row(2)], &weights, &bias, out);
        }
    })
}

/// Channels, output pixels a side, stride, how often.
const DEPTHWISE: [(usize, usize, usize, usize); 10] = [
    (32, 112, 1, 1),
    (96, 56, 2, 1),
    (144, 56, 1, 1),
    (144, 28, 2, 1),
    (192, 28, 1, 2),
    (192, 14, 2, 1),
    (384, 14, 1, 4),
    (576, 14, 1, 2),
    (576, 7, 2, 1),
    (960, 7, 1, 3),
];

fn depthwise() -> Work {
    let most = 114 * 114 * 96;
    let (image, weights) = (Random(8).floats(most, 2.0), Random(9).floats(9 * 960, 0.5));
    let (bias, mut out) = (vec![0.1; 960], vec![0.0; 56 * 56 * 144]);
    Box::new(move || {
        for (n_channels, side, stride, times) in DEPTHWISE {
            let row_len = (side * stride + 2) * n_channels;
            for y in (0..times).flat_map(|_| 0..side) {
                let row = |row: usize| &image[(y * stride + row) * row_len..][..row_len];
                let input = [row(0), row(1), row(2)];
                let out = &mut out[y * side * n_channels..][..side * n_channels];
                fast::depthwise_row(input, &weights[..9 * n_channels], &bias[..n_channels], stride, 0, out);
            }
        }
    })
}

/// The linear maps of DistilBERT's layers, each with memory of its own, as when a model is loaded.
fn put_in_place() -> Work {
    let layer = [[768, 2304], [768, 768], [768, 3072], [3072, 768]];
    let mut all: Vec<(Vec<u8>, FourBitWeights)> = [layer; N_LAYERS]
        .concat()
        .into_iter()
        .map(|[n_in, n_out]| (q4(n_in / Q4_GROUP * n_out), FourBitWeights::zeroed(n_out, n_in)))
        .collect();
    Box::new(move || all.iter_mut().for_each(|(q4, weights)| fast::put_q4_columns(q4, 0, weights)))
}
