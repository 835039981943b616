//! `cargo xtask`: everything one does with this tree, by one command each. Light on purpose: it starts at once and
//! leaves the heavy tools (wasm-bindgen, the browser) to processes of their own. It knows nothing of what
//! the engine does.

mod audit;
mod bench;
mod demo;
mod dist;
mod javascript;
mod kept;
mod node_tests;
mod packages;
mod palette;
mod place;
mod release;
mod reports;
mod reproduce;
mod rooms;
mod rust_paths;
mod setup;
mod shell;
mod soak;
mod squeeze;
mod stamp;
mod suite;
mod tally;
mod types;
mod wasm;
mod zip;

use shell::Outcome;
use std::process::ExitCode;

const HELP: &str = "\
cargo xtask COMMAND

  setup                install what is missing; says nothing when nothing is
  build [--dev]        make dist/ (the unpacked extension) and its zip; --dev: minutes quicker, larger, no zip
  run [--headless]     build, then open Chromium on the demo page; headless: judge its text and picture, and say so
  test [--quick] [--again] [STEP...]
                       every check: rooms fmt clippy clippy-wasm native sanitize gpu types kernels build supply e2e;
                       and when named: native-kernels miri;
                       --quick tests the --dev build;
                       test files that passed with the very same inputs are not run again, but with --again they are
  rooms                which room of src/ uses which; exits 1 with those that use what comes after them, or each other
  kernels              the kernels' tests alone, natively and in Chromium: seconds
  bench NAME [--check] measure: engine (beside its peers) and the other folders of benches/; --check exits 1 where a bar is missed
  bench gpu [--software]
                       the processor and the graphics processor side by side; --software: also one that is none, to try it out
  soak [--quick]       faults and load in Chromium: killed workers, many runs, a broken engine; --quick: minutes
  audit                licences, sources and advisories of all dependencies, by cargo-deny
  reproduce            build everything a second time, elsewhere, and compare the zips: as long as two first builds
  release [--dry-run | --packages]
                       check that all is ready, run every test, and make target/release-VERSION/: packages, source, sums, bill
                       of materials, listing, screenshots; --dry-run: without the tests, and say what a release still wants;
                       --packages: the two packages alone, without git
  models --check       rebuild the packed models from their sources and compare
";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let outcome = match words.as_slice() {
        ["setup"] => setup::everything(),
        ["build"] => dist::build(wasm::Profile::Shipped).map(drop),
        ["build", "--dev"] => dist::build(wasm::Profile::Dev).map(drop),
        ["run"] => demo::run(demo::Screen::WhereverThereIsOne),
        ["run", "--headless"] => demo::run(demo::Screen::Headless),
        ["test", rest @ ..] => suite::run(rest),
        ["kernels"] => suite::run(&["--quick", "native-kernels", "kernels"]),
        ["bench", name] => bench::run(name, "--show"),
        ["bench", name, "--check"] => bench::run(name, "--check"),
        ["bench", "gpu", "--software"] => bench::run("gpu", "--software"),
        ["rooms"] => rooms::run(),
        ["soak"] => soak::run(soak::Length::Full),
        ["soak", "--quick"] => soak::run(soak::Length::Quick),
        ["reproduce"] => reproduce::run(),
        ["audit"] => audit::run(),
        ["release"] => release::run(release::Kind::Release),
        ["release", "--dry-run"] => release::run(release::Kind::Rehearsal),
        ["release", "--packages"] => release::run(release::Kind::Packages),
        ["models", "--check"] => models_check(),
        [] | ["help" | "--help" | "-h"] => {
            print!("{HELP}");
            Ok(())
        }
        _ => Err(format!("no such command: {}. `cargo xtask help` lists them", words.join(" "))),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("xtask: {problem}");
            ExitCode::FAILURE
        }
    }
}

fn models_check() -> Outcome {
    setup::npm_packages()?;
    shell::command("cargo", &["run", "--quiet", "--release", "--bin", "sotto", "--", "models", "check"])
        .run("models check")
}
