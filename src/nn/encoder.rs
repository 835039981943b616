//! A transformer encoder layer, worked in place on the hidden states of one or many sequences.
//!
//! Sequences lie one after another without padding: everything but attention works on rows, and attention is called
//! once per sequence, so a batch of unequal lengths wastes nothing and needs no mask.

use std::cell::RefCell;

use candle_core::{CpuStorage, CustomOp1, InplaceOp1, Layout, Result, Shape};

use super::workspace::room;
use super::{Matrix, Workspace, floats, floats_mut};
use crate::kernels::{Epilogue, FourBitWeights, Heads, fast};

/// Rows that go through the feed-forward together: enough to use each loaded weight often, few enough that the wide
/// middle (3072 floats a row) stays in the second-level cache.
const FEED_FORWARD_ROWS: usize = 64;

#[derive(Debug, Clone)]
pub struct LayerNorm {
    pub gamma: Vec<f32>,
    pub beta: Vec<f32>,
    pub epsilon: f32,
}

impl LayerNorm {
    pub fn apply(&self, x: &mut [f32]) {
        fast::layer_norm_rows(x, &self.gamma, &self.beta, self.epsilon);
    }
}

#[derive(Debug, Clone)]
pub struct EncoderLayer {
    /// For each head its query, key and value, each [width] → [head_size]. Head by head, so that the buffer between
    /// product and attention is small and stays in the cache.
    pub query_key_value: Vec<[Matrix; 3]>,
    /// [width] → [width]
    pub attention_out: Matrix,
    pub attention_norm: LayerNorm,
    /// [width] → [feed_forward_width]
    pub feed_forward_in: Matrix,
    /// [feed_forward_width] → [width]
    pub feed_forward_out: Matrix,
    pub feed_forward_norm: LayerNorm,
}

/// `hidden.inplace_op1(&pass)` with `hidden` [n_tokens, width].
pub struct EncoderPass<'a> {
    pub layer: &'a EncoderLayer,
    /// Lengths of the sequences that lie one after another in `hidden`.
    pub sequences: &'a [usize],
    pub workspace: &'a RefCell<Workspace>,
}

impl InplaceOp1 for EncoderPass<'_> {
    fn name(&self) -> &'static str {
        "sotto-encoder-layer"
    }

    fn cpu_fwd(&self, hidden: &mut CpuStorage, hidden_at: &Layout) -> Result<()> {
        let hidden = floats_mut(hidden, hidden_at)?;
        let workspace = &mut *self.workspace.borrow_mut();
        self.layer.attend(hidden, self.sequences, workspace);
        self.layer.feed_forward(hidden, workspace);
        Ok(())
    }
}

/// `hidden.apply_op1_no_bwd(&pass)`: the last layer of a net that is read at the first token of each sequence alone,
/// [n_tokens, width] → [n_sequences, width]. All tokens are looked at, but only the first ones ask, and only theirs goes
/// on: of a layer's work an eighth is left.
pub struct FirstTokensPass<'a> {
    pub layer: &'a EncoderLayer,
    pub sequences: &'a [usize],
    pub workspace: &'a RefCell<Workspace>,
}

impl CustomOp1 for FirstTokensPass<'_> {
    fn name(&self) -> &'static str {
        "sotto-encoder-layer-of-first-tokens"
    }

    fn cpu_fwd(&self, hidden: &CpuStorage, hidden_at: &Layout) -> Result<(CpuStorage, Shape)> {
        let hidden = floats(hidden, hidden_at)?;
        let width = self.layer.attention_out.n_in();
        let workspace = &mut *self.workspace.borrow_mut();
        let starts = self.sequences.iter().scan(0, |next, length| Some(std::mem::replace(next, *next + length)));
        let mut first: Vec<f32> = starts.flat_map(|start| &hidden[start * width..][..width]).copied().collect();
        self.layer.look_around(hidden, self.sequences, Asking::FirstTokens, workspace);
        self.layer.take_in(&mut first, workspace);
        self.layer.feed_forward(&mut first, workspace);
        Ok((CpuStorage::F32(first), Shape::from((self.sequences.len(), width))))
    }
}

/// Which tokens of a sequence ask the others.
#[derive(Clone, Copy)]
enum Asking {
    AllTokens,
    FirstTokens,
}

impl EncoderLayer {
    /// hidden = norm(hidden + attention(hidden))
    fn attend(&self, hidden: &mut [f32], sequences: &[usize], workspace: &mut Workspace) {
        self.look_around(hidden, sequences, Asking::AllTokens, workspace);
        self.take_in(hidden, workspace);
    }

    /// context = attention(hidden), a row for each token that asks.
    fn look_around(&self, hidden: &[f32], sequences: &[usize], asking: Asking, workspace: &mut Workspace) {
        let width = self.attention_out.n_in();
        let head_size = width / self.query_key_value.len();
        let n_tokens = hidden.len() / width;
        let one_head = Heads { n_heads: 1, head_size };
        let n_asking = |length: usize| match asking {
            Asking::AllTokens => length,
            Asking::FirstTokens => 1,
        };
        let n_context = sequences.iter().map(|&length| n_asking(length)).sum::<usize>();
        let context = room(&mut workspace.context, n_context * width);
        workspace.operands.quantise(hidden, self.query_key_value.as_flattened());
        for (head, weights) in self.query_key_value.iter().enumerate() {
            let query_key_value = room(&mut workspace.wide, n_tokens * 3 * head_size);
            let out = room(&mut workspace.narrow, n_context * head_size);
            for (part, weights) in weights.iter().enumerate() {
                let out = &mut query_key_value[part * head_size..];
                weights.apply(&mut workspace.operands, Epilogue::Store, out, 3 * head_size);
            }
            let (mut rest, mut out_rest) = (&*query_key_value, &mut *out);
            for &length in sequences {
                let (parts, after) = rest.split_at(length * 3 * head_size);
                let (out, out_after) = out_rest.split_at_mut(n_asking(length) * head_size);
                fast::attention(parts, one_head, &mut workspace.attention, out);
                (rest, out_rest) = (after, out_after);
            }
            for (context, out) in context.chunks_exact_mut(width).zip(out.chunks_exact(head_size)) {
                context[head * head_size..][..head_size].copy_from_slice(out);
            }
        }
    }

    /// hidden = norm(hidden + out(context)), for the tokens that asked.
    fn take_in(&self, hidden: &mut [f32], workspace: &mut Workspace) {
        let width = self.attention_out.n_in();
        workspace.operands.quantise(&workspace.context[..hidden.len()], [&self.attention_out]);
        self.attention_out.apply(&mut workspace.operands, Epilogue::Add, hidden, width);
        self.attention_norm.apply(hidden);
    }

    /// hidden = norm(hidden + out(gelu(in(hidden))))
    fn feed_forward(&self, hidden: &mut [f32], workspace: &mut Workspace) {
        let (width, wide_width) = (self.feed_forward_in.n_in(), self.feed_forward_in.n_out());
        for hidden in hidden.chunks_mut(FEED_FORWARD_ROWS * width) {
            let wide = room(&mut workspace.wide, hidden.len() / width * wide_width);
            workspace.operands.quantise(hidden, [&self.feed_forward_in]);
            self.feed_forward_in.apply(&mut workspace.operands, Epilogue::Gelu, wide, wide_width);
            workspace.operands.quantise(wide, [&self.feed_forward_out]);
            self.feed_forward_out.apply(&mut workspace.operands, Epilogue::Add, hidden, width);
            self.feed_forward_norm.apply(hidden);
        }
    }

    /// Works a small layer of nothing, for a millisecond or two. A browser makes fast only what has run for a while, on another
    /// thread, in as long as it takes to read a model: so a first verdict does not wait for it.
    pub fn run_in() {
        const WIDTH: usize = 64;
        const N_TOKENS: usize = 16;
        const N_TIMES: usize = 24;
        let matrix = || Matrix::FourBits(FourBitWeights::zeroed(WIDTH, WIDTH));
        let norm = || LayerNorm { gamma: vec![1.0; WIDTH], beta: vec![0.0; WIDTH], epsilon: 1e-12 };
        let layer = Self {
            query_key_value: vec![[matrix(), matrix(), matrix()]],
            attention_out: matrix(),
            attention_norm: norm(),
            feed_forward_in: matrix(),
            feed_forward_out: matrix(),
            feed_forward_norm: norm(),
        };
        let mut hidden: Vec<f32> = (0..N_TOKENS * WIDTH).map(|i| (i % 7) as f32 - 3.0).collect();
        let mut workspace = Workspace::default();
        for _ in 0..N_TIMES {
            layer.attend(&mut hidden, &[N_TOKENS], &mut workspace);
            layer.feed_forward(&mut hidden, &mut workspace);
        }
    }

    pub fn byte_len(&self) -> usize {
        let matrices = [&self.attention_out, &self.feed_forward_in, &self.feed_forward_out];
        self.query_key_value.as_flattened().iter().chain(matrices).map(Matrix::byte_len).sum()
    }
}
