//! In what order a tile of eight-bit weights is multiplied, so that sums stay in sixteen bits as long as they fit: for flavours
//! that widen them in an instruction of its own. Knows nothing of activations but how large they may be.

use super::layout::{ACTIVATION_MAX, STEP};

/// Steps of four inputs that are looked at together.
pub const GROUP_OF_STEPS: usize = 4;
/// Below so many groups it is as quick to take them as they come.
pub const GROUPS_MIN: usize = 4;
/// How large the weights of one sign may be together whose products meet in one lane of sixteen bits: then no activations make it
/// leave them.
const LANE_WEIGHTS_MAX: i16 = i16::MAX / ACTIVATION_MAX as i16;

/// A tile's groups of four steps: a sum of sums, so any order will do. First those whose products may be added up over all four
/// steps before they are widened from sixteen bits, then those over two and two, then the others. In a trained net nearly all
/// weights are far below their column's largest: of MobileNetV2's groups 99.7 % are light, of open_nsfw's 75 % and nearly all others
/// paired.
#[derive(Debug, Clone, Copy)]
pub struct Order<'a> {
    /// Each group once; a last one of fewer steps is not among them.
    pub groups: &'a [u16],
    pub n_light: usize,
    pub n_paired: usize,
}

/// Writes a tile's groups in order. Returns how many are light, and how many paired.
pub fn put_in_order(steps: &[[i8; STEP]], places: &mut [u16]) -> [u16; 2] {
    let kinds: Vec<Kind> = steps.as_chunks().0.iter().map(Kind::of).collect();
    let of_kind = |kind| (0..).zip(&kinds).filter(move |&(_, &one)| one == kind).map(|(group, _)| group);
    let ordered = [Kind::Light, Kind::Paired, Kind::Heavy].into_iter().flat_map(of_kind);
    places.iter_mut().zip(ordered).for_each(|(place, group)| *place = group);
    [Kind::Light, Kind::Paired].map(|kind| of_kind(kind).count() as u16)
}

/// Over how many steps a group's products may be added up in sixteen bits: four, two or one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Light,
    Paired,
    Heavy,
}

impl Kind {
    fn of(steps: &[[i8; STEP]; GROUP_OF_STEPS]) -> Self {
        let [first, second] = [[&steps[0], &steps[1]], [&steps[2], &steps[3]]].map(|two| {
            // Above zero and below, of neighbouring inputs, which meet in one lane. Two bytes at a time as one number: so the compiler
            // makes vectors of it.
            let mut sums = [[0; STEP / 2]; 2];
            for step in two {
                let pairs: [i16; STEP / 2] =
                    std::array::from_fn(|lane| i16::from_le_bytes([step[2 * lane] as u8, step[2 * lane + 1] as u8]));
                let (one, other) = (pairs.map(|pair| (pair << 8) >> 8), pairs.map(|pair| pair >> 8));
                for lane in 0..STEP / 2 {
                    sums[0][lane] += one[lane].max(0) + other[lane].max(0);
                }
                for lane in 0..STEP / 2 {
                    sums[1][lane] -= one[lane].min(0) + other[lane].min(0);
                }
            }
            sums
        });
        // Not `all`: that made LLVM 22 give up on WebAssembly, whose vectors of sixteen bits it compared to vectors of eight.
        let largest = |sums: [[i16; STEP / 2]; 2]| sums.as_flattened().iter().fold(0, |largest, &sum| sum.max(largest));
        let fits = |sums| largest(sums) <= LANE_WEIGHTS_MAX;
        let both = [0, 1].map(|sign| std::array::from_fn(|lane| first[sign][lane] + second[sign][lane]));
        match (fits(both), fits(first) && fits(second)) {
            (true, _) => Self::Light,
            (false, true) => Self::Paired,
            (false, false) => Self::Heavy,
        }
    }
}
