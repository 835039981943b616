//! Attention of one sequence over itself, head by head, a few query rows at a time: the scores of all heads and tokens
//! never exist together.

use super::elementwise::exp_of_row;
use super::lanes::{LANES, Lanes};
use super::layout::Heads;

/// Query rows that share one pass over keys and values: with eight columns, eight 128-bit accumulators.
const QUERIES: usize = 4;

/// ```text
/// for each head:
///     keys   = [token / 8][head_size][8 tokens]      transposed, so that a dot product needs no sum across lanes
///     values = [head_size / 8][token][8 numbers]     a panel stays in the first-level cache
///     for each 4 query rows:
///         scores[4][n_tokens] = queries · keys
///         scores = e^((scores − largest) / √head_size)
///         out = (scores · values) / sum of scores
/// ```
/// Copying keys and values into panels pays at any length: in `qkv` a token's head lies a multiple of 1 KB from the
/// next, which would leave a few sets of the cache to do all the work.
#[inline(always)]
pub fn attention<L: Lanes>(lanes: L, qkv: &[f32], heads: Heads, scratch: &mut Vec<f32>, out: &mut [f32]) {
    let (width, size) = (heads.width(), heads.head_size);
    let n_tokens = out.len().checked_div(width).unwrap_or(0);
    assert!(qkv.len() >= n_tokens * 3 * width, "three parts of {width} for each of {n_tokens} tokens");
    let padded_tokens = n_tokens.next_multiple_of(LANES);
    let padded_size = size.next_multiple_of(LANES);
    scratch.clear();
    scratch.resize(padded_tokens * (size + padded_size + QUERIES), 0.0);
    let (keys, rest) = scratch.split_at_mut(padded_tokens * size);
    let (values, scores) = rest.split_at_mut(padded_tokens * padded_size);
    for head in 0..heads.n_heads {
        let part = |part: usize, token: usize| &qkv[token * 3 * width + part * width + head * size..][..size];
        for token in 0..n_tokens {
            let key_panel = &mut keys[token / LANES * LANES * size..][..LANES * size];
            for (eight, &key) in key_panel.as_chunks_mut::<LANES>().0.iter_mut().zip(part(1, token)) {
                eight[token % LANES] = key;
            }
            for (panel, eight) in part(2, token).chunks(LANES).enumerate() {
                values[(panel * padded_tokens + token) * LANES..][..eight.len()].copy_from_slice(eight);
            }
        }
        let block = Block { n_tokens, padded_tokens, head, heads, qkv, keys, values };
        let mut token = 0;
        while token + QUERIES <= n_tokens {
            block.attend::<L, QUERIES>(lanes, token, scores, out);
            token += QUERIES;
        }
        while token < n_tokens {
            block.attend::<L, 1>(lanes, token, scores, out);
            token += 1;
        }
    }
}

/// What all query rows of a head have in common.
struct Block<'a> {
    n_tokens: usize,
    padded_tokens: usize,
    head: usize,
    heads: Heads,
    qkv: &'a [f32],
    keys: &'a [f32],
    values: &'a [f32],
}

impl Block<'_> {
    #[inline(always)]
    fn attend<L: Lanes, const R: usize>(&self, lanes: L, first: usize, scores: &mut [f32], out: &mut [f32]) {
        let (width, size) = (self.heads.width(), self.heads.head_size);
        let scores = &mut scores[..R * self.padded_tokens];
        let mut queries = [&self.qkv[..0]; R];
        for (row, query) in queries.iter_mut().enumerate() {
            *query = &self.qkv[(first + row) * 3 * width + self.head * size..][..size];
        }

        for (panel, keys) in self.keys.chunks_exact(LANES * size).enumerate() {
            let mut dots = [lanes.splat(0.0); R];
            for (index, eight) in keys.as_chunks::<LANES>().0.iter().enumerate() {
                // SAFETY: `eight` holds eight floats, and there are `size` of them, as long as each query is.
                unsafe {
                    let keys = lanes.load(eight.as_ptr());
                    for row in 0..R {
                        let query = lanes.splat(*queries[row].get_unchecked(index));
                        dots[row] = lanes.multiply_add(query, keys, dots[row]);
                    }
                }
            }
            for (row, &dots) in dots.iter().enumerate() {
                let at = &mut scores[row * self.padded_tokens + panel * LANES..][..LANES];
                // SAFETY: `at` holds eight floats.
                unsafe { lanes.store(dots, at.as_mut_ptr()) };
            }
        }

        let mut inverses = [0f32; R];
        for (row, inverse) in inverses.iter_mut().enumerate() {
            let row = &mut scores[row * self.padded_tokens..][..self.padded_tokens];
            // SAFETY: `row` is as long as `n_tokens` rounded up to whole lanes.
            *inverse = unsafe { exp_of_row(lanes, row.as_mut_ptr(), self.n_tokens, 1.0 / (size as f32).sqrt()) };
        }

        for (panel, values) in self.values.chunks_exact(LANES * self.padded_tokens).enumerate() {
            let mut sums = [lanes.splat(0.0); R];
            for (token, eight) in values.as_chunks::<LANES>().0.iter().enumerate() {
                // SAFETY: `eight` holds eight floats, and there are `padded_tokens` of them, as long as each row is.
                unsafe {
                    let values = lanes.load(eight.as_ptr());
                    for row in 0..R {
                        let score = lanes.splat(*scores.get_unchecked(row * self.padded_tokens + token));
                        sums[row] = lanes.multiply_add(score, values, sums[row]);
                    }
                }
            }
            let n_columns = LANES.min(size - panel * LANES);
            for row in 0..R {
                let mut eight = [0f32; LANES];
                // SAFETY: `eight` holds eight floats.
                unsafe { lanes.store(lanes.mul(sums[row], lanes.splat(inverses[row])), eight.as_mut_ptr()) };
                out[(first + row) * width + self.head * size + panel * LANES..][..n_columns]
                    .copy_from_slice(&eight[..n_columns]);
            }
        }
    }
}
