//! Made rows and weights, for measurements: the same on every run. Their sums are small enough for a float to hold them as
//! they are, and scales and zero points leave them so: what the kernel that a net uses gives is then the sum itself.

use crate::kernels::layout::{ACTIVATION_I8_MAX, Q4_GROUP, RowGroup, TILE_COLUMNS};
use crate::kernels::{FourBitWeights, RowsI8, random::Random};

/// Any values that activations may have.
pub(crate) fn rows(n_rows: usize, n_in: usize, random: &mut Random) -> RowsI8 {
    let mut rows = RowsI8::default();
    rows.resize(n_rows, n_in);
    for row in 0..n_rows {
        rows.set_grid(row, (1.0, 0));
        for group in rows.row_mut(row) {
            let mut bytes = [0; Q4_GROUP];
            random.fill(&mut bytes);
            *group = RowGroup::of(bytes.map(|byte| (byte as i8).max(-ACTIVATION_I8_MAX)));
        }
    }
    rows
}

/// Any nibbles, and multipliers of eight bits.
pub(crate) fn weights(n_out: usize, n_in: usize, random: &mut Random) -> FourBitWeights {
    let mut weights = FourBitWeights::zeroed(n_out, n_in);
    let (groups, scales, _) = weights.parts_mut();
    scales.fill(1.0);
    for group in groups {
        let mut bytes = [0; TILE_COLUMNS];
        random.fill(&mut bytes);
        group.multipliers = bytes.map(|byte| i16::from(byte as i8));
        random.fill(group.nibbles.as_flattened_mut());
    }
    weights
}
