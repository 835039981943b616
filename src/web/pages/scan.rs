//! The popup's section for the pictures of the tab in view: start, stop and undo a scan, and what it has counted.

use std::cell::Cell;

use super::{ask, dom, format};
use crate::{
    protocol::{Answer, PageAsk, Refusal, ScanCounts, ScanWish},
    web::browser::chrome,
};

thread_local! {
    /// The tab in view when the popup opened.
    static TAB: Cell<Option<i32>> = const { Cell::new(None) };
}

/// Wires the section to a tab; its buttons do nothing where there is none.
pub async fn wire_section(tab: Option<i32>) {
    let Some(tab) = tab else { return };
    TAB.set(Some(tab));
    for (id, wish) in [("scan", ScanWish::Start), ("scan-stop", ScanWish::Stop), ("scan-undo", ScanWish::Undo)] {
        if let Some(button) = dom::by_id(id) {
            dom::on_press(&button, move || async move { show(wish_for(tab, wish).await) });
        }
    }
    if let Ok(counts) = wish_for(tab, ScanWish::State).await {
        show(Ok(counts));
    }
}

/// What the background says of a tab under scan.
pub fn heard(tab: i32, counts: ScanCounts) {
    if TAB.get() == Some(tab) {
        show(Ok(counts));
    }
}

async fn wish_for(tab: i32, wish: ScanWish) -> Result<ScanCounts, Refusal> {
    match ask::ask(PageAsk::Scan { tab, wish }).await? {
        Answer::Scan(counts) => Ok(counts),
        _ => Err(ask::unexpected()),
    }
}

fn show(outcome: Result<ScanCounts, Refusal>) {
    let words = match &outcome {
        Err(refusal) => dom::refusal_text(refusal),
        Ok(counts) if counts.found == 0 && counts.running => chrome::message("scanNothing", &[]),
        Ok(counts) if counts.found == 0 => chrome::message("scanHint", &[]),
        Ok(counts) => said(counts),
    };
    dom::say("scan-said", &words);
    let counts = outcome.unwrap_or_default();
    dom::show("scan", !counts.running);
    dom::show("scan-stop", counts.running);
    dom::show("scan-undo", counts.found > 0);
}

fn said(counts: &ScanCounts) -> String {
    let number = |count: u32| format::count(count.into());
    let judged = [number(counts.judged), number(counts.found), number(counts.over)];
    let mut words = chrome::message("scanCounts", &judged.each_ref().map(String::as_str));
    for (count, key) in [(counts.unread, "scanUnread"), (counts.failed, "scanFailed")] {
        if count > 0 {
            words.push(' ');
            words.push_str(&format::counted(key, count.into(), &[]));
        }
    }
    if counts.over > 0 {
        words.push(' ');
        words.push_str(&chrome::message("scanReveal", &[]));
    }
    words
}
