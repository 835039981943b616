//! What the engine refuses, and how that is told to whoever asked.

use thiserror::Error;

use crate::pack::PackError;
use crate::protocol::{Reason, Refusal};
use crate::tasks::nsfw::NsfwError;
use crate::tasks::sentiment::SentimentError;

#[derive(Debug, Error)]
pub enum EngineError {
    #[error("there is no model \"{id}\"; ask for the status to see which there are")]
    UnknownModel { id: String },
    #[error("no model for {task} is ready; load one first")]
    NotReady { task: &'static str },
    #[error("the model can't be loaded: {0}")]
    Load(#[from] PackError),
    #[error(transparent)]
    Text(#[from] SentimentError),
    #[error(transparent)]
    Picture(#[from] NsfwError),
}

impl EngineError {
    fn reason(&self) -> Reason {
        match self {
            Self::UnknownModel { .. } => Reason::BadRequest,
            Self::NotReady { .. } | Self::Load(_) => Reason::ModelUnavailable,
            Self::Text(SentimentError::NothingToJudge(_)) => Reason::NothingToJudge,
            Self::Picture(NsfwError::Picture(_)) => Reason::UnreadablePicture,
            Self::Text(SentimentError::Labels(_) | SentimentError::Vocabulary(_)) => Reason::ModelUnavailable,
            Self::Picture(NsfwError::Classes(_)) => Reason::ModelUnavailable,
            Self::Text(SentimentError::Net(_)) | Self::Picture(NsfwError::Net(_)) => Reason::Internal,
        }
    }
}

impl From<EngineError> for Refusal {
    fn from(error: EngineError) -> Self {
        Self { reason: error.reason(), detail: error.to_string() }
    }
}
