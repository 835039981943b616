//! Protocol types to and from JavaScript values. Nothing here knows what a message means.

use js_sys::Object;
use serde::{Serialize, de::DeserializeOwned};
use wasm_bindgen::{JsCast, prelude::*};

use super::chrome;
use crate::protocol::Tagged;

/// The value as plain objects, arrays and numbers, as `JSON.parse` would make them.
pub fn to_js<T: Serialize>(value: &T) -> JsValue {
    value.serialize(&serde_wasm_bindgen::Serializer::json_compatible()).unwrap_or_else(|error| {
        // Protocol types hold nothing that can't be written; were it so, the asker gets undefined, not a dead worker.
        chrome::warn(&format!("Sotto: a message could not be written: {error}"));
        JsValue::UNDEFINED
    })
}

/// A message as JavaScript has it, with its kind in a field of its own.
pub fn tagged<T: Serialize + Tagged>(message: &T) -> JsValue {
    let written = to_js(message);
    let kind =
        if written.is_string() { written.clone() } else { Object::keys(written.unchecked_ref::<Object>()).get(0) };
    let fields = Object::assign(&Object::new(), chrome::get_by(&written, &kind).unchecked_ref());
    chrome::set(&fields, T::TAG, &kind);
    fields.into()
}

/// A request or reply, with its name beside it.
pub fn with_id<T: Serialize + Tagged>(id: &str, message: &T) -> JsValue {
    let message = tagged(message);
    chrome::set(&message, "id", &id.into());
    message
}

/// Reads a message whose kind stands in a field of its own.
pub fn from_tagged<T: DeserializeOwned + Tagged>(message: &JsValue) -> Result<T, String> {
    let kind = chrome::get(message, T::TAG);
    let Some(name) = kind.as_string() else { return Err(format!("it has no `{}`", T::TAG)) };
    // A kind without fields is its name alone, whatever stands beside it.
    from_js(chrome::object(&[(&name, message.clone())])).or_else(|problem| from_js(kind).map_err(|_| problem))
}

pub fn from_js<T: DeserializeOwned>(value: JsValue) -> Result<T, String> {
    serde_wasm_bindgen::from_value(value).map_err(|error| error.to_string())
}
