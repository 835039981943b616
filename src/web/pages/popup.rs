//! The toolbar popup: what each model does, the memory, the guard on this site, a box to try, and a verdict that had
//! no other place. It asks once and then hears of changes; it never polls.

use gloo_storage::{LocalStorage, Storage};
use js_sys::Array;
use wasm_bindgen::prelude::*;

use super::{ask, dom, format, guard_switch, model_row, scan, try_box, verdict};
use crate::{
    protocol::{Answer, Ask, ModelStatus, Status, View},
    web::{chrome, sites, wire},
};

/// Which models' details are open: a choice of this page alone.
pub const OPEN_MODELS: &str = "popup.open-models";
/// Where the background leaves a verdict for the popup.
const SESSION_VIEW: &str = "view";

#[wasm_bindgen]
pub async fn popup() {
    try_box::wire();
    if let Some(settings) = dom::by_id("settings") {
        dom::on(&settings, "click", |_| async {
            drop(chrome::open_options_page().await);
        });
    }
    if let Some(button) = dom::by_id("classify-selection") {
        dom::on_press(&button, classify_selection);
    }
    ask::listen("page", heard);
    waiting_view().await;
    this_site().await;
    refresh().await;
    scan::wire_section().await;
}

/// What the background says while the popup is open.
fn heard(message: JsValue) {
    match chrome::get(&message, "sotto").as_string().as_deref() {
        Some("changed") => {
            if let Ok(models) = wire::from_js::<Vec<ModelStatus>>(chrome::get(&message, "models")) {
                try_box::follow(&models);
                models.iter().for_each(model_row::show_state);
                // Figures follow when the state came to rest; until then the percentage is all that changes.
                if models.iter().all(|model| !model_row::is_moving(&model.state)) {
                    wasm_bindgen_futures::spawn_local(refresh());
                }
            }
        }
        Some("scan") => scan::heard(&message),
        Some("view") => {
            let view = chrome::get(&message, "view");
            wasm_bindgen_futures::spawn_local(async move {
                show_view(&view).await;
                forget_view().await;
            });
        }
        _ => {}
    }
}

async fn waiting_view() {
    let Ok(found) = chrome::session_get(SESSION_VIEW).await else { return };
    let view = chrome::get(&found, SESSION_VIEW);
    if view.is_object() {
        show_view(&view).await;
        if kind_of(&view) != "busy" {
            forget_view().await;
        }
    }
}

/// A verdict is shown once: the next popup is about something else.
async fn forget_view() {
    drop(chrome::session_remove(SESSION_VIEW).await);
}

/// Shows a view as the background told it.
async fn show_view(view: &JsValue) {
    let said = if kind_of(view) == "text" { shown_text().await } else { String::new() };
    if let Some(result) = dom::by_id("result") {
        verdict::show_told(&result, view, &said);
        dom::show("result-panel", true);
    }
}

fn kind_of(view: &JsValue) -> String {
    chrome::get(view, "kind").as_string().unwrap_or_default()
}

/// The background still has the text, once, whose verdict it gave to the popup; not after it was stopped.
async fn shown_text() -> String {
    match ask::ask(Ask::ShownText).await {
        Ok(Answer::ShownText { text }) => text.unwrap_or_default(),
        _ => String::new(),
    }
}

/// The click on the toolbar lets us read the tab in front, this once.
async fn classify_selection() {
    show_view(&wire::to_js(&View::Busy { percent: None, read: None })).await;
    let view = match ask::ask(Ask::Selection).await {
        Ok(Answer::Text(verdict)) => View::Text { verdict },
        Ok(_) => View::Refused(ask::unexpected()),
        Err(refusal) => View::Refused(refusal),
    };
    show_view(&wire::to_js(&view)).await;
}

async fn this_site() {
    let (Some(switch), Ok(settings)) = (dom::input("guard"), ask::settings().await) else { return };
    let filter = chrome::object(&[("active", true.into()), ("currentWindow", true.into())]);
    let tabs = chrome::query_tabs(&filter).await.map(|tabs| Array::from(&tabs)).unwrap_or_default();
    let site = chrome::get(&tabs.get(0), "url").as_string().and_then(|url| sites::site_of(&url));
    let Some(site) = site else {
        dom::say("guard-hint", &chrome::message("guardNotHere", &[]));
        return;
    };
    let host = site.split_once("://").map_or(site.as_str(), |(_, host)| host);
    dom::say("guard-title", &chrome::message("guardHere", &[host]));
    switch.set_checked(settings.watches(&site));
    switch.set_disabled(false);
    guard_switch::wire(&switch, Some(site), || {});
}

async fn refresh() {
    match ask::ask(Ask::Status).await {
        Ok(Answer::Status(status)) => {
            dom::trouble(None);
            show_status(&status);
        }
        _ => dom::trouble(Some(&chrome::message("notAnswering", &[]))),
    }
}

fn show_status(status: &Status) {
    for model in &status.models {
        model_row::show(model);
    }
    let memory = &status.memory;
    dom::say("memory-now", &chrome::message("memoryNow", &[&format::megabytes(memory.wasm_bytes)]));
    let parts = [("memoryPeak", memory.peak_bytes), ("memoryBudget", memory.budget_bytes)];
    let parts = parts.map(|(key, bytes)| chrome::message(key, &[&format::megabytes(bytes)]));
    dom::say("memory-more", &parts.join(" · "));
    for (bar, bytes) in [("memory-bar", memory.wasm_bytes), ("memory-peak-bar", memory.peak_bytes)] {
        if let Some(bar) = dom::by_id(bar) {
            let share = bytes as f64 / memory.budget_bytes.max(1) as f64 * 100.0;
            let _ = bar.style().set_property("width", &format!("{share}%"));
        }
    }
    let engine = &status.engine;
    let threads = match engine.threads {
        1 => chrome::message("engineThreads", &[]),
        n_threads => chrome::message("engineThreadsMany", &[&n_threads.to_string()]),
    };
    let place = match engine.place.as_str() {
        "service worker" => chrome::message("place_serviceWorker", &[]),
        "event page" => chrome::message("place_eventPage", &[]),
        other => other.to_owned(),
    };
    dom::say("engine", &format!("Sotto {} · {} · {threads} · {place}", engine.version, engine.flavour));
}

/// Remembers which rows are open, for the next time the popup opens.
pub fn remember_open(model: &str, open: bool) {
    let mut models: Vec<String> = LocalStorage::get(OPEN_MODELS).unwrap_or_default();
    models.retain(|kept| kept != model);
    if open {
        models.push(model.to_owned());
    }
    // A browser that keeps no local storage forgets it, and that is all.
    drop(LocalStorage::set(OPEN_MODELS, models));
}

pub fn was_open(model: &str) -> bool {
    LocalStorage::get::<Vec<String>>(OPEN_MODELS).is_ok_and(|models| models.iter().any(|kept| kept == model))
}
