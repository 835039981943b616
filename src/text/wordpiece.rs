//! BERT's uncased word pieces, exactly as the tokenizers crate makes them (tests/oracles compares them, every character
//! alone and 20,000 lines of many scripts), in a form that starts fast in a browser: the vocabulary stays one byte
//! buffer and is found through a table of u32. It never knows what a net does with the ids.
//!
//! Which characters are marks, punctuation or controls comes from the crate unicode_categories, whose tables are the
//! ones BERT's tokenizer was measured with: 11 KB, and nothing to keep in step. Text that spells "[CLS]" or "[SEP]" is
//! text: a page can't smuggle in the net's own signs.
//!
//! The way of a word: characters are cleaned, decomposed, stripped of accents and lowered one by one; spaces end a
//! word, CJK and punctuation stand alone; then the longest known piece is taken from the front, again and again.
//!
//! BERT knows hardly an emoji, and to it one that touches a word makes that word unknown. A vocabulary that has places
//! for them says so ([`Symbols::Alone`]), and three rules join BERT's, in this order:
//! 1. Before all else, what only dresses or joins others goes: U+200D before ♀ or ♂ and that sign with it, then skin tones
//!    (U+1F3FB to 1F3FF), U+FE0E, U+FE0F, U+20E3 and U+200D. A keycap becomes its digit, a family its members.
//! 2. Every two regional indicators in a row, from the left, become one 🏳.
//! 3. After cleaning, decomposing and lowering, each symbol ([`is_symbol`]) stands alone, as punctuation does.
//!
//! What goes belongs to the piece before it, so that the places of a piece cover the whole of what is seen.

use std::ops::Range;

use thiserror::Error;
use unicode_categories::UnicodeCategories;
use unicode_normalization::char::decompose_canonical;

/// Words of more characters are unknown as a whole.
const WORD_CHARACTERS_MAX: usize = 100;
/// Pieces inside a word are written with this in front.
const CONTINUATION: &[u8] = b"##";
const EMPTY: u32 = u32::MAX;

/// Why a vocabulary can not be used.
#[derive(Debug, Error, PartialEq, Eq)]
#[allow(missing_docs, reason = "the message of each variant says what it is")]
pub enum VocabularyError {
    #[error("the vocabulary is not UTF-8 at byte {at}")]
    NotUtf8 { at: usize },
    #[error("the vocabulary has no {piece}; it is not BERT's")]
    Missing { piece: &'static str },
    #[error("the vocabulary has no {symbol}, which every flag becomes where symbols stand alone")]
    MissingSymbol { symbol: char },
    #[error(
        "the vocabulary has {symbol} twice, as pieces {first} and {second}; where symbols stand alone each has one"
    )]
    DoubledSymbol { symbol: char, first: u32, second: u32 },
    #[error("the vocabulary has {n_bytes} bytes; at most {max} can be indexed")]
    TooLong { n_bytes: usize, max: usize },
}

/// What becomes of emoji, arrows, shapes and other signs that are neither letters nor punctuation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Symbols {
    /// They are parts of words, like letters: BERT's own way.
    InWords,
    /// Each is a word of its own, and what only dresses or joins them goes; the head of this file has the rules. The
    /// vocabulary must have 🏳, and no symbol twice.
    Alone,
}

/// A vocabulary, ready to encode.
pub struct WordPiece {
    /// Pieces in the order of their ids, a newline after each.
    vocabulary: Vec<u8>,
    /// Where each piece begins, and one past the last newline.
    starts: Vec<u32>,
    /// Open addressing over hashes of pieces: ids, or [`EMPTY`]. A power of two long, at most half full.
    table: Vec<u32>,
    longest_piece: usize,
    unknown: u32,
    first: u32,
    last: u32,
    symbols: Symbols,
}

impl std::fmt::Debug for WordPiece {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("WordPiece").field("n_pieces", &self.n_pieces()).finish_non_exhaustive()
    }
}

/// A text as the net takes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Encoding {
    /// `[CLS]`, the pieces, `[SEP]`.
    pub ids: Vec<u32>,
    /// Whether the text had more pieces than there was room for.
    pub truncated: bool,
}

/// One piece and where it comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    /// Its line in the vocabulary, from 0.
    pub id: u32,
    /// Bytes of the input, on character borders. Accents that were stripped belong to the letter or sign before them, and
    /// so does what goes where symbols stand alone.
    pub bytes: Range<usize>,
    /// Counts words (and signs of punctuation, CJK characters, symbols that stand alone) from 0: pieces of one word share
    /// it.
    pub word: usize,
}

impl WordPiece {
    /// `vocabulary` is what vocab.txt holds: pieces in the order of their ids, separated by newlines. `symbols` is what it
    /// was made for.
    pub fn new(mut vocabulary: Vec<u8>, symbols: Symbols) -> Result<Self, VocabularyError> {
        const VOCABULARY_BYTES_MAX: usize = 1 << 30;
        if vocabulary.len() > VOCABULARY_BYTES_MAX {
            return Err(VocabularyError::TooLong { n_bytes: vocabulary.len(), max: VOCABULARY_BYTES_MAX });
        }
        if let Err(error) = std::str::from_utf8(&vocabulary) {
            return Err(VocabularyError::NotUtf8 { at: error.valid_up_to() });
        }
        if vocabulary.last().is_some_and(|&byte| byte != b'\n') {
            vocabulary.push(b'\n');
        }
        let mut starts = vec![0];
        starts.extend(vocabulary.iter().enumerate().filter(|(_, byte)| **byte == b'\n').map(|(i, _)| i as u32 + 1));
        let n_pieces = starts.len() - 1;
        let table = vec![EMPTY; (2 * n_pieces).next_power_of_two().max(2)];
        let mut pieces = Self { vocabulary, starts, table, longest_piece: 0, unknown: 0, first: 0, last: 0, symbols };
        for second in 0..n_pieces as u32 {
            if let Some(first) = pieces.insert(second)
                && let Some(symbol) = pieces.piece(second).and_then(only_character)
                && symbols == Symbols::Alone
                && is_symbol(symbol)
            {
                return Err(VocabularyError::DoubledSymbol { symbol, first, second });
            }
        }
        let id_of = |piece: &str| pieces.find(hash(HASH_SEED, piece.as_bytes()), &[piece.as_bytes()]);
        let find = |piece: &'static str| id_of(piece).ok_or(VocabularyError::Missing { piece });
        let (unknown, first, last) = (find("[UNK]")?, find("[CLS]")?, find("[SEP]")?);
        if symbols == Symbols::Alone && id_of(FLAG.encode_utf8(&mut [0; 4])).is_none() {
            return Err(VocabularyError::MissingSymbol { symbol: FLAG });
        }
        Ok(Self { unknown, first, last, ..pieces })
    }

    /// Lines of the vocabulary.
    pub fn n_pieces(&self) -> usize {
        self.starts.len() - 1
    }

    /// Whether anything of a text is in the vocabulary.
    pub fn knows_any(&self, text: &str) -> bool {
        // Reads on while `take` says so, which ends at the first that is known.
        !self.each_piece(text, |piece| piece.id == self.unknown)
    }

    /// The ids of `[CLS]` and `[SEP]`, between which every sequence stands.
    pub fn frame(&self) -> (u32, u32) {
        (self.first, self.last)
    }

    /// The piece as it stands in the vocabulary, `##` included.
    pub fn piece(&self, id: u32) -> Option<&str> {
        // The whole buffer was checked in `new`, and newlines are character borders.
        ((id as usize) < self.n_pieces()).then(|| std::str::from_utf8(self.piece_bytes(id)).unwrap_or_default())
    }

    /// The ids of `text` with `[CLS]` before and `[SEP]` after, at most `max_tokens` in all (but always these two).
    /// Reads no further than that.
    pub fn encode(&self, text: &str, max_tokens: usize) -> Encoding {
        let mut ids = vec![self.first];
        let room = max_tokens.saturating_sub(2);
        let whole = self.each_piece(text, |piece| {
            let fits = ids.len() <= room;
            if fits {
                ids.push(piece.id);
            }
            fits
        });
        ids.push(self.last);
        Encoding { ids, truncated: !whole }
    }

    /// All pieces of `text`, without `[CLS]` and `[SEP]`, each with its place.
    pub fn pieces_with_offsets(&self, text: &str) -> Vec<Piece> {
        let mut pieces = Vec::new();
        self.each_piece(text, |piece| {
            pieces.push(piece);
            true
        });
        pieces
    }

    /// Calls `take` for each piece until it answers false; says whether all were taken.
    fn each_piece(&self, text: &str, mut take: impl FnMut(Piece) -> bool) -> bool {
        let mut word = Word::default();
        let mut n_words = 0;
        let mut flush = |word: &mut Word| {
            let going_on = word.n_characters == 0 || self.split(word, n_words, &mut take);
            n_words += usize::from(word.n_characters > 0);
            word.clear();
            going_on
        };
        let symbols_alone = self.symbols == Symbols::Alone;
        for (start, character) in text.char_indices() {
            let source = start..start + character.len_utf8();
            // Most text is this; none of it decomposes.
            if character.is_ascii_alphanumeric() {
                if word.is_closed && !flush(&mut word) {
                    return false;
                }
                word.push(character.to_ascii_lowercase(), &source);
                continue;
            }
            if symbols_alone && character >= JOINER {
                if goes(character, &text.as_bytes()[..start]) {
                    word.extend_to(source.end);
                    continue;
                }
                if is_regional_indicator(character) {
                    if word.is_half_flag {
                        word.complete_flag(source.end);
                    } else if flush(&mut word) {
                        word.push(character, &source);
                        (word.is_closed, word.is_half_flag) = (true, true);
                    } else {
                        return false;
                    }
                    continue;
                }
                if is_tag(character) {
                    word.extend_to(source.end);
                }
            }
            // Whatever else comes, seen or not, stands between two halves.
            word.is_half_flag = false;
            let is_cjk = is_cjk(character);
            if is_cjk && !flush(&mut word) {
                return false;
            }
            let mut going_on = true;
            normalise(character, |step| match step {
                _ if !going_on => {}
                Step::Space => going_on = flush(&mut word),
                Step::Mark => word.extend_to(source.end),
                Step::Punctuation(sign) => {
                    going_on = flush(&mut word);
                    word.push(sign, &source);
                    word.is_closed = true;
                }
                Step::Letter(letter) => {
                    let stands_alone = symbols_alone && is_symbol(letter);
                    if stands_alone || word.is_closed {
                        going_on = flush(&mut word);
                    }
                    word.push(letter, &source);
                    word.is_closed = stands_alone;
                }
            });
            if !going_on {
                return false;
            }
            word.is_closed |= is_cjk;
        }
        flush(&mut word)
    }

    /// Splits a word into the longest known pieces from the front; a word that can't be split is unknown as a whole.
    fn split(&self, word: &Word, number: usize, take: &mut impl FnMut(Piece) -> bool) -> bool {
        let unknown = Piece { id: self.unknown, bytes: word.source.clone(), word: number };
        if word.n_characters > WORD_CHARACTERS_MAX {
            return take(unknown);
        }
        let mut pieces: Vec<Piece> = Vec::new();
        let mut from = 0;
        while from < word.ends.len() {
            let start = if from == 0 { 0 } else { word.ends[from - 1].0 };
            let Some((id, to)) = self.longest(word, start, from) else { return take(unknown) };
            let piece = Piece { id, bytes: word.ends[from].1.start..word.ends[to - 1].1.end, word: number };
            // Most words are one piece, and so are all symbols: no memory is asked for.
            if to - from == word.ends.len() {
                return take(piece);
            }
            pieces.push(piece);
            from = to;
        }
        pieces.into_iter().all(take)
    }

    /// The longest piece that the word has at byte `start`, its character number `from`; and the number after its last.
    fn longest(&self, word: &Word, start: usize, from: usize) -> Option<(u32, usize)> {
        let prefix = if from == 0 { &[][..] } else { CONTINUATION };
        // FNV hashes grow byte by byte, so one pass hashes every beginning of the rest.
        let mut hashes = [0; WORD_CHARACTERS_MAX];
        let mut running = hash(HASH_SEED, prefix);
        let mut byte = start;
        let mut to = from;
        while to < word.ends.len() && prefix.len() + word.ends[to].0 - start <= self.longest_piece {
            running = hash(running, &word.text[byte..word.ends[to].0]);
            byte = word.ends[to].0;
            hashes[to - from] = running;
            to += 1;
        }
        (from + 1..=to).rev().find_map(|to| {
            let text = &word.text[start..word.ends[to - 1].0];
            self.find(hashes[to - 1 - from], &[prefix, text]).map(|id| (id, to))
        })
    }

    fn piece_bytes(&self, id: u32) -> &[u8] {
        let id = id as usize;
        &self.vocabulary[self.starts[id] as usize..self.starts[id + 1] as usize - 1]
    }

    /// Answers with the id that the piece had until now, where it stands twice.
    fn insert(&mut self, id: u32) -> Option<u32> {
        let piece = self.piece_bytes(id);
        let n_bytes = piece.len();
        let mask = self.table.len() - 1;
        let mut slot = spread(hash(HASH_SEED, piece)) & mask;
        // A piece that stands twice has its last id, as in a table that is filled line by line.
        while self.table[slot] != EMPTY && self.piece_bytes(self.table[slot]) != self.piece_bytes(id) {
            slot = (slot + 1) & mask;
        }
        let before = std::mem::replace(&mut self.table[slot], id);
        self.longest_piece = self.longest_piece.max(n_bytes);
        (before != EMPTY).then_some(before)
    }

    /// The piece made of `parts`, whose hash is known.
    fn find(&self, hash: u32, parts: &[&[u8]]) -> Option<u32> {
        let mask = self.table.len() - 1;
        let mut slot = spread(hash) & mask;
        loop {
            let id = self.table[slot];
            if id == EMPTY {
                return None;
            }
            let mut rest = Some(self.piece_bytes(id));
            for part in parts {
                rest = rest.and_then(|rest| rest.strip_prefix(*part));
            }
            if rest.is_some_and(<[u8]>::is_empty) {
                return Some(id);
            }
            slot = (slot + 1) & mask;
        }
    }
}

const HASH_SEED: u32 = 0x811c_9dc5;

/// FNV-1a.
fn hash(seed: u32, bytes: &[u8]) -> u32 {
    bytes.iter().fold(seed, |hash, &byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193))
}

/// FNV's low bits alone are weak.
fn spread(hash: u32) -> usize {
    (hash ^ hash >> 15) as usize
}

/// A word under way: its normalised text, and for each of its characters where that ends and where it came from.
#[derive(Default)]
struct Word {
    text: Vec<u8>,
    ends: Vec<(usize, Range<usize>)>,
    n_characters: usize,
    source: Range<usize>,
    /// It stands alone: what follows is another word, but for what belongs to its last character.
    is_closed: bool,
    /// It is a regional indicator that the next character may make a flag of.
    is_half_flag: bool,
}

impl Word {
    fn push(&mut self, letter: char, source: &Range<usize>) {
        if self.n_characters == 0 {
            self.source = source.clone();
        }
        self.source.end = source.end;
        self.n_characters += 1;
        // What is too long is unknown anyway: a page of letters without a space must not fill the memory.
        if self.n_characters <= WORD_CHARACTERS_MAX {
            self.text.extend_from_slice(letter.encode_utf8(&mut [0; 4]).as_bytes());
            self.ends.push((self.text.len(), source.clone()));
        }
    }

    fn extend_to(&mut self, end: usize) {
        if self.n_characters > 0 {
            self.source.end = end;
            if let Some((_, source)) = self.ends.last_mut() {
                source.end = end;
            }
        }
    }

    /// Makes the one regional indicator that this word is, and the one that ends at `end`, a flag.
    fn complete_flag(&mut self, end: usize) {
        self.text.clear();
        self.text.extend_from_slice(FLAG.encode_utf8(&mut [0; 4]).as_bytes());
        self.extend_to(end);
        self.is_half_flag = false;
    }

    fn clear(&mut self) {
        self.text.clear();
        self.ends.clear();
        self.n_characters = 0;
        (self.is_closed, self.is_half_flag) = (false, false);
    }
}

/// What becomes of a character.
enum Step {
    Space,
    /// An accent, stripped.
    Mark,
    Punctuation(char),
    Letter(char),
}

/// For all but ASCII letters and digits, which have a quicker way.
fn normalise(character: char, mut step: impl FnMut(Step)) {
    if matches!(character, '\t' | '\n' | '\r' | ' ') {
        return step(Step::Space);
    }
    if matches!(character, '\0' | '\u{fffd}') || character.is_other() {
        return;
    }
    if character.is_whitespace() {
        return step(Step::Space);
    }
    decompose_canonical(character, |part| {
        if part.is_mark_nonspacing() {
            return step(Step::Mark);
        }
        for lower in part.to_lowercase() {
            step(if lower.is_whitespace() {
                Step::Space
            } else if lower.is_ascii_punctuation() || lower.is_punctuation() {
                Step::Punctuation(lower)
            } else {
                Step::Letter(lower)
            });
        }
    });
}

/// The ideographs that BERT sets apart: these blocks, whatever else Unicode has added since.
fn is_cjk(character: char) -> bool {
    matches!(
        u32::from(character),
        0x4E00..=0x9FFF
            | 0x3400..=0x4DBF
            | 0x20000..=0x2A6DF
            | 0x2A700..=0x2B73F
            | 0x2B740..=0x2B81F
            | 0x2B920..=0x2CEAF
            | 0xF900..=0xFAFF
            | 0x2F800..=0x2FA1F
    )
}

const JOINER: char = '\u{200D}';
const JOINER_UTF8: &[u8] = b"\xE2\x80\x8D";
/// What two regional indicators become.
const FLAG: char = '\u{1F3F3}';

/// Whether a character only dresses or joins those beside it; `before` are the bytes of the text before it.
fn goes(character: char, before: &[u8]) -> bool {
    match character {
        JOINER | '\u{20E3}' | '\u{FE0E}' | '\u{FE0F}' | '\u{1F3FB}'..='\u{1F3FF}' => true,
        '\u{2640}' | '\u{2642}' => before.ends_with(JOINER_UTF8),
        _ => false,
    }
}

fn is_regional_indicator(character: char) -> bool {
    matches!(character, '\u{1F1E6}'..='\u{1F1FF}')
}

/// Letters that nobody sees, and that BERT drops: after 🏴 they say which flag it is.
fn is_tag(character: char) -> bool {
    matches!(character, '\u{E0020}'..='\u{E007F}')
}

/// Arrows, technical signs, shapes, dingbats, pictographs: what stands alone under [`Symbols::Alone`].
pub fn is_symbol(character: char) -> bool {
    matches!(
        u32::from(character),
        0x2190..=0x21FF | 0x2300..=0x23FF | 0x25A0..=0x27BF | 0x2900..=0x297F | 0x2B00..=0x2BFF | 0x1F000..=0x1FAFF
    )
}

fn only_character(text: &str) -> Option<char> {
    let mut characters = text.chars();
    characters.next().filter(|_| characters.next().is_none())
}

#[cfg(test)]
mod tests {
    use super::*;

    const PIECES: &str =
        "[PAD]\n[UNK]\n[CLS]\n[SEP]\n🏳\n🏴\n😀\n👍\n👩\n👨\n👧\n💻\n❤\n🤷\n🌈\n♀\n→\nso\ngood\na\nb\n##b\n1\n#\n!\n‼\n";

    fn alone() -> WordPiece {
        WordPiece::new(PIECES.into(), Symbols::Alone).expect("every flag has its piece")
    }

    /// Each piece of a text, and what it covers.
    #[track_caller]
    fn check(text: &str, expected: &[(&str, &str)]) {
        let pieces = alone();
        let places = pieces.pieces_with_offsets(text);
        let found: Vec<_> =
            places.iter().map(|at| (pieces.piece(at.id).unwrap_or(""), &text[at.bytes.clone()])).collect();
        assert_eq!(found, expected, "{text:?}");
        let ids: Vec<u32> = places.iter().map(|piece| piece.id).collect();
        let encoding = pieces.encode(text, usize::MAX);
        assert_eq!(encoding.ids[1..encoding.ids.len() - 1], ids, "{text:?}");
    }

    #[test]
    fn symbols_stand_alone_in_words_and_in_rows() {
        check("😀", &[("😀", "😀")]);
        check("😀😀 😀", &[("😀", "😀"); 3]);
        check("so😀good", &[("so", "so"), ("😀", "😀"), ("good", "good")]);
        check("a→b!😀", &[("a", "a"), ("→", "→"), ("b", "b"), ("!", "!"), ("😀", "😀")]);
        check("😀\u{1FABF}", &[("😀", "😀"), ("[UNK]", "\u{1FABF}")]);
        // Its stroke is an accent to BERT.
        check("a\u{219B}", &[("a", "a"), ("→", "\u{219B}")]);
        let words: Vec<usize> = alone().pieces_with_offsets("ab😀😀").iter().map(|piece| piece.word).collect();
        assert_eq!(words, [0, 0, 1, 2]);
    }

    #[test]
    fn what_dresses_or_joins_a_symbol_belongs_to_it() {
        check("👍🏽!", &[("👍", "👍🏽"), ("!", "!")]);
        check("👍🏿👍🏻", &[("👍", "👍🏿"), ("👍", "👍🏻")]);
        check("so❤️good", &[("so", "so"), ("❤", "❤️"), ("good", "good")]);
        check("❤\u{FE0E} a", &[("❤", "❤\u{FE0E}"), ("a", "a")]);
        check("👩🏽\u{200D}💻", &[("👩", "👩🏽\u{200D}"), ("💻", "💻")]);
        check("👨\u{200D}👩\u{200D}👧", &[("👨", "👨\u{200D}"), ("👩", "👩\u{200D}"), ("👧", "👧")]);
        check("🤷🏾\u{200D}♀\u{FE0F} a", &[("🤷", "🤷🏾\u{200D}♀\u{FE0F}"), ("a", "a")]);
        check("🏳️\u{200D}🌈", &[("🏳", "🏳️\u{200D}"), ("🌈", "🌈")]);
        check("‼\u{FE0F}a", &[("‼", "‼\u{FE0F}"), ("a", "a")]);
        let tags = "🏴\u{E0067}\u{E0062}\u{E0065}\u{E006E}\u{E0067}\u{E007F}";
        check(&format!("{tags}a"), &[("🏴", tags), ("a", "a")]);
    }

    #[test]
    fn a_keycap_is_its_digit() {
        check("1️⃣", &[("1", "1️⃣")]);
        check("#️⃣ 1\u{20E3}", &[("#", "#️⃣"), ("1", "1\u{20E3}")]);
        check("#️⃣1️⃣", &[("#", "#️⃣"), ("1", "1️⃣")]);
    }

    #[test]
    fn lone_parts_are_nothing() {
        for part in
            ["\u{200D}", "\u{FE0F}", "\u{FE0E}", "\u{20E3}", "🏽", "\u{200D}♀", "\u{200D}\u{200D}♀", "🏽🏽\u{FE0F}"]
        {
            check(part, &[]);
            check(&format!(" {part} a"), &[("a", "a")]);
            check(&format!("a{part}b"), &[("a", &format!("a{part}")), ("##b", "b")]);
            check(&format!("a {part}b"), &[("a", "a"), ("b", "b")]);
        }
        // Only the sign that follows a joiner goes.
        check("♀", &[("♀", "♀")]);
        check("a\u{200D}♀♀", &[("a", "a\u{200D}♀"), ("♀", "♀")]);
        check("\u{200D}\u{FE0F}♀", &[("♀", "♀")]);
        check("👩\u{200D}", &[("👩", "👩\u{200D}")]);
        check("👩\u{200D} 💻", &[("👩", "👩\u{200D}"), ("💻", "💻")]);
    }

    #[test]
    fn two_regional_indicators_are_one_flag() {
        check("🇩🇪", &[("🏳", "🇩🇪")]);
        check("a🇩🇪b", &[("a", "a"), ("🏳", "🇩🇪"), ("b", "b")]);
        check("🇩🇪🇫🇷!", &[("🏳", "🇩🇪"), ("🏳", "🇫🇷"), ("!", "!")]);
        check("🇩🇪🇫", &[("🏳", "🇩🇪"), ("[UNK]", "🇫")]);
        check("🇩", &[("[UNK]", "🇩")]);
        check("🇩a🇪", &[("[UNK]", "🇩"), ("a", "a"), ("[UNK]", "🇪")]);
        check("🇩 🇪", &[("[UNK]", "🇩"), ("[UNK]", "🇪")]);
        check("🇩😀🇪", &[("[UNK]", "🇩"), ("😀", "😀"), ("[UNK]", "🇪")]);
        // What goes stands between no two.
        check("🇩\u{200D}🇪\u{FE0F}🇫", &[("🏳", "🇩\u{200D}🇪\u{FE0F}"), ("[UNK]", "🇫")]);
        check("🇩\u{200D}♀🏽🇪", &[("🏳", "🇩\u{200D}♀🏽🇪")]);
        // What BERT drops after this rule does.
        for between in ["\u{0}", "\u{200B}", "\u{301}", "\u{E0067}", "\u{0}\u{200D}"] {
            let places = alone().pieces_with_offsets(&format!("🇩{between}🇪"));
            assert_eq!(places.len(), 2, "{between:?}");
        }
    }

    #[test]
    fn symbols_in_words_are_tokenised_as_by_bert() {
        let pieces = WordPiece::new(PIECES.into(), Symbols::InWords).expect("BERT's own pieces");
        let ids = |text: &str| -> Vec<u32> { pieces.pieces_with_offsets(text).iter().map(|piece| piece.id).collect() };
        let id_of = |piece: &str| PIECES.lines().position(|line| line == piece).map_or(u32::MAX, |id| id as u32);
        assert_eq!(ids("so😀good 😀"), [id_of("[UNK]"), id_of("😀")]);
        assert_eq!(ids("😀🏽 🇩🇪 ab"), [id_of("[UNK]"), id_of("[UNK]"), id_of("a"), id_of("##b")]);
        let plain = PIECES.replace("🏳\n", "😀\n");
        assert!(WordPiece::new(plain.into(), Symbols::InWords).is_ok(), "nothing is asked of its symbols");
    }

    #[test]
    fn a_long_row_is_cut_where_there_is_no_more_room() {
        let pieces = alone();
        let row = "👍🏽".repeat(10_000);
        let started = std::time::Instant::now();
        let whole = pieces.encode(&row, usize::MAX);
        assert!(started.elapsed().as_millis() < 500, "{:?}", started.elapsed());
        assert_eq!((whole.ids.len(), whole.truncated), (10_002, false));
        let places = pieces.pieces_with_offsets(&row);
        assert!(places.iter().enumerate().all(|(i, piece)| piece.bytes == (8 * i..8 * i + 8) && piece.word == i));
        for (max_tokens, n_left, truncated) in
            [(2, 0, true), (3, 1, true), (10_001, 9_999, true), (10_002, 10_000, false)]
        {
            let cut = pieces.encode(&row, max_tokens);
            assert_eq!((cut.ids.len(), cut.truncated), (n_left + 2, truncated), "to {max_tokens}");
        }
        let flags = pieces.encode("🇩🇪🇫", 3);
        assert_eq!((flags.ids, flags.truncated), (vec![2, 4, 3], true));
        let flags = pieces.encode("🇩🇪\u{FE0F}", 3);
        assert_eq!((flags.ids, flags.truncated), (vec![2, 4, 3], false));
    }

    #[test]
    fn symbols_that_are_missing_or_twice_are_refused_by_name() {
        let refused = |pieces: String| WordPiece::new(pieces.into(), Symbols::Alone).expect_err("must be refused");
        let missing = refused(PIECES.replace("🏳\n", ""));
        assert_eq!(missing, VocabularyError::MissingSymbol { symbol: '🏳' });
        assert!(missing.to_string().contains('🏳'));
        let doubled = refused(PIECES.replace("👍\n", "😀\n"));
        assert_eq!(doubled, VocabularyError::DoubledSymbol { symbol: '😀', first: 6, second: 7 });
        assert!(doubled.to_string().contains("😀 twice, as pieces 6 and 7"), "{doubled}");
        // A word or a sign that is there twice harms nobody, as ever.
        for (piece, other) in [("so\n", "good\n"), ("#\n", "!\n")] {
            assert!(WordPiece::new(PIECES.replace(piece, other).into(), Symbols::Alone).is_ok(), "{other:?} twice");
        }
    }
}
