//! One run of the page: how far it is, whether somebody stopped it, and whether what it waits for still answers. Times are those of
//! `performance.now()`, which no clock that is set changes. It must never know what is measured.

use std::{
    cell::{Cell, RefCell},
    collections::VecDeque,
    future::{Future, poll_fn},
    pin::{Pin, pin},
    task::{Poll, Waker},
};

use wasm_bindgen::JsValue;

use super::super::{ask, dom};
use crate::{
    protocol::{Answer, PageAsk, Refusal},
    web::browser::{
        chrome::{self, Port},
        time,
    },
};

/// The bar moves this often, whatever is under way.
const TICK_MS: i32 = 200;
/// After this long without an answer nobody will answer any more.
const PATIENCE_MS: f64 = 45_000.0;
/// Where so much lies between two ticks, the computer slept, and nobody was silent.
const SLEPT_MS: f64 = 10_000.0;
/// After this long the bar is half way through one piece of work, and goes on ever more slowly.
const HALF_WAY_MS: f64 = 1_500.0;
/// As many of a section's requests are under way at once.
const N_LANES: usize = 4;

/// Why a section has no result.
#[derive(Debug, Clone)]
pub enum Failure {
    /// The person stopped the run.
    Stopped,
    /// One sentence for the person.
    Said(String),
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        Self::Said(dom::refusal_text(&refusal))
    }
}

pub struct Run {
    /// Requests of this run are called this and something behind a slash: when the connection of this name closes, be it with the
    /// page, the background gives them up.
    name: String,
    connection: Port,
    is_stopped: Cell<bool>,
    is_over: Cell<bool>,
    heard_ms: Cell<f64>,
    bar: Cell<Bar>,
    /// All of a run is one task, so there is one to wake.
    waker: RefCell<Option<Waker>>,
}

/// Where the bar is, in shares: the section's place in the whole, and in the section what is done and what will be after the piece
/// of work that is under way.
#[derive(Debug, Clone, Copy, Default)]
struct Bar {
    from: f64,
    width: f64,
    done: f64,
    next: f64,
    since_ms: f64,
}

impl Bar {
    fn share(self, now_ms: f64) -> f64 {
        let waited_ms = (now_ms - self.since_ms).max(0.0);
        let under_way = (self.next - self.done) * waited_ms / (waited_ms + HALF_WAY_MS);
        self.from + self.width * (self.done + under_way)
    }
}

impl Run {
    pub fn new() -> Self {
        let name = format!("proof-{}", ask::new_id());
        Self {
            connection: chrome::connect(&chrome::object(&[("name", name.as_str().into())])),
            name,
            is_stopped: Cell::new(false),
            is_over: Cell::new(false),
            heard_ms: Cell::new(time::now_ms()),
            bar: Cell::default(),
            waker: RefCell::default(),
        }
    }

    /// Gives up whatever is under way.
    pub fn stop(&self) {
        self.is_stopped.set(true);
        self.end();
        self.wake();
    }

    /// Nothing is asked any more.
    pub fn end(&self) {
        if !self.is_over.replace(true) {
            self.connection.disconnect();
        }
    }

    pub fn is_stopped(&self) -> bool {
        self.is_stopped.get()
    }

    /// Moves the bar as long as the run lasts, and has its task look whether it still may wait.
    pub async fn tick(&self) {
        let mut last_ms = time::now_ms();
        while !self.is_over.get() {
            let now_ms = time::now_ms();
            if now_ms - last_ms > SLEPT_MS {
                self.heard_ms.set(now_ms);
            }
            last_ms = now_ms;
            self.paint();
            self.wake();
            time::pause(TICK_MS).await;
        }
    }

    /// A section begins, which has this part of the bar.
    pub fn section(&self, from: f64, width: f64) {
        self.bar.set(Bar { from, width, since_ms: time::now_ms(), ..Bar::default() });
        self.count("");
    }

    /// This share of the section is done, and that one will be after the piece of work that begins.
    pub fn at(&self, done: f64, next: f64) {
        self.bar.set(Bar { done, next, since_ms: time::now_ms(), ..self.bar.get() });
    }

    /// Says what is counted at the moment; nobody reads that out.
    pub fn count(&self, words: &str) {
        dom::say("proof-count", words);
    }

    fn paint(&self) {
        if let Some(bar) = dom::by_id("proof-progress") {
            dom::set_attribute(&bar, "value", &format!("{:.2}", 1_000.0 * self.bar.get().share(time::now_ms())));
        }
    }

    fn wake(&self) {
        self.waker.take().into_iter().for_each(Waker::wake);
    }

    /// What a future gives, unless the run is stopped before, or nothing at all is heard for too long.
    pub async fn wait_for<T>(&self, future: impl Future<Output = T>) -> Result<T, Failure> {
        let mut future = pin!(future);
        self.heard_ms.set(time::now_ms());
        let outcome = poll_fn(|context| {
            if self.is_stopped.get() {
                return Poll::Ready(Err(Failure::Stopped));
            }
            if time::now_ms() - self.heard_ms.get() > PATIENCE_MS {
                return Poll::Ready(Err(Failure::Said(chrome::message("notAnswering", &[]))));
            }
            self.waker.replace(Some(context.waker().clone()));
            future.as_mut().poll(context).map(Ok)
        })
        .await;
        self.heard_ms.set(time::now_ms());
        outcome
    }

    /// Asks the background, with a picture beside the request or undefined.
    pub async fn ask(&self, ask: PageAsk, picture: &JsValue) -> Result<Result<Answer, Refusal>, Failure> {
        let id = format!("{}/{}", self.name, ask::new_id());
        self.wait_for(ask::ask_as(id, ask, picture)).await
    }
}

/// Does the same with each of some items, a few at a time, until one of them fails.
pub async fn in_lanes<T>(
    items: impl IntoIterator<Item = T>,
    work: impl AsyncFn(T) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let waiting = RefCell::new(items.into_iter().collect::<VecDeque<T>>());
    let lane = async || -> Result<(), Failure> {
        loop {
            let item = waiting.borrow_mut().pop_front();
            let Some(item) = item else { return Ok(()) };
            work(item).await?;
        }
    };
    let mut lanes: Vec<Pin<Box<_>>> = (0..N_LANES).map(|_| Box::pin(lane())).collect();
    poll_fn(|context| {
        let mut failed = None;
        lanes.retain_mut(|lane| match lane.as_mut().poll(context) {
            Poll::Pending => true,
            Poll::Ready(outcome) => {
                failed = failed.take().or(outcome.err());
                false
            }
        });
        match failed {
            Some(failure) => Poll::Ready(Err(failure)),
            None if lanes.is_empty() => Poll::Ready(Ok(())),
            None => Poll::Pending,
        }
    })
    .await
}
