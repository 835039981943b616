//! Weights to few bits: Q4_0 groups where a weight lies on that grid already, else i8 with a scale per row.
//! It rounds, it never decides which tensor is worth what.

use half::f16;

/// Elements and bytes of a Q4_0 group.
pub const Q4_0_ELEMENTS: usize = 32;
/// An f16 scale and two nibbles in each of sixteen bytes.
pub const Q4_0_BYTES: usize = 18;

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

/// The scale that makes a row's largest weight ±127.
pub fn i8_scale(row: &[f32]) -> f32 {
    row.iter().fold(0.0f32, |largest, weight| largest.max(weight.abs())) / 127.0
}

/// A row in steps of `scale`, -127 to 127.
pub fn i8_row(row: &[f32], scale: f32) -> impl Iterator<Item = i8> {
    // A row of zeros has scale 0; a subnormal scale could round a weight past ±127.
    row.iter().map(move |weight| if scale == 0.0 { 0 } else { (weight / scale).round().clamp(-127.0, 127.0) as i8 })
}
