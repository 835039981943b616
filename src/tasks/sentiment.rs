//! Text → calibrated sentiment, whole and sentence by sentence.

use std::ops::Range;

use thiserror::Error;

use crate::nets::distilbert::{DistilBert, LoadedNet};
use crate::protocol::Sentiment;
use crate::text::judgeable::{self, Languages, Unjudgeable};
use crate::text::sentences::sentences;
use crate::text::wordpiece::{Symbols, WordPiece};

/// At or above this probability a text is called positive, at or below its mirror image negative, between them unclear.
/// The model has no neutral class and puts plain facts between 0.4 and 0.7 (see its card).
pub const CLEAR: f32 = 0.7;

/// A text is called mixed when sentences that are clearly positive and sentences that are clearly negative each make up
/// at least this share of what it says. Half a text of praise with one complaint in eight sentences is not mixed; two
/// sentences of like length that contradict each other are.
pub const MIXED: f32 = 0.25;
/// More of a text than this is not looked at, in bytes: several times what [`WINDOWS_MAX`] can hold of English words.
const TEXT_BYTES_MAX: usize = 400_000;

/// Windows of a long text share this many word pieces, so that no sentence is seen only cut in two.
const OVERLAP: usize = 64;
/// A window holds at least this many word pieces, [CLS] and [SEP] included.
const WINDOW_PIECES_MIN: usize = 8;
/// A text of more windows is judged by its first ones, and the verdict says so: about 7,000 words.
pub const WINDOWS_MAX: usize = 24;
/// More sentences than this are not judged one by one.
pub const SENTENCES_MAX: usize = 64;
/// Word pieces that go through the net together; the net's buffers are as large as its longest batch.
const BATCH_TOKENS: usize = 512;

/// Why a text can not be judged, or not by this model.
#[derive(Debug, Error)]
#[allow(missing_docs, reason = "the message of each variant says what it is")]
pub enum SentimentError {
    #[error("nothing to judge: {}", match .0 {
        Unjudgeable::Empty => "the text is empty",
        Unjudgeable::NoWords => "the text has no words, only digits, signs or emoji",
        Unjudgeable::NotEnglish => "the text is not in English; the model reads English only",
    })]
    NothingToJudge(Unjudgeable),
    #[error("the model has labels {0:?}; a sentiment model has one NEGATIVE and one POSITIVE")]
    Labels(Vec<String>),
    #[error("the weight file's vocabulary can't be used: {0}")]
    Vocabulary(String),
    #[error("the weight file reads {0} word pieces at a time; a text needs at least {WINDOW_PIECES_MIN}")]
    Positions(usize),
    #[error("the net failed: {0}")]
    Net(#[from] candle_core::Error),
}

/// The text net with its vocabulary.
#[derive(Debug)]
pub struct SentimentModel {
    net: DistilBert,
    pieces: WordPiece,
    positive_label: usize,
    languages: Languages,
}

/// What the net says of a text, before it is put into a word.
#[derive(Debug, Clone, PartialEq)]
pub struct Judgement {
    /// Probability that the text is positive: the mean over its windows, weighed by their length.
    pub positive: f32,
    /// Word pieces that were read.
    pub n_tokens: usize,
    /// Parts that a long text was read in.
    pub n_windows: usize,
    /// Whether the text went on past the last window.
    pub truncated: bool,
    /// Empty for a single sentence.
    pub sentences: Vec<JudgedSentence>,
}

/// One sentence of a text, judged by itself.
#[derive(Debug, Clone, PartialEq)]
pub struct JudgedSentence {
    /// Bytes of the text.
    pub range: Range<usize>,
    /// Probability that it is positive.
    pub positive: f32,
}

/// The word for a probability, which is none near a half.
pub fn sentiment_of(positive: f32) -> Sentiment {
    match positive {
        p if p >= CLEAR => Sentiment::Positive,
        p if p <= 1.0 - CLEAR => Sentiment::Negative,
        _ => Sentiment::Unclear,
    }
}

impl Judgement {
    /// What the text as a whole is called: its probability decides, unless its sentences disagree strongly.
    pub fn sentiment(&self) -> Sentiment {
        let weight = |wanted: Sentiment| -> f32 {
            let of_side = self.sentences.iter().filter(|sentence| sentiment_of(sentence.positive) == wanted);
            of_side.map(|sentence| sentence.range.len() as f32).sum()
        };
        let total: f32 = self.sentences.iter().map(|sentence| sentence.range.len() as f32).sum();
        let smaller_side = weight(Sentiment::Positive).min(weight(Sentiment::Negative));
        if total > 0.0 && smaller_side >= MIXED * total { Sentiment::Mixed } else { sentiment_of(self.positive) }
    }
}

/// Which of a net's labels is the positive one, of the two that it must have.
pub fn positive_label(labels: &[String]) -> Result<usize, SentimentError> {
    let find = |name: &str| labels.iter().position(|label| label.eq_ignore_ascii_case(name));
    match (find("positive"), find("negative"), labels.len()) {
        (Some(positive), Some(_), 2) => Ok(positive),
        _ => Err(SentimentError::Labels(labels.to_vec())),
    }
}

impl SentimentModel {
    /// Refuses a net whose labels or vocabulary are not those of a sentiment model.
    pub fn new(loaded: LoadedNet, languages: Languages) -> Result<Self, SentimentError> {
        let positive_label = positive_label(&loaded.labels)?;
        if loaded.net.shape().n_positions < WINDOW_PIECES_MIN {
            return Err(SentimentError::Positions(loaded.net.shape().n_positions));
        }
        let symbols = if loaded.symbols_alone { Symbols::Alone } else { Symbols::InWords };
        let pieces = WordPiece::new(loaded.vocabulary.into_bytes(), symbols)
            .map_err(|error| SentimentError::Vocabulary(error.to_string()))?;
        Ok(Self { net: loaded.net, pieces, positive_label, languages })
    }

    /// Bytes of memory that its weights hold.
    pub fn byte_len(&self) -> usize {
        self.net.byte_len()
    }

    /// For tests and for what leaves words out.
    pub fn net(&self) -> &DistilBert {
        &self.net
    }

    /// Its vocabulary.
    pub fn pieces(&self) -> &WordPiece {
        &self.pieces
    }

    /// Whether there is anything in a text that this model can judge.
    pub fn check(&self, text: &str) -> Result<(), SentimentError> {
        judgeable::check(text, self.languages).map_err(SentimentError::NothingToJudge)
    }

    /// The judgement that a person sees.
    pub fn judge(&self, text: &str) -> Result<Judgement, SentimentError> {
        let mut reading = self.start(text)?;
        loop {
            if let Some(judgement) = self.step(&mut reading)? {
                return Ok(judgement);
            }
        }
    }

    /// Begins a judgement that is made in steps, so that others can be served between them.
    pub fn start(&self, text: &str) -> Result<Reading, SentimentError> {
        let (text, is_cut) = head(text);
        self.check(text)?;
        let (mut sequences, n_tokens, truncated) = self.windows(text);
        let truncated = truncated || is_cut;
        let n_windows = sequences.len();
        let mut ranges = sentences(text);
        if ranges.len() < 2 || ranges.len() > SENTENCES_MAX {
            ranges.clear();
        }
        let longest = self.net.shape().n_positions;
        sequences.extend(ranges.iter().map(|range| self.pieces.encode(&text[range.clone()], longest).ids));
        Ok(Reading { sequences, n_windows, sentences: ranges, n_tokens, truncated, scores: Vec::new() })
    }

    /// Reads on by one batch; the judgement once all is read.
    pub fn step(&self, reading: &mut Reading) -> Result<Option<Judgement>, SentimentError> {
        let rest = &reading.sequences[reading.scores.len()..];
        if !rest.is_empty() {
            reading.scores.extend(self.score_batch(batch_of(rest))?);
        }
        Ok((reading.scores.len() == reading.sequences.len()).then(|| reading.judgement()))
    }

    /// The probability that a text is positive, from its first window alone: what evaluations measure.
    pub fn score(&self, text: &str) -> Result<f32, SentimentError> {
        let ids = self.pieces.encode(text, self.net.shape().n_positions).ids;
        Ok(self.score_batch(&[ids])?[0])
    }

    /// The net's own answer for a text cut to its length.
    pub fn logits(&self, text: &str) -> Result<Vec<f32>, SentimentError> {
        let ids = self.pieces.encode(text, self.net.shape().n_positions).ids;
        Ok(self.net.forward(&ids, &[ids.len()])?.flatten_all()?.to_vec1()?)
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
        // A model of few positions has less to share.
        let overlap = OVERLAP.min((longest - 2) / 4);
        let step = longest - 2 - overlap;
        let n_windows = (pieces.len() - overlap).div_ceil(step);
        let windows = (0..n_windows.min(WINDOWS_MAX))
            .map(|index| {
                let end = (index * step + longest - 2).min(pieces.len());
                [&[opening], &pieces[index * step..end], &[closing]].concat()
            })
            .collect();
        (windows, all.len(), n_windows > WINDOWS_MAX)
    }

    /// Word pieces between the net's own signs.
    pub fn framed(&self, pieces: &[u32]) -> Vec<u32> {
        let (first, last) = self.pieces.frame();
        [&[first], pieces, &[last]].concat()
    }

    /// How much likelier positive is than negative, as a logarithm, for each framed sequence; all in one pass, so that
    /// the net's buffers grow to their sum.
    pub fn log_odds(&self, batch: &[Vec<u32>]) -> Result<Vec<f32>, SentimentError> {
        let lengths: Vec<usize> = batch.iter().map(Vec::len).collect();
        let logits: Vec<Vec<f32>> = self.net.forward(&batch.concat(), &lengths)?.to_vec2()?;
        Ok(logits.iter().map(|logits| logits[self.positive_label] - logits[1 - self.positive_label]).collect())
    }

    /// The probability of positive for each sequence, in one pass.
    fn score_batch(&self, batch: &[Vec<u32>]) -> Result<Vec<f32>, SentimentError> {
        Ok(self.log_odds(batch)?.into_iter().map(probability_of).collect())
    }
}

/// The part of a text that is looked at, and whether that is not all.
pub(super) fn head(text: &str) -> (&str, bool) {
    (&text[..text.floor_char_boundary(TEXT_BYTES_MAX)], text.len() > TEXT_BYTES_MAX)
}

fn probability_of(log_odds: f32) -> f32 {
    1.0 / (1.0 + (-log_odds).exp())
}

/// As many of the sequences as go through the net together.
fn batch_of(sequences: &[Vec<u32>]) -> &[Vec<u32>] {
    let totals = sequences.iter().scan(0, |total, ids| {
        *total += ids.len();
        Some(*total)
    });
    &sequences[..totals.take_while(|&total| total <= BATCH_TOKENS).count().max(1)]
}

/// A judgement under way: the windows over the text, then its sentences, and the scores of those that were read.
#[derive(Debug)]
pub struct Reading {
    sequences: Vec<Vec<u32>>,
    n_windows: usize,
    /// Bytes of the text; empty for a single sentence.
    sentences: Vec<Range<usize>>,
    n_tokens: usize,
    truncated: bool,
    /// The probability of positive for each sequence read so far.
    scores: Vec<f32>,
}

impl Reading {
    /// How much of the work is done, and all of it, in word pieces.
    pub fn progress(&self) -> (usize, usize) {
        let n_pieces = |sequences: &[Vec<u32>]| sequences.iter().map(Vec::len).sum();
        (n_pieces(&self.sequences[..self.scores.len()]), n_pieces(&self.sequences))
    }

    /// What the scores of all sequences come to: windows weighed by their length, and each sentence.
    fn judgement(&self) -> Judgement {
        let (windows, sentences) = self.scores.split_at(self.n_windows);
        let weights = self.sequences.iter().map(|window| window.len() as f32).take(self.n_windows);
        let total: f32 = weights.clone().sum();
        let positive = windows.iter().zip(weights).map(|(score, weight)| score * weight).sum::<f32>() / total;
        let judged = self.sentences.iter().cloned().zip(sentences);
        Judgement {
            positive,
            n_tokens: self.n_tokens,
            n_windows: self.n_windows,
            truncated: self.truncated,
            sentences: judged.map(|(range, &positive)| JudgedSentence { range, positive }).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sentences of given lengths and probabilities, under a whole that is clearly positive.
    fn called(sentences: &[(usize, f32)]) -> Sentiment {
        let sentences = sentences.iter().map(|&(length, positive)| JudgedSentence { range: 0..length, positive });
        let sentences = sentences.collect();
        Judgement { positive: 0.9, n_tokens: 9, n_windows: 1, truncated: false, sentences }.sentiment()
    }

    #[test]
    fn a_text_is_mixed_when_both_sides_weigh() {
        assert_eq!(called(&[]), Sentiment::Positive);
        assert_eq!(called(&[(40, 0.95), (40, 0.05)]), Sentiment::Mixed);
        assert_eq!(called(&[(75, 0.95), (25, 0.05)]), Sentiment::Mixed);
        assert_eq!(called(&[(76, 0.95), (24, 0.05)]), Sentiment::Positive);
        assert_eq!(called(&[(40, 0.95), (40, 0.35)]), Sentiment::Positive, "the second is unclear, not negative");
        assert_eq!(called(&[(40, 0.69), (40, 0.31)]), Sentiment::Positive, "neither is clear");
        assert_eq!(called(&[(40, 0.95), (40, 0.9), (40, 0.8)]), Sentiment::Positive);
    }

    #[test]
    fn a_very_long_text_is_cut_between_characters() {
        assert_eq!(head("good"), ("good", false));
        let (text, is_cut) = (format!("a{}", "é".repeat(TEXT_BYTES_MAX / 2)), true);
        assert_eq!((head(&text).0.len(), head(&text).1), (TEXT_BYTES_MAX - 1, is_cut));
    }
}
