//! Text → calibrated sentiment, whole and sentence by sentence.

use std::ops::Range;

use thiserror::Error;

use crate::nets::distilbert::{DistilBert, Loaded};
use crate::protocol::Sentiment;
use crate::text::judgeable::{self, Unjudgeable};
use crate::text::sentences::sentences;
use crate::text::wordpiece::WordPiece;

/// At or above this probability a text is called positive, at or below its mirror image negative, between them unclear.
/// The model has no neutral class and puts plain facts between 0.4 and 0.7 (see its card).
pub const CLEAR: f32 = 0.7;

/// Windows of a long text share this many word pieces, so that no sentence is seen only cut in two.
const OVERLAP: usize = 64;
/// A text of more windows is judged by its first ones, and the verdict says so: about 7,000 words.
pub const MOST_WINDOWS: usize = 24;
/// More sentences than this are not judged one by one.
pub const MOST_SENTENCES: usize = 64;
/// Word pieces that go through the net together; the net's buffers are as large as its longest batch.
const BATCH_TOKENS: usize = 512;

#[derive(Debug, Error)]
pub enum SentimentError {
    #[error("nothing to judge: {}", match .0 {
        Unjudgeable::Empty => "the text is empty",
        Unjudgeable::NoWords => "the text has no words, only digits, signs or emoji",
        Unjudgeable::OtherScript => "the text is not in English letters; the model reads English only",
    })]
    NothingToJudge(Unjudgeable),
    #[error("the weight file has labels {0:?}; a sentiment model has one NEGATIVE and one POSITIVE")]
    Labels(Vec<String>),
    #[error("the weight file's vocabulary can't be used: {0}")]
    Vocabulary(String),
    #[error("the net failed: {0}")]
    Net(#[from] candle_core::Error),
}

#[derive(Debug)]
pub struct SentimentModel {
    net: DistilBert,
    pieces: WordPiece,
    positive_label: usize,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Judgement {
    pub positive: f32,
    pub n_tokens: usize,
    pub n_windows: usize,
    /// Whether the text went on past the last window.
    pub truncated: bool,
    /// Empty for a single sentence.
    pub sentences: Vec<JudgedSentence>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct JudgedSentence {
    /// Bytes of the text.
    pub range: Range<usize>,
    pub positive: f32,
}

pub fn sentiment_of(positive: f32) -> Sentiment {
    match positive {
        p if p >= CLEAR => Sentiment::Positive,
        p if p <= 1.0 - CLEAR => Sentiment::Negative,
        _ => Sentiment::Unclear,
    }
}

impl SentimentModel {
    pub fn new(loaded: Loaded) -> Result<Self, SentimentError> {
        let find = |name: &str| loaded.labels.iter().position(|label| label.eq_ignore_ascii_case(name));
        let (Some(positive_label), Some(_), 2) = (find("positive"), find("negative"), loaded.labels.len()) else {
            return Err(SentimentError::Labels(loaded.labels));
        };
        let pieces = WordPiece::new(loaded.vocabulary.into_bytes())
            .map_err(|error| SentimentError::Vocabulary(error.to_string()))?;
        Ok(Self { net: loaded.net, pieces, positive_label })
    }

    pub fn byte_len(&self) -> usize {
        self.net.byte_len()
    }

    pub fn net(&self) -> &DistilBert {
        &self.net
    }

    pub fn pieces(&self) -> &WordPiece {
        &self.pieces
    }

    /// The judgement that a person sees.
    pub fn judge(&self, text: &str) -> Result<Judgement, SentimentError> {
        judgeable::check(text).map_err(SentimentError::NothingToJudge)?;
        let (windows, n_tokens, truncated) = self.windows(text);
        let scores = self.score_batches(&windows)?;
        let weights = windows.iter().map(|window| window.len() as f32);
        let total: f32 = weights.clone().sum();
        let positive = scores.iter().zip(weights).map(|(score, weight)| score * weight).sum::<f32>() / total;
        let sentences = self.judge_sentences(text)?;
        Ok(Judgement { positive, n_tokens, n_windows: windows.len(), truncated, sentences })
    }

    /// The probability that a text is positive, from its first window alone: what evaluations measure.
    pub fn score(&self, text: &str) -> Result<f32, SentimentError> {
        let ids = self.pieces.encode(text, self.net.shape().n_positions).ids;
        Ok(self.score_batches(&[ids])?[0])
    }

    /// The net's own answer for a text cut to its length.
    pub fn logits(&self, text: &str) -> Result<Vec<f32>, SentimentError> {
        let ids = self.pieces.encode(text, self.net.shape().n_positions).ids;
        Ok(self.net.forward(&ids, &[ids.len()])?.flatten_all()?.to_vec1()?)
    }

    fn judge_sentences(&self, text: &str) -> Result<Vec<JudgedSentence>, SentimentError> {
        let ranges = sentences(text);
        if ranges.len() < 2 || ranges.len() > MOST_SENTENCES {
            return Ok(Vec::new());
        }
        let longest = self.net.shape().n_positions;
        let encoded: Vec<Vec<u32>> =
            ranges.iter().map(|range| self.pieces.encode(&text[range.clone()], longest).ids).collect();
        let scores = self.score_batches(&encoded)?;
        Ok(ranges.into_iter().zip(scores).map(|(range, positive)| JudgedSentence { range, positive }).collect())
    }

    /// Windows of the model's length over a text, its length in tokens, and whether it goes on past the last window.
    fn windows(&self, text: &str) -> (Vec<Vec<u32>>, usize, bool) {
        let longest = self.net.shape().n_positions;
        let all = self.pieces.encode(text, usize::MAX).ids;
        if all.len() <= longest {
            let n_tokens = all.len();
            return (vec![all], n_tokens, false);
        }
        let (opening, closing) = (all[0], all[all.len() - 1]);
        let pieces = &all[1..all.len() - 1];
        let step = longest - 2 - OVERLAP;
        let n_windows = (pieces.len() - OVERLAP).div_ceil(step);
        let windows = (0..n_windows.min(MOST_WINDOWS))
            .map(|index| {
                let end = (index * step + longest - 2).min(pieces.len());
                [&[opening], &pieces[index * step..end], &[closing]].concat()
            })
            .collect();
        (windows, all.len(), n_windows > MOST_WINDOWS)
    }

    /// The probability of positive for each sequence, in as few passes as fit the buffers.
    fn score_batches(&self, encoded: &[Vec<u32>]) -> Result<Vec<f32>, SentimentError> {
        let mut scores = Vec::with_capacity(encoded.len());
        let mut rest = encoded;
        while !rest.is_empty() {
            let totals = rest.iter().scan(0, |total, ids| {
                *total += ids.len();
                Some(*total)
            });
            let n_together = totals.take_while(|&total| total <= BATCH_TOKENS).count().max(1);
            let (batch, after) = rest.split_at(n_together);
            let lengths: Vec<usize> = batch.iter().map(Vec::len).collect();
            let logits: Vec<Vec<f32>> = self.net.forward(&batch.concat(), &lengths)?.to_vec2()?;
            scores.extend(logits.iter().map(|logits| super::softmax(logits)[self.positive_label]));
            rest = after;
        }
        Ok(scores)
    }
}
