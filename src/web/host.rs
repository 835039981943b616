//! The service worker's side of the protocol: one Request in, one Reply out, and a word to open pages whenever a
//! model's state changes. It decides who may ask for what; it must never judge (`tasks/`) nor store (`store.rs`).

use std::{
    cell::{Cell, OnceCell, RefCell},
    collections::HashSet,
    rc::Rc,
};

use js_sys::{Function, JsString, Object};
use wasm_bindgen::{JsCast, prelude::*};

use super::{
    chrome::{self, Port},
    decode::{self, DecodeError, Sight},
    flows, guard,
    lives::{self, Lives},
    own_models,
    runner::{self, Runner, Ticket},
    scan, sites,
    store::Door,
    uploads,
    waiting::{self, Asked, Waiting},
    wire, words,
};
use crate::{
    engine::{self, Asker as Owner, Order, PRESET_BUDGET_BYTES, Verdict, Work},
    protocol::{
        Answer, Ask, EngineStatus, MemoryStatus, ModelState, PictureVerdict, Reason, Refusal, Reply, Request, Status,
        TextVerdict, Urgency, View,
    },
};

pub const SENTIMENT: &str = "sentiment";
pub const NSFW: &str = "nsfw";

/// Unanswered requests of one tab beyond this are refused, so that no page can lock the queue.
const WAITING_PER_TAB_MAX: usize = 64;
/// What a tab asks with a person's urgency comes before all others' files and scans; nobody looks at more than one card.
const URGENT_PER_TAB_MAX: usize = 2;
/// Connections of one tab beyond this are closed: each costs a little memory until it ends.
const CONNECTIONS_PER_TAB_MAX: usize = 64;
/// No request has a longer name.
const CONNECTION_NAME_UNITS_MAX: u32 = 256;
/// A frame's message beyond this length is refused before it is read: what enters linear memory makes it grow for ever.
const FRAME_MESSAGE_UNITS_MAX: u32 = 16_384;
/// The same for a card that sends its text once more; content/select.js takes at most 100,000 units of a selection.
pub const FRAME_TEXT_UNITS_MAX: u32 = 100_000 + FRAME_MESSAGE_UNITS_MAX;
/// Where the browser session's figures outlive a stopped worker.
const SESSION_STATUS: &str = "status";

pub struct Host {
    pub lives: Rc<Lives>,
    pub runner: Rc<Runner>,
    flavour: String,
    place: String,
    ports: RefCell<Vec<Port>>,
    pub waiting_cards: RefCell<Vec<flows::WaitingCard>>,
    n_cards: Cell<u32>,
    /// Tabs in which a card came to stand: each may ask for the popup in its stead, once.
    pub carded_tabs: RefCell<HashSet<i32>>,
    waiting: Rc<Waiting>,
    urgent: Rc<Waiting>,
    connections: Rc<Waiting>,
    /// The text of a verdict on its way to the popup, which takes it; in no storage, because no text is ever stored.
    pub shown_text: RefCell<Option<String>>,
    /// The session's figures as they stood when this engine started.
    earlier: RefCell<Option<Status>>,
    earlier_known: Cell<bool>,
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
    let runner = Runner::new(Rc::clone(&lives))?;
    let host = Rc::new(Host {
        lives,
        runner,
        flavour: if flavour == "relaxed" { "relaxed SIMD" } else { "SIMD" }.to_owned(),
        place,
        ports: RefCell::default(),
        waiting_cards: RefCell::default(),
        n_cards: Cell::new(0),
        carded_tabs: RefCell::default(),
        waiting: Waiting::at_most(WAITING_PER_TAB_MAX),
        urgent: Waiting::at_most(URGENT_PER_TAB_MAX),
        connections: Waiting::at_most(CONNECTIONS_PER_TAB_MAX),
        shown_text: RefCell::default(),
        earlier: RefCell::default(),
        earlier_known: Cell::new(false),
    });
    HOST.with(|slot| {
        let _ = slot.set(Rc::clone(&host));
    });
    let runner = Rc::clone(&host.runner);
    runner.start_after(async move { host.follow_settings().await });
    Ok(())
}

/// Answers one message. Never rejects: what goes wrong is a Refused reply.
#[wasm_bindgen]
pub async fn answer(message: JsValue, sender: JsValue) -> JsValue {
    let (message, picture) = wire::take_picture(&message);
    let trusted = matches!(asker(&sender), Ok(Asker::OwnPage));
    let ask = chrome::get(&message, "ask");
    // Compared where it is: nothing of a message enters linear memory before its length is known.
    let has_text = ["why", "textInPopup"].iter().any(|name| ask == JsValue::from_str(name));
    let units_max = if has_text { FRAME_TEXT_UNITS_MAX } else { FRAME_MESSAGE_UNITS_MAX };
    if !trusted && wire::is_longer_than(&message, units_max) {
        let answer = refused(Reason::BadRequest, "the message is longer than any of Sotto's".to_owned());
        return wire::to_js(&Reply { id: String::new(), answer });
    }
    let is_cut = wire::cut_text(&message);
    let id = chrome::get(&message, "id").as_string().unwrap_or_default();
    let answer = match wire::from_js::<Request>(message) {
        Err(detail) => refused(Reason::BadRequest, format!("not a request of Sotto's protocol: {detail}")),
        Ok(request) => match respond(request, picture, &sender).await {
            Ok(Answer::Text(verdict)) => {
                Answer::Text(TextVerdict { truncated: verdict.truncated || is_cut, ..verdict })
            }
            Ok(answer) => answer,
            Err(refusal) => Answer::Refused(refusal),
        },
    };
    wire::to_js(&Reply { id, answer })
}

/// Who sent a message. Pages on the web can't: they have no way to reach the extension at all.
enum Asker {
    /// One of Sotto's own pages.
    OwnPage,
    /// A content script of ours in a frame of a tab.
    Frame { tab: i32, frame: i32, window: Option<i32>, site: Option<String> },
}

fn asker(sender: &JsValue) -> Result<Asker, Refusal> {
    let bad = |detail: &str| Refusal { reason: Reason::BadRequest, detail: detail.to_owned() };
    let ours = chrome::EXTENSION_ID.with(|id| chrome::get(sender, "id").as_string().as_ref() == Some(id));
    if !ours {
        return Err(bad("the sender is not Sotto"));
    }
    let url = chrome::get(sender, "url").as_string().unwrap_or_default();
    let own_origin = chrome::own_url("");
    let origin = chrome::get(sender, "origin").as_string().unwrap_or_default();
    match (url.starts_with(&own_origin), own_origin.trim_end_matches('/') == origin) {
        (true, true) => return Ok(Asker::OwnPage),
        (false, false) => {}
        _ => return Err(bad("the sender's address and origin don't fit together")),
    }
    let tab = chrome::get(&chrome::get(sender, "tab"), "id").as_f64();
    let frame = chrome::get(sender, "frameId").as_f64();
    // A frame without an address of its own has the origin of the page that made it.
    let origin = chrome::get(sender, "origin").as_string().unwrap_or_default();
    let site = sites::site_of(&url).or_else(|| sites::site_of(&origin));
    match (tab, frame) {
        (Some(tab), Some(frame)) => {
            let window = chrome::get(&chrome::get(sender, "tab"), "windowId").as_f64().map(|window| window as i32);
            Ok(Asker::Frame { tab: tab as i32, frame: frame as i32, window, site })
        }
        _ => Err(bad("the sender is neither a page of Sotto's nor a frame of a tab")),
    }
}

async fn respond(Request { id, ask }: Request, picture: JsValue, sender: &JsValue) -> Result<Answer, Refusal> {
    let host = host()?;
    match (asker(sender)?, ask) {
        (Asker::Frame { tab, .. }, Ask::Picture { urgency, .. }) => {
            // No page's frame is as urgent as a person who looks at a card.
            let (_asked, order) = host.enter(tab, id, urgency.max(Urgency::Upload)).await?;
            Ok(Answer::Picture(host.judge_picture(&picture, order).await?))
        }
        (Asker::Frame { tab, .. }, Ask::Cancel { request }) => {
            host.give_up(tab, |name| name == request);
            Ok(Answer::Done)
        }
        (Asker::Frame { tab, site, .. }, Ask::Upload { .. }) => {
            let (_asked, order) = host.enter(tab, id, Urgency::Upload).await?;
            Ok(Answer::Upload(uploads::judge(&host, &picture, site.as_deref(), order).await?))
        }
        (Asker::Frame { tab, site: Some(site), .. }, Ask::Decide { upload }) => {
            let _asked = host.enter(tab, id, Urgency::Upload).await?;
            uploads::decide(&picture, &site, upload).await?;
            Ok(Answer::Done)
        }
        (Asker::Frame { tab, window, .. }, Ask::InView { spots, view_width }) => {
            // A page that is fetched ahead, or kept for "back", has the tab of another that is in view.
            if chrome::get(sender, "documentLifecycle").as_string().is_some_and(|stage| stage != "active") {
                return Err(flows::off_limits("the document is not in view"));
            }
            let (_asked, order) = host.enter(tab, id, Urgency::Scan).await?;
            let verdicts = scan::in_view(&host, tab, window, &spots, view_width, order).await?;
            Ok(Answer::InView { verdicts })
        }
        (Asker::Frame { tab, .. }, Ask::Scanned) => {
            let _asked = host.waiting.enter(tab, &id)?;
            scan::scanned(&host, tab).await?;
            Ok(Answer::Done)
        }
        (Asker::Frame { site, .. }, Ask::Watched) => {
            guard::watched(site.as_deref()).await?;
            Ok(Answer::Done)
        }
        (Asker::Frame { tab, frame, .. }, Ask::BringWhy) => {
            let _asked = host.urgent.enter(tab, &id)?;
            words::bring_why(tab, frame).await?;
            Ok(Answer::Done)
        }
        (Asker::Frame { tab, frame, .. }, Ask::Why { text, card: Some(card) }) => {
            let _asked = host.urgent.enter(tab, &id)?;
            let document = chrome::get(sender, "documentId");
            words::why_on_card(&host, (tab, frame, document), id, text, card).await?;
            Ok(Answer::Done)
        }
        (Asker::Frame { tab, window, .. }, Ask::TextInPopup { text }) => {
            let _asked = host.urgent.enter(tab, &id)?;
            if !host.carded_tabs.borrow_mut().remove(&tab) {
                return Err(flows::off_limits("no card stood in this tab"));
            }
            words::text_in_popup(&host, window, text).await;
            Ok(Answer::Done)
        }
        (Asker::Frame { site: Some(site), .. }, Ask::AllowHere) => {
            guard::allow(&site).await?;
            Ok(Answer::Done)
        }
        (Asker::Frame { .. }, _) => {
            Err(Refusal { reason: Reason::BadRequest, detail: "a page's frame may not ask for this".to_owned() })
        }
        (Asker::OwnPage, ask) => host.respond_to_page(id, ask, &picture).await,
    }
}

impl Host {
    async fn respond_to_page(self: &Rc<Self>, id: String, ask: Ask, picture: &JsValue) -> Result<Answer, Refusal> {
        match ask {
            Ask::Text { text } => return Ok(Answer::Text(self.judge_text(&text, self.page_ticket(id)).await?)),
            Ask::Picture { .. } => {
                return Ok(Answer::Picture(self.judge_picture(picture, self.page_ticket(id).order).await?));
            }
            Ask::Cancel { request } => self.runner.cancel(Owner::Own, |name| name == request),
            Ask::Status => return Ok(Answer::Status(self.full_status().await)),
            Ask::Settings => return Ok(Answer::Settings(guard::settings().await)),
            Ask::Load { model } => {
                self.runner.done(self.page_ticket(id), Work::Ready { model_id: model }).await?;
                self.keep_figures().await;
            }
            Ask::Unload { model } => self.lives.unload(&model)?,
            Ask::Forget { model } => self.lives.forget(&model).await?,
            Ask::Check { model } => self.lives.check(&model).await?,
            Ask::OwnModels => return Ok(Answer::OwnModels(own_models::all().await)),
            Ask::KeepModel { title, memory_bytes } => {
                return Ok(Answer::OwnModels(own_models::keep(self, title, memory_bytes, picture).await?));
            }
            Ask::ChooseModel { model } => return Ok(Answer::OwnModels(own_models::choose(self, model).await?)),
            Ask::RemoveModel { model } => return Ok(Answer::OwnModels(own_models::remove(self, &model).await?)),
            Ask::ShowResults { place } => guard::show_results(place).await?,
            Ask::KeepSettings { settings } => {
                guard::replace(*settings).await?;
                self.follow_settings().await;
            }
            Ask::Guard { site, on } => guard::switch(site, on).await?,
            Ask::PictureRules => return Ok(Answer::PictureRules(guard::picture_rules().await)),
            Ask::KeepPictureRules { thresholds, action } => guard::keep_picture_rules(thresholds, action).await?,
            Ask::Scan { tab, wish } => return Ok(Answer::Scan(scan::wish(tab, wish).await?)),
            Ask::Selection => {
                let ticket = self.page_ticket(id);
                return Ok(Answer::Text(words::selection_for_popup(self, ticket).await?));
            }
            Ask::ShownText => return Ok(Answer::ShownText { text: self.shown_text.take() }),
            Ask::Why { text, .. } => {
                let (host, name) = (Rc::clone(self), id.clone());
                let tell = move |why| host.post_progress(&name, &View::Why { why });
                return Ok(Answer::Why(words::why(self, self.page_ticket(id).order, text, tell).await?));
            }
            Ask::AllowHere
            | Ask::Upload { .. }
            | Ask::Decide { .. }
            | Ask::Watched
            | Ask::InView { .. }
            | Ask::Scanned
            | Ask::BringWhy
            | Ask::TextInPopup { .. } => {
                let detail = "only a page's frame can ask this, for itself".to_owned();
                return Err(Refusal { reason: Reason::BadRequest, detail });
            }
        }
        Ok(Answer::Done)
    }

    /// Takes over what the settings say of the engine, and which text model the person chose.
    async fn follow_settings(&self) {
        self.lives.set_own(own_models::chosen().await);
        let megabytes = guard::settings().await.memory_budget_mb;
        self.lives.engine().set_budget(megabytes.map_or(PRESET_BUDGET_BYTES, |n| u64::from(n) * 1_000_000));
        self.tell_change();
    }

    /// For a person who looks at one of our own pages; the page hears how much of a long text is read.
    fn page_ticket(self: &Rc<Self>, request: String) -> Ticket {
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
    async fn enter(self: &Rc<Self>, tab: i32, request: String, urgency: Urgency) -> Result<(Asked, Order), Refusal> {
        let asked = self.waiting.enter(tab, &request)?;
        asked.turn(urgency).await?;
        Ok((asked, Order { asker: Owner::Tab(tab), request, urgency }))
    }

    /// Gives up a tab's requests, in the queue or on their way to it.
    fn give_up(&self, tab: i32, named: impl Fn(&str) -> bool) {
        self.waiting.give_up(tab, &named);
        self.runner.cancel(Owner::Tab(tab), named);
    }

    fn used(self: &Rc<Self>) {
        let host = Rc::clone(self);
        wasm_bindgen_futures::spawn_local(async move {
            host.keep_figures().await;
            host.tell_change();
        });
    }

    /// Figures as the popup shows them: of this engine, and of those that ran before it in this browser session.
    pub async fn full_status(&self) -> Status {
        let stored = self.lives.look_at_store().await;
        self.know_earlier().await;
        let mut status = self.status();
        for model in &mut status.models {
            model.stored_bytes = stored.get(&model.id).copied().unwrap_or(0);
        }
        status
    }

    fn status(&self) -> Status {
        let wasm_bytes = lives::wasm_bytes();
        let mut models = self.lives.engine().status();
        let earlier = self.earlier.borrow();
        for model in &mut models {
            model.load_ms = self.lives.load_ms(&model.id).or(model.load_ms);
            let before = earlier.iter().flat_map(|status| &status.models).find(|before| before.id == model.id);
            if let Some(before) = before {
                model.runs += before.runs;
                model.run_median_ms = model.run_median_ms.or(before.run_median_ms);
                model.run_p95_ms = model.run_p95_ms.or(before.run_p95_ms);
                model.load_ms = model.load_ms.or(before.load_ms);
                model.last_used_ms = model.last_used_ms.or(before.last_used_ms);
            }
        }
        let peak_before = earlier.as_ref().map_or(0, |status| status.memory.peak_bytes);
        Status {
            models,
            memory: MemoryStatus {
                wasm_bytes,
                peak_bytes: wasm_bytes.max(peak_before),
                budget_bytes: self.lives.engine().budget_bytes(),
            },
            engine: EngineStatus {
                version: env!("CARGO_PKG_VERSION").to_owned(),
                flavour: self.flavour.clone(),
                threads: 1,
                place: self.place.clone(),
            },
        }
    }

    async fn know_earlier(&self) {
        if self.earlier_known.replace(true) {
            return;
        }
        if let Ok(found) = chrome::session_get(SESSION_STATUS).await {
            *self.earlier.borrow_mut() = wire::from_js(chrome::get(&found, SESSION_STATUS)).ok();
        }
    }

    async fn keep_figures(&self) {
        self.know_earlier().await;
        let items = chrome::object(&[(SESSION_STATUS, wire::to_js(&self.status()))]);
        if let Err(thrown) = chrome::session_set(&items).await {
            chrome::warn(&format!("Sotto: figures could not be kept: {}", chrome::reason_of(&thrown)));
        }
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

    fn post_progress(&self, id: &str, view: &View) {
        let message = chrome::object(&[("sotto", "progress".into()), ("id", id.into()), ("view", wire::to_js(view))]);
        self.post(&message);
    }

    /// Posts to every open page of ours.
    pub fn post(&self, message: &JsValue) {
        // A port whose page went away throws; its disconnect event removes it.
        self.ports.borrow().iter().for_each(|port| drop(port.post(message)));
    }
}

/// A page or card opened a connection. Pages hear of changes. One under the name of a request, or of what requests'
/// names begin with before a slash, hears when the worker dies; and when its page or frame goes away, or closes it because
/// nobody waits any more, those requests are given up.
/// `is_gone` says whether it closed before the engine was there to listen.
#[wasm_bindgen]
pub async fn connected(port: Port, is_gone: Function) {
    let Ok(host) = host() else { return };
    let gone: Function = match asker(&port.sender()) {
        Err(_) => return,
        Ok(Asker::Frame { tab, .. }) => {
            let name_units = chrome::get(&port, "name").dyn_ref::<JsString>().map_or(0, JsString::length);
            if name_units > CONNECTION_NAME_UNITS_MAX {
                return port.disconnect();
            }
            let name = port.name();
            let Ok(connection) = host.connections.enter(tab, &name) else { return port.disconnect() };
            let host = Rc::clone(&host);
            Closure::once_into_js(move || {
                drop(connection);
                host.give_up(tab, |request| is_named(request, &name));
            })
        }
        Ok(Asker::OwnPage) => {
            host.ports.borrow_mut().push(port.clone().unchecked_into());
            let (closed, name) = (JsValue::from(&port), port.name());
            let host = Rc::clone(&host);
            Closure::once_into_js(move || {
                host.ports.borrow_mut().retain(|kept| !js_sys::Object::is(kept.as_ref(), &closed));
                host.runner.cancel(Owner::Own, |request| is_named(request, &name));
            })
        }
    }
    .unchecked_into();
    if is_gone.call0(&JsValue::NULL).is_ok_and(|gone| gone.is_truthy()) {
        drop(gone.call0(&JsValue::NULL));
    } else {
        port.on_disconnect().add_listener(&gone);
    }
}

/// Whether a request is the one that a connection is named after, or one of those.
fn is_named(request: &str, name: &str) -> bool {
    request.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

#[wasm_bindgen(js_name = permissionsChanged)]
pub async fn permissions_changed() {
    guard::follow_permissions().await;
}

fn refused(reason: Reason, detail: String) -> Answer {
    Answer::Refused(Refusal { reason, detail })
}

impl From<DecodeError> for Refusal {
    fn from(error: DecodeError) -> Self {
        let reason = match error {
            DecodeError::Missing => Reason::BadRequest,
            DecodeError::TooLarge(_) | DecodeError::TooManyPixels(..) | DecodeError::Unreadable(_) => {
                Reason::UnreadablePicture
            }
        };
        Self { reason, detail: error.to_string() }
    }
}
