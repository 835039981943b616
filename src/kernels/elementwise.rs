//! Functions of one number and of one row, eight at a time: GELU, layer norm. Each says how far it may be
//! from the truth; the battery holds it to that.

use super::lanes::{LANES, Lanes};

/// From here on erf(x/√2) stays what it is here; it differs from ±1 by 5.7e-7.
const GELU_EDGE: f32 = 5.0;
/// erf(x/√2)/x over |x| ≤ 5, as a polynomial in 2x²/25 − 1, which runs from −1 to 1, so nothing cancels and twelve steps
/// are enough. Fitted for the least largest error of x²/2 × polynomial ÷ max(1, |x|), which is 1.4e-7 before rounding.
const GELU_POLYNOMIAL: [f32; 13] = [
    2.827_275_7e-1,
    -1.405_927_2e-1,
    1.030_413_5e-1,
    -8.088_092_5e-2,
    6.287_84e-2,
    -4.656_823_7e-2,
    3.284_228_2e-2,
    -2.223_984_5e-2,
    1.271_871_7e-2,
    -5.480_565e-3,
    3.567_013_2e-3,
    -3.178_329_2e-3,
    1.165_225_9e-3,
];

/// Lanes that a function works on at once: two, because one alone would wait for its own multiplications.
const WIDE: usize = 2;

/// a × b + c, for each of several lanes.
#[inline(always)]
fn multiply_add<L: Lanes, const W: usize>(
    lanes: L,
    mut a: [L::Floats; W],
    b: [L::Floats; W],
    c: [L::Floats; W],
) -> [L::Floats; W] {
    for index in 0..W {
        a[index] = lanes.multiply_add(a[index], b[index], c[index]);
    }
    a
}

/// The sum of coefficient × x^n for the coefficients of these indices, of which the first belongs to the highest power.
/// A macro, because a loop of twelve steps would not be unrolled, and its sums would live in memory.
macro_rules! horner {
    ($lanes:ident, $coefficients:ident, $x:ident, [$first:literal $(, $index:literal)*]) => {{
        let sum = [$lanes.splat($coefficients[$first]); W];
        $(let sum = multiply_add($lanes, sum, $x, [$lanes.splat($coefficients[$index]); W]);)*
        sum
    }};
}

/// A polynomial as two chains, of even and of odd powers, so that four multiplications are under way on each half of
/// two lanes. The callers keep the coefficients from the compiler, so that they are loaded: as constants, V8 would put
/// each together from two 64-bit halves.
macro_rules! polynomial {
    ($lanes:ident, $coefficients:ident, $x:ident, even $even:tt, odd $odd:tt) => {{
        let mut squares = $x;
        squares.iter_mut().for_each(|x| *x = $lanes.mul(*x, *x));
        let odd = horner!($lanes, $coefficients, squares, $odd);
        multiply_add($lanes, odd, $x, horner!($lanes, $coefficients, squares, $even))
    }};
}

/// x/2 × (1 + erf(x/√2)). Largest error 5e-7 × max(1, |x|) over all floats.
#[inline(always)]
fn gelu<L: Lanes, const W: usize>(lanes: L, coefficients: &[f32; 13], x: [L::Floats; W]) -> [L::Floats; W] {
    let (edge, minus_edge) = (lanes.splat(GELU_EDGE), lanes.splat(-GELU_EDGE));
    let (mut clamped, mut u, mut out) = (x, x, x);
    for index in 0..W {
        clamped[index] = lanes.lesser(lanes.greater(x[index], minus_edge), edge);
        let square = lanes.mul(clamped[index], clamped[index]);
        u[index] = lanes.multiply_add(square, lanes.splat(2.0 / (GELU_EDGE * GELU_EDGE)), lanes.splat(-1.0));
    }
    let quotient = polynomial!(lanes, coefficients, u, even [12, 10, 8, 6, 4, 2, 0], odd [11, 9, 7, 5, 3, 1]);
    for index in 0..W {
        let half = lanes.mul(x[index], lanes.splat(0.5));
        out[index] = lanes.multiply_add(half, lanes.mul(quotient[index], clamped[index]), half);
    }
    out
}

/// A ragged end goes through lanes of its own.
#[inline(always)]
pub fn gelu_in_place<L: Lanes>(lanes: L, x: &mut [f32]) {
    let coefficients = std::hint::black_box(&GELU_POLYNOMIAL);
    let (blocks, rest) = x.as_chunks_mut();
    for block in blocks {
        gelu_of_block(lanes, coefficients, block);
    }
    if !rest.is_empty() {
        let mut last = [0f32; WIDE * LANES];
        last[..rest.len()].copy_from_slice(rest);
        gelu_of_block(lanes, coefficients, &mut last);
        rest.copy_from_slice(&last[..rest.len()]);
    }
}

#[inline(always)]
fn gelu_of_block<L: Lanes>(lanes: L, coefficients: &[f32; 13], block: &mut [f32; WIDE * LANES]) {
    let at = block.as_mut_ptr();
    // SAFETY: a block is two times eight floats.
    unsafe {
        let [a, b] = gelu::<L, WIDE>(lanes, coefficients, [lanes.load(at), lanes.load(at.add(LANES))]);
        lanes.store(a, at);
        lanes.store(b, at.add(LANES));
    }
}

/// Each row to mean 0 and variance 1, then `× gamma + beta`. Mean and variance are two passes in f32, over eight lanes
/// each. Largest error 1e-5 × (1 + |result|) for rows whose mean is not more than ten times their deviation.
#[inline(always)]
pub fn layer_norm_rows<L: Lanes>(lanes: L, x: &mut [f32], gamma: &[f32], beta: &[f32], epsilon: f32) {
    let width = gamma.len();
    assert_eq!(width, beta.len(), "gamma and beta are of one width");
    if width == 0 {
        return;
    }
    let whole = width - width % LANES;
    for row in x.chunks_exact_mut(width) {
        let mut sum = lanes.splat(0.0);
        for eight in row.as_chunks::<LANES>().0 {
            // SAFETY: `eight` holds eight floats.
            sum = lanes.add(sum, unsafe { lanes.load(eight.as_ptr()) });
        }
        let mean = (lanes.sum(sum) + row[whole..].iter().sum::<f32>()) / width as f32;
        let means = lanes.splat(mean);
        let mut squares = lanes.splat(0.0);
        for eight in row.as_chunks::<LANES>().0 {
            // SAFETY: `eight` holds eight floats.
            let difference = lanes.sub(unsafe { lanes.load(eight.as_ptr()) }, means);
            squares = lanes.multiply_add(difference, difference, squares);
        }
        let rest: f32 = row[whole..].iter().map(|x| (x - mean) * (x - mean)).sum();
        let inverse = 1.0 / ((lanes.sum(squares) + rest) / width as f32 + epsilon).sqrt();
        let inverses = lanes.splat(inverse);
        for index in (0..whole).step_by(LANES) {
            // SAFETY: `index + 8` is at most `width`, the length of the row, gamma and beta.
            unsafe {
                let at = row.as_mut_ptr().add(index);
                let normal = lanes.mul(lanes.sub(lanes.load(at), means), inverses);
                let (gamma, beta) = (lanes.load(gamma.as_ptr().add(index)), lanes.load(beta.as_ptr().add(index)));
                lanes.store(lanes.multiply_add(normal, gamma, beta), at);
            }
        }
        for index in whole..width {
            row[index] = (row[index] - mean) * inverse * gamma[index] + beta[index];
        }
    }
}
