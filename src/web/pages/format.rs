//! Figures the way the person's language writes them.

use std::iter;

use js_sys::{Array, Date, Intl::PluralRules, Number, Object};
use wasm_bindgen::{JsCast, prelude::*};

use crate::web::browser::chrome;

#[wasm_bindgen]
extern "C" {
    type Localised;

    #[wasm_bindgen(method, js_name = toLocaleString)]
    fn write(this: &Localised, locale: &str, options: &JsValue) -> String;
}

fn write(value: f64, options: &[(&str, JsValue)]) -> String {
    Number::from(value).unchecked_into::<Localised>().write(&chrome::language(), &chrome::object(options))
}

pub fn count(value: u64) -> String {
    write(value as f64, &[])
}

/// The form of a text that the language has for so many; `$1` is the count, `others` come after it.
pub fn counted(key: &str, value: u64, others: &[&str]) -> String {
    let language = Array::of1(&chrome::message("languageTag", &[]).into());
    let form = String::from(PluralRules::new(&language, &Object::new()).select(value as f64));
    let number = count(value);
    let parts: Vec<&str> = iter::once(number.as_str()).chain(others.iter().copied()).collect();
    let exact = chrome::message_or_none(&format!("{key}_{form}"), &parts);
    exact.unwrap_or_else(|| chrome::message(&format!("{key}_other"), &parts))
}

/// Nothing is ever quite sure: a share is said as at most 99 %.
pub fn percent(share: f64) -> String {
    write(share.min(0.99), &[("style", "percent".into()), ("maximumFractionDigits", 0.into())])
}

/// A share that somebody chose, which may well be all of it.
pub fn whole_percent(share: f64) -> String {
    write(share, &[("style", "percent".into()), ("maximumFractionDigits", 0.into())])
}

/// A share that was measured: all of it, or none, can be meant.
pub fn fine_percent(share: f64) -> String {
    write(share, &[("style", "percent".into()), ("maximumFractionDigits", 1.into())])
}

/// A figure that is no count.
pub fn tenths(value: f64) -> String {
    write(value, &[("maximumFractionDigits", 1.into())])
}

pub fn megabytes(bytes: u64) -> String {
    let digits = if bytes < 10_000_000 { 1 } else { 0 };
    write(
        bytes as f64 / 1e6,
        &[("style", "unit".into()), ("unit", "megabyte".into()), ("maximumFractionDigits", digits.into())],
    )
}

pub fn milliseconds(ms: f64) -> String {
    let digits = if ms < 10.0 { 1 } else { 0 };
    write(ms, &[("style", "unit".into()), ("unit", "millisecond".into()), ("maximumFractionDigits", digits.into())])
}

/// The time of day, with the date where it is not today's.
pub fn moment(epoch_ms: f64) -> String {
    let date = Date::new(&epoch_ms.into());
    let short = JsValue::from_str("short");
    let mut style = vec![("timeStyle", short.clone())];
    if date.to_date_string() != Date::new_0().to_date_string() {
        style.push(("dateStyle", short));
    }
    date.unchecked_into::<Localised>().write(&chrome::language(), &chrome::object(&style))
}
