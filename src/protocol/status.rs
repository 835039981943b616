//! The models' states and the engine's figures.

use serde::{Deserialize, Serialize};

/// What the popup shows of models, memory and engine.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "declarations", derive(ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub struct Status {
    /// Those of the package, and the one of the person's own that is chosen.
    pub models: Vec<ModelStatus>,
    /// Of the engine that answers; only the peak is the browser session's.
    pub memory: MemoryStatus,
    /// The one that answers.
    pub engine: EngineStatus,
}

/// The stages of a model's life, in order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "declarations", derive(ts_rs::TS))]
#[serde(tag = "state", rename_all = "camelCase", rename_all_fields = "camelCase")]
#[allow(missing_docs, reason = "the comment of each variant says what its fields are")]
pub enum ModelState {
    /// Its weights are not in IndexedDB. Those of the package are stored with the next use.
    NotStored,
    /// The package's file is being read; `percent` of it is, 0 to 100.
    Storing { percent: u8 },
    /// Its weights are in IndexedDB, and none of it is in memory.
    Stored,
    /// The weights go into memory; `percent` of them are there, 0 to 100.
    Loading { percent: u8 },
    /// It is in memory and can judge at once.
    Ready,
    /// The last load came to nothing, and the next use tries again; `reason` is its `Refusal`'s `detail`.
    Failed { reason: String },
}

/// One model's state and figures.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "declarations", derive(ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub struct ModelStatus {
    /// As models.toml names it, or `own-` and 12 digits for one that the person brought.
    pub id: String,
    /// As models.toml or the checkpoint has it; pages prefer a name in the person's language.
    pub title: String,
    /// Stands among the fields here: `state`, and what belongs to it.
    #[serde(flatten)]
    pub state: ModelState,
    /// Bytes of weights in IndexedDB; 0 when not stored.
    pub stored_bytes: u64,
    /// Bytes of linear memory the ready model holds.
    pub memory_bytes: u64,
    /// Texts, or frames of pictures, that it judged in this browser session.
    pub runs: u64,
    /// Median of the last runs; absent before the first.
    pub run_median_ms: Option<f64>,
    /// Their 95th percentile: at most one in twenty took longer.
    pub run_p95_ms: Option<f64>,
    /// The last load, from the first byte asked of IndexedDB to ready.
    pub load_ms: Option<f64>,
    /// Milliseconds since the epoch.
    pub last_used_ms: Option<f64>,
}

/// What WebAssembly.Memory really has. Linear memory never shrinks, so its size is also its peak;
/// stopping the service worker gives it back.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "declarations", derive(ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub struct MemoryStatus {
    /// The size of the background's linear memory now.
    pub wasm_bytes: u64,
    /// Those of its helpers together; 0 while there are none.
    pub helper_bytes: u64,
    /// The most that any engine of this browser session reached, its helpers among it.
    pub peak_bytes: u64,
    /// What loaded models may take together.
    pub budget_bytes: u64,
}

/// Which engine it is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "declarations", derive(ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub struct EngineStatus {
    /// Sotto's own, as in the manifest.
    pub version: String,
    /// "relaxed SIMD", "SIMD" or, natively, "AVX2" or "scalar".
    pub flavour: String,
    /// Where it runs: "service worker", "event page", "command line".
    pub place: String,
    /// That judge at the moment: its own, and one for each helper.
    pub threads: u32,
}
