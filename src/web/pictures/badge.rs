//! How many pictures of a tab are covered, on the toolbar.

use wasm_bindgen::prelude::*;

use crate::web::browser::chrome;

const COLOUR: &str = "#b3372a";

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(catch, js_namespace = ["chrome", "action"], js_name = setBadgeText)]
    async fn set_badge_text(details: &JsValue) -> Result<JsValue, JsValue>;

    #[wasm_bindgen(catch, js_namespace = ["chrome", "action"], js_name = setBadgeBackgroundColor)]
    async fn set_badge_colour(details: &JsValue) -> Result<JsValue, JsValue>;
}

/// Shows a count beside the toolbar's button while the tab is in view, or takes it away.
pub async fn count(tab: i32, n_covered: u32) {
    let text = if n_covered > 0 { n_covered.to_string() } else { String::new() };
    let shown = async {
        set_badge_colour(&chrome::object(&[("tabId", tab.into()), ("color", COLOUR.into())])).await?;
        set_badge_text(&chrome::object(&[("tabId", tab.into()), ("text", text.into())])).await
    };
    // Rejects when the tab was closed meanwhile.
    let _: Result<JsValue, JsValue> = shown.await;
}
