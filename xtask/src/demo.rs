//! `cargo xtask run`: the extension in a real Chromium on a local demo page, for a person to try, or by itself.

use crate::shell::{Outcome, command};
use crate::wasm::Profile;
use crate::{dist, setup};

#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Screen {
    WhereverThereIsOne,
    Headless,
}

pub fn run(screen: Screen) -> Outcome {
    setup::npm_packages()?;
    let browser = setup::chromium()?;
    dist::build(Profile::Shipped)?;
    let display =
        ["DISPLAY", "WAYLAND_DISPLAY"].iter().any(|name| std::env::var_os(name).is_some_and(|it| !it.is_empty()));
    let mode = if screen == Screen::Headless || !display { "headless" } else { "window" };
    command("node", &["tests/browser/demo/run.js", mode]).env("SOTTO_CHROMIUM", browser).run("the demo")
}
