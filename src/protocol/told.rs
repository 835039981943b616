//! What the background tells without being asked, and what scripts of ours say when it asks them. All of it crosses between
//! contexts, so all of it is here; a picture (`picture`: pixels or a Blob) travels beside it and is never part of it.

use serde::{Deserialize, Serialize};

use super::{Action, ModelStatus, PictureVerdict, Refusal, ScanCounts, ScanWish, TextVerdict, WhyVerdict};

/// To the content scripts of a frame.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "declarations", derive(ts_rs::TS), ts(tag = "sotto"))]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum ToFrame {
    /// card.js: what the card of this request shows from now on. Without a request it is for whichever card stands.
    Card { request: Option<String>, view: View },
    /// guard.js: the guard may no longer be wanted here.
    GuardChanged,
    /// scan.js, which answers `true`: what is to be done, and what to do to a picture over a threshold.
    Scan { wish: ScanWish, action: Action },
    /// picture.js, which answers [`FoundPicture`]: the picture with this address, or the one under the pointer.
    FindPicture { source: Option<String> },
    /// picture.js, which answers [`FoundFrame`]: where a frame of the tab stands.
    FindFrame { index: u32 },
}

/// To Sotto's own pages, over the connections that they opened. What is drawn is JavaScript's (extension/content/verdict.js), so
/// the pages' Rust reads no more than the kind of a view ([`ViewKind`]).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "declarations", derive(ts_rs::TS), ts(tag = "sotto"))]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum ToPageOf<V> {
    /// A model's state changed.
    Changed { models: Vec<ModelStatus> },
    /// How far the request `id` is.
    Progress { id: String, view: V },
    /// A verdict that is shown in the popup.
    View { view: V },
    /// What is counted in a tab under scan.
    Scan { tab: i32, counts: ScanCounts },
}

pub type ToPage = ToPageOf<View>;

/// To the offscreen page: a picture that a worker can't decode stands beside it as `picture`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "declarations", derive(ts_rs::TS), ts(tag = "sotto"))]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum ToOffscreen {
    Frames {
        #[serde(rename = "type")]
        media_type: String,
    },
}

/// What a card on the page, or the popup in its stead, shows of one judgement.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "declarations", derive(ts_rs::TS))]
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

/// The kind of a view, without what it shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum ViewKindName {
    Busy,
    Text,
    Why,
    Picture,
    Refused,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub struct ViewKind {
    pub kind: ViewKindName,
}

/// What select.js says is selected in its frame.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "declarations", derive(ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub struct Selected {
    pub text: String,
    /// Whether more was selected than this text.
    pub cut: bool,
    pub focused: bool,
    /// Whether a card has room in the frame.
    pub roomy: bool,
}

/// What picture.js says of the picture that was meant. Its pixels stand beside it as `picture`, where the page may read them;
/// else it says where the picture is painted.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "declarations", derive(ts_rs::TS), ts(optional_fields = nullable))]
#[serde(rename_all = "camelCase", default)]
pub struct FoundPicture {
    pub found: bool,
    /// Of a picture that a scan has covered: it was judged without its cover.
    pub verdict: Option<PictureVerdict>,
    pub rect: Option<Edges>,
    pub upright: Option<TurnedBox>,
    #[cfg_attr(feature = "declarations", ts(optional, as = "Option<bool>"))]
    pub partly_visible: bool,
    pub frame: Option<FramePlace>,
    pub view: Option<TabView>,
}

/// Where a frame of the tab stands, as its top frame sees it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "declarations", derive(ts_rs::TS))]
#[serde(rename_all = "camelCase", default)]
pub struct FoundFrame {
    pub frame: Option<FramePlace>,
    pub view: Option<TabView>,
}

/// The edges of what can be seen of a picture, in CSS pixels of its frame.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "declarations", derive(ts_rs::TS))]
pub struct Edges {
    pub left: f64,
    pub top: f64,
    pub right: f64,
    pub bottom: f64,
}

/// A picture that is turned or skewed: where its first corner stands, its size before, and a, b, c, d of what turned it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "declarations", derive(ts_rs::TS))]
pub struct TurnedBox {
    pub corner: Point,
    pub turn: [f64; 4],
    pub width: f64,
    pub height: f64,
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "declarations", derive(ts_rs::TS))]
pub struct Point {
    pub x: f64,
    pub y: f64,
}

/// Where a frame stands in its tab, and how large one of its pixels is there. A frame of another site can't know, and says which
/// of the tab's frames it is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(
    feature = "declarations",
    derive(ts_rs::TS),
    ts(type = "{ x: number, y: number, zoom: number } | { index: number }")
)]
#[serde(default)]
pub struct FramePlace {
    pub x: Option<f64>,
    pub y: Option<f64>,
    pub zoom: Option<f64>,
    pub index: Option<u32>,
}

/// What a capture of the tab shows: so many CSS pixels across, magnified and moved by a pinch.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "declarations", derive(ts_rs::TS))]
pub struct TabView {
    pub width: f64,
    pub pinch: f64,
    pub left: f64,
    pub top: f64,
}

/// What the settings page's worker says of a model that it packs; the packed file stands beside `Packed` as `file`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "declarations", derive(ts_rs::TS), ts(tag = "packer"))]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum FromPacker {
    Working { percent: u32 },
    Packed { title: String, memory_bytes: u64 },
    Problem { problem: String },
}
