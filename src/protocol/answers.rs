//! The one answer to one request, and why a request is refused.

use serde::{Deserialize, Serialize};

use super::{
    Corrections, CoveredName, OwnModels, PictureRules, PictureVerdict, Said, Settings, SiteRule, Status, TextVerdict,
    UploadVerdict, WhyVerdict,
};

/// What comes back, with the request's `id` beside it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "declarations", derive(ts_rs::TS), ts(tag = "answer"))]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase")]
#[allow(missing_docs, reason = "they answer the ask of the same name")]
pub enum Answer {
    /// To `Selection`, too.
    Text(TextVerdict),
    /// To a page only: a frame is answered with `Done`, and its card hears the words.
    Why(WhyVerdict),
    /// None where the text was told before, or the background was stopped since.
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
    /// To every ask that changes them, too.
    OwnModels(OwnModels),
    /// None where the tab's site is not protected. `sealed`: without a passphrase nobody may see what is covered.
    Protected {
        rule: Option<SiteRule>,
        sealed: bool,
    },
    Covered(CoveredPictures),
    /// To `Correct`: what is said of it now.
    Corrected {
        said: Option<Said>,
    },
    /// To every ask that changes them, too.
    Corrections(Corrections),
    /// To asks after which there is nothing to tell.
    Done,
    /// To any ask.
    Refused(Refusal),
}

/// Why a request was not answered, and what a person can do about it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "declarations", derive(ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub struct Refusal {
    /// Decides what pages say.
    pub reason: Reason,
    /// One plain English sentence for logs and the command line; pages show the localised text of `reason`.
    pub detail: String,
}

/// The kinds of refusals; pages have a text for each in the person's language.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "declarations", derive(ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub enum Reason {
    /// No text, or only blanks and characters that don't show.
    NothingSelected,
    /// A text without a word: only digits or signs, or emoji that the model does not know.
    NoWords,
    /// A program, a log, a link: nobody speaks there.
    Code,
    /// A text in a language or script that the model does not read.
    NotEnglish,
    /// There is no picture where the person asked for one.
    NoPicture,
    /// The picture can't be decoded, and its bytes are not at hand to say why.
    UnreadablePicture,
    /// Its bytes are of no format that is known here, or there are none.
    UnknownPicture,
    /// Of a format that browsers decode, and yet this one did not.
    DamagedPicture,
    /// More bytes or pixels than are looked at.
    LargePicture,
    /// A drawing in SVG that can't be drawn, or not read back.
    SvgPicture,
    /// HEIC and its kin, which this browser did not decode. So are the next ones.
    HeicPicture,
    /// TIFF, or a camera's raw file that is one.
    TiffPicture,
    /// A camera's raw file that says so.
    RawPicture,
    /// JPEG XL.
    JpegXlPicture,
    /// JPEG 2000.
    Jpeg2000Picture,
    /// A file of Photoshop's.
    PhotoshopPicture,
    /// A document where a picture was expected.
    PdfFile,
    /// A film that the browser can't play, or not in time, or that has sound alone.
    UnreadableVideo,
    /// It is decoded in a page, and the browser opened none.
    NoDecoder,
    /// Nothing of the picture is in view.
    OutOfView,
    /// The message is not one of ours, or its parts don't fit together.
    BadRequest,
    /// The model can't be had: not packaged, damaged, storage refused.
    ModelUnavailable,
    /// The weights of the person's own model are gone or damaged, and only the person can bring them again.
    OwnModelGone,
    /// The browser lets no extension read this page, frame or picture.
    OffLimits,
    /// The same of a page whose address it does not tell either.
    ClosedPage,
    /// Of a private window nothing is kept, and that would be.
    PrivateWindow,
    /// A page of the browser's own.
    BrowserPage,
    /// A store for extensions.
    StorePage,
    /// A page of another extension.
    ExtensionPage,
    /// A page of Sotto's own, where there is nothing to judge.
    OwnPage,
    /// A browser's viewer of PDF files.
    PdfPage,
    /// A file on this computer, which the browser lets Sotto read once the person says so.
    FilePage,
    /// A page that may be read and is no website's: neither watched nor protected.
    NotOnWeb,
    /// A frame of another website than the one that the person's click was on.
    OtherFrame,
    /// The browser has not given Sotto the permission that this needs.
    NotPermitted,
    /// A passphrase keeps it as it is.
    Locked,
    /// That is not the passphrase.
    WrongPassphrase,
    /// The request and the models it needs don't fit the memory budget.
    OutOfMemory,
    /// Whoever asked gave it up, or went away.
    Cancelled,
    /// The browser runs no WebAssembly with SIMD. Only background.js says so, since then no engine runs.
    NoSimd,
    /// Something broke inside; the next request starts afresh.
    Internal,
}

impl Reason {
    /// Whether it is that a picture or film could not be opened.
    pub fn is_unreadable(self) -> bool {
        use Reason::*;
        matches!(
            self,
            UnreadablePicture
                | UnknownPicture
                | DamagedPicture
                | LargePicture
                | SvgPicture
                | HeicPicture
                | TiffPicture
                | RawPicture
                | JpegXlPicture
                | Jpeg2000Picture
                | PhotoshopPicture
                | PdfFile
                | UnreadableVideo
                | NoDecoder
        )
    }
}

/// What a scan has seen of a page so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "declarations", derive(ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub struct ScanCounts {
    /// Pictures in the page, without those too small to matter (scan.js).
    pub found: u32,
    /// Of those found, the ones with a verdict, whatever it says.
    pub judged: u32,
    /// Of those judged, the ones that are warned of; what the person revealed still counts.
    pub over: u32,
    /// Pictures that can be judged only when they are in view.
    pub unread: u32,
    /// Pictures that could not be judged, and are not tried again.
    pub failed: u32,
    /// Whether new pictures are still looked for.
    pub running: bool,
}

/// What is covered in a protected tab.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "declarations", derive(ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub struct CoveredPictures {
    /// The largest first.
    pub pictures: Vec<CoveredPicture>,
    /// Pictures and films that were judged, whatever the verdict.
    pub judged: u32,
    /// Those that nobody could judge.
    pub unjudged: u32,
}

/// One that is covered.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "declarations", derive(ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub struct CoveredPicture {
    /// To reveal it by.
    pub name: CoveredName,
    /// As it is shown, in CSS pixels.
    pub width: u32,
    /// As it is shown, in CSS pixels.
    pub height: u32,
    /// The class that is warned of, as the model calls it; empty where there is no verdict, `Said` where the person said so.
    pub class: String,
    /// How probable that is.
    pub share: f32,
    /// Whether one look warns of it and the other sees nothing.
    pub doubtful: bool,
    /// Whether it is a film.
    pub film: bool,
}

/// What protect.js says is covered in its frame.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "declarations", derive(ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub struct CoveredInFrame {
    /// In the order in which they were covered.
    pub pictures: Vec<CoveredHere>,
    /// As in [`CoveredPictures`].
    pub judged: u32,
    /// As in [`CoveredPictures`].
    pub unjudged: u32,
}

/// As [`CoveredPicture`], without its frame.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "declarations", derive(ts_rs::TS))]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs, reason = "as there")]
pub struct CoveredHere {
    pub picture: u32,
    pub width: f64,
    pub height: f64,
    pub class: String,
    pub share: f32,
    pub doubtful: bool,
    pub film: bool,
}
