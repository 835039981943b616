//! The weight file: its format, its writer, its reader, and the importers that make it from other people's files.
//! It never knows what a net computes, nor where bytes come from or go to (disk, IndexedDB, Blob).
//!
//! # The format
//!
//! A GGUF version 3 file, little endian, 32-byte alignment. Why GGUF: it carries typed metadata and a tensor table in
//! one header at the front, it knows 4-bit groups by name (Q4_0), and others read it: candle and the llama.cpp family
//! open the text model as it is. (Candle 0.11 has no names for GGUF's I8 and I16 and refuses files that hold them.)
//! safetensors has no 4-bit type and only string metadata.
//!
//! What is stricter than GGUF, so that a file can be read in one pass in slices of any size:
//! - tensors lie in the order of the tensor table, which is the order of loading, with zero padding between them;
//! - metadata is only u32, f32, bool, string and flat arrays of these;
//! - tensors are only F32, F16, Q4_0, I8 and I16; an I8 or I16 tensor `x.weight` has a row scale each in an F32 tensor
//!   `x.scale`;
//! - `.scale` and `.bias` come before the `.weight` they belong to, so a layer is complete with its last row.
//!
//! Keys beside GGUF's own: [`key`]. Every section has its sha256: each tensor in [`key::TENSOR_SHA256`], the header in
//! [`key::HEADER_SHA256`] (the hash of all bytes before the first tensor with the 64 digits of this value as "0").
//! The vocabulary is one string, the bytes of vocab.txt: llama.cpp's `tokenizer.ggml.tokens` array would cost 30,522
//! allocations at every start, a blob is indexed in place.

#![warn(missing_docs)]

pub mod distilbert;
mod error;
mod header;
pub mod importer;
mod js_literal;
mod metadata;
pub mod nsfwjs;
mod onnx;
pub mod open_nsfw;
pub mod pair;
mod parser;
pub mod quantise;
mod reader;
pub(crate) mod safetensors;
pub mod source;
mod tfjs;
mod writer;

pub use error::PackError;
pub use header::{Dtype, Header, TensorInfo};
pub use metadata::{Metadata, Value};
pub use reader::{PackReader, RowSink};
pub use writer::PackWriter;

/// Raised when the bytes that [`PackWriter`] makes, or what the importers put into them, change in a way that an older
/// reader or a stored copy would get wrong. The golden tests in tests/pack/ say when.
pub const PACK_VERSION: u32 = 1;

/// What a file says instead that has [`key::SYMBOLS`]: a reader of version 1 alone would pass over the key and split texts
/// wrongly, so it must refuse the file. All others stay what they were, to the byte, and this program reads both.
pub const PACK_VERSION_SYMBOLS: u32 = 2;

/// Names of metadata keys. `A.x` stands for a key that begins with the architecture's name.
pub mod key {
    /// "distilbert", "mobilenet_v2", "open_nsfw" or, for the last two in one file, "mobilenet_v2+open_nsfw".
    pub const ARCHITECTURE: &str = "general.architecture";
    /// What a person may call the model.
    pub const NAME: &str = "general.name";
    /// GGUF's own version of its quantised types: 2.
    pub const QUANTIZATION_VERSION: &str = "general.quantization_version";
    /// [`super::PACK_VERSION`] or [`super::PACK_VERSION_SYMBOLS`] of the program that wrote the file.
    pub const PACK_VERSION: &str = "sotto.pack_version";
    /// Names of the classes in the order of the logits.
    pub const LABELS: &str = "sotto.labels";
    /// 1: nothing divides logits before the softmax. The last layer's weights hold a temperature that was fitted, and a file
    /// that says another is refused.
    pub const TEMPERATURE: &str = "sotto.calibration.temperature";
    /// The bytes of vocab.txt: word pieces in the order of their ids, a newline after each.
    pub const VOCABULARY: &str = "sotto.vocabulary";
    /// "alone": before BERT's rules come those of src/text/wordpiece.rs by which each emoji, arrow or shape is a word of
    /// its own. Without this key the vocabulary is a plain BERT's.
    pub const SYMBOLS: &str = "sotto.tokenizer.symbols";
    /// Hex sha256 of each tensor's bytes, in the order of the tensor table.
    pub const TENSOR_SHA256: &str = "sotto.sha256.tensors";
    /// Hex sha256 of the header; always the last key.
    pub const HEADER_SHA256: &str = "sotto.sha256.header";

    /// Transformer layers.
    pub const BLOCK_COUNT: &str = "distilbert.block_count";
    /// Numbers a token.
    pub const EMBEDDING_LENGTH: &str = "distilbert.embedding_length";
    /// Numbers a token between a layer's two last products.
    pub const FEED_FORWARD_LENGTH: &str = "distilbert.feed_forward_length";
    /// Heads of each layer; they divide the embedding evenly.
    pub const HEAD_COUNT: &str = "distilbert.attention.head_count";
    /// Added to the variance before its root is taken.
    pub const LAYER_NORM_EPSILON: &str = "distilbert.attention.layer_norm_epsilon";
    /// The longest input in tokens, [CLS] and [SEP] included.
    pub const CONTEXT_LENGTH: &str = "distilbert.context_length";
    /// Word pieces, as many as lines in [`VOCABULARY`].
    pub const VOCABULARY_LENGTH: &str = "distilbert.vocab_size";

    /// Width and height of the picture the net takes, in pixels.
    pub const IMAGE_SIZE: &str = "mobilenet_v2.image_size";
    /// How a picture is brought to that size: "bilinear_align_corners".
    pub const RESIZE: &str = "mobilenet_v2.resize";
    /// What the net takes is `channel / 255 * INPUT_SCALE + INPUT_OFFSET`, channels in the order red, green, blue.
    pub const INPUT_SCALE: &str = "mobilenet_v2.input_scale";
    /// See [`INPUT_SCALE`].
    pub const INPUT_OFFSET: &str = "mobilenet_v2.input_offset";
    /// By how much all channels were scaled when the net was designed; told, not computed with.
    pub const WIDTH_MULTIPLIER: &str = "mobilenet_v2.width_multiplier";
    /// "same" is TensorFlow's: one pixel all round at stride 1, below and to the right only at stride 2 on even sizes.
    pub const PADDING: &str = "mobilenet_v2.padding";
    /// The upper end of the clipped activation after stem, expand, depthwise and last convolution: 6.
    pub const ACTIVATION_MAX: &str = "mobilenet_v2.activation_max";
    /// Output channels of the 3x3 convolution over RGB.
    pub const STEM_CHANNELS: &str = "mobilenet_v2.stem.channels";
    /// 2: the only one that can be computed.
    pub const STEM_STRIDE: &str = "mobilenet_v2.stem.stride";
    /// One entry per inverted-residual block; a block whose expanded channels equal its input's has no `expand`.
    pub const BLOCK_EXPANDED_CHANNELS: &str = "mobilenet_v2.block.expanded_channels";
    /// Channels that each block hands to the next.
    pub const BLOCK_OUTPUT_CHANNELS: &str = "mobilenet_v2.block.output_channels";
    /// 1 or 2, per block.
    pub const BLOCK_STRIDE: &str = "mobilenet_v2.block.stride";
    /// Whether a block adds its input to its output.
    pub const BLOCK_RESIDUAL: &str = "mobilenet_v2.block.residual";
    /// Output channels of the 1x1 convolution before the global average.
    pub const LAST_CHANNELS: &str = "mobilenet_v2.last.channels";
    /// One entry per dense layer after the global average: its outputs and "relu" or "none". A softmax follows the last.
    pub const DENSE_CHANNELS: &str = "mobilenet_v2.dense.channels";
    /// See [`DENSE_CHANNELS`].
    pub const DENSE_ACTIVATION: &str = "mobilenet_v2.dense.activation";

    /// Width and height of the picture the net takes, in pixels: the middle of one of [`OPEN_RESIZE_SIZE`].
    pub const OPEN_IMAGE_SIZE: &str = "open_nsfw.image_size";
    /// How a picture is brought to [`OPEN_RESIZE_SIZE`]: "bilinear_antialiased", each pixel the mean of all that it
    /// covers, weighted by a triangle.
    pub const OPEN_RESIZE: &str = "open_nsfw.resize";
    /// Width and height of the picture before its middle is cut out.
    pub const OPEN_RESIZE_SIZE: &str = "open_nsfw.resize_size";
    /// Yahoo's program writes a picture that it has made small as JPEG of this quality and reads it again; the net's
    /// scores are those of such pictures.
    pub const OPEN_JPEG_QUALITY: &str = "open_nsfw.jpeg_quality";
    /// Taken from each channel of 0 to 255 before the stem: red, green, blue. Nothing scales them.
    pub const OPEN_MEAN: &str = "open_nsfw.mean";
    /// Output channels of the convolution over RGB.
    pub const OPEN_STEM_CHANNELS: &str = "open_nsfw.stem.channels";
    /// Its width and height, an odd number; its stride is 2, and half of it, rounded down, are zeros all round.
    pub const OPEN_STEM_KERNEL: &str = "open_nsfw.stem.kernel";
    /// Bottleneck blocks per stage. The first of each has a projected shortcut, the others add their input.
    pub const OPEN_STAGE_BLOCKS: &str = "open_nsfw.stage.blocks";
    /// Channels between a block's 1x1 convolutions, per stage.
    pub const OPEN_STAGE_NARROW_CHANNELS: &str = "open_nsfw.stage.narrow_channels";
    /// Channels that a block hands to the next, per stage.
    pub const OPEN_STAGE_OUTPUT_CHANNELS: &str = "open_nsfw.stage.output_channels";
    /// 1 or 2, per stage: that of its first block's first convolution and shortcut.
    pub const OPEN_STAGE_STRIDE: &str = "open_nsfw.stage.stride";
}
