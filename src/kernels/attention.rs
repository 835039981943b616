//! Attention of one sequence over itself, head by head, a block of queries at a time: the scores of all heads and tokens
//! never exist together. Both products are the integer product of the linear layers: keys and values are packed as
//! weights, queries and powers are rows of activations.

use super::lanes::{LANES, Lanes, ROUNDER};
use super::layout::{AttentionRoom, DOT_INPUTS, Heads, PackedWeights, ROW_ALIGNMENT, RowsU7, TILE_COLUMNS, WEIGHT_MAX};
use super::product::linear_as_it_comes;
use super::quantise::quantise_row;

/// Queries that are worked together: at 512 tokens their scores are 64 KB, which with keys and values stays in the
/// second-level cache.
const QUERY_BLOCK: usize = if cfg!(miri) { 2 } else { 32 };
/// Keys that one transposition in units of four inputs takes.
const KEYS: usize = 4;

/// ```text
/// for each head:
///     keys   = i8 per token,        packed as the weights of a linear map head_size → n_tokens
///     values = i8 per number,       packed as the weights of a linear map n_tokens → head_size
///     for each block of queries:
///         scores = u7(queries) × keys
///         powers = u7(e^((scores − largest) / √head_size))         the largest is 1, so its step is 1/127
///         out    = (powers × values) / sum of powers
/// ```
/// `out` holds as many rows as queries are asked for, from the first token on: a net whose last layer is read at its first
/// token alone asks for one.
///
/// Against floats: 38 GOP/s for these products in floats, 130 to 200 in integers (Zen 5, Chromium 156). The sum is that of
/// the rounded powers, so that their weights add up to one whatever was rounded away.
#[inline(always)]
pub fn attention<L: Lanes>(lanes: L, qkv: &[f32], heads: Heads, room: &mut AttentionRoom, out: &mut [f32]) {
    let (width, size) = (heads.width(), heads.head_size);
    let n_tokens = qkv.len().checked_div(3 * width).unwrap_or(0);
    let n_queries = out.len().checked_div(width).unwrap_or(0);
    assert!(n_queries <= n_tokens, "{n_queries} queries of {n_tokens} tokens");
    let AttentionRoom { keys, values, queries, powers, scores, row: copy } = room;
    // Powers are rounded sixteen at a time.
    let score_stride = n_tokens.next_multiple_of(ROW_ALIGNMENT);
    scores.clear();
    scores.resize(QUERY_BLOCK.min(n_queries) * score_stride, 0.0);
    for head in 0..heads.n_heads {
        let part = |part: usize, token: usize| &qkv[token * 3 * width + part * width + head * size..][..size];
        pack_keys(lanes, n_tokens, size, |token| part(1, token), copy, keys);
        pack_values(lanes, n_tokens, size, |token| part(2, token), copy, values);
        for first in (0..n_queries).step_by(QUERY_BLOCK) {
            let n_rows = QUERY_BLOCK.min(n_queries - first);
            queries.resize(n_rows, size);
            let stride = queries.stride();
            let (bytes, scales, zero_points) = queries.parts_mut();
            for row in 0..n_rows {
                let bytes = &mut bytes[row * stride..][..stride];
                (scales[row], zero_points[row]) = quantise_row(lanes, part(0, first + row), bytes);
            }
            linear_as_it_comes(lanes, queries, keys, scores, score_stride);

            powers.resize(n_rows, n_tokens);
            for (row, scores) in scores.chunks_exact_mut(score_stride).take(n_rows).enumerate() {
                power_row(lanes, scores, n_tokens, 1.0 / (size as f32).sqrt(), powers, row);
            }
            linear_as_it_comes(lanes, powers, values, &mut out[first * width + head * size..], width);
        }
    }
}

/// Column `token` holds one key. Columns up to a whole number of sixteen are zero.
#[inline(always)]
fn pack_keys<'a, L: Lanes>(
    lanes: L,
    n_tokens: usize,
    size: usize,
    key: impl Fn(usize) -> &'a [f32],
    copy: &mut Vec<f32>,
    keys: &mut PackedWeights,
) {
    keys.reshape(n_tokens.next_multiple_of(ROW_ALIGNMENT), size);
    let (n_steps, padded_size) = (keys.n_steps(), size.next_multiple_of(ROW_ALIGNMENT));
    copy.clear();
    copy.resize(KEYS * padded_size, 0.0);
    let (tiles, column_scales, column_sums) = keys.parts_mut();
    for first in (0..n_tokens).step_by(KEYS) {
        let n_together = KEYS.min(n_tokens - first);
        let mut inverses = [0f32; KEYS];
        for index in 0..n_together {
            let row = &mut copy[index * padded_size..][..padded_size];
            row[..size].copy_from_slice(key(first + index));
            let most = largest_magnitude(lanes, row);
            (column_scales[first + index], inverses[index]) = step_of(most);
        }
        let tile = first / TILE_COLUMNS * n_steps * TILE_COLUMNS * DOT_INPUTS;
        let place = tile + first % TILE_COLUMNS * DOT_INPUTS;
        let mut sums = [lanes.zero_bytes(); KEYS];
        for block in (0..padded_size).step_by(ROW_ALIGNMENT) {
            let mut bytes = [lanes.zero_bytes(); KEYS];
            for index in 0..n_together {
                let row = &copy[index * padded_size + block..][..ROW_ALIGNMENT];
                bytes[index] = scaled_bytes(lanes, row, inverses[index]);
                sums[index] = lanes.add_bytes(sums[index], [bytes[index], lanes.zero_bytes()]);
            }
            for (step, four) in (block / DOT_INPUTS..n_steps).zip(lanes.transpose(bytes)) {
                let four_keys = &mut tiles[place + step * TILE_COLUMNS * DOT_INPUTS..][..KEYS * DOT_INPUTS];
                // SAFETY: four keys with four inputs each are sixteen bytes.
                unsafe { lanes.store_sixteen(four, four_keys.as_mut_ptr()) };
            }
        }
        for index in 0..n_together {
            column_sums[first + index] = lanes.sum_of_four(sums[index]);
        }
    }
}

/// Column `index` holds number `index` of every value. Powers have no zero point, so the sums of columns stay zero.
#[inline(always)]
fn pack_values<'a, L: Lanes>(
    lanes: L,
    n_tokens: usize,
    size: usize,
    value: impl Fn(usize) -> &'a [f32],
    copy: &mut Vec<f32>,
    values: &mut PackedWeights,
) {
    values.reshape(size, n_tokens);
    let (n_steps, zero) = (values.n_steps(), lanes.splat(0.0));
    // One panel of eight columns, [token][8 numbers], whole steps of tokens.
    copy.clear();
    copy.resize(n_steps * DOT_INPUTS * LANES, 0.0);
    let (tiles, column_scales, _) = values.parts_mut();
    for (panel, tile) in tiles.chunks_exact_mut(n_steps.max(1) * TILE_COLUMNS * DOT_INPUTS).enumerate() {
        let first = panel * LANES;
        let n_columns = LANES.min(size - first);
        let mut most = zero;
        for (token, eight) in copy.as_chunks_mut::<LANES>().0[..n_tokens].iter_mut().enumerate() {
            eight[..n_columns].copy_from_slice(&value(token)[first..][..n_columns]);
            // SAFETY: `eight` holds eight floats.
            let x = lanes.nan_to_zero(unsafe { lanes.load(eight.as_ptr()) });
            most = lanes.greater(most, lanes.greater(x, lanes.sub(zero, x)));
        }
        let (mut magnitudes, mut inverses) = ([0f32; LANES], [0f32; LANES]);
        // SAFETY: `magnitudes` holds eight floats.
        unsafe { lanes.store(most, magnitudes.as_mut_ptr()) };
        for index in 0..LANES {
            (column_scales[first + index], inverses[index]) = step_of(magnitudes[index]);
        }
        // SAFETY: `inverses` holds eight floats.
        let inverse = unsafe { lanes.load(inverses.as_ptr()) };
        let (steps, _) = copy.as_chunks::<{ DOT_INPUTS * LANES }>();
        for (tokens, step) in steps.iter().zip(tile.as_chunks_mut::<{ TILE_COLUMNS * DOT_INPUTS }>().0) {
            let mut four = [zero; DOT_INPUTS];
            for index in 0..DOT_INPUTS {
                // SAFETY: `tokens` holds four times eight floats.
                let x = lanes.nan_to_zero(unsafe { lanes.load(tokens.as_ptr().add(index * LANES)) });
                four[index] = lanes.mul(x, inverse);
            }
            // SAFETY: a step is eight columns of four inputs.
            unsafe { lanes.store_quads(four, step.as_mut_ptr()) };
        }
    }
}

/// The step between neighbouring i8 values for numbers up to `most`, and its inverse. Numbers without a finite range, or
/// too small to divide by, become zeros.
#[inline(always)]
fn step_of(most: f32) -> (f32, f32) {
    let inverse = f32::from(WEIGHT_MAX) / most;
    if most.is_finite() && inverse.is_finite() { (most / f32::from(WEIGHT_MAX), inverse) } else { (0.0, 0.0) }
}

/// `row` is whole blocks of sixteen; not-a-number counts as zero.
#[inline(always)]
fn largest_magnitude<L: Lanes>(lanes: L, row: &[f32]) -> f32 {
    let zero = lanes.splat(0.0);
    let mut most = zero;
    for eight in row.as_chunks::<LANES>().0 {
        // SAFETY: `eight` holds eight floats.
        let x = lanes.nan_to_zero(unsafe { lanes.load(eight.as_ptr()) });
        most = lanes.greater(most, lanes.greater(x, lanes.sub(zero, x)));
    }
    lanes.largest(most)
}

/// Sixteen floats × `inverse`, rounded to −127..=127.
#[inline(always)]
fn scaled_bytes<L: Lanes>(lanes: L, row: &[f32], inverse: f32) -> L::Bytes {
    let (inverse, rounder) = (lanes.splat(inverse), lanes.splat(ROUNDER));
    let mut rounded = [rounder; 2];
    for half in 0..2 {
        let eight = &row[half * LANES..][..LANES];
        // SAFETY: `eight` holds eight floats.
        let x = lanes.nan_to_zero(unsafe { lanes.load(eight.as_ptr()) });
        rounded[half] = lanes.add(lanes.mul(x, inverse), rounder);
    }
    lanes.rounded_bytes(rounded)
}

/// 2^f over |f| ≤ 1/2, largest relative error 3e-6: a thousandth of what rounding to seven bits leaves.
const POWER_OF_TWO: [f32; 5] = [0.999_999_3, 6.931_218e-1, 2.402_474_4e-1, 5.591_786e-2, 9.570_101e-3];
/// What powers of two are raised to before they are rounded: log₂ 127.
const LOG2_MOST: f32 = 6.988_684_7;

/// One row of scores to its powers in seven bits, whose step is so that the row adds up to one.
///
/// ```text
/// y = (score − largest) × scale × log₂ e + log₂ 127,  n = round(y),  power = round(2^n × 2^(y − n))
/// ```
#[inline(always)]
fn power_row<L: Lanes>(lanes: L, scores: &mut [f32], n_tokens: usize, scale: f32, powers: &mut RowsU7, row: usize) {
    let stride = powers.stride();
    assert!(scores.len() >= stride && stride >= n_tokens, "a row of scores is padded as a row of powers is");
    scores[n_tokens..stride].fill(f32::NEG_INFINITY);
    let (blocks, _) = scores[..stride].as_chunks::<ROW_ALIGNMENT>();
    let mut largest = [lanes.splat(f32::NEG_INFINITY); 2];
    for block in blocks {
        for half in 0..2 {
            // SAFETY: a block holds two times eight floats.
            largest[half] = lanes.greater(largest[half], unsafe { lanes.load(block.as_ptr().add(half * LANES)) });
        }
    }
    let factor = scale * std::f32::consts::LOG2_E;
    let offset = LOG2_MOST - lanes.largest(lanes.greater(largest[0], largest[1])) * factor;
    let (factor, offset, rounder) = (lanes.splat(factor), lanes.splat(offset), lanes.splat(ROUNDER));
    let coefficients = std::hint::black_box(&POWER_OF_TWO);
    let (bytes, scales, zero_points) = powers.parts_mut();
    let mut sum = lanes.zero_bytes();
    // Powers may lose a not-a-number on the way; what this adds up does not.
    let mut witness = [lanes.splat(0.0); 2];
    for (block, out) in blocks.iter().zip(bytes[row * stride..][..stride].as_chunks_mut::<ROW_ALIGNMENT>().0) {
        let (mut biased, mut f, mut power) = ([rounder; 2], [rounder; 2], [lanes.splat(coefficients[4]); 2]);
        for half in 0..2 {
            // SAFETY: a block holds two times eight floats.
            let score = unsafe { lanes.load(block.as_ptr().add(half * LANES)) };
            // Below 2^−20 all are zero, and 2^n stays a normal number.
            let y = lanes.multiply_add(score, factor, offset);
            witness[half] = lanes.add(witness[half], y);
            let y = lanes.greater(y, lanes.splat(-20.0));
            biased[half] = lanes.add(y, rounder);
            f[half] = lanes.sub(y, lanes.sub(biased[half], rounder));
        }
        for coefficient in [coefficients[3], coefficients[2], coefficients[1], coefficients[0]] {
            for half in 0..2 {
                power[half] = lanes.multiply_add(power[half], f[half], lanes.splat(coefficient));
            }
        }
        for half in 0..2 {
            power[half] = lanes.add(lanes.scale_by_power_of_two(power[half], biased[half]), rounder);
        }
        let rounded = lanes.rounded_bytes(power);
        sum = lanes.add_bytes(sum, [rounded, lanes.zero_bytes()]);
        // SAFETY: `out` holds sixteen bytes.
        unsafe { lanes.store_sixteen(rounded, out.as_mut_ptr().cast()) };
    }
    zero_points[row] = 0;
    // Where a score was not a number, neither is what comes of it.
    let is_number = !lanes.sum(lanes.add(witness[0], witness[1])).is_nan();
    scales[row] = if is_number { 1.0 / lanes.sum_of_four(sum) as f32 } else { f32::NAN };
}
