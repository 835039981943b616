//! The switches that need the browser's permission, for one site or for all: the upload guard's, and that of protected pictures.
//! The browser's prompt must be asked for inside the click itself, and may close the popup: so the wish is told to the background
//! at the same moment, which acts on it as soon as the permission is there. What the switch then shows is what is in force.

use wasm_bindgen_futures::JsFuture;
use web_sys::HtmlInputElement;

use super::{ask, dom};
use crate::protocol::{PageAsk, Reason, Refusal, Settings};

pub use crate::web::switches::{Powers, Switch};

/// Whether a switch is on for a site, or for all.
pub fn is_on(switch: Switch, settings: &Settings, site: Option<&str>) -> bool {
    match (switch, site) {
        (Switch::Guard, None) => settings.guard_everywhere,
        (Switch::Guard, Some(site)) => settings.watches(site),
        (Switch::Protection, None) => settings.protect_everywhere,
        (Switch::Protection, Some(site)) => settings.protects(site).is_some(),
    }
}

async fn turn(switch: Switch, site: Option<String>, on: bool) -> Result<(), Refusal> {
    let wanted = match switch {
        Switch::Guard => PageAsk::Guard { site, on },
        Switch::Protection => PageAsk::Protect { site, on },
    };
    ask::ask(wanted).await.map(drop)
}

/// Lets `input` turn a switch on or off for `site`, or for all sites; `done` hears when that has happened.
pub fn wire(input: &HtmlInputElement, switch: Switch, site: Option<String>, done: fn()) {
    let pressed = input.clone();
    dom::on(input, "change", move |_| {
        let on = pressed.checked();
        // Here, and not inside the future: later the click no longer counts.
        let prompt = on.then(|| switch.powers(site.as_deref()).request());
        let (input, site) = (pressed.clone(), site.clone());
        async move {
            let mut outcome = turn(switch, site.clone(), on).await;
            if let Some(prompt) = prompt {
                let is_granted = JsFuture::from(prompt).await.is_ok_and(|answer| answer.is_truthy());
                // Without the permission the wish is forgotten.
                let turned = turn(switch, site.clone(), is_granted).await;
                let refused = Refusal { reason: Reason::NotPermitted, detail: String::new() };
                // Whatever came of forgetting it: that the browser does not permit it is what the person wants to hear.
                outcome = if is_granted { turned } else { Err(refused) };
            }
            dom::trouble(outcome.err().map(|refusal| dom::refusal_text(&refusal)).as_deref());
            if let Ok(settings) = ask::settings().await {
                input.set_checked(is_on(switch, &settings, site.as_deref()));
            }
            done();
        }
    });
}
