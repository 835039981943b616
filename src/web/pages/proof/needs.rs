//! The section on what Sotto takes: storage and memory as the browser and the background say it, and how long the first engine of
//! the section on speed took from nothing to its first verdict.

use js_sys::Array;
use wasm_bindgen::prelude::*;

use super::super::{ask, format};
use super::parts::{Part, Proven, Table};
use super::run::{Failure, Run};
use super::speed::Start;
use crate::{
    protocol::{Answer, PageAsk, Status},
    web::browser::{chrome, wire},
};

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(catch, js_namespace = ["navigator", "storage"], js_name = estimate)]
    async fn estimate() -> Result<JsValue, JsValue>;
}

/// `start` is none where no engine could be started.
pub async fn prove(run: &Run, start: Option<Start>) -> Result<Proven, Failure> {
    let status = match run.ask(PageAsk::Status, &JsValue::UNDEFINED).await?? {
        Answer::Status(status) => status,
        _ => return Err(ask::unexpected().into()),
    };
    // A browser that doesn't say it has a dash there.
    let stored = run.wait_for(estimate()).await?.unwrap_or_default();
    let used_bytes = chrome::get(&stored, "usage").as_f64();
    Ok(Proven {
        parts: vec![Part::Table(table(&status, used_bytes, start))],
        figures: file(&status, used_bytes, start),
    })
}

fn table(status: &Status, used_bytes: Option<f64>, start: Option<Start>) -> Table {
    let none = chrome::message("none", &[]);
    let head = ["proofWhat", "proofHere"].map(|key| chrome::message(key, &[]));
    let mut table = Table::new(chrome::message("proofNeedsTitle", &[]), head.to_vec());
    let mut row = |key: &str, figure: Option<String>| {
        table.row(vec![chrome::message(key, &[]), figure.unwrap_or_else(|| none.clone())]);
    };
    let stored_bytes = status.models.iter().map(|model| model.stored_bytes).sum();
    let memory = &status.memory;
    row("proofStored", Some(format::megabytes(stored_bytes)));
    row("proofKept", used_bytes.map(|bytes| format::megabytes(bytes as u64)));
    row("proofMemory", Some(format::megabytes(memory.wasm_bytes + memory.helper_bytes)));
    row("proofPeak", Some(format::megabytes(memory.peak_bytes)));
    row("proofBudget", Some(format::megabytes(memory.budget_bytes)));
    row("proofOneEngine", start.map(|start| format::megabytes(start.memory_bytes)));
    row("proofFromNothing", start.map(|start| format::milliseconds(start.elapsed_ms)));
    table
}

fn file(status: &Status, used_bytes: Option<f64>, start: Option<Start>) -> JsValue {
    let models = status.models.iter().map(wire::to_js).collect::<Array>();
    chrome::object(&[
        ("models", models.into()),
        ("memory", wire::to_js(&status.memory)),
        ("engine", wire::to_js(&status.engine)),
        ("keptBytes", used_bytes.into()),
        ("oneEngineBytes", start.map(|start| start.memory_bytes as f64).into()),
        ("startMs", start.map(|start| start.elapsed_ms).into()),
    ])
}
