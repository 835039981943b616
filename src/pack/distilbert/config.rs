//! config.json of a DistilBERT checkpoint: sizes and labels, each checked before it is believed. A checkpoint of another
//! kind is refused with what it is and what would be needed. What labels mean is not decided here.

use serde_json::Value;

use super::super::PackError;
use super::super::source::{Folder, read_json};

const FILE: &str = "config.json";

/// Said of every checkpoint that is no DistilBERT.
const NEEDED: &str = "Sotto reads DistilBERT checkpoints for sequence classification, uncased, with 2, 3 or 5 labels. A \
                      DistilBERT trained on the same task would be needed";

const ARCHITECTURE: &str = "DistilBertForSequenceClassification";

/// What people choose instead, by the `model_type` of its config.json.
const OTHER_MODELS: [(&str, &str); 17] = [
    ("albert", "an ALBERT model"),
    ("bart", "a BART model"),
    ("bert", "a BERT model"),
    ("camembert", "a CamemBERT model"),
    ("deberta", "a DeBERTa model"),
    ("deberta-v2", "a DeBERTa model"),
    ("electra", "an ELECTRA model"),
    ("gpt2", "a GPT-2 model"),
    ("llama", "a Llama model"),
    ("mobilebert", "a MobileBERT model"),
    ("modernbert", "a ModernBERT model"),
    ("mpnet", "an MPNet model"),
    ("roberta", "a RoBERTa model"),
    ("squeezebert", "a SqueezeBERT model"),
    ("t5", "a T5 model"),
    ("xlm-roberta", "an XLM-RoBERTa model"),
    ("xlnet", "an XLNet model"),
];

/// What a DistilBERT that does not classify texts does, by its `architectures`.
const OTHER_HEADS: [(&str, &str); 5] = [
    ("DistilBertForMaskedLM", "fills in words"),
    ("DistilBertForMultipleChoice", "chooses between answers"),
    ("DistilBertForQuestionAnswering", "answers questions"),
    ("DistilBertForTokenClassification", "marks words in a text"),
    ("DistilBertModel", "has no head yet"),
];

#[derive(Debug)]
pub(super) struct Config {
    pub n_layers: usize,
    pub width: usize,
    pub feed_forward_width: usize,
    pub n_heads: usize,
    pub n_positions: usize,
    pub n_pieces: usize,
    pub labels: Vec<String>,
}

impl Config {
    pub(super) async fn read(folder: &impl Folder) -> Result<Self, PackError> {
        let Some(json) = read_json(folder, FILE).await? else { return Err(PackError::source(FILE, "is missing")) };
        let text = |key: &str| json[key].as_str().unwrap_or("none");
        match json["model_type"].as_str() {
            Some("distilbert") => {}
            Some(found) => return Err(refuse(other_model(found))),
            None => return Err(refuse(format!("names no model_type, which would be distilbert; {NEEDED}"))),
        }
        match json["architectures"][0].as_str() {
            Some(ARCHITECTURE) => {}
            found => return Err(refuse(other_head(found))),
        }
        if text("activation") != "gelu" {
            return Err(refuse(format!("activation is {}, must be gelu", text("activation"))));
        }
        let config = Self {
            n_layers: size(&json, "n_layers", 48)?,
            width: size(&json, "dim", 4096)?,
            feed_forward_width: size(&json, "hidden_dim", 16384)?,
            n_heads: size(&json, "n_heads", 64)?,
            n_positions: size(&json, "max_position_embeddings", 4096)?,
            n_pieces: size(&json, "vocab_size", 1 << 20)?,
            labels: labels(&json)?,
        };
        for (key, value) in [("dim", config.width), ("hidden_dim", config.feed_forward_width)] {
            if value % 32 != 0 {
                return Err(refuse(format!("{key} is {value}, must be a multiple of 32")));
            }
        }
        if !config.width.is_multiple_of(config.n_heads) {
            return Err(refuse(format!("dim {} can't be shared by {} heads", config.width, config.n_heads)));
        }
        Ok(config)
    }
}

fn other_model(model_type: &str) -> String {
    let this = OTHER_MODELS.iter().find(|(known, _)| *known == model_type).map_or("another model", |(_, name)| name);
    format!("this is {this} (model_type {model_type}); {NEEDED}")
}

fn other_head(architecture: Option<&str>) -> String {
    let needed = format!("one that was trained to classify texts ({ARCHITECTURE}) would be needed");
    let Some(found) = architecture else { return format!("names no architecture of this DistilBERT; {needed}") };
    match OTHER_HEADS.iter().find(|(known, _)| *known == found) {
        Some((_, does)) => format!("this DistilBERT {does} (architecture {found}); {needed}"),
        None => format!("this DistilBERT has another head (architecture {found}); {needed}"),
    }
}

fn refuse(problem: String) -> PackError {
    PackError::source(FILE, problem)
}

fn size(json: &Value, key: &str, max: usize) -> Result<usize, PackError> {
    match json[key].as_u64() {
        Some(n) if n >= 1 && n <= max as u64 => Ok(n as usize),
        _ => Err(refuse(format!("{key} is {}, must be a whole number from 1 to {max}", json[key]))),
    }
}

/// Labels in the order of the logits. A checkpoint without names gets LABEL_0, LABEL_1 as in transformers.
fn labels(json: &Value) -> Result<Vec<String>, PackError> {
    let Some(id2label) = json["id2label"].as_object() else {
        let n_labels = if json["num_labels"].is_null() { 2 } else { size(json, "num_labels", 1000)? };
        if n_labels < 2 {
            return Err(refuse("num_labels is 1, a net for a number; 2 or more classes are needed".into()));
        }
        return Ok((0..n_labels).map(|i| format!("LABEL_{i}")).collect());
    };
    if id2label.len() < 2 {
        return Err(refuse(format!("id2label names {} classes, must name 2 or more", id2label.len())));
    }
    let mut labels: Vec<String> = Vec::new();
    for i in 0..id2label.len() {
        let Some(label) = id2label.get(&i.to_string()).and_then(as_label) else {
            return Err(refuse(format!("id2label has {} entries but none for class {i}", id2label.len())));
        };
        if labels.contains(&label) {
            return Err(refuse(format!("id2label names \"{label}\" twice")));
        }
        labels.push(label);
    }
    if let Some(label2id) = json["label2id"].as_object() {
        // Some write the number of a class as text.
        let id_of = |label: &String| label2id.get(label).and_then(as_label);
        let agrees = |(i, label): (usize, &String)| id_of(label) == Some(i.to_string());
        if label2id.len() != labels.len() || !labels.iter().enumerate().all(agrees) {
            return Err(refuse("label2id and id2label don't match".into()));
        }
    }
    if !json["num_labels"].is_null() && json["num_labels"].as_u64() != Some(labels.len() as u64) {
        return Err(refuse(format!("num_labels is {}, id2label names {}", json["num_labels"], labels.len())));
    }
    Ok(labels)
}

/// A label as text; some checkpoints count stars, or name their classes, by bare numbers.
fn as_label(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) if number.is_u64() || number.is_i64() => Some(number.to_string()),
        _ => None,
    }
}
