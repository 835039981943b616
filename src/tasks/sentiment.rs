//! Text → calibrated sentiment, whole and sentence by sentence.

use std::ops::Range;

use thiserror::Error;

use super::claims;
use super::parts::{InParts, Ledger, Part, n_together};
use super::ways::{Way, Ways};
use crate::nets::distilbert::{DistilBert, LoadedNet};
use crate::protocol::{Claim, Sentiment, Shares};
use crate::text::judgeable::{self, Languages, Reads, Unjudgeable};
use crate::text::kind::Kind;
use crate::text::sentences::sentences;
use crate::text::wordpiece::{Symbols, WordPiece};

/// A share at or above this is clear, of a model with three ways, of one with two, and of either where the text is one
/// short word. Of three: on posts, tweets and news, verdicts with a share of 0.5 to 0.6 are right 45 times in 100, those of
/// 0.6 to 0.7 already 63.
const CLEAR_OF_THREE: f32 = 0.6;
const CLEAR_OF_TWO: f32 = 0.7;
const CLEAR_OF_TINY: f32 = 0.9;

/// From so many sentences on, a text's own shares and the mean of its sentences' are taken together: each alone is wrong on
/// some of them. Seen whole, a paragraph of twenty neutral sentences and two angry ones leans to either side; sentence by
/// sentence, a complaint told by facts is neutral.
const SENTENCES_TOGETHER: usize = 3;
/// Their product, to this power: 0.5 would be the geometric mean; more makes it as sure as its verdicts are right (posts and
/// reviews of three sentences and more: right 84.8 %, mean share 83.8 %).
const TOGETHER: f32 = 0.7;

/// A text is called mixed when its clearly positive and its clearly negative sentences each make up at least this share of
/// what has a side at all, and together at least [`MIXED_OF_ALL`] of the text: half a text of praise with one complaint in
/// eight sentences is not mixed, nor is one of twenty neutral sentences between one of praise and one of blame; two sentences
/// of like length that contradict each other are, whatever neutral ones stand beside them.
pub const MIXED: f32 = 0.25;
const MIXED_OF_ALL: f32 = 0.25;
/// And not for a single sentence where the text as a whole is this sure: of 27 such texts among posts and reviews, 25 are what
/// the whole says ("and the staff could not have been kinder" is a complaint only alone).
const MIXED_SHARE_MAX: f32 = 0.9;
/// Where sentences of the verdict's own are less of a text than this, nothing is claimed of its percentage: two angry sentences
/// behind twenty sober ones make a complaint, but few such texts were checked.
const CARRIED: f32 = 0.25;
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
        Unjudgeable::NoWords => "the text has no words, only digits and signs",
        Unjudgeable::Code => "the text is code or an address",
        Unjudgeable::NotEnglish => "the text is not in English; the model reads English only",
    })]
    NothingToJudge(Unjudgeable),
    #[error(
        "the model has labels {0:?}; needed are NEGATIVE and POSITIVE, with or without NEUTRAL between them, or one to five \
         stars"
    )]
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
    ways: Ways,
    reads: Reads,
}

/// What the net says of a text, before it is put into a word.
#[derive(Debug, Clone, PartialEq)]
pub struct Judgement {
    /// The mean over the text's windows, weighed by their length, and taken together with those of its sentences.
    pub shares: Shares,
    /// The least that a share must be to be clear.
    pub clear: f32,
    /// What kind of text it is.
    pub kind: Kind,
    /// Whether the model is one whose verdicts were checked on such kinds.
    pub is_checked: bool,
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
    /// How probable each way is.
    pub shares: Shares,
}

/// The word for shares, of which one must be this large.
pub fn sentiment_of(shares: Shares, clear: f32) -> Sentiment {
    match shares.top() {
        top if shares.of(top) < clear => Sentiment::Unclear,
        Way::Negative => Sentiment::Negative,
        Way::Neutral => Sentiment::Neutral,
        Way::Positive => Sentiment::Positive,
    }
}

impl Judgement {
    /// What the text as a whole is called: its shares decide, unless its sentences disagree strongly.
    pub fn sentiment(&self) -> Sentiment {
        let (positive, negative) = (self.part(Sentiment::Positive), self.part(Sentiment::Negative));
        let with_a_side = positive + negative;
        let is_mixed = with_a_side > 0.0
            && positive.min(negative) >= MIXED * with_a_side
            && with_a_side >= MIXED_OF_ALL
            && (self.shares.of(self.shares.top()) < MIXED_SHARE_MAX
                || self.n_of(Sentiment::Positive).min(self.n_of(Sentiment::Negative)) > 1);
        if is_mixed { Sentiment::Mixed } else { sentiment_of(self.shares, self.clear) }
    }

    /// What may be said of the share of its verdict.
    pub fn claim(&self) -> Claim {
        let sentiment = self.sentiment();
        let is_carried = self.sentences.len() < SENTENCES_TOGETHER || self.part(sentiment) >= CARRIED;
        match self.is_checked || matches!(self.kind, Kind::Rating(_)) {
            true if !is_carried && sentiment != Sentiment::Neutral => Claim::Sees,
            true => claims::claim(self.kind, sentiment, self.shares.of(self.shares.top())),
            false => Claim::Own,
        }
    }

    fn of_verdict(&self, wanted: Sentiment) -> impl Iterator<Item = &JudgedSentence> {
        self.sentences.iter().filter(move |sentence| sentiment_of(sentence.shares, self.clear) == wanted)
    }

    /// How many sentences are of this verdict.
    fn n_of(&self, wanted: Sentiment) -> usize {
        self.of_verdict(wanted).count()
    }

    /// How much of the text they are, by length.
    fn part(&self, wanted: Sentiment) -> f32 {
        let length = |sentence: &JudgedSentence| sentence.range.len() as f32;
        // Of no sentences it is nothing.
        self.of_verdict(wanted).map(length).sum::<f32>() / self.sentences.iter().map(length).sum::<f32>().max(1.0)
    }
}

/// What a net's labels mean, or why they are not those of a sentiment model.
pub fn ways_of(labels: &[String]) -> Result<Ways, SentimentError> {
    Ways::of(labels).ok_or_else(|| SentimentError::Labels(labels.to_vec()))
}

impl SentimentModel {
    /// Refuses a net whose labels or vocabulary are not those of a sentiment model.
    pub fn new(loaded: LoadedNet, languages: Languages) -> Result<Self, SentimentError> {
        let ways = ways_of(&loaded.labels)?;
        if loaded.net.shape().n_positions < WINDOW_PIECES_MIN {
            return Err(SentimentError::Positions(loaded.net.shape().n_positions));
        }
        let symbols = if loaded.symbols_alone { Symbols::Alone } else { Symbols::InWords };
        let pieces = WordPiece::new(loaded.vocabulary.into_bytes(), symbols)
            .map_err(|error| SentimentError::Vocabulary(error.to_string()))?;
        Ok(Self { net: loaded.net, pieces, ways, reads: Reads { languages, symbols: loaded.symbols_alone } })
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
    pub fn check(&self, text: &str) -> Result<Kind, SentimentError> {
        let kind = judgeable::check(text, self.reads).map_err(SentimentError::NothingToJudge)?;
        if kind == Kind::Symbols && !self.pieces.knows_any(text) {
            return Err(SentimentError::NothingToJudge(Unjudgeable::NoWords));
        }
        Ok(kind)
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
        let kind = self.check(text)?;
        let is_checked = self.reads.languages == Languages::English;
        let mut reading = Reading {
            sequences: Vec::new(),
            n_windows: 0,
            sentences: Vec::new(),
            n_tokens: 0,
            truncated: is_cut,
            ledger: Ledger::default(),
            scores: Vec::new(),
            kind,
            is_checked,
            clear: self.clear(kind),
        };
        if matches!(kind, Kind::Rating(_)) {
            return Ok(reading);
        }
        let (windows, n_tokens, goes_on) = self.windows(text);
        (reading.n_windows, reading.n_tokens) = (windows.len(), n_tokens);
        reading.truncated |= goes_on;
        reading.sequences = windows;
        reading.sentences = sentences(text);
        if reading.sentences.len() < 2 || reading.sentences.len() > SENTENCES_MAX {
            reading.sentences.clear();
        }
        let longest = self.net.shape().n_positions;
        let ids = reading.sentences.iter().map(|range| self.pieces.encode(&text[range.clone()], longest).ids);
        reading.sequences.extend(ids);
        reading.ledger = Ledger::of(reading.sequences.len());
        reading.scores = vec![UNREAD; reading.sequences.len()];
        Ok(reading)
    }

    /// Reads on by one batch; the judgement once all is read.
    pub fn step(&self, reading: &mut Reading) -> Result<Option<Judgement>, SentimentError> {
        self.read_on(reading)?;
        Ok(reading.is_read().then(|| reading.judgement()))
    }

    /// Reads the next part of some work, where one waits.
    pub(super) fn read_on(&self, work: &mut impl InParts) -> Result<(), SentimentError> {
        let Some(Part { place, sequences }) = work.take(self) else { return Ok(()) };
        let logits = self.logits_of(&sequences)?;
        work.put(self, place, &logits);
        Ok(())
    }

    /// The shares of a text, from its first window alone: what evaluations measure.
    pub fn score(&self, text: &str) -> Result<Shares, SentimentError> {
        let ids = self.pieces.encode(text, self.net.shape().n_positions).ids;
        Ok(self.shares(&[ids])?[0])
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

    /// The net's own answer for each framed sequence; all in one pass, so that the net's buffers grow to their sum.
    pub fn logits_of(&self, batch: &[Vec<u32>]) -> Result<Vec<Vec<f32>>, SentimentError> {
        let lengths: Vec<usize> = batch.iter().map(Vec::len).collect();
        Ok(self.net.forward(&batch.concat(), &lengths)?.to_vec2()?)
    }

    /// How far each framed sequence leans, as log-odds; all in one pass.
    pub fn lean(&self, batch: &[Vec<u32>], towards: Towards) -> Result<Vec<f32>, SentimentError> {
        Ok(self.logits_of(batch)?.iter().map(|logits| self.leaning(logits, towards)).collect())
    }

    /// How far the net's answer leans.
    pub(super) fn leaning(&self, logits: &[f32], towards: Towards) -> f32 {
        match towards {
            Towards::Way(way) => self.ways.log_odds(logits, way),
            Towards::Positive => self.ways.log_ratio(logits),
            Towards::Negative => -self.ways.log_ratio(logits),
        }
    }

    /// The shares of each sequence, in one pass.
    pub fn shares(&self, batch: &[Vec<u32>]) -> Result<Vec<Shares>, SentimentError> {
        Ok(self.logits_of(batch)?.iter().map(|logits| self.ways.shares(logits)).collect())
    }

    fn clear(&self, kind: Kind) -> f32 {
        match kind {
            Kind::Tiny => CLEAR_OF_TINY,
            _ if self.ways.has_neutral() => CLEAR_OF_THREE,
            _ => CLEAR_OF_TWO,
        }
    }
}

/// Where to a text may lean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Towards {
    /// One way, against all others.
    Way(Way),
    /// Positive, against negative; what is neutral says nothing.
    Positive,
    /// The other way round.
    Negative,
}

/// The part of a text that is looked at, and whether that is not all.
pub(super) fn head(text: &str) -> (&str, bool) {
    (&text[..text.floor_char_boundary(TEXT_BYTES_MAX)], text.len() > TEXT_BYTES_MAX)
}

const UNREAD: Shares = Shares { negative: 0.0, neutral: 0.0, positive: 0.0 };

/// A judgement under way: the windows over the text, then its sentences, and the scores of those that were read.
#[derive(Debug)]
pub struct Reading {
    sequences: Vec<Vec<u32>>,
    n_windows: usize,
    /// Bytes of the text; empty for a single sentence.
    sentences: Vec<Range<usize>>,
    n_tokens: usize,
    truncated: bool,
    ledger: Ledger,
    /// Of each sequence, once it is read.
    scores: Vec<Shares>,
    clear: f32,
    kind: Kind,
    is_checked: bool,
}

impl Reading {
    /// Word pieces that were never taken.
    pub fn n_waiting_pieces(&self) -> usize {
        self.sequences[self.ledger.n_taken()..].iter().map(Vec::len).sum()
    }

    /// How much of the work is done, and all of it, in word pieces.
    pub fn progress(&self) -> (usize, usize) {
        // Whichever are read: a batch is about as long as any other.
        let n_pieces = |sequences: &[Vec<u32>]| sequences.iter().map(Vec::len).sum();
        (n_pieces(&self.sequences[..self.ledger.n_read()]), n_pieces(&self.sequences))
    }

    /// What the scores of all sequences come to: windows weighed by their length, and each sentence.
    fn judgement(&self) -> Judgement {
        let (windows, scores) = self.scores.split_at(self.n_windows);
        let weights = self.sequences.iter().map(|window| window.len() as f32);
        let sentences: Vec<JudgedSentence> = self
            .sentences
            .iter()
            .cloned()
            .zip(scores)
            .map(|(range, &shares)| JudgedSentence { range, shares })
            .collect();
        let shares = match self.kind {
            Kind::Rating(share) => rated(share),
            _ => together(Shares::mean(windows.iter().copied().zip(weights)), &sentences),
        };
        Judgement {
            shares,
            clear: self.clear,
            kind: self.kind,
            is_checked: self.is_checked,
            n_tokens: self.n_tokens,
            n_windows: self.n_windows.max(1),
            truncated: self.truncated,
            sentences,
        }
    }
}

impl InParts for Reading {
    fn take(&mut self, _: &SentimentModel) -> Option<Part> {
        let sequences = &self.sequences;
        let lengths = |left: Range<usize>| sequences[left].iter().map(Vec::len);
        let place = self.ledger.take(|left| n_together(lengths(left), BATCH_TOKENS))?;
        Some(Part { sequences: sequences[place.clone()].to_vec(), place })
    }

    fn put(&mut self, model: &SentimentModel, place: Range<usize>, logits: &[Vec<f32>]) {
        self.ledger.read(&place);
        for (score, logits) in self.scores[place].iter_mut().zip(logits) {
            *score = model.ways.shares(logits);
        }
    }

    fn give_back(&mut self, place: Range<usize>) {
        self.ledger.give_back(place);
    }

    fn is_waiting(&self) -> bool {
        self.ledger.is_waiting()
    }

    fn is_read(&self) -> bool {
        self.ledger.is_read()
    }
}

/// A text's own shares with those of its sentences, weighed by their length.
fn together(whole: Shares, sentences: &[JudgedSentence]) -> Shares {
    if sentences.len() < SENTENCES_TOGETHER {
        return whole;
    }
    let parts = Shares::mean(sentences.iter().map(|sentence| (sentence.shares, sentence.range.len() as f32)));
    let product = |way: Way| (whole.of(way) * parts.of(way)).powf(TOGETHER);
    let total: f32 = Way::ALL.into_iter().map(product).sum();
    if total == 0.0 {
        return whole;
    }
    let [negative, neutral, positive] = Way::ALL.map(|way| product(way) / total);
    Shares { negative, neutral, positive }
}

/// A rating's place on its scale as shares. From 70 % of it on, a rating is praise, up to 40 % blame, between neither.
fn rated(share: f32) -> Shares {
    match share {
        share if share >= 0.7 || share <= 0.4 => Shares { negative: 1.0 - share, neutral: 0.0, positive: share },
        _ => Shares { negative: 0.0, neutral: 1.0, positive: 0.0 },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PRAISE: Shares = Shares { negative: 0.02, neutral: 0.04, positive: 0.94 };
    const BLAME: Shares = Shares { negative: 0.94, neutral: 0.04, positive: 0.02 };
    const FACT: Shares = Shares { negative: 0.03, neutral: 0.94, positive: 0.03 };
    const DOUBT: Shares = Shares { negative: 0.3, neutral: 0.2, positive: 0.5 };

    /// A text of sentences of given lengths and shares, which is seen as a whole like this.
    fn judged(whole: Shares, sentences: &[(usize, Shares)]) -> Judgement {
        let sentences = sentences.iter().map(|&(length, shares)| JudgedSentence { range: 0..length, shares });
        let sentences: Vec<JudgedSentence> = sentences.collect();
        let shares = together(whole, &sentences);
        let (kind, clear) = (Kind::Sentences, CLEAR_OF_THREE);
        Judgement { shares, clear, kind, is_checked: true, n_tokens: 9, n_windows: 1, truncated: false, sentences }
    }

    fn called(whole: Shares, sentences: &[(usize, Shares)]) -> Sentiment {
        judged(whole, sentences).sentiment()
    }

    #[test]
    fn a_text_is_mixed_when_both_sides_weigh() {
        let leaning = Shares { negative: 0.25, neutral: 0.1, positive: 0.65 };
        assert_eq!(called(leaning, &[]), Sentiment::Positive);
        assert_eq!(called(leaning, &[(40, PRAISE), (40, BLAME)]), Sentiment::Mixed);
        assert_eq!(called(leaning, &[(75, PRAISE), (25, BLAME)]), Sentiment::Mixed);
        assert_eq!(called(leaning, &[(76, PRAISE), (24, BLAME)]), Sentiment::Positive);
        assert_eq!(called(leaning, &[(40, PRAISE), (40, DOUBT)]), Sentiment::Positive, "the second is not clear");
        assert_eq!(called(PRAISE, &[(40, PRAISE), (40, BLAME)]), Sentiment::Positive, "the whole is sure");
        let both = [(40, PRAISE), (40, BLAME), (40, PRAISE), (40, BLAME)];
        assert_eq!(called(PRAISE, &both), Sentiment::Mixed, "and wrong, where two sentences say so");
        assert_eq!(called(DOUBT, &[(40, PRAISE), (40, BLAME), (40, FACT), (40, FACT)]), Sentiment::Mixed);
        assert_eq!(called(PRAISE, &[(40, PRAISE), (40, PRAISE), (40, PRAISE)]), Sentiment::Positive);
        let facts = vec![(40, FACT); 20];
        let with = |more: &[(usize, Shares)]| [&facts[..], more].concat();
        assert_eq!(called(FACT, &with(&[(40, PRAISE), (40, BLAME)])), Sentiment::Neutral);
    }

    #[test]
    fn a_long_text_is_what_its_sentences_and_the_whole_of_it_say() {
        let facts = vec![(40, FACT); 20];
        let with = |more: &[(usize, Shares)]| [&facts[..], more].concat();
        // Of the whole, the net that learnt from long reviews is unsure, or sees a side.
        assert_eq!(called(DOUBT, &facts), Sentiment::Neutral);
        assert_eq!(called(FACT, &with(&[(40, BLAME), (40, BLAME)])), Sentiment::Neutral);
        let complaint = Shares { negative: 0.85, neutral: 0.1, positive: 0.05 };
        assert_eq!(called(complaint, &with(&[(40, BLAME), (40, BLAME)])), Sentiment::Unclear);
        assert_eq!(called(complaint, &[(40, FACT), (40, BLAME), (40, BLAME), (40, FACT)]), Sentiment::Negative);
        let shares = judged(complaint, &with(&[(40, BLAME), (40, BLAME)])).shares;
        assert!((shares.negative + shares.neutral + shares.positive - 1.0).abs() < 1e-6, "{shares:?}");
        assert!(together(PRAISE, &[]) == PRAISE);
    }

    #[test]
    fn what_a_percentage_claims_depends_on_text_and_verdict() {
        assert_eq!(judged(PRAISE, &[]).claim(), Claim::Right);
        assert_eq!(judged(FACT, &[]).claim(), Claim::Sober);
        assert_eq!(judged(DOUBT, &[]).claim(), Claim::Sees);
        let of = |kind: Kind, shares: Shares| Judgement { kind, ..judged(shares, &[]) }.claim();
        let sentences = |blame: usize| [vec![(40, BLAME); blame], vec![(40, FACT); 4]].concat();
        assert_eq!(judged(BLAME, &sentences(2)).claim(), Claim::Right);
        let few = judged(Shares { negative: 0.995, neutral: 0.004, positive: 0.001 }, &sentences(1));
        assert_eq!((few.sentiment(), few.claim()), (Sentiment::Negative, Claim::Sees));
        assert_eq!(of(Kind::Fragment, FACT), Claim::Right);
        assert_eq!(of(Kind::Fragment, BLAME), Claim::Sees);
        let sure = Shares { negative: 0.96, neutral: 0.03, positive: 0.01 };
        assert_eq!(
            [of(Kind::Chat, BLAME), of(Kind::Chat, sure), of(Kind::Chat, FACT)],
            [Claim::Sees, Claim::Right, Claim::Sober]
        );
        assert_eq!(of(Kind::Symbols, PRAISE), Claim::Sees);
        assert_eq!(of(Kind::Rating(0.8), rated(0.8)), Claim::Rated);
        assert_eq!(Judgement { is_checked: false, ..judged(PRAISE, &[]) }.claim(), Claim::Own);
        let rating = Judgement { is_checked: false, kind: Kind::Rating(0.8), ..judged(rated(0.8), &[]) };
        assert_eq!(rating.claim(), Claim::Rated, "which no model was asked about");
    }

    #[test]
    fn ratings_are_words() {
        let called = |share: f32| sentiment_of(rated(share), CLEAR_OF_THREE);
        assert_eq!([called(1.0), called(0.8), called(0.7)], [Sentiment::Positive; 3]);
        assert_eq!([called(0.6), called(0.5)], [Sentiment::Neutral; 2]);
        assert_eq!([called(0.4), called(0.2), called(0.0)], [Sentiment::Negative; 3]);
    }

    #[test]
    fn a_very_long_text_is_cut_between_characters() {
        assert_eq!(head("good"), ("good", false));
        let (text, is_cut) = (format!("a{}", "é".repeat(TEXT_BYTES_MAX / 2)), true);
        assert_eq!((head(&text).0.len(), head(&text).1), (TEXT_BYTES_MAX - 1, is_cut));
    }
}
