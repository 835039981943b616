//! Files of the package that the page has judged (extension/pages/packaged.js reads them).

use wasm_bindgen::{JsCast, prelude::*};
use wasm_bindgen_futures::JsFuture;
use web_sys::Blob;

use super::run::{Failure, Run};
use crate::web::browser::chrome;

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(catch, js_name = sottoPackaged)]
    async fn packaged(file: &str) -> Result<JsValue, JsValue>;
}

/// By its name below proof/.
pub async fn file(run: &Run, name: &str) -> Result<Blob, Failure> {
    let read = async { packaged(name).await?.dyn_into::<Blob>() };
    run.wait_for(read).await?.map_err(|_| missing(name))
}

/// The text of one.
pub async fn text(run: &Run, name: &str) -> Result<String, Failure> {
    let blob = file(run, name).await?;
    let text = run.wait_for(JsFuture::from(blob.text())).await?;
    text.ok().and_then(|text| text.as_string()).ok_or_else(|| missing(name))
}

fn missing(name: &str) -> Failure {
    Failure::Said(chrome::message("proofMissing", &[name]))
}
