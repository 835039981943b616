//! The header of a weight file: what a tensor is, what stands before the first, and the bytes of it.
//! It never looks at a tensor's contents.

use sha2::{Digest, Sha256};

use super::metadata::{put_text, put_u32, put_u64};
use super::{Metadata, PackError, Value, key};

pub(crate) const MAGIC: &[u8; 4] = b"GGUF";
pub(crate) const GGUF_VERSION: u32 = 3;
pub(crate) const ALIGNMENT: usize = 32;
pub(crate) const HEX_DIGITS: usize = 64;
pub(super) const NAME_BYTES_MAX: usize = 256;
pub(super) const DIMENSIONS_MAX: u32 = 4;
const ELEMENTS_MAX: u64 = 1 << 34;
/// The one value that [`key::SYMBOLS`] has.
pub(super) const SYMBOLS_ALONE: &str = "alone";

/// How a tensor's elements are stored, by GGUF's names and numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "floats need no more than their names")]
pub enum Dtype {
    F32,
    F16,
    /// Groups of 32 along the last axis: an f16 scale, then 16 bytes of nibbles; element = (nibble - 8) * scale. Byte i
    /// holds element i in its low nibble and element i + 16 in its high one.
    Q4_0,
    /// One signed byte each, -127 to 127; the row's scale stands in the tensor of the same stem that ends in `.scale`.
    I8,
    /// One signed number of two bytes each, low byte first, -32767 to 32767; the row's scale stands where I8's does.
    I16,
}

impl Dtype {
    pub(crate) const fn gguf_number(self) -> u32 {
        match self {
            Self::F32 => 0,
            Self::F16 => 1,
            Self::Q4_0 => 2,
            Self::I8 => 24,
            Self::I16 => 25,
        }
    }

    pub(super) fn from_gguf_number(number: u32) -> Option<Self> {
        [Self::F32, Self::F16, Self::Q4_0, Self::I8, Self::I16].into_iter().find(|dtype| dtype.gguf_number() == number)
    }

    /// Elements that are stored together, and the bytes they take.
    pub const fn group(self) -> (usize, usize) {
        match self {
            Self::F32 => (1, 4),
            Self::F16 => (1, 2),
            Self::Q4_0 => (32, 18),
            Self::I8 => (1, 1),
            Self::I16 => (1, 2),
        }
    }
}

/// One line of the tensor table, and what follows from it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TensorInfo {
    /// At most 256 bytes; no other tensor of the file has it.
    pub name: String,
    /// Row-major, outermost first: a linear layer is [outputs, inputs].
    pub shape: Vec<usize>,
    /// Of all its elements.
    pub dtype: Dtype,
    /// A tensor of one dimension is one row.
    pub n_rows: usize,
    /// Rows lie one after another, without padding.
    pub row_bytes: usize,
}

impl TensorInfo {
    /// Refuses a shape that no model has, or whose rows are no whole groups.
    pub fn new(name: &str, shape: &[usize], dtype: Dtype) -> Result<Self, PackError> {
        let problem = |problem: String| PackError::tensor(name, problem);
        if name.is_empty() || name.len() > NAME_BYTES_MAX {
            return Err(problem(format!("a name must be 1 to {NAME_BYTES_MAX} bytes long")));
        }
        let Some((&n_columns, outer)) = shape.split_last() else {
            return Err(problem("has no dimension".into()));
        };
        if shape.len() > DIMENSIONS_MAX as usize || shape.contains(&0) {
            return Err(problem(format!("shape {shape:?} must have 1 to {DIMENSIONS_MAX} dimensions, none of them 0")));
        }
        let n_elements = shape.iter().try_fold(1u64, |product, &n| product.checked_mul(n as u64));
        if n_elements.is_none_or(|n| n > ELEMENTS_MAX) {
            return Err(problem(format!("shape {shape:?} is larger than any model")));
        }
        let (group, group_bytes) = dtype.group();
        if n_columns % group != 0 {
            return Err(problem(format!(
                "rows of {n_columns} can't be stored as {dtype:?}, which has groups of {group}"
            )));
        }
        // On a 32-bit machine the bytes of a tensor must be countable too.
        let n_rows = outer.iter().product::<usize>();
        let row_bytes = (n_columns / group).checked_mul(group_bytes);
        let Some(row_bytes) = row_bytes.filter(|bytes| bytes.checked_mul(n_rows).is_some()) else {
            return Err(problem(format!("shape {shape:?} is larger than this machine's memory")));
        };
        Ok(Self { name: name.into(), shape: shape.to_vec(), dtype, n_rows, row_bytes })
    }

    /// Without the padding that follows.
    pub fn n_bytes(&self) -> usize {
        self.n_rows * self.row_bytes
    }

    /// Checks what a net expects; the message names the tensor and both shapes.
    pub fn expect_shape(&self, shape: &[usize]) -> Result<(), PackError> {
        if self.shape == shape {
            return Ok(());
        }
        Err(PackError::tensor(&self.name, format!("has shape {:?}, must have {shape:?}", self.shape)))
    }
}

/// Everything before the first tensor.
#[derive(Debug, Clone, Default)]
pub struct Header {
    /// All keys, those of GGUF and of the hashes among them.
    pub metadata: Metadata,
    /// In the order of loading.
    pub tensors: Vec<TensorInfo>,
}

impl Header {
    /// Which net computes with it: [`key::ARCHITECTURE`].
    pub fn architecture(&self) -> Result<&str, PackError> {
        self.metadata.text(key::ARCHITECTURE)
    }

    /// Names of the classes in the order of the logits.
    pub fn labels(&self) -> Result<&[String], PackError> {
        self.metadata.texts(key::LABELS)
    }

    /// The bytes of vocab.txt: [`key::VOCABULARY`].
    pub fn vocabulary(&self) -> Result<&str, PackError> {
        self.metadata.text(key::VOCABULARY)
    }

    /// Whether symbols stand alone in a text, each a word: [`key::SYMBOLS`].
    pub fn symbols_alone(&self) -> Result<bool, PackError> {
        if self.metadata.get(key::SYMBOLS).is_none() {
            return Ok(false);
        }
        match self.metadata.text(key::SYMBOLS)? {
            SYMBOLS_ALONE => Ok(true),
            other => Err(PackError::key(key::SYMBOLS, format!("is \"{other}\"; only \"{SYMBOLS_ALONE}\" can be read"))),
        }
    }

    /// A tensor that must be there.
    pub fn tensor(&self, name: &str) -> Result<&TensorInfo, PackError> {
        self.tensors
            .iter()
            .find(|tensor| tensor.name == name)
            .ok_or_else(|| PackError::MissingTensor { name: name.into(), place: "the weight file".into() })
    }

    /// All bytes before the first tensor, with the header's own sha256 in its place.
    pub(crate) fn to_bytes(&self, tensor_sha256: &[String]) -> Vec<u8> {
        let mut out = Vec::new();
        out.extend_from_slice(MAGIC);
        put_u32(&mut out, GGUF_VERSION);
        put_u64(&mut out, self.tensors.len() as u64);
        put_u64(&mut out, self.metadata.0.len() as u64 + 2);
        for (key, value) in self.metadata.iter() {
            put_text(&mut out, key);
            value.write(&mut out);
        }
        put_text(&mut out, key::TENSOR_SHA256);
        Value::Texts(tensor_sha256.to_vec()).write(&mut out);
        put_text(&mut out, key::HEADER_SHA256);
        Value::Text("0".repeat(HEX_DIGITS)).write(&mut out);
        let digits_at = out.len() - HEX_DIGITS;
        let mut offset = 0;
        for tensor in &self.tensors {
            put_text(&mut out, &tensor.name);
            put_u32(&mut out, tensor.shape.len() as u32);
            // GGUF counts dimensions from the innermost.
            tensor.shape.iter().rev().for_each(|&n| put_u64(&mut out, n as u64));
            put_u32(&mut out, tensor.dtype.gguf_number());
            put_u64(&mut out, offset);
            offset += tensor.n_bytes().next_multiple_of(ALIGNMENT) as u64;
        }
        out.resize(out.len().next_multiple_of(ALIGNMENT), 0);
        let digits = hex(&Sha256::digest(&out));
        out[digits_at..digits_at + HEX_DIGITS].copy_from_slice(digits.as_bytes());
        out
    }
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
