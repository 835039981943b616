//! Drives the engine: does what its steps ask for, lets the browser's events in between two of them, and hands each
//! outcome to whoever waits for it. Without work it holds nothing and wakes for nothing. It must never know what is
//! judged.

use std::{
    cell::{Cell, RefCell},
    collections::HashMap,
    future::poll_fn,
    rc::Rc,
    task::{Poll, Waker},
};

use js_sys::Promise;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::{JsFuture, future_to_promise, spawn_local};

use crate::{
    engine::{Asker, JobId, Order, Step, Verdict, Work},
    models::Task,
    protocol::{Reason, Refusal, Urgency},
    web::{browser::time, helpers::Crew, models::Loader},
};

/// Helpers that take longer than this are not waited for; they come in later.
const HELPERS_PATIENCE_MS: i32 = 600;
/// So often it is looked whether they are there, or somebody more urgent came.
const HELPERS_LOOK_MS: i32 = 12;

/// Who waits for work, and how they hear how many percent of it are done.
pub struct Ticket {
    pub order: Order,
    pub tell: Box<dyn Fn(u8)>,
}

impl Ticket {
    pub fn quiet(order: Order) -> Self {
        Self { order, tell: Box::new(|_| {}) }
    }
}

pub struct Runner {
    loader: Rc<Loader>,
    crew: Rc<Crew>,
    waiting: RefCell<HashMap<JobId, Rc<Waiter>>>,
    is_running: Cell<bool>,
    /// Resolved once the engine knows what the person chose.
    prepared: RefCell<Promise>,
    n_warmed: Cell<u32>,
}

struct Waiter {
    tell: Box<dyn Fn(u8)>,
    outcome: RefCell<Option<Result<Verdict, Refusal>>>,
    waker: RefCell<Option<Waker>>,
}

impl Runner {
    pub fn new(loader: Rc<Loader>, crew: Rc<Crew>) -> Rc<Self> {
        Rc::new(Self {
            loader,
            crew,
            waiting: RefCell::default(),
            is_running: Cell::new(false),
            prepared: RefCell::new(Promise::resolve(&JsValue::UNDEFINED)),
            n_warmed: Cell::new(0),
        })
    }

    /// Lets no work into the queue before `prepared` has ended.
    pub fn start_after(&self, prepared: impl Future<Output = ()> + 'static) {
        *self.prepared.borrow_mut() = future_to_promise(async move {
            prepared.await;
            Ok(JsValue::UNDEFINED)
        });
    }

    /// Puts work into the engine's queue and waits for what comes of it.
    pub async fn done(self: &Rc<Self>, ticket: Ticket, work: Work) -> Result<Verdict, Refusal> {
        self.until_prepared().await;
        let waiter = Rc::new(Waiter { tell: ticket.tell, outcome: RefCell::default(), waker: RefCell::default() });
        let job = self.loader.engine().submit(ticket.order, work);
        self.waiting.borrow_mut().insert(job, Rc::clone(&waiter));
        self.go_on();
        poll_fn(|context| match waiter.outcome.borrow_mut().take() {
            Some(outcome) => Poll::Ready(outcome),
            None => {
                waiter.waker.replace(Some(context.waker().clone()));
                Poll::Pending
            }
        })
        .await
    }

    /// Starts to load the model that judges, without waiting for it, so that it is read while the page is being asked.
    pub fn warm(self: &Rc<Self>, task: Task) {
        let n_warmed = self.n_warmed.get();
        self.n_warmed.set(n_warmed + 1);
        let order = Order { asker: Asker::Own, request: format!("warm-{n_warmed}"), urgency: Urgency::Person };
        let runner = Rc::clone(self);
        // Whoever needs the model asks again and gets the refusal then.
        spawn_local(async move {
            runner.until_prepared().await;
            let model = runner.loader.engine().model_for(task);
            if let Ok(model_id) = model {
                drop(runner.done(Ticket::quiet(order), Work::Ready { model_id }).await);
            }
        });
    }

    async fn until_prepared(&self) {
        let prepared = self.prepared.borrow().clone();
        drop(JsFuture::from(prepared).await);
    }

    pub fn cancel(self: &Rc<Self>, asker: Asker, named: impl Fn(&str) -> bool) {
        self.loader.engine().cancel(asker, named);
        self.go_on();
    }

    /// To be called whenever the engine may have something to do.
    pub fn go_on(self: &Rc<Self>) {
        if !self.is_running.replace(true) {
            spawn_local(Rc::clone(self).run());
        }
    }

    async fn run(self: Rc<Self>) {
        loop {
            self.lend().await;
            let step = self.loader.engine().step();
            match step {
                Step::Idle => break,
                Step::Load { model_id } => self.load(model_id),
                Step::Reclaim => self.crew.dismiss(),
                Step::Part { job, n_done, n_total } => {
                    if let Some(waiter) = self.waiting.borrow().get(&job) {
                        (waiter.tell)((n_done * 100 / n_total.max(1)) as u8);
                    }
                    time::breathe().await;
                }
                Step::Done { job, outcome } => {
                    let waiter = self.waiting.borrow_mut().remove(&job);
                    if let Some(waiter) = waiter {
                        waiter.outcome.replace(Some(outcome));
                        waiter.waker.take().into_iter().for_each(Waker::wake);
                    }
                    if self.loader.engine().has_work() {
                        time::breathe().await;
                    }
                }
            }
        }
        self.is_running.set(false);
    }

    /// Has free helpers read parts of long texts meanwhile, and calls some where a text is long enough to wait for them: they come
    /// over many small steps, each of which would wait for one of ours.
    async fn lend(self: &Rc<Self>) {
        if self.loader.engine().is_long_wait() {
            self.crew.call_readers();
            let mut waited_ms = 0;
            while self.crew.is_opening() && waited_ms < HELPERS_PATIENCE_MS && self.loader.engine().is_long_wait() {
                time::pause(HELPERS_LOOK_MS).await;
                waited_ms += HELPERS_LOOK_MS;
            }
        }
        self.lend_now();
        // What was lent is on its way before our own step holds everything up.
        drop(JsFuture::from(Promise::resolve(&JsValue::UNDEFINED)).await);
    }

    fn lend_now(self: &Rc<Self>) {
        loop {
            let model = self.loader.engine().model_for(Task::Text);
            let Some(loan) = model.ok().filter(|id| self.crew.has_reader(id)).and_then(|_| self.loader.engine().lend())
            else {
                break;
            };
            let (runner, reading) = (Rc::clone(self), self.crew.read(&loan));
            spawn_local(async move {
                let logits = reading.await;
                runner.loader.engine().take_back(loan.id, logits.as_deref());
                runner.go_on();
                // While the run waits between two steps it doesn't hear of this helper before its own next step.
                runner.lend_now();
            });
        }
    }

    fn load(self: &Rc<Self>, model_id: String) {
        let runner = Rc::clone(self);
        spawn_local(async move {
            runner.loader.bring(&model_id).await;
            runner.go_on();
        });
    }
}

pub fn unexpected() -> Refusal {
    Refusal { reason: Reason::Internal, detail: "the engine answered another question".to_owned() }
}
