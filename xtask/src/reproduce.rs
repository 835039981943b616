//! `cargo xtask reproduce`: builds everything a second time, from a copy of the tree in another folder and with nothing taken
//! over, and compares the zips. As long as two first builds, so it is no part of `test`.

use crate::shell::{Outcome, command};
use crate::wasm::Profile;
use crate::{dist, place, wasm};
use std::path::{Path, PathBuf};

pub fn run() -> Outcome {
    dist::build(Profile::Shipped)?;
    let copy = place::workshop().join("again/a folder of another length");
    if copy.exists() {
        std::fs::remove_dir_all(&copy).map_err(|error| format!("{}: {error}", place::shown(&copy)))?;
    }
    for name in command("git", &["ls-files", "-z"]).quietly("git ls-files")?.split_terminator('\0') {
        let from = place::root().join(name);
        // A file that was removed and not committed yet is still listed.
        if from.is_file() {
            wasm::copy(&from, &copy.join(name))?;
        }
    }
    println!("reproduce: the second build, in {}", place::shown(&copy));
    command("cargo", &["xtask", "build"]).within(&copy).without_env("CARGO_TARGET_DIR").run("the second build")?;
    let (first, second) = (zip_below(&place::root())?, zip_below(&copy)?);
    let read = |path: &Path| std::fs::read(path).map_err(|error| format!("{}: {error}", place::shown(path)));
    if read(&first)? != read(&second)? {
        return Err(format!("{} and {} differ", place::shown(&first), place::shown(&second)));
    }
    println!("reproduce: both builds made the same bytes");
    // Where they differ it stays to be looked at. Its own biome.jsonc stops the linter, which takes it for a second one.
    std::fs::remove_dir_all(&copy).map_err(|error| format!("{}: {error}", place::shown(&copy)))
}

fn zip_below(root: &Path) -> Outcome<PathBuf> {
    let name = format!("sotto-{}.zip", dist::shipped_version(root)?);
    Ok(root.join("target").join(name))
}
