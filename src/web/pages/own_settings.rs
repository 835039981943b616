//! The parts of the settings page that concern all settings at once: the file, the reset, and what an
//! organisation has set. It must never know what a setting does.

use std::{cell::RefCell, rc::Rc};

use wasm_bindgen::JsCast;
use wasm_bindgen_futures::JsFuture;
use web_sys::{Blob, HtmlInputElement};

use super::{
    ask, bound, dom, download,
    settings_file::{self, NotRead, Read},
    site_switch::{Powers, Switch},
};
use crate::{
    protocol::{PageAsk, Refusal, Settings},
    web::browser::chrome,
};

/// `changed` hears when settings were kept anew.
pub fn wire(changed: fn()) {
    bound::wire(changed);
    if let Some(button) = dom::by_id("settings-export") {
        dom::on_press(&button, export);
    }
    if let Some(button) = dom::by_id("settings-reset") {
        dom::on_press(&button, move || async move {
            keep(Settings::default(), changed).await;
            dom::say("settings-said", &chrome::message("settingsResetDone", &[]));
        });
    }
    if let Some(input) = dom::input("settings-import") {
        dom::on(&input.clone(), "change", move |_| import(input.clone(), changed));
    }
}

/// The state of these parts, and every part that an organisation has set locked.
pub fn show(settings: &Settings) {
    bound::show(settings);
    dom::show("managed", !settings.locked.is_empty());
    dom::show("unread", !settings.unread.is_empty());
    dom::say("unread", &chrome::message("settingsUnread", &[&settings.unread.join(", ")]));
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

async fn keep(settings: Settings, changed: fn()) {
    let kept: Result<_, Refusal> = ask::ask(PageAsk::KeepSettings { settings: Box::new(settings) }).await;
    dom::trouble(kept.err().map(|refusal| dom::refusal_text(&refusal)).as_deref());
    changed();
}

async fn export() {
    let Ok(settings) = ask::settings().await else { return };
    download::save("sotto-settings.json", &settings_file::write(&settings));
}

/// Takes over what is right in a chosen file. Where it wants sites watched or protected for which the browser has given no permission
/// yet, the person is asked first: browsers take a click for a gesture, and no file that was chosen.
async fn import(input: HtmlInputElement, changed: fn()) {
    let Some(file) = chosen(&input) else { return };
    let text = JsFuture::from(file.text()).await.ok().and_then(|text| text.as_string()).unwrap_or_default();
    input.set_value("");
    let Ok(now) = ask::settings().await else { return };
    dom::show("import-sites", false);
    let read = match settings_file::read(&text, &now) {
        Ok(read) => read,
        Err(NotRead::NotOurs) => return dom::say("settings-said", &chrome::message("settingsNotOurs", &[])),
        Err(NotRead::Later(version)) => {
            return dom::say("settings-said", &chrome::message("settingsLater", &[&version]));
        }
    };
    let missing = Unpermitted::of(&read.settings).await;
    if missing.powers == Powers::default() {
        return take_over(read, changed).await;
    }
    ask_for_sites(read, missing, changed);
}

/// What some settings want that the browser does not permit yet: for which sites, as a person reads them, and the permissions.
#[derive(Default)]
struct Unpermitted {
    guarded: Vec<String>,
    protected: Vec<String>,
    powers: Powers,
}

impl Unpermitted {
    async fn of(settings: &Settings) -> Self {
        let mut missing = Self::default();
        let everywhere = settings.guard_everywhere.then_some(None);
        for site in everywhere.into_iter().chain(settings.guard_sites.iter().map(Some)) {
            let powers = Switch::Guard.powers(site.map(String::as_str));
            if !powers.are_granted().await {
                missing.guarded.push(site.cloned().unwrap_or_else(all_sites));
                missing.powers.add(powers);
            }
        }
        let powers = Switch::Protection.powers(None);
        if settings.protects_any() && !powers.are_granted().await {
            missing.protected = protected(settings);
            missing.powers.add(powers);
        }
        missing
    }

    fn words(&self) -> String {
        let mut words = Vec::new();
        if !self.guarded.is_empty() {
            words.push(chrome::message("importSites", &[&self.guarded.join(", ")]));
        }
        if !self.protected.is_empty() {
            words.push(chrome::message("importProtected", &[&self.protected.join(", ")]));
        }
        words.join(" ")
    }
}

/// The sites whose pictures some settings want protected.
fn protected(settings: &Settings) -> Vec<String> {
    let named = settings.protect_sites.iter().filter(|&(_, &is_protected)| is_protected);
    let everywhere = settings.protect_everywhere.then(all_sites);
    everywhere.into_iter().chain(named.map(|(site, _)| site.clone())).collect()
}

fn all_sites() -> String {
    chrome::message("allSites", &[])
}

/// Shows what the file wants watched or protected, with a button that has the browser ask, and one that leaves the sites out.
fn ask_for_sites(read: Read, missing: Unpermitted, changed: fn()) {
    dom::say("import-sites-said", &missing.words());
    dom::show("import-sites", true);
    let waiting = Rc::new(RefCell::new(Some(read)));
    for (id, is_asked) in [("import-sites-ask", true), ("import-sites-skip", false)] {
        // A new button each time: the last file's listeners go with the last one.
        let Some(button) = dom::renewed(id) else { continue };
        let (waiting, powers) = (Rc::clone(&waiting), missing.powers.clone());
        dom::on_press(&button, move || {
            // Here, and not inside the future: later the click no longer counts.
            let prompt = is_asked.then(|| powers.request());
            let read = waiting.take();
            async move {
                if let Some(prompt) = prompt {
                    drop(JsFuture::from(prompt).await);
                }
                if let Some(read) = read {
                    dom::show("import-sites", false);
                    take_over(read, changed).await;
                }
            }
        });
    }
}

/// Keeps a file's settings, and says what of them is not in force.
async fn take_over(read: Read, changed: fn()) {
    let Read { settings: wanted, mut left_out } = read;
    keep(wanted.clone(), changed).await;
    if let Ok(in_force) = ask::settings().await {
        let unwatched = wanted.guard_sites.iter().filter(|site| !in_force.guard_sites.contains(site));
        let everywhere = (wanted.guard_everywhere && !in_force.guard_everywhere).then(all_sites);
        let unwatched: Vec<String> = everywhere.into_iter().chain(unwatched.cloned()).collect();
        if !unwatched.is_empty() {
            left_out.push(chrome::message("importUnwatched", &[&unwatched.join(", ")]));
        }
        let in_force = protected(&in_force);
        let unprotected: Vec<String> = protected(&wanted).into_iter().filter(|site| !in_force.contains(site)).collect();
        if !unprotected.is_empty() {
            left_out.push(chrome::message("importUnprotected", &[&unprotected.join(", ")]));
        }
    }
    let said = match left_out.as_slice() {
        [] => chrome::message("settingsImported", &[]),
        left_out => chrome::message("settingsPartlyImported", &[&left_out.join(", ")]),
    };
    dom::say("settings-said", &said);
}

fn chosen(input: &HtmlInputElement) -> Option<Blob> {
    chrome::get(&chrome::get(input, "files"), "0").dyn_into().ok()
}
