//! What one engine's life in the service worker holds: models, queue, figures, whoever waits; and a word to open pages
//! whenever a model's state changes. It must never judge (`tasks/`) nor store (`store.rs`).

use std::{
    cell::{Cell, OnceCell, RefCell},
    collections::HashSet,
    rc::Rc,
};

use js_sys::{Function, Object};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::spawn_local;

use super::{
    chrome::{self, Port},
    decode::{self, DecodeError, Sight},
    figures::Figures,
    flows, guard,
    lives::Lives,
    managed, own_models,
    runner::{self, Runner, Ticket},
    store::Door,
    waiting::{self, Asked, Waiting},
    wire,
};
use crate::{
    engine::{self, Asker as Owner, Order, PRESET_BUDGET_BYTES, Verdict, Work},
    protocol::{ModelState, PictureVerdict, Reason, Refusal, TextVerdict, Urgency, View},
};

pub const SENTIMENT: &str = "sentiment";
pub const NSFW: &str = "nsfw";

/// Unanswered requests of one tab beyond this are refused, so that no page can lock the queue.
const WAITING_PER_TAB_MAX: usize = 64;
/// What a tab asks with a person's urgency comes before all others' files and scans; nobody looks at more than one card.
const URGENT_PER_TAB_MAX: usize = 2;
/// Connections of one tab beyond this are closed: each costs a little memory until it ends.
const CONNECTIONS_PER_TAB_MAX: usize = 64;

pub struct Host {
    pub lives: Rc<Lives>,
    pub runner: Rc<Runner>,
    pub figures: Figures,
    pub ports: RefCell<Vec<Port>>,
    pub waiting_cards: RefCell<Vec<flows::WaitingCard>>,
    n_cards: Cell<u32>,
    /// Tabs in which a card came to stand: each may ask for the popup in its stead, once.
    pub carded_tabs: RefCell<HashSet<i32>>,
    pub waiting: Rc<Waiting>,
    pub urgent: Rc<Waiting>,
    pub connections: Rc<Waiting>,
    /// The text of a verdict on its way to the popup, which takes it; in no storage, because no text is ever stored.
    pub shown_text: RefCell<Option<String>>,
}

thread_local! {
    static HOST: OnceCell<Rc<Host>> = const { OnceCell::new() };
}

/// The host of this engine instance, which background.js makes before it calls anything else.
pub fn host() -> Result<Rc<Host>, Refusal> {
    HOST.with(|host| host.get().cloned()).ok_or_else(|| Refusal {
        reason: Reason::Internal,
        detail: "the engine was called before startHost; reload the extension".to_owned(),
    })
}

/// Makes the host. `flavour` is the build's, `place` where it runs; `read_packaged` is background.js' only fetch,
/// `store` what extension/store.js exports.
#[wasm_bindgen(js_name = startHost)]
pub fn start_host(flavour: &str, place: String, read_packaged: Function, store: Object) -> Result<(), JsValue> {
    std::panic::set_hook(Box::new(|panic| chrome::warn(&format!("Sotto's engine broke: {panic}"))));
    let changed = Box::new(|| {
        if let Ok(host) = host() {
            host.tell_change();
        }
    });
    let lives = Lives::new(Door::new(store), read_packaged, changed);
    let runner = Runner::new(Rc::clone(&lives));
    let figures = Figures::new(Rc::clone(&lives), flavour, place);
    let host = Rc::new(Host {
        lives,
        runner,
        figures,
        ports: RefCell::default(),
        waiting_cards: RefCell::default(),
        n_cards: Cell::new(0),
        carded_tabs: RefCell::default(),
        waiting: Waiting::at_most(WAITING_PER_TAB_MAX),
        urgent: Waiting::at_most(URGENT_PER_TAB_MAX),
        connections: Waiting::at_most(CONNECTIONS_PER_TAB_MAX),
        shown_text: RefCell::default(),
    });
    HOST.with(|slot| {
        let _ = slot.set(Rc::clone(&host));
    });
    let watching = Rc::clone(&host);
    managed::watch(move || {
        let host = Rc::clone(&watching);
        spawn_local(async move {
            guard::follow_permissions().await;
            host.follow_settings().await;
        });
    });
    let runner = Rc::clone(&host.runner);
    runner.start_after(async move { host.follow_settings().await });
    Ok(())
}

impl Host {
    /// Takes over what the settings say of the engine, and which text model the person chose.
    pub async fn follow_settings(&self) {
        self.lives.set_own(own_models::chosen().await);
        let megabytes = guard::settings().await.memory_budget_mb;
        self.lives.engine().set_budget(megabytes.map_or(PRESET_BUDGET_BYTES, |n| u64::from(n) * 1_000_000));
        self.tell_change();
    }

    /// For a person who looks at one of our own pages; the page hears how much of a long text is read.
    pub fn page_ticket(self: &Rc<Self>, request: String) -> Ticket {
        let (host, id) = (Rc::clone(self), request.clone());
        let tell = move |percent| host.post_progress(&id, &View::Busy { percent: None, read: Some(percent) });
        Ticket { order: Order { asker: Owner::Own, request, urgency: Urgency::Person }, tell: Box::new(tell) }
    }

    pub async fn judge_text(self: &Rc<Self>, text: &str, ticket: Ticket) -> Result<TextVerdict, Refusal> {
        let Verdict::Text(verdict) = self.runner.done(ticket, Work::text(text)).await? else {
            return Err(runner::unexpected());
        };
        self.used();
        Ok(verdict)
    }

    pub async fn judge_picture(self: &Rc<Self>, picture: &JsValue, order: Order) -> Result<PictureVerdict, Refusal> {
        let sight = decode::picture(picture).await?;
        self.judge_sight(sight, order).await
    }

    /// Frame after frame, each a request of its own in the queue.
    pub async fn judge_sight(self: &Rc<Self>, sight: Sight, order: Order) -> Result<PictureVerdict, Refusal> {
        let thresholds = guard::settings().await.thresholds;
        let mut verdicts = Vec::new();
        for decoded in sight.frames {
            let work = Work::Picture { picture: Box::new(decoded), thresholds: thresholds.clone() };
            if let Owner::Tab(tab) = order.asker
                && self.waiting.is_given_up(tab, &order.request)
            {
                return Err(waiting::given_up());
            }
            let Verdict::Picture(verdict) = self.runner.done(Ticket::quiet(order.clone()), work).await? else {
                return Err(runner::unexpected());
            };
            verdicts.push(verdict);
        }
        let worst = engine::worst_frame(verdicts, sight.n_frames, &thresholds);
        self.used();
        worst.ok_or_else(|| DecodeError::Missing.into())
    }

    /// A name for the request of the next card.
    pub fn next_card(&self) -> String {
        let n_cards = self.n_cards.get();
        self.n_cards.set(n_cards + 1);
        format!("card-{n_cards}")
    }

    /// A tab's request takes its turn, and counts until the returned token is dropped.
    pub async fn enter(
        self: &Rc<Self>,
        tab: i32,
        request: String,
        urgency: Urgency,
    ) -> Result<(Asked, Order), Refusal> {
        let asked = self.waiting.enter(tab, &request)?;
        asked.turn(urgency).await?;
        Ok((asked, Order { asker: Owner::Tab(tab), request, urgency }))
    }

    /// Gives up a tab's requests, in the queue or on their way to it.
    pub fn give_up(&self, tab: i32, named: impl Fn(&str) -> bool) {
        self.waiting.give_up(tab, &named);
        self.runner.cancel(Owner::Tab(tab), named);
    }

    fn used(self: &Rc<Self>) {
        let host = Rc::clone(self);
        wasm_bindgen_futures::spawn_local(async move {
            host.figures.keep().await;
            host.tell_change();
        });
    }

    /// Tells open pages to ask for the status, and waiting cards how far the load is.
    pub fn tell_change(&self) {
        let models = self.lives.engine().status();
        let change = chrome::object(&[("sotto", "changed".into()), ("models", wire::to_js(&models))]);
        self.post(&change);
        let percent = models.iter().find_map(|model| match model.state {
            ModelState::Storing { percent } | ModelState::Loading { percent } => Some(percent),
            _ => None,
        });
        if percent.is_some() {
            for flows::WaitingCard { tab, frame, request } in self.waiting_cards.borrow().iter() {
                flows::send_view(*tab, *frame, &View::Busy { percent, read: None }, request);
            }
        }
    }

    pub fn post_progress(&self, id: &str, view: &View) {
        let message = chrome::object(&[("sotto", "progress".into()), ("id", id.into()), ("view", wire::to_js(view))]);
        self.post(&message);
    }

    /// Posts to every open page of ours.
    pub fn post(&self, message: &JsValue) {
        // A port whose page went away throws; its disconnect event removes it.
        self.ports.borrow().iter().for_each(|port| drop(port.post(message)));
    }
}
