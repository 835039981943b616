//! A verdict inside one of Sotto's pages: the popup's counterpart of the card on a web page.

use web_sys::HtmlElement;

use super::{dom, format};
use crate::{
    protocol::{PictureVerdict, Sentiment, TextVerdict, View},
    web::browser::chrome,
};

/// Puts a view into an element, which is a live region.
pub fn show(into: &HtmlElement, view: &View) {
    dom::clear(into);
    match view {
        View::Busy { percent, read } => busy(into, *percent, *read),
        View::Text { verdict } => text(into, verdict),
        // Stands below the verdict: why.rs.
        View::Why { .. } => {}
        View::Picture { verdict, partly_visible } => picture(into, verdict, *partly_visible),
        View::Refused(refusal) => dom::append(into, dom::make("p", "", &dom::refusal_text(refusal))),
    }
}

fn busy(into: &HtmlElement, loaded: Option<u8>, read: Option<u8>) {
    let share = loaded.or(read).map(|percent| f64::from(percent) / 100.0);
    let words = match share.map(format::percent) {
        Some(share) if loaded.is_some() => chrome::message("loadingModel", &[&share]),
        Some(share) => chrome::message("readingShare", &[&share]),
        None => chrome::message("reading", &[]),
    };
    dom::append(into, dom::make("p", "quiet", &words));
    if let Some(bar) = dom::make("progress", "", "") {
        if let Some(share) = share {
            dom::set_attribute(&bar, "value", &share.to_string());
        }
        dom::set_attribute(&bar, "aria-label", &words);
        dom::append(into, Some(bar));
    }
}

fn text(into: &HtmlElement, verdict: &TextVerdict) {
    let (key, tone) = match verdict.sentiment {
        Sentiment::Positive => ("positive", "good"),
        Sentiment::Negative => ("negative", "bad"),
        Sentiment::Unclear => ("unclear", "even"),
        Sentiment::Mixed => ("mixed", "even"),
    };
    let positive = f64::from(verdict.positive);
    let share = format::percent(if verdict.sentiment == Sentiment::Negative { 1.0 - positive } else { positive });
    headline(into, &chrome::message(key, &[]), tone, Some(&share));
    if let (Some(scale), Some(needle)) = (dom::make("div", "scale paint", ""), dom::make("span", "needle", "")) {
        dom::set_attribute(&scale, "aria-hidden", "true");
        let _ = needle.style().set_property("inset-inline-start", &format!("{}%", positive * 100.0));
        dom::append(&scale, Some(needle));
        dom::append(into, Some(scale));
    }
    let meaning = match verdict.sentiment {
        // Only the built-in model's percentages are calibrated.
        _ if verdict.model.starts_with("own-") => "ownMeaning",
        Sentiment::Unclear => "unclearMeaning",
        Sentiment::Mixed => "mixedMeaning",
        Sentiment::Positive => "positiveMeaning",
        Sentiment::Negative => "negativeMeaning",
    };
    let mut note = chrome::message("elapsed", &[&format!("{:.0}", verdict.elapsed_ms.max(1.0))]);
    if verdict.n_windows > 1 {
        note.push_str(" · ");
        note.push_str(&chrome::message("parts", &[&verdict.n_windows.to_string()]));
    }
    dom::append(into, dom::make("p", "quiet small", &chrome::message(meaning, &[&share])));
    if verdict.truncated {
        dom::append(into, dom::make("p", "quiet small", &chrome::message("truncated", &[])));
    }
    dom::append(into, dom::make("p", "quiet small", &note));
}

fn picture(into: &HtmlElement, verdict: &PictureVerdict, partly_visible: bool) {
    let (key, tone) = if verdict.unsuitable { ("unsuitable", "bad") } else { ("suitable", "good") };
    headline(into, &chrome::message(key, &[]), tone, None);
    if let Some(top) = verdict.classes.get(verdict.top) {
        let class = chrome::message(&format!("class{}", top.name), &[]);
        let words = chrome::message("pictureMeaning", &[&class, &format::percent(f64::from(top.probability))]);
        dom::append(into, dom::make("p", "quiet small", &words));
    }
    if let Some(frames) = verdict.frames {
        let words = chrome::message("framesMeaning", &[&frames.judged.to_string(), &frames.total.to_string()]);
        dom::append(into, dom::make("p", "quiet small", &words));
    }
    if partly_visible {
        dom::append(into, dom::make("p", "quiet small", &chrome::message("partlyVisible", &[])));
    }
}

fn headline(into: &HtmlElement, label: &str, tone: &str, share: Option<&str>) {
    let Some(line) = dom::make("p", "verdict", "") else { return };
    dom::append(&line, dom::make("span", tone, label));
    if let Some(share) = share {
        dom::append(&line, dom::make("span", "", share));
    }
    dom::append(into, Some(line));
}
