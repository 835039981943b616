//! Every message that crosses a boundary: content script ↔ service worker ↔ pages, and the command line's `--json`.
//! The only serialised types. A message never carries a URL to fetch; pictures travel beside the request as a Blob or
//! ImageData (structured clone), never inside it.

mod settings;
mod status;
mod verdicts;

pub use settings::*;
pub use status::*;
pub use verdicts::*;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// What somebody wants. `id` is chosen by the asker and comes back with the reply, so no two replies can be mixed up.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Request {
    pub id: String,
    #[serde(flatten)]
    pub ask: Ask,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "ask", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Ask {
    /// Judge a text.
    Text { text: String },
    /// The card of this frame wants why.js, which then asks `Why` itself.
    BringWhy,
    /// Which words pushed the verdict on a text. `card` names the card's own request: it hears the first words while the
    /// rest is worked out, and all of them before this is answered. A page of Sotto's names none: it hears the first words
    /// over its connections, and all of them are the answer.
    Why { text: String, card: Option<String> },
    /// Judge a text and show it in the popup: the page took the card away.
    TextInPopup { text: String },
    /// Judge what is selected on the tab in front of the popup.
    Selection,
    /// The text of the verdict that the popup was given last; told once.
    ShownText,
    /// Judge a picture; its bytes (Blob, File) or pixels (ImageData) stand beside this in the message's `picture`.
    Picture {
        name: Option<String>,
        #[serde(default)]
        urgency: Urgency,
    },
    /// Give up a request of the same tab, or of a page of Sotto's: it is answered with `Cancelled`.
    Cancel { request: String },
    /// Models, memory, counts: what the popup shows. Never wakes or loads a model.
    Status,
    /// Bring a model to `Ready`.
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
    KeepModel { title: String, memory_bytes: u64 },
    /// Judge texts with one of the person's own models, or with the package's when `model` is absent.
    ChooseModel { model: Option<String> },
    /// Remove one of the person's own models for good.
    RemoveModel { model: String },
    /// What the person chose; see [`Settings`].
    Settings,
    /// Where verdicts on selections appear.
    ShowResults { place: ResultPlace },
    /// All settings anew, as from a file or a reset; what an organisation has set stays as it is.
    KeepSettings { settings: Box<Settings> },
    /// Upload guard on or off for one site (`https://host`), or for all of them when `site` is absent.
    Guard { site: Option<String>, on: bool },
    /// The person chose "always allow" on a guarded page; the site is the sender's own, never named by the message.
    AllowHere,
    /// What the guard is to do with a file on its way to the sender's site; the file stands beside this as `picture`.
    Upload { name: Option<String> },
    /// What the person decided about a file over the threshold, kept for the sender's site until the browser closes.
    Decide { upload: bool },
    /// Whether the guard is still on for the sender's site; refused where it is not.
    Watched,
    /// From when on pictures are warned of, and what then happens.
    PictureRules,
    /// What the person chose of that; classes that are not named go by the presets.
    KeepPictureRules { thresholds: BTreeMap<String, f32>, action: Action },
    /// The scan of a tab's pictures, wished for in the popup.
    Scan { tab: i32, wish: ScanWish },
    /// Judge what stands at these places of the sender's tab, as it is seen now; the tab is `view_width` CSS pixels wide.
    InView { spots: Vec<Spot>, view_width: f64 },
    /// A frame under scan has counted something new.
    Scanned,
}

/// Who is served first. Requests of one urgency are served in the order of their coming.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Urgency {
    /// A person looks at a card or page that waits.
    Person,
    /// A file is held back from a page.
    #[default]
    Upload,
    /// The pictures of a page, one after another.
    Scan,
}

/// The one answer to one request.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Reply {
    pub id: String,
    #[serde(flatten)]
    pub answer: Answer,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "answer", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Answer {
    Text(TextVerdict),
    Why(WhyVerdict),
    ShownText {
        text: Option<String>,
    },
    Picture(PictureVerdict),
    Upload(UploadVerdict),
    Scan(ScanCounts),
    PictureRules(PictureRules),
    /// In the order of the places asked for; none where nothing could be read.
    InView {
        verdicts: Vec<Option<PictureVerdict>>,
    },
    Status(Status),
    Settings(Settings),
    OwnModels(OwnModels),
    Done,
    Refused(Refusal),
}

/// What a card on the page, or the popup in its stead, shows of one judgement.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum View {
    /// Not judged yet. `percent` is how far the model's load is, `read` how much of a long text is read; each is absent
    /// while that is not under way.
    Busy {
        percent: Option<u8>,
        read: Option<u8>,
    },
    Text {
        verdict: TextVerdict,
    },
    /// What is known so far of the words that pushed the verdict.
    Why {
        why: WhyVerdict,
    },
    /// `partly_visible` says that only the part in view was judged.
    Picture {
        verdict: PictureVerdict,
        partly_visible: bool,
    },
    Refused(Refusal),
}

/// Why a request was not answered, and what a person can do about it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Refusal {
    pub reason: Reason,
    /// One plain English sentence for logs and the command line; pages show the localised text of `reason`.
    pub detail: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Reason {
    /// No text, or only blanks and characters that don't show.
    NothingSelected,
    /// A text without a word: only emoji, digits or signs.
    NoWords,
    /// A text in a language or script that the model does not read.
    NotEnglish,
    /// There is no picture where the person asked for one.
    NoPicture,
    /// The picture can't be decoded.
    UnreadablePicture,
    /// The message is not one of ours, or its parts don't fit together.
    BadRequest,
    /// The model can't be had: not packaged, damaged, storage refused.
    ModelUnavailable,
    /// The weights of the person's own model are gone or damaged, and only the person can bring them again.
    OwnModelGone,
    /// The browser lets no extension read this page, frame or picture.
    OffLimits,
    /// The request and the models it needs don't fit the memory budget.
    OutOfMemory,
    /// Whoever asked gave it up, or went away.
    Cancelled,
    /// Something broke inside; the next request starts afresh.
    Internal,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum ScanWish {
    Start,
    /// Look no further; marks stay.
    Stop,
    /// Take every mark away and forget what was counted.
    Undo,
    State,
}

/// What a scan has seen of a page so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ScanCounts {
    pub found: u32,
    pub judged: u32,
    pub over: u32,
    /// Pictures that can be judged only when they are in view.
    pub unread: u32,
    pub running: bool,
}

/// A rectangle in CSS pixels of a tab.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Spot {
    pub x: f64,
    pub y: f64,
    pub width: f64,
    pub height: f64,
}
