//! What `cargo xtask bench engine` calls in a page: the engine without host, storage or messages. Built with the feature
//! `bench` alone; what ships has none of it. benches/README.md says what each export gives.

use wasm_bindgen::prelude::*;

use crate::engine::{Engine, Pixels};
use crate::image::Resizer;
use crate::kernels::battery::measure::MEASUREMENTS;
use crate::kernels::fast;

#[wasm_bindgen]
pub struct BenchEngine {
    engine: Engine,
}

fn thrown(error: impl std::fmt::Display) -> JsError {
    JsError::new(&error.to_string())
}

#[wasm_bindgen]
impl BenchEngine {
    #[wasm_bindgen(constructor)]
    pub fn new() -> Self {
        Self { engine: Engine::new(js_sys::Date::now) }
    }

    /// All bytes of a packed model, copied in slices as they come from IndexedDB.
    pub fn load(&mut self, model_id: &str, bytes: &js_sys::Uint8Array) -> Result<(), JsError> {
        let mut load = self.engine.start_load(model_id).map_err(thrown)?;
        let mut slice = vec![0; 1 << 18];
        let n_bytes = bytes.length();
        for start in (0..n_bytes).step_by(slice.len()) {
            let part = bytes.subarray(start, (start + slice.len() as u32).min(n_bytes));
            let slice = &mut slice[..part.length() as usize];
            part.copy_to(slice);
            load.feed(slice).map_err(thrown)?;
        }
        self.engine.finish_load(load).map_err(thrown)
    }

    pub fn text_ids(&mut self, ids: &[u32]) -> Result<Vec<f32>, JsError> {
        let net = self.engine.sentiment().map_err(thrown)?.net();
        let logits = net.forward(ids, &[ids.len()]).and_then(|logits| logits.flatten_all()?.to_vec1());
        logits.map_err(thrown)
    }

    pub fn sentence(&mut self, text: &str) -> Result<Vec<f32>, JsError> {
        let shares = self.engine.sentiment().map_err(thrown)?.score(text).map_err(thrown)?;
        Ok(vec![shares.negative, shares.neutral, shares.positive])
    }

    /// The first net alone, which nsfwjs has too.
    pub fn picture(&mut self, rgba: &[u8], width: u32, height: u32) -> Result<Vec<f32>, JsError> {
        let model = self.engine.pictures().map_err(thrown)?;
        let mut picture = Resizer::new(width, height, model.first_size()).map_err(thrown)?;
        picture.feed(rgba).map_err(thrown)?;
        model.look_first(picture).map_err(thrown)
    }

    /// The second net alone, on pixels at its own size.
    pub fn second_look(&mut self, rgb: &[u8]) -> Result<f32, JsError> {
        self.engine.pictures().map_err(thrown)?.look_at(rgb).map_err(thrown)
    }

    /// Both, as a verdict takes them.
    pub fn both_looks(&mut self, rgba: &[u8], width: u32, height: u32) -> Result<f32, JsError> {
        let verdict = self.engine.classify_picture(&Pixels { rgba, width, height }).map_err(thrown)?;
        Ok(verdict.second.share)
    }

    pub fn picture_classes(&mut self) -> Result<Vec<String>, JsError> {
        let blank = [255; 4];
        let verdict = self.engine.classify_picture(&Pixels { rgba: &blank, width: 1, height: 1 }).map_err(thrown)?;
        Ok(verdict.classes.into_iter().map(|class| class.name).collect())
    }

    /// What one of the battery's measurements reaches, by its name.
    pub fn gops(&self, name: &str) -> Result<f64, JsError> {
        let measurement = MEASUREMENTS.iter().find(|measurement| measurement.name == name);
        let measurement = measurement.ok_or_else(|| JsError::new(&format!("no measurement is called {name}")))?;
        Ok(best_gops(measurement.amount, (measurement.prepare)()))
    }

    /// How four-bit weights are multiplied on this processor.
    pub fn path(&self) -> String {
        fast::path().to_owned()
    }
}

impl Default for BenchEngine {
    fn default() -> Self {
        Self::new()
    }
}

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_namespace = performance, js_name = now)]
    fn now_ms() -> f64;
}

/// The best of several timings of at least 20 ms each: what the code can do where nothing else runs.
fn best_gops(n_operations: f64, mut work: impl FnMut()) -> f64 {
    let mut best = 0f64;
    for _ in 0..7 {
        let (started_ms, mut n_runs) = (now_ms(), 0.0);
        while now_ms() - started_ms < 20.0 {
            work();
            n_runs += 1.0;
        }
        best = best.max(n_operations * n_runs / (now_ms() - started_ms) / 1e6);
    }
    best
}
