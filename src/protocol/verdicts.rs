//! What was found of a text, a picture, a file.

use serde::{Deserialize, Serialize};

use super::Said;

/// What a text or a sentence is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "declarations", derive(ts_rs::TS))]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs, reason = "their names say it")]
pub enum Sentiment {
    Positive,
    /// Nothing of the writer's own attitude shows.
    Neutral,
    Negative,
    /// No share is as large as `tasks::sentiment` asks of a clear one.
    Unclear,
    /// Its sentences disagree strongly. Never said of a single sentence.
    Mixed,
}

/// How probable each of three ways is that a text can go; they add up to 1. A model of two labels leaves `neutral` at 0.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "declarations", derive(ts_rs::TS))]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs, reason = "their names say it")]
pub struct Shares {
    pub negative: f32,
    pub neutral: f32,
    pub positive: f32,
}

/// How a text sounds, as a whole and sentence by sentence.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "declarations", derive(ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub struct TextVerdict {
    /// By `shares`, unless the sentences disagree strongly.
    pub sentiment: Sentiment,
    /// Calibrated as far as `claim` says.
    pub shares: Shares,
    /// What may be said of the share of `sentiment`.
    pub claim: Claim,
    /// The text's length in word pieces, `[CLS]` and `[SEP]` included.
    pub n_tokens: usize,
    /// How many windows of the model's length the text was read in; more than one is said to the person.
    pub n_windows: usize,
    /// Whether the text went on past the last window, so that its end was not read.
    pub truncated: bool,
    /// Sentences in reading order; empty when there is only one.
    pub sentences: Vec<SentenceVerdict>,
    /// The `id` of the one that judged.
    pub model: String,
    /// What the model took, without the waits for its turn.
    pub elapsed_ms: f64,
    /// The name by which the person can say that it is wrong; none where they can't.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "declarations", ts(optional))]
    pub correct_as: Option<String>,
    /// What the person said of this text earlier.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "declarations", ts(optional))]
    pub said: Option<Said>,
}

/// One sentence of a text, judged by itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "declarations", derive(ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub struct SentenceVerdict {
    /// Where the sentence stands in the text, in UTF-16 code units, as JavaScript counts.
    pub start: usize,
    /// The first unit behind it.
    pub end: usize,
    /// By `shares` alone.
    pub sentiment: Sentiment,
    /// As those of a text.
    pub shares: Shares,
}

/// What the percentage beside a verdict claims: written down here once, said by the card, decided by `tasks::claims`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "declarations", derive(ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub enum Claim {
    /// Of texts of this kind that nobody had trained on, verdicts with such a share were right about that often.
    Right,
    /// It is how strongly the model sees it. Nobody has checked how often that is right on such texts.
    Sees,
    /// The model sees no attitude, which is often wrong where the text has one in sober words.
    Sober,
    /// The text is a rating, which is read as it stands, by no model.
    Rated,
    /// The same, of a model that somebody brought along.
    Own,
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
    /// What the model took so far, without the waits for its turn.
    pub elapsed_ms: f64,
}

/// A word that pushed a verdict.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "declarations", derive(ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub struct PushedWord {
    /// Where the word stands in the text, in UTF-16 code units.
    pub start: usize,
    /// The first unit behind it.
    pub end: usize,
    /// Log-odds that the text would lose towards what was asked about without it; negative where it pushes away from that.
    pub push: f32,
    /// 1 (weak) to 3 (strong) beside the strongest word; `tasks::why` decides.
    pub strength: u8,
}

/// How probable each class of pictures is, and whether a person is warned.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "declarations", derive(ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub struct PictureVerdict {
    /// Every class with its probability, in the model's own order.
    pub classes: Vec<ClassScore>,
    /// Index into `classes` of the largest.
    pub top: usize,
    /// Indices into `classes` of those that are warned of, the most probable first; `tasks::alarm` decides.
    pub over: Vec<usize>,
    /// What a net of another kind says of it.
    pub second: SecondLook,
    /// Whether a person is warned: where either of both is over, unless `said` says otherwise.
    pub unsuitable: bool,
    /// Whether one look warns and the other sees nothing, and the person has said nothing.
    pub doubtful: bool,
    /// In pixels, as judged: in browsers a large picture is made smaller before.
    pub width: u32,
    /// In pixels, as judged.
    pub height: u32,
    /// Present for moving pictures: the verdict is that of the worst frame looked at.
    pub frames: Option<Frames>,
    /// The `id` of the one that judged.
    pub model: String,
    /// What the model took for all frames looked at, without decoding and waiting.
    pub elapsed_ms: f64,
    /// What the picture, or its worst frame, is known again by (image::Likeness, in base64); none where it has too little in it. Stays
    /// in the background.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "declarations", ts(optional))]
    pub likeness: Option<String>,
    /// The name by which the person can say that it is wrong; none where they can't.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "declarations", ts(optional))]
    pub correct_as: Option<String>,
    /// What the person said of this picture earlier.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "declarations", ts(optional))]
    pub said: Option<Said>,
}

impl PictureVerdict {
    /// Whether either look is warned of, whatever the person said.
    pub fn is_over(&self) -> bool {
        !self.over.is_empty() || self.second.over
    }
}

/// What the second net says of a picture.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "declarations", derive(ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub struct SecondLook {
    /// How probable it is, by this net, that the picture is not safe for work.
    pub share: f32,
    /// Whether that is warned of.
    pub over: bool,
}

/// How much of a moving picture was looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "declarations", derive(ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub struct Frames {
    /// Of all frames so many, spread over the picture's length.
    pub judged: u32,
    /// More than 1; 0 of a film, whose frames nobody counted.
    pub total: u32,
}

/// One of the model's classes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "declarations", derive(ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub struct ClassScore {
    /// As the model calls it: Drawing, Hentai, Neutral, Porn or Sexy.
    pub name: String,
    /// 0 to 1; those of all classes add up to 1.
    pub probability: f32,
}

/// What the guard does with a judged file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "declarations", derive(ts_rs::TS))]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs, reason = "their names say it")]
pub struct UploadVerdict {
    pub course: Course,
    pub verdict: PictureVerdict,
}

/// What becomes of a file on its way to a site.
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
