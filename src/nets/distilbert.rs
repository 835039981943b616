//! DistilBERT with its sequence-classification head: token ids in, logits out. Load and forward, nothing else.
//!
//! candle-transformers has no such head, masks the wrong way round and uses the tanh form of GELU; it serves the tests
//! as a cross-check of everything but those.

use std::cell::RefCell;

use candle_core::{DType, Device, Error, Result, Tensor};
use candle_nn::Linear;

use crate::kernels::Epilogue;
use crate::nn::{
    Dense, EmbeddingPass, EncoderLayer, EncoderPass, FirstTokensPass, Head, LayerNorm, Matrix, Table, Workspace,
};

mod build;

pub use build::{DistilBertBuilder, LoadedNet};

#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Shape {
    pub n_layers: usize,
    pub width: usize,
    pub feed_forward_width: usize,
    pub n_heads: usize,
    pub n_positions: usize,
    pub n_pieces: usize,
    pub n_labels: usize,
    pub layer_norm_epsilon: f32,
}

impl Shape {
    fn head_size(&self) -> usize {
        self.width / self.n_heads
    }
}

/// A BERT of few layers with a classifier over its first token.
#[derive(Debug)]
pub struct DistilBert {
    shape: Shape,
    /// [n_pieces, width]
    words: Table,
    /// [n_positions, width]
    positions: Table,
    embedding_norm: LayerNorm,
    layers: Vec<EncoderLayer>,
    /// [width] → [width], with ReLU
    pre_classifier: Matrix,
    /// [width] → [n_labels]
    classifier: Linear,
    /// [rows of the longest batch so far, width]
    hidden: RefCell<Tensor>,
    workspace: RefCell<Workspace>,
}

impl DistilBert {
    /// What the weight file said of it.
    pub fn shape(&self) -> &Shape {
        &self.shape
    }

    /// Logits [n_sequences, n_labels]. `ids` holds the sequences one after another, `sequences` their lengths, each
    /// at most `n_positions`.
    pub fn forward(&self, ids: &[u32], sequences: &[usize]) -> Result<Tensor> {
        if sequences.iter().sum::<usize>() != ids.len() || sequences.contains(&0) || sequences.is_empty() {
            return Err(Error::Msg(format!("{} ids don't make sequences of lengths {sequences:?}", ids.len())));
        }
        let hidden = self.hidden(ids.len())?;
        let ids = Tensor::new(ids, &Device::Cpu)?;
        let (words, positions, norm) = (&self.words, &self.positions, &self.embedding_norm);
        hidden.inplace_op2(&ids, &EmbeddingPass { words, positions, norm, sequences })?;
        let Some((last, layers)) = self.layers.split_last() else {
            return Err(Error::Msg("a DistilBERT has at least one layer".into()));
        };
        for layer in layers {
            hidden.inplace_op1(&EncoderPass { layer, sequences, workspace: &self.workspace })?;
        }
        let last = FirstTokensPass { layer: last, sequences, workspace: &self.workspace };
        let first_tokens = hidden.apply_op1_no_bwd(&last)?;
        let pre_classifier =
            Dense { weights: &self.pre_classifier, epilogue: Epilogue::Relu, workspace: &self.workspace };
        first_tokens.apply_op1_no_bwd(&pre_classifier)?.apply_op1_no_bwd(&Head(&self.classifier))
    }

    /// The hidden states' buffer, [n_tokens, width], grown to the longest batch so far.
    fn hidden(&self, n_tokens: usize) -> Result<Tensor> {
        let mut hidden = self.hidden.borrow_mut();
        if hidden.dim(0)? < n_tokens {
            *hidden = Tensor::zeros((1, self.shape.width), DType::F32, &Device::Cpu)?;
            *hidden = Tensor::zeros((n_tokens, self.shape.width), DType::F32, &Device::Cpu)?;
        }
        hidden.narrow(0, 0, n_tokens)
    }

    /// Bytes of memory the weights hold.
    pub fn byte_len(&self) -> usize {
        let layers: usize = self.layers.iter().map(EncoderLayer::byte_len).sum();
        self.words.byte_len() + self.positions.byte_len() + layers + self.pre_classifier.byte_len()
    }
}
