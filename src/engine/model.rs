//! One model of the registry: what is known of it before it is loaded, its state, its figures, and the verdicts made
//! with it. It must never know who asked.

use std::ops::Range;

use base64::prelude::{BASE64_STANDARD, Engine as _};

use super::runs::Runs;
use super::work::{PixelSource, TextWork, WhyWork, Work};
use super::{Clock, EngineError};
use crate::models::{Packaged, Task};
use crate::protocol::{
    Caution, ClassScore, Frames, ModelState, ModelStatus, PictureVerdict, PushedWord, SecondLook, SentenceVerdict,
    TextVerdict, WhyVerdict,
};
use crate::tasks::nsfw::{self, Alarm, Looks, NsfwModel, Prepared};
use crate::tasks::parts::Part;
use crate::tasks::sentiment::{Judgement, Reading, SentimentModel, sentiment_of};
use crate::tasks::why::Why;

/// What is known of a model before it is loaded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    /// By which requests and the store name it.
    pub id: String,
    /// Decides which net its file is read as.
    pub task: Task,
    /// What a person is shown.
    pub title: String,
    /// Of the packed file.
    pub bytes: u64,
    /// What the loaded model takes, or the most that it can take.
    pub memory_bytes: u64,
    /// The person's own: it goes before the package's, and nobody knows which languages it reads.
    pub is_own: bool,
}

impl From<&Packaged> for Known {
    fn from(packaged: &Packaged) -> Self {
        Self {
            id: packaged.id.to_owned(),
            task: packaged.task,
            title: packaged.title.to_owned(),
            bytes: packaged.bytes,
            memory_bytes: packaged.memory_bytes,
            is_own: false,
        }
    }
}

#[derive(Debug)]
pub(super) enum Loaded {
    Text(Box<SentimentModel>),
    Picture(Box<NsfwModel>),
}

impl Loaded {
    pub(super) fn byte_len(&self) -> u64 {
        (match self {
            Self::Text(model) => model.byte_len(),
            Self::Picture(model) => model.byte_len(),
        }) as u64
    }
}

#[derive(Debug)]
pub(super) struct Model {
    pub known: Known,
    pub state: ModelState,
    pub loaded: Option<Loaded>,
    /// Whether the host was asked to load it and has not ended yet.
    pub is_coming: bool,
    pub is_stored: bool,
    pub load_ms: Option<f64>,
    /// Rises with every load and run of any model: the smallest was used longest ago.
    pub last_touch: u64,
    runs: Runs,
    last_used_ms: Option<f64>,
}

impl Model {
    pub(super) fn new(known: Known) -> Self {
        Self {
            known,
            state: ModelState::NotStored,
            loaded: None,
            is_coming: false,
            is_stored: false,
            load_ms: None,
            last_touch: 0,
            runs: Runs::default(),
            last_used_ms: None,
        }
    }

    /// What it takes of the budget: what it has, or will have once it came.
    pub(super) fn memory_bytes(&self) -> u64 {
        match &self.loaded {
            Some(loaded) => loaded.byte_len(),
            None if self.is_coming => self.known.memory_bytes,
            None => 0,
        }
    }

    pub(super) fn unload(&mut self) {
        if self.loaded.take().is_some() {
            self.state = if self.is_stored { ModelState::Stored } else { ModelState::NotStored };
        }
    }

    pub(super) fn status(&self) -> ModelStatus {
        ModelStatus {
            id: self.known.id.clone(),
            title: self.known.title.clone(),
            state: self.state.clone(),
            stored_bytes: if self.is_stored { self.known.bytes } else { 0 },
            memory_bytes: self.loaded.as_ref().map_or(0, Loaded::byte_len),
            runs: self.runs.count(),
            run_median_ms: self.runs.quantile(0.5),
            run_p95_ms: self.runs.quantile(0.95),
            load_ms: self.load_ms,
            last_used_ms: self.last_used_ms,
        }
    }

    /// Reads on in a text; the verdict once it is read to its end.
    pub(super) fn read(&mut self, work: &mut TextWork, clock: Clock) -> Result<Option<TextVerdict>, EngineError> {
        let Some(Loaded::Text(sentiment)) = &self.loaded else { return Err(EngineError::NotReady { task: "text" }) };
        let started_ms = clock();
        let reading = begun(sentiment, work)?;
        let judgement = sentiment.step(reading)?;
        let ended_ms = clock();
        work.elapsed_ms += ended_ms - started_ms;
        Ok(judgement.map(|judgement| {
            self.used(work.elapsed_ms, ended_ms);
            text_verdict(&work.text, judgement, &self.known.id, work.elapsed_ms)
        }))
    }

    /// Goes on to explain a text; the whole answer once every word that matters was looked at.
    pub(super) fn explain(&mut self, work: &mut WhyWork, clock: Clock) -> Result<Option<WhyVerdict>, EngineError> {
        let Some(Loaded::Text(sentiment)) = &self.loaded else { return Err(EngineError::NotReady { task: "text" }) };
        let started_ms = clock();
        let why = begun_why(sentiment, work)?;
        let goes_on = why.step(sentiment)?;
        work.elapsed_ms += clock() - started_ms;
        work.tell_overview();
        let WhyWork { text, why, elapsed_ms, .. } = work;
        Ok(why.as_ref().filter(|_| !goes_on).map(|why| why_verdict(text, why, true, *elapsed_ms)))
    }

    /// Word pieces of a text that nobody reads yet; of other work, and where this model is not ready, none.
    pub(super) fn n_waiting_pieces(&self, work: &mut Work) -> usize {
        match (&self.loaded, work) {
            // What can't be begun is refused in its own step.
            (Some(Loaded::Text(sentiment)), Work::Text(work)) => {
                begun(sentiment, work).map_or(0, |reading| reading.n_waiting_pieces())
            }
            _ => 0,
        }
    }

    /// The next part of a text's work, to be read elsewhere; none where this model is not ready, or where what is left is done
    /// here as soon: the last part stays.
    pub(super) fn lend(&self, work: &mut Work) -> Option<Part> {
        let Some(Loaded::Text(sentiment)) = &self.loaded else { return None };
        // What can't be begun is refused in its own step.
        match work {
            Work::Text(work) => drop(begun(sentiment, work).ok()?),
            Work::Why(work) => drop(begun_why(sentiment, work).ok()?),
            Work::Ready { .. } | Work::Picture { .. } => {}
        }
        let parts = work.parts()?;
        let part = parts.take(sentiment)?;
        if !parts.is_waiting() {
            parts.give_back(part.place);
            return None;
        }
        Some(part)
    }

    /// What came of a part that was lent; nothing where nobody read it.
    pub(super) fn take_back(&self, work: &mut Work, place: Range<usize>, logits: Option<&[Vec<f32>]>) {
        let Some(parts) = work.parts() else { return };
        match (&self.loaded, logits) {
            (Some(Loaded::Text(sentiment)), Some(logits)) if logits.len() == place.len() => {
                parts.put(sentiment, place, logits);
            }
            _ => parts.give_back(place),
        }
        if let Work::Why(work) = work {
            work.tell_overview();
        }
    }

    pub(super) fn look(
        &mut self,
        picture: &dyn PixelSource,
        caution: &Caution,
        clock: Clock,
    ) -> Result<PictureVerdict, EngineError> {
        let Some(Loaded::Picture(nsfw)) = &self.loaded else { return Err(EngineError::NotReady { task: "picture" }) };
        let started_ms = clock();
        let (width, height) = picture.size();
        let mut prepared: Prepared = nsfw.prepare(width, height)?;
        picture.rows(&mut |rgba| Ok(prepared.feed(rgba)?))?;
        let (looks, likeness) = nsfw.judge(prepared)?;
        let ended_ms = clock();
        let alarm = Alarm::of(nsfw.classes(), &looks, caution);
        let (unsuitable, second) = (alarm.is_raised(), SecondLook { share: looks.second, over: alarm.second_over });
        let Looks { first: probabilities, .. } = looks;
        let largest = |best: usize, index: usize| if probabilities[index] > probabilities[best] { index } else { best };
        let top = (0..probabilities.len()).fold(0, largest);
        let named = nsfw.classes().iter().zip(&probabilities);
        let classes = named.map(|(name, &probability)| ClassScore { name: name.clone(), probability }).collect();
        let (model, elapsed_ms) = (self.known.id.clone(), ended_ms - started_ms);
        self.used(elapsed_ms, ended_ms);
        let Alarm { over, doubtful, .. } = alarm;
        let frames = None;
        Ok(PictureVerdict {
            classes,
            top,
            over,
            second,
            unsuitable,
            doubtful,
            width,
            height,
            frames,
            model,
            elapsed_ms,
            likeness: likeness.map(|likeness| BASE64_STANDARD.encode(likeness.to_bytes())),
            correct_as: None,
            said: None,
        })
    }

    /// Something was judged with it, here or elsewhere.
    pub(super) fn used(&mut self, elapsed_ms: f64, now_ms: f64) {
        self.runs.add(elapsed_ms);
        self.last_used_ms = Some(now_ms);
    }
}

fn begun<'work>(model: &SentimentModel, work: &'work mut TextWork) -> Result<&'work mut Reading, EngineError> {
    Ok(match &mut work.reading {
        Some(reading) => reading,
        unread => unread.insert(model.start(&work.text)?),
    })
}

fn begun_why<'work>(model: &SentimentModel, work: &'work mut WhyWork) -> Result<&'work mut Why, EngineError> {
    Ok(match &mut work.why {
        Some(why) => why,
        none => none.insert(Why::new(model, &work.text, work.towards)?),
    })
}

impl WhyWork {
    /// Tells what is known before all is, once.
    fn tell_overview(&mut self) {
        let Self { why: Some(why), has_told: has_told @ false, .. } = self else { return };
        if why.has_overview() {
            *has_told = true;
            (self.tell)(why_verdict(&self.text, why, false, self.elapsed_ms));
        }
    }
}

fn text_verdict(text: &str, judgement: Judgement, model: &str, elapsed_ms: f64) -> TextVerdict {
    let sentiment = judgement.sentiment();
    let mut utf16 = utf16_counter(text);
    let claim = judgement.claim();
    let sentences = judgement.sentences.into_iter().map(|sentence| SentenceVerdict {
        start: utf16(sentence.range.start),
        end: utf16(sentence.range.end),
        sentiment: sentiment_of(sentence.shares, judgement.clear),
        shares: sentence.shares,
    });
    TextVerdict {
        sentences: sentences.collect(),
        sentiment,
        shares: judgement.shares,
        claim,
        n_tokens: judgement.n_tokens,
        n_windows: judgement.n_windows,
        truncated: judgement.truncated,
        model: model.to_owned(),
        elapsed_ms,
        correct_as: None,
        said: None,
    }
}

/// Of the verdicts on a moving picture's frames the worst, with the time of all; none where there are none.
pub fn worst_frame(verdicts: Vec<PictureVerdict>, n_frames: u32, caution: &Caution) -> Option<PictureVerdict> {
    let severity = |verdict: &PictureVerdict| {
        let scores = verdict.classes.iter().map(|class| (class.name.as_str(), class.probability));
        nsfw::severity(scores, verdict.second.share, caution)
    };
    let n_judged = verdicts.len() as u32;
    let elapsed_ms = verdicts.iter().map(|verdict| verdict.elapsed_ms).sum();
    let worst = verdicts.into_iter().max_by(|a, b| severity(a).total_cmp(&severity(b)))?;
    let frames = (n_frames != 1).then_some(Frames { judged: n_judged, total: n_frames });
    Some(PictureVerdict { frames, elapsed_ms, ..worst })
}

fn why_verdict(text: &str, why: &Why, complete: bool, elapsed_ms: f64) -> WhyVerdict {
    let words = why.words();
    let end = words.last().map_or(0, |word| word.range.end);
    let mut utf16 = utf16_counter(text);
    let pushed: Vec<PushedWord> = words
        .into_iter()
        .filter(|word| word.strength > 0)
        .map(|word| PushedWord {
            start: utf16(word.range.start),
            end: utf16(word.range.end),
            push: word.push,
            strength: word.strength,
        })
        .collect();
    // What stands behind the last word belongs to it, unless the text goes on.
    let end = if why.partly() { utf16(end) } else { utf16(text.len()) };
    WhyVerdict { words: pushed, end, partly: why.partly(), complete, elapsed_ms }
}

/// Turns bytes of a text into UTF-16 units, for places that come in reading order: one walk counts all.
fn utf16_counter(text: &str) -> impl FnMut(usize) -> usize {
    let (mut bytes, mut units) = (0, 0);
    move |byte| {
        units += text[bytes..byte].encode_utf16().count();
        bytes = byte;
        units
    }
}
