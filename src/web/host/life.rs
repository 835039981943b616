//! What one engine's life in the service worker holds: the loader of models, the queue, figures, whoever waits; and a word to
//! open pages whenever a model's state changes. It must never judge (`tasks/`), store, or know what pages ask for.

use std::{
    cell::{Cell, OnceCell, RefCell},
    collections::HashSet,
    rc::Rc,
};

use js_sys::{Date, Function, Object};

use super::{
    cards::{WaitingCard, send_view},
    figures::Figures,
    runner::{Runner, Ticket},
    waiting::{Asked, Waiting},
};
use crate::{
    engine::{Asker, Order, PRESET_BUDGET_BYTES},
    protocol::{ModelState, Reason, Refusal, ToPage, Urgency, View},
    web::{
        browser::{
            chrome::{self, Port},
            wire,
        },
        helpers::Crew,
        models::{Loader, own},
        settings::settings,
    },
};

/// Unanswered requests of one tab beyond this are refused, so that no page can lock the queue.
const WAITING_PER_TAB_MAX: usize = 64;
/// What a tab asks with a person's urgency comes before all others' files and scans; nobody looks at more than one card.
const URGENT_PER_TAB_MAX: usize = 2;
/// Connections of one tab beyond this are closed: each costs a little memory until it ends.
const CONNECTIONS_PER_TAB_MAX: usize = 64;

pub struct Host {
    pub loader: Rc<Loader>,
    pub crew: Rc<Crew>,
    pub runner: Rc<Runner>,
    pub figures: Figures,
    /// Connections of Sotto's own pages.
    pub ports: RefCell<Vec<Port>>,
    pub(super) waiting_cards: RefCell<Vec<WaitingCard>>,
    n_cards: Cell<u32>,
    started_ms: f64,
    /// Tabs in which a card came to stand: each may ask for the popup in its stead, once.
    pub carded_tabs: RefCell<HashSet<i32>>,
    pub waiting: Rc<Waiting>,
    pub urgent: Rc<Waiting>,
    pub connections: Rc<Waiting>,
    /// The text of a verdict on its way to the popup, which takes it; in no storage, because no text is ever stored.
    pub shown_text: RefCell<Option<String>>,
    uses: Cell<Uses>,
}

/// Whether the figures of what was judged are kept.
#[derive(Clone, Copy, PartialEq)]
enum Uses {
    Kept,
    Keeping,
    /// Something was judged since.
    More,
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

impl Host {
    /// Makes the one host. `flavour` is the build's, `place` where it runs; `read_packaged` is background.js' only fetch,
    /// `store` what extension/store.js exports, `open_helpers` what extension/helpers.js does.
    pub fn start(
        flavour: &str,
        place: String,
        read_packaged: Function,
        store: Object,
        open_helpers: Function,
    ) -> Rc<Self> {
        let changed = || {
            if let Ok(host) = host() {
                host.tell_change();
            }
        };
        let loader = Loader::new(store, read_packaged, Box::new(changed));
        let crew = Crew::new(Rc::clone(&loader), open_helpers, Box::new(changed));
        let runner = Runner::new(Rc::clone(&loader), Rc::clone(&crew));
        let figures = Figures::new(Rc::clone(&loader), Rc::clone(&crew), flavour, place);
        let host = Rc::new(Self {
            loader,
            crew,
            runner,
            figures,
            ports: RefCell::default(),
            waiting_cards: RefCell::default(),
            n_cards: Cell::new(0),
            started_ms: Date::now(),
            carded_tabs: RefCell::default(),
            waiting: Waiting::at_most(WAITING_PER_TAB_MAX),
            urgent: Waiting::at_most(URGENT_PER_TAB_MAX),
            connections: Waiting::at_most(CONNECTIONS_PER_TAB_MAX),
            shown_text: RefCell::default(),
            uses: Cell::new(Uses::Kept),
        });
        HOST.with(|slot| {
            let _ = slot.set(Rc::clone(&host));
        });
        host
    }

    /// Takes over what the settings say of the engine, and which text model the person chose.
    pub async fn follow_settings(&self) {
        own::follow(&self.loader).await;
        let megabytes = settings().await.memory_budget_mb;
        self.loader.engine().set_budget(megabytes.map_or(PRESET_BUDGET_BYTES, |n| u64::from(n) * 1_000_000));
        if self.loader.engine().free_bytes() == 0 {
            self.crew.dismiss();
        }
        self.tell_change();
    }

    /// For a person who looks at one of our own pages; the page hears how much of a long text is read.
    pub fn page_ticket(self: &Rc<Self>, request: String) -> Ticket {
        let (host, id) = (Rc::clone(self), request.clone());
        let tell = move |percent| {
            let view = View::Busy { percent: None, read: Some(percent) };
            host.tell_pages(&ToPage::Progress { id: id.clone(), view });
        };
        Ticket { order: Order { asker: Asker::Own, request, urgency: Urgency::Person }, tell: Box::new(tell) }
    }

    /// A name for the request of the next card.
    pub(super) fn next_card(&self) -> String {
        let n_cards = self.n_cards.get();
        self.n_cards.set(n_cards + 1);
        // Another background's cards may still stand.
        format!("card-{:x}-{n_cards}", self.started_ms as u64)
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
        Ok((asked, Order { asker: Asker::Tab(tab), request, urgency }))
    }

    /// Gives up a tab's requests, in the queue or on their way to it.
    pub fn give_up(&self, tab: i32, named: impl Fn(&str) -> bool) {
        self.waiting.give_up(tab, &named);
        self.crew.give_up(Asker::Tab(tab), &named);
        self.runner.cancel(Asker::Tab(tab), named);
    }

    /// Something was judged: figures are kept, and pages told of them. What is judged while they are being kept is kept with the
    /// next, so that many pictures in a row don't write as often as there are pictures.
    pub fn used(self: &Rc<Self>) {
        if self.uses.replace(Uses::More) != Uses::Kept {
            return;
        }
        let host = Rc::clone(self);
        wasm_bindgen_futures::spawn_local(async move {
            while host.uses.replace(Uses::Keeping) == Uses::More {
                host.figures.keep().await;
                host.tell_change();
            }
            host.uses.set(Uses::Kept);
        });
    }

    /// Tells open pages to ask for the status, and waiting cards how far the load is.
    fn tell_change(&self) {
        let models = self.loader.engine().status();
        let percent = models.iter().find_map(|model| match model.state {
            ModelState::Storing { percent } | ModelState::Loading { percent } => Some(percent),
            _ => None,
        });
        self.tell_pages(&ToPage::Changed { models });
        if percent.is_some() {
            for WaitingCard { tab, frame, request } in self.waiting_cards.borrow().iter() {
                send_view(*tab, *frame, View::Busy { percent, read: None }, request);
            }
        }
    }

    /// Tells every open page of ours.
    pub fn tell_pages(&self, told: &ToPage) {
        let ports = self.ports.borrow();
        if ports.is_empty() {
            return;
        }
        let message = wire::tagged(told);
        // A port whose page went away throws; its disconnect event removes it.
        ports.iter().for_each(|port| drop(port.post(&message)));
    }
}

/// A panic becomes a line in the console before it traps; background.js drops the engine then.
pub fn tell_of_panics() {
    std::panic::set_hook(Box::new(|panic| chrome::warn(&format!("Sotto's engine broke: {panic}"))));
}
