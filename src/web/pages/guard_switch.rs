//! The upload guard's switch, for one site or for all. The browser's prompt must be asked for inside the click itself,
//! and may close the popup: so the wish is told to the background at the same moment, which acts on it as soon as the
//! permission is there. What the switch then shows is what is in force.

use wasm_bindgen_futures::JsFuture;
use web_sys::HtmlInputElement;

use super::{ask, dom};
use crate::{
    protocol::{PageAsk, Reason, Refusal},
    web::browser::{chrome, sites},
};

/// Lets `switch` turn the guard on or off for `site`, or for all sites; `done` hears when that has happened.
pub fn wire(switch: &HtmlInputElement, site: Option<String>, done: fn()) {
    let input = switch.clone();
    dom::on(switch, "change", move |_| {
        let on = input.checked();
        let pattern = site.as_deref().map_or_else(|| sites::EVERYWHERE.to_owned(), sites::pattern_of);
        let wanted = chrome::object(&[("origins", chrome::strings(&[&pattern]))]);
        // Here, and not inside the future: later the click no longer counts.
        let prompt = on.then(|| chrome::request_permission(&wanted));
        let (input, site) = (input.clone(), site.clone());
        async move {
            let mut outcome = switch_guard(site.clone(), on).await;
            if let Some(prompt) = prompt {
                let is_granted = JsFuture::from(prompt).await.is_ok_and(|answer| answer.is_truthy());
                // Without the permission the wish is forgotten.
                outcome = switch_guard(site.clone(), is_granted).await.and(if is_granted {
                    Ok(())
                } else {
                    Err(Refusal { reason: Reason::NotPermitted, detail: String::new() })
                });
            }
            dom::trouble(outcome.err().map(|refusal| dom::refusal_text(&refusal)).as_deref());
            if let Ok(settings) = ask::settings().await {
                input.set_checked(site.map_or(settings.guard_everywhere, |site| settings.watches(&site)));
            }
            done();
        }
    });
}

async fn switch_guard(site: Option<String>, on: bool) -> Result<(), Refusal> {
    ask::ask(PageAsk::Guard { site, on }).await.map(drop)
}
