//! What JavaScript must know of the protocol, written by the crate itself: protocol.d.ts, by which the JavaScript here is
//! checked, and tables.js and managed.json, which ship.

use crate::place;
use crate::shell::{Outcome, command};
use std::path::PathBuf;
use std::sync::Mutex;

/// Writes them and returns their folder. Asked twice by one command, it is done once.
pub fn declare() -> Outcome<PathBuf> {
    static DONE: Mutex<bool> = Mutex::new(false);
    let mut done = DONE.lock().map_err(|_| "declaring the protocol broke".to_string())?;
    let folder = place::workshop().join("types");
    if !*done {
        std::fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", place::shown(&folder)))?;
        let features = ["--no-default-features", "--features", "declarations"];
        let build = ["build", "--quiet", "--profile", "tool", "--bin", "declare"];
        command("cargo", &build).args(&features).quietly("compiling the protocol's declarations")?;
        let declare = place::target().join("tool/declare");
        let into = folder.display().to_string();
        command(&declare.display().to_string(), &[into.as_str()]).quietly("declaring the protocol")?;
        *done = true;
    }
    Ok(folder)
}
