//! What happens when a person asks: a selection (words.rs) or a picture (sights.rs) is taken from the page by a
//! content script, judged, and shown on a card beside it; where the page is off limits, or the person wants it so, in
//! the toolbar popup instead. It must never keep what was read.

use std::rc::Rc;

use js_sys::Array;
use wasm_bindgen::prelude::*;

use super::{
    chrome,
    host::{self, Host},
    requests::FRAME_TEXT_UNITS_MAX,
    runner::Ticket,
    sights, wire, words,
};
use crate::{
    engine::{Asker, Order},
    protocol::{Reason, Refusal, Urgency, View},
};

pub const SURFACE: &str = "content/surface.js";
/// Draws what the card shows.
pub const VERDICT: &str = "content/verdict.js";
pub const CARD: &str = "content/card.js";
/// Where a verdict waits for the popup to show it once.
pub const SESSION_VIEW: &str = "view";
/// Chromium tells us of a click in the menu before the page's process knows what that click allows, and refuses a script that
/// is quick. Whoever is refused again after these pauses may not enter.
const GRANT_PAUSES_MS: [i32; 2] = [30, 120];

/// Where a judgement is shown.
#[derive(Clone, Copy)]
pub enum Place {
    Card { tab: i32, frame: i32 },
    Popup { window: Option<i32> },
}

#[wasm_bindgen(js_name = menuClicked)]
pub async fn menu_clicked(info: JsValue, tab: JsValue) {
    let Ok(host) = host::host() else { return };
    let frame = chrome::get(&info, "frameId").as_f64().unwrap_or(0.0) as i32;
    match chrome::get(&info, "menuItemId").as_string().as_deref() {
        Some("classify-selection") => {
            let seen_by_browser = chrome::get(&info, "selectionText").as_string();
            words::selection(&host, &tab, Some(frame), seen_by_browser).await;
        }
        Some("check-image") => {
            let source = chrome::get(&info, "srcUrl");
            sights::check_picture(&host, &tab, frame, &source).await;
        }
        _ => {}
    }
}

/// The keyboard shortcut: the selection is in whichever frame has the focus.
#[wasm_bindgen(js_name = classifySelection)]
pub async fn classify_selection(tab: JsValue) {
    if let Ok(host) = host::host() {
        words::selection(&host, &tab, None, None).await;
    }
}

/// A card that waits for a verdict.
pub struct WaitingCard {
    pub tab: i32,
    pub frame: i32,
    pub request: String,
}

/// A judgement on its way to the person. Between `begin` and `end` the card also hears how far it is.
pub struct Shown {
    host: Rc<Host>,
    place: Place,
    /// Also the name of the card's connection: when that closes, the request is given up.
    request: String,
}

impl Shown {
    pub async fn begin(host: &Rc<Host>, place: Place) -> Self {
        let busy = View::Busy { percent: None, read: None };
        let request = host.next_card();
        match place {
            Place::Card { tab, frame } => {
                host.carded_tabs.borrow_mut().insert(tab);
                host.waiting_cards.borrow_mut().push(WaitingCard { tab, frame, request: request.clone() });
                send_view(tab, frame, &busy, &request);
            }
            Place::Popup { window } => {
                keep_for_popup(&busy).await;
                open_popup(window).await;
            }
        }
        Self { host: Rc::clone(host), place, request }
    }

    /// A place in the engine's queue for what is shown here.
    pub fn order(&self) -> Order {
        let asker = match self.place {
            Place::Popup { .. } => Asker::Own,
            Place::Card { tab, .. } => Asker::Tab(tab),
        };
        Order { asker, request: self.request.clone(), urgency: Urgency::Person }
    }

    pub fn ticket(&self) -> Ticket {
        let Place::Card { tab, frame } = self.place else { return Ticket::quiet(self.order()) };
        let request = self.request.clone();
        let tell = move |read| send_view(tab, frame, &View::Busy { percent: None, read: Some(read) }, &request);
        Ticket { order: self.order(), tell: Box::new(tell) }
    }

    pub async fn end(self, view: View) {
        match self.place {
            Place::Card { tab, frame } => {
                self.host.waiting_cards.borrow_mut().retain(|card| card.request != self.request);
                send_view(tab, frame, &view, &self.request);
            }
            Place::Popup { .. } => {
                keep_for_popup(&view).await;
                self.host.post(&chrome::object(&[("sotto", "view".into()), ("view", wire::to_js(&view))]));
            }
        }
    }
}

/// Sends a view to the card of a frame, without waiting: a card that was closed hears nothing, as it should.
pub fn send_view(tab: i32, frame: i32, view: &View, request: &str) {
    send_view_to(tab, &only(frame, &JsValue::UNDEFINED), view, request);
}

/// Whom in a tab a message is for: a frame, and in it one document where that is known.
pub fn only(frame: i32, document: &JsValue) -> JsValue {
    let options = chrome::object(&[("frameId", frame.into())]);
    if document.is_string() {
        chrome::set(&options, "documentId", document);
    }
    options
}

pub fn send_view_to(tab: i32, whom: &JsValue, view: &View, request: &str) {
    let message = chrome::object(&[("sotto", "card".into()), ("request", request.into()), ("view", wire::to_js(view))]);
    let options = whom.clone();
    wasm_bindgen_futures::spawn_local(async move { drop(chrome::send_to_tab(tab, &message, &options).await) });
}

async fn keep_for_popup(view: &View) {
    let items = chrome::object(&[(SESSION_VIEW, wire::to_js(view))]);
    if let Err(thrown) = chrome::session_set(&items).await {
        chrome::warn(&format!("Sotto: a verdict could not be handed to the popup: {}", chrome::reason_of(&thrown)));
    }
}

/// Opens the toolbar popup, or a small window with the same page where the browser refuses that (no focused window,
/// or no click that it counts).
async fn open_popup(window: Option<i32>) {
    let options = chrome::object(&[]);
    if let Some(window) = window {
        chrome::set(&options, "windowId", &window.into());
    }
    if chrome::open_popup(&options).await.is_ok() {
        return;
    }
    let own_window = chrome::object(&[
        ("url", chrome::own_url("pages/popup.html").into()),
        ("type", "popup".into()),
        ("width", 420.into()),
        ("height", 640.into()),
    ]);
    if let Err(thrown) = chrome::create_window(&own_window).await {
        chrome::warn(&format!("Sotto: no window for the verdict: {}", chrome::reason_of(&thrown)));
    }
}

/// Brings scripts into a tab and gives what the last of them said. A frame that says more than any script of ours is not
/// heard: its words would enter linear memory.
pub async fn inject(tab: i32, frame: Option<i32>, files: &[&str]) -> Result<Array, JsValue> {
    let target = chrome::object(&[("tabId", tab.into())]);
    match frame {
        Some(frame) => chrome::set(&target, "frameIds", &Array::of1(&frame.into())),
        None => chrome::set(&target, "allFrames", &true.into()),
    }
    let injection = chrome::object(&[("target", target), ("files", chrome::strings(files))]);
    let mut pauses = GRANT_PAUSES_MS.into_iter();
    let results = loop {
        match (chrome::execute_script(&injection).await, pauses.next()) {
            (Ok(results), _) => break Array::from(&results),
            (Err(thrown), None) => return Err(thrown),
            (Err(_), Some(ms)) => chrome::pause(ms).await,
        }
    };
    for result in results.iter() {
        if wire::is_longer_than(&chrome::get(&result, "result"), FRAME_TEXT_UNITS_MAX) {
            chrome::set(&result, "result", &JsValue::UNDEFINED);
        }
    }
    Ok(results)
}

pub fn tab_and_window(tab: &JsValue) -> (i32, Option<i32>) {
    let id = chrome::get(tab, "id").as_f64().unwrap_or(-1.0) as i32;
    (id, chrome::get(tab, "windowId").as_f64().map(|window| window as i32))
}

pub fn off_limits(detail: &str) -> Refusal {
    Refusal { reason: Reason::OffLimits, detail: detail.to_owned() }
}
