//! The parts of the settings page that concern all settings at once: the memory budget, the file, the reset, and what an
//! organisation has set. It must never know what a setting does.

use js_sys::Array;
use wasm_bindgen::{JsCast, prelude::*};
use wasm_bindgen_futures::JsFuture;
use web_sys::{Blob, HtmlInputElement, HtmlSelectElement};

use super::{ask, dom, options, settings_file};
use crate::{
    protocol::{Ask, Refusal, Settings},
    web::{chrome, sites},
};

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(catch, js_namespace = URL, js_name = createObjectURL)]
    fn object_url(blob: &Blob) -> Result<String, JsValue>;
    #[wasm_bindgen(js_namespace = URL, js_name = revokeObjectURL)]
    fn revoke_url(url: &str);
}

pub fn wire() {
    if let Some(choice) = budget_choice() {
        dom::on(&choice.clone(), "change", move |_| {
            let megabytes = choice.value().parse().ok();
            async move { change(|settings| settings.memory_budget_mb = megabytes).await }
        });
    }
    if let Some(button) = dom::by_id("settings-export") {
        dom::on_press(&button, export);
    }
    if let Some(button) = dom::by_id("settings-reset") {
        dom::on_press(&button, || async {
            keep(Settings::default()).await;
            dom::say("settings-said", &chrome::message("settingsResetDone", &[]));
        });
    }
    if let Some(input) = dom::input("settings-import") {
        dom::on(&input.clone(), "change", move |_| import(input.clone()));
    }
}

/// The state of these parts, and every part that an organisation has set locked.
pub fn show(settings: &Settings) {
    if let Some(choice) = budget_choice() {
        choice.set_value(&settings.memory_budget_mb.map(|megabytes| megabytes.to_string()).unwrap_or_default());
    }
    dom::show("managed", !settings.locked.is_empty());
    let Some(document) = dom::document() else { return };
    for name in &settings.locked {
        let Ok(inputs) = document.query_selector_all(&format!("[data-setting={name:?}] :is(input, select, button)"))
        else {
            continue;
        };
        for index in 0..inputs.length() {
            if let Some(Ok(input)) = inputs.item(index).map(|input| input.dyn_into::<web_sys::Element>()) {
                dom::set_attribute(&input, "disabled", "");
            }
        }
    }
}

async fn change(set: impl FnOnce(&mut Settings)) {
    match ask::settings().await {
        Ok(mut settings) => {
            set(&mut settings);
            keep(settings).await;
        }
        Err(refusal) => dom::trouble(Some(&dom::refusal_text(&refusal))),
    }
}

async fn keep(settings: Settings) {
    let kept: Result<_, Refusal> = ask::ask(Ask::KeepSettings { settings: Box::new(settings) }).await;
    dom::trouble(kept.err().map(|refusal| dom::refusal_text(&refusal)).as_deref());
    options::refresh().await;
}

async fn export() {
    let Ok(settings) = ask::settings().await else { return };
    let text = Array::of1(&settings_file::write(&settings).into());
    let Some(link) = dom::make("a", "", "") else { return };
    let Ok(url) = Blob::new_with_str_sequence(&text).and_then(|blob| object_url(&blob)) else { return };
    dom::set_attribute(&link, "href", &url);
    dom::set_attribute(&link, "download", "sotto-settings.json");
    link.click();
    revoke_url(&url);
}

/// Takes over what is right in a chosen file. Sites that it wants watched need the browser's permission, which is asked
/// for while the person's choice still counts; those that don't get it are not watched.
async fn import(input: HtmlInputElement) {
    let Some(file) = chosen(&input) else { return };
    let text = JsFuture::from(file.text()).await.ok().and_then(|text| text.as_string()).unwrap_or_default();
    input.set_value("");
    let Ok(now) = ask::settings().await else { return };
    let Some(read) = settings_file::read(&text, &now) else {
        return dom::say("settings-said", &chrome::message("settingsNotOurs", &[]));
    };
    let new_sites: Vec<String> = read.settings.guard_sites.iter().map(|site| sites::pattern_of(site)).collect();
    if !new_sites.is_empty() {
        let wanted: Vec<&str> = new_sites.iter().map(String::as_str).collect();
        let prompt = chrome::request_permission(&chrome::object(&[("origins", chrome::strings(&wanted))]));
        drop(JsFuture::from(prompt).await);
    }
    keep(read.settings).await;
    let said = match read.left_out.as_slice() {
        [] => chrome::message("settingsImported", &[]),
        left_out => chrome::message("settingsPartlyImported", &[&left_out.join(", ")]),
    };
    dom::say("settings-said", &said);
}

fn chosen(input: &HtmlInputElement) -> Option<Blob> {
    chrome::get(&chrome::get(input, "files"), "0").dyn_into().ok()
}

fn budget_choice() -> Option<HtmlSelectElement> {
    dom::by_id("budget")?.dyn_into().ok()
}
