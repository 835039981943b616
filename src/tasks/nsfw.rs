//! Picture → what two nets see of it; whether a person should be warned is alarm.rs'.
//!
//! Two looks, because each net is wrong about other pictures: the first takes sportswear, toddlers and restaurant tables for
//! what it warns of; the second is of another kind, and knows photographs only. Where a photograph is warned of, both must
//! see something. On 1,009 benign pictures the first alone raised 17 false alarms; together they raise 5 (models/nsfw.md).

use thiserror::Error;

use crate::image::{Antialiased, Likeness, PictureError, Resizer, through_jpeg};
use crate::nets::picture_pair::{LoadedPair, Preparation};
use crate::nets::{MobileNetV2, OpenNsfw};

pub use super::alarm::{Alarm, Looks, SECOND, THRESHOLDS, caution_of, severity, threshold_of};

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

/// The two nets, with the names of the first one's classes.
#[derive(Debug)]
pub struct NsfwModel {
    first: MobileNetV2,
    classes: Vec<String>,
    second: OpenNsfw,
    mean: [f32; 3],
}

/// A picture on its way to both nets: whole RGBA rows, in order, as many at a time as is handy.
#[derive(Debug)]
pub struct Prepared {
    first: Resizer,
    second: Antialiased,
}

impl Prepared {
    /// Takes rows for both.
    pub fn feed(&mut self, rgba: &[u8]) -> Result<(), NsfwError> {
        self.first.feed(rgba)?;
        Ok(self.second.feed(rgba)?)
    }
}

impl NsfwModel {
    /// Refuses nets of which the first lacks a class of [`THRESHOLDS`].
    pub fn new(loaded: LoadedPair) -> Result<Self, NsfwError> {
        let LoadedPair { first, second } = loaded;
        let is_there = |class: &str| class == SECOND || first.labels.iter().any(|label| label == class);
        if !THRESHOLDS.iter().all(|(class, _)| is_there(class)) {
            return Err(NsfwError::Classes(first.labels));
        }
        Ok(Self { first: first.net, classes: first.labels, second: second.net, mean: second.mean })
    }

    /// Bytes of memory that its weights hold.
    pub fn byte_len(&self) -> usize {
        self.first.byte_len() + self.second.byte_len()
    }

    /// In the order of the probabilities.
    pub fn classes(&self) -> &[String] {
        &self.classes
    }

    /// Pixels on each side of the picture that the first net takes.
    pub fn first_size(&self) -> usize {
        self.first.size()
    }

    /// What a picture's rows are fed to on their way to [`Self::judge`].
    pub fn prepare(&self, width: u32, height: u32) -> Result<Prepared, NsfwError> {
        let first = Resizer::new(width, height, self.first.size())?;
        Ok(Prepared { first, second: Antialiased::new(width, height, self.second.preparation().resize)? })
    }

    /// Both looks at a picture, and what it is known again by.
    pub fn judge(&self, picture: Prepared) -> Result<(Looks, Option<Likeness>), NsfwError> {
        let first = self.look_first(picture.first)?;
        let rgb = picture.second.finish()?;
        let likeness = Likeness::of(&rgb, self.second.preparation().resize);
        Ok((Looks { first, second: self.look_again(rgb)? }, likeness))
    }

    /// The first net's probabilities alone.
    pub fn look_first(&self, picture: Resizer) -> Result<Vec<f32>, NsfwError> {
        let logits: Vec<f32> = self.first.forward(&picture.finish()?)?.flatten_all()?.to_vec1()?;
        Ok(super::softmax(&logits))
    }

    /// The second net's share, of a picture in bytes at the size that it is resized to. The net learned from JPEG files, so
    /// its pictures go through that once more; its authors' own scores, and their thresholds, are of such pictures.
    pub fn look_again(&self, mut rgb: Vec<u8>) -> Result<f32, NsfwError> {
        let Preparation { resize, size } = self.second.preparation();
        through_jpeg(&mut rgb, resize);
        self.look_at(&middle(&rgb, resize, size))
    }

    /// The second net's share, of a picture in bytes at the net's own size: RGB, row by row.
    pub fn look_at(&self, rgb: &[u8]) -> Result<f32, NsfwError> {
        let pixels = rgb.as_chunks::<3>().0.iter();
        let less = pixels.flat_map(|pixel| [0, 1, 2].map(|channel| f32::from(pixel[channel]) - self.mean[channel]));
        let logits: Vec<f32> = self.second.forward(less.collect())?.flatten_all()?.to_vec1()?;
        Ok(super::softmax(&logits).last().copied().unwrap_or(0.0))
    }
}

/// The middle of a square picture of three bytes a pixel.
fn middle(rgb: &[u8], side: usize, wanted: usize) -> Vec<u8> {
    let first = (side - wanted) / 2;
    let row = |y: usize| &rgb[(y * side + first) * 3..][..wanted * 3];
    (first..first + wanted).flat_map(row).copied().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle_is_what_lies_between_equal_borders() {
        let rgb: Vec<u8> = (0..16).flat_map(|index| [index; 3]).collect();
        assert_eq!(middle(&rgb, 4, 2), [5, 5, 5, 6, 6, 6, 9, 9, 9, 10, 10, 10]);
    }
}
