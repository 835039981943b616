//! The section on silence: what became of each way to the network that extension/pages/silence.js tried. A way that nothing refused
//! is shown as what must not be.

use js_sys::Array;
use wasm_bindgen::prelude::*;

use super::super::format;
use super::parts::{Part, Proven, Row, Table};
use super::prover::failure;
use super::run::{Failure, Run};
use crate::web::browser::chrome;

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(catch, js_namespace = sottoSilence, js_name = ways)]
    fn ways() -> Result<Array, JsValue>;
    #[wasm_bindgen(catch, js_namespace = sottoSilence, js_name = tried)]
    async fn tried(way: &JsValue) -> Result<JsValue, JsValue>;
}

/// What silence.js calls a way that nothing refused.
const OUT: &str = "out";

pub async fn prove(run: &Run) -> Result<Proven, Failure> {
    let thrown = |thrown: JsValue| failure(&chrome::reason_of(&thrown));
    let ways = ways().map_err(thrown)?;
    let all = Array::new();
    for (index, way) in ways.iter().enumerate() {
        let share = |n: usize| n as f64 / f64::from(ways.length());
        run.at(share(index), share(index + 1));
        let words = run.wait_for(tried(&way)).await?.map_err(thrown)?;
        all.push(&words);
    }
    Ok(proven(&all))
}

fn proven(all: &Array) -> Proven {
    let said = |tried: &JsValue, name: &str| chrome::get(tried, name).as_string().unwrap_or_default();
    let head = ["proofWay", "proofOutcome"].map(|key| chrome::message(key, &[]));
    let mut table = Table::new(chrome::message("proofSilenceTitle", &[]), head.to_vec());
    let mut n_out = 0;
    for tried in all.iter() {
        let outcome = said(&tried, "outcome");
        let is_bad = outcome == OUT;
        n_out += u64::from(is_bad);
        let way = chrome::message(&format!("proofWay_{}", said(&tried, "way")), &[]);
        let words = chrome::message(&format!("proofOutcome_{outcome}"), &[&said(&tried, "detail")]);
        table.rows.push(Row { cells: vec![way, words], is_bad });
    }
    let summary = match n_out {
        0 => Part::Line(format::counted("proofSilent", u64::from(all.length()), &[])),
        n => Part::Bad(format::counted("proofOut", n, &[])),
    };
    let figures = chrome::object(&[("out", (n_out as f64).into()), ("ways", all.into())]);
    Proven { parts: vec![summary, Part::Table(table)], figures }
}
