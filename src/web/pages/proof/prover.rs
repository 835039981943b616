//! A worker that answers (worker.rs starts it): the run waits for what it says next, and it ends with whoever holds it.

use std::{
    cell::RefCell,
    collections::VecDeque,
    future::poll_fn,
    rc::Rc,
    task::{Poll, Waker},
};

use serde::{Serialize, de::DeserializeOwned};
use wasm_bindgen::JsValue;

use super::super::worker::{self, Worker};
use super::run::{Failure, Run};
use crate::{
    protocol::{EngineFlavour, FromProver, Tagged, ToProver},
    web::browser::{chrome, wire},
};

/// What a worker said and nobody has heard yet; where it broke, why.
#[derive(Default)]
struct Said {
    waiting: VecDeque<Result<JsValue, String>>,
    waker: Option<Waker>,
}

impl Said {
    fn put(&mut self, said: Result<JsValue, String>) {
        self.waiting.push_back(said);
        self.waker.take().into_iter().for_each(Waker::wake);
    }
}

/// A worker and what it said.
pub struct Listened {
    worker: Worker,
    said: Rc<RefCell<Said>>,
}

impl Listened {
    /// `start` is worker.rs' for one of the package's scripts.
    pub fn new(
        start: impl FnOnce(Box<dyn FnMut(JsValue)>, Box<dyn FnMut(String)>) -> Result<Worker, JsValue>,
    ) -> Result<Self, Failure> {
        let said = Rc::new(RefCell::new(Said::default()));
        let (heard, failed) = (Rc::clone(&said), Rc::clone(&said));
        let hear = Box::new(move |words| heard.borrow_mut().put(Ok(words)));
        let fail = Box::new(move |problem| failed.borrow_mut().put(Err(problem)));
        let worker = start(hear, fail).map_err(|thrown| failure(&chrome::reason_of(&thrown)))?;
        Ok(Self { worker, said })
    }

    pub fn tell<T: Serialize + Tagged>(&self, wish: &T) -> Result<(), Failure> {
        self.worker.post(&wire::tagged(wish)).map_err(|thrown| failure(&chrome::reason_of(&thrown)))
    }

    /// What it says next.
    pub async fn next<T: DeserializeOwned + Tagged>(&self, run: &Run) -> Result<T, Failure> {
        let said = run.wait_for(poll_fn(|context| {
            let mut said = self.said.borrow_mut();
            match said.waiting.pop_front() {
                Some(words) => Poll::Ready(words),
                None => {
                    said.waker = Some(context.waker().clone());
                    Poll::Pending
                }
            }
        }));
        let said = said.await?.and_then(|words| wire::from_tagged(&words));
        said.map_err(|problem| failure(&problem))
    }
}

impl Drop for Listened {
    fn drop(&mut self) {
        self.worker.terminate();
    }
}

/// One engine by itself, in its worker.
pub struct Prover(Listened);

/// What an engine says when it has begun.
pub struct Begun {
    pub means: String,
    pub memory_bytes: u64,
}

impl Prover {
    pub fn start(flavour: EngineFlavour) -> Result<Self, Failure> {
        let prover = Listened::new(|hear, fail| worker::start("prover.js", hear, fail))?;
        prover.tell(&ToProver::Begin { flavour })?;
        Ok(Self(prover))
    }

    /// None where this browser can't run the flavour.
    pub async fn begun(&self, run: &Run) -> Result<Option<Begun>, Failure> {
        match self.next(run).await? {
            FromProver::Begun { means, memory_bytes } => Ok(Some(Begun { means, memory_bytes })),
            FromProver::Unable => Ok(None),
            _ => Err(unexpected()),
        }
    }

    pub fn tell(&self, wish: &ToProver) -> Result<(), Failure> {
        self.0.tell(wish)
    }

    /// What it says next; its problem is a failure.
    pub async fn next(&self, run: &Run) -> Result<FromProver, Failure> {
        match self.0.next(run).await? {
            FromProver::Problem { problem } => Err(failure(&problem)),
            said => Ok(said),
        }
    }
}

pub fn failure(problem: &str) -> Failure {
    Failure::Said(chrome::message("measureFailed", &[problem]))
}

pub fn unexpected() -> Failure {
    failure("the worker said something else than it was asked")
}
