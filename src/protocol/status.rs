//! The models' states and the engine's figures.

use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "declarations", derive(ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub struct Status {
    pub models: Vec<ModelStatus>,
    pub memory: MemoryStatus,
    pub engine: EngineStatus,
}

/// The stages of a model's life, in order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "declarations", derive(ts_rs::TS))]
#[serde(tag = "state", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum ModelState {
    NotStored,
    Storing { percent: u8 },
    Stored,
    Loading { percent: u8 },
    Ready,
    Failed { reason: String },
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "declarations", derive(ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub struct ModelStatus {
    pub id: String,
    pub title: String,
    #[serde(flatten)]
    pub state: ModelState,
    /// Bytes of weights in IndexedDB; 0 when not stored.
    pub stored_bytes: u64,
    /// Bytes of linear memory the ready model holds.
    pub memory_bytes: u64,
    pub runs: u64,
    /// Median and 95th percentile of the last runs; absent before the first.
    pub run_median_ms: Option<f64>,
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
    pub wasm_bytes: u64,
    /// The largest size any engine of this browser session reached.
    pub peak_bytes: u64,
    pub budget_bytes: u64,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "declarations", derive(ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub struct EngineStatus {
    pub version: String,
    /// "relaxed SIMD", "SIMD" or, natively, "AVX2" or "scalar".
    pub flavour: String,
    /// Where it runs: "service worker", "event page", "command line".
    pub place: String,
}
