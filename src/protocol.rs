//! Every message that crosses a boundary: content script ↔ service worker ↔ pages, and the command line's `--json`.
//! The only serialised types. A message never carries a URL to fetch; pictures travel beside the request as a Blob or
//! ImageData (structured clone), never inside it.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize};

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
pub enum Sentiment {
    Positive,
    Negative,
    /// The calibrated probability lies between the two thresholds of `tasks::sentiment`.
    Unclear,
    /// Its sentences disagree strongly. Never said of a single sentence.
    Mixed,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TextVerdict {
    pub sentiment: Sentiment,
    /// Calibrated probability that the text is positive, 0 to 1.
    pub positive: f32,
    pub n_tokens: usize,
    /// How many windows of the model's length the text was read in; more than one is said to the person.
    pub n_windows: usize,
    /// Whether the text went on past the last window, so that its end was not read.
    pub truncated: bool,
    /// Sentences in reading order; empty when there is only one.
    pub sentences: Vec<SentenceVerdict>,
    pub model: String,
    pub elapsed_ms: f64,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SentenceVerdict {
    /// Where the sentence stands in the text, in UTF-16 code units, as JavaScript counts.
    pub start: usize,
    pub end: usize,
    pub sentiment: Sentiment,
    pub positive: f32,
}

/// Which words pushed a verdict, and how far.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct WhyVerdict {
    /// Words that pushed noticeably, in reading order.
    pub words: Vec<PushedWord>,
    /// Up to where the text is explained, in UTF-16 code units.
    pub end: usize,
    /// Whether the text goes on after that.
    pub partly: bool,
    /// False while only spans or sentences are known, whose words share what the whole of them pushed.
    pub complete: bool,
    pub elapsed_ms: f64,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PushedWord {
    /// Where the word stands in the text, in UTF-16 code units.
    pub start: usize,
    pub end: usize,
    /// Log-odds that the text would lose towards "positive" without it; negative where it pushes the other way.
    pub push: f32,
    /// 1 (weak) to 3 (strong) beside the strongest word; `tasks::why` decides.
    pub strength: u8,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PictureVerdict {
    /// Every class with its probability, in the model's own order.
    pub classes: Vec<ClassScore>,
    /// Index into `classes` of the largest.
    pub top: usize,
    /// Indices into `classes` of those at or over their threshold, the most probable first; `tasks::nsfw` decides.
    pub over: Vec<usize>,
    /// Whether there is any of them.
    pub unsuitable: bool,
    pub width: u32,
    pub height: u32,
    /// Present for moving pictures: the verdict is that of the worst frame looked at.
    pub frames: Option<Frames>,
    pub model: String,
    pub elapsed_ms: f64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Frames {
    pub judged: u32,
    pub total: u32,
}

/// What the guard does with a judged file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct UploadVerdict {
    pub course: Course,
    pub verdict: PictureVerdict,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Course {
    /// Nothing over a threshold, or the person let this file pass before.
    Pass,
    /// Over a threshold: the person is asked.
    Ask,
    /// The person kept this file back before, or keeps all such back.
    HoldBack,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ClassScore {
    pub name: String,
    pub probability: f32,
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

/// What the person chose, as kept in the browser's own storage. A missing or unknown field takes its default.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Settings {
    pub results: ResultPlace,
    /// The upload guard watches every site but those in `allowed_sites`.
    pub guard_everywhere: bool,
    /// Sites (`https://host`) where the guard was turned on one by one.
    pub guard_sites: Vec<String>,
    /// Sites where the person said "always allow".
    pub allowed_sites: Vec<String>,
    /// Picture classes with the probability from which on a person is warned; a class that is not named here has the
    /// threshold of `tasks::nsfw`. What is no probability is dropped when settings are read: an infinite number would be
    /// kept as null, and null would cost the person all other settings at the next start.
    #[serde(deserialize_with = "probabilities")]
    pub thresholds: BTreeMap<String, f32>,
    /// What happens to a picture over a threshold.
    pub action: Action,
    /// What loaded models may take together, in megabytes; the engine's preset where there is none.
    pub memory_budget_mb: Option<u32>,
    /// Names of the fields that an organisation has set for this browser; never stored.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub locked: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PictureRules {
    pub classes: Vec<ClassThreshold>,
    pub action: Action,
}

/// A class of pictures that is warned of.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ClassThreshold {
    pub name: String,
    pub preset: f32,
    /// In force: the person's own, or else the preset.
    pub threshold: f32,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Action {
    /// The guard asks; a scan draws an outline.
    Warn,
    /// The guard asks; a scan blurs until the person wants to see.
    #[default]
    Blur,
    /// The guard holds back without asking; a scan blurs.
    Block,
}

fn probabilities<'de, D: Deserializer<'de>>(source: D) -> Result<BTreeMap<String, f32>, D::Error> {
    let mut named = BTreeMap::<String, f32>::deserialize(source)?;
    named.retain(|_, probability| (0.0..=1.0).contains(probability));
    Ok(named)
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum ResultPlace {
    /// A card beside the selection.
    #[default]
    Card,
    /// The toolbar popup only: the page can see nothing at all.
    Popup,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Status {
    pub models: Vec<ModelStatus>,
    pub memory: MemoryStatus,
    pub engine: EngineStatus,
}

/// The stages of a model's life, in order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum ModelState {
    NotStored,
    Storing { percent: u8 },
    Stored,
    Loading { percent: u8 },
    Ready,
    Failed { reason: String },
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ModelStatus {
    pub id: String,
    pub title: String,
    #[serde(flatten)]
    pub state: ModelState,
    /// Bytes of weights in IndexedDB; 0 when not stored.
    pub stored_bytes: u64,
    /// Bytes of linear memory the ready model holds.
    pub memory_bytes: u64,
    pub runs: u64,
    /// Median and 95th percentile of the last runs; absent before the first.
    pub run_median_ms: Option<f64>,
    pub run_p95_ms: Option<f64>,
    /// The last load, from the first byte asked of IndexedDB to ready.
    pub load_ms: Option<f64>,
    /// Milliseconds since the epoch.
    pub last_used_ms: Option<f64>,
}

/// The text models that the person brought, and which of them judges texts: the package's where none is chosen.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct OwnModels {
    pub models: Vec<OwnModel>,
    pub chosen: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OwnModel {
    pub id: String,
    pub title: String,
    /// Of the packed file.
    pub sha256: String,
    pub bytes: u64,
    /// What the loaded model takes.
    pub memory_bytes: u64,
}

/// What WebAssembly.Memory really has. Linear memory never shrinks, so its size is also its peak;
/// stopping the service worker gives it back.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MemoryStatus {
    pub wasm_bytes: u64,
    /// The largest size any engine of this browser session reached.
    pub peak_bytes: u64,
    pub budget_bytes: u64,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EngineStatus {
    pub version: String,
    /// "relaxed SIMD", "SIMD" or, natively, "AVX2" or "reference".
    pub flavour: String,
    pub threads: u32,
    /// Where it runs: "service worker", "event page", "command line".
    pub place: String,
}

#[cfg(all(test, feature = "pack"))]
mod tests {
    use super::*;

    /// Found by fuzz/fuzz_targets/settings.rs: the number below was read as infinite, kept as null, and lost all settings.
    #[test]
    fn a_threshold_that_is_no_probability_costs_no_other_setting() {
        let text =
            format!(r#"{{"guardEverywhere":true,"thresholds":{{"Porn":0.7,"Sexy":{}9,"Hentai":-1}}}}"#, "3".repeat(80));
        let settings: Settings = serde_json::from_str(&text).unwrap();
        assert_eq!(settings.thresholds, BTreeMap::from([("Porn".to_owned(), 0.7)]));
        let kept = serde_json::to_string(&settings).unwrap();
        assert_eq!(serde_json::from_str::<Settings>(&kept).unwrap(), settings);
        assert!(settings.guard_everywhere);
    }
}
