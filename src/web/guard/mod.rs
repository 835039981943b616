//! The upload guard: registered only where it was turned on and the browser's permission was given. It must never see a
//! file; uploads.rs does, once it is held.

mod records;
mod uploads;

use std::collections::BTreeMap;

use js_sys::{Array, Date};
use wasm_bindgen::prelude::*;

use super::{
    browser::{
        chrome,
        scripts::{Whom, tell},
        sites::{EVERYWHERE, pattern_of, site_of},
        wire,
    },
    settings::{self, in_turn, settings},
};
use crate::protocol::{Reason, Refusal, Settings, ToFrame};

pub use uploads::{decide, judge};

const SCRIPT_ID: &str = "guard";
const SCRIPTS: [&str; 5] =
    ["content/pointer.js", "content/surface.js", "content/dialog.js", "content/check.js", "content/guard.js"];
/// What must run in the page's own world, beside the guard.
const PICKERS_ID: &str = "guard-pickers";
const PICKERS: [&str; 1] = ["content/pickers.js"];
const ISOLATED: &str = "ISOLATED";
const MAIN: &str = "MAIN";
/// Sites for which the browser is asking the person now, by the time of the click: in the session's memory, because the answer
/// may come when popup and worker are gone.
const SESSION_WISHES: &str = "guardWishes";
/// A permission that is given later than this after the click was given for something else.
const WISH_LASTS_MS: f64 = 600_000.0;

/// The settings as far as the browser lets the guard do as it is wished: what pages show.
pub async fn in_force() -> Settings {
    let mut settings = settings().await;
    keep_granted(&mut settings).await;
    settings
}

/// Takes out what the browser gives no permission for.
async fn keep_granted(settings: &mut Settings) {
    settings.guard_everywhere = settings.guard_everywhere && granted(EVERYWHERE).await;
    let mut sites = Vec::new();
    for site in std::mem::take(&mut settings.guard_sites) {
        if granted(&pattern_of(&site)).await {
            sites.push(site);
        }
    }
    settings.guard_sites = sites;
}

/// Keeps all settings anew, and registers the guard as they say and the browser allows.
pub async fn replace(mut wanted: Settings) -> Result<(), Refusal> {
    let settings = in_turn(async {
        if wanted == Settings::default() {
            settings::reset().await?;
        } else {
            wanted.locked = settings().await.locked;
            // Without the permission nothing would be watched, and the switch would say that it is.
            keep_granted(&mut wanted).await;
            settings::keep(&wanted).await?;
        }
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

/// Turns the guard on or off for one site or for all. The page that asks has the browser's prompt answered at the same time;
/// without the permission the wish is refused, and remembered for as long as the prompt may stand.
pub async fn switch(site: Option<String>, on: bool) -> Result<(), Refusal> {
    if let Some(site) = site.as_ref().filter(|&site| site_of(site).as_ref() != Some(site)) {
        let detail = format!("{site:?} is not a site like https://example.com");
        return Err(Refusal { reason: Reason::BadRequest, detail });
    }
    let pattern = site.as_deref().map_or_else(|| EVERYWHERE.to_owned(), pattern_of);
    let settings = in_turn(async {
        let is_granted = !on || granted(&pattern).await;
        wish(&pattern, site.as_ref(), on && !is_granted).await;
        if !is_granted {
            let detail = format!("the browser has not given Sotto the permission for {pattern}");
            return Err(Refusal { reason: Reason::NotPermitted, detail });
        }
        let mut settings = settings().await;
        set(&mut settings, site.as_ref(), on);
        settings::keep(&settings).await?;
        register(&settings).await?;
        Ok::<Settings, Refusal>(settings)
    })
    .await?;
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

/// Turns the guard on or off in some settings.
fn set(settings: &mut Settings, site: Option<&String>, on: bool) {
    let Some(site) = site else {
        settings.guard_everywhere = on;
        return;
    };
    settings.guard_sites.retain(|kept| kept != site);
    settings.allowed_sites.retain(|kept| kept != site);
    if on {
        settings.guard_sites.push(site.clone());
    } else if settings.guard_everywhere {
        settings.allowed_sites.push(site.clone());
    }
}

/// Remembers, or forgets, that the person wished for the guard on a site.
async fn wish(pattern: &str, site: Option<&String>, is_wished: bool) {
    let mut wishes = wishes().await;
    let before = wishes.len();
    wishes.remove(pattern);
    if is_wished {
        wishes.insert(pattern.to_owned(), Wish { site: site.cloned(), since_ms: Date::now() });
    } else if wishes.len() == before {
        return;
    }
    keep_wishes(&wishes).await;
}

/// A click on a switch whose permission the browser was asking for.
#[derive(serde::Serialize, serde::Deserialize)]
struct Wish {
    /// None for all sites.
    site: Option<String>,
    since_ms: f64,
}

type Wishes = BTreeMap<String, Wish>;

async fn wishes() -> Wishes {
    let found = chrome::session_get(SESSION_WISHES).await.map(|found| chrome::get(&found, SESSION_WISHES));
    let wishes: Wishes = found.ok().and_then(|kept| wire::from_js(kept).ok()).unwrap_or_default();
    wishes.into_iter().filter(|(_, wish)| Date::now() - wish.since_ms < WISH_LASTS_MS).collect()
}

async fn keep_wishes(wishes: &Wishes) {
    let items = chrome::object(&[(SESSION_WISHES, wire::to_js(wishes))]);
    if let Err(thrown) = chrome::session_set(&items).await {
        chrome::warn(&format!("Sotto: a wish for the guard could not be kept: {}", chrome::reason_of(&thrown)));
    }
}

/// The person said "always allow on this site" where the guard spoke.
pub async fn allow(site: &str) -> Result<(), Refusal> {
    switch(Some(site.to_owned()), false).await
}

/// The browser's permissions changed, or the browser started: forget what may no longer be watched, turn on what was wished
/// for and is now permitted, and register anew.
pub async fn follow_permissions() {
    let settings = in_turn(async {
        let mut settings = settings().await;
        keep_granted(&mut settings).await;
        let (mut granted_wishes, mut open) = (Vec::new(), Wishes::new());
        for (pattern, wish) in wishes().await {
            if granted(&pattern).await {
                granted_wishes.push(wish);
            } else {
                open.insert(pattern, wish);
            }
        }
        granted_wishes.iter().for_each(|wish| set(&mut settings, wish.site.as_ref(), true));
        let kept = async {
            settings::keep(&settings).await?;
            register(&settings).await
        };
        if let Err(refusal) = kept.await {
            chrome::warn(&format!("Sotto: {}", refusal.detail));
        }
        if !granted_wishes.is_empty() {
            keep_wishes(&open).await;
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
        // Rejects where no guard listens.
        let _ = tell(id as i32, &Whom::AllFrames, &ToFrame::GuardChanged).await;
    }
}

async fn open_tabs(filter: &JsValue) -> Vec<JsValue> {
    chrome::query_tabs(filter).await.map(|tabs| Array::from(&tabs).to_vec()).unwrap_or_default()
}

fn list(items: &[String]) -> JsValue {
    items.iter().map(|item| JsValue::from_str(item)).collect::<Array>().into()
}
