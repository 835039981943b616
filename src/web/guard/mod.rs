//! The upload guard: registered only where it was turned on and the browser's permission was given. It must never see a
//! file; uploads.rs does, once it is held.

mod records;
mod uploads;

use js_sys::Array;

use super::{
    browser::{
        chrome,
        sites::{EVERYWHERE, a_site, pattern_of, site_of},
        tabs::{list, open_tabs, tell_open_tabs, tell_tab},
    },
    settings::{self, in_turn, settings},
    switches::{Powers, Switch},
    wishes,
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

/// Takes out what the browser gives no permission for.
pub async fn keep_granted(settings: &mut Settings) {
    settings.guard_everywhere = settings.guard_everywhere && granted(EVERYWHERE).await;
    let mut sites = Vec::new();
    for site in std::mem::take(&mut settings.guard_sites) {
        if granted(&pattern_of(&site)).await {
            sites.push(site);
        }
    }
    settings.guard_sites = sites;
}

/// Turns the guard on or off for one site or for all.
pub async fn switch(site: Option<String>, on: bool) -> Result<(), Refusal> {
    a_site(site.as_deref())?;
    let settings = in_turn(async {
        wishes::permitted(Switch::Guard, site.as_ref(), on).await?;
        let mut settings = settings().await;
        set(&mut settings, site.as_ref(), on);
        settings::keep(&settings).await?;
        register(&settings).await?;
        Ok::<Settings, Refusal>(settings)
    })
    .await?;
    if on {
        let pattern = site.as_deref().map_or_else(|| EVERYWHERE.to_owned(), pattern_of);
        start_in_open_tabs(&pattern, &settings).await;
    } else {
        tell_open_tabs(&ToFrame::GuardChanged).await;
        let needed = if settings.protects_any() { Switch::Protection.powers(None) } else { Powers::default() };
        if !settings.guard_everywhere {
            Switch::Guard.powers(site.as_deref()).give_back(&needed).await;
        }
    }
    Ok(())
}

/// Turns the guard on or off in some settings.
pub fn set(settings: &mut Settings, site: Option<&String>, on: bool) {
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

/// The person said "always allow on this site" where the guard spoke.
pub async fn allow(site: &str) -> Result<(), Refusal> {
    switch(Some(site.to_owned()), false).await
}

/// Has every guard that is wanted stand in the tabs that are open, and every other go.
pub async fn follow(settings: &Settings) {
    for pattern in patterns(settings) {
        start_in_open_tabs(&pattern, settings).await;
    }
    tell_open_tabs(&ToFrame::GuardChanged).await;
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
    Powers::on(pattern).are_granted().await
}

/// Registers guard.js for exactly the sites where it is on and permitted.
pub async fn register(settings: &Settings) -> Result<(), Refusal> {
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
        tell_tab(&tab, &ToFrame::GuardChanged).await;
    }
}
