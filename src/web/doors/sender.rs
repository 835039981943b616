//! Who sent a message or opened a connection, by what the browser says of them; nothing that a message says of itself
//! counts.

use wasm_bindgen::prelude::*;

use crate::protocol::{Reason, Refusal};
use crate::web::browser::{chrome, sites};

/// Who sent a message. Pages on the web can't: they have no way to reach the extension at all.
pub enum Sender {
    /// One of Sotto's own pages.
    OwnPage,
    /// A content script of ours in a frame of a tab.
    Frame(Frame),
}

pub struct Frame {
    pub tab: i32,
    pub frame: f64,
    pub window: Option<i32>,
    /// None for what is not on the web.
    pub site: Option<String>,
    /// Of what the tab shows; none where the browser does not say, for want of a permission.
    pub tab_site: Option<String>,
    /// The browser's name for its document; undefined where the browser has none.
    pub document: JsValue,
    /// Not fetched ahead, nor kept for "back".
    pub is_active: bool,
}

pub fn sender_of(sender: &JsValue) -> Result<Sender, Refusal> {
    let bad = |detail: &str| Refusal { reason: Reason::BadRequest, detail: detail.to_owned() };
    let ours = chrome::EXTENSION_ID.with(|id| chrome::get(sender, "id").as_string().as_ref() == Some(id));
    if !ours {
        return Err(bad("the sender is not Sotto"));
    }
    let url = chrome::get(sender, "url").as_string().unwrap_or_default();
    let own_origin = chrome::own_url("");
    let origin = chrome::get(sender, "origin").as_string().unwrap_or_default();
    match (url.starts_with(&own_origin), own_origin.trim_end_matches('/') == origin) {
        (true, true) => return Ok(Sender::OwnPage),
        (false, false) => {}
        _ => return Err(bad("the sender's address and origin don't fit together")),
    }
    let tab = chrome::get(&chrome::get(sender, "tab"), "id").as_f64();
    let frame = chrome::get(sender, "frameId").as_f64();
    // A frame without an address of its own has the origin of the page that made it.
    let origin = chrome::get(sender, "origin").as_string().unwrap_or_default();
    let site = sites::site_of(&url).or_else(|| sites::site_of(&origin));
    match (tab, frame) {
        (Some(tab), Some(frame)) => {
            let window = chrome::get(&chrome::get(sender, "tab"), "windowId").as_f64().map(|window| window as i32);
            let document = chrome::get(sender, "documentId");
            let is_active = chrome::get(sender, "documentLifecycle").as_string().is_none_or(|stage| stage == "active");
            let tab = tab as i32;
            // What the tab shows is known of its own frame: the browser may still say what was there before.
            let tab_url = chrome::get(&chrome::get(sender, "tab"), "url").as_string();
            let tab_site = if frame == 0.0 { site.clone() } else { tab_url.and_then(|url| sites::site_of(&url)) };
            Ok(Sender::Frame(Frame { tab, frame, window, site, tab_site, document, is_active }))
        }
        _ => Err(bad("the sender is neither a page of Sotto's nor a frame of a tab")),
    }
}
