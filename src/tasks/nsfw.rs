//! Picture → the five classes, and whether a person should be warned.

use std::collections::BTreeMap;

use thiserror::Error;

use crate::image::{PictureError, Resizer};
use crate::nets::mobilenet_v2::{LoadedNet, MobileNetV2};

/// Classes that a person is warned of, each with the probability from which on.
pub const THRESHOLDS: [(&str, f32); 3] = [("Hentai", 0.6), ("Porn", 0.6), ("Sexy", 0.8)];

/// Why a picture can not be judged, or not by this model.
#[derive(Debug, Error)]
#[allow(missing_docs, reason = "the message of each variant says what it is")]
pub enum NsfwError {
    #[error(transparent)]
    Picture(#[from] PictureError),
    #[error("the weight file has classes {0:?}; a picture model for warnings has Hentai, Porn and Sexy among them")]
    Classes(Vec<String>),
    #[error("the net failed: {0}")]
    Net(#[from] candle_core::Error),
}

/// The picture net with the names of its classes.
#[derive(Debug)]
pub struct NsfwModel {
    net: MobileNetV2,
    classes: Vec<String>,
}

impl NsfwModel {
    /// Refuses a net that lacks a class of [`THRESHOLDS`].
    pub fn new(loaded: LoadedNet) -> Result<Self, NsfwError> {
        if THRESHOLDS.iter().any(|(class, _)| !loaded.labels.iter().any(|label| label == class)) {
            return Err(NsfwError::Classes(loaded.labels));
        }
        Ok(Self { net: loaded.net, classes: loaded.labels })
    }

    /// Bytes of memory that its weights hold.
    pub fn byte_len(&self) -> usize {
        self.net.byte_len()
    }

    /// In the order of the probabilities.
    pub fn classes(&self) -> &[String] {
        &self.classes
    }

    /// What a picture's rows are fed to on their way to [`Self::judge`].
    pub fn resizer(&self, width: u32, height: u32) -> Result<Resizer, NsfwError> {
        Ok(Resizer::new(width, height, self.net.size())?)
    }

    /// The probability of each class, in the order of [`Self::classes`].
    pub fn judge(&self, picture: Resizer) -> Result<Vec<f32>, NsfwError> {
        let logits: Vec<f32> = self.net.forward(&picture.finish()?)?.flatten_all()?.to_vec1()?;
        Ok(super::softmax(&logits))
    }
}

/// From which probability on a person is warned of a class: their own choice where there is one, else that of
/// [`THRESHOLDS`]; none for a class that is never warned of.
pub fn threshold_of(class: &str, chosen: &BTreeMap<String, f32>) -> Option<f32> {
    let preset = || THRESHOLDS.iter().find(|(name, _)| *name == class).map(|&(_, threshold)| threshold);
    chosen.get(class).copied().or_else(preset)
}

/// The classes at or over their threshold, the most probable first.
pub fn over_threshold(classes: &[String], probabilities: &[f32], chosen: &BTreeMap<String, f32>) -> Vec<usize> {
    let is_over = |&index: &usize| {
        threshold_of(&classes[index], chosen).is_some_and(|threshold| probabilities[index] >= threshold)
    };
    let mut over: Vec<usize> = (0..classes.len().min(probabilities.len())).filter(is_over).collect();
    over.sort_by(|&a, &b| probabilities[b].total_cmp(&probabilities[a]));
    over
}

/// How near a picture is to being warned of, or how far beyond: 1 at a threshold. Tells the worst of several frames.
pub fn severity<'a>(scores: impl Iterator<Item = (&'a str, f32)>, chosen: &BTreeMap<String, f32>) -> f32 {
    let share = |(class, probability): (&str, f32)| {
        threshold_of(class, chosen).map_or(0.0, |threshold| probability / threshold.max(f32::MIN_POSITIVE))
    };
    scores.map(share).fold(0.0, f32::max)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn warns_from_the_threshold_on() {
        let classes = ["Drawing", "Hentai", "Neutral", "Porn", "Sexy"].map(String::from);
        let warned = |class: usize, probability: f32, chosen: &[(&str, f32)]| {
            let mut probabilities = [0.0; 5];
            probabilities[class] = probability;
            let chosen = chosen.iter().map(|&(class, threshold)| (class.to_owned(), threshold)).collect();
            !over_threshold(&classes, &probabilities, &chosen).is_empty()
        };
        assert!(warned(3, 0.6, &[]) && !warned(3, 0.59, &[]));
        assert!(warned(4, 0.8, &[]) && !warned(4, 0.79, &[]));
        assert!(!warned(2, 1.0, &[]) && warned(2, 0.3, &[("Neutral", 0.3)]));
        assert!(!warned(3, 0.9, &[("Porn", 0.95)]) && warned(3, 0.9, &[("Sexy", 0.95)]));
    }

    #[test]
    fn the_worst_frame_is_the_one_furthest_over_a_threshold() {
        let chosen = [("Sexy".to_owned(), 0.1)].into();
        let severity = |class, probability| severity([(class, probability)].into_iter(), &chosen);
        assert!(severity("Sexy", 0.3) > severity("Porn", 0.9) && severity("Porn", 0.9) > severity("Neutral", 1.0));
        assert_eq!(severity("Porn", 0.6), 1.0);
    }

    #[test]
    fn names_the_classes_over_it_and_not_the_largest() {
        let classes = ["Drawing", "Hentai", "Neutral", "Porn", "Sexy"].map(String::from);
        let chosen = [("Hentai", 0.2), ("Porn", 0.1)].map(|(class, threshold)| (class.to_owned(), threshold)).into();
        assert_eq!(over_threshold(&classes, &[0.0, 0.2, 0.5, 0.3, 0.0], &chosen), [3, 1]);
        assert_eq!(over_threshold(&classes, &[1.0, 0.0, 0.0, 0.0, 0.0], &chosen), [0; 0]);
    }
}
