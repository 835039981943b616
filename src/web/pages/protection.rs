//! The popup's section on protected pictures: the switch for the site in view, and what is covered in its tab, each with a button
//! to reveal it. Nothing of it is kept: it is asked for when the popup opens, and again whenever the tab says that it changed.

use std::cell::RefCell;

use wasm_bindgen_futures::spawn_local;
use web_sys::{Element, HtmlElement};

use super::{
    ask, dom, entries, format,
    site_switch::{self, Switch},
    tab::host_of,
};
use crate::{
    protocol::{Answer, CoveredName, CoveredPicture, CoveredPictures, LockState, PageAsk, Refusal, Settings},
    web::browser::chrome,
};

/// More of them nobody goes through one by one.
const N_LISTED: usize = 20;
/// What only the second look sees has no class.
const SECOND: &str = "OpenNsfw";

thread_local! {
    /// The tab in view when the popup opened, its site, and whether its window is a private one, in which no site can be chosen.
    static HERE: RefCell<Option<(i32, String, bool)>> = const { RefCell::new(None) };
}

/// Wires the section to a tab and its site; the switch stays disabled where there is none.
pub async fn wire_section(tab: Option<i32>, site: Option<String>, is_private: bool) {
    let (Some(switch), Some(tab), Some(site)) = (dom::input("protect"), tab, site) else { return };
    let host = host_of(&site);
    dom::say("protect-title", &chrome::message("protectHere", &[host]));
    dom::say("protect-off", &chrome::message("protectOff", &[host]));
    HERE.set(Some((tab, site.clone(), is_private)));
    site_switch::wire(&switch, Switch::Protection, Some(site.clone()), || spawn_local(refresh()));
    if let Some(button) = dom::by_id("protect-off") {
        dom::on_press(&button, move || turn_off(site.clone()));
    }
    if let Some(button) = dom::by_id("covered-reveal-all") {
        dom::on_press(&button, move || async move {
            reveal(tab, None).await;
            focus_head();
        });
    }
    // Which lets the switch be used.
    refresh().await;
}

/// What is covered in a tab has changed.
pub fn heard(tab: i32) {
    if HERE.with_borrow(|here| here.as_ref().is_some_and(|(here, ..)| *here == tab)) {
        spawn_local(refresh());
    }
}

async fn turn_off(site: String) {
    let told = ask::ask(PageAsk::Protect { site: Some(site), on: false }).await;
    dom::trouble(told.err().map(|refusal| dom::refusal_text(&refusal)).as_deref());
    refresh().await;
    focus_head();
}

/// The switch, or, where a passphrase keeps it as it is, the way to where that can be given.
fn focus_head() {
    let is_kept = dom::input("protect").is_some_and(|switch| switch.disabled());
    dom::focus(if is_kept { "protect-unlock" } else { "protect" });
}

async fn reveal(tab: i32, picture: Option<CoveredName>) {
    let told = ask::ask(PageAsk::Reveal { tab, which: picture }).await;
    dom::trouble(told.err().map(|refusal| dom::refusal_text(&refusal)).as_deref());
    refresh().await;
}

async fn refresh() {
    let (Some((tab, site, is_private)), Ok(settings)) = (HERE.with_borrow(Clone::clone), ask::settings().await) else {
        return;
    };
    let is_protected = site_switch::is_on(Switch::Protection, &settings, Some(&site));
    let is_locked = settings.lock == LockState::Locked;
    show_lock(is_locked, is_private);
    show_switch(&settings, &site, is_protected, is_private).await;
    // Whatever a scan would look for is looked at already.
    dom::show("scan-part", !is_protected);
    dom::show("covered", is_protected);
    if is_protected {
        // The rest of the popup waits for no tab.
        spawn_local(async move { show_covered(tab, covered(tab).await, is_locked) });
    }
}

/// Without the passphrase nothing here can be changed or revealed.
fn show_lock(is_locked: bool, is_private: bool) {
    if let Some(switch) = dom::input("protect") {
        switch.set_disabled(is_locked || is_private);
    }
    // Empty where it is hidden, as below: it describes the switch, too.
    dom::say("protect-locked-said", &if is_locked { chrome::message("lockedHere", &[]) } else { String::new() });
    dom::show("protect-locked", is_locked);
    dom::show("protect-off", !is_locked && !is_private);
}

async fn show_switch(settings: &Settings, site: &str, is_protected: bool, is_private: bool) {
    if let Some(switch) = dom::input("protect") {
        switch.set_checked(is_protected);
    }
    let rule = settings.protect_rules.get(site).unwrap_or(&settings.protect_rule);
    dom::say("protect-hint", &chrome::message(if rule.held { "protectHint" } else { "protectHintAfter" }, &[]));
    let is_asked = !is_protected && !is_private && !Switch::Protection.powers(Some(site)).are_granted().await;
    // Empty where it is hidden: it belongs to the switch's description.
    dom::say("protect-why", &if is_asked { chrome::message("protectWhy", &[]) } else { String::new() });
    dom::show("protect-why", is_asked);
}

async fn covered(tab: i32) -> Result<CoveredPictures, Refusal> {
    match ask::ask(PageAsk::Covered { tab }).await? {
        Answer::Covered(covered) => Ok(covered),
        _ => Err(ask::unexpected()),
    }
}

fn show_covered(tab: i32, outcome: Result<CoveredPictures, Refusal>, is_locked: bool) {
    let said = outcome.as_ref().map_or_else(dom::refusal_text, counts);
    dom::say("covered-said", &said);
    dom::show("covered-none", outcome.as_ref().is_ok_and(|covered| covered.pictures.is_empty()));
    let pictures = outcome.unwrap_or_default().pictures;
    dom::show("covered-reveal-all", !pictures.is_empty() && !is_locked);
    let more = pictures.len().saturating_sub(N_LISTED);
    dom::say("covered-more", &format::counted("coveredMore", more as u64, &[]));
    dom::show("covered-more", more > 0);
    list(tab, &pictures[..pictures.len() - more], is_locked);
}

fn counts(covered: &CoveredPictures) -> String {
    let n_covered = format::count(covered.pictures.len() as u64);
    let mut words = format::counted("coveredCounts", covered.judged.into(), &[&n_covered]);
    if covered.unjudged > 0 {
        words.push(' ');
        words.push_str(&format::counted("coveredFailed", covered.unjudged.into(), &[]));
    }
    words
}

fn list(tab: i32, pictures: &[CoveredPicture], is_locked: bool) {
    let Some(list) = dom::by_id("covered-list") else { return };
    dom::show("covered-list", !pictures.is_empty());
    let names: Vec<String> = pictures.iter().map(|picture| written(picture.name)).collect();
    let named = |name: &str| pictures.iter().find(|picture| written(picture.name) == name);
    let make = |name: &str| entry(tab, named(name)?.name);
    entries::follow(&list, &names, make, |entry, name| {
        if let Some(picture) = named(name) {
            show_entry(entry, picture, is_locked);
        }
    });
}

fn written(name: CoveredName) -> String {
    format!("{} {}", name.frame, name.picture)
}

fn entry(tab: i32, name: CoveredName) -> Option<HtmlElement> {
    let entry = dom::from_template("covered-picture")?;
    let button = dom::part(&entry, "reveal")?;
    let pressed: Element = entry.clone().into();
    dom::on_press(&button, move || {
        let entry = pressed.clone();
        async move {
            entries::focus_beside(&entry, "reveal", "protect");
            reveal(tab, Some(name)).await;
        }
    });
    Some(entry)
}

fn show_entry(entry: &Element, picture: &CoveredPicture, is_locked: bool) {
    let what = what(picture);
    let size = format!("{} × {}", picture.width, picture.height);
    dom::say_part(entry, "what", &what);
    dom::say_part(entry, "size", &size);
    if let Some(film) = dom::part(entry, "film") {
        film.set_hidden(!picture.film);
    }
    if let Some(button) = dom::part(entry, "reveal") {
        let label = chrome::message("coveredRevealThis", &[&format!("{what}, {size}")]);
        dom::set_attribute(&button, "aria-label", &label);
        button.set_hidden(is_locked);
    }
}

/// Why a picture is covered.
fn what(picture: &CoveredPicture) -> String {
    let share = format::percent(picture.share.into());
    match picture.class.as_str() {
        "" => chrome::message("coveredNoVerdict", &[]),
        // Not a net's word, but the person's own.
        "Said" => chrome::message("said_unsuitable", &[]),
        SECOND if picture.doubtful => chrome::message("coveredDoubtfulUnsuitable", &[&share]),
        SECOND => chrome::message("coveredUnsuitable", &[&share]),
        class if picture.doubtful => {
            chrome::message("coveredDoubtful", &[&chrome::message(&format!("class{class}"), &[]), &share])
        }
        class => chrome::message("coveredBecause", &[&chrome::message(&format!("class{class}"), &[]), &share]),
    }
}
