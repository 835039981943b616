//! How models are loaded inside a browser: from the package into IndexedDB, from there into the engine. It keeps the
//! engine's states true and tells whoever listens when they change. It must never know who asks or what is judged.

use std::{
    cell::{Cell, RefCell, RefMut},
    collections::HashMap,
    rc::Rc,
};

use js_sys::{Array, Function, Object, Promise, Uint8Array};
use wasm_bindgen::{JsCast, prelude::*};
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::Blob;

use super::{
    stock::Stocked,
    store::{self, Door, Slices, StoreError},
};
use crate::{
    engine::Engine,
    models::{MODELS, Task},
    protocol::{ModelState, Reason, Refusal},
    web::browser::{chrome, time},
};

/// Weights go into the engine in pieces of this size, through one buffer, which linear memory keeps for ever.
const FEED_BYTES: u32 = 256 * 1024;
/// Listeners hear of progress in steps of this many percent.
const PROGRESS_STEP: u8 = 5;

pub struct Loader {
    engine: RefCell<Engine>,
    /// The same models that the engine knows.
    models: RefCell<Vec<Rc<Stocked>>>,
    load_ms: RefCell<HashMap<String, f64>>,
    door: Door,
    /// background.js: (file, bytes, tell) -> Promise<Uint8Array>.
    read_packaged: Function,
    changed: Box<dyn Fn()>,
    has_run_in: Cell<bool>,
}

impl Loader {
    /// `store` is what extension/store.js exports.
    pub fn new(store: Object, read_packaged: Function, changed: Box<dyn Fn()>) -> Rc<Self> {
        Rc::new(Self {
            engine: RefCell::new(Engine::new(epoch_ms)),
            models: RefCell::new(MODELS.iter().map(|packaged| Rc::new(Stocked::from(packaged))).collect()),
            load_ms: RefCell::default(),
            door: Door::new(store),
            read_packaged,
            changed,
            has_run_in: Cell::new(false),
        })
    }

    /// The engine, for one synchronous use: never held across an await.
    pub fn engine(&self) -> RefMut<'_, Engine> {
        self.engine.borrow_mut()
    }

    /// Lets the person's own model judge texts, or the package's again.
    pub(super) fn set_own(&self, own: Option<Stocked>) {
        self.engine().set_own(own.as_ref().map(Stocked::known));
        let mut models = self.models.borrow_mut();
        models.retain(|model| model.file.is_some());
        models.extend(own.map(Rc::new));
    }

    /// Keeps verified weights of the person's own.
    pub(super) async fn keep_own(&self, model: &Stocked, weights: &Blob) -> Result<(), Refusal> {
        Ok(self.door.open().await?.put(model, weights).await?)
    }

    /// Removes all weights of a model, known to the engine or not.
    pub(super) async fn remove(&self, model_id: &str) -> Result<(), Refusal> {
        Ok(self.door.open().await?.remove(model_id).await?)
    }

    /// A model's packed file as it rests in IndexedDB; nothing where it is not there.
    pub async fn stored_file(&self, model_id: &str) -> Option<Blob> {
        let model = self.model(model_id).ok()?;
        self.door.open().await.ok()?.get(&model).await.ok()?
    }

    /// Tells whoever listens that something changed which is not a model's state.
    pub fn tell_change(&self) {
        (self.changed)();
    }

    fn model(&self, model_id: &str) -> Result<Rc<Stocked>, Refusal> {
        let models = self.models.borrow();
        models.iter().find(|model| model.id == model_id).cloned().ok_or_else(|| Refusal {
            reason: Reason::BadRequest,
            detail: format!("there is no model {model_id:?}; Status lists those there are"),
        })
    }

    /// How long the last load of a model took in this engine.
    pub fn load_ms(&self, model_id: &str) -> Option<f64> {
        self.load_ms.borrow().get(model_id).copied()
    }

    /// Loads a model that the engine asked for, and tells the engine what came of it.
    pub async fn bring(self: &Rc<Self>, model_id: &str) {
        let outcome = match self.model(model_id) {
            Ok(model) => self.load(&model).await,
            Err(refusal) => Err(refusal),
        };
        if let Err(refusal) = outcome
            && let Err(error) = self.engine().fail_load(model_id, refusal)
        {
            // Only for a model that the engine doesn't know, and it was the engine that asked.
            chrome::warn(&format!("Sotto: {error}"));
        }
        (self.changed)();
    }

    pub fn unload(&self, model_id: &str) -> Result<(), Refusal> {
        self.engine().unload(&self.model(model_id)?.id)?;
        (self.changed)();
        Ok(())
    }

    /// Drops a model's stored weights; what is ready stays ready.
    pub async fn forget(&self, model_id: &str) -> Result<(), Refusal> {
        let model = self.model(model_id)?;
        self.remove(&model.id).await?;
        self.state(&model, ModelState::NotStored);
        Ok(())
    }

    /// Hashes what is stored. Damaged weights are removed, so that the next use stores them afresh.
    pub async fn check(&self, model_id: &str) -> Result<(), Refusal> {
        let model = self.model(model_id)?;
        let store = self.door.open().await?;
        let Some(blob) = store.get(&model).await? else {
            let detail = format!("no weights of {} are stored; the next use stores them", model.title);
            return Err(Refusal { reason: Reason::ModelUnavailable, detail });
        };
        let bytes = JsFuture::from(blob.array_buffer()).await;
        let bytes = bytes.map_err(|thrown| StoreError::Read(chrome::reason_of(&thrown)))?;
        if let Err(damage) = store::verify(&model, "the stored copy", &bytes).await {
            self.forget(model_id).await?;
            return Err(damage.into());
        }
        Ok(())
    }

    /// Says of each resting model whether IndexedDB has it, and returns how many bytes each has there.
    pub async fn look_at_store(&self) -> HashMap<String, u64> {
        let keys = async { self.door.open().await?.keys().await }.await;
        let keys = keys.unwrap_or_else(|error| {
            chrome::warn(&format!("Sotto: {error}"));
            Vec::new()
        });
        let resting = self.engine().status().into_iter();
        for status in resting.filter(|status| matches!(status.state, ModelState::NotStored | ModelState::Stored)) {
            let Ok(model) = self.model(&status.id) else { continue };
            let stored = keys.contains(&store::key_of(&model));
            self.engine_state(&model, if stored { ModelState::Stored } else { ModelState::NotStored });
        }
        let models = self.models.borrow();
        let stored = models.iter().filter(|model| keys.contains(&store::key_of(model)));
        stored.map(|model| (model.id.clone(), model.bytes)).collect()
    }

    async fn load(self: &Rc<Self>, model: &Rc<Stocked>) -> Result<(), Refusal> {
        let started_ms = time::now_ms();
        if model.task == Task::Text && !self.has_run_in.replace(true) {
            Engine::run_in();
            // Linear memory grows once, not a hundred times; later loads fill what others left. Where it can't, the load will say so.
            let mut all = Vec::<u8>::new();
            let _ = all.try_reserve_exact(model.memory_bytes as usize);
            // Or the compiler would leave out what is never used.
            drop(std::hint::black_box(all));
        }
        // What is stored was verified once, but disks and hands change things: then the package's are taken again.
        let from_store = match self.stored(model).await {
            Some(slices) => self.feed(model, slices).await.ok(),
            None => None,
        };
        let outcome = match from_store {
            Some(()) => Ok(()),
            None => {
                let bytes = self.fresh(model).await?;
                let fed = self.feed(model, Slices::whole(bytes.clone())).await;
                if fed.is_ok() {
                    self.keep(model, bytes);
                }
                fed
            }
        };
        self.load_ms.borrow_mut().insert(model.id.clone(), time::now_ms() - started_ms);
        outcome
    }

    async fn feed(&self, model: &Stocked, mut slices: Slices) -> Result<(), Refusal> {
        let mut load = self.engine().start_load(&model.id)?;
        let mut buffer = vec![0_u8; FEED_BYTES as usize];
        let mut told_percent = 0;
        self.state(model, ModelState::Loading { percent: 0 });
        while let Some(slice) = slices.next().await {
            let slice: Uint8Array = slice?;
            for start in (0..slice.length()).step_by(FEED_BYTES as usize) {
                let part = slice.subarray(start, slice.length().min(start + FEED_BYTES));
                let piece = &mut buffer[..part.length() as usize];
                part.copy_to(piece);
                load.feed(piece)?;
            }
            if load.percent() >= told_percent + PROGRESS_STEP {
                told_percent = load.percent();
                self.state(model, ModelState::Loading { percent: told_percent });
            }
        }
        Ok(self.engine().finish_load(load)?)
    }

    /// What IndexedDB has of a model. A store that can't be used is no reason to refuse an answer: the weights are then
    /// read from the package each time.
    async fn stored(&self, model: &Stocked) -> Option<Slices> {
        let found = self.door.read(model).await;
        found.map_err(|error| chrome::warn(&format!("Sotto: {error}"))).ok().flatten()
    }

    /// The package's weights, verified.
    async fn fresh(self: &Rc<Self>, model: &Rc<Stocked>) -> Result<Uint8Array, Refusal> {
        let Some(file) = model.file else { return Err(own_is_gone(model)) };
        let bytes = self.packaged_bytes(model, file).await?;
        store::verify(model, "the packaged file", &bytes).await?;
        Ok(bytes.unchecked_into())
    }

    /// Stores verified weights. Nobody waits for the disk: a worker that dies before this is done takes the package's
    /// again, and so does one whose browser has no room for them.
    fn keep(&self, model: &Rc<Stocked>, bytes: Uint8Array) {
        let (door, model) = (self.door.clone(), Rc::clone(model));
        spawn_local(async move {
            let kept = async {
                let blob = Blob::new_with_u8_array_sequence(&Array::of1(&bytes))
                    .map_err(|thrown| StoreError::Write(chrome::reason_of(&thrown)))?;
                door.open().await?.put(&model, &blob).await
            };
            if let Err(error) = kept.await {
                chrome::warn(&format!("Sotto: {error}"));
            }
        });
    }

    async fn packaged_bytes(self: &Rc<Self>, model: &Rc<Stocked>, file: &str) -> Result<JsValue, StoreError> {
        self.state(model, ModelState::Storing { percent: 0 });
        let failed =
            |thrown: JsValue| StoreError::Package { file: file.to_owned(), reason: chrome::reason_of(&thrown) };
        let bytes_total = model.bytes as f64;
        let told_percent = Cell::new(0);
        let (loader, told) = (Rc::clone(self), Rc::clone(model));
        // Called by background.js between two reads, when nothing here runs.
        let tell = Closure::<dyn FnMut(f64)>::new(move |bytes_read: f64| {
            let percent = (bytes_read / bytes_total * 100.0) as u8;
            if percent >= told_percent.get() + PROGRESS_STEP {
                told_percent.set(percent);
                loader.state(&told, ModelState::Storing { percent });
            }
        });
        let file = JsValue::from_str(file);
        let reading = self.read_packaged.call3(&JsValue::NULL, &file, &bytes_total.into(), tell.as_ref());
        let reading: Promise = reading.map_err(failed)?.unchecked_into();
        JsFuture::from(reading).await.map_err(failed)
    }

    fn state(&self, model: &Stocked, state: ModelState) {
        self.engine_state(model, state);
        (self.changed)();
    }

    fn engine_state(&self, model: &Stocked, state: ModelState) {
        if let Err(error) = self.engine().set_state(&model.id, state) {
            // Only for an own model that was given up in the meantime.
            chrome::warn(&format!("Sotto: {error}"));
        }
    }
}

/// Milliseconds since the epoch, finer than Date's.
fn epoch_ms() -> f64 {
    time::time_origin_ms() + time::now_ms()
}

/// What WebAssembly.Memory has now.
pub fn wasm_bytes() -> u64 {
    let memory: js_sys::WebAssembly::Memory = wasm_bindgen::memory().unchecked_into();
    chrome::get(&memory.buffer(), "byteLength").as_f64().unwrap_or(0.0) as u64
}

fn own_is_gone(model: &Stocked) -> Refusal {
    let detail = format!(
        "the weights of your model {:?} are gone or damaged; add it again in the settings, or choose the built-in one",
        model.title,
    );
    Refusal { reason: Reason::OwnModelGone, detail }
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        Self { reason: Reason::ModelUnavailable, detail: error.to_string() }
    }
}
