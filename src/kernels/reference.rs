//! The truth: every kernel as its definition says, one number at a time. The fast flavours have the same signatures
//! and are tested against these; the integer parts must be equal to the bit.

use super::four_bits::{factor_of, step_of};
use super::layout::{
    ACTIVATION_I16_MAX, ACTIVATION_MAX, AttentionRoom, Columns, DOT_INPUTS, Epilogue, FourBitWeights, Heads,
    PackedWeights, PanelRoom, Q4_GROUP, Q4_GROUP_BYTES, RowGroup, RowsI8, RowsI16, RowsU7, SixteenBitWeights,
    TILE_COLUMNS, WEIGHT_MAX,
};
use super::quantise::{EIGHT_BITS, Ends, SEVEN_BITS};

/// Quantises rows of `n_in` floats to seven bits.
pub fn quantise_rows(input: &[f32], n_in: usize, rows: &mut RowsU7) {
    let n_rows = input.len().checked_div(n_in).unwrap_or(0);
    rows.resize(n_rows, n_in);
    let stride = rows.stride();
    let (values, scales, zero_points) = rows.parts_mut();
    for (row, input) in input.chunks_exact(n_in.max(1)).take(n_rows).enumerate() {
        let values = &mut values[row * stride..][..stride];
        (scales[row], zero_points[row]) = quantise_row(input, SEVEN_BITS, values);
    }
}

/// Quantises rows of `n_in` floats to eight bits.
pub fn quantise_rows_to_eight_bits(input: &[f32], n_in: usize, rows: &mut RowsI8) {
    let n_rows = input.len().checked_div(n_in).unwrap_or(0);
    rows.resize(n_rows, n_in);
    for (row, input) in input.chunks_exact(n_in.max(1)).take(n_rows).enumerate() {
        quantise_row_to_eight_bits(input, row, rows);
    }
}

/// One of them.
pub fn quantise_row_to_eight_bits(input: &[f32], row: usize, rows: &mut RowsI8) {
    let mut bytes = vec![0; input.len()];
    rows.set_grid(row, quantise_row(input, EIGHT_BITS, &mut bytes));
    for (group, bytes) in rows.row_mut(row).zip(bytes.as_chunks::<Q4_GROUP>().0) {
        *group = RowGroup::of(bytes.map(|byte| byte as i8));
    }
}

/// Quantises one row to whole numbers from `least` to `most`, as bytes; returns its scale and zero point. The range of a row
/// always includes zero, so that a row of one value, or of zeros, comes back exactly. Rounds to nearest, ties to even;
/// not-a-number counts as zero.
///
/// Never part of a function with relaxed SIMD: LLVM would clamp by instructions that leave open what becomes of a
/// not-a-number, and there are some here, where a range is infinite.
#[inline(never)]
pub fn quantise_row(input: &[f32], (least, most): Ends, out: &mut [u8]) -> (f32, i32) {
    let (mut low, mut high) = (0f32, 0f32);
    for &x in input {
        low = if x < low { x } else { low };
        high = if x > high { x } else { high };
    }
    let scale = (high - low) / (most - least);
    let inverse = if scale > 0.0 { 1.0 / scale } else { 0.0 };
    let zero_point = (-low * inverse).round_ties_even() + least;
    for (value, &x) in out.iter_mut().zip(input) {
        let x = if x.is_nan() { 0.0 } else { x };
        *value = ((x * inverse).round_ties_even() + zero_point).clamp(least, most) as i32 as u8;
    }
    (scale, zero_point as i32)
}

/// The bare integer product, `[n_rows][n_out]`: what all flavours must agree on to the bit.
pub fn matmul_i32(rows: &RowsU7, weights: &PackedWeights, out: &mut [i32]) {
    assert_eq!(rows.n_in(), weights.n_in(), "rows and weights have the same inputs");
    assert_eq!(out.len(), rows.n_rows() * weights.n_out(), "one sum for each row and column");
    for (index, out) in out.iter_mut().enumerate() {
        let (row, column) = (index / weights.n_out(), index % weights.n_out());
        let values = &rows.values()[row * rows.stride()..][..rows.n_in()];
        *out =
            (0..).zip(values).map(|(input, &value)| i32::from(value) * i32::from(weights.weight(column, input))).sum();
    }
}

/// `rows × weights` with bias and epilogue. `out` is `[n_rows][out_stride]`, of which the first `n_out` are written.
pub fn linear(rows: &RowsU7, weights: &PackedWeights, epilogue: Epilogue, out: &mut [f32], out_stride: usize) {
    let mut sums = vec![0; rows.n_rows() * weights.n_out()];
    matmul_i32(rows, weights, &mut sums);
    finish((rows.scales(), rows.zero_points()), &sums, weights.columns(), epilogue, out, out_stride);
}

fn finish(
    (scales, zero_points): (&[f32], &[i32]),
    sums: &[i32],
    columns: &Columns,
    epilogue: Epilogue,
    out: &mut [f32],
    out_stride: usize,
) {
    let n_out = columns.n_out();
    for row in 0..scales.len() {
        for column in 0..n_out {
            let sum = sums[row * n_out + column] - zero_points[row] * columns.sums[column];
            let scale = scales[row] * columns.scales[column];
            let value = sum as f32 * scale + columns.bias[column];
            let out = &mut out[row * out_stride + column];
            *out = match epilogue {
                Epilogue::Store => value,
                Epilogue::Gelu => gelu(value),
                Epilogue::Relu => value.max(0.0),
                Epilogue::Relu6 => value.clamp(0.0, 6.0),
                Epilogue::Add => *out + value,
                Epilogue::AddRelu => (*out + value).max(0.0),
            };
        }
    }
}

/// The bare product of four-bit weights: each group's sum times its multiplier, added up.
pub fn matmul_of_four_bits(rows: &RowsI8, weights: &FourBitWeights, _: &mut PanelRoom, out: &mut [i32]) {
    assert_eq!(rows.n_in(), weights.n_in(), "rows and weights have the same inputs");
    assert_eq!(out.len(), rows.n_rows() * weights.n_out(), "one sum for each row and column");
    for (index, out) in out.iter_mut().enumerate() {
        let (row, column) = (index / weights.n_out(), index % weights.n_out());
        let sum_of = |(group, row): (usize, &RowGroup)| {
            let weights_and_values = (0..).map(|input| four_bits(weights, column, group, input)).zip(&row.values);
            let sum: i32 = weights_and_values.map(|(weight, &value)| weight * i32::from(value)).sum();
            let groups = &weights.groups()[column / TILE_COLUMNS * weights.n_groups()..];
            sum * i32::from(groups[group].multipliers[column % TILE_COLUMNS])
        };
        *out = rows.row(row).enumerate().map(sum_of).sum();
    }
}

/// One weight, −8..=7.
fn four_bits(weights: &FourBitWeights, column: usize, group: usize, input: usize) -> i32 {
    let nibbles = &weights.groups()[column / TILE_COLUMNS * weights.n_groups() + group].nibbles;
    let byte = nibbles[input / DOT_INPUTS][column % 4 * DOT_INPUTS + input % DOT_INPUTS];
    i32::from(byte >> (column % TILE_COLUMNS / 4 * 4) & 15) - 8
}

/// [`linear`] of four-bit weights.
pub fn linear_of_four_bits(
    rows: &RowsI8,
    weights: &FourBitWeights,
    room: &mut PanelRoom,
    epilogue: Epilogue,
    out: &mut [f32],
    out_stride: usize,
) {
    let mut sums = vec![0; rows.n_rows() * weights.n_out()];
    matmul_of_four_bits(rows, weights, room, &mut sums);
    finish((rows.scales(), rows.zero_points()), &sums, weights.columns(), epilogue, out, out_stride);
}

/// The largest size of any number; not-a-number counts as zero.
pub fn reach(input: &[f32], out: &mut f32) {
    *out = input.iter().fold(0.0, |largest, x| if x.abs() > largest { x.abs() } else { largest });
}

/// Numbers in steps of `scale`, −2047 to 2047. Rounds to nearest, ties to even; not-a-number counts as zero.
///
/// Never part of a function with relaxed SIMD, as [`quantise_row`].
#[inline(never)]
pub fn to_sixteen_bits(input: &[f32], scale: f32, out: &mut [i16]) {
    let most = f32::from(ACTIVATION_I16_MAX);
    let inverse = if scale > 0.0 { 1.0 / scale } else { 0.0 };
    for (out, &x) in out.iter_mut().zip(input) {
        let x = x * inverse;
        *out = if x.is_nan() { 0 } else { x.round_ties_even().clamp(-most, most) as i16 };
    }
}

/// The bare product of sixteen bits.
pub fn matmul_of_sixteen_bits(rows: &RowsI16, weights: &SixteenBitWeights, out: &mut [i32]) {
    assert_eq!(rows.n_in(), weights.n_in(), "rows and weights have the same inputs");
    assert_eq!(out.len(), rows.n_rows() * weights.n_out(), "one sum for each row and column");
    for (index, out) in out.iter_mut().enumerate() {
        let (row, column) = (index / weights.n_out(), index % weights.n_out());
        let values = &rows.values()[row * rows.stride()..][..rows.n_in()];
        *out =
            (0..).zip(values).map(|(input, &value)| i32::from(value) * i32::from(weights.weight(column, input))).sum();
    }
}

/// [`linear`] of sixteen bits.
pub fn linear_of_sixteen_bits(
    rows: &RowsI16,
    weights: &SixteenBitWeights,
    epilogue: Epilogue,
    out: &mut [f32],
    out_stride: usize,
) {
    let mut sums = vec![0; rows.n_rows() * weights.n_out()];
    matmul_of_sixteen_bits(rows, weights, &mut sums);
    finish((rows.scales(), rows.zero_points()), &sums, weights.columns(), epilogue, out, out_stride);
}

/// x/2 × (1 + erf(x/√2)), in f64.
pub fn gelu(x: f32) -> f32 {
    let x = f64::from(x);
    (0.5 * x * (1.0 + erf(x * std::f64::consts::FRAC_1_SQRT_2))) as f32
}

/// erf(x) = 2/√π · e^(−x²) · Σ 2ⁿ x^(2n+1) / (2n+1)!!, all terms of one sign, so nothing cancels.
pub fn erf(x: f64) -> f64 {
    if x.abs() > 6.0 {
        return x.signum();
    }
    let (mut term, mut sum, mut n) = (x, x, 0.0);
    while term.abs() > 1e-18 * sum.abs() {
        n += 1.0;
        term *= 2.0 * x * x / (2.0 * n + 1.0);
        sum += term;
    }
    std::f64::consts::FRAC_2_SQRT_PI * (-x * x).exp() * sum
}

pub fn gelu_in_place(x: &mut [f32]) {
    x.iter_mut().for_each(|x| *x = gelu(*x));
}

/// Each row to mean 0 and variance 1, then `× gamma + beta`.
pub fn layer_norm_rows(x: &mut [f32], gamma: &[f32], beta: &[f32], epsilon: f32) {
    let width = gamma.len();
    if width == 0 {
        return;
    }
    for row in x.chunks_exact_mut(width) {
        let mean = row.iter().map(|&x| f64::from(x)).sum::<f64>() / width as f64;
        let variance = row.iter().map(|&x| (f64::from(x) - mean).powi(2)).sum::<f64>() / width as f64;
        let inverse = 1.0 / (variance + f64::from(epsilon)).sqrt();
        for ((x, &gamma), &beta) in row.iter_mut().zip(gamma).zip(beta) {
            *x = ((f64::from(*x) - mean) * inverse) as f32 * gamma + beta;
        }
    }
}

/// Attention of one sequence over itself, every token seeing every token. `qkv` is `[n_tokens][3 × width]`, `out`
/// `[n_queries][width]`: what the first tokens ask. Scores are divided by √head_size. Queries and powers are activations
/// in seven bits, keys and values weights of eight; a row's powers are divided by their sum after rounding.
pub fn attention(qkv: &[f32], heads: Heads, room: &mut AttentionRoom, out: &mut [f32]) {
    let (width, size) = (heads.width(), heads.head_size);
    let n_tokens = qkv.len().checked_div(3 * width).unwrap_or(0);
    let n_queries = out.len().checked_div(width).unwrap_or(0);
    let AttentionRoom { keys, values, queries, powers, scores, row } = room;
    for head in 0..heads.n_heads {
        let part = |part: usize, token: usize| &qkv[token * 3 * width + part * width + head * size..][..size];
        keys.reshape(n_tokens, size);
        for token in 0..n_tokens {
            set_in_eight_bits(keys, token, part(1, token));
        }
        values.reshape(size, n_tokens);
        for index in 0..size {
            let column: Vec<f32> = (0..n_tokens).map(|token| part(2, token)[index]).collect();
            set_in_eight_bits(values, index, &column);
        }
        for query in 0..n_queries {
            quantise_rows(part(0, query), size, queries);
            scores.resize(n_tokens, 0.0);
            linear(queries, keys, Epilogue::Store, scores, n_tokens);
            let largest = scores.iter().copied().fold(f32::NEG_INFINITY, f32::max);
            let scale = 1.0 / (size as f32).sqrt();
            row.clear();
            row.extend(scores.iter().map(|score| {
                let power = f64::from((score - largest) * scale).exp() as f32;
                (power * f32::from(ACTIVATION_MAX)).round_ties_even()
            }));
            powers.resize(1, n_tokens);
            let (bytes, scales, zero_points) = powers.parts_mut();
            bytes.iter_mut().zip(&*row).for_each(|(byte, &power)| *byte = power as u8);
            (scales[0], zero_points[0]) = (1.0 / row.iter().sum::<f32>(), 0);
            let out = &mut out[query * width + head * size..][..size];
            linear(powers, values, Epilogue::Store, out, size);
        }
    }
}

/// A column whose largest magnitude becomes 127.
fn set_in_eight_bits(weights: &mut PackedWeights, column: usize, numbers: &[f32]) {
    let numbers: Vec<f32> = numbers.iter().map(|&x| if x.is_nan() { 0.0 } else { x }).collect();
    let most = numbers.iter().fold(0f32, |most, x| most.max(x.abs()));
    let inverse = f32::from(WEIGHT_MAX) / most;
    let fits = most.is_finite() && inverse.is_finite();
    let rounded = |x: &f32| if fits { (x * inverse).round_ties_even() as i8 } else { 0 };
    let step = if fits { most / f32::from(WEIGHT_MAX) } else { 0.0 };
    weights.set_column(column, &numbers.iter().map(rounded).collect::<Vec<i8>>(), step);
}

/// One output row of a 3×3 depthwise convolution with ReLU6. Input rows are `[1 + width + 1][n_channels]`, with a zero
/// pixel at both ends; weights are `[9][n_channels]`, taps in reading order. Output pixel `x` reads the three pixels
/// from `x × stride + first` on.
pub fn depthwise_row(input: [&[f32]; 3], weights: &[f32], bias: &[f32], stride: usize, first: usize, out: &mut [f32]) {
    let n_channels = bias.len();
    for (x, out) in out.chunks_exact_mut(n_channels).enumerate() {
        for (channel, out) in out.iter_mut().enumerate() {
            let mut sum = bias[channel];
            for (tap, weights) in weights.chunks_exact(n_channels).enumerate() {
                sum += input[tap / 3][(x * stride + first + tap % 3) * n_channels + channel] * weights[channel];
            }
            *out = sum.clamp(0.0, 6.0);
        }
    }
}

/// One output row of the 3×3 stride-2 convolution over RGB that opens the net, with ReLU6. Input rows are
/// `[width + 1][3]`, with a zero pixel at the right end; weights are `[27][n_out]`, row, column, channel.
pub fn stem_row(input: [&[f32]; 3], weights: &[f32], bias: &[f32], out: &mut [f32]) {
    let n_out = bias.len();
    for (x, out) in out.chunks_exact_mut(n_out).enumerate() {
        out.copy_from_slice(bias);
        for (tap, weights) in weights.chunks_exact(n_out).enumerate() {
            let value = input[tap / 9][x * 6 + tap % 9];
            out.iter_mut().zip(weights).for_each(|(out, weight)| *out += value * weight);
        }
        out.iter_mut().for_each(|out| *out = out.clamp(0.0, 6.0));
    }
}

/// The mean over pixels of each channel; `input` is `[n_pixels][n_channels]`.
pub fn average_pool(input: &[f32], out: &mut [f32]) {
    let n_channels = out.len().max(1);
    let n_pixels = input.len() / n_channels;
    for (channel, mean) in out.iter_mut().enumerate() {
        let sum: f64 = input.iter().skip(channel).step_by(n_channels).map(|&x| f64::from(x)).sum();
        *mean = (sum / n_pixels.max(1) as f64) as f32;
    }
}

/// One row of Q4_0 groups as floats: `scale × (nibble − 8)`, the low nibbles first, then the high ones.
pub fn widen_q4_row(groups: &[u8], out: &mut [f32]) {
    for (group, out) in groups.chunks_exact(Q4_GROUP_BYTES).zip(out.chunks_exact_mut(Q4_GROUP)) {
        let scale = f16_to_f32(u16::from_le_bytes([group[0], group[1]]));
        for (index, &byte) in group[2..].iter().enumerate() {
            out[index] = scale * (f32::from(byte & 15) - 8.0);
            out[index + Q4_GROUP / 2] = scale * (f32::from(byte >> 4) - 8.0);
        }
    }
}

/// Puts rows of Q4_0 groups, each one output column, into their place in `weights`, from `first_column` on. A scale that
/// is not finite counts as zero: the reader of weight files refuses it before.
pub fn put_q4_columns(q4: &[u8], first_column: usize, weights: &mut FourBitWeights) {
    let n_groups = weights.n_groups();
    for (index, q4) in q4.chunks_exact((n_groups * Q4_GROUP_BYTES).max(1)).enumerate() {
        let column = first_column + index;
        assert!(column < weights.n_out(), "column {column} fits the weights");
        let scale_of = |group: &[u8]| {
            let scale = f16_to_f32(u16::from_le_bytes([group[0], group[1]]));
            if scale.is_finite() { scale } else { 0.0 }
        };
        let scales: Vec<f32> = q4.chunks_exact(Q4_GROUP_BYTES).map(scale_of).collect();
        let most = scales.iter().fold(0f32, |most, scale| most.max(scale.abs()));
        let total = scales.iter().fold(0f32, |total, scale| total + scale.abs());
        let factor = factor_of(most, total, n_groups);
        let (groups, column_scales, column_sums) = weights.parts_mut();
        column_scales[column] = step_of(factor);
        column_sums[column] = 0;
        for (group, q4) in q4.chunks_exact(Q4_GROUP_BYTES).enumerate() {
            let multiplier = (scales[group] * factor).round_ties_even() as i16;
            let to = &mut groups[column / TILE_COLUMNS * n_groups + group];
            to.multipliers[column % TILE_COLUMNS] = multiplier;
            for input in 0..Q4_GROUP {
                let nibble = q4[2 + input % 16] >> (input / 16 * 4) & 15;
                let shift = column % TILE_COLUMNS / 4 * 4;
                let byte = &mut to.nibbles[input / DOT_INPUTS][column % 4 * DOT_INPUTS + input % DOT_INPUTS];
                *byte = *byte & !(15 << shift) | nibble << shift;
                column_sums[column] += i32::from(multiplier) * (i32::from(nibble) - 8);
            }
        }
    }
}

/// IEEE half precision to single, subnormals, infinities and NaN included.
pub fn f16_to_f32(bits: u16) -> f32 {
    let sign = u32::from(bits >> 15) << 31;
    let exponent = u32::from(bits >> 10) & 31;
    let fraction = u32::from(bits) & 1023;
    let magnitude = match exponent {
        0 => (fraction as f32 * (1.0 / 16_777_216.0)).to_bits(),
        31 => 0x7f80_0000 | (fraction << 13),
        _ => ((exponent + 112) << 23) | (fraction << 13),
    };
    f32::from_bits(sign | magnitude)
}
