//! `cargo xtask soak`: the extension under faults and load; tests/browser/soak/ does it and says what came of it.

use crate::shell::{Outcome, command};
use crate::wasm::Profile;
use crate::{dist, place, setup};

#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Length {
    Full,
    /// A tenth of it, on the build that is quick to make.
    Quick,
}

pub fn run(length: Length) -> Outcome {
    setup::npm_packages()?;
    let browser = setup::chromium()?;
    let mut arguments = vec!["tests/browser/soak/run.js"];
    match length {
        Length::Full => dist::build(Profile::Shipped)?,
        Length::Quick => {
            arguments.push("--quick");
            dist::build(Profile::Dev)?
        }
    };
    command("node", &arguments).env("SOTTO_CHROMIUM", browser).env("SOTTO_WORKSHOP", place::workshop()).run("the soak")
}
