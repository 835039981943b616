//! A model on its way into memory. It owns all it needs, so the engine stays free while bytes are awaited.

use super::EngineError;
use super::model::{Known, Loaded};
use crate::models::Task;
use crate::nets::{DistilBertBuilder, PicturePairBuilder};
use crate::pack::PackReader;
use crate::tasks::nsfw::NsfwModel;
use crate::tasks::sentiment::SentimentModel;
use crate::text::judgeable::Languages;

/// Fed with a packed file from its first byte to its last.
pub struct Load {
    model_id: String,
    n_bytes: u64,
    reader: Reader,
    n_bytes_fed: u64,
    started_ms: f64,
    is_own: bool,
}

enum Reader {
    Text(Box<PackReader<DistilBertBuilder>>),
    Picture(Box<PackReader<PicturePairBuilder>>),
}

impl Load {
    pub(super) fn new(known: &Known, started_ms: f64) -> Self {
        let reader = match known.task {
            Task::Text => Reader::Text(Box::new(PackReader::new(DistilBertBuilder::default()))),
            Task::Picture => Reader::Picture(Box::new(PackReader::new(PicturePairBuilder::default()))),
        };
        Self {
            model_id: known.id.clone(),
            n_bytes: known.bytes,
            reader,
            n_bytes_fed: 0,
            started_ms,
            is_own: known.is_own,
        }
    }

    /// Bytes of the packed file, in order, in slices of any size; a megabyte or so is a good one.
    pub fn feed(&mut self, bytes: &[u8]) -> Result<(), EngineError> {
        self.n_bytes_fed += bytes.len() as u64;
        match &mut self.reader {
            Reader::Text(reader) => reader.feed(bytes)?,
            Reader::Picture(reader) => reader.feed(bytes)?,
        }
        Ok(())
    }

    /// Of the bytes that the file has.
    pub fn percent(&self) -> u8 {
        (self.n_bytes_fed * 100 / self.n_bytes.max(1)).min(100) as u8
    }

    /// Which model it will be.
    pub fn model_id(&self) -> &str {
        &self.model_id
    }

    pub(super) fn started_ms(&self) -> f64 {
        self.started_ms
    }

    pub(super) fn finish(self) -> Result<Loaded, EngineError> {
        Ok(match self.reader {
            Reader::Text(reader) => {
                let languages = if self.is_own { Languages::Unknown } else { Languages::English };
                Loaded::Text(Box::new(SentimentModel::new(reader.finish()?.finish()?, languages)?))
            }
            Reader::Picture(reader) => Loaded::Picture(Box::new(NsfwModel::new(reader.finish()?.finish()?)?)),
        })
    }
}
