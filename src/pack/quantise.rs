//! Weights to few bits: Q4_0 groups where a weight lies on that grid already or comes as its steps, else i8 with a scale
//! per row, or i16 where eight bits are too few.
//! It rounds, it never decides which tensor is worth what.

use half::f16;

/// Elements and bytes of a Q4_0 group.
pub const Q4_0_ELEMENTS: usize = 32;
/// An f16 scale and two nibbles in each of sixteen bytes.
pub const Q4_0_BYTES: usize = 18;

/// Of these, the bytes that hold steps.
pub const Q4_0_STEP_BYTES: usize = Q4_0_BYTES - 2;

/// What the source stored; a point of the 4-bit grid was rounded to this before it reached us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "their names say it")]
pub enum Precision {
    F16,
    Bf16,
    F32,
}

impl Precision {
    fn round(self, value: f32) -> f32 {
        match self {
            Self::F16 => f16::from_f32(value).to_f32(),
            Self::Bf16 => half::bf16::from_f32(value).to_f32(),
            Self::F32 => value,
        }
    }
}

/// The Q4_0 group that gives back exactly these weights (to the rounding of their container), if there is one.
///
/// Q4_0's rule gives the weight of largest size the step -8, so it tells the scale; every other weight must then be a
/// whole step.
pub fn q4_0_exactly(weights: &[f32; Q4_0_ELEMENTS], precision: Precision) -> Option<[u8; Q4_0_BYTES]> {
    let largest = weights.iter().copied().fold(0.0f32, |largest, w| if w.abs() > largest.abs() { w } else { largest });
    let scale = f16::from_f32(largest / -8.0);
    let step = scale.to_f32();
    let mut group = [0; Q4_0_BYTES];
    group[..2].copy_from_slice(&scale.to_le_bytes());
    for (i, &weight) in weights.iter().enumerate() {
        let steps = if step == 0.0 { 0.0 } else { (weight / step).round() };
        if !(-8.0..=7.0).contains(&steps) || precision.round(steps * step) != weight {
            return None;
        }
        group[2 + i % 16] |= ((steps + 8.0) as u8) << (4 * (i / 16));
    }
    Some(group)
}

/// The Q4_0 group of steps that are stored two by two: byte i has input 2i in its low nibble and 2i + 1 in its high one.
/// Q4_0 has i and i + 16 there. Scale and nibbles stay the bits that they are.
pub fn q4_0_of_steps(pairs: &[u8; Q4_0_STEP_BYTES], scale: f16) -> [u8; Q4_0_BYTES] {
    let mut group = [0; Q4_0_BYTES];
    group[..2].copy_from_slice(&scale.to_le_bytes());
    for (i, byte) in group[2..].iter_mut().enumerate() {
        *byte = nibble(pairs, i) | nibble(pairs, i + Q4_0_STEP_BYTES) << 4;
    }
    group
}

/// The weights of such a group, each rounded to f16 as in a checkpoint that was unpacked of it.
pub fn f16_of_steps(pairs: &[u8; Q4_0_STEP_BYTES], scale: f16) -> [f32; Q4_0_ELEMENTS] {
    std::array::from_fn(|i| Precision::F16.round((f32::from(nibble(pairs, i)) - 8.0) * scale.to_f32()))
}

fn nibble(pairs: &[u8; Q4_0_STEP_BYTES], i: usize) -> u8 {
    pairs[i / 2] >> (4 * (i % 2)) & 15
}

/// The scale that makes a row's largest weight ±127.
pub fn i8_scale(row: &[f32]) -> f32 {
    row.iter().fold(0.0f32, |largest, weight| largest.max(weight.abs())) / 127.0
}

/// A row in steps of `scale`, -127 to 127.
pub fn i8_row(row: &[f32], scale: f32) -> impl Iterator<Item = i8> {
    // A row of zeros has scale 0; a subnormal scale could round a weight past ±127.
    row.iter().map(move |weight| if scale == 0.0 { 0 } else { (weight / scale).round().clamp(-127.0, 127.0) as i8 })
}

/// The largest step of i16.
const I16_MAX: f32 = 32767.0;

/// How large the steps of a row of i16 may be together: times the largest activation, 2047, their sum stays within 32
/// bits, in which the kernels add. kernels::COLUMN_I16_MAX is the same number, and a row above it is refused there.
pub const I16_ROW_MAX: i64 = i32::MAX as i64 / 2047;

/// The scale that makes a row's largest weight ±32767, or a coarser one where the row's steps would be too large together:
/// see [`I16_ROW_MAX`], which a row must be much shorter than.
pub fn i16_scale(row: &[f32]) -> f32 {
    let largest = row.iter().fold(0.0f32, |largest, weight| largest.max(weight.abs()));
    let sum: f64 = row.iter().map(|weight| f64::from(weight.abs())).sum();
    // Rounding adds at most half a step a weight.
    let room = I16_ROW_MAX.saturating_sub(row.len() as i64).max(1);
    (largest / I16_MAX).max((sum / room as f64) as f32)
}

/// A row in steps of `scale`, -32767 to 32767.
pub fn i16_row(row: &[f32], scale: f32) -> impl Iterator<Item = i16> {
    // As in `i8_row`.
    row.iter()
        .map(move |weight| if scale == 0.0 { 0 } else { (weight / scale).round().clamp(-I16_MAX, I16_MAX) as i16 })
}

#[cfg(test)]
mod tests {
    use super::{I16_ROW_MAX, i16_row, i16_scale};

    fn total(row: &[f32]) -> i64 {
        i16_row(row, i16_scale(row)).map(|step| i64::from(step).abs()).sum()
    }

    #[test]
    fn the_kernels_take_rows_as_large_as_these() {
        assert_eq!(I16_ROW_MAX, crate::kernels::layout::COLUMN_I16_MAX);
    }

    #[test]
    fn a_short_row_uses_all_steps_and_a_long_one_stays_within_its_sum() {
        let row = [1.0, -0.5, 0.25, 0.0];
        assert_eq!(i16_row(&row, i16_scale(&row)).collect::<Vec<_>>(), [32767, -16384, 8192, 0]);
        // Thirty-two weights of full size fit, thirty-three do not.
        assert_eq!(total(&[-3.0; 32]), 32 * 32767);
        for n in [33, 64, 147, 576, 2304] {
            for row in [vec![1e-3; n], (0..n).map(|i| ((i * 7919 % 1000) as f32 - 500.5) * 1e3).collect()] {
                let (total, largest) = (total(&row), i16_row(&row, i16_scale(&row)).map(i16::abs).max());
                assert!(total <= I16_ROW_MAX, "{n} weights come to {total}");
                // And no coarser than it must be.
                assert!(total > I16_ROW_MAX - 2 * n as i64 || largest == Some(32767), "{n} weights come to {total}");
            }
        }
    }

    #[test]
    fn rows_of_zeros_and_of_hardly_anything_are_no_trouble() {
        assert_eq!((i16_scale(&[0.0; 8]), total(&[0.0; 8])), (0.0, 0));
        assert!(i16_row(&[1e-45, -1e-40], i16_scale(&[1e-45, -1e-40])).all(|step| step > i16::MIN));
    }
}
