//! Clocks and pauses. Nothing waits here while nobody asked for anything.

use js_sys::{Function, Promise};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;

#[cfg(feature = "web")]
use super::chrome::object;

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_name = setTimeout)]
    fn set_timeout(done: &Function, ms: i32) -> JsValue;

    #[cfg(feature = "web")]
    #[wasm_bindgen(js_name = clearTimeout)]
    fn clear_timeout(timer: &JsValue);

    #[cfg(feature = "web")]
    #[wasm_bindgen(js_namespace = scheduler, js_name = postTask)]
    fn post_task(task: &Function, options: &JsValue) -> Promise;

    #[wasm_bindgen(js_namespace = performance, js_name = now)]
    pub fn now_ms() -> f64;

    #[cfg(feature = "web")]
    #[wasm_bindgen(thread_local_v2, js_namespace = performance, js_name = timeOrigin)]
    static TIME_ORIGIN_MS: f64;
}

/// When this context started, in milliseconds since the epoch.
#[cfg(feature = "web")]
pub fn time_origin_ms() -> f64 {
    TIME_ORIGIN_MS.with(|origin| *origin)
}

/// For what the browser lets one do only so often. Nothing waits like this while nobody asked for anything.
pub async fn pause(ms: i32) {
    drop(JsFuture::from(timer(ms)).await);
}

/// Fulfilled with undefined after so many milliseconds.
pub fn timer(ms: i32) -> Promise {
    Promise::new(&mut |resolve, _| drop(set_timeout(&resolve, ms)))
}

/// Never longer than this, however much there is to hear.
#[cfg(feature = "web")]
const BREATH_MS_MAX: i32 = 50;

/// Between two pieces of work: lets the browser hand over everything that has happened. A message takes several turns of
/// the event loop from the browser to its listener, so one turn would not do: the end of a connection was heard eight
/// steps later.
#[cfg(feature = "web")]
pub async fn breathe() {
    let mut late = JsValue::UNDEFINED;
    let rested = Promise::new(&mut |resolve, _| {
        late = set_timeout(&resolve, BREATH_MS_MAX);
        drop(post_task(&resolve, &object(&[("priority", "background".into())])));
    });
    drop(JsFuture::from(rested).await);
    clear_timeout(&late);
}
