//! The browser's own sha256.

use js_sys::{Promise, Uint8Array};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(catch, js_namespace = ["crypto", "subtle"])]
    fn digest(algorithm: &str, bytes: &JsValue) -> Result<Promise, JsValue>;
}

/// The sha256 of an ArrayBuffer or a view.
pub async fn sha256(bytes: &JsValue) -> Result<Vec<u8>, JsValue> {
    let sum = JsFuture::from(digest("SHA-256", bytes)?).await?;
    Ok(Uint8Array::new(&sum).to_vec())
}

pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
