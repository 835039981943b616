//! One model in the popup: its state, its figures, and what can be done with it.

use gloo_storage::{LocalStorage, Storage};
use wasm_bindgen::JsCast;
use web_sys::{Element, HtmlElement};

use super::{ask, dom, format};
use crate::{
    protocol::{ModelState, ModelStatus, PageAsk},
    web::browser::chrome,
};

/// Which models' details are open: a choice of this page alone.
const OPEN_MODELS: &str = "popup.open-models";

pub fn is_moving(state: &ModelState) -> bool {
    matches!(state, ModelState::Storing { .. } | ModelState::Loading { .. })
}

pub fn show(model: &ModelStatus) {
    let Some(row) = row(model) else { return };
    state(&row, model);
    let some_ms = |ms: Option<f64>| ms.map_or_else(|| chrome::message("none", &[]), format::milliseconds);
    let latency = match (model.run_median_ms, model.run_p95_ms) {
        (Some(median), Some(p95)) => format!("{}, {}", format::milliseconds(median), format::milliseconds(p95)),
        _ => chrome::message("none", &[]),
    };
    dom::say_part(&row, "stored", &format::megabytes(model.stored_bytes));
    dom::say_part(&row, "memory", &format::megabytes(model.memory_bytes));
    dom::say_part(&row, "runs", &format::count(model.runs));
    dom::say_part(&row, "latency", &latency);
    dom::say_part(&row, "load-time", &some_ms(model.load_ms));
    let used = model.last_used_ms.map_or_else(|| chrome::message("never", &[]), format::moment);
    dom::say_part(&row, "used", &used);
    let ready = model.state == ModelState::Ready;
    let stored = model.stored_bytes > 0;
    // What the person brought does not come back by itself: the settings take it away.
    let returns = !model.id.starts_with("own-");
    for (part, shown) in [("load", !ready), ("unload", ready), ("check", stored), ("forget", stored && returns)] {
        if let Some(button) = dom::part(&row, part) {
            button.set_hidden(!shown);
        }
    }
}

/// Only the state, for the many small changes of a load.
pub fn show_state(model: &ModelStatus) {
    if let Some(row) = row(model) {
        state(&row, model);
    }
}

fn state(row: &Element, model: &ModelStatus) {
    let (name, percent) = match &model.state {
        ModelState::NotStored => ("notStored", None),
        ModelState::Storing { percent } => ("storing", Some(*percent)),
        ModelState::Stored => ("stored", None),
        ModelState::Loading { percent } => ("loading", Some(*percent)),
        ModelState::Ready => ("ready", None),
        ModelState::Failed { .. } => ("failed", None),
    };
    let share = percent.map(|percent| format::percent(f64::from(percent) / 100.0)).unwrap_or_default();
    if let Some(pill) = dom::part(row, "state") {
        pill.set_text_content(Some(&chrome::message(&format!("state_{name}"), &[&share])));
        dom::set_attribute(&pill, "data-state", name);
    }
    if let ModelState::Failed { reason } = &model.state {
        dom::say_part(row, "said", reason);
    }
}

/// The row of a model, made from the template the first time.
fn row(model: &ModelStatus) -> Option<Element> {
    let id = format!("model-{}", model.id);
    if let Some(row) = dom::by_id(&id) {
        return Some(row.into());
    }
    let list = dom::by_id("models")?;
    let row: Element = dom::from_template("model")?.into();
    row.set_id(&id);
    // A model without a name in the person's language has the one that models.toml, or the person, gave it.
    let title = Some(chrome::message(&format!("model_{}", model.id), &[])).filter(|title| !title.starts_with("model_"));
    let title = title.unwrap_or_else(|| model.title.clone());
    dom::say_part(&row, "title", &title);
    for (part, key) in [
        ("label-stored", "figureStored"),
        ("label-memory", "figureMemory"),
        ("label-runs", "figureRuns"),
        ("label-latency", "figureLatency"),
        ("label-load", "figureLoad"),
        ("label-used", "figureUsed"),
        ("load", "load"),
        ("unload", "unload"),
        ("check", "check"),
        ("forget", "forget"),
    ] {
        dom::say_part(&row, part, &chrome::message(key, &[]));
    }
    wire(&row, &model.id);
    // The rows painted before the first status give way to the real ones, one by one.
    match list.query_selector(".placeholder").ok().flatten() {
        Some(placeholder) => drop(placeholder.replace_with_with_node_1(&row)),
        None => drop(list.append_child(&row)),
    }
    Some(row)
}

fn wire(row: &Element, model: &str) {
    if was_open(model) {
        dom::set_attribute(row, "open", "");
    }
    let (element, id) = (row.clone(), model.to_owned());
    dom::on(row, "toggle", move |_| {
        remember_open(&id, element.has_attribute("open"));
        async {}
    });
    for (part, done) in [("load", None), ("unload", None), ("check", Some("checkGood")), ("forget", Some("forgotten"))]
    {
        let Some(button) = dom::part(row, part) else { continue };
        let (row, model) = (row.clone(), model.to_owned());
        dom::on_press(&button, move || {
            let model = model.clone();
            let ask = match part {
                "load" => PageAsk::Load { model },
                "unload" => PageAsk::Unload { model },
                "check" => PageAsk::Check { model },
                _ => PageAsk::Forget { model },
            };
            press(row.clone(), ask, done)
        });
    }
}

async fn press(row: Element, wanted: PageAsk, done: Option<&'static str>) {
    dom::say_part(&row, "said", "");
    match ask::ask(wanted).await {
        Ok(_) => dom::say_part(&row, "said", &done.map(|key| chrome::message(key, &[])).unwrap_or_default()),
        // Whoever looks at details wants the exact reason; it exists in English only.
        Err(refusal) => dom::say_part(&row, "said", &format!("{} {}", dom::refusal_text(&refusal), refusal.detail)),
    }
    if let Some(button) = row.query_selector("button:not([hidden])").ok().flatten()
        && dom::document()
            .and_then(|document| document.active_element())
            .is_none_or(|active| active.tag_name() == "BODY")
        && let Ok(button) = button.dyn_into::<HtmlElement>()
    {
        // The pressed button went away; the keyboard must not lose its place.
        let _ = button.focus();
    }
}

/// Remembers which rows are open, for the next time the popup opens.
fn remember_open(model: &str, open: bool) {
    let mut models: Vec<String> = LocalStorage::get(OPEN_MODELS).unwrap_or_default();
    models.retain(|kept| kept != model);
    if open {
        models.push(model.to_owned());
    }
    // A browser that keeps no local storage forgets it, and that is all.
    drop(LocalStorage::set(OPEN_MODELS, models));
}

fn was_open(model: &str) -> bool {
    LocalStorage::get::<Vec<String>>(OPEN_MODELS).is_ok_and(|models| models.iter().any(|kept| kept == model))
}
