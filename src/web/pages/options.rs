//! The settings page: where verdicts appear, which text model judges, which sites the guard watches, which are protected and
//! what a passphrase keeps, the shortcut, the language, and how fast this computer is.

use wasm_bindgen::prelude::*;

use super::{
    ask, corrections, dom, measure, own_models, own_settings, passphrase, protected_sites,
    site_switch::{self, Switch},
    thresholds,
};
use crate::{
    protocol::{PageAsk, ResultPlace, Settings},
    web::browser::chrome,
};

#[wasm_bindgen]
pub async fn options() {
    results_place();
    let changed = || wasm_bindgen_futures::spawn_local(refresh());
    own_settings::wire(changed);
    if let Some(switch) = dom::input("guard-everywhere") {
        site_switch::wire(&switch, Switch::Guard, None, changed);
    }
    protected_sites::wire(changed);
    passphrase::wire();
    measure::wire();
    let name = chrome::message("languageName", &[]);
    dom::say("language", &chrome::message("languageNow", &[&name]));
    shortcut().await;
    refresh().await;
    passphrase::focus_if_wanted();
    corrections::wire(changed).await;
    own_models::wire().await;
    thresholds::wire(changed).await;
}

async fn refresh() {
    match ask::settings().await {
        Ok(settings) => show(&settings),
        Err(refusal) => dom::trouble(Some(&dom::refusal_text(&refusal))),
    }
}

fn show(settings: &Settings) {
    for (id, place) in [("results-card", ResultPlace::Card), ("results-popup", ResultPlace::Popup)] {
        if let Some(choice) = dom::input(id) {
            choice.set_checked(settings.results == place);
        }
    }
    if let Some(switch) = dom::input("guard-everywhere") {
        switch.set_checked(settings.guard_everywhere);
    }
    list("sites", "sites-part", &settings.guard_sites, false);
    // "Always allow" only means something while the guard is on everywhere.
    let allowed = if settings.guard_everywhere { settings.allowed_sites.as_slice() } else { &[] };
    list("allowed", "allowed-part", allowed, true);
    protected_sites::show(settings, || wasm_bindgen_futures::spawn_local(refresh()));
    own_settings::show(settings);
    corrections::show(settings);
    passphrase::show(settings);
    dom::show("no-sites", !settings.guard_everywhere && settings.guard_sites.is_empty());
}

/// A list of sites, each with a button that takes it off: the guard then is `on` there.
fn list(id: &str, part: &str, sites: &[String], on: bool) {
    dom::show(part, !sites.is_empty());
    let Some(list) = dom::by_id(id) else { return };
    dom::clear(&list);
    for site in sites {
        let (Some(item), Some(button)) =
            (dom::make("li", "", ""), dom::make("button", "", &chrome::message("remove", &[])))
        else {
            return;
        };
        dom::set_attribute(&button, "type", "button");
        dom::set_attribute(&button, "aria-label", &chrome::message("removeSite", &[site]));
        let taken_off = site.clone();
        dom::on_press(&button, move || {
            let site = taken_off.clone();
            async move {
                if let Err(refusal) = ask::ask(PageAsk::Guard { site: Some(site), on }).await {
                    dom::trouble(Some(&dom::refusal_text(&refusal)));
                }
                refresh().await;
            }
        });
        dom::append(&item, dom::make("span", "", site));
        dom::append(&item, Some(button));
        dom::append(&list, Some(item));
    }
}

fn results_place() {
    for (id, place) in [("results-card", ResultPlace::Card), ("results-popup", ResultPlace::Popup)] {
        let Some(choice) = dom::input(id) else { continue };
        dom::on(&choice, "change", move |_| async move {
            let kept = ask::ask(PageAsk::ShowResults { place }).await;
            dom::trouble(kept.err().map(|refusal| dom::refusal_text(&refusal)).as_deref());
        });
    }
}

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(catch, js_namespace = ["chrome", "commands"], js_name = getAll)]
    async fn all_commands() -> Result<JsValue, JsValue>;
}

async fn shortcut() {
    let commands = all_commands().await.map(|commands| js_sys::Array::from(&commands)).unwrap_or_default();
    let keys = commands
        .iter()
        .find(|command| chrome::get(command, "name").as_string().as_deref() == Some("classify-selection"))
        .and_then(|command| chrome::get(&command, "shortcut").as_string())
        .filter(|keys| !keys.is_empty());
    let words = match keys {
        Some(keys) => chrome::message("shortcutNow", &[&keys]),
        None => chrome::message("shortcutNone", &[]),
    };
    dom::say("shortcut", &words);
}
