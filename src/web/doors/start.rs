//! The start of an engine's life, and the browser's word on permissions.

use std::rc::Rc;

use js_sys::{Function, Object};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::spawn_local;

use crate::web::{
    host::{Host, tell_of_panics},
    in_force, settings,
};

/// Makes the host. `flavour` is the build's, `place` where it runs; `read_packaged` is background.js' only fetch,
/// `store` what extension/store.js exports, `open_helpers` what extension/helpers.js does.
#[wasm_bindgen(js_name = startHost)]
pub fn start_host(flavour: &str, place: String, read_packaged: Function, store: Object, open_helpers: Function) {
    tell_of_panics();
    let host = Host::start(flavour, place, read_packaged, store, open_helpers);
    let watching = Rc::clone(&host);
    settings::watch_managed(move || {
        let host = Rc::clone(&watching);
        spawn_local(async move {
            in_force::follow_permissions().await;
            host.follow_settings().await;
        });
    });
    let runner = Rc::clone(&host.runner);
    runner.start_after(async move { host.follow_settings().await });
}

/// The browser's permissions changed, or the browser started.
#[wasm_bindgen(js_name = permissionsChanged)]
pub async fn permissions_changed() {
    in_force::follow_permissions().await;
}
