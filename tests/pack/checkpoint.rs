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

/// A matrix of 4-bit steps, one here in each byte, and the scale of each group of 32.
#[derive(Debug, Clone)]
pub struct FourBits {
    pub n_columns: usize,
    pub steps: Vec<u8>,
    pub scales: Vec<f16>,
}

impl FourBits {
    /// Steps and scales as no rule of rounding would leave them: groups without the step -8, of zeros with a scale, with
    /// scales of both signs and of subnormal size.
    pub fn unruly(n_rows: usize, n_columns: usize, seed: usize) -> Self {
        let n_groups = n_rows * n_columns / 32;
        let steps = (0..n_rows * n_columns)
            .map(|i| {
                let mixed = (i + seed * 977).wrapping_mul(2_654_435_761) >> 7;
                match (i / 32 + seed) % 4 {
                    0 => 8,
                    1 => 5 + (mixed % 6) as u8,
                    _ => (mixed % 16) as u8,
                }
            })
            .collect();
        let scales = (0..n_groups).map(|i| {
            let bits = [0x2001, 0x9fff, 0x0003, 0x8001, 0x1234][(i + seed) % 5];
            f16::from_bits(bits + (i % 97) as u16 * 4)
        });
        Self { n_columns, steps, scales: scales.collect() }
    }

    /// Weights that are on the grid by Q4_0's own rule, as [`on_grid`] makes them.
    pub fn of(weights: &[f32], n_columns: usize) -> Self {
        let mut made = Self { n_columns, steps: vec![], scales: vec![] };
        for group in weights.as_chunks::<32>().0 {
            let largest = group.iter().copied().max_by(|a, b| a.abs().total_cmp(&b.abs())).expect("32 weights");
            let scale = f16::from_f32(largest / -8.0);
            made.scales.push(scale);
            made.steps.extend(group.iter().map(|weight| ((weight / scale.to_f32()).round() + 8.0) as u8));
        }
        made
    }

    /// `NAME.q`: the earlier of two inputs in the low nibble.
    pub fn q(&self) -> Stored {
        let bytes: Vec<u8> = self.steps.chunks(2).map(|pair| pair[0] + pair[1] * 16).collect();
        Stored { dtype: "U8", shape: vec![self.steps.len() / self.n_columns, self.n_columns / 2], bytes }
    }

    /// `NAME.scale`
    pub fn scale(&self) -> Stored {
        let bytes = self.scales.iter().flat_map(|scale| scale.to_le_bytes()).collect();
        Stored { dtype: "F16", shape: vec![self.steps.len() / self.n_columns, self.n_columns / 32], bytes }
    }

    /// What the packed file must hold: the scale, then steps 0 to 15 in low nibbles and 16 to 31 in high ones.
    pub fn q4_0(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        for (group, scale) in self.steps.chunks(32).zip(&self.scales) {
            bytes.extend(scale.to_le_bytes());
            let (first, last) = group.split_at(16);
            bytes.extend(first.iter().zip(last).map(|(low, high)| low + high * 16));
        }
        bytes
    }

    /// The same as a usual checkpoint has it: products in f32, rounded to f16.
    pub fn unpacked(&self) -> Stored {
        let weights: Vec<f32> = self
            .steps
            .iter()
            .enumerate()
            .map(|(i, &step)| (f32::from(step) - 8.0) * self.scales[i / 32].to_f32())
            .collect();
        let shape = vec![self.steps.len() / self.n_columns, self.n_columns];
        Stored { dtype: "F16", shape, bytes: f16_bytes(&weights) }
    }
}

impl Checkpoint {
    pub fn tiny() -> Self {
        Self::with_labels(&["NEGATIVE", "POSITIVE"])
    }

    /// The same net for other classes: all but the classifier is equal, and its first rows are.
    pub fn with_labels(labels: &[&str]) -> Self {
        let id2label: Value = labels.iter().enumerate().map(|(id, label)| (id.to_string(), json!(label))).collect();
        let label2id: Value = labels.iter().enumerate().map(|(id, label)| (label.to_string(), json!(id))).collect();
        let config = json!({
            "architectures": ["DistilBertForSequenceClassification"], "model_type": "distilbert", "activation": "gelu",
            "dim": WIDTH, "hidden_dim": WIDE, "n_heads": 4, "n_layers": N_LAYERS,
            "max_position_embeddings": N_POSITIONS, "vocab_size": N_PIECES,
            "id2label": id2label, "label2id": label2id,
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
        add("classifier.weight".into(), &[labels.len(), WIDTH]);
        add("classifier.bias".into(), &[labels.len()]);
        whole
    }

    pub fn tensor(&mut self, name: &str) -> &mut Stored {
        self.tensors.get_mut(name).expect("the tiny checkpoint has this tensor")
    }

    /// Stores a matrix as 4-bit steps and scales instead.
    pub fn put(&mut self, name: &str, four_bits: &FourBits) {
        self.tensors.remove(name);
        self.tensors.insert(format!("{name}.q"), four_bits.q());
        self.tensors.insert(format!("{name}.scale"), four_bits.scale());
    }

    /// As files, with every tensor in model.q4.safetensors.
    pub fn four_bit_files(&self) -> Files {
        let mut files = self.files();
        let weights = files.0.remove("model.safetensors").expect("it was just written");
        files.0.insert("model.q4.safetensors".into(), weights);
        files
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
