//! Sotto's word pieces against the tokenizers crate: every Unicode character alone and between letters, and 20,000
//! generated lines of many scripts, with and without truncation; all of it by BERT's rules, and by those under which
//! symbols stand alone.
//!
//! fixtures/ holds what the tokenizer.json of the model with those rules says beside its vocabulary, and the 960 pieces
//! in which that vocabulary is another than BERT's.

use std::sync::OnceLock;

use serde_json::{Value, json};
use sotto::pack::{Header, PackError, PackReader, RowSink, TensorInfo};
use sotto::text::wordpiece::{Symbols, WordPiece};
use tokenizers::{Model, Tokenizer};

struct Vocabulary(String);

impl RowSink for Vocabulary {
    fn start(&mut self, header: &Header) -> Result<(), PackError> {
        header.vocabulary()?.clone_into(&mut self.0);
        Ok(())
    }

    fn rows(&mut self, _: &TensorInfo, _: usize, _: &[u8]) -> Result<(), PackError> {
        Ok(())
    }

    fn finish(&mut self) -> Result<(), PackError> {
        Ok(())
    }
}

/// The vocabulary of the packaged text model.
fn packaged_vocabulary() -> &'static str {
    static VOCABULARY: OnceLock<String> = OnceLock::new();
    VOCABULARY.get_or_init(|| {
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../../models/sentiment.gguf");
        let mut reader = PackReader::new(Vocabulary(String::new()));
        reader.feed(&std::fs::read(file).expect("a clone has its models")).expect("a packed model");
        reader.finish().expect("a whole packed model").0
    })
}

/// One set of rules, ours and theirs, over one vocabulary.
struct Pair {
    vocabulary: String,
    ours: WordPiece,
    oracle: Tokenizer,
}

impl Pair {
    /// `tokenizer` is a tokenizer.json without its vocabulary.
    fn new(vocabulary: String, symbols: Symbols, mut tokenizer: Value) -> Self {
        let ids = vocabulary.lines().enumerate().map(|(id, piece)| (piece.to_string(), id.into()));
        tokenizer["model"]["vocab"] = Value::Object(ids.collect());
        // Text that spells "[CLS]" is text.
        tokenizer["added_tokens"] = json!([]);
        let ours = WordPiece::new(vocabulary.clone().into(), symbols).expect("BERT's vocabulary");
        let oracle = Tokenizer::from_bytes(tokenizer.to_string()).expect("a tokenizer.json");
        Self { vocabulary, ours, oracle }
    }

    fn plain() -> Self {
        let tokenizer = json!({
            "version": "1.0",
            "normalizer": {
                "type": "BertNormalizer", "clean_text": true, "handle_chinese_chars": true, "strip_accents": null,
                "lowercase": true,
            },
            "pre_tokenizer": {"type": "BertPreTokenizer"},
            "model": {
                "type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##",
                "max_input_chars_per_word": 100,
            },
        });
        Self::new(packaged_vocabulary().into(), Symbols::InWords, tokenizer)
    }

    fn with_symbols() -> Self {
        let mut pieces: Vec<&str> = packaged_vocabulary().lines().collect();
        let symbols = include_str!("../fixtures/symbols_vocabulary.tsv");
        for line in symbols.lines() {
            let (id, symbol) = line.split_once('\t').expect("an id and a symbol");
            pieces[id.parse::<usize>().expect("an id")] = symbol;
        }
        let vocabulary = pieces.into_iter().flat_map(|piece| [piece, "\n"]).collect();
        let tokenizer = serde_json::from_str(include_str!("../fixtures/symbols_tokenizer.json")).expect("JSON");
        Self::new(vocabulary, Symbols::Alone, tokenizer)
    }

    /// Pieces that words can be made of.
    fn pieces(&self) -> Vec<&str> {
        self.vocabulary.lines().filter(|piece| !piece.starts_with('[')).collect()
    }

    fn our_ids(&self, text: &str) -> Vec<u32> {
        let encoding = self.ours.encode(text, usize::MAX);
        assert!(!encoding.truncated, "{text:?}");
        encoding.ids[1..encoding.ids.len() - 1].to_vec()
    }

    fn oracle_ids(&self, text: &str) -> Vec<u32> {
        self.oracle.encode(text, false).expect("the oracle reads any text").get_ids().to_vec()
    }

    #[track_caller]
    fn check(&self, text: &str) {
        assert_eq!(self.our_ids(text), self.oracle_ids(text), "{text:?} = {}", text.escape_unicode());
    }
}

/// splitmix64: the same lines everywhere, with no crate.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, n: usize) -> usize {
        (self.next() % n as u64) as usize
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())]
    }
}

/// Scripts and troubles as ranges of code points.
const SCRIPTS: [(&str, &[(u32, u32)]); 24] = [
    ("Latin", &[(0x41, 0x5A), (0x61, 0x7A), (0x61, 0x7A)]),
    ("Latin with accents", &[(0x61, 0x7A), (0xC0, 0x24F), (0x1E00, 0x1EFF)]),
    ("Latin with combining marks", &[(0x61, 0x7A), (0x300, 0x36F), (0x1AB0, 0x1ABE), (0x20D0, 0x20F0)]),
    ("Greek", &[(0x370, 0x3FF), (0x1F00, 0x1FFF)]),
    ("Cyrillic", &[(0x400, 0x52F), (0x2DE0, 0x2DFF), (0xA640, 0xA69F)]),
    ("Armenian and Georgian", &[(0x530, 0x58F), (0x10A0, 0x10FF), (0x1C90, 0x1CBF)]),
    ("Hebrew", &[(0x591, 0x5F4), (0xFB1D, 0xFB4F)]),
    ("Arabic", &[(0x600, 0x6FF), (0x750, 0x77F), (0xFB50, 0xFDFF), (0xFE70, 0xFEFC)]),
    ("Devanagari", &[(0x900, 0x97F), (0xA8E0, 0xA8FF)]),
    ("Bengali, Tamil, Telugu, Kannada", &[(0x980, 0x9FF), (0xB80, 0xCFF)]),
    ("Thai and Lao", &[(0xE00, 0xEFF)]),
    ("Tibetan, Myanmar, Khmer", &[(0xF00, 0xFFF), (0x1000, 0x109F), (0x1780, 0x17FF)]),
    ("Han", &[(0x4E00, 0x9FFF), (0x3400, 0x4DBF), (0xF900, 0xFAFF), (0x20000, 0x2EBEF), (0x2F800, 0x2FA1F)]),
    ("Kana", &[(0x3040, 0x30FF), (0x31F0, 0x31FF), (0xFF66, 0xFF9F), (0x3001, 0x3003)]),
    ("Hangul", &[(0xAC00, 0xD7A3), (0x1100, 0x11FF), (0x3130, 0x318F), (0xA960, 0xA97C), (0xD7B0, 0xD7FB)]),
    ("emoji", &[(0x1F300, 0x1FAFF), (0x2600, 0x27BF), (0x200D, 0x200D), (0xFE0F, 0xFE0F), (0x1F1E6, 0x1F1FF)]),
    ("controls", &[(0x00, 0x1F), (0x7F, 0x9F), (0xAD, 0xAD), (0x61, 0x7A), (0x2028, 0x202F), (0xFFF9, 0xFFFD)]),
    ("zero width", &[(0x200B, 0x200F), (0x2060, 0x206F), (0xFEFF, 0xFEFF), (0x61, 0x7A), (0x180E, 0x180E)]),
    ("ASCII punctuation", &[(0x21, 0x2F), (0x3A, 0x40), (0x5B, 0x60), (0x7B, 0x7E), (0x61, 0x7A)]),
    (
        "punctuation and symbols",
        &[(0xA1, 0xBF), (0x2010, 0x205E), (0x2190, 0x23FF), (0x2E00, 0x2E5D), (0x3000, 0x303F)],
    ),
    ("wide and small forms", &[(0xFE10, 0xFE6B), (0xFF01, 0xFFEE)]),
    ("private use", &[(0xE000, 0xF8FF), (0xF0000, 0xFFFFD), (0x100000, 0x10FFFD), (0x61, 0x7A)]),
    ("mathematics", &[(0x1D400, 0x1D7FF), (0x2200, 0x22FF), (0x1D165, 0x1D172)]),
    ("anything", &[(0x0, 0xD7FF), (0xE000, 0x10FFFF)]),
];

const SPACES: [&str; 12] = [" ", " ", " ", " ", "  ", "\t", "\n", "\r\n", "\u{a0}", "\u{2003}", "\u{3000}", ""];

fn character(random: &mut Random, ranges: &[(u32, u32)]) -> char {
    loop {
        let (first, last) = random.pick(ranges);
        if let Some(character) = char::from_u32(first + random.below((last - first + 1) as usize) as u32) {
            return character;
        }
    }
}

/// What emoji are made of, in no order that means anything: whole ones, parts that dress or join others, parts that
/// BERT drops or strips, halves of flags, signs that are symbols to one rule and not to another.
const EMOJI: [&str; 40] = [
    "😀",
    "👍",
    "👩",
    "👨",
    "❤",
    "🏳",
    "🏴",
    "🌈",
    "💻",
    "🤷",
    "🏻",
    "🏽",
    "🏿",
    "\u{FE0F}",
    "\u{FE0F}",
    "\u{FE0E}",
    "\u{200D}",
    "\u{200D}",
    "\u{200D}",
    "\u{20E3}",
    "♀",
    "♂",
    "\u{200D}♀",
    "\u{200D}♂\u{FE0F}",
    "🇩",
    "🇪",
    "🇫",
    "🇷",
    "🇩🇪",
    "1",
    "#",
    "→",
    "\u{219B}",
    "‼",
    "〰",
    "Ⓜ",
    "\u{1FABF}",
    "\u{E0067}",
    "\u{301}",
    "\u{0}",
];

/// A line of words: some from the vocabulary (whole, glued, capitalised), some of a script, some of mixed scripts, some
/// with emoji in them or of nothing else, now and then one around the length where a word becomes unknown.
fn line(random: &mut Random, pieces: &[&str]) -> String {
    let mut line = String::new();
    let (_, script) = random.pick(&SCRIPTS);
    for _ in 0..random.below(14) {
        match random.below(9) {
            0 | 1 => line.push_str(random.pick(pieces)),
            2 => {
                let word: String =
                    (0..1 + random.below(3)).map(|_| random.pick(pieces).trim_start_matches('#')).collect();
                line.push_str(&if random.below(2) == 0 { word.to_uppercase() } else { word });
            }
            3 => {
                let n = 95 + random.below(12);
                let (_, ranges) = random.pick(&SCRIPTS[..2]);
                (0..n).for_each(|_| line.push(character(random, ranges)));
            }
            4 => (0..1 + random.below(9)).for_each(|_| {
                let (_, ranges) = random.pick(&SCRIPTS);
                line.push(character(random, ranges));
            }),
            5 => {
                let within = random.below(3);
                for _ in 0..1 + random.below(9) {
                    line.push_str(random.pick(&EMOJI));
                    if random.below(4) < within {
                        line.push_str(random.pick(pieces).trim_start_matches('#'));
                    }
                }
            }
            _ => (0..1 + random.below(12)).for_each(|_| line.push(character(random, script))),
        }
        line.push_str(random.pick(&SPACES));
    }
    line
}

/// Every character there is, where `places` put it.
fn every_character(pair: &Pair, places: impl Fn(char) -> Vec<String>) {
    let texts = ('\0'..=char::MAX).flat_map(places);
    let wrong = texts.filter(|text| pair.our_ids(text) != pair.oracle_ids(text));
    let wrong: Vec<String> = wrong.map(|text| text.escape_unicode().to_string()).collect();
    assert!(wrong.is_empty(), "{} of all characters differ: {:?}", wrong.len(), &wrong[..wrong.len().min(40)]);
}

#[test]
fn every_character_alone_and_between_letters() {
    every_character(&Pair::plain(), |character| vec![character.to_string(), format!("a{character}b")]);
}

/// The second: beside a joiner, between the halves of a flag, in a word.
#[test]
fn every_character_alone_and_between_symbols() {
    let places =
        |character: char| vec![character.to_string(), format!("🇩{character}🇪a{character}\u{200D}{character}😀b")];
    every_character(&Pair::with_symbols(), places);
}

/// Lines of both rules; enough tokens to show something, enough emoji.
fn twenty_thousand_lines(pair: &Pair) {
    let pieces = pair.pieces();
    let mut random = Random(1);
    let (mut n_tokens, mut n_with_emoji) = (0, 0);
    for _ in 0..20_000 {
        let line = line(&mut random, &pieces);
        let all = pair.oracle_ids(&line);
        assert_eq!(pair.our_ids(&line), all, "{line:?} = {}", line.escape_unicode());
        n_tokens += all.len();
        n_with_emoji += usize::from(line.contains(['😀', '👍', '👩', '👨', '🤷', '🏽', '🇩', '🇪', '\u{20E3}']));
        let max_tokens = random.below(20);
        let short = pair.ours.encode(&line, max_tokens);
        let room = max_tokens.saturating_sub(2);
        assert_eq!(short.ids[1..short.ids.len() - 1], all[..all.len().min(room)], "{line:?} to {max_tokens}");
        assert_eq!(short.truncated, all.len() > room, "{line:?} to {max_tokens}");
    }
    assert!(n_tokens > 400_000, "the lines became so poor that they show nothing: {n_tokens} tokens");
    assert!(n_with_emoji > 5_000, "too few lines have emoji: {n_with_emoji}");
}

#[test]
fn twenty_thousand_lines_of_many_scripts() {
    twenty_thousand_lines(&Pair::plain());
}

#[test]
fn twenty_thousand_lines_with_symbols_alone() {
    twenty_thousand_lines(&Pair::with_symbols());
}

#[test]
fn every_piece_of_the_vocabulary() {
    for pair in [Pair::plain(), Pair::with_symbols()] {
        assert_eq!(pair.ours.n_pieces(), pair.oracle.get_model().get_vocab_size());
        for (id, piece) in pair.vocabulary.lines().enumerate() {
            assert_eq!(pair.ours.piece(id as u32), Some(piece));
            pair.check(piece);
        }
        assert_eq!(pair.ours.piece(pair.ours.n_pieces() as u32), None);
    }
}

#[test]
fn sentences_written_for_this_project() {
    let sentences = include_str!("../../evaluation/sentences.tsv");
    for pair in [Pair::plain(), Pair::with_symbols()] {
        sentences.lines().for_each(|line| pair.check(line));
        pair.check(sentences);
    }
}

/// What the model's makers say of 320 texts, and the crate that they used.
#[test]
fn texts_with_emoji_as_their_models_makers_split_them() {
    let pair = Pair::with_symbols();
    let golden: Vec<(String, Vec<u32>)> =
        serde_json::from_str(include_str!("../../golden/emoji.json")).expect("texts and ids");
    assert_eq!(golden.len(), 320);
    for (text, ids) in golden {
        assert_eq!(pair.ours.encode(&text, usize::MAX).ids, ids, "{text:?} = {}", text.escape_unicode());
        pair.check(&text);
    }
}

fn offsets(pair: &Pair) {
    let pieces = pair.pieces();
    let mut random = Random(2);
    for _ in 0..3_000 {
        // Theirs sorts these marks behind others of the same letter, and their places with them.
        let sorted = |character: char| matches!(character, '\u{1d165}'..='\u{1d172}' | '\u{302e}' | '\u{302f}');
        let line = line(&mut random, &pieces).replace(sorted, "");
        let found = pair.ours.pieces_with_offsets(&line);
        let theirs = pair.oracle.encode(line.as_str(), false).expect("the oracle reads any text");
        assert_eq!(found.len(), theirs.get_ids().len());
        let mut end = 0;
        for (piece, (id, (start, _))) in found.iter().zip(theirs.get_ids().iter().zip(theirs.get_offsets())) {
            assert_eq!(piece.id, *id);
            assert!(line.get(piece.bytes.clone()).is_some_and(|text| !text.is_empty()), "{line:?}: {piece:?}");
            // Ours add what was stripped or went at the end; the beginning is the same, but for flags, where theirs is that
            // of the second half.
            let text = &line[piece.bytes.clone()];
            if text.starts_with(|character| matches!(character, '🇦'..='🇿')) {
                assert!(piece.bytes.contains(start), "{line:?}: {piece:?}");
            } else {
                assert_eq!(piece.bytes.start, *start, "{line:?}: {piece:?}");
            }
            // Parts of one decomposed character share it.
            assert!(
                piece.bytes.start >= end || line[piece.bytes.start..end].chars().count() == 1,
                "{line:?}: {piece:?}"
            );
            end = piece.bytes.end;
        }
    }
}

#[test]
fn offsets_cover_the_words_they_come_from() {
    offsets(&Pair::plain());
}

#[test]
fn offsets_cover_the_symbols_they_come_from() {
    offsets(&Pair::with_symbols());
}
