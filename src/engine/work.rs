//! What can be asked of the engine, as pieces of work that are done in steps: one batch of a text, one picture. A new
//! kind of work is a variant here and an arm in [`Engine::advance`](super::Engine).

use super::EngineError;
use crate::protocol::{Caution, PictureVerdict, Refusal, Sentiment, TextVerdict, WhyVerdict};
use crate::tasks::parts::InParts;
use crate::tasks::sentiment::Reading;
use crate::tasks::why::Why;

/// A whole picture, whose RGBA rows are handed over from top to bottom when its turn has come.
pub trait PixelSource {
    /// Width and height in pixels.
    fn size(&self) -> (u32, u32);
    /// Calls `take` with whole rows, as many at a time as is handy.
    fn rows(&self, take: &mut dyn FnMut(&[u8]) -> Result<(), EngineError>) -> Result<(), EngineError>;
}

/// RGBA rows that lie in memory already.
#[derive(Debug, Clone, Copy)]
pub struct Pixels<'a> {
    /// Four bytes a pixel, row by row.
    pub rgba: &'a [u8],
    /// In pixels.
    pub width: u32,
    /// In pixels.
    pub height: u32,
}

impl PixelSource for Pixels<'_> {
    fn size(&self) -> (u32, u32) {
        (self.width, self.height)
    }

    fn rows(&self, take: &mut dyn FnMut(&[u8]) -> Result<(), EngineError>) -> Result<(), EngineError> {
        take(self.rgba)
    }
}

/// What can be asked for.
#[allow(missing_docs, reason = "fields are what their types say")]
pub enum Work {
    /// Nothing but a model that is ready.
    Ready { model_id: String },
    /// How a text sounds.
    Text(TextWork),
    /// Which of its words made it so.
    Why(WhyWork),
    /// Whether a picture is suitable.
    Picture { picture: Box<dyn PixelSource>, caution: Caution },
}

impl Work {
    /// How a text sounds.
    pub fn text(text: impl Into<String>) -> Self {
        Self::Text(TextWork { text: text.into(), reading: None, elapsed_ms: 0.0 })
    }

    /// Which words pushed this verdict on a text; `tell` hears what is known before all is.
    pub fn why(text: impl Into<String>, towards: Sentiment, tell: Box<dyn Fn(WhyVerdict)>) -> Self {
        Self::Why(WhyWork { text: text.into(), towards, why: None, elapsed_ms: 0.0, has_told: false, tell })
    }

    /// Forgets what is done of a text.
    pub(super) fn start_again(&mut self) {
        match self {
            Self::Text(work) => work.reading = None,
            Self::Why(work) => (work.why, work.has_told) = (None, false),
            Self::Ready { .. } | Self::Picture { .. } => {}
        }
    }

    /// What of it goes through the text net, once it was begun.
    pub(super) fn parts(&mut self) -> Option<&mut dyn InParts> {
        match self {
            Self::Text(work) => work.reading.as_mut().map(|reading| reading as &mut dyn InParts),
            Self::Why(work) => work.why.as_mut().map(|why| why as &mut dyn InParts),
            Self::Ready { .. } | Self::Picture { .. } => None,
        }
    }

    /// Whether a step of it would do anything: not while all that is left of it is read elsewhere.
    pub(super) fn can_go_on(&self) -> bool {
        let can_go_on = |parts: &dyn InParts| parts.is_waiting() || parts.is_read();
        match self {
            Self::Text(TextWork { reading: Some(reading), .. }) => can_go_on(reading),
            Self::Why(WhyWork { why: Some(why), .. }) => can_go_on(why),
            _ => true,
        }
    }

    /// How much is done, and all there is; in units of its own.
    pub(super) fn progress(&self) -> (usize, usize) {
        match self {
            Self::Text(TextWork { reading: Some(reading), .. }) => reading.progress(),
            Self::Why(WhyWork { why: Some(why), .. }) => why.progress(),
            _ => (0, 1),
        }
    }
}

pub struct TextWork {
    pub(super) text: String,
    pub(super) reading: Option<Reading>,
    /// Of its own steps, without what was done between them.
    pub(super) elapsed_ms: f64,
}

pub struct WhyWork {
    pub(super) text: String,
    pub(super) towards: Sentiment,
    pub(super) why: Option<Why>,
    pub(super) elapsed_ms: f64,
    pub(super) has_told: bool,
    pub(super) tell: Box<dyn Fn(WhyVerdict)>,
}

/// What came of a piece of work.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs, reason = "they answer the work of the same name")]
pub enum Verdict {
    Ready,
    Text(TextVerdict),
    Why(WhyVerdict),
    Picture(PictureVerdict),
}

/// A part of a text that somebody else reads, by the model of this name.
#[derive(Debug, Clone, PartialEq)]
pub struct Loan {
    /// Comes back with the answer.
    pub id: LoanId,
    /// Whose net it is for.
    pub model_id: String,
    /// Word pieces, framed.
    pub sequences: Vec<Vec<u32>>,
}

/// Names a loan for as long as this engine lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LoanId(pub(super) u64);

/// What the engine did, or wants done, when it was told to go on. Every piece of work ends in exactly one `Done`.
#[derive(Debug, PartialEq)]
#[allow(missing_docs, reason = "fields are the model, the work and how much of it")]
pub enum Step {
    /// There is nothing to do until work comes or a load ends.
    Idle,
    /// A model is needed: load it and give it to `finish_load`, or say why not with `fail_load`. Said once per load.
    Load { model_id: String },
    /// A model needs what others take of the budget: have them give it up, and say so with `set_elsewhere`.
    Reclaim,
    /// Part of a piece of work was done. Others may be more urgent by now, so let messages in before the next step.
    Part { job: JobId, n_done: usize, n_total: usize },
    /// A piece of work has ended, well or not.
    Done { job: JobId, outcome: Result<Verdict, Refusal> },
}

/// Names a piece of work for as long as this engine lives. Later ones are larger.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct JobId(pub(super) u64);
