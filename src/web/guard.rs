//! What the person chose, kept in the browser's own storage, and the upload guard that follows from it: registered only
//! where it was turned on and the browser's permission was given. It must never see a file.

use std::{cell::RefCell, collections::BTreeMap, future::Future};

use js_sys::{Array, Object, Promise};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;

use super::{
    chrome, managed,
    sites::{pattern_of, site_of},
    wire,
};
use crate::{
    protocol::{Action, ClassThreshold, PictureRules, Reason, Refusal, ResultPlace, Settings},
    tasks::nsfw,
};

const SETTINGS: &str = "settings";
const SCRIPT_ID: &str = "guard";
const SCRIPTS: [&str; 5] =
    ["content/pointer.js", "content/surface.js", "content/dialog.js", "content/check.js", "content/guard.js"];
/// What must run in the page's own world, beside the guard.
const PICKERS_ID: &str = "guard-pickers";
const PICKERS: [&str; 1] = ["content/pickers.js"];
const EVERYWHERE: &str = "<all_urls>";
const ISOLATED: &str = "ISOLATED";
const MAIN: &str = "MAIN";

/// What the person chose, under what an organisation has set.
pub async fn settings() -> Settings {
    let (own, managed) = (own_settings().await, managed::settings().await);
    let mut settings: Settings = wire::from_js(own.clone().into()).unwrap_or_default();
    for name in Object::keys(&managed).iter().filter_map(|name| name.as_string()) {
        // One by one: a field that is not right is no reason to leave out the rest.
        let trial = wire::to_js(&settings);
        chrome::set(&trial, &name, &chrome::get(&managed, &name));
        if let Ok(right) = wire::from_js(trial) {
            settings = right;
            settings.locked.push(name);
        }
    }
    settings
}

async fn own_settings() -> Object {
    let found = chrome::local_get(SETTINGS).await.map(|found| chrome::get(&found, SETTINGS));
    found.ok().and_then(|value| value.dyn_into().ok()).unwrap_or_default()
}

/// Keeps what the person chose; under what is locked stays what was there before.
async fn keep(settings: &Settings) -> Result<(), Refusal> {
    let kept = wire::to_js(&Settings { locked: Vec::new(), ..settings.clone() });
    let before = own_settings().await;
    for name in &settings.locked {
        chrome::set(&kept, name, &chrome::get(&before, name));
    }
    let items = chrome::object(&[(SETTINGS, kept)]);
    chrome::local_set(&items).await.map(drop).map_err(|thrown| Refusal {
        reason: Reason::Internal,
        detail: format!("settings can't be kept: {}; free some disk space", chrome::reason_of(&thrown)),
    })
}

thread_local! {
    /// Fulfilled when the last change that was asked for is through.
    static LAST_CHANGE: RefCell<Promise> = RefCell::new(Promise::resolve(&JsValue::UNDEFINED));
}

/// Changes take turns: each reads what is kept and keeps it anew, and the browser must not be told of two at once. A click that
/// gives the guard its permission makes two: the click's own and that of the browser's event.
async fn in_turn<T>(change: impl Future<Output = T>) -> T {
    let mut done = None;
    let mine = Promise::new(&mut |resolve, _| done = Some(resolve));
    let before = LAST_CHANGE.replace(mine);
    // It is only ever fulfilled.
    drop(JsFuture::from(before).await);
    let outcome = change.await;
    if let Some(done) = done {
        drop(done.call0(&JsValue::UNDEFINED));
    }
    outcome
}

/// Keeps all settings anew, and registers the guard as they say.
pub async fn replace(mut wanted: Settings) -> Result<(), Refusal> {
    let settings = in_turn(async {
        wanted.locked = settings().await.locked;
        keep(&wanted).await?;
        let settings = settings().await;
        register(&settings).await?;
        Ok::<Settings, Refusal>(settings)
    })
    .await?;
    tell_open_tabs().await;
    for pattern in patterns(&settings) {
        start_in_open_tabs(&pattern, &settings).await;
    }
    Ok(())
}

pub async fn show_results(place: ResultPlace) -> Result<(), Refusal> {
    in_turn(async { keep(&Settings { results: place, ..settings().await }).await }).await
}

/// Every class that is warned of, with the threshold in force.
pub async fn picture_rules() -> PictureRules {
    let settings = settings().await;
    let in_force = |&(name, preset): &(&str, f32)| ClassThreshold {
        name: name.to_owned(),
        preset,
        threshold: nsfw::threshold_of(name, &settings.thresholds).unwrap_or(preset),
    };
    PictureRules { classes: nsfw::THRESHOLDS.iter().map(in_force).collect(), action: settings.action }
}

pub async fn keep_picture_rules(thresholds: BTreeMap<String, f32>, action: Action) -> Result<(), Refusal> {
    if let Some((class, threshold)) = thresholds.iter().find(|(_, threshold)| !(0.0..=1.0).contains(*threshold)) {
        let detail = format!("{threshold} is no threshold for {class}; one lies between 0 and 1");
        return Err(Refusal { reason: Reason::BadRequest, detail });
    }
    in_turn(async { keep(&Settings { thresholds, action, ..settings().await }).await }).await
}

/// Turns the guard on or off for one site or for all. The page that asks has the browser's prompt answered first or
/// at the same time; without the permission nothing is registered.
pub async fn switch(site: Option<String>, on: bool) -> Result<(), Refusal> {
    if let Some(site) = site.as_ref().filter(|&site| site_of(site).as_ref() != Some(site)) {
        let detail = format!("{site:?} is not a site like https://example.com");
        return Err(Refusal { reason: Reason::BadRequest, detail });
    }
    let settings = in_turn(async {
        let mut settings = settings().await;
        match &site {
            None => settings.guard_everywhere = on,
            Some(site) => {
                settings.guard_sites.retain(|kept| kept != site);
                settings.allowed_sites.retain(|kept| kept != site);
                if on {
                    settings.guard_sites.push(site.clone());
                } else if settings.guard_everywhere {
                    settings.allowed_sites.push(site.clone());
                }
            }
        }
        keep(&settings).await?;
        register(&settings).await?;
        Ok::<Settings, Refusal>(settings)
    })
    .await?;
    let pattern = site.as_deref().map_or_else(|| EVERYWHERE.to_owned(), pattern_of);
    if on {
        start_in_open_tabs(&pattern, &settings).await;
    } else {
        tell_open_tabs().await;
        if !settings.guard_everywhere {
            // Refused for permissions the manifest requires, of which there are none in what ships.
            let _ = chrome::remove_permission(&origins(&[&pattern])).await;
        }
    }
    Ok(())
}

/// The person said "always allow on this site" where the guard spoke.
pub async fn allow(site: &str) -> Result<(), Refusal> {
    switch(Some(site.to_owned()), false).await
}

/// The browser's permissions changed, or the browser started: forget what may no longer be watched, and register the
/// rest anew.
#[wasm_bindgen(js_name = permissionsChanged)]
pub async fn follow_permissions() {
    let settings = in_turn(async {
        let mut settings = settings().await;
        settings.guard_everywhere = settings.guard_everywhere && granted(EVERYWHERE).await;
        let mut sites = Vec::new();
        for site in settings.guard_sites {
            if granted(&pattern_of(&site)).await {
                sites.push(site);
            }
        }
        settings.guard_sites = sites;
        let kept = async {
            keep(&settings).await?;
            register(&settings).await
        };
        if let Err(refusal) = kept.await {
            chrome::warn(&format!("Sotto: {}", refusal.detail));
        }
        settings
    })
    .await;
    for pattern in patterns(&settings) {
        start_in_open_tabs(&pattern, &settings).await;
    }
    tell_open_tabs().await;
}

/// Refuses where a site is no longer watched. A frame that no site can be named for keeps its guard: it came with one.
pub async fn watched(site: Option<&str>) -> Result<(), Refusal> {
    let Some(site) = site else { return Ok(()) };
    if settings().await.watches(site) && granted(&pattern_of(site)).await {
        return Ok(());
    }
    Err(Refusal { reason: Reason::OffLimits, detail: format!("the guard is off on {site}") })
}

fn patterns(settings: &Settings) -> Vec<String> {
    if settings.guard_everywhere {
        return vec![EVERYWHERE.to_owned()];
    }
    settings.guard_sites.iter().map(|site| pattern_of(site)).collect()
}

async fn granted(pattern: &str) -> bool {
    chrome::has_permission(&origins(&[pattern])).await.is_ok_and(|answer| answer.is_truthy())
}

fn origins(patterns: &[&str]) -> JsValue {
    chrome::object(&[("origins", chrome::strings(patterns))])
}

/// Registers guard.js for exactly the sites where it is on and permitted.
async fn register(settings: &Settings) -> Result<(), Refusal> {
    for id in [SCRIPT_ID, PICKERS_ID] {
        // Rejects when it was not registered, which is what is wanted.
        let _ = chrome::unregister_content_scripts(&chrome::object(&[("ids", chrome::strings(&[id]))])).await;
    }
    let mut matches = Vec::new();
    for pattern in patterns(settings) {
        if granted(&pattern).await {
            matches.push(pattern);
        }
    }
    if matches.is_empty() {
        return Ok(());
    }
    let allowed: Vec<String> = settings.allowed_sites.iter().map(|site| pattern_of(site)).collect();
    let script = |id: &str, world: &str, files: &[&str]| {
        let script = chrome::object(&[
            ("id", id.into()),
            ("js", chrome::strings(files)),
            ("world", world.into()),
            ("matches", list(&matches)),
            ("runAt", "document_start".into()),
            ("allFrames", true.into()),
            ("matchOriginAsFallback", true.into()),
            ("persistAcrossSessions", true.into()),
        ]);
        if !allowed.is_empty() {
            chrome::set(&script, "excludeMatches", &list(&allowed));
        }
        script
    };
    let scripts = Array::of2(&script(SCRIPT_ID, ISOLATED, &SCRIPTS), &script(PICKERS_ID, MAIN, &PICKERS));
    chrome::register_content_scripts(&scripts).await.map(drop).map_err(|thrown| Refusal {
        reason: Reason::Internal,
        detail: format!("the browser did not take the upload guard: {}", chrome::reason_of(&thrown)),
    })
}

async fn start_in_open_tabs(pattern: &str, settings: &Settings) {
    if !granted(pattern).await {
        return;
    }
    for tab in open_tabs(&chrome::object(&[("url", pattern.into())])).await {
        let site = chrome::get(&tab, "url").as_string().and_then(|url| site_of(&url));
        if site.is_some_and(|site| settings.allowed_sites.contains(&site)) {
            continue;
        }
        for (world, files) in [(ISOLATED, SCRIPTS.as_slice()), (MAIN, PICKERS.as_slice())] {
            let target = chrome::object(&[("tabId", chrome::get(&tab, "id")), ("allFrames", true.into())]);
            let files = chrome::strings(files);
            let injection = chrome::object(&[("target", target), ("files", files), ("world", world.into())]);
            // Refused for tabs that show the browser's own pages; they have no uploads.
            let _ = chrome::execute_script(&injection).await;
        }
        // Frames of sites that are not watched stand among the tab's: theirs stop by themselves.
        tell_tab(&tab).await;
    }
}

/// Has every guard ask whether it is still wanted: a site's frames stand in tabs of other sites too.
async fn tell_open_tabs() {
    for tab in open_tabs(&chrome::object(&[])).await {
        tell_tab(&tab).await;
    }
}

async fn tell_tab(tab: &JsValue) {
    if let Some(id) = chrome::get(tab, "id").as_f64() {
        let changed = chrome::object(&[("sotto", "guardChanged".into())]);
        // Rejects where no guard listens.
        let _ = chrome::send_to_tab(id as i32, &changed, &chrome::object(&[])).await;
    }
}

async fn open_tabs(filter: &JsValue) -> Vec<JsValue> {
    chrome::query_tabs(filter).await.map(|tabs| Array::from(&tabs).to_vec()).unwrap_or_default()
}

fn list(items: &[String]) -> JsValue {
    items.iter().map(|item| JsValue::from_str(item)).collect::<Array>().into()
}
