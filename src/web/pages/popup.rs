//! The toolbar popup: what each model does, the memory, the guard and the protection of pictures on this site, a box to try, and a verdict that had
//! no other place. It asks once and then hears of changes; it never polls.

use wasm_bindgen::prelude::*;

use super::{
    ask::{self, Told},
    dom, format, model_row, protection, scan,
    site_switch::{self, Switch},
    tab::{Tab, host_of},
    try_box, verdict,
};
use crate::{
    protocol::{Answer, PageAsk, Reason, SESSION_VIEW, Status, View, ViewKind, ViewName},
    web::browser::{chrome, wire},
};

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
    let tab = Tab::in_front().await;
    let id = tab.as_ref().map(|tab| tab.id);
    let is_private = tab.as_ref().is_some_and(|tab| tab.is_private);
    let site = match tab.map_or(Err(Reason::ClosedPage), |tab| tab.site) {
        Ok(site) => {
            if is_private {
                not_offered(Reason::PrivateWindow);
            }
            Some(site)
        }
        Err(reason) => {
            not_offered(reason);
            None
        }
    };
    guard_here(site.clone(), is_private).await;
    protection::wire_section(id, site, is_private).await;
    refresh().await;
    scan::wire_section(id).await;
}

/// What the background says while the popup is open.
fn heard(told: Told, view: JsValue) {
    match told {
        Told::Changed { models } => {
            try_box::follow(&models);
            models.iter().for_each(model_row::show_state);
            // Figures follow when the state came to rest; until then the percentage is all that changes.
            if models.iter().all(|model| !model_row::is_moving(&model.state)) {
                wasm_bindgen_futures::spawn_local(refresh());
            }
        }
        Told::Scan { tab, counts } => scan::heard(tab, counts),
        Told::CoveredChanged { tab } => protection::heard(tab),
        Told::View { view: ViewKind { kind } } => wasm_bindgen_futures::spawn_local(async move {
            show_view(kind, &view).await;
            forget_view().await;
        }),
        // Of requests that have a connection of their own: why.rs.
        Told::Progress { .. } => {}
    }
}

async fn waiting_view() {
    let Ok(found) = chrome::session_get(SESSION_VIEW).await else { return };
    let view = chrome::get(&found, SESSION_VIEW);
    if let Ok(ViewKind { kind }) = wire::from_js(view.clone()) {
        show_view(kind, &view).await;
        if kind != ViewName::Busy {
            forget_view().await;
        }
    }
}

/// A verdict is shown once: the next popup is about something else.
async fn forget_view() {
    drop(chrome::session_remove(SESSION_VIEW).await);
}

/// Shows a view as the background told it.
async fn show_view(kind: ViewName, view: &JsValue) {
    let said = if kind == ViewName::Text { shown_text().await } else { String::new() };
    if let Some(result) = dom::by_id("result") {
        verdict::show_told(&result, view, &said);
        dom::show("result-panel", true);
    }
}

/// The background still has the text, once, whose verdict it gave to the popup; not after it was stopped.
async fn shown_text() -> String {
    match ask::ask(PageAsk::ShownText).await {
        Ok(Answer::ShownText { text }) => text.unwrap_or_default(),
        _ => String::new(),
    }
}

/// The click on the toolbar lets us read the tab in front, this once.
async fn classify_selection() {
    show_view(ViewName::Busy, &wire::to_js(&View::Busy { percent: None, read: None })).await;
    let (kind, view) = match ask::ask(PageAsk::Selection).await {
        Ok(Answer::Text(verdict)) => (ViewName::Text, View::Text { verdict }),
        Ok(_) => (ViewName::Refused, View::Refused(ask::unexpected())),
        Err(refusal) => (ViewName::Refused, View::Refused(refusal)),
    };
    show_view(kind, &wire::to_js(&view)).await;
}

/// One sentence on a page where the switches can't be used, in their hints' place.
fn not_offered(reason: Reason) {
    dom::say("page-said", &dom::reason_text(reason));
    dom::show("page-said", true);
    for (switch, hint) in [("guard", "guard-hint"), ("protect", "protect-hint")] {
        dom::show(hint, false);
        if let Some(switch) = dom::input(switch) {
            dom::set_attribute(&switch, "aria-describedby", "page-said");
        }
    }
    // There pictures may be looked at all the same.
    dom::show("scan-part", matches!(reason, Reason::OwnPage | Reason::NotOnWeb | Reason::PrivateWindow));
}

async fn guard_here(site: Option<String>, is_private: bool) {
    let (Some(switch), Some(site), Ok(settings)) = (dom::input("guard"), site, ask::settings().await) else { return };
    dom::say("guard-title", &chrome::message("guardHere", &[host_of(&site)]));
    switch.set_checked(site_switch::is_on(Switch::Guard, &settings, Some(&site)));
    switch.set_disabled(is_private);
    site_switch::wire(&switch, Switch::Guard, Some(site), || {});
}

async fn refresh() {
    match ask::ask(PageAsk::Status).await {
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
    let now_bytes = memory.wasm_bytes + memory.helper_bytes;
    let [now, budget] = [now_bytes, memory.budget_bytes].map(format::megabytes);
    dom::say("memory-now", &chrome::message("memoryOf", &[&now, &budget]));
    let stored_bytes = status.models.iter().map(|model| model.stored_bytes).sum();
    dom::say("stored-now", &format::megabytes(stored_bytes));
    let helpers = (memory.helper_bytes > 0).then_some(("memoryHelpers", memory.helper_bytes));
    let parts = helpers.into_iter().chain([("memoryPeak", memory.peak_bytes)]);
    let parts: Vec<String> = parts.map(|(key, bytes)| chrome::message(key, &[&format::megabytes(bytes)])).collect();
    dom::say("memory-more", &parts.join(" · "));
    for (bar, bytes) in [("memory-bar", now_bytes), ("memory-peak-bar", memory.peak_bytes)] {
        if let Some(bar) = dom::by_id(bar) {
            let share = bytes as f64 / memory.budget_bytes.max(1) as f64 * 100.0;
            let _ = bar.style().set_property("width", &format!("{share}%"));
        }
    }
    let engine = &status.engine;
    let place = match engine.place.as_str() {
        "service worker" => chrome::message("place_serviceWorker", &[]),
        "event page" => chrome::message("place_eventPage", &[]),
        other => other.to_owned(),
    };
    let threads = match engine.threads {
        1 => String::new(),
        n => format!(" · {}", format::counted("threads", n.into(), &[])),
    };
    dom::say("engine", &format!("Sotto {} · {} · {place}{threads}", engine.version, engine.flavour));
}
