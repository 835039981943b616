//! The settings' section on corrections: whether they are offered and gone by, those that are kept, and their file.

use js_sys::{Array, JSON};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use web_sys::{Blob, Element, HtmlElement, HtmlInputElement};

use super::{ask, dom, download, entries, format};
use crate::{
    protocol::{Answer, CORRECTIONS_MAX, Correction, Corrections, PageAsk, Reason, Refusal, Settings},
    web::browser::{chrome, wire},
};

/// Raised when a field changes its meaning.
const VERSION: f64 = 1.0;
const FIELD: &str = "sottoCorrections";
/// The latest; the others are counted.
const LISTED_MAX: usize = 50;
/// Letters of what a text or picture is known by, to tell one entry from another.
const NAME_LETTERS: usize = 8;

pub async fn wire(changed: fn()) {
    if let Some(switch) = dom::input("corrections-on") {
        dom::on(&switch.clone(), "change", move |_| {
            let on = switch.checked();
            async move {
                follow(ask_for(PageAsk::UseCorrections { on }).await);
                changed();
            }
        });
    }
    if let Some(button) = dom::by_id("corrections-save") {
        dom::on_press(&button, || async {
            if let Ok(corrections) = ask_for(PageAsk::Corrections).await {
                download::save("sotto-corrections.json", &written(&corrections));
            }
        });
    }
    if let Some(button) = dom::by_id("corrections-remove") {
        dom::on_press(&button, || async {
            if follow(ask_for(PageAsk::RemoveCorrections { correction: None }).await) {
                dom::say("corrections-said", &chrome::message("correctionsRemoved", &[]));
                dom::focus("corrections-on");
            }
        });
    }
    if let Some(input) = dom::input("corrections-import") {
        dom::on(&input.clone(), "change", move |_| import(input.clone()));
    }
    follow(ask_for(PageAsk::Corrections).await);
}

pub fn show(settings: &Settings) {
    if let Some(switch) = dom::input("corrections-on") {
        switch.set_checked(!settings.no_corrections);
    }
}

async fn ask_for(ask: PageAsk) -> Result<Corrections, Refusal> {
    match ask::ask(ask).await? {
        Answer::Corrections(corrections) => Ok(corrections),
        _ => Err(ask::unexpected()),
    }
}

/// Shows what is kept now; whether that is known.
fn follow(outcome: Result<Corrections, Refusal>) -> bool {
    dom::trouble(outcome.as_ref().err().map(dom::refusal_text).as_deref());
    let Ok(Corrections { kept, unread }) = outcome else { return false };
    let is_empty = kept.is_empty() && unread == 0;
    dom::show("corrections-none", is_empty);
    dom::show("corrections-some", !is_empty);
    dom::say("corrections-count", &format::counted("correctionsKept", kept.len() as u64, &[]));
    dom::show("corrections-unread", unread > 0);
    dom::say("corrections-unread", &format::counted("correctionsUnread", unread.into(), &[]));
    let listed: Vec<&Correction> = kept.iter().rev().take(LISTED_MAX).collect();
    let n_more = kept.len() - listed.len();
    dom::show("corrections-more", n_more > 0);
    dom::say("corrections-more", &format::counted("correctionsMore", n_more as u64, &[]));
    let Some(list) = dom::by_id("corrections-list") else { return true };
    let names: Vec<String> = listed.iter().map(|correction| name_of(correction).to_owned()).collect();
    let named = |name: &str| listed.iter().find(|correction| name_of(correction) == name).copied();
    entries::follow(
        &list,
        &names,
        |name| entry(named(name)?),
        |entry, name| {
            if let Some(correction) = named(name) {
                dom::say_part(entry, "said", &chrome::message(&format!("said_{}", word(correction)), &[]));
            }
        },
    );
    true
}

fn entry(correction: &Correction) -> Option<HtmlElement> {
    let entry = dom::from_template("corrections-entry")?;
    let what = match correction {
        Correction::Text { .. } => "correctedText",
        Correction::Picture { .. } => "correctedPicture",
    };
    let name: String = name_of(correction).chars().take(NAME_LETTERS).collect();
    let what = chrome::message(what, &[&name]);
    dom::say_part(&entry, "what", &what);
    let button = dom::part(&entry, "remove")?;
    dom::set_attribute(&button, "aria-label", &chrome::message("removeSite", &[&what]));
    let (pressed, correction): (Element, _) = (entry.clone().into(), correction.clone());
    dom::on_press(&button, move || {
        let (entry, correction) = (pressed.clone(), correction.clone());
        async move {
            let outcome = ask_for(PageAsk::RemoveCorrections { correction: Some(correction) }).await;
            if outcome.is_ok() {
                entries::focus_beside(&entry, "remove", "corrections-on");
            }
            follow(outcome);
        }
    });
    Some(entry)
}

fn name_of(correction: &Correction) -> &str {
    match correction {
        Correction::Text { hash, .. } => hash,
        Correction::Picture { likeness, .. } => likeness,
    }
}

/// As the protocol writes it, by which its sentence is named.
fn word(correction: &Correction) -> String {
    let (Correction::Text { said, .. } | Correction::Picture { said, .. }) = correction;
    wire::to_js(said).as_string().unwrap_or_default()
}

fn written(corrections: &Corrections) -> String {
    let file = chrome::object(&[(FIELD, VERSION.into()), ("corrections", wire::to_js(&corrections.kept))]);
    JSON::stringify_with_replacer_and_space(&file, &JsValue::NULL, &2.into()).map(String::from).unwrap_or_default()
}

/// Takes over what is right in a chosen file; or nothing, where that would be more than is kept.
async fn import(input: HtmlInputElement) {
    let Ok(file) = chrome::get(&chrome::get(&input, "files"), "0").dyn_into::<Blob>() else { return };
    let text = JsFuture::from(file.text()).await.ok().and_then(|text| text.as_string()).unwrap_or_default();
    input.set_value("");
    dom::say("corrections-said", &taken_over(&text).await);
}

async fn taken_over(text: &str) -> String {
    let not_ours = || chrome::message("correctionsNotOurs", &[]);
    let too_many = |n: usize| {
        chrome::message("correctionsTooMany", &[&format::count(n as u64), &format::count(CORRECTIONS_MAX as u64)])
    };
    let Ok(file) = JSON::parse(text) else { return not_ours() };
    let items = chrome::get(&file, "corrections");
    if !Array::is_array(&items) {
        return not_ours();
    }
    match chrome::get(&file, FIELD).as_f64() {
        Some(VERSION) => {}
        Some(version) if version > VERSION => return chrome::message("correctionsLater", &[&version.to_string()]),
        _ => return not_ours(),
    }
    let items = Array::from(&items);
    let n_items = items.length() as usize;
    if n_items > CORRECTIONS_MAX {
        return too_many(n_items);
    }
    let right = |item: JsValue| wire::from_js::<Correction>(item).ok().filter(Correction::is_right);
    let corrections: Vec<Correction> = items.iter().filter_map(right).collect();
    let n_taken = corrections.len();
    let outcome = ask_for(PageAsk::AddCorrections { corrections }).await;
    if outcome.as_ref().is_err_and(|refusal| refusal.reason == Reason::BadRequest) {
        return too_many(n_items);
    }
    if !follow(outcome) {
        return String::new();
    }
    let mut said = format::counted("correctionsTaken", n_taken as u64, &[]);
    if n_taken < n_items {
        said.push(' ');
        said.push_str(&format::counted("correctionsLeftOut", (n_items - n_taken) as u64, &[]));
    }
    said
}
