//! The page that says why nothing leaves: it shows the manifest's own policy, not a copy of it.

use wasm_bindgen::prelude::*;

use super::dom;
use crate::web::browser::chrome;

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_namespace = ["chrome", "runtime"], js_name = getManifest)]
    fn manifest() -> JsValue;
}

#[wasm_bindgen]
pub async fn privacy() {
    let policies = chrome::get(&manifest(), "content_security_policy");
    let policy = chrome::get(&policies, "extension_pages").as_string().unwrap_or_default();
    dom::say("policy", &policy.replace("; ", ";\n"));
}
