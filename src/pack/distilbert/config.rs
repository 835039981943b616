//! config.json of a DistilBERT checkpoint: sizes and labels, each checked before it is believed.

use serde_json::Value;

use super::super::PackError;
use super::super::source::{Folder, read_json};

const FILE: &str = "config.json";

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
        if text("model_type") != "distilbert" {
            return Err(refuse(format!("model_type is {}, must be distilbert", text("model_type"))));
        }
        let architecture = json["architectures"][0].as_str().unwrap_or("none");
        if architecture != "DistilBertForSequenceClassification" {
            return Err(refuse(format!("architecture is {architecture}, must be DistilBertForSequenceClassification")));
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
        return Ok((0..n_labels).map(|i| format!("LABEL_{i}")).collect());
    };
    if id2label.len() < 2 {
        return Err(refuse(format!("id2label names {} classes, must name 2 or more", id2label.len())));
    }
    let mut labels: Vec<String> = Vec::new();
    for i in 0..id2label.len() {
        let Some(label) = id2label.get(&i.to_string()).and_then(Value::as_str) else {
            return Err(refuse(format!("id2label has {} entries but none for class {i}", id2label.len())));
        };
        if labels.iter().any(|other| other == label) {
            return Err(refuse(format!("id2label names \"{label}\" twice")));
        }
        labels.push(label.into());
    }
    if let Some(label2id) = json["label2id"].as_object() {
        let agrees = |(i, label): (usize, &String)| label2id.get(label).and_then(Value::as_u64) == Some(i as u64);
        if label2id.len() != labels.len() || !labels.iter().enumerate().all(agrees) {
            return Err(refuse("label2id and id2label don't match".into()));
        }
    }
    if !json["num_labels"].is_null() && json["num_labels"].as_u64() != Some(labels.len() as u64) {
        return Err(refuse(format!("num_labels is {}, id2label names {}", json["num_labels"], labels.len())));
    }
    Ok(labels)
}
