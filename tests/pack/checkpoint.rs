//! A tiny DistilBERT checkpoint in memory, whole and right unless a test spoils it.

use std::collections::BTreeMap;

use half::f16;
use serde_json::{Value, json};
use sotto::pack::source::{Files, run};
use sotto::pack::{PackError, distilbert, importer::Import};

pub const WIDTH: usize = 64;
pub const WIDE: usize = 96;
pub const N_PIECES: usize = 40;
pub const N_POSITIONS: usize = 12;
pub const N_LAYERS: usize = 2;

/// One tensor of a safetensors file to be.
#[derive(Debug, Clone)]
pub struct Stored {
    pub dtype: &'static str,
    pub shape: Vec<usize>,
    pub bytes: Vec<u8>,
}

#[derive(Debug, Clone)]
pub struct Checkpoint {
    pub config: Value,
    pub pieces: Vec<String>,
    pub tensors: BTreeMap<String, Stored>,
    /// Files that stand beside, or instead of, those made from the fields above.
    pub others: BTreeMap<String, Vec<u8>>,
}

pub fn f16_bytes(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|&value| f16::from_f32(value).to_le_bytes()).collect()
}

/// Weights on the 4-bit grid, each group with a step of its own and the largest weight at step -8.
pub fn on_grid(n: usize, seed: usize) -> Vec<f32> {
    (0..n)
        .map(|i| {
            let step = f16::from_f32(0.01 + 0.001 * ((i / 32 + seed) % 7) as f32).to_f32();
            let steps = if i % 32 == seed % 32 { -8 } else { (i * 7 + seed * 3) as i32 % 15 - 7 };
            f16::from_f32(steps as f32 * step).to_f32()
        })
        .collect()
}

/// Weights on no grid.
pub fn off_grid(n: usize) -> Vec<f32> {
    (0..n).map(|i| ((i as f32) * 0.7).sin() * 0.1).collect()
}

impl Checkpoint {
    pub fn tiny() -> Self {
        let config = json!({
            "architectures": ["DistilBertForSequenceClassification"], "model_type": "distilbert", "activation": "gelu",
            "dim": WIDTH, "hidden_dim": WIDE, "n_heads": 4, "n_layers": N_LAYERS,
            "max_position_embeddings": N_POSITIONS, "vocab_size": N_PIECES,
            "id2label": {"0": "NEGATIVE", "1": "POSITIVE"}, "label2id": {"NEGATIVE": 0, "POSITIVE": 1},
        });
        let mut pieces: Vec<String> = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"].map(String::from).to_vec();
        pieces.extend((pieces.len()..N_PIECES).map(|i| format!("piece{i}")));
        let mut whole = Self { config, pieces, tensors: BTreeMap::new(), others: BTreeMap::new() };
        let mut add = |name: String, shape: &[usize]| {
            let seed = whole.tensors.len();
            let bytes = f16_bytes(&on_grid(shape.iter().product(), seed));
            whole.tensors.insert(name, Stored { dtype: "F16", shape: shape.to_vec(), bytes });
        };
        add("distilbert.embeddings.word_embeddings.weight".into(), &[N_PIECES, WIDTH]);
        add("distilbert.embeddings.position_embeddings.weight".into(), &[N_POSITIONS, WIDTH]);
        let norms = |layer: &str| [format!("{layer}.weight"), format!("{layer}.bias")];
        norms("distilbert.embeddings.LayerNorm").into_iter().for_each(|name| add(name, &[WIDTH]));
        for i in 0..N_LAYERS {
            let layer = format!("distilbert.transformer.layer.{i}");
            for linear in ["q_lin", "k_lin", "v_lin", "out_lin"] {
                add(format!("{layer}.attention.{linear}.weight"), &[WIDTH, WIDTH]);
                add(format!("{layer}.attention.{linear}.bias"), &[WIDTH]);
            }
            for norm in ["sa_layer_norm", "output_layer_norm"] {
                norms(&format!("{layer}.{norm}")).into_iter().for_each(|name| add(name, &[WIDTH]));
            }
            add(format!("{layer}.ffn.lin1.weight"), &[WIDE, WIDTH]);
            add(format!("{layer}.ffn.lin1.bias"), &[WIDE]);
            add(format!("{layer}.ffn.lin2.weight"), &[WIDTH, WIDE]);
            add(format!("{layer}.ffn.lin2.bias"), &[WIDTH]);
        }
        add("pre_classifier.weight".into(), &[WIDTH, WIDTH]);
        add("pre_classifier.bias".into(), &[WIDTH]);
        add("classifier.weight".into(), &[2, WIDTH]);
        add("classifier.bias".into(), &[2]);
        whole
    }

    pub fn tensor(&mut self, name: &str) -> &mut Stored {
        self.tensors.get_mut(name).expect("the tiny checkpoint has this tensor")
    }

    /// As files, with every tensor in model.safetensors.
    pub fn files(&self) -> Files {
        let mut files = self.files_without_weights();
        let tensors: Vec<(&str, &Stored)> = self.tensors.iter().map(|(name, tensor)| (name.as_str(), tensor)).collect();
        files.0.entry("model.safetensors".into()).or_insert_with(|| safetensors(&tensors));
        files
    }

    /// As files, with the tensors in two shards and an index.
    pub fn sharded_files(&self) -> Files {
        let mut files = self.files_without_weights();
        let shard = |i: usize| format!("model-{:05}-of-00002.safetensors", i + 1);
        let mut map = serde_json::Map::new();
        let mut shards: [Vec<(&str, &Stored)>; 2] = Default::default();
        for (i, (name, tensor)) in self.tensors.iter().enumerate() {
            shards[i % 2].push((name, tensor));
            map.insert(name.clone(), shard(i % 2).into());
        }
        for (i, tensors) in shards.iter().enumerate() {
            files.0.insert(shard(i), safetensors(tensors));
        }
        files.0.insert("model.safetensors.index.json".into(), json!({ "weight_map": map }).to_string().into_bytes());
        files
    }

    fn files_without_weights(&self) -> Files {
        let mut files = Files(self.others.clone());
        let vocabulary: String = self.pieces.iter().flat_map(|piece| [piece.as_str(), "\n"]).collect();
        files.0.entry("config.json".into()).or_insert_with(|| self.config.to_string().into_bytes());
        files.0.entry("vocab.txt".into()).or_insert_with(|| vocabulary.into_bytes());
        files
    }
}

pub fn safetensors(tensors: &[(&str, &Stored)]) -> Vec<u8> {
    let mut header = String::from("{\"__metadata__\":{\"format\":\"pt\"}");
    let mut data: Vec<u8> = Vec::new();
    for (name, tensor) in tensors {
        let end = data.len() + tensor.bytes.len();
        // By hand and not as a map, so that a test can let a name stand twice.
        let entry = json!({"dtype": tensor.dtype, "shape": tensor.shape, "data_offsets": [data.len(), end]});
        header.push_str(&format!(",\"{name}\":{entry}"));
        data.extend_from_slice(&tensor.bytes);
    }
    header.push('}');
    [&(header.len() as u64).to_le_bytes(), header.as_bytes(), &data].concat()
}

pub fn pack(files: &Files) -> Result<Vec<u8>, PackError> {
    let import = Import { name: "tiny".into() };
    run(distilbert::pack(files, &import, std::io::Cursor::new(Vec::new()), |_| {})).map(std::io::Cursor::into_inner)
}
