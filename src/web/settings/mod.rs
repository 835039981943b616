//! What the person chose, kept in the browser's own storage under what an organisation has set. It must never know what
//! follows from a setting.

mod managed;

use std::future::Future;

use js_sys::{JSON, Object};
use wasm_bindgen::prelude::*;

use super::browser::{
    chrome,
    turns::{self, Turns},
    wire,
};
use crate::{
    protocol::{Action, Caution, ClassThreshold, LockState, PictureRules, Reason, Refusal, ResultPlace, Settings},
    tasks::nsfw,
};

pub use managed::watch as watch_managed;

const SETTINGS: &str = "settings";

thread_local! {
    static TURNS: Turns = turns::none_yet();
}

/// What the person chose, under what an organisation has set. Whether the browser lets the guard do as it is wished is the
/// rooms' to say that need it (`in_force`).
pub async fn settings() -> Settings {
    let (own, managed) = (stored().await, managed::settings().await);
    let mut settings = read(&own);
    let locked = lay_over(&mut settings, &managed).taken;
    settings.locked = locked;
    settings
}

/// Changes of the settings take turns. A click that gives the guard its permission makes two: the click's own and that of
/// the browser's event.
pub async fn in_turn<T>(change: impl Future<Output = T>) -> T {
    turns::in_turn(&TURNS, change).await
}

async fn stored() -> Object {
    let found = chrome::local_get(SETTINGS).await.map(|found| chrome::get(&found, SETTINGS));
    found.ok().and_then(|value| value.dyn_into().ok()).unwrap_or_default()
}

/// What is stored, as far as this version understands it; the rest has the presets and is named.
fn read(stored: &Object) -> Settings {
    let mut settings = Settings::default();
    settings.unread = lay_over(&mut settings, stored).left;
    settings
}

/// Which of some fields were taken over and which are none of ours, or not right.
struct Laid {
    taken: Vec<String>,
    left: Vec<String>,
}

/// All at once where all are right, as they nearly always are; else one by one, for a field that is not right is no reason to leave
/// out the rest.
fn lay_over(settings: &mut Settings, fields: &Object) -> Laid {
    let known = wire::to_js(&Settings::default());
    let names = names_of(fields);
    if names.iter().all(|name| !chrome::get(&known, name).is_undefined()) {
        let trial: Object = wire::to_js(settings).unchecked_into();
        if let Ok(right) = wire::from_js(Object::assign(&trial, fields).into()) {
            *settings = right;
            return Laid { taken: names, left: Vec::new() };
        }
    }
    let mut laid = Laid { taken: Vec::new(), left: Vec::new() };
    for name in names {
        let trial = wire::to_js(settings);
        chrome::set(&trial, &name, &chrome::get(fields, &name));
        match wire::from_js(trial) {
            Ok(right) if !chrome::get(&known, &name).is_undefined() => {
                *settings = right;
                laid.taken.push(name);
            }
            _ => laid.left.push(name),
        }
    }
    laid
}

/// Keeps what the person chose. Under what is locked stays what was there before, and so does what a later version stored
/// and this one does not understand.
pub async fn keep(settings: &Settings) -> Result<(), Refusal> {
    let before = stored().await;
    let (was, wanted) = (wire::to_js(&bare(&read(&before))), wire::to_js(&bare(settings)));
    let kept = Object::assign(&Object::new(), &before);
    let changed = |name: &String| !same(&chrome::get(&was, name), &chrome::get(&wanted, name));
    let names: Vec<String> = names_of(&wanted);
    for name in names.iter().filter(|name| !settings.locked.contains(name) && changed(name)) {
        chrome::set(&kept, name, &chrome::get(&wanted, name));
    }
    store(kept.into()).await
}

/// Keeps the presets, and forgets whatever else is stored; what is locked stays as it was.
pub async fn reset() -> Result<(), Refusal> {
    let (before, kept) = (stored().await, wire::to_js(&Settings::default()));
    for name in settings().await.locked {
        chrome::set(&kept, &name, &chrome::get(&before, &name));
    }
    store(kept).await
}

async fn store(kept: JsValue) -> Result<(), Refusal> {
    let items = chrome::object(&[(SETTINGS, kept)]);
    chrome::local_set(&items).await.map(drop).map_err(|thrown| Refusal {
        reason: Reason::Internal,
        detail: format!("settings can't be kept: {}; free some disk space", chrome::reason_of(&thrown)),
    })
}

/// Without what is never stored.
fn bare(settings: &Settings) -> Settings {
    Settings { locked: Vec::new(), unread: Vec::new(), lock: LockState::None, ..settings.clone() }
}

fn names_of(object: &JsValue) -> Vec<String> {
    let names = object.dyn_ref::<Object>().map(Object::keys).unwrap_or_default();
    names.iter().filter_map(|name| name.as_string()).collect()
}

fn same(one: &JsValue, other: &JsValue) -> bool {
    let text = |value: &JsValue| JSON::stringify(value).ok().and_then(|text| text.as_string());
    text(one) == text(other)
}

pub async fn show_results(place: ResultPlace) -> Result<(), Refusal> {
    in_turn(async { keep(&Settings { results: place, ..settings().await }).await }).await
}

/// Every class that is warned of, with the threshold in force.
pub async fn picture_rules() -> PictureRules {
    let settings = settings().await;
    let caution = Caution::from(&settings);
    let in_force = |&(name, preset): &(&str, f32)| ClassThreshold {
        name: name.to_owned(),
        preset,
        threshold: nsfw::threshold_of(name, &caution).unwrap_or(preset),
    };
    let classes = nsfw::THRESHOLDS.iter().map(in_force).collect();
    PictureRules { classes, careful: settings.careful, action: settings.action }
}

pub async fn keep_picture_rules(Caution { thresholds, careful }: Caution, action: Action) -> Result<(), Refusal> {
    if let Some((class, threshold)) = thresholds.iter().find(|(_, threshold)| !(0.0..=1.0).contains(*threshold)) {
        let detail = format!("{threshold} is no threshold for {class}; one lies between 0 and 1");
        return Err(Refusal { reason: Reason::BadRequest, detail });
    }
    in_turn(async { keep(&Settings { thresholds, careful, action, ..settings().await }).await }).await
}
