//! What can be seen of a picture on a page: its own pixels where the page may read them, else the part of the visible tab
//! in which it is painted. A capture is held only as long as one judgement takes.

use std::rc::Rc;

use js_sys::{Array, Uint8Array};
use wasm_bindgen::prelude::*;
use web_sys::Blob;

use super::{
    chrome,
    decode::{self, Crop, Upright},
    flows::{self, CARD, SURFACE, Shown, VERDICT, inject, off_limits, tab_and_window},
    host::{Host, NSFW},
    requests::FRAME_TEXT_UNITS_MAX,
    wire,
};
use crate::{
    image::dimensions,
    protocol::{PictureVerdict, Reason, Refusal, View},
};

const SCORES: &str = "content/scores.js";
const POINTER: &str = "content/pointer.js";
const PIXELS: &str = "content/pixels.js";
const PICTURE: &str = "content/picture.js";
/// As far as the size that a PNG says it has.
const PNG_HEADER_BYTES: u32 = 32;
/// What a browser says that allows so many captures a second (Chromium: two). Whoever is quicker, or checks a picture while
/// the page is scanned, waits for the next.
const CAPTURE_QUOTA: &str = "MAX_CAPTURE_VISIBLE_TAB_CALLS_PER_SECOND";
const CAPTURE_AGAIN_MS: i32 = 300;
const CAPTURES_AGAIN_MAX: u32 = 8;
/// The tab's own frame.
const TOP: i32 = 0;

/// A right click on a picture, or on whatever may have one under the pointer; then there is no `source`.
pub async fn check_picture(host: &Rc<Host>, tab: &JsValue, frame: i32, source: &JsValue) {
    host.runner.warm(NSFW);
    let (tab_id, window) = tab_and_window(tab);
    if inject(tab_id, Some(frame), &[SURFACE, VERDICT, CARD, SCORES, PIXELS, PICTURE, POINTER]).await.is_err() {
        let shown = Shown::begin(host, flows::Place::Popup { window }).await;
        return shown.end(View::Refused(off_limits("no script of ours may enter this frame"))).await;
    }
    // The capture comes before the card, which could stand in front of the picture.
    let (found, seen) = look(tab_id, frame, window, source).await;
    let pixels = chrome::get(&found, "picture");
    let shown = Shown::begin(host, flows::Place::Card { tab: tab_id, frame }).await;
    let partly_visible = chrome::get(&found, "partlyVisible").is_truthy();
    let verdict: Result<PictureVerdict, Refusal> = async {
        // A scan that covered the picture has seen it without its cover.
        let covered = chrome::get(&found, "verdict");
        if !wire::is_longer_than(&covered, FRAME_TEXT_UNITS_MAX)
            && let Ok(verdict) = wire::from_js(covered)
        {
            return Ok(verdict);
        }
        match seen.transpose()? {
            Some((Some(crop), capture)) => {
                host.judge_sight(decode::cropped(&capture.png, &crop).await?.into(), shown.order()).await
            }
            None if !pixels.is_undefined() => host.judge_picture(&pixels, shown.order()).await,
            _ if chrome::get(&found, "found").is_truthy() => Err(off_limits("nothing of the picture is in view")),
            _ => {
                let detail = "no picture was found under the pointer".to_owned();
                Err(Refusal { reason: Reason::NoPicture, detail })
            }
        }
    }
    .await;
    shown
        .end(match verdict {
            Ok(verdict) => View::Picture { verdict, partly_visible },
            Err(refusal) => View::Refused(refusal),
        })
        .await;
}

/// What the frame says of the picture, and the capture with the picture's place in it where that is needed.
async fn look(
    tab: i32,
    frame: i32,
    window: Option<i32>,
    source: &JsValue,
) -> (JsValue, Option<Result<(Option<Crop>, Capture), Refusal>>) {
    let ask = chrome::object(&[("sotto", "findPicture".into()), ("source", source.clone())]);
    let mut n_refused = 0;
    loop {
        let found = ask_frame(tab, frame, &ask).await;
        let place = if chrome::get(&found, "picture").is_undefined() { place_of(tab, &found).await } else { None };
        let Some(place) = place else { return (found, None) };
        match capture(window).await {
            // By then the page may have moved, so that it is asked again, too.
            Err(refusal) if refusal.detail.contains(CAPTURE_QUOTA) && n_refused < CAPTURES_AGAIN_MAX => {
                n_refused += 1;
                chrome::pause(CAPTURE_AGAIN_MS).await;
            }
            captured => return (found, Some(captured.map(|capture| (place.crop(&capture), capture)))),
        }
    }
}

async fn ask_frame(tab: i32, frame: i32, ask: &JsValue) -> JsValue {
    let options = chrome::object(&[("frameId", frame.into())]);
    chrome::send_to_tab(tab, ask, &options).await.unwrap_or(JsValue::UNDEFINED)
}

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(catch, js_namespace = Uint8Array, js_name = fromBase64)]
    fn from_base64(text: &str) -> Result<Uint8Array, JsValue>;
}

/// The visible tab as a PNG, which keeps every pixel as it is on the screen.
pub struct Capture {
    pub png: Blob,
    /// In device pixels.
    width: f64,
    height: f64,
}

impl Capture {
    /// The part between these edges, in CSS pixels of a tab that is `view_width` of them wide; none where less than a device
    /// pixel of it is left.
    pub fn part(&self, [left, top, right, bottom]: [f64; 4], view_width: f64) -> Option<Crop> {
        // Browsers paint a box between the whole pixels nearest to its edges.
        let at = |edge: f64, end: f64| (edge * self.scale(view_width)).round().clamp(0.0, end);
        let (left, top) = (at(left, self.width), at(top, self.height));
        let (width, height) = (at(right, self.width) - left, at(bottom, self.height) - top);
        let crop = Crop { x: left, y: top, width, height, upright: None };
        (width >= 1.0 && height >= 1.0).then_some(crop)
    }

    fn scale(&self, view_width: f64) -> f64 {
        self.width / view_width.max(1.0)
    }
}

pub async fn capture(window: Option<i32>) -> Result<Capture, Refusal> {
    let options = chrome::object(&[("format", "png".into())]);
    let captured = async {
        let url = chrome::capture_visible_tab(window.unwrap_or(-2), &options).await?;
        let url = url.as_string().unwrap_or_default();
        let bytes = from_base64(url.split_once(',').map_or("", |(_, data)| data))?;
        let header = bytes.subarray(0, PNG_HEADER_BYTES).to_vec();
        let (width, height) =
            dimensions(&header).ok_or_else(|| JsValue::from_str("the browser's capture is no PNG"))?;
        let png = Blob::new_with_u8_array_sequence(&Array::of1(&bytes))?;
        Ok(Capture { png, width: width.into(), height: height.into() })
    };
    captured.await.map_err(|thrown: JsValue| off_limits(&chrome::reason_of(&thrown)))
}

/// Where in the tab a picture is that pixels.js describes, in CSS pixels of the tab.
struct Place {
    left: f64,
    top: f64,
    right: f64,
    bottom: f64,
    /// How many CSS pixels a capture shows across.
    view_width: f64,
    upright: Option<Upright>,
}

impl Place {
    /// The same in device pixels of a capture; none where less than a pixel is left.
    fn crop(&self, capture: &Capture) -> Option<Crop> {
        let scale = capture.scale(self.view_width);
        let upright = self.upright.map(|upright| Upright {
            corner: (upright.corner.0 * scale, upright.corner.1 * scale),
            turn: upright.turn,
            width: upright.width * scale,
            height: upright.height * scale,
        });
        let crop = capture.part([self.left, self.top, self.right, self.bottom], self.view_width)?;
        Some(Crop { upright, ..crop })
    }
}

/// A frame of another site can't tell where it stands: the tab's own frame is asked, where the browser lets us into it.
async fn place_of(tab: i32, found: &JsValue) -> Option<Place> {
    let (mut frame, mut view) = (chrome::get(found, "frame"), chrome::get(found, "view"));
    let index = chrome::get(&frame, "index");
    if !index.is_undefined() {
        inject(tab, Some(TOP), &[PIXELS, PICTURE]).await.ok()?;
        let ask = chrome::object(&[("sotto", "findFrame".into()), ("index", index)]);
        let answer = ask_frame(tab, TOP, &ask).await;
        (frame, view) = (chrome::get(&answer, "frame"), chrome::get(&answer, "view"));
    }
    let corner = (number(&frame, "x")?, number(&frame, "y")?);
    let (zoom, pinch) = (number(&frame, "zoom")?, number(&view, "pinch")?);
    let moved = (number(&view, "left")?, number(&view, "top")?);
    // From CSS pixels of the frame to those of what a capture shows.
    let across = |x: f64| (corner.0 + x * zoom - moved.0) * pinch;
    let down = |y: f64| (corner.1 + y * zoom - moved.1) * pinch;
    let rect = chrome::get(found, "rect");
    let upright = chrome::get(found, "upright");
    let upright = if upright.is_object() {
        let corner = chrome::get(&upright, "corner");
        let turn = Array::from(&chrome::get(&upright, "turn"));
        let turn: Vec<f64> = turn.iter().take(5).filter_map(|part| part.as_f64()).collect();
        Some(Upright {
            corner: (across(number(&corner, "x")?), down(number(&corner, "y")?)),
            turn: turn.try_into().ok()?,
            width: number(&upright, "width")? * zoom * pinch,
            height: number(&upright, "height")? * zoom * pinch,
        })
    } else {
        None
    };
    Some(Place {
        left: across(number(&rect, "left")?),
        top: down(number(&rect, "top")?),
        right: across(number(&rect, "right")?),
        bottom: down(number(&rect, "bottom")?),
        view_width: number(&view, "width")?,
        upright,
    })
}

fn number(object: &JsValue, name: &str) -> Option<f64> {
    chrome::get(object, name).as_f64().filter(|value| value.is_finite())
}
