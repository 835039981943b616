//! Changes of something that is kept, one after the other: each reads what is kept and keeps it anew, so two at once would
//! lose one of them.

use std::cell::RefCell;
use std::future::Future;
use std::thread::LocalKey;

use js_sys::Promise;
use wasm_bindgen::JsValue;
use wasm_bindgen_futures::JsFuture;

/// Fulfilled when the last change that was asked for is through.
pub type Turns = RefCell<Promise>;

pub fn none_yet() -> Turns {
    RefCell::new(Promise::resolve(&JsValue::UNDEFINED))
}

pub async fn in_turn<T>(turns: &'static LocalKey<Turns>, change: impl Future<Output = T>) -> T {
    let mut done = None;
    let mine = Promise::new(&mut |resolve, _| done = Some(resolve));
    let before = turns.replace(mine);
    // It is only ever fulfilled.
    drop(JsFuture::from(before).await);
    let outcome = change.await;
    if let Some(done) = done {
        drop(done.call0(&JsValue::UNDEFINED));
    }
    outcome
}
