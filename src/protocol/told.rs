//! What the background tells without being asked, and what scripts of ours say when it asks them. All of it crosses between
//! contexts, so all of it is here; a picture (`picture`: pixels or a Blob) travels beside it and is never part of it.

use serde::{Deserialize, Serialize};

use super::{Action, ModelStatus, PictureVerdict, Refusal, ScanCounts, ScanWish, TextVerdict, WhyVerdict};

/// To the content scripts of a frame.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "declarations", derive(ts_rs::TS), ts(tag = "sotto"))]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase")]
#[allow(missing_docs, reason = "the comment of each variant says what its fields are")]
pub enum ToFrame {
    /// card.js: what the card of this request shows from now on. (Where the engine broke, background.js says so by itself, for
    /// whichever card stands.)
    Card { request: String, view: View },
    /// guard.js: the guard may no longer be wanted here.
    GuardChanged,
    /// scan.js, which answers `true`: what is to be done, and what to do to a picture over a threshold.
    Scan { wish: ScanWish, action: Action },
    /// protect.js: the rule for this tab may be another.
    ProtectionChanged,
    /// protect.js: the person wants to see one of the pictures covered in this frame, or all of them.
    Reveal { picture: Option<u32> },
    /// picture.js, which answers [`FoundPicture`]: the picture with this address, or the one under the pointer.
    FindPicture { source: Option<String> },
    /// picture.js, which answers [`FoundFrame`]: where a frame of the tab stands, by its place in `window.frames`.
    FindFrame { index: u32 },
}

/// To Sotto's own pages, over the connections that they opened. What is drawn is JavaScript's (extension/content/verdict.js), so
/// the pages' Rust reads no more than the kind of a view ([`ViewKind`]).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "declarations", derive(ts_rs::TS), ts(tag = "sotto"))]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase")]
#[allow(missing_docs, reason = "the comment of each variant says what its fields are")]
pub enum ToPageOf<V> {
    /// A model's state changed; `models` are all of them.
    Changed { models: Vec<ModelStatus> },
    /// How far the request `id` is.
    Progress { id: String, view: V },
    /// A verdict that is shown in the popup.
    View { view: V },
    /// What is counted in a tab under scan.
    Scan { tab: i32, counts: ScanCounts },
    /// What is covered in a protected tab has changed.
    CoveredChanged { tab: i32 },
}

/// With views whole, as the background sends them.
pub type ToPage = ToPageOf<View>;

/// To the offscreen page, with a port to answer by.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "declarations", derive(ts_rs::TS), ts(tag = "sotto"))]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum ToOffscreen {
    /// The frames of the picture that stands beside this as `picture`: those of a moving one, or the one that an SVG has.
    Frames {
        /// By its bytes, whatever its name says: `image/svg+xml`, `image/gif` and the like.
        #[serde(rename = "type")]
        media_type: String,
    },
    /// A helper is wanted, which answers by the port.
    Helper {
        /// The lock that it holds as long as it lives.
        name: String,
        /// The background's: helpers of an earlier one are ended.
        life: String,
    },
}

/// What a card on the page, or the popup in its stead, shows of one judgement.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "declarations", derive(ts_rs::TS))]
#[serde(tag = "kind", rename_all = "camelCase", rename_all_fields = "camelCase")]
#[allow(missing_docs, reason = "the comment of each variant says what its fields are")]
pub enum View {
    /// Not judged yet. `percent` is how far the model's load is, `read` how much of a long text is read, both 0 to 100;
    /// each is absent while that is not under way.
    Busy { percent: Option<u8>, read: Option<u8> },
    /// The verdict on a text.
    Text { verdict: TextVerdict },
    /// What is known so far of the words that pushed the verdict.
    Why { why: WhyVerdict },
    /// The verdict on a picture; `partly_visible` says that only the part in view was judged.
    Picture { verdict: PictureVerdict, partly_visible: bool },
    /// Why there is no verdict.
    Refused(Refusal),
}

/// The kind of a view, without what it shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs, reason = "their names say it")]
pub enum ViewName {
    Busy,
    Text,
    Why,
    Picture,
    Refused,
}

/// All that the pages' Rust reads of a view.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[allow(missing_docs, reason = "their names say it")]
pub struct ViewKind {
    pub kind: ViewName,
}

/// What select.js says is selected in its frame.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "declarations", derive(ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub struct Selected {
    /// Empty where nothing is selected.
    pub text: String,
    /// Whether more was selected than this text.
    pub cut: bool,
    /// Whether the frame itself has the focus, and not one within it.
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
    /// Whether there was a picture; without one all else is absent.
    pub found: bool,
    /// Of a picture that a scan has covered: it was judged without its cover.
    pub verdict: Option<PictureVerdict>,
    /// Absent where nothing of it is in view, or nobody needs it.
    pub rect: Option<Edges>,
    /// Absent where it stands straight, or is not all in view.
    pub upright: Option<TurnedBox>,
    /// Whether some of it is cut off or out of view.
    #[cfg_attr(feature = "declarations", ts(optional, as = "Option<bool>"))]
    pub partly_visible: bool,
    /// Of the frame that has the picture; absent where nobody can tell.
    pub frame: Option<FramePlace>,
    /// Absent in a frame of another site, which can't know.
    pub view: Option<TabView>,
}

/// Where a frame of the tab stands, as its top frame sees it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "declarations", derive(ts_rs::TS))]
#[serde(rename_all = "camelCase", default)]
pub struct FoundFrame {
    /// Absent where there is no such frame.
    pub frame: Option<FramePlace>,
    /// At the same moment.
    pub view: Option<TabView>,
}

/// The edges of what can be seen of a picture, in CSS pixels of its frame.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "declarations", derive(ts_rs::TS))]
#[allow(missing_docs, reason = "their names say it")]
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
    /// The one that would be at the upper left.
    pub corner: Point,
    /// As in a CSS matrix, which moves nothing here.
    pub turn: [f64; 4],
    /// In CSS pixels of the frame.
    pub width: f64,
    /// In CSS pixels of the frame.
    pub height: f64,
}

/// In CSS pixels of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "declarations", derive(ts_rs::TS))]
#[allow(missing_docs, reason = "their names say it")]
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
    /// Of the upper left corner of what it shows, in CSS pixels of the tab's own frame.
    pub x: Option<f64>,
    /// Of the same corner.
    pub y: Option<f64>,
    /// CSS pixels of the tab's own frame in one of this frame's; 1 where nothing scales it.
    pub zoom: Option<f64>,
    /// In `window.frames` of the tab's own frame; absent where the rest is known.
    pub index: Option<u32>,
}

/// What a capture of the tab shows: so many CSS pixels across, magnified and moved by a pinch.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "declarations", derive(ts_rs::TS))]
pub struct TabView {
    /// In CSS pixels, without the pinch.
    pub width: f64,
    /// How many times larger the pinch shows all; 1 without one.
    pub pinch: f64,
    /// CSS pixels that the pinch moved out of view on the left.
    pub left: f64,
    /// CSS pixels that the pinch moved out of view above.
    pub top: f64,
}

/// What the settings page's worker says of a model that it packs; the packed file stands beside `Packed` as `file`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "declarations", derive(ts_rs::TS), ts(tag = "packer"))]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase")]
#[allow(missing_docs, reason = "the comment of each variant says what its fields are")]
pub enum FromPacker {
    /// `percent` of the work is done, 0 to 100.
    Working { percent: u32 },
    /// `title` is the name that the checkpoint has, `memory_bytes` what the loaded model takes.
    Packed { title: String, memory_bytes: u64 },
    /// It can't be packed, or does not work; `problem` is one English sentence that says what is wrong and where.
    Problem { problem: String },
}

/// What the settings' worker that measures this computer says (extension/pages/measurer.js): how far it is, the processor's
/// figures, then the graphics processor's or why there are none, which is the last.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "declarations", derive(ts_rs::TS), ts(tag = "measurer"))]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase")]
#[allow(missing_docs, reason = "the comment of each variant says what its fields are")]
pub enum FromMeasurer {
    /// `percent` of the work is done, 0 to 100.
    Working { percent: u32 },
    /// Its figures on one thread; `means` are how it multiplies.
    Processor { figures: Figures, means: String },
    /// `means` are the browser's names for its vendor and kind.
    Graphics { figures: Figures, means: String },
    /// `detail` is what the browser said, if anything.
    NoGraphics { reason: NoGraphics, detail: String },
    /// Nothing could be measured; `problem` is one English sentence.
    Problem { problem: String },
}

/// What a processor took for the work.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "declarations", derive(ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub struct Figures {
    /// The median of a few times, after one that does not count.
    pub median_ms: f64,
    /// Thousand millions of multiplications and additions in a second.
    pub gops: f64,
}

/// Why a graphics processor has no figures. People get each in their language (`measureNone_…` in the messages).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "declarations", derive(ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub enum NoGraphics {
    /// This browser has no WebGPU.
    NoWebGpu,
    /// It has, and gives no graphics processor.
    NoAdapter,
    /// It would only play one on the processor.
    SoftwareOnly,
    /// Its memory is too small.
    TooLittleMemory,
    /// It was taken away meanwhile.
    Lost,
    /// Its sums are not the processor's.
    Wrong,
    /// Anything else, which the browser says.
    Failed,
}

/// To the worker of the page "How good is it?" that runs an engine by itself (extension/pages/prover.js).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "declarations", derive(ts_rs::TS), ts(tag = "prove"))]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase")]
#[allow(missing_docs, reason = "the comment of each variant says what its fields are")]
pub enum ToProver {
    /// Start an engine of this flavour, load the text model and judge a first text.
    Begin { flavour: EngineFlavour },
    /// Time texts of several lengths, and a picture.
    Measure,
    /// Read texts of so many tokens, one after the other, until so many milliseconds are over.
    Repeat { n_tokens: u32, during_ms: f64 },
}

/// What that worker says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "declarations", derive(ts_rs::TS), ts(tag = "prover"))]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase")]
#[allow(missing_docs, reason = "the comment of each variant says what its fields are")]
pub enum FromProver {
    /// It has judged its first text; `means` are how it multiplies, `memory_bytes` what its linear memory has.
    Begun { means: String, memory_bytes: u64 },
    /// This browser can't run this flavour.
    Unable,
    /// The median time of a text of so many tokens.
    Read { n_tokens: u32, median_ms: f64 },
    /// The median time of a picture, which is measured last; its model was loaded in `load_ms`.
    Looked { median_ms: f64, load_ms: f64 },
    /// So many texts were read in this time.
    Repeated { n_texts: u32, elapsed_ms: f64 },
    /// It came to nothing; `problem` is one English sentence.
    Problem { problem: String },
}

/// The flavours of the engine that the package has; a browser runs both or the second.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "declarations", derive(ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub enum EngineFlavour {
    /// With relaxed SIMD.
    Relaxed,
    /// With plain SIMD.
    Simd128,
}
