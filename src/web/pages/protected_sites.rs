//! The settings' section on protected sites: all of them or some by name, the rule of all, and the rules of single sites.

use std::collections::BTreeSet;

use wasm_bindgen::JsCast;
use web_sys::{Element, HtmlElement, HtmlSelectElement};

use super::{
    ask, dom, entries, rule_form,
    site_switch::{self, Switch},
};
use crate::{
    protocol::{PageAsk, Refusal, Settings},
    web::browser::chrome,
};

/// The controls of the rule of all sites.
const RULE: &str = "protect-rule";
/// The switch for all sites.
const EVERYWHERE: &str = "protect-everywhere";
/// What the choice between the two says: the rule of all sites, or one of the site's own.
const OWN: &str = "own";
const ALL: &str = "all";

/// `changed` hears when something was kept anew.
pub fn wire(changed: fn()) {
    if let Some(switch) = dom::input(EVERYWHERE) {
        site_switch::wire(&switch, Switch::Protection, None, changed);
    }
    if let Some(form) = dom::by_id(RULE) {
        rule_form::wire(&form, None, changed);
    }
}

pub fn show(settings: &Settings, changed: fn()) {
    if let Some(switch) = dom::input(EVERYWHERE) {
        switch.set_checked(settings.protect_everywhere);
    }
    if let Some(form) = dom::by_id(RULE) {
        rule_form::show(&form, &settings.protect_rule);
    }
    let (on, off) = (named(settings), shown(settings));
    dom::show("no-protected-sites", !settings.protects_any());
    list("protected-sites", &on, changed, |entry, site| show_site(entry, settings, site));
    list("unprotected-sites", &off, changed, |_, _| {});
}

/// Sites with a name or a rule of their own, also those that are off at the moment: what is kept of a site can be seen here.
fn named(settings: &Settings) -> Vec<String> {
    let off = shown(settings);
    let kept: BTreeSet<&String> = settings.protect_sites.keys().chain(settings.protect_rules.keys()).collect();
    kept.into_iter().filter(|site| !off.contains(site)).cloned().collect()
}

/// Sites whose pictures are shown although those of all others are looked at.
fn shown(settings: &Settings) -> Vec<String> {
    let named = settings.protect_sites.iter().filter(|&(_, &is_protected)| !is_protected);
    let off = named.map(|(site, _)| site.clone());
    if settings.protect_everywhere { off.collect() } else { Vec::new() }
}

/// The list with this id, and what stands around it.
fn list(id: &str, sites: &[String], changed: fn(), show: impl Fn(&Element, &str)) {
    dom::show(&format!("{id}-part"), !sites.is_empty());
    let Some(list) = dom::by_id(id) else { return };
    let template = format!("{id}-entry");
    entries::follow(&list, sites, |site| entry(&template, site, changed), show);
}

fn entry(template: &str, site: &str, changed: fn()) -> Option<HtmlElement> {
    let entry = dom::from_template(template)?;
    dom::say_part(&entry, "site", site);
    let button = dom::part(&entry, "remove")?;
    dom::set_attribute(&button, "aria-label", &chrome::message("removeSite", &[site]));
    let (removed, name): (Element, _) = (entry.clone().into(), site.to_owned());
    dom::on_press(&button, move || {
        let (entry, site) = (removed.clone(), name.clone());
        async move {
            let outcome = forget(site).await;
            if outcome.is_ok() {
                entries::focus_beside(&entry, "remove", EVERYWHERE);
            }
            dom::trouble(outcome.err().map(|refusal| dom::refusal_text(&refusal)).as_deref());
            changed();
        }
    });
    if let Some(choice) = dom::part(&entry, "own") {
        let choice: HtmlSelectElement = choice.dyn_into().ok()?;
        own_rule(&entry, &choice, site, changed)?;
    }
    Some(entry)
}

/// From then on nothing is kept of a site, and it is treated as all others are.
async fn forget(site: String) -> Result<(), Refusal> {
    let settings = ask::settings().await?;
    if settings.protect_rules.contains_key(&site) {
        ask::ask(PageAsk::KeepSiteRule { site: Some(site.clone()), rule: None }).await?;
    }
    ask::ask(PageAsk::Protect { site: Some(site), on: settings.protect_everywhere }).await.map(drop)
}

/// The choice between the rule of all sites and one of the site's own, and the controls of that one.
fn own_rule(entry: &Element, choice: &HtmlSelectElement, site: &str, changed: fn()) -> Option<()> {
    dom::set_attribute(choice, "aria-label", &chrome::message("siteRuleOf", &[site]));
    let of_all = dom::by_id(RULE)?;
    let form = rule_form::copy(&of_all, site)?;
    let details = dom::part(entry, "rule")?;
    rule_form::wire(&form, Some(site.to_owned()), changed);
    dom::append(&details, Some(form));
    let (chosen, site) = (choice.clone(), site.to_owned());
    dom::on(choice, "change", move |_| {
        let (is_own, details, site) = (chosen.value() == OWN, details.clone(), site.clone());
        async move {
            // It starts as what was in force.
            let rule = match ask::settings().await {
                Ok(settings) => is_own.then_some(settings.protect_rule),
                Err(refusal) => return dom::trouble(Some(&dom::refusal_text(&refusal))),
            };
            rule_form::keep(Some(site), rule).await;
            if is_own {
                dom::set_attribute(&details, "open", "");
            }
            changed();
        }
    });
    Some(())
}

fn show_site(entry: &Element, settings: &Settings, site: &str) {
    let rule = settings.protect_rules.get(site);
    if let Some(choice) = dom::part(entry, "own").and_then(|choice| choice.dyn_into::<HtmlSelectElement>().ok()) {
        choice.set_value(if rule.is_some() { OWN } else { ALL });
    }
    if let Some(off) = dom::part(entry, "off") {
        off.set_hidden(settings.protects(site).is_some());
    }
    let Some(details) = dom::part(entry, "rule") else { return };
    details.set_hidden(rule.is_none());
    if let Some(rule) = rule {
        dom::say_part(&details, "rule-name", &chrome::message("siteRule", &[&rule_form::title(rule)]));
        rule_form::show(&details, rule);
    }
}
