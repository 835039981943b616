//! The vocabulary of an uncased BERT: vocab.txt, or the same out of tokenizer.json, and by which of two sets of rules a
//! text is split: BERT's own, or those and the three before them by which each symbol stands alone
//! (src/text/wordpiece.rs). Settings of a tokenizer that Sotto does not have (cased, accents kept, another model, other
//! rules) are refused by name rather than read differently.

use std::collections::HashSet;

use serde_json::{Value, json};

use super::super::PackError;
use super::super::source::{Folder, read_json, read_small};

const VOCABULARY_FILE: &str = "vocab.txt";
const TOKENIZER_FILE: &str = "tokenizer.json";
const TOKENIZER_CONFIG_FILE: &str = "tokenizer_config.json";

/// Pieces without which a text can't be encoded.
const SPECIAL: [&str; 4] = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"];

/// Where symbols stand alone every flag becomes this piece.
const FLAG: &str = "\u{1F3F3}";

/// What a text is split by.
pub(super) struct Vocabulary {
    /// Word pieces in the order of their ids, a newline after each.
    pub lines: String,
    /// Whether each symbol is a word of its own.
    pub symbols_alone: bool,
}

pub(super) async fn read(folder: &impl Folder, n_pieces: usize) -> Result<Vocabulary, PackError> {
    if let Some(config) = read_json(folder, TOKENIZER_CONFIG_FILE).await? {
        want(&config, "do_lower_case", true, TOKENIZER_CONFIG_FILE)?;
        want(&config, "tokenize_chinese_chars", true, TOKENIZER_CONFIG_FILE)?;
        want(&config, "strip_accents", true, TOKENIZER_CONFIG_FILE)?;
    }
    let tokenizer = read_json(folder, TOKENIZER_FILE).await?;
    let symbols_alone = match &tokenizer {
        Some(tokenizer) => symbols_alone(tokenizer)?,
        None => false,
    };
    let (file, pieces) = match (read_small(folder, VOCABULARY_FILE).await?, tokenizer) {
        (Some(bytes), tokenizer) => {
            let pieces = pieces_of_lines(bytes)?;
            if let Some(tokenizer) = tokenizer.filter(|tokenizer| !tokenizer["model"]["vocab"].is_null()) {
                expect_same(&pieces, &pieces_of_tokenizer(&tokenizer)?)?;
            }
            (VOCABULARY_FILE, pieces)
        }
        (None, Some(tokenizer)) => (TOKENIZER_FILE, pieces_of_tokenizer(&tokenizer)?),
        (None, None) => {
            return Err(PackError::source(
                VOCABULARY_FILE,
                format!("is missing, and so is {TOKENIZER_FILE}; one must be there"),
            ));
        }
    };
    let refuse = |problem: String| Err(PackError::source(file, problem));
    if pieces.len() != n_pieces {
        return refuse(format!("has {} pieces, config.json says vocab_size is {n_pieces}", pieces.len()));
    }
    let mut seen = HashSet::new();
    for (id, piece) in pieces.iter().enumerate() {
        if piece.is_empty() || piece.contains(['\n', '\r']) {
            return refuse(format!("piece {id} is empty or has a line break in it"));
        }
        if !seen.insert(piece.as_str()) {
            return refuse(format!("piece {id}, \"{piece}\", stands twice"));
        }
    }
    let mut needed = SPECIAL.iter().chain(symbols_alone.then_some(&FLAG));
    if let Some(missing) = needed.find(|piece| !seen.contains(**piece)) {
        return refuse(format!("has no {missing}"));
    }
    let lines = pieces.iter().flat_map(|piece| [piece.as_str(), "\n"]).collect();
    Ok(Vocabulary { lines, symbols_alone })
}

/// Two files that are both there must say the same, or one of them belongs to another model.
fn expect_same(lines: &[String], tokenizer: &[String]) -> Result<(), PackError> {
    let n_both = lines.len().min(tokenizer.len());
    let problem = match lines.iter().zip(tokenizer).position(|(line, piece)| line != piece) {
        Some(id) => format!("piece {id} is \"{}\", in {TOKENIZER_FILE} it is \"{}\"", lines[id], tokenizer[id]),
        None if lines.len() == tokenizer.len() => return Ok(()),
        None => {
            format!("has {} pieces, {TOKENIZER_FILE} has {}, and {n_both} are the same", lines.len(), tokenizer.len())
        }
    };
    Err(PackError::source(VOCABULARY_FILE, problem))
}

/// A setting that is absent or null means BERT's default, which is what Sotto does.
fn want(json: &Value, key: &str, value: bool, file: &str) -> Result<(), PackError> {
    match &json[key] {
        Value::Null => Ok(()),
        Value::Bool(found) if *found == value => Ok(()),
        found => Err(PackError::source(file, format!("{key} is {found}; only {value} (uncased BERT) can be read"))),
    }
}

/// Refuses a tokenizer that is not one of the two that can be read, and says whether symbols stand alone in it.
fn symbols_alone(tokenizer: &Value) -> Result<bool, PackError> {
    let model = &tokenizer["model"];
    // Old files leave the type out.
    for (key, value) in [("type", "WordPiece"), ("continuing_subword_prefix", "##"), ("unk_token", "[UNK]")] {
        if model[key].as_str().unwrap_or(value) != value {
            return Err(PackError::source(
                TOKENIZER_FILE,
                format!("model.{key} is {}; only {value} can be read", model[key]),
            ));
        }
    }
    if model["max_input_chars_per_word"].as_u64().unwrap_or(100) != 100 {
        return Err(PackError::source(TOKENIZER_FILE, "model.max_input_chars_per_word must be 100"));
    }
    let (normalizer, splitter) = (&tokenizer["normalizer"], &tokenizer["pre_tokenizer"]);
    let symbols_alone = kind(normalizer) == "Sequence" && kind(splitter) == "Sequence";
    if symbols_alone {
        let steps = expect_steps(normalizer, "normalizer", "normalizers", &symbol_normalizers())?;
        check_normalizer(&steps[2])?;
        expect_steps(splitter, "pre_tokenizer", "pretokenizers", &symbol_splitters())?;
    } else {
        if !normalizer.is_null() {
            check_normalizer(normalizer)?;
        }
        if !splitter.is_null() && kind(splitter) != PRE_TOKENIZER {
            let problem = format!("pre_tokenizer is {}; beside normalizer {} ", kind(splitter), kind(normalizer));
            return Err(PackError::source(TOKENIZER_FILE, problem + "only " + PRE_TOKENIZER + " can be read"));
        }
    }
    Ok(symbols_alone)
}

const NORMALIZER: &str = "BertNormalizer";
const PRE_TOKENIZER: &str = "BertPreTokenizer";

fn kind(part: &Value) -> &str {
    part["type"].as_str().unwrap_or("none")
}

fn check_normalizer(normalizer: &Value) -> Result<(), PackError> {
    if kind(normalizer) != NORMALIZER {
        let problem = format!("normalizer is {}; only {NORMALIZER} can be read", kind(normalizer));
        return Err(PackError::source(TOKENIZER_FILE, problem));
    }
    for key in ["lowercase", "clean_text", "handle_chinese_chars", "strip_accents"] {
        want(normalizer, key, true, TOKENIZER_FILE)?;
    }
    Ok(())
}

/// What comes before BERT's rules where symbols stand alone, in the terms of the tokenizers crate and character by
/// character: the rules of src/text/wordpiece.rs are these, and a pattern that says the same otherwise is not looked into.
/// None stands for BERT's own part, which has settings.
fn symbol_normalizers() -> [Option<Value>; 3] {
    let replace = |pattern: &str, content: &str| {
        Some(json!({"type": "Replace", "pattern": {"Regex": pattern}, "content": content}))
    };
    let going = r"\x{200D}[\x{2640}\x{2642}]|[\x{1F3FB}-\x{1F3FF}\x{FE0E}\x{FE0F}\x{20E3}\x{200D}]";
    [replace(going, ""), replace(r"[\x{1F1E6}-\x{1F1FF}]{2}", FLAG), None]
}

fn symbol_splitters() -> [Option<Value>; 2] {
    let symbols = concat!(
        r"[\x{2190}-\x{21FF}\x{2300}-\x{23FF}\x{25A0}-\x{27BF}",
        r"\x{2900}-\x{297F}\x{2B00}-\x{2BFF}\x{1F000}-\x{1FAFF}]"
    );
    let split = json!({"type": "Split", "pattern": {"Regex": symbols}, "behavior": "Isolated", "invert": false});
    [Some(split), Some(json!({"type": PRE_TOKENIZER}))]
}

/// The steps of a sequence, once they are as many and the same as those expected.
fn expect_steps<'a>(
    sequence: &'a Value,
    name: &str,
    key: &str,
    expected: &[Option<Value>],
) -> Result<&'a [Value], PackError> {
    let steps = sequence[key].as_array().map_or(&[][..], Vec::as_slice);
    if steps.len() != expected.len() {
        let kinds: Vec<&str> = steps.iter().map(kind).collect();
        let problem = format!("{name} is a Sequence of {kinds:?}; only one of {} steps can be read", expected.len());
        return Err(PackError::source(TOKENIZER_FILE, problem));
    }
    for (i, (step, expected)) in steps.iter().zip(expected).enumerate() {
        if let Some(expected) = expected.as_ref().filter(|expected| *expected != step) {
            let problem = format!("step {i} of {name} is {step}; only {expected} can be read there");
            return Err(PackError::source(TOKENIZER_FILE, problem));
        }
    }
    Ok(steps)
}

fn pieces_of_lines(bytes: Vec<u8>) -> Result<Vec<String>, PackError> {
    let text = String::from_utf8(bytes).map_err(|error| {
        PackError::source(VOCABULARY_FILE, format!("is not UTF-8 at byte {}", error.utf8_error().valid_up_to()))
    })?;
    let text = text.strip_suffix('\n').unwrap_or(&text);
    Ok(text.split('\n').map(|line| line.strip_suffix('\r').unwrap_or(line).to_string()).collect())
}

fn pieces_of_tokenizer(tokenizer: &Value) -> Result<Vec<String>, PackError> {
    let refuse = |problem: String| PackError::source(TOKENIZER_FILE, problem);
    let Some(vocabulary) = tokenizer["model"]["vocab"].as_object() else {
        return Err(refuse("model.vocab is no table of pieces".into()));
    };
    let mut pieces = vec![String::new(); vocabulary.len()];
    for (piece, id) in vocabulary {
        match id.as_u64().and_then(|id| pieces.get_mut(usize::try_from(id).ok()?)) {
            Some(place) if place.is_empty() => piece.clone_into(place),
            _ => {
                return Err(refuse(format!(
                    "piece \"{piece}\" has id {id}; ids must be 0 to {}, each once",
                    vocabulary.len() - 1
                )));
            }
        }
    }
    Ok(pieces)
}
