//! Workers of the package that a page starts for one piece of work, and ends with all their memory when it is done or given up.

use std::{cell::RefCell, rc::Rc};

use js_sys::Function;
use wasm_bindgen::{JsCast, prelude::*};

use crate::web::browser::chrome;

#[wasm_bindgen]
extern "C" {
    /// The content security policy lets no other start than the package's.
    #[derive(Clone)]
    pub type Worker;
    #[wasm_bindgen(constructor, catch)]
    fn new(script: &str, options: &JsValue) -> Result<Worker, JsValue>;
    #[wasm_bindgen(method, catch, js_name = postMessage)]
    pub fn post(this: &Worker, message: &JsValue) -> Result<(), JsValue>;
    #[wasm_bindgen(method)]
    pub fn terminate(this: &Worker);
    #[wasm_bindgen(method, setter, js_name = onmessage)]
    fn set_onmessage(this: &Worker, heard: &Function);
    #[wasm_bindgen(method, setter, js_name = onerror)]
    fn set_onerror(this: &Worker, failed: &Function);
}

/// The worker at work, of which a section of a page has at most one.
pub type AtWork = Rc<RefCell<Option<Worker>>>;

/// Starts one; `hear` gets what it says, `fail` what broke it.
pub fn start(
    script: &str,
    mut hear: impl FnMut(JsValue) + 'static,
    mut fail: impl FnMut(String) + 'static,
) -> Result<Worker, JsValue> {
    let worker = Worker::new(script, &chrome::object(&[("type", "module".into())]))?;
    let heard = Closure::<dyn FnMut(JsValue)>::new(move |event: JsValue| hear(chrome::get(&event, "data")));
    worker.set_onmessage(heard.into_js_value().unchecked_ref());
    let failed = Closure::<dyn FnMut(JsValue)>::new(move |event: JsValue| {
        fail(chrome::get(&event, "message").as_string().unwrap_or_default());
    });
    worker.set_onerror(failed.into_js_value().unchecked_ref());
    Ok(worker)
}

/// Ends whatever worker there is.
pub fn end(at_work: &AtWork) {
    if let Some(worker) = at_work.take() {
        worker.terminate();
    }
}
