//! The pictures of a protected page: by the bytes that the browser has of them (extension/loaded.js), by their pixels where the page
//! may read those, or by what the tab shows.

use std::rc::Rc;

use js_sys::{Array, Promise};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;

use super::caution;
use crate::{
    engine::{Asker, Order},
    protocol::{PictureVerdict, Reason, Refusal, SiteRule, Strictness, Urgency},
    web::{browser::chrome, host::Host, pictures},
};

#[wasm_bindgen]
extern "C" {
    /// loaded.js, by way of background.js: a file, or null where the page has none from these addresses.
    #[wasm_bindgen(catch, js_name = sottoLoaded)]
    fn loaded_from(tab: i32, addresses: &Array, soon: bool, came_ms: f64) -> Result<Promise, JsValue>;
}

/// What a page says of a picture that it has loaded.
pub struct Wanted<'a> {
    pub addresses: &'a [String],
    pub soon: bool,
    pub came_ms: f64,
}

/// Judges the picture that a page has loaded from one of some addresses.
pub async fn loaded(
    host: &Rc<Host>,
    tab: i32,
    tab_site: Option<&str>,
    id: String,
    wanted: Wanted<'_>,
) -> Result<PictureVerdict, Refusal> {
    let caution = caution(tab_site, |rule| rule.pictures).await?;
    // From here on it counts, and is given up with its frame; the file comes before its turn, because all that are asked for at
    // the same time come together.
    let asked = host.waiting.enter(tab, &id)?;
    let addresses: Array = wanted.addresses.iter().map(|address| JsValue::from_str(address)).collect();
    let found = async { JsFuture::from(loaded_from(tab, &addresses, wanted.soon, wanted.came_ms)?).await };
    let file = found.await.map_err(|thrown| Refusal {
        reason: Reason::Internal,
        detail: format!("the browser does not say what the page has loaded: {}", chrome::reason_of(&thrown)),
    })?;
    if file.is_null() {
        let detail = "the page has loaded no picture from there that the browser hands over".to_owned();
        return Err(Refusal { reason: Reason::NoPicture, detail });
    }
    asked.turn(Urgency::Page).await?;
    let order = Order { asker: Asker::Tab(tab), request: id, urgency: Urgency::Page };
    pictures::judge_with(host, &file, order, &caution).await
}

/// Judges pixels that a protected page may read.
pub async fn seen(
    host: &Rc<Host>,
    tab_site: Option<&str>,
    picture: &JsValue,
    film: bool,
    order: Order,
) -> Result<PictureVerdict, Refusal> {
    let caution = caution(tab_site, of(film)).await?;
    pictures::judge_with(host, picture, order, &caution).await
}

fn of(film: bool) -> impl Fn(&SiteRule) -> Strictness {
    move |rule| if film { rule.films } else { rule.pictures }
}
