//! Any bytes as model.safetensors of a DistilBERT checkpoint: refused or packed, never a panic.

#![no_main]

use libfuzzer_sys::fuzz_target;
use sotto::pack::distilbert;
use sotto::pack::importer::Import;
use sotto::pack::source::{Files, run};

const CONFIG: &[u8] = br#"{"model_type": "distilbert", "architectures": ["DistilBertForSequenceClassification"],
    "activation": "gelu", "dim": 32, "hidden_dim": 32, "n_heads": 1, "n_layers": 1, "max_position_embeddings": 2,
    "vocab_size": 4}"#;

fuzz_target!(|input: (Vec<u8>, Vec<u8>)| {
    let (header, data) = input;
    // The length in front is given, so that the fuzzer's bytes reach the JSON and the ranges behind it.
    let weights = [&(header.len() as u64).to_le_bytes()[..], &header, &data].concat();
    let mut files = Files::default();
    files.0.insert("config.json".into(), CONFIG.to_vec());
    files.0.insert("vocab.txt".into(), b"[PAD]\n[UNK]\n[CLS]\n[SEP]\n".to_vec());
    files.0.insert("model.safetensors".into(), weights);
    let import = Import { name: "fuzz".into() };
    let out = std::io::Cursor::new(Vec::new());
    let _ = run(distilbert::pack(&files, &import, out, |_| {}));
});
