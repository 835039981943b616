//! Builds a DistilBERT from a weight file's rows, each put into its last place as it comes. What doesn't fit is
//! refused by name before any memory is asked for.

use std::cell::RefCell;

use candle_core::{DType, Device, Error, Result, Tensor};
use candle_nn::Linear;

use super::{DistilBert, Shape};
use crate::nets::rows::{Scales, as_i8, expect, fill, floats, matrix_of};
use crate::nn::{EncoderLayer, LayerNorm, Table};
use crate::pack::{Dtype, Header, PackError, RowSink, TensorInfo, key};

impl Shape {
    fn read(header: &Header) -> std::result::Result<Self, PackError> {
        let meta = &header.metadata;
        let size = |key: &str| meta.u32(key).map(|n| n as usize);
        Ok(Self {
            n_layers: size(key::BLOCK_COUNT)?,
            width: size(key::EMBEDDING_LENGTH)?,
            feed_forward_width: size(key::FEED_FORWARD_LENGTH)?,
            n_heads: size(key::HEAD_COUNT)?,
            n_positions: size(key::CONTEXT_LENGTH)?,
            n_pieces: size(key::VOCABULARY_LENGTH)?,
            n_labels: header.labels()?.len(),
            layer_norm_epsilon: meta.f32(key::LAYER_NORM_EPSILON)?,
        })
    }

    /// Every tensor of the net by name, with its shape.
    fn tensors(&self) -> Vec<(String, Vec<usize>)> {
        let (width, wide) = (self.width, self.feed_forward_width);
        let mut tensors = vec![
            (format!("{EMBEDDINGS}.word_embeddings.weight"), vec![self.n_pieces, width]),
            (format!("{EMBEDDINGS}.position_embeddings.weight"), vec![self.n_positions, width]),
            (format!("{EMBEDDINGS}.LayerNorm.weight"), vec![width]),
            (format!("{EMBEDDINGS}.LayerNorm.bias"), vec![width]),
        ];
        let mut linear = |name: String, n_out: usize, n_in: usize| {
            tensors.push((format!("{name}.weight"), vec![n_out, n_in]));
            tensors.push((format!("{name}.bias"), vec![n_out]));
        };
        for layer in 0..self.n_layers {
            for part in ["attention.q_lin", "attention.k_lin", "attention.v_lin", "attention.out_lin"] {
                linear(format!("{LAYERS}.{layer}.{part}"), width, width);
            }
            linear(format!("{LAYERS}.{layer}.ffn.lin1"), wide, width);
            linear(format!("{LAYERS}.{layer}.ffn.lin2"), width, wide);
        }
        linear("pre_classifier".into(), width, width);
        linear("classifier".into(), self.n_labels, width);
        for layer in 0..self.n_layers {
            for norm in ["sa_layer_norm", "output_layer_norm"] {
                for part in ["weight", "bias"] {
                    tensors.push((format!("{LAYERS}.{layer}.{norm}.{part}"), vec![width]));
                }
            }
        }
        tensors
    }
}

const EMBEDDINGS: &str = "distilbert.embeddings";
const LAYERS: &str = "distilbert.transformer.layer";

/// More than any DistilBERT has; what asks for more is a damaged or hostile file.
const LARGEST: Shape = Shape {
    n_layers: 24,
    width: 2048,
    feed_forward_width: 8192,
    n_heads: 64,
    n_positions: 4096,
    n_pieces: 300_000,
    n_labels: 64,
    layer_norm_epsilon: 1e-3,
};

/// A DistilBERT under construction: takes the file's rows and puts each into its last place.
#[derive(Debug, Default)]
pub struct DistilBertBuilder {
    net: Option<DistilBert>,
    vocabulary: String,
    symbols_alone: bool,
    labels: Vec<String>,
    scales: Scales,
    /// [n_labels × width], [n_labels], until the layer is made
    classifier: (Vec<f32>, Vec<f32>),
}

/// What a weight file gives: the net, and what others need to know to use it.
#[derive(Debug)]
pub struct LoadedNet {
    pub net: DistilBert,
    /// The bytes of vocab.txt.
    pub vocabulary: String,
    /// Whether each symbol of a text is a word of its own: [`key::SYMBOLS`].
    pub symbols_alone: bool,
    pub labels: Vec<String>,
}

impl DistilBertBuilder {
    /// The net, once a [`crate::pack::PackReader`] has handed over every row.
    pub fn finish(self) -> std::result::Result<LoadedNet, PackError> {
        let net = self.net.ok_or_else(|| PackError::Header { at: 0, problem: "nothing was read".into() })?;
        let Self { vocabulary, symbols_alone, labels, .. } = self;
        Ok(LoadedNet { net, vocabulary, symbols_alone, labels })
    }
}

impl RowSink for DistilBertBuilder {
    fn start(&mut self, header: &Header) -> std::result::Result<(), PackError> {
        if header.architecture()? != "distilbert" {
            return Err(PackError::key(key::ARCHITECTURE, format!("is {}, not distilbert", header.architecture()?)));
        }
        let shape = Shape::read(header)?;
        check(&shape)?;
        let expected = shape.tensors();
        for (name, shape) in &expected {
            header.tensor(name)?.expect_shape(shape)?;
        }
        self.vocabulary = header.vocabulary()?.to_owned();
        self.symbols_alone = header.symbols_alone()?;
        self.labels = header.labels()?.to_vec();
        self.classifier = (vec![0.0; shape.n_labels * shape.width], vec![0.0; shape.n_labels]);
        self.net = Some(empty(shape, header).map_err(|error| PackError::key(key::ARCHITECTURE, error.to_string()))?);
        Ok(())
    }

    fn rows(&mut self, tensor: &TensorInfo, first_row: usize, bytes: &[u8]) -> std::result::Result<(), PackError> {
        let Some(net) = &mut self.net else {
            return Err(PackError::tensor(&tensor.name, "came before the header"));
        };
        let name = tensor.name.as_str();
        if name.ends_with(".scale") {
            return self.scales.take(tensor, bytes);
        }
        if let Some(part) = name.strip_prefix("distilbert.embeddings.") {
            return match part {
                "word_embeddings.weight" => append(&mut net.words, tensor, bytes, &self.scales),
                "position_embeddings.weight" => append(&mut net.positions, tensor, bytes, &self.scales),
                "LayerNorm.weight" => fill(tensor, first_row, bytes, &mut net.embedding_norm.gamma),
                "LayerNorm.bias" => fill(tensor, first_row, bytes, &mut net.embedding_norm.beta),
                _ => Err(unknown(tensor)),
            };
        }
        if let Some(part) = name.strip_prefix("distilbert.transformer.layer.") {
            let (layer, part) = part.split_once('.').ok_or_else(|| unknown(tensor))?;
            let layer = layer.parse().ok().and_then(|n: usize| net.layers.get_mut(n)).ok_or_else(|| unknown(tensor))?;
            return fill_layer(layer, part, tensor, first_row, bytes, &self.scales);
        }
        match name {
            "pre_classifier.weight" => self.scales.put(tensor, first_row, first_row, bytes, &mut net.pre_classifier),
            "pre_classifier.bias" => fill(tensor, first_row, bytes, net.pre_classifier.bias_mut()),
            "classifier.weight" => fill(tensor, first_row, bytes, &mut self.classifier.0),
            "classifier.bias" => fill(tensor, first_row, bytes, &mut self.classifier.1),
            _ => Err(unknown(tensor)),
        }
    }

    fn finish(&mut self) -> std::result::Result<(), PackError> {
        if let Some(net) = &mut self.net {
            let (weights, bias) = std::mem::take(&mut self.classifier);
            net.classifier = classifier(weights, bias, &net.shape)
                .map_err(|error| PackError::Header { at: 0, problem: error.to_string() })?;
        }
        Ok(())
    }
}

fn unknown(tensor: &TensorInfo) -> PackError {
    PackError::tensor(&tensor.name, "is no part of a DistilBERT classifier; pack the model again")
}

fn check(shape: &Shape) -> std::result::Result<(), PackError> {
    let sizes = [
        (key::BLOCK_COUNT, shape.n_layers, LARGEST.n_layers),
        (key::EMBEDDING_LENGTH, shape.width, LARGEST.width),
        (key::FEED_FORWARD_LENGTH, shape.feed_forward_width, LARGEST.feed_forward_width),
        (key::HEAD_COUNT, shape.n_heads, LARGEST.n_heads),
        (key::CONTEXT_LENGTH, shape.n_positions, LARGEST.n_positions),
        (key::VOCABULARY_LENGTH, shape.n_pieces, LARGEST.n_pieces),
        (key::LABELS, shape.n_labels, LARGEST.n_labels),
    ];
    for (key, size, largest) in sizes {
        if size == 0 || size > largest {
            return Err(PackError::key(key, format!("is {size}; a DistilBERT has 1 to {largest}")));
        }
    }
    if !shape.width.is_multiple_of(shape.n_heads) || !shape.head_size().is_multiple_of(8) {
        let problem = format!("{} heads don't divide a width of {} into multiples of 8", shape.n_heads, shape.width);
        return Err(PackError::key(key::HEAD_COUNT, problem));
    }
    Ok(())
}

/// The net with room for all its weights and none of them in place.
fn empty(shape: Shape, header: &Header) -> Result<DistilBert> {
    let norm =
        || LayerNorm { gamma: vec![0.0; shape.width], beta: vec![0.0; shape.width], epsilon: shape.layer_norm_epsilon };
    let table = |name: &str| {
        let tensor = header.tensor(name).map_err(Error::wrap)?;
        let (width, n_rows) = (shape.width, tensor.n_rows);
        Ok(match tensor.dtype {
            Dtype::Q4_0 => Table::Q4 { width, bytes: Vec::with_capacity(n_rows * tensor.row_bytes) },
            Dtype::I8 => Table::I8 { width, values: Vec::with_capacity(n_rows * width), scales: vec![] },
            Dtype::F16 => Table::F16 { width, bits: Vec::with_capacity(n_rows * width) },
            dtype @ (Dtype::F32 | Dtype::I16) => {
                return Err(Error::Msg(format!("{name}: a table is not stored as {dtype:?}")));
            }
        })
    };
    let width = shape.width;
    let matrix = |name: String, n_out: usize, n_in: usize| {
        let tensor = header.tensor(&name).map_err(Error::wrap)?;
        matrix_of(tensor, n_out, n_in).map_err(Error::wrap)
    };
    let layer = |layer: usize| {
        let matrix = |part: &str, n_out, n_in| matrix(format!("{LAYERS}.{layer}.{part}.weight"), n_out, n_in);
        let of_head = |part: &str| matrix(part, shape.head_size(), width);
        let [query, key, value] =
            [of_head("attention.q_lin")?, of_head("attention.k_lin")?, of_head("attention.v_lin")?];
        Ok(EncoderLayer {
            query_key_value: vec![[query, key, value]; shape.n_heads],
            attention_out: matrix("attention.out_lin", width, width)?,
            attention_norm: norm(),
            feed_forward_in: matrix("ffn.lin1", shape.feed_forward_width, width)?,
            feed_forward_out: matrix("ffn.lin2", width, shape.feed_forward_width)?,
            feed_forward_norm: norm(),
        })
    };
    Ok(DistilBert {
        words: table("distilbert.embeddings.word_embeddings.weight")?,
        positions: table("distilbert.embeddings.position_embeddings.weight")?,
        embedding_norm: norm(),
        layers: (0..shape.n_layers).map(layer).collect::<Result<_>>()?,
        pre_classifier: matrix("pre_classifier.weight".into(), width, width)?,
        classifier: classifier(vec![0.0; shape.n_labels * width], vec![0.0; shape.n_labels], &shape)?,
        hidden: RefCell::new(Tensor::zeros((1, width), DType::F32, &Device::Cpu)?),
        workspace: RefCell::default(),
        shape,
    })
}

fn classifier(weights: Vec<f32>, bias: Vec<f32>, shape: &Shape) -> Result<Linear> {
    let weights = Tensor::from_vec(weights, (shape.n_labels, shape.width), &Device::Cpu)?;
    Ok(Linear::new(weights, Some(Tensor::from_vec(bias, shape.n_labels, &Device::Cpu)?)))
}

fn append(table: &mut Table, tensor: &TensorInfo, bytes: &[u8], all: &Scales) -> std::result::Result<(), PackError> {
    match table {
        Table::Q4 { bytes: kept, .. } => kept.extend_from_slice(bytes),
        Table::F16 { bits, .. } => bits.extend(bytes.as_chunks::<2>().0.iter().map(|bytes| u16::from_le_bytes(*bytes))),
        Table::I8 { values, scales, .. } => {
            if scales.is_empty() {
                scales.extend_from_slice(all.of(tensor)?);
            }
            values.extend_from_slice(as_i8(bytes));
        }
    }
    Ok(())
}

fn fill_layer(
    layer: &mut EncoderLayer,
    part: &str,
    tensor: &TensorInfo,
    first_row: usize,
    bytes: &[u8],
    scales: &Scales,
) -> std::result::Result<(), PackError> {
    match part {
        "attention.q_lin.weight" => fill_heads(layer, 0, tensor, first_row, bytes, scales),
        "attention.k_lin.weight" => fill_heads(layer, 1, tensor, first_row, bytes, scales),
        "attention.v_lin.weight" => fill_heads(layer, 2, tensor, first_row, bytes, scales),
        "attention.q_lin.bias" => fill_head_biases(layer, 0, tensor, bytes),
        "attention.k_lin.bias" => fill_head_biases(layer, 1, tensor, bytes),
        "attention.v_lin.bias" => fill_head_biases(layer, 2, tensor, bytes),
        "attention.out_lin.weight" => scales.put(tensor, first_row, first_row, bytes, &mut layer.attention_out),
        "attention.out_lin.bias" => fill(tensor, first_row, bytes, layer.attention_out.bias_mut()),
        "sa_layer_norm.weight" => fill(tensor, first_row, bytes, &mut layer.attention_norm.gamma),
        "sa_layer_norm.bias" => fill(tensor, first_row, bytes, &mut layer.attention_norm.beta),
        "ffn.lin1.weight" => scales.put(tensor, first_row, first_row, bytes, &mut layer.feed_forward_in),
        "ffn.lin1.bias" => fill(tensor, first_row, bytes, layer.feed_forward_in.bias_mut()),
        "ffn.lin2.weight" => scales.put(tensor, first_row, first_row, bytes, &mut layer.feed_forward_out),
        "ffn.lin2.bias" => fill(tensor, first_row, bytes, layer.feed_forward_out.bias_mut()),
        "output_layer_norm.weight" => fill(tensor, first_row, bytes, &mut layer.feed_forward_norm.gamma),
        "output_layer_norm.bias" => fill(tensor, first_row, bytes, &mut layer.feed_forward_norm.beta),
        _ => Err(unknown(tensor)),
    }
}

/// Rows of a query, key or value matrix go to the head they belong to, into its third `third`.
fn fill_heads(
    layer: &mut EncoderLayer,
    third: usize,
    tensor: &TensorInfo,
    first_row: usize,
    bytes: &[u8],
    scales: &Scales,
) -> std::result::Result<(), PackError> {
    let head_size = layer.query_key_value[0][third].n_out();
    let mut row = first_row;
    let mut rest = bytes;
    while !rest.is_empty() {
        let n_rows = (head_size - row % head_size).min(rest.len() / tensor.row_bytes);
        let (rows, after) = rest.split_at(n_rows * tensor.row_bytes);
        let weights = &mut layer.query_key_value[row / head_size][third];
        scales.put(tensor, row, row % head_size, rows, weights)?;
        (row, rest) = (row + n_rows, after);
    }
    Ok(())
}

fn fill_head_biases(
    layer: &mut EncoderLayer,
    third: usize,
    tensor: &TensorInfo,
    bytes: &[u8],
) -> std::result::Result<(), PackError> {
    expect(tensor, &[Dtype::F32])?;
    let head_size = layer.query_key_value[0][third].n_out();
    for (index, value) in floats(bytes).enumerate() {
        layer.query_key_value[index / head_size][third].bias_mut()[index % head_size] = value;
    }
    Ok(())
}
