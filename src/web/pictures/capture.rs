//! Captures of the visible tab, and where in one a picture is painted that a page may not be read for. A capture is held only
//! as long as one judgement takes.

use js_sys::{Array, Uint8Array};
use wasm_bindgen::prelude::*;
use web_sys::Blob;

use crate::{
    image::dimensions,
    protocol::{Edges, FramePlace, Refusal, TabView, TurnedBox},
    web::{
        browser::{chrome, scripts::off_limits},
        decoding::{Crop, Upright},
    },
};

/// As far as the size that a PNG says it has.
const PNG_HEADER_BYTES: u32 = 32;

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
        let crop = Crop { x: left, y: top, width, height, upright: None, faint: false };
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

/// Where in the tab a picture is painted, in CSS pixels of the tab.
pub struct Painted {
    left: f64,
    top: f64,
    right: f64,
    bottom: f64,
    /// How many CSS pixels a capture shows across.
    view_width: f64,
    upright: Option<Upright>,
}

impl Painted {
    /// From what pixels.js says of a picture, in pixels of its frame, and where that frame stands; none where the frame does
    /// not know that, or a page says what is no place.
    pub fn new(rect: Edges, upright: Option<TurnedBox>, frame: FramePlace, view: TabView) -> Option<Self> {
        let (frame_x, frame_y, zoom) = (frame.x?, frame.y?, frame.zoom?);
        let TabView { width, pinch, left, top } = view;
        let across = |x: f64| (frame_x + x * zoom - left) * pinch;
        let down = |y: f64| (frame_y + y * zoom - top) * pinch;
        let upright = upright.map(|TurnedBox { corner, turn, width, height }| Upright {
            corner: (across(corner.x), down(corner.y)),
            turn,
            width: width * zoom * pinch,
            height: height * zoom * pinch,
        });
        let painted = Self {
            left: across(rect.left),
            top: down(rect.top),
            right: across(rect.right),
            bottom: down(rect.bottom),
            view_width: width,
            upright,
        };
        painted.is_finite().then_some(painted)
    }

    fn is_finite(&self) -> bool {
        let Self { left, top, right, bottom, view_width, upright } = self;
        let turned = upright.iter().flat_map(|upright| {
            let Upright { corner, turn, width, height } = *upright;
            turn.into_iter().chain([corner.0, corner.1, width, height])
        });
        turned.chain([*left, *top, *right, *bottom, *view_width]).all(f64::is_finite)
    }

    /// The same in device pixels of a capture; none where less than a pixel is left.
    pub fn crop(&self, capture: &Capture) -> Option<Crop> {
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
