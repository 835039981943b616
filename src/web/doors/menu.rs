//! A person's click in the menu, or the keyboard shortcut.

use wasm_bindgen::prelude::*;

use crate::{
    protocol::{MENU_PICTURE, MENU_SELECTION},
    web::{browser::chrome, host::host, pictures, words},
};

#[wasm_bindgen(js_name = menuClicked)]
pub async fn menu_clicked(info: JsValue, tab: JsValue) {
    let Ok(host) = host() else { return };
    let frame = chrome::get(&info, "frameId").as_f64().unwrap_or(0.0);
    let address = |name| chrome::get(&info, name).as_string();
    let (page, in_frame) = (address("pageUrl"), address("frameUrl"));
    match chrome::get(&info, "menuItemId").as_string().as_deref() {
        Some(MENU_SELECTION) => {
            let seen_by_browser = chrome::get(&info, "selectionText").as_string();
            words::selection(&host, &tab, Some(frame), in_frame.or(page), seen_by_browser).await;
        }
        Some(MENU_PICTURE) => {
            let source = chrome::get(&info, "srcUrl").as_string();
            pictures::check_picture(&host, &tab, (frame, page, in_frame), source).await;
        }
        _ => {}
    }
}

/// The keyboard shortcut: the selection is in whichever frame has the focus.
#[wasm_bindgen(js_name = classifySelection)]
pub async fn classify_selection(tab: JsValue) {
    if let Ok(host) = host() {
        words::selection(&host, &tab, None, None, None).await;
    }
}
