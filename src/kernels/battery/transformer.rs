//! Attention, over lengths, heads and values.

use super::{Case, Random, within};
use crate::kernels::{Heads, fast, reference};

/// Largest difference, for values within −1..1 (a mean of values cannot be larger than they are).
const ALLOWED: f32 = 2e-5;

fn check(n_tokens: usize, heads: Heads, size: f32) -> Result<(), String> {
    let width = heads.width();
    let mut random = Random((n_tokens * 100 + width) as u64);
    let mut qkv = random.floats(n_tokens * 3 * width, 1.0);
    for token in qkv.chunks_exact_mut(3 * width.max(1)) {
        token[..2 * width].iter_mut().for_each(|x| *x *= size);
    }
    let (mut got, mut want) = (vec![7.0; n_tokens * width], vec![8.0; n_tokens * width]);
    // Scratch that held other numbers must leave no trace.
    let mut scratch = vec![f32::NAN; 1000];
    fast::attention(&qkv, heads, &mut scratch, &mut got);
    reference::attention(&qkv, heads, &mut Vec::new(), &mut want);
    within(&got, &want, |_, _| ALLOWED * size.max(1.0))
}

pub fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for n_tokens in [0, 1, 2, 3, 4, 5, 7, 8, 9, 16, 17, 31, 64, 129] {
        for (n_heads, head_size) in [(1, 1), (2, 7), (1, 8), (3, 9), (2, 20), (2, 64)] {
            cases.push(Case::new(format!("attention {n_tokens} tokens, {n_heads} heads of {head_size}"), move || {
                let heads = Heads { n_heads, head_size };
                [1.0, 4.0].into_iter().try_for_each(|size| check(n_tokens, heads, size))
            }));
        }
    }
    cases.push(Case::new("attention 512 tokens, one head of 64", || {
        check(512, Heads { n_heads: 1, head_size: 64 }, 1.0)
    }));
    cases.push(Case::new("attention no heads", || check(0, Heads { n_heads: 0, head_size: 8 }, 1.0)));
    cases
}
