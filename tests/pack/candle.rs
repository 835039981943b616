//! Candle reads the same file: names, shapes, types and numbers agree.

use std::io::Cursor;

use candle_core::Device;
use candle_core::quantized::{GgmlDType, gguf_file};
use sotto::pack::{Dtype, key};

use super::checkpoint::{Checkpoint, pack};
use super::collect::read;
use super::q4_0_to_f32;

#[test]
fn candle_reads_a_packed_text_model() {
    let file = pack(&Checkpoint::tiny().files()).expect("a packed file");
    let ours = read(&file, 1 << 20).expect("a whole file");
    let mut cursor = Cursor::new(&file);
    let theirs = gguf_file::Content::read(&mut cursor).expect("candle reads the header");
    assert_eq!(theirs.tensor_infos.len(), ours.header.tensors.len());
    let vocabulary = theirs.metadata[key::VOCABULARY].to_string().expect("a string");
    assert_eq!(vocabulary, ours.header.vocabulary().expect("a vocabulary"));
    assert_eq!(theirs.metadata[key::BLOCK_COUNT].to_u32().expect("a number"), 2);
    for tensor in &ours.header.tensors {
        let bytes = &ours.tensors[&tensor.name];
        let quantised = theirs.tensor(&mut cursor, &tensor.name, &Device::Cpu).expect("candle reads the tensor");
        assert_eq!(quantised.shape().dims(), tensor.shape, "{}", tensor.name);
        let numbers =
            quantised.dequantize(&Device::Cpu).and_then(|t| t.flatten_all()?.to_vec1::<f32>()).expect("numbers");
        let (dtype, expected) = match tensor.dtype {
            Dtype::Q4_0 => (GgmlDType::Q4_0, q4_0_to_f32(bytes)),
            Dtype::F16 => {
                let widen = |bytes: &[u8; 2]| half::f16::from_le_bytes(*bytes).to_f32();
                (GgmlDType::F16, bytes.as_chunks().0.iter().map(widen).collect())
            }
            Dtype::F32 => (GgmlDType::F32, bytes.as_chunks().0.iter().map(|b| f32::from_le_bytes(*b)).collect()),
            Dtype::I8 | Dtype::I16 => panic!("the tiny checkpoint is on the grid"),
        };
        assert_eq!(quantised.dtype(), dtype, "{}", tensor.name);
        assert_eq!(numbers, expected, "{}", tensor.name);
    }
}
