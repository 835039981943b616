//! One helper, in its worker: an engine for texts and one for pictures, each once its model was handed over.

use std::cell::RefCell;

use js_sys::{Float32Array, Uint32Array};
use wasm_bindgen::{JsCast, prelude::*};
use web_sys::Blob;

use crate::{
    engine::{Engine, Known, worst_frame},
    models::Task,
    protocol::{FromHelper, HelperOutcome, Refusal, ToHelper},
    web::{
        browser::{chrome, time, wire},
        decoding::{self, DecodeError, Sight},
        models::{feed::feed, load},
    },
};

thread_local! {
    static TEXTS: RefCell<Option<Engine>> = const { RefCell::new(None) };
    static PICTURES: RefCell<Option<Engine>> = const { RefCell::new(None) };
}

/// Does what a [`ToHelper`] says; `message` has it as `ask`, and beside it what it is about. Never rejects.
#[wasm_bindgen]
pub async fn help(message: JsValue) -> JsValue {
    let reply = chrome::object(&[]);
    let outcome = match wire::from_js(chrome::get(&message, "ask")) {
        Ok(ask) => done(ask, &message, &reply).await,
        Err(problem) => HelperOutcome::Unable { problem },
    };
    let said = FromHelper { outcome, wasm_bytes: load::wasm_bytes() };
    chrome::set(&reply, "said", &wire::to_js(&said));
    reply
}

async fn done(ask: ToHelper, message: &JsValue, reply: &JsValue) -> HelperOutcome {
    let done = match ask {
        ToHelper::Take { for_text, bytes } => {
            let task = if for_text { Task::Text } else { Task::Picture };
            take(task, bytes, &chrome::get(message, "weights")).await.map(|()| HelperOutcome::Taken)
        }
        ToHelper::Look { caution } => match decoding::without_document(&chrome::get(message, "picture")).await {
            Ok(Sight { frames, n_frames }) => PICTURES.with_borrow_mut(|engine| {
                let engine = engine.as_mut().ok_or("no picture model was handed over")?;
                let mut verdicts = Vec::new();
                for frame in &frames {
                    match engine.look(frame, &caution) {
                        Ok(verdict) => verdicts.push(verdict),
                        Err(error) => return Ok(HelperOutcome::Refused(Refusal::from(error))),
                    }
                }
                let worst = worst_frame(verdicts, n_frames, &caution).ok_or("the picture has no frame")?;
                Ok(HelperOutcome::Looked { verdict: worst })
            }),
            Err(error @ DecodeError::NeedsDocument) => Err(error.to_string()),
            Err(error) => return HelperOutcome::Refused(error.into()),
        },
        ToHelper::Read { lengths } => read(&lengths, &chrome::get(message, "pieces")).map(|(n_labels, logits)| {
            chrome::set(reply, "logits", &Float32Array::from(logits.as_slice()));
            HelperOutcome::Read { n_labels }
        }),
    };
    done.unwrap_or_else(|problem: String| HelperOutcome::Unable { problem })
}

async fn take(task: Task, bytes: u64, weights: &JsValue) -> Result<(), String> {
    let weights: &Blob = weights.dyn_ref().ok_or("no weights stand beside the request")?;
    let id = task.name().to_owned();
    let title = id.clone();
    let known = Known { id, task, title, bytes, memory_bytes: 0, is_own: false };
    let mut engine = Engine::with_models(time::now_ms, [known]);
    let mut load = engine.start_load(task.name()).map_err(|error| error.to_string())?;
    feed(&mut load, weights).await?;
    engine.finish_load(load).map_err(|error| error.to_string())?;
    let place = if task == Task::Text { &TEXTS } else { &PICTURES };
    place.set(Some(engine));
    Ok(())
}

/// The net's answer for each sequence, so many numbers each, one after another.
fn read(lengths: &[u32], pieces: &JsValue) -> Result<(u32, Vec<f32>), String> {
    let pieces = pieces.dyn_ref::<Uint32Array>().ok_or("no word pieces stand beside the request")?.to_vec();
    TEXTS.with_borrow_mut(|engine| {
        let engine = engine.as_mut().ok_or("no text model was handed over")?;
        let model = engine.sentiment().map_err(|error| error.to_string())?;
        let mut rest = pieces.as_slice();
        let mut sequences = Vec::new();
        for &length in lengths {
            let (sequence, after) =
                rest.split_at_checked(length as usize).ok_or("there are fewer word pieces than said")?;
            sequences.push(sequence.to_vec());
            rest = after;
        }
        let logits = model.logits_of(&sequences).map_err(|error| error.to_string())?;
        Ok((logits.first().map_or(0, Vec::len) as u32, logits.concat()))
    })
}
