//! Every message that crosses a boundary: content script ↔ service worker ↔ pages, and the command line's `--json`.
//! The only serialised types. A message never carries a URL to fetch; pictures travel beside the request as a Blob or
//! ImageData (structured clone), never inside it. The build declares these types to TypeScript (declarations.rs), by which
//! the JavaScript on the other side is checked.

#![warn(missing_docs)]

mod answers;
mod asks;
mod corrections;
#[cfg(feature = "declarations")]
pub mod declarations;
mod helpers;
mod limits;
mod settings;
mod status;
mod told;
mod verdicts;

pub use answers::*;
pub use asks::*;
pub use corrections::*;
pub use helpers::*;
pub use limits::*;
pub use settings::*;
pub use status::*;
pub use told::*;
pub use verdicts::*;

/// A message whose kind is told by a field of its own, as JavaScript has it: `{ ask: "text", text: "…" }`. To serde it is an enum
/// with the kind outside, and web/browser/wire.rs moves the kind in and out: serde's own way of doing so reads each message
/// twice over, for 100 KB more in each of the two modules.
pub trait Tagged {
    /// The name of that field.
    const TAG: &'static str;
}

macro_rules! tagged {
    ($($type:ty: $tag:literal),* $(,)?) => { $(
        impl Tagged for $type {
            const TAG: &'static str = $tag;
        }
    )* };
}
tagged!(PageAsk: "ask", FrameAsk: "ask", Answer: "answer", ToFrame: "sotto", ToPage: "sotto", ToPageOf<ViewKind>: "sotto", FromPacker: "packer", FromMeasurer: "measurer", ToProver: "prove", FromProver: "prover");
