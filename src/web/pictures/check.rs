//! A right click on a picture: its own pixels where the page may read them, else the part of the visible tab in which it is
//! painted, judged and shown.

use std::rc::Rc;

use wasm_bindgen::prelude::*;

use super::{
    capture::{Capture, Painted, capture},
    judge::{judge, judge_sight},
};
use crate::{
    models::Task,
    protocol::{Caution, FoundFrame, FoundPicture, FramePlace, PictureVerdict, Reason, Refusal, ToFrame, View},
    web::{
        browser::{
            scripts::{ask, inject, kept_out, off_limits, tab_and_window},
            sites, time,
        },
        decoding::{self, Crop},
        host::{CARD, Host, SURFACE, Shown, ShownIn, VERDICT},
        settings::settings,
    },
};

const SCORES: &str = "content/scores.js";
const POINTER: &str = "content/pointer.js";
const PIXELS: &str = "content/pixels.js";
const PICTURE: &str = "content/picture.js";
/// What a browser says that allows so many captures a second (Chromium: two). Whoever is quicker, or checks a picture while
/// the page is scanned, waits for the next.
const CAPTURE_QUOTA: &str = "MAX_CAPTURE_VISIBLE_TAB_CALLS_PER_SECOND";
const CAPTURE_AGAIN_MS: i32 = 300;
const CAPTURES_AGAIN_MAX: u32 = 8;
/// The tab's own frame.
const TOP: f64 = 0.0;

/// A right click on a picture, or on whatever may have one under the pointer; then there is no `source`. `place` is the frame, the
/// address of the page and, but for its own frame, that of the frame.
pub async fn check_picture(
    host: &Rc<Host>,
    tab: &JsValue,
    place: (f64, Option<String>, Option<String>),
    source: Option<String>,
) {
    let (frame, page, in_frame) = place;
    host.runner.warm(Task::Picture);
    let (tab_id, window) = tab_and_window(tab);
    if inject(tab_id, Some(frame), &[SURFACE, VERDICT, CARD, SCORES, PIXELS, PICTURE, POINTER]).await.is_err() {
        let shown = Shown::begin(host, ShownIn::Popup { window }).await;
        return shown.end(View::Refused(no_entry(page, in_frame))).await;
    }
    // The capture comes before the card, which could stand in front of the picture.
    let Looked { found, pixels, seen } = look(tab_id, frame, window, source).await;
    let shown = Shown::begin(host, ShownIn::Card { tab: tab_id, frame }).await;
    let verdict: Result<PictureVerdict, Refusal> = async {
        // A scan that covered the picture has seen it without its cover.
        if let Some(verdict) = found.verdict {
            return Ok(verdict);
        }
        match seen.transpose()? {
            Some((Some(crop), capture)) => {
                let caution = Caution::from(&settings().await);
                let sight = decoding::cropped(&capture.png, &crop).await?.into();
                judge_sight(host, sight, shown.order(), &caution).await
            }
            None if !pixels.is_undefined() => judge(host, &pixels, shown.order()).await,
            None if found.found && found.rect.is_some() => Err(off_limits("nobody says where its frame stands")),
            _ if found.found => {
                let detail = "nothing of the picture is in view".to_owned();
                Err(Refusal { reason: Reason::OutOfView, detail })
            }
            _ => {
                let detail = "no picture was found under the pointer".to_owned();
                Err(Refusal { reason: Reason::NoPicture, detail })
            }
        }
    }
    .await;
    let view = match verdict {
        Ok(verdict) => View::Picture { verdict, partly_visible: found.partly_visible },
        Err(refusal) => View::Refused(refusal),
    };
    shown.end(view).await;
}

/// Why none of our scripts may enter the frame of a click.
fn no_entry(page: Option<String>, in_frame: Option<String>) -> Refusal {
    let detail = "no script of ours may enter this frame";
    let site = |address: &Option<String>| address.as_deref().and_then(sites::site_of);
    match (site(&page), site(&in_frame)) {
        // The click lets us into the page's own frames alone.
        (Some(page), Some(frame)) if page != frame => Refusal { reason: Reason::OtherFrame, detail: detail.to_owned() },
        _ => kept_out(in_frame.or(page).as_deref(), detail),
    }
}

/// What the frame says of the picture, its pixels, and the capture with the picture's place in it where that is needed.
struct Looked {
    found: FoundPicture,
    /// Undefined where the page may not read them.
    pixels: JsValue,
    seen: Option<Result<(Option<Crop>, Capture), Refusal>>,
}

async fn look(tab: i32, frame: f64, window: Option<i32>, source: Option<String>) -> Looked {
    let question = ToFrame::FindPicture { source };
    let mut n_refused = 0;
    loop {
        let (found, pixels): (FoundPicture, JsValue) = ask(tab, frame, &question).await;
        let painted = if pixels.is_undefined() { painted(tab, &found).await } else { None };
        let Some(painted) = painted else { return Looked { found, pixels, seen: None } };
        match capture(window).await {
            // By then the page may have moved, so that it is asked again, too.
            Err(refusal) if refusal.detail.contains(CAPTURE_QUOTA) && n_refused < CAPTURES_AGAIN_MAX => {
                n_refused += 1;
                time::pause(CAPTURE_AGAIN_MS).await;
            }
            captured => {
                let seen = captured.map(|capture| (painted.crop(&capture), capture));
                return Looked { found, pixels, seen: Some(seen) };
            }
        }
    }
}

/// A frame of another site can't tell where it stands: the tab's own frame is asked, where the browser lets us into it.
async fn painted(tab: i32, found: &FoundPicture) -> Option<Painted> {
    let (mut frame, mut view) = (found.frame, found.view);
    if let Some(FramePlace { index: Some(index), .. }) = frame {
        inject(tab, Some(TOP), &[PIXELS, PICTURE]).await.ok()?;
        let (answer, _): (FoundFrame, JsValue) = ask(tab, TOP, &ToFrame::FindFrame { index }).await;
        (frame, view) = (answer.frame, answer.view);
    }
    Painted::new(found.rect?, found.upright, frame?, view?)
}
