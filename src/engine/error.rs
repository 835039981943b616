//! What the engine refuses, and how that is told to whoever asked.

use thiserror::Error;

use crate::pack::PackError;
use crate::protocol::{Reason, Refusal};
use crate::tasks::nsfw::NsfwError;
use crate::tasks::sentiment::SentimentError;
use crate::text::judgeable::Unjudgeable;

/// Why the engine refuses.
#[derive(Debug, Error)]
#[allow(missing_docs, reason = "the message of each variant says what it is")]
pub enum EngineError {
    #[error("there is no model \"{id}\"; ask for the status to see which there are")]
    UnknownModel { id: String },
    #[error("no model for {task} is ready; load one first")]
    NotReady { task: &'static str },
    #[error("the model can't be loaded: {0}")]
    Load(#[from] PackError),
    #[error(
        "{title} needs {needed_megabytes} MB and the memory budget is {budget_megabytes} MB; raise it in the settings"
    )]
    TooLarge { title: String, needed_megabytes: u64, budget_megabytes: u64 },
    #[error("a request named {request:?} is waiting already; give each request a name of its own")]
    Doubled { request: String },
    #[error("the request was given up by whoever asked")]
    Cancelled,
    #[error("the picture can't be read: {0}")]
    Pixels(String),
    #[error(transparent)]
    Text(#[from] SentimentError),
    #[error(transparent)]
    Picture(#[from] NsfwError),
}

impl EngineError {
    fn reason(&self) -> Reason {
        match self {
            Self::UnknownModel { .. } | Self::Doubled { .. } => Reason::BadRequest,
            Self::TooLarge { .. } => Reason::OutOfMemory,
            Self::Cancelled => Reason::Cancelled,
            Self::Pixels(_) => Reason::UnreadablePicture,
            Self::NotReady { .. } | Self::Load(_) => Reason::ModelUnavailable,
            Self::Text(SentimentError::NothingToJudge(why)) => match why {
                Unjudgeable::Empty => Reason::NothingSelected,
                Unjudgeable::NoWords => Reason::NoWords,
                Unjudgeable::Code => Reason::Code,
                Unjudgeable::NotEnglish => Reason::NotEnglish,
            },
            Self::Picture(NsfwError::Picture(_)) => Reason::UnreadablePicture,
            Self::Text(SentimentError::Labels(_) | SentimentError::Vocabulary(_) | SentimentError::Positions(_)) => {
                Reason::ModelUnavailable
            }
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
