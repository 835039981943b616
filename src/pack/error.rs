//! Everything that can be wrong with a weight file or with the sources it is made from. Each message names the file,
//! the tensor or the key and the place, and says what would be right. It knows nothing of nets or browsers.

use thiserror::Error;

/// Why a weight file or its sources are refused.
#[derive(Debug, Error)]
#[allow(missing_docs, reason = "the message of each variant says what it is")]
pub enum PackError {
    #[error("not a weight file: it starts with {found:02x?}, a GGUF file starts with \"GGUF\"")]
    NotGguf { found: Vec<u8> },
    #[error("GGUF version {found} can't be read: only version {expected}; pack the model again with this program")]
    GgufVersion { found: u32, expected: u32 },
    #[error("pack version {found} can't be read: this program reads {oldest} to {newest}; pack the model again")]
    PackVersion { found: u32, oldest: u32, newest: u32 },
    #[error("header at byte {at}: {problem}")]
    Header { at: usize, problem: String },
    #[error("metadata key \"{key}\" is missing; pack the model again with this program")]
    MissingKey { key: String },
    #[error("metadata key \"{key}\": {problem}")]
    WrongKey { key: String, problem: String },
    #[error("tensor \"{name}\" is missing from {place}")]
    MissingTensor { name: String, place: String },
    #[error("tensor \"{name}\" stands twice in {place}")]
    DoubledTensor { name: String, place: String },
    #[error("tensor \"{name}\": {problem}")]
    WrongTensor { name: String, problem: String },
    #[error(
        "tensor \"{name}\": {value} at row {row}, column {column}; weights must be finite, and steps -127 to 127 in one byte \
         and -32767 to 32767 in two"
    )]
    NotFinite { name: String, row: usize, column: usize, value: f32 },
    #[error("the file ends at byte {length}, {place}; it is cut, get it again")]
    Cut { length: u64, place: String },
    #[error("{n_bytes} bytes or more follow the last tensor; a weight file ends with it")]
    Trailing { n_bytes: usize },
    #[error("byte {at} between tensors is not zero; the file is damaged, get it again")]
    Padding { at: u64 },
    #[error("{section} does not match its sha256; the file is damaged, get it again")]
    Damaged { section: String },
    #[error("{file}: {problem}")]
    Source { file: String, problem: String },
    #[error("the packed file can't be written: {0}")]
    Write(#[from] std::io::Error),
}

impl PackError {
    pub(crate) fn key(key: &str, problem: impl Into<String>) -> Self {
        Self::WrongKey { key: key.into(), problem: problem.into() }
    }

    pub(crate) fn tensor(name: &str, problem: impl Into<String>) -> Self {
        Self::WrongTensor { name: name.into(), problem: problem.into() }
    }

    pub(crate) fn source(file: &str, problem: impl Into<String>) -> Self {
        Self::Source { file: file.into(), problem: problem.into() }
    }
}
