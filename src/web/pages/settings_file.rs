//! Settings as a file: written for the person, and read back as far as it is right. What can't be taken over is named,
//! one by one, and the rest is taken. It must never guess what somebody meant.

use js_sys::{Array, JSON, Object};
use wasm_bindgen::prelude::*;

use crate::{
    protocol::{LockState, Settings, SiteRule},
    web::browser::{chrome, sites, wire},
};

/// Raised when a field changes its meaning; an unknown or missing field is no reason.
const VERSION: f64 = 1.0;

/// A file's valid parts over what the person has now, and the names of what was left out.
#[derive(Debug)]
pub struct Read {
    pub settings: Settings,
    pub left_out: Vec<String>,
}

pub fn write(settings: &Settings) -> String {
    let kept =
        wire::to_js(&Settings { locked: Vec::new(), unread: Vec::new(), lock: LockState::None, ..settings.clone() });
    let file = chrome::object(&[("sottoSettings", VERSION.into()), ("settings", kept)]);
    JSON::stringify_with_replacer_and_space(&file, &JsValue::NULL, &2.into()).map(String::from).unwrap_or_default()
}

/// Why nothing of a text is taken over.
pub enum NotRead {
    /// It is no settings file.
    NotOurs,
    /// It is one of a later version, which may mean something else by the same names.
    Later(String),
}

pub fn read(text: &str, now: &Settings) -> Result<Read, NotRead> {
    let file = JSON::parse(text).map_err(|_| NotRead::NotOurs)?;
    let given: Object = chrome::get(&file, "settings").dyn_into().map_err(|_| NotRead::NotOurs)?;
    match chrome::get(&file, "sottoSettings").as_f64() {
        Some(version) if version > VERSION => return Err(NotRead::Later(version.to_string())),
        Some(VERSION) if !Array::is_array(&given) => {}
        _ => return Err(NotRead::NotOurs),
    }
    let mut read = Read { settings: now.clone(), left_out: Vec::new() };
    for entry in Object::entries(&given).iter() {
        let (name, value) = (Array::from(&entry).get(0).as_string().unwrap_or_default(), Array::from(&entry).get(1));
        let value = match name.as_str() {
            "guardSites" | "allowedSites" => only_sites(&name, &value, &mut read.left_out),
            "thresholds" => only_right(&name, &value, &mut read.left_out, is_share),
            "protectSites" => only_right(&name, &value, &mut read.left_out, is_switch),
            "protectRules" => only_right(&name, &value, &mut read.left_out, is_rule),
            _ => value,
        };
        // What is locked is never written, so it is no field of a file.
        let is_known = !chrome::get(&wire::to_js(&Settings::default()), &name).is_undefined();
        let trial = wire::to_js(&read.settings);
        chrome::set(&trial, &name, &value);
        match wire::from_js(trial) {
            Ok(settings) if is_known => read.settings = settings,
            _ => read.left_out.push(name),
        }
    }
    Ok(read)
}

/// The sites of a list; whatever else stands in it is left out.
fn only_sites(name: &str, value: &JsValue, left_out: &mut Vec<String>) -> JsValue {
    if !Array::is_array(value) {
        return value.clone();
    }
    let is_right = |site: &JsValue| site.as_string().is_some_and(|site| is_site(&site));
    let (right, wrong): (Vec<JsValue>, Vec<JsValue>) = Array::from(value).iter().partition(is_right);
    left_out.extend(wrong.iter().map(|site| format!("{name}: {}", shown(site))));
    right.into_iter().collect::<Array>().into()
}

/// The entries of a table that are right by their name and value.
fn only_right(
    name: &str,
    value: &JsValue,
    left_out: &mut Vec<String>,
    is_right: impl Fn(&str, &JsValue) -> bool,
) -> JsValue {
    let Some(table) = value.dyn_ref::<Object>().filter(|table| !Array::is_array(table)) else { return value.clone() };
    let right = Object::new();
    for entry in Object::entries(table).iter() {
        let (key, value) = (Array::from(&entry).get(0).as_string().unwrap_or_default(), Array::from(&entry).get(1));
        if is_right(&key, &value) {
            chrome::set(&right, &key, &value);
        } else {
            left_out.push(format!("{name}: {key}"));
        }
    }
    right.into()
}

/// A number from 0 to 1, whatever the class.
fn is_share(_: &str, share: &JsValue) -> bool {
    share.as_f64().is_some_and(|share| (0.0..=1.0).contains(&share))
}

fn is_switch(site: &str, on: &JsValue) -> bool {
    is_site(site) && on.as_bool().is_some()
}

fn is_rule(site: &str, rule: &JsValue) -> bool {
    is_site(site) && rule.is_object() && wire::from_js::<SiteRule>(rule.clone()).is_ok()
}

fn is_site(site: &str) -> bool {
    sites::site_of(site).as_deref() == Some(site)
}

fn shown(value: &JsValue) -> String {
    let text = JSON::stringify(value).map(String::from).unwrap_or_default();
    text.chars().take(60).collect()
}
