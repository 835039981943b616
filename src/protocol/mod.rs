//! Every message that crosses a boundary: content script ↔ service worker ↔ pages, and the command line's `--json`.
//! The only serialised types. A message never carries a URL to fetch; pictures travel beside the request as a Blob or
//! ImageData (structured clone), never inside it. The build declares these types to TypeScript (declarations.rs), by which
//! the JavaScript on the other side is checked.

mod answers;
mod asks;
#[cfg(feature = "declarations")]
pub mod declarations;
mod limits;
mod settings;
mod status;
mod told;
mod verdicts;

pub use answers::*;
pub use asks::*;
pub use limits::*;
pub use settings::*;
pub use status::*;
pub use told::*;
pub use verdicts::*;
