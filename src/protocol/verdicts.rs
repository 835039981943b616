//! What was found of a text, a picture, a file.

use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "declarations", derive(ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub enum Sentiment {
    Positive,
    Negative,
    /// The calibrated probability lies between the two thresholds of `tasks::sentiment`.
    Unclear,
    /// Its sentences disagree strongly. Never said of a single sentence.
    Mixed,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "declarations", derive(ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub struct TextVerdict {
    pub sentiment: Sentiment,
    /// Calibrated probability that the text is positive, 0 to 1.
    pub positive: f32,
    pub n_tokens: usize,
    /// How many windows of the model's length the text was read in; more than one is said to the person.
    pub n_windows: usize,
    /// Whether the text went on past the last window, so that its end was not read.
    pub truncated: bool,
    /// Sentences in reading order; empty when there is only one.
    pub sentences: Vec<SentenceVerdict>,
    pub model: String,
    pub elapsed_ms: f64,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "declarations", derive(ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub struct SentenceVerdict {
    /// Where the sentence stands in the text, in UTF-16 code units, as JavaScript counts.
    pub start: usize,
    pub end: usize,
    pub sentiment: Sentiment,
    pub positive: f32,
}

/// Which words pushed a verdict, and how far.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "declarations", derive(ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub struct WhyVerdict {
    /// Words that pushed noticeably, in reading order.
    pub words: Vec<PushedWord>,
    /// Up to where the text is explained, in UTF-16 code units.
    pub end: usize,
    /// Whether the text goes on after that.
    pub partly: bool,
    /// False while only spans or sentences are known, whose words share what the whole of them pushed.
    pub complete: bool,
    pub elapsed_ms: f64,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "declarations", derive(ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub struct PushedWord {
    /// Where the word stands in the text, in UTF-16 code units.
    pub start: usize,
    pub end: usize,
    /// Log-odds that the text would lose towards "positive" without it; negative where it pushes the other way.
    pub push: f32,
    /// 1 (weak) to 3 (strong) beside the strongest word; `tasks::why` decides.
    pub strength: u8,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "declarations", derive(ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub struct PictureVerdict {
    /// Every class with its probability, in the model's own order.
    pub classes: Vec<ClassScore>,
    /// Index into `classes` of the largest.
    pub top: usize,
    /// Indices into `classes` of those at or over their threshold, the most probable first; `tasks::nsfw` decides.
    pub over: Vec<usize>,
    /// Whether there is any of them.
    pub unsuitable: bool,
    pub width: u32,
    pub height: u32,
    /// Present for moving pictures: the verdict is that of the worst frame looked at.
    pub frames: Option<Frames>,
    pub model: String,
    pub elapsed_ms: f64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "declarations", derive(ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub struct Frames {
    pub judged: u32,
    pub total: u32,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "declarations", derive(ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub struct ClassScore {
    pub name: String,
    pub probability: f32,
}

/// What the guard does with a judged file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "declarations", derive(ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub struct UploadVerdict {
    pub course: Course,
    pub verdict: PictureVerdict,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "declarations", derive(ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub enum Course {
    /// Nothing over a threshold, or the person let this file pass before.
    Pass,
    /// Over a threshold: the person is asked.
    Ask,
    /// The person kept this file back before, or keeps all such back.
    HoldBack,
}
