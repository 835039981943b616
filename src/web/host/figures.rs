//! What the popup shows of the models and the engine: of this engine, and of those that ran before it in this browser
//! session. It must never wake or load a model.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
};

use crate::{
    protocol::{EngineStatus, MemoryStatus, Status},
    web::{
        browser::{chrome, wire},
        helpers::Crew,
        models::{Loader, load},
    },
};

/// Where the browser session's figures outlive a stopped worker.
const SESSION_STATUS: &str = "status";

pub struct Figures {
    loader: Rc<Loader>,
    crew: Rc<Crew>,
    flavour: String,
    place: String,
    /// The session's figures as they stood when this engine started.
    earlier: RefCell<Option<Status>>,
    earlier_known: Cell<bool>,
}

impl Figures {
    /// `flavour` is the build's, `place` where it runs.
    pub fn new(loader: Rc<Loader>, crew: Rc<Crew>, flavour: &str, place: String) -> Self {
        Self {
            loader,
            crew,
            flavour: if flavour == "relaxed" { "relaxed SIMD" } else { "SIMD" }.to_owned(),
            place,
            earlier: RefCell::default(),
            earlier_known: Cell::new(false),
        }
    }

    /// With what is stored of each model.
    pub async fn with_stored(&self) -> Status {
        let stored = self.loader.look_at_store().await;
        self.know_earlier().await;
        let mut status = self.now();
        for model in &mut status.models {
            model.stored_bytes = stored.get(&model.id).copied().unwrap_or(0);
        }
        status
    }

    /// For the engines that come after this one.
    pub async fn keep(&self) {
        self.know_earlier().await;
        let items = chrome::object(&[(SESSION_STATUS, wire::to_js(&self.now()))]);
        if let Err(thrown) = chrome::session_set(&items).await {
            chrome::warn(&format!("Sotto: figures could not be kept: {}", chrome::reason_of(&thrown)));
        }
    }

    fn now(&self) -> Status {
        let wasm_bytes = load::wasm_bytes();
        let helper_bytes = self.crew.wasm_bytes();
        let mut models = self.loader.engine().status();
        let earlier = self.earlier.borrow();
        for model in &mut models {
            model.load_ms = self.loader.load_ms(&model.id).or(model.load_ms);
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
                helper_bytes,
                peak_bytes: (wasm_bytes + helper_bytes).max(peak_before),
                budget_bytes: self.loader.engine().budget_bytes(),
            },
            engine: EngineStatus {
                version: env!("CARGO_PKG_VERSION").to_owned(),
                flavour: self.flavour.clone(),
                place: self.place.clone(),
                threads: 1 + self.crew.n_helpers() as u32,
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
}
