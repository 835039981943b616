//! The way of a selection: taken from whichever frame has it, judged, shown; and why it was judged so. It must never
//! keep what was read but until the popup took it, nor hand the text of one frame to another.

use std::rc::Rc;

use js_sys::Array;
use wasm_bindgen::prelude::*;

use super::{
    chrome,
    flows::{self, CARD, Place, SURFACE, Shown, VERDICT, inject, off_limits, tab_and_window},
    guard,
    host::{Host, SENTIMENT},
    runner::{self, Ticket},
};
use crate::{
    engine::{Asker, Order, Verdict, Work},
    protocol::{Refusal, ResultPlace, TextVerdict, Urgency, View, WhyVerdict},
};

const SENTENCES: &str = "content/sentences.js";
const SELECT: &str = "content/select.js";
const WHY: &str = "content/why.js";

/// A click in the menu, or the keyboard shortcut: then the frame is not known, and nothing that the browser saw.
pub async fn selection(host: &Rc<Host>, tab: &JsValue, frame: Option<i32>, seen_by_browser: Option<String>) {
    host.runner.warm(SENTIMENT);
    let (tab_id, window) = tab_and_window(tab);
    let popup = Place::Popup { window };
    let on_card = guard::settings().await.results == ResultPlace::Card;
    // With the frame known, one injection does both.
    let with_card = on_card && frame.is_some();
    let files: &[&str] = if with_card { &[SURFACE, VERDICT, CARD, SELECT] } else { &[SELECT] };
    let found = read_selection(tab_id, frame, files).await;
    let place = match &found {
        _ if !on_card => popup,
        Some(Selection { frame, roomy: true, .. })
            if with_card || inject(tab_id, Some(*frame), &[SURFACE, VERDICT, CARD]).await.is_ok() =>
        {
            Place::Card { tab: tab_id, frame: *frame }
        }
        // A frame too small for the card, or one that no script of ours may enter: the tab's own frame has it.
        _ if inject(tab_id, Some(0), &[SURFACE, VERDICT, CARD]).await.is_ok() => Place::Card { tab: tab_id, frame: 0 },
        Some(Selection { frame, .. }) if with_card => Place::Card { tab: tab_id, frame: *frame },
        _ => popup,
    };
    // Where no script may enter or see the selection, the browser itself still told what is selected.
    let found = match (found, seen_by_browser) {
        (Some(Selection { text, cut, .. }), seen) if !text.is_empty() || seen.is_none() => Some((text, cut)),
        (_, seen) => seen.map(|text| (text, false)),
    };
    show(host, place, found).await;
}

/// The popup's own button: the answer goes to the popup, which is open.
pub async fn selection_for_popup(host: &Rc<Host>, ticket: Ticket) -> Result<TextVerdict, Refusal> {
    host.runner.warm(SENTIMENT);
    let filter = chrome::object(&[("active", true.into()), ("lastFocusedWindow", true.into())]);
    let tabs = chrome::query_tabs(&filter).await.map(|tabs| Array::from(&tabs)).unwrap_or_default();
    let (tab, _) = tab_and_window(&tabs.get(0));
    let found = read_selection(tab, None, &[SELECT]).await.ok_or_else(|| off_limits("no text can be read here"))?;
    let mut verdict = host.judge_text(&found.text, ticket).await?;
    verdict.truncated |= found.cut;
    host.shown_text.replace(Some(found.text));
    Ok(verdict)
}

/// A page took the card away again and again: its text is judged once more and shown where no page can reach.
pub async fn text_in_popup(host: &Rc<Host>, window: Option<i32>, text: String) {
    show(host, Place::Popup { window }, Some((text, false))).await;
}

/// Brings the script that asks for the words which pushed a verdict to the card that wants it.
pub async fn bring_why(tab: i32, frame: i32) -> Result<(), Refusal> {
    inject(tab, Some(frame), &[WHY]).await.map(drop).map_err(|thrown| off_limits(&chrome::reason_of(&thrown)))
}

/// Tells a card which words pushed the verdict on its text. A card that closes ends it, because the request is named
/// below the card's own.
pub async fn why_on_card(
    host: &Rc<Host>,
    (tab, frame, document): (i32, i32, JsValue),
    request: String,
    text: String,
    card: String,
) -> Result<(), Refusal> {
    // The frame may show another document by then, which has no business with this text.
    let tell = move |why| flows::send_view_to(tab, &flows::only(frame, &document), &View::Why { why }, &card);
    let order = Order { asker: Asker::Tab(tab), request, urgency: Urgency::Person };
    tell(why(host, order, text, tell.clone()).await?);
    Ok(())
}

/// Which words pushed the verdict on a text; `tell` hears what is known before all is.
pub async fn why(
    host: &Rc<Host>,
    order: Order,
    text: String,
    tell: impl Fn(WhyVerdict) + 'static,
) -> Result<WhyVerdict, Refusal> {
    match host.runner.done(Ticket::quiet(order), Work::why(text, Box::new(tell))).await? {
        Verdict::Why(why) => Ok(why),
        _ => Err(runner::unexpected()),
    }
}

/// Judges a text, whose end may be missing, and shows the verdict.
async fn show(host: &Rc<Host>, place: Place, found: Option<(String, bool)>) {
    let shown = Shown::begin(host, place).await;
    let view = match found {
        None => View::Refused(off_limits("no text can be read here")),
        Some((text, cut)) => match host.judge_text(&text, shown.ticket()).await {
            Ok(verdict) => {
                if matches!(place, Place::Popup { .. }) {
                    host.shown_text.replace(Some(text));
                }
                View::Text { verdict: TextVerdict { truncated: verdict.truncated || cut, ..verdict } }
            }
            Err(refusal) => View::Refused(refusal),
        },
    };
    if let (Place::Card { tab, frame }, View::Text { verdict }) = (place, &view)
        && !verdict.sentences.is_empty()
    {
        // Refused when the page went away meanwhile; then nobody waits for the strip either.
        let _ = inject(tab, Some(frame), &[SENTENCES]).await;
    }
    shown.end(view).await;
}

struct Selection {
    frame: i32,
    text: String,
    /// Whether more was selected than this text.
    cut: bool,
    /// Whether a card has room in the frame.
    roomy: bool,
}

/// What is selected. Without a frame given, the one that has a selection and the focus is asked.
async fn read_selection(tab: i32, frame: Option<i32>, files: &[&str]) -> Option<Selection> {
    let results = inject(tab, frame, files).await.ok()?;
    let mut best: Option<Selection> = None;
    for result in results.iter() {
        let value = chrome::get(&result, "result");
        let text = chrome::get(&value, "text").as_string();
        let (Some(text), Some(frame)) = (text, chrome::get(&result, "frameId").as_f64()) else { continue };
        let frame = frame as i32;
        let is_true = |name: &str| chrome::get(&value, name).is_truthy();
        if best.is_none() || (is_true("focused") && !text.is_empty()) {
            best = Some(Selection { frame, text, cut: is_true("cut"), roomy: frame == 0 || is_true("roomy") });
        }
    }
    best
}
