//! The lives of models: what is loaded, what state it is in, what it has done. No browser in it and no files: bytes are
//! fed in, the clock is handed in, so all of it is tested natively.

mod error;
mod load;
mod runs;

pub use error::EngineError;
pub use load::Load;

use std::collections::BTreeMap;

use crate::image::Resizer;
use crate::models::{MODELS, Packaged};
use crate::protocol::{ClassScore, Frames, ModelState, ModelStatus, PictureVerdict, SentenceVerdict, TextVerdict};
use crate::tasks::nsfw::{self, NsfwModel};
use crate::tasks::sentiment::{Judgement, SentimentModel, sentiment_of};
use runs::Runs;

/// Milliseconds since the epoch.
pub type Clock = fn() -> f64;

#[derive(Debug)]
pub struct Engine {
    clock: Clock,
    models: Vec<Model>,
    /// The person's own thresholds for pictures.
    thresholds: BTreeMap<String, f32>,
}

#[derive(Debug)]
struct Model {
    packaged: &'static Packaged,
    state: ModelState,
    loaded: Option<Loaded>,
    stored: bool,
    runs: Runs,
    load_ms: Option<f64>,
    last_used_ms: Option<f64>,
}

#[derive(Debug)]
enum Loaded {
    Text(Box<SentimentModel>),
    Picture(Box<NsfwModel>),
}

impl Loaded {
    fn byte_len(&self) -> usize {
        match self {
            Self::Text(model) => model.byte_len(),
            Self::Picture(model) => model.byte_len(),
        }
    }
}

/// RGBA rows of a whole picture.
#[derive(Debug, Clone, Copy)]
pub struct Pixels<'a> {
    pub rgba: &'a [u8],
    pub width: u32,
    pub height: u32,
}

impl Engine {
    pub fn new(clock: Clock) -> Self {
        let models = MODELS
            .iter()
            .map(|packaged| Model {
                packaged,
                state: ModelState::NotStored,
                loaded: None,
                stored: false,
                runs: Runs::default(),
                load_ms: None,
                last_used_ms: None,
            })
            .collect();
        Self { clock, models, thresholds: BTreeMap::new() }
    }

    /// From which probability on a class of pictures is warned of, where the person chose so.
    pub fn set_thresholds(&mut self, thresholds: BTreeMap<String, f32>) {
        self.thresholds = thresholds;
    }

    pub fn status(&self) -> Vec<ModelStatus> {
        self.models.iter().map(Model::status).collect()
    }

    /// What the host knows of a model's storage. A ready model stays ready.
    pub fn set_state(&mut self, model_id: &str, state: ModelState) -> Result<(), EngineError> {
        let model = self.model_mut(model_id)?;
        model.stored = matches!(state, ModelState::Stored | ModelState::Loading { .. } | ModelState::Ready);
        if model.loaded.is_none() {
            model.state = state;
        }
        Ok(())
    }

    pub fn is_ready(&self, model_id: &str) -> bool {
        self.models.iter().any(|model| model.packaged.id == model_id && model.loaded.is_some())
    }

    /// Begins a load: feed it the packed file, then give it to [`Self::finish_load`].
    pub fn start_load(&mut self, model_id: &str) -> Result<Load, EngineError> {
        let now_ms = (self.clock)();
        let model = self.model_mut(model_id)?;
        model.state = ModelState::Loading { percent: 0 };
        Load::new(model.packaged, now_ms)
    }

    pub fn finish_load(&mut self, load: Load) -> Result<(), EngineError> {
        let now_ms = (self.clock)();
        let model = self.model_mut(load.model_id())?;
        let started_ms = load.started_ms();
        match load.finish() {
            Ok(loaded) => {
                model.loaded = Some(loaded);
                model.state = ModelState::Ready;
                model.load_ms = Some(now_ms - started_ms);
                Ok(())
            }
            Err(error) => {
                model.state = ModelState::Failed { reason: error.to_string() };
                Err(error)
            }
        }
    }

    pub fn unload(&mut self, model_id: &str) -> Result<(), EngineError> {
        let model = self.model_mut(model_id)?;
        if model.loaded.take().is_some() {
            model.state = if model.stored { ModelState::Stored } else { ModelState::NotStored };
        }
        Ok(())
    }

    pub fn classify_text(&mut self, text: &str) -> Result<TextVerdict, EngineError> {
        let clock = self.clock;
        let (mut model, loaded) = self.ready("text")?;
        let Loaded::Text(sentiment) = loaded else { return Err(EngineError::NotReady { task: "text" }) };
        let started_ms = clock();
        let judgement = sentiment.judge(text)?;
        let ended_ms = clock();
        model.used(started_ms, ended_ms);
        Ok(text_verdict(text, judgement, model.packaged.id, ended_ms - started_ms))
    }

    pub fn classify_picture(&mut self, pixels: &Pixels<'_>) -> Result<PictureVerdict, EngineError> {
        let mut picture = self.start_picture(pixels.width, pixels.height)?;
        picture.feed(pixels.rgba).map_err(nsfw::NsfwError::from)?;
        self.finish_picture(picture, pixels.width, pixels.height)
    }

    /// For pictures that come in bands of rows: feed them to the resizer, then call [`Self::finish_picture`].
    pub fn start_picture(&mut self, width: u32, height: u32) -> Result<Resizer, EngineError> {
        match self.ready("picture")? {
            (_, Loaded::Picture(model)) => Ok(model.resizer(width, height)?),
            _ => Err(EngineError::NotReady { task: "picture" }),
        }
    }

    pub fn finish_picture(&mut self, picture: Resizer, width: u32, height: u32) -> Result<PictureVerdict, EngineError> {
        let clock = self.clock;
        let thresholds = self.thresholds.clone();
        let (mut model, loaded) = self.ready("picture")?;
        let Loaded::Picture(nsfw) = loaded else { return Err(EngineError::NotReady { task: "picture" }) };
        let started_ms = clock();
        let probabilities = nsfw.judge(picture)?;
        let ended_ms = clock();
        let over = nsfw::over_threshold(nsfw.classes(), &probabilities, &thresholds);
        let largest = |best: usize, index: usize| if probabilities[index] > probabilities[best] { index } else { best };
        let top = (0..probabilities.len()).fold(0, largest);
        let named = nsfw.classes().iter().zip(&probabilities);
        let classes = named.map(|(name, &probability)| ClassScore { name: name.clone(), probability }).collect();
        model.used(started_ms, ended_ms);
        let (model, elapsed_ms) = (model.packaged.id.to_owned(), ended_ms - started_ms);
        let unsuitable = !over.is_empty();
        Ok(PictureVerdict { classes, top, over, unsuitable, width, height, frames: None, model, elapsed_ms })
    }

    /// Of the verdicts on a moving picture's frames the worst, with the time of all; none where there are none.
    pub fn worst_frame(&self, verdicts: Vec<PictureVerdict>, n_frames: u32) -> Option<PictureVerdict> {
        let severity = |verdict: &PictureVerdict| {
            let scores = verdict.classes.iter().map(|class| (class.name.as_str(), class.probability));
            nsfw::severity(scores, &self.thresholds)
        };
        let n_judged = verdicts.len() as u32;
        let elapsed_ms = verdicts.iter().map(|verdict| verdict.elapsed_ms).sum();
        let worst = verdicts.into_iter().max_by(|a, b| severity(a).total_cmp(&severity(b)))?;
        let frames = (n_frames > 1).then_some(Frames { judged: n_judged, total: n_frames });
        Some(PictureVerdict { frames, elapsed_ms, ..worst })
    }

    /// The loaded text model, for evaluations and benches.
    pub fn sentiment(&mut self) -> Result<&SentimentModel, EngineError> {
        match self.ready("text")? {
            (_, Loaded::Text(model)) => Ok(model),
            _ => Err(EngineError::NotReady { task: "text" }),
        }
    }

    fn model_mut(&mut self, model_id: &str) -> Result<&mut Model, EngineError> {
        let found = self.models.iter_mut().find(|model| model.packaged.id == model_id);
        found.ok_or_else(|| EngineError::UnknownModel { id: model_id.to_owned() })
    }

    /// The ready model of a task, taken apart so that its net can run while its log is written.
    fn ready(&mut self, task: &'static str) -> Result<(ModelLog<'_>, &Loaded), EngineError> {
        let of_task = self.models.iter_mut().find(|model| model.packaged.task == task && model.loaded.is_some());
        match of_task {
            Some(Model { packaged, loaded: Some(loaded), runs, last_used_ms, .. }) => {
                Ok((ModelLog { packaged, runs, last_used_ms }, loaded))
            }
            _ => Err(EngineError::NotReady { task }),
        }
    }
}

struct ModelLog<'a> {
    packaged: &'static Packaged,
    runs: &'a mut Runs,
    last_used_ms: &'a mut Option<f64>,
}

impl ModelLog<'_> {
    fn used(&mut self, started_ms: f64, ended_ms: f64) {
        self.runs.add(ended_ms - started_ms);
        *self.last_used_ms = Some(ended_ms);
    }
}

impl Model {
    fn status(&self) -> ModelStatus {
        ModelStatus {
            id: self.packaged.id.to_owned(),
            title: self.packaged.title.to_owned(),
            state: self.state.clone(),
            stored_bytes: if self.stored { self.packaged.bytes } else { 0 },
            memory_bytes: self.loaded.as_ref().map_or(0, |loaded| loaded.byte_len() as u64),
            runs: self.runs.count(),
            run_median_ms: self.runs.quantile(0.5),
            run_p95_ms: self.runs.quantile(0.95),
            load_ms: self.load_ms,
            last_used_ms: self.last_used_ms,
        }
    }
}

fn text_verdict(text: &str, judgement: Judgement, model: &str, elapsed_ms: f64) -> TextVerdict {
    // Sentences lie in reading order, so one walk counts the UTF-16 units before all of them.
    let (mut bytes, mut units) = (0, 0);
    let mut utf16 = |byte: usize| {
        units += text[bytes..byte].encode_utf16().count();
        bytes = byte;
        units
    };
    let sentences = judgement.sentences.into_iter().map(|sentence| SentenceVerdict {
        start: utf16(sentence.range.start),
        end: utf16(sentence.range.end),
        sentiment: sentiment_of(sentence.positive),
        positive: sentence.positive,
    });
    TextVerdict {
        sentences: sentences.collect(),
        sentiment: sentiment_of(judgement.positive),
        positive: judgement.positive,
        n_tokens: judgement.n_tokens,
        n_windows: judgement.n_windows,
        truncated: judgement.truncated,
        model: model.to_owned(),
        elapsed_ms,
    }
}
