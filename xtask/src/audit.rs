//! `cargo xtask audit`: what other people's code is in this, by cargo-deny and deny.toml. Apart from `test` because to compile
//! cargo-deny takes longer than all tests; tests/supply/ checks the most of it in a second on every run.

use crate::place;
use crate::shell::{Outcome, command};

const VERSION: &str = "0.20.2";

pub fn run() -> Outcome {
    let tools = place::workshop().join("tools");
    let program = tools.join("bin/cargo-deny").display().to_string();
    let says = command(&program, &["--version"]).quietly("cargo-deny");
    if !says.is_ok_and(|says| says.trim().ends_with(VERSION)) {
        println!("setup: compiling cargo-deny {VERSION}, which takes minutes");
        let root = tools.display().to_string();
        let arguments = ["install", "--quiet", "--locked", "--version", VERSION, "--root", &root, "cargo-deny"];
        command("cargo", &arguments).quietly("cargo install cargo-deny")?;
    }
    command(&program, &["check", "licenses", "bans", "sources"]).run("cargo deny")?;
    // Its database is a repository on the web; without it the rest still counts, but nobody may think that this was checked.
    command(&program, &["check", "advisories"])
        .run("cargo deny check advisories (if its database can't be fetched: advisories were NOT checked)")
}
