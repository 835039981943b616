//! Which words pushed a verdict. A word's push is the mean of two: the log-odds that its absence costs, and those by which
//! it alone leans more than a word that says nothing. Coarse first (what each word of a short text says alone, sentences of a
//! long one), then without each word where it matters, one batch per step, so that a card can show what is known so far and a closed card ends it.
//!
//! Both, because absence alone is blind where others say the same: without "wonderful", "What a wonderful evening, I enjoyed
//! every minute of it" is as positive as before. Over every third of the shorter sentences of tests/evaluation/sentences.tsv
//! (53 of more than three words; `sotto eval --why`), the three words found by both keep the verdict's side alone in 92.5 %
//! of the texts and cost 4.20 log-odds together; those found by absence 94.3 % and 4.04, by what they say alone 96.2 % and
//! 3.41, with [MASK] in their place 94.3 % and 4.05, with [UNK] 92.5 % and 3.77. What is shown first: 96.2 % and 3.64; spans of
//! a text, which were shown first before, 82.0 % and 2.92 (of all lengths), in twice the time. It never knows who asks.

use std::ops::Range;

use unicode_segmentation::UnicodeSegmentation;

use super::parts::{InParts, Ledger, Part, n_together};
use super::sentiment::{SentimentError, SentimentModel, Towards, head};
use super::ways::Way;
use crate::protocol::Sentiment;
use crate::text::sentences::sentences;
use crate::text::wordpiece::Piece;

/// Word pieces that go through the net in one step: a step is what a person waits for at most before a cancel counts.
const STEP_TOKENS: usize = 256;
/// Word pieces spent on single words in all: enough to leave out every word of a text of 30.
const FINE_TOKENS: usize = 1_280;
/// Sentences of a long text are read until this many word pieces; the rest is not explained, and the answer says so.
const COARSE_TOKENS: usize = 2_048;
/// So few words are left out one by one at once.
const FEW_WORDS: usize = 8;

/// Below this many log-odds a word changes nothing that a person would notice: 0.5 becomes 0.56.
const PUSH_MIN: f32 = 0.25;
/// Shares of the strongest push from which on a word counts as weak, middling and strong.
const STRENGTHS: [f32; 3] = [0.15, 0.4, 0.7];

/// What leaving out one word changed.
#[derive(Debug, Clone, PartialEq)]
pub struct WordPush {
    /// Bytes of the text.
    pub range: Range<usize>,
    /// Log-odds that the word adds towards the verdict; negative where it pushes away from it.
    pub push: f32,
    /// 0 (nothing to speak of) to 3 (strong), beside the strongest word of the same text.
    pub strength: u8,
}

/// An explanation under way. Call [`Self::step`] until it answers false; [`Self::words`] tells what is known so far.
#[derive(Debug)]
pub struct Why {
    units: Vec<Unit>,
    towards: Towards,
    /// How a text of no words leans.
    nothing: f32,
    partly: bool,
    stage: Stage,
    /// Of this stage.
    probes: Vec<Probe>,
    ledger: Ledger,
}

/// What is judged in one piece: the whole of a short text, or one sentence of a longer one.
#[derive(Debug)]
struct Unit {
    /// Word pieces without the net's own signs.
    ids: Vec<u32>,
    words: Vec<Word>,
    lean: f32,
}

#[derive(Debug)]
struct Word {
    range: Range<usize>,
    /// Which of the unit's `ids` are its own.
    pieces: Range<usize>,
    /// What its absence costs; its share of that of its sentence while only that is known.
    absence: Option<f32>,
    /// How it leans alone, where that is known.
    alone: Option<f32>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Stage {
    /// Units as they are; and words alone where there is one unit only.
    Coarse,
    Fine,
    Done,
}

/// One sequence to judge.
#[derive(Debug, Clone)]
struct Probe {
    unit: usize,
    /// Words of the unit.
    words: Range<usize>,
    kept: Kept,
}

/// What a probe judges of a unit.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Kept {
    /// All but the words; without any, the unit itself.
    Rest,
    /// The words alone; without any, nothing at all.
    Words,
}

impl Why {
    /// Takes the text apart to explain this verdict on it; nothing is judged yet.
    pub fn new(model: &SentimentModel, text: &str, verdict: Sentiment) -> Result<Self, SentimentError> {
        let (text, is_cut) = head(text);
        model.check(text)?;
        let longest = model.net().shape().n_positions - 2;
        let whole = unit(model, text, 0..text.len(), longest);
        let in_one = whole.ids.len() < longest && whole.words.len() * whole.ids.len() <= FINE_TOKENS;
        // A single sentence is read as a whole, like a short text.
        let ranges = if in_one { Vec::new() } else { sentences(text) };
        let ranges = if ranges.len() > 1 { ranges } else { Vec::new() };
        let mut units = Vec::new();
        let mut n_tokens = 0;
        let mut partly = is_cut;
        for range in ranges {
            let end = range.end;
            let unit = unit(model, text, range, longest);
            n_tokens += unit.ids.len() + 2;
            if n_tokens > COARSE_TOKENS && !units.is_empty() {
                partly = true;
                break;
            }
            partly |= unit.is_cut(text, end, longest);
            units.push(unit);
        }
        if units.is_empty() {
            partly |= whole.is_cut(text, text.len(), longest);
            units.push(whole);
        }
        let towards = towards(verdict, units.len() > 1);
        let mut why = Self {
            units,
            towards,
            nothing: 0.0,
            partly,
            stage: Stage::Coarse,
            probes: Vec::new(),
            ledger: Ledger::default(),
        };
        why.plan_coarse();
        Ok(why)
    }

    /// Judges one batch; false when there is nothing left to do.
    pub fn step(&mut self, model: &SentimentModel) -> Result<bool, SentimentError> {
        model.read_on(self)?;
        Ok(self.stage != Stage::Done)
    }

    /// Whether the coarse stage's answer is known and more to come: worth showing while the rest is worked out.
    pub fn has_overview(&self) -> bool {
        self.stage == Stage::Fine && (self.units.len() > 1 || self.units[0].words.len() > FEW_WORDS)
    }

    /// How much is done, and all there is, in passes through the net: an estimate until the fine stage is planned.
    pub fn progress(&self) -> (usize, usize) {
        match self.stage {
            Stage::Coarse => (self.ledger.n_read(), 2 * self.probes.len()),
            Stage::Fine => (self.probes.len() + self.ledger.n_read(), 2 * self.probes.len()),
            Stage::Done => (1, 1),
        }
    }

    /// Whether the text goes on past what is explained.
    pub fn partly(&self) -> bool {
        self.partly
    }

    /// Every word of the explained text in reading order, with what is known of it so far.
    pub fn words(&self) -> Vec<WordPush> {
        let usual = self.usual();
        let push = |word: &Word| match (word.absence, word.alone) {
            (Some(absence), Some(alone)) => (absence + alone - usual) / 2.0,
            (None, Some(alone)) => alone - usual,
            (absence, None) => absence.unwrap_or_default(),
        };
        let words = || self.units.iter().flat_map(|unit| &unit.words).map(|word| (word.range.clone(), push(word)));
        let most = words().map(|(_, push)| push.abs()).fold(PUSH_MIN, f32::max);
        let strength = |push: f32| match push.abs() {
            push if push < PUSH_MIN => 0,
            push => STRENGTHS.iter().filter(|&&share| push >= share * most).count() as u8,
        };
        words().map(|(range, push)| WordPush { range, push, strength: strength(push) }).collect()
    }

    /// How a word leans alone that says nothing of its own: the median of those of the text, among which a text of no words
    /// counts for several, so that it alone decides where there are few. Even "the" leans otherwise than nothing does.
    fn usual(&self) -> f32 {
        const NOTHINGS: usize = 4;
        let alone = self.units.iter().flat_map(|unit| &unit.words).filter_map(|word| word.alone);
        let mut all: Vec<f32> = alone.chain([self.nothing; NOTHINGS]).collect();
        all.sort_by(f32::total_cmp);
        all[all.len() / 2]
    }

    fn plan_coarse(&mut self) {
        let probe = |unit: usize, words: Range<usize>, kept: Kept| Probe { unit, words, kept };
        self.probes = (0..self.units.len()).map(|unit| probe(unit, 0..0, Kept::Rest)).collect();
        self.probes.push(probe(0, 0..0, Kept::Words));
        if let [unit] = self.units.as_slice() {
            self.probes.extend((0..unit.words.len()).map(|word| probe(0, word..word + 1, Kept::Words)));
        }
        self.ledger = Ledger::of(self.probes.len());
    }

    /// Single words, those first that say most alone, or whose sentence does, as many as fit.
    fn plan_fine(&mut self) {
        let usual = self.usual();
        let by_sentences = self.units.len() > 1;
        let mut words: Vec<(f32, usize, usize)> = Vec::new();
        for (number, unit) in self.units.iter().enumerate() {
            for (index, word) in unit.words.iter().enumerate() {
                let weight = if by_sentences { unit.lean } else { word.alone.unwrap_or_default() - usual };
                words.push((weight.abs(), number, index));
            }
        }
        // Stable: words of a sentence stay together and in order.
        words.sort_by(|(a, ..), (b, ..)| b.total_cmp(a));
        let mut n_tokens = 0;
        self.probes.clear();
        for (_, unit, word) in words {
            n_tokens += self.units[unit].ids.len() + 1;
            if n_tokens <= FINE_TOKENS {
                self.probes.push(Probe { unit, words: word..word + 1, kept: Kept::Rest });
                if by_sentences {
                    self.probes.push(Probe { unit, words: word..word + 1, kept: Kept::Words });
                }
            }
        }
        self.ledger = Ledger::of(self.probes.len());
        self.stage = if self.probes.is_empty() { Stage::Done } else { Stage::Fine };
    }
}

impl InParts for Why {
    fn take(&mut self, model: &SentimentModel) -> Option<Part> {
        let (units, probes) = (&self.units, &self.probes);
        let ids = |probe: &Probe| {
            let unit = &units[probe.unit];
            model.framed(&match probe.kept {
                Kept::Rest => unit.without(&probe.words),
                Kept::Words => unit.only(&probe.words),
            })
        };
        let lengths = |left: Range<usize>| probes[left].iter().map(|probe| ids(probe).len());
        let place = self.ledger.take(|left| n_together(lengths(left), STEP_TOKENS))?;
        Some(Part { sequences: probes[place.clone()].iter().map(ids).collect(), place })
    }

    fn put(&mut self, model: &SentimentModel, place: Range<usize>, logits: &[Vec<f32>]) {
        self.ledger.read(&place);
        let by_sentences = self.units.len() > 1;
        for (probe, logits) in self.probes[place].iter().zip(logits) {
            let lean = model.leaning(logits, self.towards);
            let unit = &mut self.units[probe.unit];
            match (probe.kept, unit.words.get_mut(probe.words.clone())) {
                (Kept::Words, Some([word, ..])) => word.alone = Some(lean),
                (Kept::Words, _) => self.nothing = lean,
                (Kept::Rest, Some([word, ..])) => word.absence = Some(unit.lean - lean),
                (Kept::Rest, _) => unit.learn(lean, by_sentences),
            }
        }
        if self.ledger.is_read() {
            match self.stage {
                Stage::Coarse => self.plan_fine(),
                Stage::Fine | Stage::Done => self.stage = Stage::Done,
            }
        }
    }

    fn give_back(&mut self, place: Range<usize>) {
        self.ledger.give_back(place);
    }

    fn is_waiting(&self) -> bool {
        self.ledger.is_waiting()
    }

    fn is_read(&self) -> bool {
        self.stage == Stage::Done
    }
}

/// What a verdict is explained by. A sentence of its own pushes by what it says itself, and then a neutral one must push
/// neither way: it would be far from positive otherwise.
fn towards(verdict: Sentiment, by_sentences: bool) -> Towards {
    match verdict {
        Sentiment::Positive if !by_sentences => Towards::Way(Way::Positive),
        Sentiment::Negative if !by_sentences => Towards::Way(Way::Negative),
        Sentiment::Neutral => Towards::Way(Way::Neutral),
        Sentiment::Negative => Towards::Negative,
        Sentiment::Positive | Sentiment::Mixed | Sentiment::Unclear => Towards::Positive,
    }
}

impl Unit {
    fn only(&self, words: &Range<usize>) -> Vec<u32> {
        self.words[words.clone()].iter().flat_map(|word| &self.ids[word.pieces.clone()]).copied().collect()
    }

    fn without(&self, left_out: &Range<usize>) -> Vec<u32> {
        let mut ids = self.ids.clone();
        for word in self.words[left_out.clone()].iter().rev() {
            ids.drain(word.pieces.clone());
        }
        ids
    }

    /// Takes in how the unit itself leans. Words of a sentence share that until they have their own.
    fn learn(&mut self, lean: f32, is_sentence: bool) {
        self.lean = lean;
        let share = lean / self.words.len() as f32;
        if is_sentence {
            self.words.iter_mut().for_each(|word| word.absence = Some(share));
        }
    }

    /// Whether pieces of the text before `end` found no room.
    fn is_cut(&self, text: &str, end: usize, longest: usize) -> bool {
        let last = self.words.last().map_or(0, |word| word.range.end);
        self.ids.len() == longest && text[last..end].unicode_words().next().is_some()
    }
}

/// The part `range` of the text as far as it fits the net.
fn unit(model: &SentimentModel, text: &str, range: Range<usize>, longest: usize) -> Unit {
    let (start, text) = (range.start, &text[range]);
    let mut pieces: Vec<Piece> = model.pieces().pieces_with_offsets(text);
    pieces.truncate(longest);
    let mut words: Vec<Word> = Vec::new();
    let mut next = 0;
    for (at, word) in text.unicode_word_indices() {
        let end = at + word.len();
        while pieces.get(next).is_some_and(|piece| piece.bytes.end <= at) {
            next += 1;
        }
        let first = next;
        while pieces.get(next).is_some_and(|piece| piece.bytes.start < end) {
            next += 1;
        }
        // A word of characters that the tokeniser drops has no piece; one past the net's end has none either.
        if next > first {
            words.push(Word { range: start + at..start + end, pieces: first..next, absence: None, alone: None });
        }
    }
    Unit { ids: pieces.iter().map(|piece| piece.id).collect(), words, lean: 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leaving_words_out_leaves_the_rest_in_place() {
        let word = |pieces: Range<usize>| Word { range: 0..1, pieces, absence: None, alone: None };
        let mut unit = Unit { ids: vec![1, 2, 3, 4, 5], words: vec![word(0..1), word(1..3), word(4..5)], lean: 0.0 };
        assert_eq!(unit.without(&(0..0)), [1, 2, 3, 4, 5]);
        assert_eq!(unit.without(&(1..2)), [1, 4, 5]);
        assert_eq!(unit.without(&(0..3)), [4]);
        assert_eq!(unit.only(&(1..2)), [2, 3]);
        unit.learn(3.0, true);
        assert_eq!(unit.words.iter().map(|word| word.absence).collect::<Vec<_>>(), [Some(1.0); 3]);
    }
}
