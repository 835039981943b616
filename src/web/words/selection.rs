//! The way of a selection: taken from whichever frame has it, judged, shown. It must never keep what was read but until
//! the popup took it.

use std::rc::Rc;

use js_sys::Array;
use wasm_bindgen::prelude::*;

use super::judge::judge_for_person;
use crate::{
    models::Task,
    protocol::{Reason, Refusal, ResultPlace, Selected, TextVerdict, View},
    web::{
        browser::{
            chrome,
            scripts::{inject, kept_out, tab_and_window},
            tabs::address_of,
            wire,
        },
        host::{CARD, Host, SURFACE, Shown, ShownIn, Ticket, VERDICT},
        settings::settings,
    },
};

const SENTENCES: &str = "content/sentences.js";
const SELECT: &str = "content/select.js";
const MEDIA_TYPE: &str = "content/media_type.js";
/// The tab's own frame.
const TOP: f64 = 0.0;

/// A click in the menu, on a page or frame with an address, or the keyboard shortcut: then the frame is not known, and nothing
/// that the browser saw.
pub async fn selection(
    host: &Rc<Host>,
    tab: &JsValue,
    frame: Option<f64>,
    address: Option<String>,
    seen_by_browser: Option<String>,
) {
    host.runner.warm(Task::Text);
    let (tab_id, window) = tab_and_window(tab);
    let popup = ShownIn::Popup { window };
    let on_card = settings().await.results == ResultPlace::Card;
    // With the frame known, one injection does both.
    let with_card = on_card && frame.is_some();
    let files: &[&str] = if with_card { &[SURFACE, VERDICT, CARD, SELECT] } else { &[SELECT] };
    let found = read_selection(tab_id, frame, files).await;
    let place = match &found {
        _ if !on_card => popup,
        Some(Selection { frame, roomy: true, .. })
            if with_card || inject(tab_id, Some(*frame), &[SURFACE, VERDICT, CARD]).await.is_ok() =>
        {
            ShownIn::Card { tab: tab_id, frame: *frame }
        }
        // A frame too small for the card, or one that no script of ours may enter: the tab's own frame has it.
        _ if inject(tab_id, Some(TOP), &[SURFACE, VERDICT, CARD]).await.is_ok() => {
            ShownIn::Card { tab: tab_id, frame: TOP }
        }
        Some(Selection { frame, .. }) if with_card => ShownIn::Card { tab: tab_id, frame: *frame },
        _ => popup,
    };
    // Where no script may enter or see the selection, the browser itself still told what is selected.
    let found = match (found, seen_by_browser) {
        (Some(Selection { text, cut, .. }), seen) if !text.is_empty() || seen.is_none() => Some((text, cut)),
        (_, seen) => seen.map(|text| (text, false)),
    };
    let found = match found {
        Some((text, _)) if text.is_empty() && is_pdf(tab_id).await => Err(within_pdf()),
        Some(found) => Ok(found),
        None => Err(nothing_read(address.or_else(|| address_of(tab)))),
    };
    show(host, place, found).await;
}

fn nothing_read(address: Option<String>) -> Refusal {
    kept_out(address.as_deref(), "no text can be read here")
}

fn within_pdf() -> Refusal {
    Refusal { reason: Reason::PdfPage, detail: "what is selected in the browser's viewer is not told".to_owned() }
}

/// Whether a tab shows a PDF file in the browser's viewer.
async fn is_pdf(tab: i32) -> bool {
    let said = inject(tab, Some(TOP), &[MEDIA_TYPE]).await.unwrap_or_default();
    said.first().is_some_and(|said| said.result == "application/pdf")
}

/// The popup's own button: the answer goes to the popup, which is open.
pub async fn selection_for_popup(host: &Rc<Host>, ticket: Ticket) -> Result<TextVerdict, Refusal> {
    host.runner.warm(Task::Text);
    let filter = chrome::object(&[("active", true.into()), ("lastFocusedWindow", true.into())]);
    let tabs = chrome::query_tabs(&filter).await.map(|tabs| Array::from(&tabs)).unwrap_or_default();
    let in_front = tabs.get(0);
    let (tab, _) = tab_and_window(&in_front);
    let found = read_selection(tab, None, &[SELECT]).await.ok_or_else(|| nothing_read(address_of(&in_front)))?;
    if found.text.is_empty() && is_pdf(tab).await {
        return Err(within_pdf());
    }
    let mut verdict = judge_for_person(host, &found.text, ticket).await?;
    verdict.truncated |= found.cut;
    host.shown_text.replace(Some(found.text));
    Ok(verdict)
}

/// A page took the card away again and again: its text is judged once more and shown where no page can reach.
pub async fn text_in_popup(host: &Rc<Host>, window: Option<i32>, text: String) {
    show(host, ShownIn::Popup { window }, Ok((text, false))).await;
}

/// Judges a text, whose end may be missing, and shows the verdict.
async fn show(host: &Rc<Host>, place: ShownIn, found: Result<(String, bool), Refusal>) {
    let shown = Shown::begin(host, place).await;
    let view = match found {
        Err(refusal) => View::Refused(refusal),
        Ok((text, cut)) => match judge_for_person(host, &text, shown.ticket()).await {
            Ok(verdict) => {
                if matches!(place, ShownIn::Popup { .. }) {
                    host.shown_text.replace(Some(text));
                }
                View::Text { verdict: TextVerdict { truncated: verdict.truncated || cut, ..verdict } }
            }
            Err(refusal) => View::Refused(refusal),
        },
    };
    if let (ShownIn::Card { tab, frame }, View::Text { verdict }) = (place, &view)
        && !verdict.sentences.is_empty()
    {
        // Refused when the page went away meanwhile; then nobody waits for the strip either.
        let _ = inject(tab, Some(frame), &[SENTENCES]).await;
    }
    shown.end(view).await;
}

struct Selection {
    frame: f64,
    text: String,
    /// Whether more was selected than this text.
    cut: bool,
    /// Whether a card has room in the frame.
    roomy: bool,
}

/// What is selected. Without a frame given, the one that has a selection and the focus is asked.
async fn read_selection(tab: i32, frame: Option<f64>, files: &[&str]) -> Option<Selection> {
    let mut best: Option<Selection> = None;
    for said in inject(tab, frame, files).await.ok()? {
        let Ok(Selected { text, cut, focused, roomy }) = wire::from_js(said.result) else { continue };
        if best.is_none() || (focused && !text.is_empty()) {
            best = Some(Selection { frame: said.frame, text, cut, roomy: said.frame == 0.0 || roomy });
        }
    }
    best
}
