//! The upload guard's switch, for one site or for all. The browser's prompt must be asked for inside the click itself,
//! and may close the popup: so the wish is told to the background at the same moment, which acts on it as soon as the
//! permission is there.

use wasm_bindgen_futures::JsFuture;
use web_sys::HtmlInputElement;

use super::{ask, dom};
use crate::{
    protocol::{Ask, Refusal},
    web::chrome,
};

pub const EVERYWHERE: &str = "<all_urls>";

/// Lets `switch` turn the guard on or off for `site`, or for all sites; `done` hears when that has happened.
pub fn wire(switch: &HtmlInputElement, site: Option<String>, done: fn()) {
    let input = switch.clone();
    dom::on(switch, "change", move |_| {
        let on = input.checked();
        let origins =
            chrome::strings(&[&site.as_ref().map_or_else(|| EVERYWHERE.to_owned(), |site| format!("{site}/*"))]);
        let wanted = chrome::object(&[("origins", origins)]);
        // Here, and not inside the future: later the click no longer counts.
        let prompt = on.then(|| chrome::request_permission(&wanted));
        let (input, site) = (input.clone(), site.clone());
        async move {
            let switched = switch_guard(site.clone(), on).await;
            let granted = match prompt {
                None => true,
                Some(prompt) => JsFuture::from(prompt).await.is_ok_and(|answer| answer.is_truthy()),
            };
            let outcome = match (switched, granted, on) {
                (Err(refusal), ..) => Err(dom::refusal_text(&refusal)),
                (Ok(()), false, _) => {
                    // Nothing was registered without the permission; forget the wish too.
                    drop(switch_guard(site, false).await);
                    Err(chrome::message("guardRefused", &[]))
                }
                (Ok(()), true, true) => switch_guard(site, true).await.map_err(|refusal| dom::refusal_text(&refusal)),
                (Ok(()), true, false) => Ok(()),
            };
            if outcome.is_err() {
                input.set_checked(!on);
            }
            dom::trouble(outcome.err().as_deref());
            done();
        }
    });
}

pub async fn switch_guard(site: Option<String>, on: bool) -> Result<(), Refusal> {
    ask::ask(Ask::Guard { site, on }).await.map(drop)
}
