//! What an organisation has set over the person's choices (storage.managed). A browser that has just started reads such
//! policies last, seconds later, and no verdict waits for that: until then holds what it said the last time.

use std::cell::{Cell, RefCell};

use js_sys::{Array, JSON, Object, Promise};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::{JsFuture, spawn_local};

use crate::web::browser::{chrome, time};

const KEPT: &str = "managed";
/// A browser that knows its policies tells them within a few milliseconds.
const PATIENCE_MS: i32 = 100;

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(catch, js_namespace = ["chrome", "storage", "managed"], js_name = get)]
    fn managed_get(keys: &JsValue) -> Result<Promise, JsValue>;
}

thread_local! {
    /// While true the browser was asked and has not answered yet.
    static IS_LATE: Cell<bool> = const { Cell::new(false) };
    /// Called when a late answer is another than the last one.
    static CHANGED: RefCell<Option<Box<dyn Fn()>>> = const { RefCell::new(None) };
    /// What is kept of the last answer, as text; None until it was read in this engine's life.
    static LAST: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Settings by name; none where nothing is set.
pub async fn settings() -> Object {
    if IS_LATE.get() {
        return last().await;
    }
    let asked = asked_managed();
    let late = time::timer(PATIENCE_MS);
    match JsFuture::from(Promise::race(&Array::of2(&asked, &late))).await {
        Ok(answer) if answer.is_undefined() => {
            IS_LATE.set(true);
            spawn_local(follow(asked));
            last().await
        }
        answer => {
            let set = object(answer);
            keep(&set).await;
            set
        }
    }
}

/// What an organisation has set; rejects where the browser knows no such thing.
fn asked_managed() -> Promise {
    managed_get(&JsValue::NULL).unwrap_or_else(|thrown| Promise::reject(&thrown))
}

/// `changed` is called when the browser answered late, and otherwise than the last time.
pub fn watch(changed: impl Fn() + 'static) {
    CHANGED.set(Some(Box::new(changed)));
}

async fn follow(asked: Promise) {
    let set = object(JsFuture::from(asked).await);
    let changed = keep(&set).await;
    IS_LATE.set(false);
    if changed {
        CHANGED.with_borrow(|tell| tell.iter().for_each(|tell| tell()));
    }
}

/// A browser without policies refuses to answer.
fn object(answer: Result<JsValue, JsValue>) -> Object {
    answer.ok().and_then(|set| set.dyn_into().ok()).unwrap_or_default()
}

/// Keeps an answer; true where it differs from the one before.
async fn keep(set: &Object) -> bool {
    let text = String::from(JSON::stringify(set).unwrap_or_else(|_| "{}".into()));
    if text == last_text().await {
        return false;
    }
    // A full disk is no reason to refuse the answer: it is asked for again in the engine's next life.
    let _ = chrome::local_set(&chrome::object(&[(KEPT, text.as_str().into())])).await;
    LAST.set(Some(text));
    true
}

async fn last() -> Object {
    object(JSON::parse(&last_text().await))
}

async fn last_text() -> String {
    if let Some(text) = LAST.with_borrow(Clone::clone) {
        return text;
    }
    let found = chrome::local_get(KEPT).await.ok().and_then(|found| chrome::get(&found, KEPT).as_string());
    let text = found.unwrap_or_else(|| "{}".to_owned());
    LAST.with_borrow_mut(|last| last.get_or_insert(text).clone())
}
