//! The settings' section on this computer: what the text net's products take on its processor and on its graphics processor, side
//! by side, when the person asks. A worker measures (extension/pages/measurer.js); nothing starts before the click, and nothing
//! is kept.

use std::rc::Rc;

use wasm_bindgen::prelude::*;

use super::{
    dom, format,
    worker::{self, AtWork},
};
use crate::{
    protocol::{Figures, FromMeasurer, NoGraphics},
    web::browser::{chrome, wire},
};

pub fn wire() {
    let at_work = AtWork::default();
    if let Some(button) = dom::by_id("measure-start") {
        let at_work = Rc::clone(&at_work);
        dom::on_press(&button, move || {
            if let Err(thrown) = start(&at_work) {
                end(&at_work, &failed_words(&chrome::reason_of(&thrown)));
            }
            async {}
        });
    }
    if let Some(button) = dom::by_id("measure-stop") {
        dom::on_press(&button, move || {
            end(&at_work, &chrome::message("measureStopped", &[]));
            async {}
        });
    }
}

fn start(at_work: &AtWork) -> Result<(), JsValue> {
    let heard = Rc::clone(at_work);
    let failed = Rc::clone(at_work);
    let worker = worker::start(
        "measurer.js",
        move |said| hear(&said, &heard),
        move |problem| end(&failed, &failed_words(&problem)),
    )?;
    at_work.replace(Some(worker));
    for name in ["processor", "graphics"] {
        dom::say(&format!("measure-{name}"), "–");
        dom::say(&format!("measure-{name}-how"), "");
    }
    dom::show("measure-figures", true);
    dom::working("measure", true);
    progress(0);
    Ok(())
}

fn hear(said: &JsValue, at_work: &AtWork) {
    match wire::from_tagged(said) {
        Ok(FromMeasurer::Working { percent }) => progress(percent),
        Ok(FromMeasurer::Processor { figures, means }) => show("processor", &figures, &means),
        Ok(FromMeasurer::Graphics { figures, means }) => {
            show("graphics", &figures, &means);
            end(at_work, &chrome::message("measureDone", &[]));
        }
        Ok(FromMeasurer::NoGraphics { reason, detail }) => {
            dom::say("measure-graphics-how", &none_words(reason, &detail));
            end(at_work, &chrome::message("measureDone", &[]));
        }
        Ok(FromMeasurer::Problem { problem }) | Err(problem) => end(at_work, &failed_words(&problem)),
    }
}

fn progress(percent: u32) {
    if let Some(bar) = dom::by_id("measure-progress") {
        dom::set_attribute(&bar, "value", &percent.to_string());
    }
    let share = format::whole_percent(f64::from(percent) / 100.0);
    dom::say("measure-said", &chrome::message("measureWorking", &[&share]));
}

/// The time, and below it what that is in a second and by which means.
fn show(name: &str, figures: &Figures, means: &str) {
    dom::say(&format!("measure-{name}"), &format::milliseconds(figures.median_ms));
    dom::say(&format!("measure-{name}-how"), &how_words(figures, means));
}

/// What a time is in a second, and by which means.
pub fn how_words(figures: &Figures, means: &str) -> String {
    let gops = format::count(figures.gops.round() as u64);
    // Some browsers keep it to themselves.
    let unnamed = chrome::message("measureUnnamed", &[]);
    let means = if means.is_empty() { &unnamed } else { means };
    chrome::message("measureHow", &[&gops, means])
}

pub fn none_words(reason: NoGraphics, detail: &str) -> String {
    let name = wire::to_js(&reason).as_string().unwrap_or_default();
    chrome::message(&format!("measureNone_{name}"), &[detail])
}

pub fn failed_words(problem: &str) -> String {
    chrome::message("measureFailed", &[problem])
}

fn end(at_work: &AtWork, words: &str) {
    worker::end(at_work);
    dom::working("measure", false);
    dom::say("measure-said", words);
}
