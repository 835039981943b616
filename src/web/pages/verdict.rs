//! A verdict inside one of Sotto's own pages. The scripts that draw the card on a web page draw it here too
//! (extension/content/verdict.js; extension/pages/verdicts.js puts it into its place): nothing of a verdict is worded in Rust.

use wasm_bindgen::prelude::*;
use web_sys::HtmlElement;

use crate::{protocol::View, web::browser::wire};

// As the glue in pages/wasm/ sees it.
#[wasm_bindgen(raw_module = "../verdicts.js")]
extern "C" {
    /// Draws a view as the background tells it.
    #[wasm_bindgen(js_name = show)]
    pub fn show_told(into: &HtmlElement, view: &JsValue, said: &str);
}

/// Draws a view into an element, which is a live region. `said` is the text that was judged, empty where it is not known;
/// with it a verdict has its sentences and can be explained.
pub fn show(into: &HtmlElement, view: &View, said: &str) {
    show_told(into, &wire::to_js(view), said);
}
