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
    #[error("the vocabulary has {n_bytes} bytes; at most {max} can be indexed")]
    TooLong { n_bytes: usize, max: usize },
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
    /// Bytes of the input, on character borders. Accents that were stripped belong to the letter before them.
    pub bytes: Range<usize>,
    /// Counts words (and signs of punctuation, and CJK characters) from 0: pieces of one word share it.
    pub word: usize,
}

impl WordPiece {
    /// `vocabulary` is what vocab.txt holds: pieces in the order of their ids, separated by newlines.
    pub fn new(mut vocabulary: Vec<u8>) -> Result<Self, VocabularyError> {
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
        let mut pieces = Self { vocabulary, starts, table, longest_piece: 0, unknown: 0, first: 0, last: 0 };
        for id in 0..n_pieces as u32 {
            pieces.insert(id);
        }
        let find = |piece: &'static str| {
            pieces
                .find(hash(HASH_SEED, piece.as_bytes()), &[piece.as_bytes()])
                .ok_or(VocabularyError::Missing { piece })
        };
        let (unknown, first, last) = (find("[UNK]")?, find("[CLS]")?, find("[SEP]")?);
        Ok(Self { unknown, first, last, ..pieces })
    }

    /// Lines of the vocabulary.
    pub fn n_pieces(&self) -> usize {
        self.starts.len() - 1
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
        for (start, character) in text.char_indices() {
            let source = start..start + character.len_utf8();
            let alone = is_cjk(character);
            if alone && !flush(&mut word) {
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
                    going_on = going_on && flush(&mut word);
                }
                Step::Letter(letter) => word.push(letter, &source),
            });
            if !going_on || alone && !flush(&mut word) {
                return false;
            }
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
            pieces.push(Piece { id, bytes: word.ends[from].1.start..word.ends[to - 1].1.end, word: number });
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

    fn insert(&mut self, id: u32) {
        let piece = self.piece_bytes(id);
        let n_bytes = piece.len();
        let mask = self.table.len() - 1;
        let mut slot = spread(hash(HASH_SEED, piece)) & mask;
        // A piece that stands twice has its last id, as in a table that is filled line by line.
        while self.table[slot] != EMPTY && self.piece_bytes(self.table[slot]) != self.piece_bytes(id) {
            slot = (slot + 1) & mask;
        }
        self.table[slot] = id;
        self.longest_piece = self.longest_piece.max(n_bytes);
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

    fn clear(&mut self) {
        self.text.clear();
        self.ends.clear();
        self.n_characters = 0;
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

fn normalise(character: char, mut step: impl FnMut(Step)) {
    // Most text is this; none of it decomposes.
    if character.is_ascii_alphanumeric() {
        return step(Step::Letter(character.to_ascii_lowercase()));
    }
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
