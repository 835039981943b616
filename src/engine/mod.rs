//! The lives of models: which are loaded, who waits for what, what was done. No browser in it and no files: bytes are
//! fed in, the clock is handed in, and whoever drives it does what [`Engine::step`] says, so all of it is tested
//! natively.

#![warn(missing_docs)]

mod budget;
mod error;
mod load;
mod model;
mod queue;
mod runs;
mod work;

pub use budget::PRESET_BUDGET_BYTES;
pub use error::EngineError;
pub use load::Load;
pub use model::{Known, worst_frame};
pub use queue::{Asker, Order};
pub use work::{JobId, Loan, LoanId, PixelSource, Pixels, Step, Verdict, Work};

use std::collections::VecDeque;
use std::ops::Range;

use crate::models::{MODELS, Task};
use crate::nn::EncoderLayer;
use crate::protocol::{Caution, ModelState, ModelStatus, PictureVerdict, Refusal, TextVerdict};
use crate::tasks::nsfw::NsfwModel;
use crate::tasks::sentiment::SentimentModel;
use budget::Wanted;
use model::{Loaded, Model};
use queue::{Job, Queue};

/// To call others takes as long as half of so many word pieces, and they need memory of their own.
const LONG_PIECES: usize = 1_280;

/// Milliseconds since the epoch.
pub type Clock = fn() -> f64;

/// All models and the queue of work. One thread owns it.
pub struct Engine {
    clock: Clock,
    models: Vec<Model>,
    queue: Queue,
    /// Work that ended without a step of its own: refused, given up, or its model could not be loaded.
    ended: VecDeque<(JobId, Refusal)>,
    /// Parts of texts that are read elsewhere.
    loans: Vec<(LoanId, JobId, Range<usize>)>,
    n_jobs: u64,
    n_loans: u64,
    n_touches: u64,
    budget_bytes: u64,
    /// What others take of the budget.
    elsewhere_bytes: u64,
}

impl Engine {
    /// An engine with the models of the package.
    pub fn new(clock: Clock) -> Self {
        Self::with_models(clock, MODELS.iter().map(Known::from))
    }

    /// An engine with other models: tests, and those of a person.
    pub fn with_models(clock: Clock, models: impl IntoIterator<Item = Known>) -> Self {
        Self {
            clock,
            models: models.into_iter().map(Model::new).collect(),
            queue: Queue::default(),
            ended: VecDeque::new(),
            loans: Vec::new(),
            n_jobs: 0,
            n_loans: 0,
            n_touches: 0,
            budget_bytes: PRESET_BUDGET_BYTES,
            elsewhere_bytes: 0,
        }
    }

    // ---- Work ----

    /// Takes work into the queue. Its `Done` comes from [`Self::step`], whatever happens to it.
    pub fn submit(&mut self, order: Order, work: Work) -> JobId {
        let id = JobId(self.n_jobs);
        self.n_jobs += 1;
        let doubled = self.queue.iter().any(|job| job.order.asker == order.asker && job.order.request == order.request);
        let model_id = match &work {
            Work::Ready { model_id } => self.model_mut(model_id).map(|model| model.known.id.clone()),
            Work::Text(_) | Work::Why(_) => self.model_for(Task::Text),
            Work::Picture { .. } => self.model_for(Task::Picture),
        };
        match model_id {
            _ if doubled => self.ended.push_back((id, EngineError::Doubled { request: order.request }.into())),
            Ok(model_id) => self.queue.put(Job { id, order, model_id, work }),
            Err(error) => self.ended.push_back((id, error.into())),
        }
        id
    }

    /// Gives up the requests of one asker that are `named`; what is done of them is dropped.
    pub fn cancel(&mut self, asker: Asker, named: impl Fn(&str) -> bool) {
        let given_up = self.queue.take_all(|job| job.order.asker == asker && named(&job.order.request));
        self.ended.extend(given_up.into_iter().map(|job| (job.id, EngineError::Cancelled.into())));
    }

    /// Whether [`Self::step`] would do more than wait.
    pub fn has_work(&self) -> bool {
        let can_go_on = |job: &Job| !self.is_coming(&job.model_id) && job.work.can_go_on();
        !self.ended.is_empty() || self.queue.iter().any(can_go_on)
    }

    /// Goes on by one step of the most urgent work that can go on.
    pub fn step(&mut self) -> Step {
        if let Some((job, refusal)) = self.ended.pop_front() {
            return Step::Done { job, outcome: Err(refusal) };
        }
        match self.next_load() {
            Some(Wanted::Load { model_id }) => return Step::Load { model_id },
            Some(Wanted::Elsewhere) => return Step::Reclaim,
            None => {}
        }
        let models = &self.models;
        let is_ready = |job: &Job| models.iter().any(|model| model.known.id == job.model_id && model.loaded.is_some());
        let Some(mut job) = self.queue.take_first(|job| is_ready(job) && job.work.can_go_on()) else {
            return match self.ended.pop_front() {
                Some((job, refusal)) => Step::Done { job, outcome: Err(refusal) },
                None => Step::Idle,
            };
        };
        let id = job.id;
        match self.advance(&mut job) {
            Ok(None) => {
                let (n_done, n_total) = job.work.progress();
                self.queue.put(job);
                Step::Part { job: id, n_done, n_total }
            }
            Ok(Some(verdict)) => Step::Done { job: id, outcome: Ok(verdict) },
            Err(error) => Step::Done { job: id, outcome: Err(error.into()) },
        }
    }

    /// One step of a job whose model is loaded; its verdict once it has one.
    fn advance(&mut self, job: &mut Job) -> Result<Option<Verdict>, EngineError> {
        let clock = self.clock;
        let touch = self.touch();
        let model = self.model_mut(&job.model_id)?;
        model.last_touch = touch;
        Ok(match &mut job.work {
            Work::Ready { .. } => Some(Verdict::Ready),
            Work::Text(text) => model.read(text, clock)?.map(Verdict::Text),
            Work::Why(why) => model.explain(why, clock)?.map(Verdict::Why),
            Work::Picture { picture, caution } => {
                Some(Verdict::Picture(model.look(picture.as_ref(), caution, clock)?))
            }
        })
    }

    // ---- What others read ----

    /// Whether what is served next is a text of which so much waits that it is worth calling others, and waiting for them.
    pub fn is_long_wait(&mut self) -> bool {
        let Some(job) = self.queue.iter_mut().find(|job| job.work.can_go_on()) else { return false };
        let model = self.models.iter().find(|model| model.known.id == job.model_id);
        model.is_some_and(|model| model.n_waiting_pieces(&mut job.work) >= LONG_PIECES)
    }

    /// The next part of the most urgent text that somebody else may read meanwhile; it comes back by [`Self::take_back`].
    pub fn lend(&mut self) -> Option<Loan> {
        let models = &self.models;
        let lent = self.queue.iter_mut().find_map(|job| {
            let model = models.iter().find(|model| model.known.id == job.model_id)?;
            Some((job.id, job.model_id.clone(), model.lend(&mut job.work)?))
        });
        let (job, model_id, part) = lent?;
        let id = LoanId(self.n_loans);
        self.n_loans += 1;
        self.loans.push((id, job, part.place));
        Some(Loan { id, model_id, sequences: part.sequences })
    }

    /// The net's answer for each sequence of a loan; nothing where nobody read it, and then it is read here. Of work that was
    /// given up meanwhile it is dropped.
    pub fn take_back(&mut self, loan: LoanId, logits: Option<&[Vec<f32>]>) {
        let Some(at) = self.loans.iter().position(|(id, ..)| *id == loan) else { return };
        let (_, job_id, place) = self.loans.swap_remove(at);
        let Some(job) = self.queue.iter_mut().find(|job| job.id == job_id) else { return };
        if let Some(model) = self.models.iter().find(|model| model.known.id == job.model_id) {
            model.take_back(&mut job.work, place, logits);
        }
    }

    /// Something was judged elsewhere, by a model of this name and in this time.
    pub fn judged_elsewhere(&mut self, model_id: &str, elapsed_ms: f64) {
        let now_ms = (self.clock)();
        if let Ok(model) = self.model_mut(model_id) {
            model.used(elapsed_ms, now_ms);
        }
    }

    // ---- Models ----

    /// The person's own text model, which from now on judges texts in the package's stead; the package's again without
    /// one. Texts that wait are read by the new one from their beginning.
    pub fn set_own(&mut self, own: Option<Known>) {
        self.models.retain(|model| !model.known.is_own || Some(&model.known) == own.as_ref());
        if let Some(known) = own.filter(|known| self.models.iter().all(|model| model.known.id != known.id)) {
            self.models.push(Model::new(known));
        }
        let Ok(chosen) = self.model_for(Task::Text) else { return };
        for mut job in self.queue.take_all(|job| matches!(job.work, Work::Text(_) | Work::Why(_))) {
            if job.model_id != chosen {
                job.model_id.clone_from(&chosen);
                job.work.start_again();
                self.loans.retain(|(_, lent, _)| *lent != job.id);
            }
            self.queue.put(job);
        }
        let is_there = |id: &str| self.models.iter().any(|model| model.known.id == id);
        for job in self.queue.take_all(|job| !is_there(&job.model_id)) {
            self.ended.push_back((job.id, EngineError::UnknownModel { id: job.model_id }.into()));
        }
    }

    /// Every model that is known, loaded or not.
    pub fn status(&self) -> Vec<ModelStatus> {
        self.models.iter().map(Model::status).collect()
    }

    /// What the host knows of a model's storage. A ready model stays ready.
    pub fn set_state(&mut self, model_id: &str, state: ModelState) -> Result<(), EngineError> {
        let model = self.model_mut(model_id)?;
        model.is_stored = matches!(state, ModelState::Stored | ModelState::Loading { .. } | ModelState::Ready);
        if model.loaded.is_none() {
            model.state = state;
        }
        Ok(())
    }

    /// What a browser is given to do once while a text model's bytes are on their way, so that it is quick when they are there.
    pub fn run_in() {
        EncoderLayer::run_in();
    }

    /// Begins a load: feed it the packed file, then give it to [`Self::finish_load`].
    pub fn start_load(&mut self, model_id: &str) -> Result<Load, EngineError> {
        let now_ms = (self.clock)();
        let model = self.model_mut(model_id)?;
        model.state = ModelState::Loading { percent: 0 };
        Ok(Load::new(&model.known, now_ms))
    }

    /// The model is ready, or the bytes were no model; then another load may follow, or [`Self::fail_load`].
    pub fn finish_load(&mut self, load: Load) -> Result<(), EngineError> {
        let now_ms = (self.clock)();
        let touch = self.touch();
        let model = self.model_mut(load.model_id())?;
        let started_ms = load.started_ms();
        model.loaded = Some(load.finish()?);
        model.is_coming = false;
        model.state = ModelState::Ready;
        model.load_ms = Some(now_ms - started_ms);
        model.last_touch = touch;
        Ok(())
    }

    /// The load that a `Load` step asked for came to nothing. All who wait for the model are refused; the next request
    /// asks for a load again.
    pub fn fail_load(&mut self, model_id: &str, refusal: Refusal) -> Result<(), EngineError> {
        let model = self.model_mut(model_id)?;
        model.is_coming = false;
        model.state = ModelState::Failed { reason: refusal.detail.clone() };
        self.refuse_all(model_id, &refusal);
        Ok(())
    }

    /// Gives its memory back; the next request loads it again.
    pub fn unload(&mut self, model_id: &str) -> Result<(), EngineError> {
        self.model_mut(model_id)?.unload();
        Ok(())
    }

    // ---- At once, without the queue: for the command line and for measurements ----

    /// Judges a whole text by the model that is ready.
    pub fn classify_text(&mut self, text: &str) -> Result<TextVerdict, EngineError> {
        let clock = self.clock;
        let model = self.ready(Task::Text)?;
        let Work::Text(mut work) = Work::text(text) else { return Err(EngineError::NotReady { task: "text" }) };
        loop {
            if let Some(verdict) = model.read(&mut work, clock)? {
                return Ok(verdict);
            }
        }
    }

    /// Judges a picture by the model that is ready, with the preset thresholds.
    pub fn classify_picture(&mut self, pixels: &Pixels<'_>) -> Result<PictureVerdict, EngineError> {
        self.look(pixels, &Caution::default())
    }

    /// Judges a picture by the model that is ready.
    pub fn look(&mut self, picture: &dyn PixelSource, caution: &Caution) -> Result<PictureVerdict, EngineError> {
        let clock = self.clock;
        self.ready(Task::Picture)?.look(picture, caution, clock)
    }

    /// The loaded text model, for evaluations, benches, and whoever reads parts for another engine.
    pub fn sentiment(&mut self) -> Result<&SentimentModel, EngineError> {
        match &self.ready(Task::Text)?.loaded {
            Some(Loaded::Text(model)) => Ok(model),
            _ => Err(EngineError::NotReady { task: "text" }),
        }
    }

    /// The loaded picture model, for evaluations and benches.
    pub fn pictures(&mut self) -> Result<&NsfwModel, EngineError> {
        match &self.ready(Task::Picture)?.loaded {
            Some(Loaded::Picture(model)) => Ok(model),
            _ => Err(EngineError::NotReady { task: "picture" }),
        }
    }

    // ---- Within ----

    fn model_mut(&mut self, model_id: &str) -> Result<&mut Model, EngineError> {
        let found = self.models.iter_mut().find(|model| model.known.id == model_id);
        found.ok_or_else(|| EngineError::UnknownModel { id: model_id.to_owned() })
    }

    /// Which model judges: the person's own where there is one, else the package's first.
    pub fn model_for(&self, task: Task) -> Result<String, EngineError> {
        let of_task =
            self.models.iter().filter(|model| model.known.task == task).min_by_key(|model| !model.known.is_own);
        of_task.map(|model| model.known.id.clone()).ok_or(EngineError::NotReady { task: task.name() })
    }

    fn ready(&mut self, task: Task) -> Result<&mut Model, EngineError> {
        let of_task = self.models.iter_mut().find(|model| model.known.task == task && model.loaded.is_some());
        of_task.ok_or(EngineError::NotReady { task: task.name() })
    }

    fn is_coming(&self, model_id: &str) -> bool {
        self.models.iter().any(|model| model.known.id == model_id && model.is_coming)
    }

    fn refuse_all(&mut self, model_id: &str, refusal: &Refusal) {
        let waiting = self.queue.take_all(|job| job.model_id == model_id);
        self.ended.extend(waiting.into_iter().map(|job| (job.id, refusal.clone())));
    }

    fn touch(&mut self) -> u64 {
        self.n_touches += 1;
        self.n_touches
    }
}
