//! What the type checker of the JavaScript knows of the Rust: the protocol's messages, declared from src/protocol. Nobody
//! declares them by hand, so that neither side can change alone.

use crate::place;
use crate::shell::Outcome;
use std::path::PathBuf;

/// Where extension/globals.d.ts looks for them.
fn declarations() -> PathBuf {
    place::workshop().join("types/protocol.d.ts")
}

/// Brings the declarations up to date. To generate them belongs here; until then they must be there.
pub fn declare() -> Outcome {
    let path = declarations();
    if path.is_file() { Ok(()) } else { Err(format!("{} is missing", place::shown(&path))) }
}
