//! `cargo xtask test`: every check of the project in one order, each with a line and its time, and one closing line
//! with the totals. What a step printed is in target/xtask/logs/, and on the screen when it failed.

use crate::setup::{self, WasmToolchain};
use crate::shell::{Outcome, command};
use crate::tally::{self, Network, Tally};
use crate::tap::{self, Failures};
use crate::wasm::{self, Profile};
use crate::{dist, place};
use std::io::Write;
use std::time::Instant;

type Step = fn(Profile) -> Outcome<Report>;

/// What a step counted, and what it printed.
struct Report {
    tally: Tally,
    lines: Vec<String>,
}

const STEPS: [(&str, Step); 9] = [
    ("fmt", fmt),
    ("clippy", clippy),
    ("clippy-wasm", clippy_wasm),
    ("native", native),
    ("native-kernels", native_kernels),
    ("kernels", kernels_in_chromium),
    ("build", build),
    ("supply", supply),
    ("e2e", e2e),
];

/// How much of a failed step's output is shown; the rest is in its log.
const N_SHOWN_LINES: usize = 120;
/// Where more files than this have failed tests, something is broken, and nothing is tried again.
const N_FILES_TRIED_AGAIN: usize = 3;

/// Runs the named steps, or all of them but those that repeat another's tests.
pub fn run(words: &[&str]) -> Outcome {
    let quick = words.contains(&"--quick");
    let profile = if quick { Profile::Dev } else { Profile::Shipped };
    let names: Vec<&str> = words.iter().copied().filter(|word| *word != "--quick").collect();
    if let Some(unknown) = names.iter().find(|name| STEPS.iter().all(|(step, _)| step != *name)) {
        let known: Vec<&str> = STEPS.iter().map(|(step, _)| *step).collect();
        return Err(format!("no such step: {unknown}. The steps are {}", known.join(" ")));
    }
    let wanted = |step: &str| {
        if names.is_empty() { step != "native-kernels" } else { names.contains(&step) }
    };
    let mut total = Tally::default();
    let clock = Instant::now();
    for (name, step) in STEPS.iter().filter(|(name, _)| wanted(name)) {
        print!("test: {name} … ");
        std::io::stdout().flush().map_err(|error| error.to_string())?;
        let step_clock = Instant::now();
        let report =
            step(profile).unwrap_or_else(|problem| Report { tally: Tally::of_check(false), lines: vec![problem] });
        let Tally { n_passed, n_failed } = report.tally;
        println!("{n_passed} passed, {n_failed} failed, {:.1} s", step_clock.elapsed().as_secs_f64());
        if n_failed > 0 {
            show(&report.lines);
        }
        total.add(report.tally);
    }
    println!(
        "test: {:.0} s in all; logs in {}",
        clock.elapsed().as_secs_f64(),
        place::shown(&place::workshop().join("logs"))
    );
    println!("{} passed, {} failed", total.n_passed, total.n_failed);
    if total.n_failed == 0 { Ok(()) } else { Err("some checks failed".to_string()) }
}

/// What a person wants to read of a failed step: the failed tests where it ran tests, else its last lines.
fn show(lines: &[String]) {
    let Failures { lines: told, .. } = tap::failures(lines);
    let lines = if told.is_empty() { lines } else { &told };
    for line in &lines[lines.len().saturating_sub(N_SHOWN_LINES)..] {
        println!("  | {line}");
    }
}

fn log(name: &str) -> std::path::PathBuf {
    place::workshop().join("logs").join(format!("{name}.log"))
}

fn check(name: &str, task: crate::shell::Task) -> Outcome<Report> {
    let (passed, lines) = task.logged(&log(name))?;
    Ok(Report { tally: Tally::of_check(passed), lines })
}

fn cargo_tests(name: &str, arguments: &[&str]) -> Outcome<Report> {
    let (passed, lines) = command("cargo", arguments).logged(&log(name))?;
    Ok(Report { tally: Tally::of_tests(passed, tally::of_cargo(&lines)), lines })
}

fn fmt(_: Profile) -> Outcome<Report> {
    setup::rust_components()?;
    check("fmt", command("cargo", &["fmt", "--all", "--check"]))
}

fn clippy(_: Profile) -> Outcome<Report> {
    setup::rust_components()?;
    let arguments = ["clippy", "--quiet", "--workspace", "--all-targets", "--", "-D", "warnings"];
    check("clippy", command("cargo", &arguments))
}

/// Every wasm flavour. Debian's compiler comes without clippy: there, warnings of the compiler alone are refused.
fn clippy_wasm(_: Profile) -> Outcome<Report> {
    setup::rust_components()?;
    let toolchain = setup::wasm_toolchain()?;
    let mut report = Report { tally: Tally::default(), lines: vec![] };
    for features in ["bench,relaxed", "web", "pages", "battery"] {
        let verb = if toolchain == WasmToolchain::Rustup { "clippy" } else { "check" };
        let mut arguments = vec![verb, "--quiet", "--lib", "--target", "wasm32-unknown-unknown"];
        arguments.extend(["--no-default-features", "--features", features]);
        if verb == "clippy" {
            arguments.extend(["--", "-D", "warnings"]);
        }
        let task = wasm::in_toolchain(&toolchain, &arguments);
        let (passed, lines) = task.logged(&log(&format!("clippy-wasm-{}", features.replace(',', "-"))))?;
        report.tally.add(Tally::of_check(passed && !lines.iter().any(|line| line.starts_with("warning"))));
        report.lines.extend(lines);
    }
    Ok(report)
}

fn native(_: Profile) -> Outcome<Report> {
    cargo_tests("native", &["test", "--release", "--workspace", "--exclude", "bindgen", "--no-fail-fast"])
}

fn native_kernels(_: Profile) -> Outcome<Report> {
    cargo_tests("native-kernels", &["test", "--release", "--no-default-features", "--lib", "kernels"])
}

fn kernels_in_chromium(profile: Profile) -> Outcome<Report> {
    for flavour in wasm::KERNELS {
        wasm::make_kernels(flavour, profile)?;
    }
    node_tests("kernels", "tests/browser/kernels")
}

fn build(profile: Profile) -> Outcome<Report> {
    dist::build(profile)?;
    Ok(Report { tally: Tally::of_check(true), lines: vec![] })
}

/// Dependencies, weights, and what the stores' linter says of dist/.
fn supply(profile: Profile) -> Outcome<Report> {
    dist::build(profile)?;
    setup::npm_packages_in("tests/supply")?;
    node_tests("supply", "tests/supply")
}

fn e2e(profile: Profile) -> Outcome<Report> {
    dist::build(profile)?;
    let mut report = node_tests("e2e", "tests/browser/e2e")?;
    let mut network = Network::of_node(&report.lines);
    let Failures { files, .. } = tap::failures(&report.lines);
    // A test in a browser may lose against a busy machine, and be named for it; what is broken fails twice.
    if !files.is_empty() && files.len() <= N_FILES_TRIED_AGAIN {
        println!("failed once, tried again:");
        show(&report.lines);
        let again = node_files("e2e-again", &files)?;
        report.tally.n_passed += report.tally.n_failed.saturating_sub(again.tally.n_failed);
        report.tally.n_failed = again.tally.n_failed;
        network.add(Network::of_node(&again.lines));
        report.lines = again.lines;
    }
    print!("{network} … ");
    report.tally.add(Tally::of_check(network.is_silent()));
    report.lines.push(network.to_string());
    Ok(report)
}

/// Runs every *.test.js of a folder.
fn node_tests(name: &str, folder: &str) -> Outcome<Report> {
    let files = place::files_below(&place::root().join(folder)).map_err(|error| format!("{folder}: {error}"))?;
    let files: Vec<String> = files
        .iter()
        .filter(|file| file.ends_with(".test.js") && !file.contains("node_modules/"))
        .map(|file| format!("{folder}/{file}"))
        .collect();
    if files.is_empty() {
        return Err(format!("{folder} holds no *.test.js"));
    }
    node_files(name, &files)
}

/// Runs test files with node's own runner, one at a time: they share the machine's two cores.
fn node_files(name: &str, files: &[String]) -> Outcome<Report> {
    setup::npm_packages()?;
    let browser = setup::chromium()?;
    let task = command("node", &["--test", "--test-concurrency=1", "--test-reporter=tap"])
        .args(files)
        .env("SOTTO_CHROMIUM", browser)
        .env("SOTTO_WORKSHOP", place::workshop());
    let (passed, lines) = task.logged(&log(name))?;
    Ok(Report { tally: Tally::of_tests(passed, tally::of_node(&lines)), lines })
}
