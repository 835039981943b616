//! `cargo xtask bench`: builds what is measured, fetches the peers, and hands over to benches/.

use crate::shell::{Outcome, command};
use crate::wasm::{self, Profile};
use crate::{dist, place, setup};

#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Bars {
    Shown,
    /// A missed bar is a failure.
    Enforced,
}

pub fn run(name: &str, bars: Bars) -> Outcome {
    if name != "engine" {
        return Err(format!("no such bench: {name}. There is: engine"));
    }
    setup::npm_packages()?;
    setup::npm_packages_in("benches")?;
    let browser = setup::chromium()?;
    let requirements = place::root().join("benches/engine/requirements.txt");
    let python = setup::python(&requirements, &place::workshop().join("python"))?;
    dist::build(Profile::Shipped)?;
    for flavour in wasm::BENCHES {
        wasm::make(flavour, Profile::Shipped)?;
    }
    let check = if bars == Bars::Enforced { "--check" } else { "--show" };
    command("node", &["benches/engine/run.js", check])
        .env("SOTTO_CHROMIUM", browser)
        .env("SOTTO_PYTHON", python)
        .env("SOTTO_WORKSHOP", place::workshop())
        .run("bench engine")
}
