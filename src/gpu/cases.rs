//! What a player is tried with: products of the battery's own rows and weights, and the sums that the crate's kernel makes of
//! them.

use super::Product;
use crate::kernels::battery::Values;
use crate::kernels::battery::four_bits::{ORDINARY, rows, weights};
use crate::kernels::{FourBitWeights, PanelRoom, RowsI8, fast, random::Random};

/// On both sides of four rows, of a tile of them, and less and more.
const ROWS: [usize; 6] = [1, 3, 17, 64, 65, 70];
/// On both sides of eight columns and of a tile of them.
const OUTPUTS: [usize; 4] = [1, 9, 64, 136];
/// The net's own in small.
const SHAPES: [[usize; 3]; 2] = [[70, 768, 136], [3, 3072, 65]];

/// One product, with the sums that must come of it.
pub struct Case {
    /// Its shape and its values.
    pub name: String,
    rows: RowsI8,
    weights: FourBitWeights,
    sums: Vec<i32>,
}

impl Case {
    fn new(values: Values, [n_rows, n_in, n_out]: [usize; 3]) -> Self {
        let mut random = Random((n_rows * 31 + n_in * 7 + n_out) as u64);
        let weights = weights(ORDINARY, values, n_out, n_in, &mut random);
        let rows = rows(values, n_rows, n_in, &mut random);
        let mut sums = vec![0; n_rows * n_out];
        fast::matmul_of_four_bits(&rows, &weights, &mut PanelRoom::default(), &mut sums);
        Self { name: format!("{n_rows} × {n_in} × {n_out}, {values:?}"), rows, weights, sums }
    }

    /// What a player is told of it.
    pub fn product(&self) -> Product<'_> {
        Product::new(&self.rows, &self.weights)
    }

    /// Says where sums are not those of the kernel.
    pub fn check(&self, sums: &[i32]) -> Result<(), String> {
        if sums.len() != self.sums.len() {
            return Err(format!("{} sums instead of {}", sums.len(), self.sums.len()));
        }
        match sums.iter().zip(&self.sums).position(|(got, want)| got != want) {
            Some(index) => Err(format!("at {index}: {} instead of {}", sums[index], self.sums[index])),
            None => Ok(()),
        }
    }
}

/// All of them.
pub fn cases() -> Vec<Case> {
    let ragged = ROWS.iter().flat_map(|&n_rows| OUTPUTS.map(|n_out| (Values::Random, [n_rows, 96, n_out])));
    let shapes = SHAPES.iter().flat_map(|&shape| Values::ALL.iter().map(move |&values| (values, shape)));
    ragged.chain(shapes).map(|(values, shape)| Case::new(values, shape)).collect()
}
