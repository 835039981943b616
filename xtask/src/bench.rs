//! `cargo xtask bench`: builds what is measured, fetches the peers, and hands over to benches/.

use crate::shell::{Outcome, command};
use crate::wasm::{self, Profile};
use crate::{dist, place, setup};
use std::path::PathBuf;

/// `option` is for the script: `--show`, `--check`, with which a missed bar is a failure, or a word of its own.
pub fn run(name: &str, option: &str) -> Outcome {
    let script = format!("benches/{name}/run.js");
    if !place::root().join(&script).is_file() {
        return Err(format!("no such bench: {name}. There are: {}", names().join(" ")));
    }
    setup::npm_packages()?;
    let browser = setup::chromium()?;
    dist::build(Profile::Shipped)?;
    let mut task = command("node", &[script.as_str(), option])
        .env("SOTTO_CHROMIUM", browser)
        .env("SOTTO_WORKSHOP", place::workshop());
    if name == "engine" {
        task = task.env("SOTTO_PYTHON", peers()?);
    }
    task.run(&format!("bench {name}"))
}

/// Each bench is a folder of benches/ with a run.js.
fn names() -> Vec<String> {
    let folders = std::fs::read_dir(place::root().join("benches")).into_iter().flatten().flatten();
    let is_bench = |folder: &std::fs::DirEntry| folder.path().join("run.js").is_file();
    let mut names: Vec<String> =
        folders.filter(is_bench).map(|folder| folder.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

/// What the engine is measured beside, and the engine with exports for it; returns the Python that makes a peer's model.
fn peers() -> Outcome<PathBuf> {
    setup::npm_packages_in("benches")?;
    let requirements = place::root().join("benches/engine/requirements.txt");
    let python = setup::python(&requirements, &place::workshop().join("python"))?;
    wasm::make(&wasm::BENCHES, Profile::Shipped)?;
    Ok(python)
}
