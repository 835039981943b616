//! Scripts of ours on their way into a tab, and messages to those that are there. What they say is only heard where it is no
//! longer than any of ours would be: longer words would enter linear memory, which never shrinks.

use js_sys::Array;
use serde::de::DeserializeOwned;
use wasm_bindgen::prelude::*;

use super::{chrome, sites, time, untrusted, wire};
use crate::protocol::{FRAME_TEXT_UNITS_MAX, Reason, Refusal, ToFrame};

/// Chromium tells us of a click in the menu before the page's process knows what that click allows, and refuses a script that
/// is quick. Whoever is refused again after these pauses may not enter.
const GRANT_PAUSES_MS: [i32; 2] = [30, 120];

/// What the last of some scripts said in one frame.
pub struct Said {
    /// The browser's number for it; Firefox's have more than 32 bits.
    pub frame: f64,
    /// Undefined where it said more than any script of ours.
    pub result: JsValue,
}

/// Brings scripts into one frame of a tab, or into all of them.
pub async fn inject(tab: i32, frame: Option<f64>, files: &[&str]) -> Result<Vec<Said>, JsValue> {
    let target = chrome::object(&[("tabId", tab.into())]);
    match frame {
        Some(frame) => chrome::set(&target, "frameIds", &Array::of1(&frame.into())),
        None => chrome::set(&target, "allFrames", &true.into()),
    }
    let injection = chrome::object(&[("target", target), ("files", chrome::strings(files))]);
    let mut pauses = GRANT_PAUSES_MS.into_iter();
    let results = loop {
        match (chrome::execute_script(&injection).await, pauses.next()) {
            (Ok(results), _) => break Array::from(&results),
            (Err(thrown), None) => return Err(thrown),
            (Err(_), Some(ms)) => time::pause(ms).await,
        }
    };
    let said = results.iter().filter_map(|result| {
        let frame = chrome::get(&result, "frameId").as_f64()?;
        Some(Said { frame, result: no_longer_than_ours(chrome::get(&result, "result")) })
    });
    let said: Vec<Said> = said.collect();
    // Of a page that no script of ours may enter Firefox says just that nothing came of it.
    if said.is_empty() { Err(JsValue::from_str("no script of ours may enter")) } else { Ok(said) }
}

/// Whom in a tab a message is for.
#[derive(Clone)]
pub enum Whom {
    AllFrames,
    Frame(f64),
    /// One document of a frame, which may show another by then; undefined where it is not known.
    Document(f64, JsValue),
}

/// Tells scripts in a tab something. Rejects where none of them listens.
pub async fn tell(tab: i32, whom: &Whom, message: &ToFrame) -> Result<JsValue, JsValue> {
    let options = chrome::object(&[]);
    if let Whom::Frame(frame) | Whom::Document(frame, _) = whom {
        chrome::set(&options, "frameId", &(*frame).into());
    }
    if let Whom::Document(_, document) = whom
        && document.is_string()
    {
        chrome::set(&options, "documentId", document);
    }
    chrome::send_to_tab(tab, &wire::tagged(message), &options).await
}

/// Asks a script in a frame; the answer, and the picture that stands beside it (undefined where none does).
pub async fn ask<T: DeserializeOwned + Default>(tab: i32, frame: f64, message: &ToFrame) -> (T, JsValue) {
    let answer = tell(tab, &Whom::Frame(frame), message).await.unwrap_or(JsValue::UNDEFINED);
    let (answer, picture) = untrusted::take_picture(&answer);
    untrusted::without_long_parts(&answer, FRAME_TEXT_UNITS_MAX);
    // What can't be read is taken for nothing said: a page may have taken the script over.
    (wire::from_js(no_longer_than_ours(answer)).unwrap_or_default(), picture)
}

fn no_longer_than_ours(said: JsValue) -> JsValue {
    if untrusted::is_longer_than(&said, FRAME_TEXT_UNITS_MAX) { JsValue::UNDEFINED } else { said }
}

/// The id and the window of a tab, as the browser's events name it.
pub fn tab_and_window(tab: &JsValue) -> (i32, Option<i32>) {
    let id = chrome::get(tab, "id").as_f64().unwrap_or(-1.0) as i32;
    (id, chrome::get(tab, "windowId").as_f64().map(|window| window as i32))
}

/// Why none of our scripts came into a page, by its address; the browser tells none of most pages that it keeps to itself.
pub fn kept_out(address: Option<&str>, detail: &str) -> Refusal {
    let reason = match sites::closed_by(address, &chrome::own_url("")) {
        _ if address.is_some_and(sites::is_pdf) => Reason::PdfPage,
        None | Some(Reason::NotOnWeb) => Reason::OffLimits,
        Some(reason) => reason,
    };
    Refusal { reason, detail: detail.to_owned() }
}

pub fn off_limits(detail: &str) -> Refusal {
    Refusal { reason: Reason::OffLimits, detail: detail.to_owned() }
}
