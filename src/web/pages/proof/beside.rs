//! Whether another tab measures at the same time: both then have slower times than the computer has, and are told so.

use js_sys::{Function, Promise};
use wasm_bindgen::{JsCast, prelude::*};

use super::super::dom;
use crate::web::browser::chrome;

const LOCK: &str = "proof";

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(catch, js_namespace = ["navigator", "locks"], js_name = request)]
    fn request(name: &str, options: &JsValue, held: &Function) -> Result<Promise, JsValue>;
}

/// Held as long as a run lasts; it goes with the page, too.
pub struct Beside {
    let_go: Option<Function>,
}

impl Beside {
    /// Says on the page whether another has it.
    pub fn hold() -> Self {
        dom::show("proof-beside", false);
        let mut let_go = None;
        let held_until = Promise::new(&mut |done, _| let_go = Some(done));
        let held = Closure::once_into_js(move |lock: JsValue| -> JsValue {
            if lock.is_null() {
                dom::show("proof-beside", true);
                return JsValue::UNDEFINED;
            }
            held_until.into()
        });
        let options = chrome::object(&[("ifAvailable", true.into())]);
        // A browser without locks has nobody to tell of.
        drop(request(LOCK, &options, held.unchecked_ref()));
        Self { let_go }
    }
}

impl Drop for Beside {
    fn drop(&mut self) {
        if let Some(let_go) = &self.let_go {
            drop(let_go.call0(&JsValue::UNDEFINED));
        }
    }
}
