//! Texts that a person saves as a file. Nothing is asked of anybody: the browser has all of it.

use js_sys::Array;
use wasm_bindgen::prelude::*;
use web_sys::Blob;

use super::dom;

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(catch, js_namespace = URL, js_name = createObjectURL)]
    fn object_url(blob: &Blob) -> Result<String, JsValue>;
    #[wasm_bindgen(js_namespace = URL, js_name = revokeObjectURL)]
    fn revoke_url(url: &str);
}

/// Hands a text to the browser as a file of this name.
pub fn save(name: &str, text: &str) {
    let parts = Array::of1(&text.into());
    let Some(link) = dom::make("a", "", "") else { return };
    let Ok(url) = Blob::new_with_str_sequence(&parts).and_then(|blob| object_url(&blob)) else { return };
    dom::set_attribute(&link, "href", &url);
    dom::set_attribute(&link, "download", name);
    link.click();
    revoke_url(&url);
}
