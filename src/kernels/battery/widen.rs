//! Widening four bits. Equal to the bit, whatever the scales are.

use super::{Case, Flavour, Random, equal, sizes};
use crate::kernels::layout::{Q4_GROUP, Q4_GROUP_BYTES};
use crate::kernels::{PackedWeights, reference};

/// f16 scales: what a packed model holds, and what a damaged one may.
const SCALES: [(&str, &[u16]); 8] = [
    ("ordinary", &[0x1c00, 0x9c33, 0x2345, 0xa0ff, 0x1801]),
    ("zero", &[0, 0x8000]),
    ("subnormal", &[1, 0x8001, 0x03ff]),
    ("largest", &[0x7bff, 0xfbff]),
    ("of very different sizes", &[0x0001, 0x7bff, 0x3c00]),
    // Weight −7 of the second times 127 / largest of the first rounds otherwise where the products come in another order.
    ("near a tie", &[0x1f62, 0x1c38]),
    ("infinite", &[0x7c00, 0xfc00, 0x3c00]),
    ("not-a-number", &[0x7e00, 0xfe01, 0x3c00]),
];

const INPUTS: &[usize] = sizes(&[32, 64, 96, 768], &[64]);
/// Outputs, the first column that is widened, and how many.
const COLUMNS: &[(usize, usize, usize)] = if cfg!(miri) {
    &[(16, 8, 8), (9, 4, 5)]
} else {
    &[(8, 0, 8), (16, 8, 8), (32, 0, 32), (5, 0, 5), (20, 3, 14), (9, 4, 5), (4, 1, 1)]
};
const KINDS: &[Nibbles] = if cfg!(miri) {
    &[Nibbles::Random]
} else {
    &[Nibbles::Random, Nibbles::Zeros, Nibbles::Middle, Nibbles::Fifteens, Nibbles::Lone, Nibbles::Sevens]
};

#[derive(Clone, Copy)]
enum Nibbles {
    Random,
    /// All 8, which stand for zero.
    Zeros,
    /// 5 to 11: no group reaches its largest distance.
    Middle,
    /// All 15.
    Fifteens,
    /// All 8 but one, in another place in each group.
    Lone,
    /// One 0, which is −8, in the first group; 1, which is −7, everywhere else.
    Sevens,
}

fn groups(n_groups: usize, scales: &[u16], nibbles: Nibbles, random: &mut Random) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(n_groups * Q4_GROUP_BYTES);
    for group in 0..n_groups {
        let scale = match nibbles {
            Nibbles::Sevens => group % scales.len(),
            _ => random.below(scales.len() as u64) as usize,
        };
        bytes.extend(scales[scale].to_le_bytes());
        for byte in 0..Q4_GROUP / 2 {
            let place = group % Q4_GROUP;
            bytes.push(match nibbles {
                Nibbles::Random => random.bits() as u8,
                Nibbles::Zeros => 0x88,
                Nibbles::Middle => (5 + random.below(7) as u8) << 4 | (5 + random.below(7) as u8),
                Nibbles::Fifteens => 0xff,
                Nibbles::Lone if byte == place => 0x83,
                Nibbles::Lone if byte + Q4_GROUP / 2 == place => 0x38,
                Nibbles::Lone => 0x88,
                Nibbles::Sevens if group % scales.len() == 0 && byte == 0 => 0x10,
                Nibbles::Sevens => 0x11,
            });
        }
    }
    bytes
}

fn check_columns<F: Flavour>(
    n_in: usize,
    n_out: usize,
    first_column: usize,
    n_columns: usize,
    scales: &[u16],
    nibbles: Nibbles,
) -> Result<(), String> {
    let groups = groups(n_columns * (n_in / Q4_GROUP), scales, nibbles, &mut Random((n_in * 100 + n_out) as u64));
    let mut got = PackedWeights::zeroed(n_out, n_in);
    let mut want = got.clone();
    F::widen_q4_columns(&groups, first_column, &mut got);
    reference::widen_q4_columns(&groups, first_column, &mut want);
    equal(got.column_scales(), want.column_scales()).map_err(|message| format!("scale {message}"))?;
    if let Some(index) = got.tiles().iter().zip(want.tiles()).position(|(got, want)| got != want) {
        return Err(format!("weight {index}: {} instead of {}", got.tiles()[index], want.tiles()[index]));
    }
    if got.column_sums() != want.column_sums() {
        return Err(format!("sums {:?} instead of {:?}", got.column_sums(), want.column_sums()));
    }
    Ok(())
}

pub fn cases<F: Flavour>() -> Vec<Case> {
    let mut cases = Vec::new();
    for (name, scales) in SCALES {
        cases.push(Case::new(format!("widen_q4_columns, scales {name}"), move || {
            for &nibbles in KINDS {
                for &n_in in INPUTS {
                    for &(n_out, first, n_columns) in COLUMNS {
                        check_columns::<F>(n_in, n_out, first, n_columns, scales, nibbles)
                            .map_err(|message| format!("{n_columns} of {n_out} × {n_in}: {message}"))?;
                    }
                }
            }
            Ok(())
        }));
        cases.push(Case::new(format!("widen_q4_row, scales {name}"), move || {
            for n_groups in [0, 1, 2, 24] {
                let groups = groups(n_groups, scales, Nibbles::Random, &mut Random(n_groups as u64));
                let (mut got, mut want) = (vec![7.0; n_groups * Q4_GROUP], vec![8.0; n_groups * Q4_GROUP]);
                F::widen_q4_row(&groups, &mut got);
                reference::widen_q4_row(&groups, &mut want);
                equal(&got, &want)?;
            }
            Ok(())
        }));
    }
    cases.push(Case::new("widen_q4_columns of no groups", || {
        check_columns::<F>(0, 8, 0, 0, SCALES[0].1, Nibbles::Random)?;
        check_columns::<F>(64, 8, 0, 0, SCALES[0].1, Nibbles::Random)
    }));
    cases
}
