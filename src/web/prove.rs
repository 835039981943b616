//! One engine by itself, of whichever flavour, for the worker of the page "How good is it?" (extension/pages/prover.js): it loads
//! the package's models, and reads and looks at what is made of numbers, as often as the worker says. It knows no clock, judges
//! nothing of anybody's, and must never keep anything.

use wasm_bindgen::prelude::*;
use web_sys::Blob;

use super::{
    browser::time,
    measure,
    models::{feed::feed, load},
};
use crate::{
    engine::{Engine, Pixels},
    models::{Packaged, Task, packaged},
};

/// Any sentence will do: that it is judged at all is the trial.
const TRIAL: &str = "What a wonderful evening.";
/// Of the vocabulary: from here on whole words stand in it, which is no matter to how long they take.
const FIRST_WORD: usize = 2_000;
/// So many words from there on are read in turn, in steps that meet each once.
const N_WORDS: usize = 20_000;
const WORD_STEP: usize = 37;
/// Pixels of the picture.
const WIDTH: u32 = 640;
const HEIGHT: u32 = 480;

#[wasm_bindgen]
pub struct Prover {
    engine: Engine,
    rgba: Vec<u8>,
}

#[wasm_bindgen]
impl Prover {
    #[wasm_bindgen(constructor)]
    pub fn new() -> Self {
        // Neither plain nor smooth: what a camera sees is neither.
        let rgba = (0..4 * WIDTH * HEIGHT).map(|index| if index % 4 == 3 { 255 } else { (index * 31 % 251) as u8 });
        Self { engine: Engine::new(time::now_ms), rgba: rgba.collect() }
    }

    /// The package's file for a task, below models/.
    #[wasm_bindgen(js_name = fileOf)]
    pub fn file_of(&self, task: &str) -> Result<String, JsError> {
        Ok(packaged_for(task)?.file.to_owned())
    }

    /// Loads a task's model of its packed file.
    pub async fn load(&mut self, task: &str, file: Blob) -> Result<(), JsError> {
        let mut load = self.engine.start_load(packaged_for(task)?.id).map_err(thrown)?;
        feed(&mut load, &file).await.map_err(thrown)?;
        self.engine.finish_load(load).map_err(thrown)
    }

    /// By which means this processor multiplies.
    pub fn means(&self) -> String {
        measure::means()
    }

    /// What its linear memory has now.
    #[wasm_bindgen(js_name = memoryBytes)]
    pub fn memory_bytes(&self) -> f64 {
        load::wasm_bytes() as f64
    }

    /// Judges a sentence.
    pub fn judge(&mut self) -> Result<(), JsError> {
        self.engine.classify_text(TRIAL).map(drop).map_err(thrown)
    }

    /// Reads so many tokens, which is what the net does for a text of that length.
    pub fn read(&mut self, n_tokens: usize) -> Result<(), JsError> {
        let model = self.engine.sentiment().map_err(thrown)?;
        let words = 0..n_tokens.saturating_sub(2);
        let pieces: Vec<u32> = words.map(|index| (FIRST_WORD + index * WORD_STEP % N_WORDS) as u32).collect();
        model.logits_of(&[model.framed(&pieces)]).map(drop).map_err(thrown)
    }

    /// Judges a picture, of which nothing has to be decoded.
    pub fn look(&mut self) -> Result<(), JsError> {
        let picture = Pixels { rgba: &self.rgba, width: WIDTH, height: HEIGHT };
        self.engine.classify_picture(&picture).map(drop).map_err(thrown)
    }
}

impl Default for Prover {
    fn default() -> Self {
        Self::new()
    }
}

fn packaged_for(task: &str) -> Result<&'static Packaged, JsError> {
    let task = [Task::Text, Task::Picture].into_iter().find(|one| one.name() == task);
    task.map(packaged).ok_or_else(|| JsError::new("there is no such task"))
}

fn thrown(error: impl std::fmt::Display) -> JsError {
    JsError::new(&error.to_string())
}
