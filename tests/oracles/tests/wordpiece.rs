//! Sotto's word pieces against the tokenizers crate: every Unicode character alone and between letters, and 20,000
//! generated lines of many scripts, with and without truncation.

use std::sync::OnceLock;

use sotto::pack::{Header, PackError, PackReader, RowSink, TensorInfo};
use sotto::text::wordpiece::WordPiece;
use tokenizers::models::wordpiece::WordPiece as OracleWordPiece;
use tokenizers::normalizers::BertNormalizer;
use tokenizers::pre_tokenizers::bert::BertPreTokenizer;
use tokenizers::{DecoderWrapper, Model, NormalizerWrapper, PostProcessorWrapper, PreTokenizerWrapper, TokenizerImpl};

type Oracle =
    TokenizerImpl<OracleWordPiece, NormalizerWrapper, PreTokenizerWrapper, PostProcessorWrapper, DecoderWrapper>;

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
fn vocabulary() -> &'static str {
    static VOCABULARY: OnceLock<String> = OnceLock::new();
    VOCABULARY.get_or_init(|| {
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../../models/sentiment.gguf");
        let mut reader = PackReader::new(Vocabulary(String::new()));
        reader.feed(&std::fs::read(file).expect("a clone has its models")).expect("a packed model");
        reader.finish().expect("a whole packed model").0
    })
}

fn ours() -> WordPiece {
    WordPiece::new(vocabulary().as_bytes().to_vec()).expect("BERT's vocabulary")
}

fn oracle() -> Oracle {
    let ids: serde_json::Map<String, serde_json::Value> =
        vocabulary().lines().enumerate().map(|(id, piece)| (piece.to_string(), id.into())).collect();
    let model = serde_json::json!({
        "type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##", "max_input_chars_per_word": 100,
        "vocab": ids,
    });
    let model: OracleWordPiece = serde_json::from_str(&model.to_string()).expect("a word-piece model");
    let mut oracle = Oracle::new(model);
    oracle.with_normalizer(Some(BertNormalizer::default())).expect("a normaliser");
    oracle.with_pre_tokenizer(Some(BertPreTokenizer));
    oracle
}

fn oracle_ids(oracle: &Oracle, text: &str) -> Vec<u32> {
    oracle.encode(text, false).expect("the oracle reads any text").get_ids().to_vec()
}

#[track_caller]
fn check(ours: &WordPiece, oracle: &Oracle, text: &str) {
    let theirs = oracle_ids(oracle, text);
    let encoding = ours.encode(text, usize::MAX);
    assert_eq!(encoding.ids[1..encoding.ids.len() - 1], theirs, "{text:?} = {}", text.escape_unicode());
    assert!(!encoding.truncated, "{text:?}");
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

/// A line of words: some from the vocabulary (whole, glued, capitalised), some of a script, some of mixed scripts, now
/// and then one around the length where a word becomes unknown.
fn line(random: &mut Random, pieces: &[&str]) -> String {
    let mut line = String::new();
    let (_, script) = random.pick(&SCRIPTS);
    for _ in 0..random.below(14) {
        match random.below(8) {
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
            _ => (0..1 + random.below(12)).for_each(|_| line.push(character(random, script))),
        }
        line.push_str(random.pick(&SPACES));
    }
    line
}

#[test]
fn every_character_alone_and_between_letters() {
    let (ours, oracle) = (ours(), oracle());
    let mut wrong = Vec::new();
    for character in '\0'..=char::MAX {
        for text in [character.to_string(), format!("a{character}b")] {
            let encoding = ours.encode(&text, usize::MAX);
            if encoding.ids[1..encoding.ids.len() - 1] != oracle_ids(&oracle, &text) {
                wrong.push(text.escape_unicode().to_string());
            }
        }
    }
    assert!(wrong.is_empty(), "{} of all characters differ: {:?}", wrong.len(), &wrong[..wrong.len().min(40)]);
}

#[test]
fn twenty_thousand_lines_of_many_scripts() {
    let (ours, oracle) = (ours(), oracle());
    let pieces: Vec<&str> = vocabulary().lines().filter(|piece| !piece.starts_with('[')).collect();
    let mut random = Random(1);
    let mut n_tokens = 0;
    for _ in 0..20_000 {
        let line = line(&mut random, &pieces);
        check(&ours, &oracle, &line);
        let all = oracle_ids(&oracle, &line);
        n_tokens += all.len();
        let max_tokens = random.below(20);
        let short = ours.encode(&line, max_tokens);
        let room = max_tokens.saturating_sub(2);
        assert_eq!(short.ids[1..short.ids.len() - 1], all[..all.len().min(room)], "{line:?} to {max_tokens}");
        assert_eq!(short.truncated, all.len() > room, "{line:?} to {max_tokens}");
    }
    assert!(n_tokens > 400_000, "the lines became so poor that they show nothing: {n_tokens} tokens");
}

#[test]
fn every_piece_of_the_vocabulary() {
    let (ours, oracle) = (ours(), oracle());
    assert_eq!(ours.n_pieces(), oracle.get_model().get_vocab_size());
    for (id, piece) in vocabulary().lines().enumerate() {
        assert_eq!(ours.piece(id as u32), Some(piece));
        check(&ours, &oracle, piece);
    }
    assert_eq!(ours.piece(ours.n_pieces() as u32), None);
}

#[test]
fn sentences_written_for_this_project() {
    let (ours, oracle) = (ours(), oracle());
    let sentences = include_str!("../../evaluation/sentences.tsv");
    sentences.lines().for_each(|line| check(&ours, &oracle, line));
    check(&ours, &oracle, sentences);
}

#[test]
fn offsets_cover_the_words_they_come_from() {
    let (ours, oracle) = (ours(), oracle());
    let pieces: Vec<&str> = vocabulary().lines().filter(|piece| !piece.starts_with('[')).collect();
    let mut random = Random(2);
    for _ in 0..3_000 {
        // Theirs sorts these marks behind others of the same letter, and their places with them.
        let sorted = |character: char| matches!(character, '\u{1d165}'..='\u{1d172}' | '\u{302e}' | '\u{302f}');
        let line = line(&mut random, &pieces).replace(sorted, "");
        let found = ours.pieces_with_offsets(&line);
        let theirs = oracle.encode(line.as_str(), false).expect("the oracle reads any text");
        assert_eq!(found.len(), theirs.get_ids().len());
        let mut end = 0;
        for (piece, (id, (start, _))) in found.iter().zip(theirs.get_ids().iter().zip(theirs.get_offsets())) {
            assert_eq!(piece.id, *id);
            assert!(line.get(piece.bytes.clone()).is_some_and(|text| !text.is_empty()), "{line:?}: {piece:?}");
            // Ours add stripped accents at the end; the beginning is the same.
            assert_eq!(piece.bytes.start, *start, "{line:?}: {piece:?}");
            // Parts of one decomposed character share it.
            assert!(
                piece.bytes.start >= end || line[piece.bytes.start..end].chars().count() == 1,
                "{line:?}: {piece:?}"
            );
            end = piece.bytes.end;
        }
    }
}
