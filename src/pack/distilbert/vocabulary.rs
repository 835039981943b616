//! The vocabulary of an uncased BERT: vocab.txt, or the same out of tokenizer.json. Settings of a tokenizer that Sotto
//! does not have (cased, accents kept, another model) are refused by name rather than read differently.

use std::collections::HashSet;

use serde_json::Value;

use super::super::PackError;
use super::super::source::{Folder, read_json, read_small};

const VOCABULARY_FILE: &str = "vocab.txt";
const TOKENIZER_FILE: &str = "tokenizer.json";
const TOKENIZER_CONFIG_FILE: &str = "tokenizer_config.json";

/// Pieces without which a text can't be encoded.
const SPECIAL: [&str; 4] = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"];

/// Word pieces in the order of their ids, a newline after each.
pub(super) async fn read(folder: &impl Folder, n_pieces: usize) -> Result<String, PackError> {
    if let Some(config) = read_json(folder, TOKENIZER_CONFIG_FILE).await? {
        want(&config, "do_lower_case", true, TOKENIZER_CONFIG_FILE)?;
        want(&config, "tokenize_chinese_chars", true, TOKENIZER_CONFIG_FILE)?;
        want(&config, "strip_accents", true, TOKENIZER_CONFIG_FILE)?;
    }
    let tokenizer = read_json(folder, TOKENIZER_FILE).await?;
    if let Some(tokenizer) = &tokenizer {
        check_tokenizer(tokenizer)?;
    }
    let (file, pieces) = match (read_small(folder, VOCABULARY_FILE).await?, tokenizer) {
        (Some(bytes), _) => (VOCABULARY_FILE, pieces_of_lines(bytes)?),
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
    if let Some(missing) = SPECIAL.iter().find(|piece| !seen.contains(**piece)) {
        return refuse(format!("has no {missing}"));
    }
    Ok(pieces.iter().flat_map(|piece| [piece.as_str(), "\n"]).collect())
}

/// A setting that is absent or null means BERT's default, which is what Sotto does.
fn want(json: &Value, key: &str, value: bool, file: &str) -> Result<(), PackError> {
    match &json[key] {
        Value::Null => Ok(()),
        Value::Bool(found) if *found == value => Ok(()),
        found => Err(PackError::source(file, format!("{key} is {found}; only {value} (uncased BERT) can be read"))),
    }
}

fn check_tokenizer(tokenizer: &Value) -> Result<(), PackError> {
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
    let normalizer = &tokenizer["normalizer"];
    if !normalizer.is_null() {
        let kind = normalizer["type"].as_str().unwrap_or("none");
        if kind != "BertNormalizer" {
            return Err(PackError::source(
                TOKENIZER_FILE,
                format!("normalizer is {kind}; only BertNormalizer can be read"),
            ));
        }
        for key in ["lowercase", "clean_text", "handle_chinese_chars", "strip_accents"] {
            want(normalizer, key, true, TOKENIZER_FILE)?;
        }
    }
    Ok(())
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
