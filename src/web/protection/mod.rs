//! Protected sites: where protect.js is registered, what it is told, and its pictures. It must never see a page that is not
//! protected, and never keep what it sees of one that is.

mod covered;
mod loaded;

use std::collections::BTreeSet;

use js_sys::{Array, Promise};
use wasm_bindgen::JsValue;
use wasm_bindgen_futures::JsFuture;

use super::{
    browser::{
        chrome,
        scripts::{inject, off_limits},
        sites::{EVERYWHERE, a_site, pattern_of, site_of},
        tabs::{list, open_tabs, tell_open_tabs},
    },
    settings::{self, in_turn, settings},
    switches::{Powers, Switch},
    wishes,
};
use crate::{
    protocol::{Caution, Reason, Refusal, Settings, SiteRule, Strictness, ToFrame, Unjudged},
    tasks::nsfw::caution_of,
};

pub use covered::{changed, covered, reveal};
pub use loaded::{Wanted, loaded, seen};

/// Registered by what must be known before the background can say it: whether pictures are out of sight from the first moment on,
/// and whether they stay so when nobody answers.
const IDS: [(&str, bool, Unjudged); 4] = [
    ("protect-held", true, Unjudged::Show),
    ("protect-held-covered", true, Unjudged::Cover),
    ("protect-shown", false, Unjudged::Show),
    ("protect-shown-covered", false, Unjudged::Cover),
];
const SCRIPTS: [&str; 5] =
    ["content/pixels.js", "content/screen.js", "content/films.js", "content/behind.js", "content/protect.js"];
/// Tells protect.js the latter.
const KEEPS: &str = "content/keeps.js";
/// From the first moment on.
const EARLY_STYLE: &str = "content/early.css";
const HELD_STYLE: &str = "content/held.css";
const COVERED_STYLE: &str = "content/covered.css";
const COVERS: [&str; 2] = ["content/surface.js", "content/covers.js"];

fn powers() -> Powers {
    Switch::Protection.powers(None)
}

/// Takes out what the browser gives no permission for.
pub async fn keep_granted(settings: &mut Settings) {
    if settings.protects_any() && !powers().are_granted().await {
        settings.protect_everywhere = false;
        settings.protect_sites.retain(|_, is_protected| !*is_protected);
    }
}

/// Turns protection on or off for one site or for all, as the guard's switch does.
pub async fn switch(site: Option<String>, on: bool) -> Result<(), Refusal> {
    a_site(site.as_deref())?;
    let settings = in_turn(async {
        wishes::permitted(Switch::Protection, site.as_ref(), on).await?;
        let mut settings = settings().await;
        set(&mut settings, site.as_ref(), on);
        settings::keep(&settings).await?;
        register(&settings).await?;
        Ok::<Settings, Refusal>(settings)
    })
    .await?;
    follow(&settings).await;
    if !settings.protects_any() {
        let needed = if settings.guard_everywhere { Switch::Guard.powers(None) } else { Powers::default() };
        powers().give_back(&needed).await;
    }
    Ok(())
}

/// Turns protection on or off in some settings.
pub fn set(settings: &mut Settings, site: Option<&String>, on: bool) {
    let Some(site) = site else {
        settings.protect_everywhere = on;
        return;
    };
    settings.protect_sites.remove(site);
    if on != settings.protect_everywhere {
        settings.protect_sites.insert(site.clone(), on);
    }
}

/// What happens on all protected sites, or on one of them; without a rule that one goes by the rule of all.
pub async fn keep_rule(site: Option<String>, rule: Option<SiteRule>) -> Result<(), Refusal> {
    a_site(site.as_deref())?;
    let settings = in_turn(async {
        let mut settings = settings().await;
        match (site, rule) {
            (None, rule) => settings.protect_rule = rule.unwrap_or_default(),
            (Some(site), Some(rule)) => drop(settings.protect_rules.insert(site, rule)),
            (Some(site), None) => drop(settings.protect_rules.remove(&site)),
        }
        settings::keep(&settings).await?;
        register(&settings).await?;
        Ok::<Settings, Refusal>(settings)
    })
    .await?;
    follow(&settings).await;
    Ok(())
}

/// Has protection stand in the tabs that are open where it is wanted, and go where it is not.
pub async fn follow(settings: &Settings) {
    if settings.protects_any() && powers().are_granted().await {
        for tab in open_tabs(&chrome::object(&[])).await {
            let site = chrome::get(&tab, "url").as_string().and_then(|url| site_of(&url));
            if let (Some(site), Some(id)) = (site, chrome::get(&tab, "id").as_f64())
                && settings.protects(&site).is_some()
            {
                // Refused for tabs that show the browser's own pages.
                let _ = inject(id as i32, None, &SCRIPTS).await;
            }
        }
    }
    tell_all().await;
}

/// Has every protected frame ask what is to happen there.
pub async fn tell_all() {
    tell_open_tabs(&ToFrame::ProtectionChanged).await;
}

/// Registers protect.js for exactly the sites that are protected.
pub async fn register(settings: &Settings) -> Result<(), Refusal> {
    for (id, ..) in IDS {
        // Rejects when it was not registered, which is what is wanted.
        let _ = chrome::unregister_content_scripts(&chrome::object(&[("ids", chrome::strings(&[id]))])).await;
    }
    if !settings.protects_any() || !powers().are_granted().await {
        return Ok(());
    }
    let scripts = Array::new();
    for (id, held, unjudged) in IDS {
        let Places { matches, excluded } = places(settings, |rule| rule.held == held && rule.unjudged == unjudged);
        if matches.is_empty() {
            continue;
        }
        let files = if unjudged == Unjudged::Cover { [&[KEEPS], &SCRIPTS[..]].concat() } else { SCRIPTS.to_vec() };
        let script = chrome::object(&[
            ("id", id.into()),
            ("js", chrome::strings(&files)),
            ("matches", list(&matches)),
            ("runAt", "document_start".into()),
            ("allFrames", true.into()),
            ("matchOriginAsFallback", true.into()),
            ("persistAcrossSessions", true.into()),
        ]);
        if held {
            chrome::set(&script, "css", &chrome::strings(&[EARLY_STYLE]));
        }
        if !excluded.is_empty() {
            chrome::set(&script, "excludeMatches", &list(&excluded));
        }
        scripts.push(&script);
    }
    chrome::register_content_scripts(&scripts).await.map(drop).map_err(|thrown| Refusal {
        reason: Reason::Internal,
        detail: format!("the browser did not take what protects sites: {}", chrome::reason_of(&thrown)),
    })
}

/// Where one of them stands, as match patterns.
#[derive(Debug, Default, PartialEq)]
struct Places {
    matches: Vec<String>,
    excluded: Vec<String>,
}

/// Where a site's rule is such a one.
fn places(settings: &Settings, is_such: impl Fn(&SiteRule) -> bool) -> Places {
    let named: BTreeSet<&String> = settings.protect_sites.keys().chain(settings.protect_rules.keys()).collect();
    let has_all = settings.protect_everywhere && is_such(&settings.protect_rule);
    let mut places = Places::default();
    if has_all {
        places.matches.push(EVERYWHERE.to_owned());
    }
    for site in named {
        let is_here = settings.protects(site).is_some_and(&is_such);
        match (has_all, is_here) {
            (true, false) => places.excluded.push(pattern_of(site)),
            (false, true) => places.matches.push(pattern_of(site)),
            _ => {}
        }
    }
    places
}

/// What is to happen in a frame of a tab that shows this site. What keeps pictures out of sight comes as the person's own
/// style, too, which no style of a page can undo and which reaches into shadow roots.
pub async fn rule_for(
    tab: i32,
    frame: f64,
    document: &JsValue,
    tab_site: Option<&str>,
    first: bool,
) -> Option<SiteRule> {
    let rule = rule_of(tab_site).await;
    let wanted = [(HELD_STYLE, rule.is_some_and(|rule| rule.held)), (COVERED_STYLE, rule.is_some())];
    // The frame may show another document by then, which asks for itself; and what is there twice goes but once.
    let (which, it) = if document.is_string() { ("documentIds", document) } else { ("frameIds", &frame.into()) };
    let style = |file: &str| {
        let target = chrome::object(&[("tabId", tab.into()), (which, Array::of1(it).into())]);
        chrome::object(&[("target", target), ("files", chrome::strings(&[file])), ("origin", "USER".into())])
    };
    // The page's own thread has its turn in each of these, and is busiest when a page begins: so both at once. They reject for a
    // frame that has gone.
    let all = async |given: Vec<Result<Promise, JsValue>>| {
        for promise in given.into_iter().flatten() {
            let _ = JsFuture::from(promise).await;
        }
    };
    // What is there already would be put there once more.
    if !first {
        all(wanted.iter().map(|(file, _)| chrome::remove_css(&style(file))).collect()).await;
    }
    let wanted = wanted.iter().filter(|(_, is_wanted)| *is_wanted);
    all(wanted.map(|(file, _)| chrome::insert_css(&style(file))).collect()).await;
    rule
}

async fn rule_of(tab_site: Option<&str>) -> Option<SiteRule> {
    let mut settings = settings().await;
    keep_granted(&mut settings).await;
    settings.protects(tab_site?).copied()
}

/// How cautious a verdict must be in a tab of this site.
async fn caution(tab_site: Option<&str>, of: impl Fn(&SiteRule) -> Strictness) -> Result<Caution, Refusal> {
    let rule = rule_of(tab_site).await.ok_or_else(|| off_limits("this site is not protected"))?;
    caution_of(of(&rule), Caution::from(&settings().await))
        .ok_or_else(|| off_limits("such pictures are not looked at on this site"))
}

/// How cautious verdicts on what a tab shows must be, whether its site is protected or a person had it looked through.
pub async fn caution_in_view(tab_site: Option<&str>) -> Caution {
    match caution(tab_site, |rule| rule.pictures).await {
        Ok(caution) => caution,
        Err(_) => Caution::from(&settings().await),
    }
}

/// A frame of a protected tab has frames in it: they are protected as well, whichever site they are of.
pub async fn frames(tab: i32, tab_site: Option<&str>) -> Result<(), Refusal> {
    rule_of(tab_site).await.ok_or_else(|| off_limits("this site is not protected"))?;
    inject(tab, None, &SCRIPTS).await.map(drop).map_err(|thrown| off_limits(&chrome::reason_of(&thrown)))
}

/// A protected frame has covered its first picture.
pub async fn bring_covers(tab: i32, frame: f64, tab_site: Option<&str>) -> Result<(), Refusal> {
    rule_of(tab_site).await.ok_or_else(|| off_limits("this site is not protected"))?;
    inject(tab, Some(frame), &COVERS).await.map(drop).map_err(|thrown| off_limits(&chrome::reason_of(&thrown)))
}
