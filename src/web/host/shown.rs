//! Where the person sees a judgement: on a card beside what was judged; where the page is off limits, or the person wants it
//! so, in the toolbar popup instead. It must never know what is judged.

use std::rc::Rc;

use super::{
    cards::{WaitingCard, send_view},
    life::Host,
    runner::Ticket,
};
use crate::{
    engine::{Asker, Order},
    protocol::{SESSION_VIEW, ToPage, Urgency, View},
    web::browser::{chrome, wire},
};

/// What a card takes, in this order: what stands on a page, what draws a verdict, and the card itself.
pub const SURFACE: &str = "content/surface.js";
pub const VERDICT: &str = "content/verdict.js";
pub const CARD: &str = "content/card.js";

#[derive(Clone, Copy)]
pub enum ShownIn {
    Card { tab: i32, frame: f64 },
    Popup { window: Option<i32> },
}

/// A judgement on its way to the person. Between `begin` and `end` the card also hears how far it is.
pub struct Shown {
    host: Rc<Host>,
    place: ShownIn,
    /// Also the name of the card's connection: when that closes, the request is given up.
    request: String,
}

impl Shown {
    pub async fn begin(host: &Rc<Host>, place: ShownIn) -> Self {
        let busy = View::Busy { percent: None, read: None };
        let request = host.next_card();
        match place {
            ShownIn::Card { tab, frame } => {
                host.carded_tabs.borrow_mut().insert(tab);
                host.waiting_cards.borrow_mut().push(WaitingCard { tab, frame, request: request.clone() });
                send_view(tab, frame, busy, &request);
            }
            ShownIn::Popup { window } => {
                keep_for_popup(&busy).await;
                open_popup(window).await;
            }
        }
        Self { host: Rc::clone(host), place, request }
    }

    /// A place in the engine's queue for what is shown here.
    pub fn order(&self) -> Order {
        let asker = match self.place {
            ShownIn::Popup { .. } => Asker::Own,
            ShownIn::Card { tab, .. } => Asker::Tab(tab),
        };
        Order { asker, request: self.request.clone(), urgency: Urgency::Person }
    }

    pub fn ticket(&self) -> Ticket {
        let ShownIn::Card { tab, frame } = self.place else { return Ticket::quiet(self.order()) };
        let request = self.request.clone();
        let tell = move |read| send_view(tab, frame, View::Busy { percent: None, read: Some(read) }, &request);
        Ticket { order: self.order(), tell: Box::new(tell) }
    }

    pub async fn end(self, view: View) {
        match self.place {
            ShownIn::Card { tab, frame } => {
                self.host.waiting_cards.borrow_mut().retain(|card| card.request != self.request);
                send_view(tab, frame, view, &self.request);
            }
            ShownIn::Popup { .. } => {
                keep_for_popup(&view).await;
                self.host.tell_pages(&ToPage::View { view });
            }
        }
    }
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
