//! A message before it is known who sent it: its picture is taken off, and its length looked at where it is. Linear memory never
//! shrinks, so nothing long may enter it. Nothing here knows what a message means.

use js_sys::{Array, JsString, Object};
use wasm_bindgen::{JsCast, prelude::*};

use super::chrome;
use crate::protocol::TEXT_UNITS_MAX;

/// Cuts a message's `text` where it is longer than any text is read; true when it was.
pub fn cut_text(message: &JsValue) -> bool {
    let Ok(text) = chrome::get(message, "text").dyn_into::<js_sys::JsString>() else { return false };
    let is_long = text.length() > TEXT_UNITS_MAX;
    if is_long {
        chrome::set(message, "text", &text.slice(0, TEXT_UNITS_MAX).into());
    }
    is_long
}

/// Parts a message into what protocol/ describes and the picture beside it (undefined where there is none).
pub fn take_picture(message: &JsValue) -> (JsValue, JsValue) {
    let Some(given) = message.dyn_ref::<Object>() else { return (JsValue::NULL, JsValue::UNDEFINED) };
    let rest = Object::assign(&Object::new(), given);
    let picture = chrome::get(&rest, "picture");
    let _ = js_sys::Reflect::delete_property(&rest, &JsValue::from_str("picture"));
    (rest.into(), picture)
}

/// How deep a message may nest.
const DEPTH_MAX: u32 = 4;
/// What a number, a name or an empty object counts for, in UTF-16 code units.
const UNITS_PER_VALUE: u32 = 8;

/// Whether a message is longer than `units_max`, all strings, names and values counted, or holds what no message does
/// (typed arrays, maps). Looks at lengths alone, so nothing of the message enters linear memory.
pub fn is_longer_than(message: &JsValue, units_max: u32) -> bool {
    let mut units_left = units_max;
    !spend(message, &mut units_left, DEPTH_MAX)
}

/// Takes those parts off an object that are longer than `units_max` each, so that one of them costs no other.
pub fn without_long_parts(message: &JsValue, units_max: u32) {
    let Some(object) = message.dyn_ref::<Object>() else { return };
    for name in Object::keys(object).iter().filter(|name| is_longer_than(&chrome::get_by(object, name), units_max)) {
        // Refused only where a page froze it; then all of it is too long.
        let _ = js_sys::Reflect::delete_property(object, &name);
    }
}

fn spend(value: &JsValue, units_left: &mut u32, depth_left: u32) -> bool {
    let n_units = value.dyn_ref::<JsString>().map_or(0, JsString::length).saturating_add(UNITS_PER_VALUE);
    let Some(rest) = units_left.checked_sub(n_units) else { return false };
    *units_left = rest;
    if !value.is_object() {
        return true;
    }
    if depth_left == 0 {
        return false;
    }
    let mut spend_all = |values: &Array| {
        values.length() <= *units_left && values.iter().all(|value| spend(&value, units_left, depth_left - 1))
    };
    match value.dyn_ref::<Array>() {
        Some(list) => spend_all(list),
        None if is_plain(value) => {
            let object: &Object = value.unchecked_ref();
            spend_all(&Object::keys(object)) && spend_all(&Object::values(object))
        }
        None => false,
    }
}

/// Whether an object is one of the kind that `{}` makes.
fn is_plain(value: &JsValue) -> bool {
    let of = |value: &JsValue| Object::get_prototype_of(value);
    Object::is(&of(value), &of(&Object::new()))
}
