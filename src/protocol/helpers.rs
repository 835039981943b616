//! What the background and its helpers say to one another: both are this crate, and the JavaScript between them reads none of it.
//! Weights, pictures, word pieces and logits stand beside what is written here.

use serde::{Deserialize, Serialize};

use super::{Caution, PictureVerdict, Refusal};

/// To a helper, which judges beside the background what takes long.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase")]
#[allow(missing_docs, reason = "the comment of each variant says what its fields are")]
pub enum ToHelper {
    /// Load a model, for texts or for pictures; its packed file of so many bytes stands beside this as `weights`.
    Take { for_text: bool, bytes: u64 },
    /// Judge the picture that stands beside this as `picture`.
    Look { caution: Caution },
    /// Read sequences of these lengths, which stand one after another in `pieces`.
    Read { lengths: Vec<u32> },
}

/// What a helper says of what it was asked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FromHelper {
    /// What came of it.
    pub outcome: HelperOutcome,
    /// What its linear memory has now.
    pub wasm_bytes: u64,
}

/// What came of what a helper was asked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase")]
#[allow(missing_docs, reason = "the comment of each variant says what its fields are")]
pub enum HelperOutcome {
    /// The model is loaded.
    Taken,
    /// The picture is judged.
    Looked { verdict: PictureVerdict },
    /// The sequences are read: their logits, so many each, stand beside this as `logits`.
    Read { n_labels: u32 },
    /// Nobody could judge this picture.
    Refused(Refusal),
    /// A helper can't do it; the background can.
    Unable { problem: String },
}
