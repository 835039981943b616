//! What is asked of the background: by Sotto's own pages, and by its content scripts in a page's frame. Two types, so that
//! what a frame may not ask can't even be read from it; the browser says which of the two a sender is.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Action, Correcting, Correction, ResultPlace, Sentiment, Settings, SiteRule};
#[cfg(feature = "declarations")]
use crate::models::Task;

// A request is an ask with an `id` beside it, which the asker chooses and which comes back with the reply, so no two replies can
// be mixed up. Rust puts it on and takes it off by hand: as a field of a struct around the ask it would make every ask's code
// once more.

/// What one of Sotto's own pages may ask.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "declarations", derive(ts_rs::TS), ts(tag = "ask"), ts(optional_fields = nullable))]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase")]
#[allow(missing_docs, reason = "the comment of each variant says what its fields are")]
pub enum PageAsk {
    /// Judge a text. `measured`: it is Sotto that is looked at, so what the person said counts for nothing and nothing can be said.
    Text {
        text: String,
        #[serde(default)]
        #[cfg_attr(feature = "declarations", ts(optional, as = "Option<bool>"))]
        measured: bool,
    },
    /// Which words pushed the verdict on a text. The page hears the first words over its connections, and all of them are the
    /// answer.
    Why { text: String, towards: Sentiment },
    /// Judge what is selected on the tab in front of the popup.
    Selection,
    /// The text of the verdict that the popup was given last; told once.
    ShownText,
    /// Judge a picture; its bytes (Blob, File) or pixels (ImageData) stand beside this in the message's `picture`.
    Picture {
        /// As for a text.
        #[serde(default)]
        #[cfg_attr(feature = "declarations", ts(optional, as = "Option<bool>"))]
        measured: bool,
    },
    /// Give up the request of a page of Sotto's that has this `id`: it is answered with `Cancelled`.
    Cancel { request: String },
    /// Models, memory, counts: what the popup shows. Never wakes or loads a model.
    Status,
    /// Bring a model to `Ready`. Here and below, `model` is the `id` in its `ModelStatus` or `OwnModel`.
    Load { model: String },
    /// Give a model's memory back.
    Unload { model: String },
    /// Remove a model's stored weights; the next use stores them again from the package.
    Forget { model: String },
    /// Hash a model's stored weights and compare with the package's figure.
    Check { model: String },
    /// The text models that the person brought.
    OwnModels,
    /// Keep a packed text model, whose file stands beside this as `picture`, and judge texts with it from now on.
    /// `title` is what the person is shown, `memory_bytes` what the loaded model takes.
    KeepModel { title: String, memory_bytes: u64 },
    /// Judge texts with one of the person's own models, or with the package's when `model` is absent.
    ChooseModel { model: Option<String> },
    /// Remove one of the person's own models for good.
    RemoveModel { model: String },
    /// What the person chose, as far as the browser lets it be in force; see [`Settings`].
    Settings,
    /// Where verdicts on selections appear.
    ShowResults { place: ResultPlace },
    /// All settings anew, as from a file or a reset; what an organisation has set stays as it is.
    KeepSettings {
        #[cfg_attr(feature = "declarations", ts(type = "Partial<Settings>"))]
        settings: Box<Settings>,
    },
    /// Upload guard on or off for one site (`https://host`), or for all of them when `site` is absent.
    Guard { site: Option<String>, on: bool },
    /// From when on pictures are warned of, and what then happens.
    PictureRules,
    /// What the person chose of that: probabilities, 0 to 1, by class; classes that are not named go by the presets.
    KeepPictureRules { thresholds: BTreeMap<String, f32>, action: Action, careful: bool },
    /// The scan of a tab's pictures, wished for in the popup; `tab` is the browser's number for it.
    Scan { tab: i32, wish: ScanWish },
    /// Protection on or off for one site (`https://host`), or for all of them when `site` is absent.
    Protect { site: Option<String>, on: bool },
    /// What happens on protected sites, or on one of them; without a `rule` that one goes by the rule of all.
    KeepSiteRule { site: Option<String>, rule: Option<SiteRule> },
    /// What is covered in a protected tab.
    Covered { tab: i32 },
    /// Keep protection as it is by a passphrase, from now on; or by another one, while it is unlocked.
    SetLock { passphrase: String },
    /// Let protection be changed, and what is covered be seen, for a few minutes.
    Unlock { passphrase: String },
    /// Lock it again at once, or take the passphrase away while it is unlocked.
    Lock { remove: bool },
    /// Show what is covered in a protected tab: one picture of a frame, or all.
    // Not `picture`: what stands beside a message is called that.
    Reveal { tab: i32, which: Option<CoveredName> },
    /// What a person says of a verdict of one of our pages, by its `correctAs`.
    Correct { of: String, word: Correcting },
    /// What they said so far.
    Corrections,
    /// Whether that is asked for and gone by.
    UseCorrections { on: bool },
    /// Corrections from a file, beside those that are kept; the file's word counts where both have one.
    AddCorrections { corrections: Vec<Correction> },
    /// Remove one of them, or all.
    RemoveCorrections { correction: Option<Correction> },
}

/// All that a content script of ours may ask, which may be anything that a page made of it; and always for itself: no
/// site, tab or frame is ever named but by the browser.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "declarations", derive(ts_rs::TS), ts(tag = "ask"))]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase")]
#[allow(missing_docs, reason = "the comment of each variant says what its fields are")]
pub enum FrameAsk {
    /// Judge a picture of a page under scan; its pixels stand beside this as `picture`. The urgency `Person` counts as
    /// `Upload` here.
    Picture {
        #[serde(default)]
        #[cfg_attr(feature = "declarations", ts(optional, as = "Option<Urgency>"))]
        urgency: Urgency,
    },
    /// Give up the request of the same tab that has this `id`: it is answered with `Cancelled`.
    Cancel { request: String },
    /// What the guard is to do with a file on its way to the sender's site; the file stands beside this as `picture`.
    Upload,
    /// What the person decided about a file over the threshold, kept for the sender's site until the browser closes;
    /// the file stands beside this as `picture`.
    Decide { upload: bool },
    /// Judge what stands at these places of the sender's tab, at most `SPOTS_MAX`, as it is seen now; the tab is
    /// `view_width` CSS pixels wide. Where a protected page shows them `faint`, with a tenth of their contrast (covered.css), that
    /// is undone.
    InView {
        spots: Vec<Spot>,
        view_width: f64,
        #[serde(default)]
        #[cfg_attr(feature = "declarations", ts(optional, as = "Option<bool>"))]
        faint: bool,
    },
    /// A frame under scan has counted something new.
    Scanned,
    /// Whether the guard is still on for the sender's site; refused where it is not.
    Watched,
    /// The person chose "always allow" on a guarded page; the site is the sender's own.
    AllowHere,
    /// The card of this frame wants a script that goes on from its verdict.
    Bring { what: CardPart },
    /// Which words pushed the verdict on a text. `card` names the card's own request: it hears the first words while the
    /// rest is worked out, and all of them before this is answered.
    Why { text: String, towards: Sentiment, card: String },
    /// What a person says of a verdict by its `correctAs`, which came to a frame of this tab.
    Correct { of: String, word: Correcting },
    /// Judge a text and show it in the popup: the page took the card away.
    TextInPopup { text: String },
    /// What is to happen to pictures here: the tab's own site decides, whichever site the frame is of. The browser is told to keep
    /// what is not judged out of sight with more power than a page has; `first` where nobody asked that of it for this frame.
    Protected { first: bool },
    /// Judge the picture that the page has loaded from any of these addresses (the same picture by two names), by the bytes
    /// that the browser has of it. Nothing is ever fetched: an address is only compared. `soon` where its place is in view;
    /// `came_ms`, as `Date.now()` says it, when it was there: older bytes from that address are not believed.
    Loaded { addresses: Vec<String>, soon: bool, came_ms: f64 },
    /// Judge what a protected page shows; its pixels stand beside this as `picture`. `film` decides how strictly.
    Seen { film: bool },
    /// Bring the scripts of a protected page into all frames of the tab.
    Frames,
    /// A protected frame has covered its first picture: bring what says so on the page.
    BringCovers,
    /// What is covered in a protected frame has changed.
    CoveredChanged,
}

/// Which model a request or a menu entry will need, so that its weights can be read while the engine starts; `None` for what
/// needs none. Every name of both types above must have its line here: the build asks for each.
#[cfg(feature = "declarations")]
pub(super) fn needs(event: &str) -> Option<Option<Task>> {
    Some(match event {
        "text" | "why" | "selection" | "textInPopup" | super::MENU_SELECTION => Some(Task::Text),
        "picture" | "upload" | "inView" | "protected" | "loaded" | "seen" | super::MENU_PICTURE => Some(Task::Picture),
        "shownText" | "cancel" | "status" | "load" | "unload" | "forget" | "check" | "ownModels" | "keepModel"
        | "chooseModel" | "removeModel" | "settings" | "showResults" | "keepSettings" | "guard" | "pictureRules"
        | "keepPictureRules" | "scan" | "decide" | "scanned" | "watched" | "allowHere" | "bring" | "protect"
        | "keepSiteRule" | "setLock" | "unlock" | "lock" | "covered" | "reveal" | "frames" | "bringCovers"
        | "coveredChanged" | "correct" | "corrections" | "useCorrections" | "addCorrections" | "removeCorrections" => {
            None
        }
        _ => return None,
    })
}

/// What a card brings in when it is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "declarations", derive(ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub enum CardPart {
    /// The words that pushed the verdict: why.js.
    Why,
    /// The person's own word: wrong.js.
    Wrong,
}

/// Who is served first. Requests of one urgency are served in the order of their coming.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "declarations", derive(ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub enum Urgency {
    /// A person looks at a card or page that waits.
    Person,
    /// A file is held back from a page.
    #[default]
    Upload,
    /// The pictures of a page, one after another.
    Scan,
    /// The pictures of a protected page, as they come.
    Page,
}

/// What is to become of the scan of a tab.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "declarations", derive(ts_rs::TS))]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs, reason = "their names say it")]
pub enum ScanWish {
    Start,
    /// Look no further; marks stay.
    Stop,
    /// Take every mark away and forget what was counted.
    Undo,
    /// Change nothing: only the counts are wanted.
    State,
}

/// A rectangle in CSS pixels of a tab.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "declarations", derive(ts_rs::TS))]
#[allow(missing_docs, reason = "their names say it")]
pub struct Spot {
    pub x: f64,
    pub y: f64,
    pub width: f64,
    pub height: f64,
}

/// Which covered picture of a tab.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "declarations", derive(ts_rs::TS))]
pub struct CoveredName {
    /// The browser's number for the frame; Firefox's have more than 32 bits.
    pub frame: f64,
    /// The frame's number for the picture.
    pub picture: u32,
}
