//! The helpers as the background has them: when they are called, which of them is free, and what they take of the memory budget.

use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
    future::poll_fn,
    pin::pin,
    rc::Rc,
    task::{Poll, Waker},
};

use js_sys::{Array, Float32Array, Function, Promise, Uint32Array};
use wasm_bindgen::{JsCast, prelude::*};
use wasm_bindgen_futures::{JsFuture, spawn_local};

use crate::{
    engine::{Asker, Loan, Order},
    models::Task,
    protocol::{Caution, FromHelper, HelperOutcome, PictureVerdict, Refusal, ToHelper, Urgency},
    web::{
        browser::{chrome, time, wire},
        models::Loader,
    },
};

/// So many pictures at the same time are worth helpers: while these come, one or two are judged here.
const PICTURES_MIN: u32 = 3;
/// Of a protected page. To start helpers takes as much of the processor as ten pictures do, and a page that is scrolled through brings
/// a few every second.
const PAGE_PICTURES_MIN: usize = 8;
/// A helper judges one picture while the next is decoded, and has the next part of a text there when one is read: the background
/// hears of neither before the end of its own step.
const AT_ONCE: u32 = 2;
/// More cores than this are left to others.
const CORES_MAX: u32 = 4;
/// Helpers that fail so often one after the other are called again only after a while.
const FAILURES_MAX: u32 = 3;
const AFTER_FAILURES_MS: f64 = 5_000.0;

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(thread_local_v2, js_namespace = navigator, js_name = hardwareConcurrency)]
    static N_CORES: Option<u32>;

    /// A helper as extension/helpers.js gives it.
    type Far;

    /// Rejects when the helper is gone.
    #[wasm_bindgen(method, catch)]
    async fn ask(this: &Far, message: &JsValue) -> Result<JsValue, JsValue>;

    #[wasm_bindgen(method)]
    fn close(this: &Far);

    /// Fulfilled when the helper is gone.
    #[wasm_bindgen(method, getter)]
    fn gone(this: &Far) -> Promise;
}

/// What a helper made of a picture.
pub enum Looked {
    Judged(Result<PictureVerdict, Refusal>),
    GivenUp,
    /// There is no helper, or it could not do it: the background does.
    NotHere,
}

pub struct Crew {
    loader: Rc<Loader>,
    /// extension/helpers.js: (how many) -> Promise<Far[]>.
    open: Function,
    /// Threads that this processor runs at once, as far as they are used.
    n_cores: u32,
    helpers: RefCell<Vec<Rc<Helper>>>,
    is_opening: Cell<bool>,
    /// One after the other, and when the last time.
    n_failed: Cell<u32>,
    failed_at_ms: Cell<f64>,
    /// Pictures on their way, here or there.
    n_pictures: Cell<u32>,
    n_asked: Cell<u64>,
    /// Pictures that wait for a free helper, in the order in which they are served.
    waiting: RefCell<BTreeMap<(Urgency, u64), Option<Waker>>>,
    given: RefCell<Vec<Rc<Given>>>,
    changed: Box<dyn Fn()>,
}

struct Helper {
    far: Far,
    /// The model that it was handed for each task, by the task's name.
    models: RefCell<BTreeMap<&'static str, String>>,
    n_at_work: Cell<u32>,
    wasm_bytes: Cell<u64>,
}

/// A picture that was given to the helpers, for it to be given up.
struct Given {
    asker: Asker,
    request: String,
    is_given_up: Cell<bool>,
    waker: RefCell<Option<Waker>>,
}

/// Counts something for as long as it is held.
struct Count<'a>(&'a Cell<u32>);

impl<'a> Count<'a> {
    fn of(cell: &'a Cell<u32>) -> Self {
        cell.set(cell.get() + 1);
        Self(cell)
    }
}

impl Drop for Count<'_> {
    fn drop(&mut self) {
        self.0.set(self.0.get() - 1);
    }
}

impl Crew {
    /// `open` is extension/helpers.js' function; `changed` hears when helpers came or went.
    pub fn new(loader: Rc<Loader>, open: Function, changed: Box<dyn Fn()>) -> Rc<Self> {
        let n_cores = N_CORES.with(|n_cores| n_cores.unwrap_or(1).min(CORES_MAX));
        Rc::new(Self {
            loader,
            open,
            n_cores,
            helpers: RefCell::default(),
            is_opening: Cell::new(false),
            n_failed: Cell::new(0),
            failed_at_ms: Cell::new(0.0),
            n_pictures: Cell::new(0),
            n_asked: Cell::new(0),
            waiting: RefCell::default(),
            given: RefCell::default(),
            changed,
        })
    }

    pub fn n_helpers(&self) -> usize {
        self.helpers.borrow().len()
    }

    /// What their linear memories have.
    pub fn wasm_bytes(&self) -> u64 {
        self.helpers.borrow().iter().map(|helper| helper.wasm_bytes.get()).sum()
    }

    // ---- Pictures ----

    /// Has a helper judge a picture, where there is one; calls helpers where there are many pictures, `n_waiting` of them before they
    /// were opened.
    pub async fn look(
        self: &Rc<Self>,
        picture: &JsValue,
        caution: &Caution,
        order: &Order,
        n_waiting: usize,
    ) -> Looked {
        let Ok(model_id) = self.loader.engine().model_for(Task::Picture) else { return Looked::NotHere };
        if !self.has_model(&model_id) {
            let are_many = match order.urgency {
                Urgency::Page => n_waiting >= PAGE_PICTURES_MIN,
                _ => self.n_pictures.get() >= PICTURES_MIN,
            };
            if are_many {
                self.call(Task::Picture, self.n_cores as usize);
            }
            return Looked::NotHere;
        }
        let given = Rc::new(Given {
            asker: order.asker,
            request: order.request.clone(),
            is_given_up: Cell::new(false),
            waker: RefCell::default(),
        });
        self.given.borrow_mut().push(Rc::clone(&given));
        let mut looking = pin!(self.look_by_one(picture, caution, &model_id, order.urgency));
        let looked = poll_fn(|context| {
            if given.is_given_up.get() {
                return Poll::Ready(Looked::GivenUp);
            }
            given.waker.replace(Some(context.waker().clone()));
            looking.as_mut().poll(context)
        })
        .await;
        self.given.borrow_mut().retain(|other| !Rc::ptr_eq(other, &given));
        looked
    }

    /// A picture is on its way for as long as the answer is held: many of them call the helpers.
    pub fn on_its_way(&self) -> impl Drop + '_ {
        Count::of(&self.n_pictures)
    }

    /// Gives up pictures of one asker that are `named`.
    pub fn give_up(&self, asker: Asker, named: impl Fn(&str) -> bool) {
        for given in self.given.borrow().iter().filter(|given| given.asker == asker && named(&given.request)) {
            given.is_given_up.set(true);
            given.waker.take().into_iter().for_each(Waker::wake);
        }
    }

    async fn look_by_one(
        self: &Rc<Self>,
        picture: &JsValue,
        caution: &Caution,
        model_id: &str,
        urgency: Urgency,
    ) -> Looked {
        let Some(helper) = self.free(model_id, urgency).await else { return Looked::NotHere };
        let _at_work = AtWork { crew: self, helper: &helper };
        let ask = ToHelper::Look { caution: caution.clone() };
        match self.ask(&helper, &ask, "picture", picture).await {
            Some((HelperOutcome::Looked { verdict }, _)) => {
                self.loader.engine().judged_elsewhere(model_id, verdict.elapsed_ms);
                Looked::Judged(Ok(PictureVerdict { model: model_id.to_owned(), ..verdict }))
            }
            Some((HelperOutcome::Refused(refusal), _)) => Looked::Judged(Err(refusal)),
            _ => Looked::NotHere,
        }
    }

    /// Waits for a helper that has room for a picture, which then counts as at work; none where all are gone.
    async fn free(&self, model_id: &str, urgency: Urgency) -> Option<Rc<Helper>> {
        let place = (urgency, self.n_asked.get());
        self.n_asked.set(place.1 + 1);
        let _waits = Waits { crew: self, place };
        self.waiting.borrow_mut().insert(place, None);
        poll_fn(|context| {
            let helpers = self.helpers.borrow();
            let able = || helpers.iter().filter(|helper| helper.has(model_id));
            if able().next().is_none() {
                return Poll::Ready(None);
            }
            let is_first = self.waiting.borrow().keys().next() == Some(&place);
            let freest = able().min_by_key(|helper| helper.n_at_work.get());
            match freest.filter(|helper| is_first && helper.n_at_work.get() < AT_ONCE) {
                Some(helper) => {
                    helper.n_at_work.set(helper.n_at_work.get() + 1);
                    Poll::Ready(Some(Rc::clone(helper)))
                }
                None => {
                    self.waiting.borrow_mut().insert(place, Some(context.waker().clone()));
                    Poll::Pending
                }
            }
        })
        .await
    }

    /// Whoever waits looks whether it is their turn.
    fn wake_all(&self) {
        let wakers: Vec<Waker> = self.waiting.borrow_mut().values_mut().filter_map(Option::take).collect();
        wakers.into_iter().for_each(Waker::wake);
    }

    // ---- Texts ----

    /// Calls helpers for texts: one fewer than there are cores, because the background reads too.
    pub fn call_readers(self: &Rc<Self>) {
        self.call(Task::Text, self.n_cores as usize - 1);
    }

    /// Whether a helper is free to read for this model.
    pub fn has_reader(&self, model_id: &str) -> bool {
        self.reader(model_id).is_some()
    }

    fn reader(&self, model_id: &str) -> Option<Rc<Helper>> {
        let helpers = self.helpers.borrow();
        let readers = helpers.iter().take(self.n_cores as usize - 1).filter(|helper| helper.has(model_id));
        let freest = readers.min_by_key(|helper| helper.n_at_work.get());
        freest.filter(|helper| helper.n_at_work.get() < AT_ONCE).cloned()
    }

    /// Begins to read what the engine lent; the logits of each sequence, or nothing where nobody read them.
    pub fn read(self: &Rc<Self>, loan: &Loan) -> impl Future<Output = Option<Vec<Vec<f32>>>> + use<> {
        let reader = self.reader(&loan.model_id);
        // At once, so that the next loan goes to another.
        reader.iter().for_each(|helper| helper.n_at_work.set(helper.n_at_work.get() + 1));
        let crew = Rc::clone(self);
        let lengths = loan.sequences.iter().map(|sequence| sequence.len() as u32).collect();
        let pieces = Uint32Array::from(loan.sequences.concat().as_slice());
        async move {
            let helper = reader?;
            let _at_work = AtWork { crew: &crew, helper: &helper };
            let ask = ToHelper::Read { lengths };
            let (outcome, reply) = crew.ask(&helper, &ask, "pieces", &pieces).await?;
            let HelperOutcome::Read { n_labels } = outcome else { return None };
            let logits: Float32Array = chrome::get(&reply, "logits").dyn_into().ok()?;
            Some(logits.to_vec().chunks(n_labels.max(1) as usize).map(<[f32]>::to_vec).collect())
        }
    }

    // ---- Their coming and going ----

    /// Whether helpers are on their way.
    pub fn is_opening(&self) -> bool {
        self.is_opening.get()
    }

    fn has_model(&self, model_id: &str) -> bool {
        self.helpers.borrow().iter().any(|helper| helper.has(model_id))
    }

    /// Sees to it that up to `n_wanted` helpers have the model of a task, without waiting for them: as many as the memory budget
    /// has room for.
    fn call(self: &Rc<Self>, task: Task, n_wanted: usize) {
        let Ok(model_id) = self.loader.engine().model_for(task) else { return };
        let able = self.helpers.borrow().iter().filter(|helper| helper.has(&model_id)).count();
        let has_just_failed =
            self.n_failed.get() >= FAILURES_MAX && time::now_ms() - self.failed_at_ms.get() < AFTER_FAILURES_MS;
        if self.is_opening.get() || has_just_failed || able >= n_wanted || self.n_cores < 2 {
            return;
        }
        self.is_opening.set(true);
        let crew = Rc::clone(self);
        spawn_local(async move {
            if let Err(thrown) = crew.bring(task, &model_id, n_wanted).await {
                crew.note_failure();
                chrome::warn(&format!("Sotto: no helpers, so it goes on without them: {}", chrome::reason_of(&thrown)));
            }
            crew.is_opening.set(false);
            crew.follow();
        });
    }

    async fn bring(self: &Rc<Self>, task: Task, model_id: &str, n_wanted: usize) -> Result<(), JsValue> {
        // What is not stored yet is not for helpers: the next who ask find it.
        let Some(weights) = self.loader.stored_file(model_id).await else { return Ok(()) };
        let room = {
            let engine = self.loader.engine();
            engine.free_bytes() / engine.elsewhere_needs(model_id).max(1)
        };
        let n_there = self.n_helpers();
        let n_more = n_wanted.saturating_sub(n_there).min(room as usize);
        if n_more > 0 {
            let opened = self.open.call1(&JsValue::NULL, &JsValue::from(n_more as u32))?.unchecked_into::<Promise>();
            let opened: Array = JsFuture::from(opened).await?.unchecked_into();
            opened.iter().for_each(|far| self.welcome(far.unchecked_into()));
        }
        let ask = ToHelper::Take { for_text: task == Task::Text, bytes: weights.size() as u64 };
        let helpers: Vec<Rc<Helper>> = self.helpers.borrow().iter().take(n_wanted).cloned().collect();
        let taking = helpers.iter().filter(|helper| !helper.has(model_id)).map(|helper| async {
            match self.ask(helper, &ask, "weights", &weights).await {
                Some((HelperOutcome::Taken, _)) => {
                    helper.models.borrow_mut().insert(task.name(), model_id.to_owned());
                    self.n_failed.set(0);
                }
                // Without its memory, or with weights that only the background can mend.
                _ => {
                    self.note_failure();
                    helper.far.close();
                }
            }
            self.follow();
        });
        // One after the other reads the file once from the disk, and the first is at work while the next loads.
        for taken in taking {
            taken.await;
        }
        Ok(())
    }

    fn note_failure(&self) {
        self.n_failed.set(self.n_failed.get() + 1);
        self.failed_at_ms.set(time::now_ms());
    }

    fn welcome(self: &Rc<Self>, far: Far) {
        let gone = far.gone();
        let helper =
            Rc::new(Helper { far, models: RefCell::default(), n_at_work: Cell::new(0), wasm_bytes: Cell::new(0) });
        self.helpers.borrow_mut().push(Rc::clone(&helper));
        let crew = Rc::clone(self);
        spawn_local(async move {
            drop(JsFuture::from(gone).await);
            crew.helpers.borrow_mut().retain(|other| !Rc::ptr_eq(other, &helper));
            crew.follow();
        });
    }

    /// Sends all away: their memory is needed, or the model they have is no longer the one that judges.
    pub fn dismiss(&self) {
        let helpers = std::mem::take(&mut *self.helpers.borrow_mut());
        helpers.iter().for_each(|helper| helper.far.close());
        self.follow();
    }

    /// Something changed of the helpers: the budget, whoever waits for one, and open pages follow.
    fn follow(&self) {
        let bytes = self.wasm_bytes();
        self.loader.engine().set_elsewhere(bytes);
        self.wake_all();
        (self.changed)();
    }

    /// Asks a helper; nothing where it is gone, or says what nobody understands.
    async fn ask(
        &self,
        helper: &Helper,
        ask: &ToHelper,
        beside: &str,
        what: &JsValue,
    ) -> Option<(HelperOutcome, JsValue)> {
        let message = chrome::object(&[("ask", wire::to_js(ask)), (beside, what.clone())]);
        let reply = helper.far.ask(&message).await.ok()?;
        let FromHelper { outcome, wasm_bytes } = wire::from_js(chrome::get(&reply, "said")).ok()?;
        helper.wasm_bytes.set(wasm_bytes);
        self.loader.engine().set_elsewhere(self.wasm_bytes());
        Some((outcome, reply))
    }
}

impl Helper {
    fn has(&self, model_id: &str) -> bool {
        self.models.borrow().values().any(|id| id == model_id)
    }
}

/// A helper that does something until this is dropped; whoever began it has counted it.
struct AtWork<'a> {
    crew: &'a Crew,
    helper: &'a Helper,
}

impl Drop for AtWork<'_> {
    fn drop(&mut self) {
        self.helper.n_at_work.set(self.helper.n_at_work.get() - 1);
        self.crew.wake_all();
    }
}

/// Somebody waits for a helper until this is dropped.
struct Waits<'a> {
    crew: &'a Crew,
    place: (Urgency, u64),
}

impl Drop for Waits<'_> {
    fn drop(&mut self) {
        self.crew.waiting.borrow_mut().remove(&self.place);
        self.crew.wake_all();
    }
}
