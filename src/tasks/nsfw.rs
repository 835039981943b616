//! Picture → the five classes, and whether a person should be warned.

use std::collections::BTreeMap;

use thiserror::Error;

use crate::image::{PictureError, Resizer};
use crate::nets::mobilenet_v2::{Loaded, MobileNetV2};

/// Classes that a person is warned of, each with the probability from which on.
pub const THRESHOLDS: [(&str, f32); 3] = [("Hentai", 0.6), ("Porn", 0.6), ("Sexy", 0.8)];

#[derive(Debug, Error)]
pub enum NsfwError {
    #[error(transparent)]
    Picture(#[from] PictureError),
    #[error("the weight file has classes {0:?}; a picture model for warnings has Hentai, Porn and Sexy among them")]
    Classes(Vec<String>),
    #[error("the net failed: {0}")]
    Net(#[from] candle_core::Error),
}

#[derive(Debug)]
pub struct NsfwModel {
    net: MobileNetV2,
    classes: Vec<String>,
}

impl NsfwModel {
    pub fn new(loaded: Loaded) -> Result<Self, NsfwError> {
        if THRESHOLDS.iter().any(|(class, _)| !loaded.labels.iter().any(|label| label == class)) {
            return Err(NsfwError::Classes(loaded.labels));
        }
        Ok(Self { net: loaded.net, classes: loaded.labels })
    }

    pub fn byte_len(&self) -> usize {
        self.net.byte_len()
    }

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

/// Whether any class is at or over its threshold: the person's own where there is one, else that of [`THRESHOLDS`].
pub fn is_unsuitable(classes: &[String], probabilities: &[f32], chosen: &BTreeMap<String, f32>) -> bool {
    let preset = |class: &str| THRESHOLDS.iter().find(|(name, _)| *name == class).map(|&(_, threshold)| threshold);
    let over = |(class, &probability): (&String, &f32)| {
        let threshold = chosen.get(class).copied().or_else(|| preset(class));
        threshold.is_some_and(|threshold| probability >= threshold)
    };
    classes.iter().zip(probabilities).any(over)
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
            is_unsuitable(&classes, &probabilities, &chosen)
        };
        assert!(warned(3, 0.6, &[]) && !warned(3, 0.59, &[]));
        assert!(warned(4, 0.8, &[]) && !warned(4, 0.79, &[]));
        assert!(!warned(2, 1.0, &[]) && warned(2, 0.3, &[("Neutral", 0.3)]));
        assert!(!warned(3, 0.9, &[("Porn", 0.95)]) && warned(3, 0.9, &[("Sexy", 0.95)]));
    }
}
