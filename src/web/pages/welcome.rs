//! The page that opens once, after the installation: what Sotto does, a box to try it, and the guard's switch.

use wasm_bindgen::prelude::*;

use super::{
    ask::{self, Told},
    dom,
    site_switch::{self, Switch},
    try_box,
};
use crate::web::browser::chrome;

#[wasm_bindgen]
pub async fn welcome() {
    // Where it is refused, the weights are kept as anything else is.
    drop(chrome::persist_storage().await);
    try_box::wire();
    ask::listen("page", |told, _| {
        if let Told::Changed { models } = told {
            try_box::follow(&models);
        }
    });
    if let Some(switch) = dom::input("guard-everywhere") {
        if let Ok(settings) = ask::settings().await {
            switch.set_checked(settings.guard_everywhere);
        }
        site_switch::wire(&switch, Switch::Guard, None, || {});
    }
}
