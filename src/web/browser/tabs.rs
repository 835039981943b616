//! The tabs that are open, and a word to all scripts of ours in them.

use js_sys::Array;
use wasm_bindgen::prelude::*;

use super::{
    chrome,
    scripts::{Whom, tell},
};
use crate::protocol::ToFrame;

pub async fn open_tabs(filter: &JsValue) -> Vec<JsValue> {
    chrome::query_tabs(filter).await.map(|tabs| Array::from(&tabs).to_vec()).unwrap_or_default()
}

/// Whether a tab stands in a private window; one that has gone does.
pub async fn is_private(tab: i32) -> bool {
    let found = chrome::tab(tab).await;
    found.ok().and_then(|tab| chrome::get(&tab, "incognito").as_bool()).unwrap_or(true)
}

/// To scripts in all tabs: a site's frames stand in tabs of other sites, too.
pub async fn tell_open_tabs(message: &ToFrame) {
    for tab in open_tabs(&chrome::object(&[])).await {
        tell_tab(&tab, message).await;
    }
}

pub async fn tell_tab(tab: &JsValue, message: &ToFrame) {
    if let Some(id) = chrome::get(tab, "id").as_f64() {
        // Rejects where no script of ours listens.
        let _ = tell(id as i32, &Whom::AllFrames, message).await;
    }
}

/// What a tab shows; none where the browser does not say.
pub fn address_of(tab: &JsValue) -> Option<String> {
    chrome::get(tab, "url").as_string()
}

pub fn list(items: &[String]) -> JsValue {
    items.iter().map(|item| JsValue::from_str(item)).collect::<Array>().into()
}
