//! Protocol types to and from JavaScript values. Nothing here knows what a message means.

use serde::{Serialize, de::DeserializeOwned};
use wasm_bindgen::prelude::*;

use super::chrome;

/// The value as plain objects, arrays and numbers, as `JSON.parse` would make them.
pub fn to_js<T: Serialize>(value: &T) -> JsValue {
    value.serialize(&serde_wasm_bindgen::Serializer::json_compatible()).unwrap_or_else(|error| {
        // Protocol types hold nothing that can't be written; were it so, the asker gets undefined, not a dead worker.
        chrome::warn(&format!("Sotto: a message could not be written: {error}"));
        JsValue::UNDEFINED
    })
}

/// A request or reply: what `value` is, with its name beside it.
pub fn with_id<T: Serialize>(id: &str, value: &T) -> JsValue {
    let message = to_js(value);
    chrome::set(&message, "id", &id.into());
    message
}

pub fn from_js<T: DeserializeOwned>(value: JsValue) -> Result<T, String> {
    serde_wasm_bindgen::from_value(value).map_err(|error| error.to_string())
}
