//! The scan of a page's pictures, asked for in the popup: scan.js looks and marks, here its pictures are judged, counted
//! over all frames and shown on the badge. No count is kept here: the page's frames know theirs.

use std::rc::Rc;

use js_sys::Array;
use wasm_bindgen::prelude::*;

use super::{badge, capture::capture, judge::judge_sight};
use crate::{
    engine::Order,
    protocol::{
        Action, Caution, PictureVerdict, Reason, Refusal, SPOTS_MAX, ScanCounts, ScanWish, Spot, ToFrame, ToPage,
    },
    web::{
        browser::{
            chrome,
            scripts::{Whom, inject, kept_out, off_limits, tell},
            tabs::{address_of, open_tabs},
            wire,
        },
        decoding::{self, Crop},
        host::Host,
        settings::settings,
    },
};

const SCRIPTS: [&str; 2] = ["content/pixels.js", "content/scan.js"];

/// Carries out a wish in every frame of a tab that the browser lets us into, and says what is counted there.
pub async fn wish(tab: i32, wish: ScanWish) -> Result<ScanCounts, Refusal> {
    if wish == ScanWish::Start {
        counts(tab).await?;
    }
    if wish != ScanWish::State {
        let message = ToFrame::Scan { wish, action: settings().await.action };
        // Rejects where no scan ever began, and then there is nothing to stop.
        let _ = tell(tab, &Whom::AllFrames, &message).await;
    }
    match wish {
        // Looking must not put a script into a page.
        ScanWish::State if !is_there(tab).await => Ok(ScanCounts::default()),
        _ => counts(tab).await,
    }
}

/// A frame counted something: the badge and the popup follow.
pub async fn scanned(host: &Rc<Host>, tab: i32) -> Result<(), Refusal> {
    if !is_there(tab).await {
        return Err(off_limits("no scan was begun in this tab"));
    }
    let counts = counts(tab).await?;
    badge::count(tab, counts.over).await;
    host.tell_pages(&ToPage::Scan { tab, counts });
    Ok(())
}

/// A tab as one of its frames sees it.
pub struct InView {
    pub tab: i32,
    pub window: Option<i32>,
    /// In CSS pixels.
    pub width: f64,
    /// Whether what is to be judged is painted with a tenth of its contrast.
    pub faint: bool,
}

/// Judges pictures that only a capture shows. The tab must be the one in view: another would be captured in its stead.
pub async fn in_view(
    host: &Rc<Host>,
    view: &InView,
    spots: &[Spot],
    order: Order,
    caution: &Caution,
) -> Result<Vec<Option<PictureVerdict>>, Refusal> {
    if spots.len() > SPOTS_MAX as usize {
        let detail = format!("{} places are more than the {SPOTS_MAX} that are looked at in one capture", spots.len());
        return Err(Refusal { reason: Reason::BadRequest, detail });
    }
    let capture = capture(view.window).await?;
    // Asked after the capture: whoever was in view when the message was sent may have gone since.
    if !is_in_view(view.tab, view.window).await {
        return Err(off_limits("the tab is not in view"));
    }
    let mut verdicts = Vec::with_capacity(spots.len());
    for Spot { x, y, width, height } in spots {
        let decoded = match capture.part([*x, *y, x + width, y + height], view.width) {
            Some(crop) => decoding::cropped(&capture.png, &Crop { faint: view.faint, ..crop }).await.ok(),
            None => None,
        };
        verdicts.push(match decoded {
            Some(decoded) => Some(judge_sight(host, decoded.into(), order.clone(), caution).await?),
            None => None,
        });
    }
    Ok(verdicts)
}

async fn is_in_view(tab: i32, window: Option<i32>) -> bool {
    let window = window.map_or(JsValue::UNDEFINED, JsValue::from);
    let filter = chrome::object(&[("active", true.into()), ("windowId", window)]);
    let in_view = chrome::query_tabs(&filter).await.map(|tabs| Array::from(&tabs)).unwrap_or_default();
    in_view.iter().any(|found| chrome::get(&found, "id").as_f64() == Some(tab.into()))
}

/// The sum over all frames; puts the scripts there where they are not yet.
async fn counts(tab: i32) -> Result<ScanCounts, Refusal> {
    let frames = match inject(tab, None, &SCRIPTS).await {
        Ok(frames) => frames,
        Err(thrown) => {
            let tabs = open_tabs(&chrome::object(&[])).await;
            let shown = tabs.iter().find(|found| chrome::get(found, "id").as_f64() == Some(tab.into()));
            return Err(kept_out(shown.and_then(address_of).as_deref(), &chrome::reason_of(&thrown)));
        }
    };
    let counts = frames.into_iter().filter_map(|frame| wire::from_js::<ScanCounts>(frame.result).ok());
    Ok(counts.fold(ScanCounts::default(), |sum, frame| ScanCounts {
        found: sum.found.saturating_add(frame.found),
        judged: sum.judged.saturating_add(frame.judged),
        over: sum.over.saturating_add(frame.over),
        unread: sum.unread.saturating_add(frame.unread),
        failed: sum.failed.saturating_add(frame.failed),
        running: sum.running || frame.running,
    }))
}

/// Whether a scan was ever begun in a tab: its script hears messages.
async fn is_there(tab: i32) -> bool {
    let message = ToFrame::Scan { wish: ScanWish::State, action: Action::default() };
    tell(tab, &Whom::AllFrames, &message).await.is_ok_and(|answer| answer.is_truthy())
}
