//! Our DistilBERT against candle-transformers' on the same packed weights, widened to f32.
//!
//! Theirs has no classification head (put on here), masks where the mask is 1 (so it gets zeros) and uses the tanh form
//! of GELU, which moves a logit by less than the tolerance here.

use std::collections::HashMap;
use std::path::Path;

use candle_core::{DType, Device, IndexOp, Module, Tensor};
use candle_nn::{Linear, VarBuilder};
use candle_transformers::models::distilbert::{Config, DistilBertModel};
use sotto::kernels::{f16_to_f32, widen_q4_row};
use sotto::nets::DistilBertBuilder;
use sotto::pack::{Dtype, Header, PackError, PackReader, RowSink, TensorInfo};

/// Every tensor as f32.
#[derive(Default)]
struct Widened(HashMap<String, (Vec<usize>, Vec<f32>)>);

impl RowSink for Widened {
    fn start(&mut self, _: &Header) -> Result<(), PackError> {
        Ok(())
    }

    fn rows(&mut self, tensor: &TensorInfo, _: usize, bytes: &[u8]) -> Result<(), PackError> {
        let (_, floats) = self.0.entry(tensor.name.clone()).or_insert_with(|| (tensor.shape.clone(), vec![]));
        match tensor.dtype {
            Dtype::Q4_0 => {
                for row in bytes.chunks_exact(tensor.row_bytes) {
                    let mut widened = vec![0.0; tensor.row_bytes / 18 * 32];
                    widen_q4_row(row, &mut widened);
                    floats.extend(widened);
                }
            }
            Dtype::F16 => floats.extend(bytes.as_chunks().0.iter().map(|&bits| f16_to_f32(u16::from_le_bytes(bits)))),
            Dtype::F32 => floats.extend(bytes.as_chunks().0.iter().map(|&bits| f32::from_le_bytes(bits))),
            Dtype::I8 | Dtype::I16 => panic!("the shipped text model has no {:?} tensors", tensor.dtype),
        }
        Ok(())
    }

    fn finish(&mut self) -> Result<(), PackError> {
        Ok(())
    }
}

fn read<S: RowSink>(bytes: &[u8], sink: S) -> S {
    let mut reader = PackReader::new(sink);
    reader.feed(bytes).unwrap();
    reader.finish().unwrap()
}

#[test]
fn logits_agree_with_candle_transformers() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let bytes = std::fs::read(root.join("models/sentiment.gguf")).unwrap();
    let ours = read(&bytes, DistilBertBuilder::default()).finish().unwrap();
    let widened = read(&bytes, Widened::default()).0;
    let tensors: HashMap<String, Tensor> = widened
        .into_iter()
        .map(|(name, (shape, floats))| (name, Tensor::from_vec(floats, shape, &Device::Cpu).unwrap()))
        .collect();
    let linear = |name: &str| {
        Linear::new(tensors[&format!("{name}.weight")].clone(), Some(tensors[&format!("{name}.bias")].clone()))
    };
    let (pre_classifier, classifier) = (linear("pre_classifier"), linear("classifier"));
    let config: Config = serde_json::from_value(serde_json::json!({
        "vocab_size": 30522, "dim": 768, "n_layers": 6, "n_heads": 12, "hidden_dim": 3072, "activation": "gelu",
        "max_position_embeddings": 512, "initializer_range": 0.02, "pad_token_id": 0,
        "use_cache": true, "model_type": "distilbert",
    }))
    .unwrap();
    let builder = VarBuilder::from_tensors(tensors.clone(), DType::F32, &Device::Cpu);
    let theirs = DistilBertModel::load(builder, &config).unwrap();

    // [CLS] i love this movie ! [SEP] and others; then a long run of ids without meaning.
    let long: Vec<u32> = (0..200u32).map(|n| if n == 0 { 101 } else { 1000 + n * 137 % 20_000 }).collect();
    let texts: [&[u32]; 4] =
        [&[101, 1045, 2293, 2023, 3185, 999, 102], &[101, 2025, 2919, 2012, 2035, 102], &[101, 102], &long];
    for ids in texts {
        let found: Vec<f32> = ours.net.forward(ids, &[ids.len()]).unwrap().flatten_all().unwrap().to_vec1().unwrap();
        let batch = Tensor::new(ids, &Device::Cpu).unwrap().unsqueeze(0).unwrap();
        let nothing_masked = Tensor::zeros((1, 1, 1, ids.len()), DType::U8, &Device::Cpu).unwrap();
        let hidden = theirs.forward(&batch, &nothing_masked).unwrap().i((.., 0)).unwrap();
        let head = pre_classifier.forward(&hidden).unwrap().relu().unwrap();
        let expected: Vec<f32> = classifier.forward(&head).unwrap().flatten_all().unwrap().to_vec1().unwrap();
        println!("{} tokens: {found:?}, candle-transformers {expected:?}", ids.len());
        for (found, expected) in found.iter().zip(&expected) {
            assert!((found - expected).abs() < 0.3, "{ids:?}: {found} for {expected}");
        }
    }
}
