//! The controls of one rule for protected sites, of all or of one: presets by name, and in the details what a rule is made of
//! (`data-field`, as the protocol names it). They stand in the HTML for all sites, and are copied for one.

use wasm_bindgen::JsCast;
use web_sys::{Element, HtmlElement, HtmlInputElement};

use super::{ask, bound, dom};
use crate::{
    protocol::{PageAsk, Preset, SiteRule},
    web::browser::{chrome, wire},
};

const FIELDS: &str = "[data-field]";
const PRESETS: &str = "[data-part=presets] input";
/// Stands beside the presets, for what is none of them.
const OWN: &str = "own";

/// Has the controls tell the rule of `site`, or of all sites, at once; `changed` hears when it was kept.
pub fn wire(form: &Element, site: Option<String>, changed: fn()) {
    for control in dom::all(form, &format!("{FIELDS}, {PRESETS}")) {
        let (pressed, form, site) = (control.clone(), form.clone(), site.clone());
        dom::on(&control, "change", move |_| {
            let rule = wished(&pressed, &form);
            let site = site.clone();
            async move {
                if rule.is_some() {
                    keep(site, rule).await;
                    changed();
                }
            }
        });
    }
}

pub async fn keep(site: Option<String>, rule: Option<SiteRule>) {
    let kept = ask::ask(PageAsk::KeepSiteRule { site, rule }).await;
    dom::trouble(kept.err().map(|refusal| dom::refusal_text(&refusal)).as_deref());
}

pub fn show(form: &Element, rule: &SiteRule) {
    let fields = wire::to_js(rule);
    for control in dom::all(form, FIELDS) {
        bound::put(&control, &chrome::get(&fields, &field_of(&control)));
    }
    for choice in dom::all(form, PRESETS) {
        bound::put(&choice, &name_of(rule).into());
    }
}

/// The same controls once more, for one site.
pub fn copy(form: &Element, site: &str) -> Option<HtmlElement> {
    let copy: HtmlElement = form.clone_node_with_deep(true).ok()?.dyn_into().ok()?;
    copy.remove_attribute("id").ok()?;
    let label = chrome::message("siteRuleOf", &[site]);
    let presets = dom::part(&copy, "presets")?;
    presets.remove_attribute("aria-labelledby").ok()?;
    dom::set_attribute(&presets, "aria-label", &label);
    dom::set_attribute(&copy, "role", "group");
    dom::set_attribute(&copy, "aria-label", &label);
    for choice in dom::all(&copy, PRESETS) {
        // Another group of buttons.
        dom::set_attribute(&choice, "name", &format!("preset of {site}"));
    }
    for control in dom::all(&copy, &format!("{FIELDS}, {PRESETS}")) {
        // The rule of all may be an organisation's.
        control.remove_attribute("disabled").ok()?;
    }
    Some(copy)
}

/// What a rule is called.
pub fn title(rule: &SiteRule) -> String {
    chrome::message(&format!("preset_{}", name_of(rule)), &[])
}

fn name_of(rule: &SiteRule) -> &'static str {
    Preset::of(rule).map_or(OWN, name)
}

fn name(preset: Preset) -> &'static str {
    match preset {
        Preset::Relaxed => "relaxed",
        Preset::Usual => "usual",
        Preset::Careful => "careful",
        Preset::Children => "children",
    }
}

/// The rule that a change of a control asks for; none yet where the person only wants to make one of their own.
fn wished(control: &Element, form: &Element) -> Option<SiteRule> {
    if control.has_attribute("data-field") {
        return made(form);
    }
    let chosen = control.dyn_ref::<HtmlInputElement>()?.value();
    if chosen == OWN
        && let Some(details) = dom::part(form, "details")
    {
        dom::set_attribute(&details, "open", "");
    }
    Preset::ALL.into_iter().find(|&preset| name(preset) == chosen).map(Preset::rule)
}

/// As the details show it.
fn made(form: &Element) -> Option<SiteRule> {
    let fields = chrome::object(&[]);
    for control in dom::all(form, FIELDS) {
        chrome::set(&fields, &field_of(&control), &bound::value_of(&control));
    }
    wire::from_js(fields).ok()
}

fn field_of(control: &Element) -> String {
    control.get_attribute("data-field").unwrap_or_default()
}
