//! The section on what the graphics processor would do: the measurement that the settings have (measure.rs, extension/pages/measurer.js),
//! in its words.

use wasm_bindgen::JsValue;

use super::super::{format, measure, worker};
use super::parts::{Part, Proven, Table};
use super::prover::{Listened, failure};
use super::run::{Failure, Run};
use crate::{
    protocol::{Figures, FromMeasurer, NoGraphics},
    web::browser::{chrome, wire},
};

/// What the measurer says it has done comes in steps of so many percent, or a little more.
const STEP_PERCENT: u32 = 8;

pub async fn prove(run: &Run) -> Result<Proven, Failure> {
    let measurer = Listened::new(|hear, fail| worker::start("measurer.js", hear, fail))?;
    let mut processor = None;
    loop {
        match measurer.next(run).await? {
            FromMeasurer::Working { percent } => {
                run.at(f64::from(percent) / 100.0, f64::from(percent + STEP_PERCENT).min(100.0) / 100.0);
            }
            FromMeasurer::Processor { figures, means } => processor = Some((figures, means)),
            FromMeasurer::Graphics { figures, means } => return Ok(proven(processor, Ok((figures, means)))),
            FromMeasurer::NoGraphics { reason, detail } => return Ok(proven(processor, Err((reason, detail)))),
            FromMeasurer::Problem { problem } => return Err(failure(&problem)),
        }
    }
}

/// What was measured, and by which means.
type Measured = (Figures, String);

fn proven(processor: Option<Measured>, graphics: Result<Measured, (NoGraphics, String)>) -> Proven {
    let head = ["proofWhat", "proofTime", "proofHow"].map(|key| chrome::message(key, &[]));
    let mut table = Table::new(chrome::message("proofGraphicsTitle", &[]), head.to_vec());
    let mut row = |key: &str, (figures, means): &Measured| {
        let how = measure::how_words(figures, means);
        table.row(vec![chrome::message(key, &[]), format::milliseconds(figures.median_ms), how]);
    };
    if let Some(measured) = &processor {
        row("measureProcessor", measured);
    }
    let mut parts = Vec::new();
    let (measured, none) = match &graphics {
        Ok(measured) => {
            row("measureGraphics", measured);
            (file(Some(measured)), JsValue::NULL)
        }
        Err((reason, detail)) => {
            parts.push(Part::Line(measure::none_words(*reason, detail)));
            (JsValue::NULL, wire::to_js(reason))
        }
    };
    parts.insert(0, Part::Table(table));
    let figures =
        chrome::object(&[("processor", file(processor.as_ref())), ("graphics", measured), ("noGraphics", none)]);
    Proven { parts, figures }
}

fn file(measured: Option<&Measured>) -> JsValue {
    let Some((figures, means)) = measured else { return JsValue::NULL };
    chrome::object(&[("figures", wire::to_js(figures)), ("means", means.as_str().into())])
}
