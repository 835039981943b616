//! Attention, over lengths, heads, values and how many queries are asked.

use super::{Case, Flavour, Random, sizes, within};
use crate::kernels::{AttentionRoom, Heads, reference};

/// Largest difference from the reference, for values within −1..1: where e^x differs in its last bit, a power may fall
/// to the other side of a half, and one step of it is 1/127 of the largest.
const ALLOWED: f32 = 2e-3;
/// Largest difference from attention in floats, as their definition says: what eight and seven bits cost.
const ALLOWED_FROM_FLOATS: f32 = 0.03;

const TOKENS: &[usize] = sizes(&[0, 1, 2, 3, 4, 5, 7, 8, 9, 16, 17, 31, 64, 129], &[0, 1, 5]);
/// How many heads, and how large.
const HEADS: &[(usize, usize)] =
    if cfg!(miri) { &[(2, 7)] } else { &[(1, 1), (2, 7), (1, 8), (3, 9), (2, 20), (2, 64)] };
const SIZES: &[f32] = if cfg!(miri) { &[4.0] } else { &[1.0, 4.0] };
/// The longest sequence, with queries in more than one block of them, and its head.
const LONG: [usize; 2] = if cfg!(miri) { [3, 8] } else { [512, 64] };
/// Queries fewer than tokens, of a sequence that is longer than a lane.
const FEW_QUERIES: [usize; 2] = if cfg!(miri) { [3, 9] } else { [40, 100] };
/// Tokens of the sequence that a room held before.
const BEFORE: usize = if cfg!(miri) { 2 } else { 37 };

fn input(n_tokens: usize, heads: Heads, size: f32) -> Vec<f32> {
    let width = heads.width();
    let mut qkv = Random((n_tokens * 100 + width) as u64).floats(n_tokens * 3 * width, 1.0);
    for token in qkv.chunks_exact_mut(3 * width.max(1)) {
        token[..2 * width].iter_mut().for_each(|x| *x *= size);
    }
    qkv
}

fn check<F: Flavour>(n_tokens: usize, n_queries: usize, heads: Heads, size: f32) -> Result<(), String> {
    let width = heads.width();
    let qkv = input(n_tokens, heads, size);
    let (mut got, mut want) = (vec![7.0; n_queries * width], vec![8.0; n_queries * width]);
    // A room that held another sequence must leave no trace.
    let mut room = AttentionRoom::default();
    let other = Heads { n_heads: 1, head_size: 24 };
    F::attention(&Random(99).floats(BEFORE * 3 * 24, 5.0), other, &mut room, &mut vec![0.0; BEFORE * 24]);
    F::attention(&qkv, heads, &mut room, &mut got);
    reference::attention(&qkv, heads, &mut AttentionRoom::default(), &mut want);
    within(&got, &want, |_, _| ALLOWED)?;
    within(&got, &in_floats(&qkv, heads, n_queries), |_, _| ALLOWED_FROM_FLOATS * size.max(1.0))
}

/// Softmax of query · key / √size, times value; nothing rounded.
fn in_floats(qkv: &[f32], heads: Heads, n_queries: usize) -> Vec<f32> {
    let (width, size) = (heads.width(), heads.head_size);
    let mut out = vec![0f32; n_queries * width];
    for (index, out) in out.iter_mut().enumerate() {
        let (query, head, number) = (index / width, index % width / size, index % size);
        let part = |part: usize, token: usize| &qkv[token * 3 * width + part * width + head * size..][..size];
        let score = |token: usize| -> f64 {
            let products = part(0, query).iter().zip(part(1, token));
            products.map(|(q, k)| f64::from(q * k)).sum::<f64>() / (size as f64).sqrt()
        };
        let scores: Vec<f64> = (0..qkv.len() / (3 * width)).map(score).collect();
        let largest = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let powers: Vec<f64> = scores.iter().map(|score| (score - largest).exp()).collect();
        let weighted = powers.iter().enumerate().map(|(token, power)| power * f64::from(part(2, token)[number]));
        *out = (weighted.sum::<f64>() / powers.iter().sum::<f64>()) as f32;
    }
    out
}

pub fn cases<F: Flavour>() -> Vec<Case> {
    let mut cases = Vec::new();
    for &n_tokens in TOKENS {
        for &(n_heads, head_size) in HEADS {
            cases.push(Case::new(format!("attention {n_tokens} tokens, {n_heads} heads of {head_size}"), move || {
                let heads = Heads { n_heads, head_size };
                SIZES.iter().try_for_each(|&size| check::<F>(n_tokens, n_tokens, heads, size))?;
                SIZES.iter().try_for_each(|&size| check::<F>(n_tokens, n_tokens.min(1), heads, size))
            }));
        }
    }
    let [n_long, head_size] = LONG;
    cases.push(Case::new(format!("attention {n_long} tokens, one head of {head_size}"), move || {
        check::<F>(n_long, n_long, Heads { n_heads: 1, head_size }, 1.0)
    }));
    let [n_queries, n_tokens] = FEW_QUERIES;
    cases.push(Case::new(format!("attention {n_queries} queries of {n_tokens} tokens"), move || {
        check::<F>(n_tokens, n_queries, Heads { n_heads: 2, head_size: 16 }, 1.0)
    }));
    cases.push(Case::new("attention no heads", || check::<F>(0, 0, Heads { n_heads: 0, head_size: 8 }, 1.0)));
    cases
}
