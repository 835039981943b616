//! `cargo xtask test`: every check of the project in one order, each with a line and its time, and one closing line
//! with the totals. What a step printed is in target/xtask/logs/, and on the screen when it failed. The wasm is built beside
//! the first steps, which need none of it; tests in a browser share the machine with one short step alone.

use crate::kept::{self, Trial};
use crate::node_tests::{self, Again, Browsers, Sum};
use crate::setup::{self, WasmToolchain};
use crate::shell::{Outcome, Task, command};
use crate::stamp::Inputs;
use crate::tally::{self, Tally};
use crate::wasm::{self, Profile};
use crate::{dist, place, rooms, types};
use std::path::{Path, PathBuf};
use std::time::Instant;

type Step = fn(Wish) -> Outcome<Report>;

#[derive(Clone, Copy)]
struct Wish {
    profile: Profile,
    again: Again,
}

/// What a step counted, and what it printed.
#[derive(Default)]
struct Report {
    tally: Tally,
    lines: Vec<String>,
    /// What of the tally is from an earlier run with the same inputs, in words; empty where nothing is.
    kept: String,
}

const STEPS: [(&str, Step); 14] = [
    ("rooms", rooms),
    ("fmt", fmt),
    ("clippy", clippy),
    ("clippy-wasm", clippy_wasm),
    ("native", native),
    ("native-kernels", native_kernels),
    ("sanitize", sanitize),
    ("miri", miri),
    ("gpu", gpu),
    ("types", types_and_lint),
    ("kernels", kernels_in_chromium),
    ("build", build),
    ("supply", supply),
    ("e2e", e2e),
];

/// Only where they are asked for: the one repeats what another does, the other takes four minutes for loops that few changes touch.
const ON_REQUEST: [&str; 2] = ["native-kernels", "miri"];

/// The steps that build wasm.
const WITH_WASM: [&str; 4] = ["build", "kernels", "supply", "e2e"];

/// How much of a failed step's output is shown; the rest is in its log.
const N_SHOWN_LINES: usize = 120;

/// Runs the named steps, or all of them but those that are on request.
pub fn run(words: &[&str]) -> Outcome {
    let wish = Wish {
        profile: if words.contains(&"--quick") { Profile::Dev } else { Profile::Shipped },
        again: if words.contains(&"--again") { Again::Everything } else { Again::Changed },
    };
    let names: Vec<&str> = words.iter().copied().filter(|word| !["--quick", "--again"].contains(word)).collect();
    if let Some(unknown) = names.iter().find(|name| STEPS.iter().all(|(step, _)| step != *name)) {
        let known: Vec<&str> = STEPS.iter().map(|(step, _)| *step).collect();
        return Err(format!("no such step: {unknown}. The steps are {}", known.join(" ")));
    }
    let wanted = |step: &str| {
        if names.is_empty() { !ON_REQUEST.contains(&step) } else { names.contains(&step) }
    };
    let mut total = Tally::default();
    let clock = Instant::now();
    let wanted: Vec<(&str, Step)> = STEPS.into_iter().filter(|(name, _)| wanted(name)).collect();
    std::thread::scope(|scope| {
        let n_with_wasm = wanted.iter().filter(|(name, _)| WITH_WASM.contains(name)).count();
        if n_with_wasm > 0 && wanted.len() > 1 {
            // Two threads must not install the same.
            setup::everything()?;
        }
        if (1..wanted.len()).contains(&n_with_wasm) {
            scope.spawn(|| build_ahead(wish, |step| wanted.iter().any(|(name, _)| *name == step)));
        }
        // Seconds on one processor, and no browser: beside the last of the others.
        let (beside, in_turn): (Vec<_>, Vec<_>) = wanted.iter().copied().partition(|(name, _)| *name == "supply");
        let (last, first) = in_turn.split_last().map_or((None, &[][..]), |(last, first)| (Some(last), first));
        first.iter().for_each(|(name, step)| total.add(run_step(name, *step, wish)));
        let at_once = beside.iter().chain(last).map(|&(name, step)| scope.spawn(move || run_step(name, step, wish)));
        for step in at_once.collect::<Vec<_>>() {
            total.add(step.join().map_err(|_| "a step broke".to_string())?);
        }
        Outcome::Ok(())
    })?;
    println!(
        "test: {:.0} s in all; logs in {}",
        clock.elapsed().as_secs_f64(),
        place::shown(&place::workshop().join("logs"))
    );
    println!("{} passed, {} failed", total.n_passed, total.n_failed);
    if total.n_failed == 0 { Ok(()) } else { Err("some checks failed".to_string()) }
}

fn run_step(name: &str, step: Step, wish: Wish) -> Tally {
    let clock = Instant::now();
    let report = step(wish).unwrap_or_else(|problem| Report { lines: vec![problem], ..of_check(false) });
    let Tally { n_passed, n_failed } = report.tally;
    let seconds = clock.elapsed().as_secs_f64();
    println!("test: {name}: {n_passed} passed, {n_failed} failed, {seconds:.1} s{}", report.kept);
    if n_failed > 0 {
        show(&report.lines);
    }
    report.tally
}

/// What fails here fails again, and is told, in the step that needs it.
fn build_ahead(wish: Wish, is_wanted: impl Fn(&str) -> bool) {
    for flavour in wasm::KERNELS.into_iter().filter(|_| is_wanted("kernels")) {
        let _ = wasm::make_kernels(flavour, wish.profile);
    }
    if ["build", "supply", "e2e"].into_iter().any(&is_wanted) {
        let _ = dist::build(wish.profile);
    }
}

fn show(lines: &[String]) {
    for line in &lines[lines.len().saturating_sub(N_SHOWN_LINES)..] {
        println!("  | {line}");
    }
}

fn log(name: &str) -> std::path::PathBuf {
    place::workshop().join("logs").join(format!("{name}.log"))
}

fn check(name: &str, task: Task) -> Outcome<Report> {
    let (passed, lines) = task.logged(&log(name))?;
    Ok(Report { lines, ..of_check(passed) })
}

fn of_check(passed: bool) -> Report {
    Report { tally: Tally::of_check(passed), ..Report::default() }
}

/// Compiles, and runs each program of tests unless the very same one passed before beside the same files: after a line in
/// one room, most programs are the same to the byte.
fn cargo_tests(name: &str, arguments: &[&str], filter: &[&str], again: Again) -> Outcome<Report> {
    tests_of(name, command("cargo", &["test", "--no-run"]).args(arguments), filter, None, again)
}

/// The same, where the compiler is called in a way of its own, or the programs have a variable more.
fn tests_of(
    name: &str,
    compile: Task,
    filter: &[&str],
    variable: Option<(&str, &Path)>,
    again: Again,
) -> Outcome<Report> {
    let (compiled, lines) = compile.logged(&log(&format!("{name}-compile")))?;
    if !compiled {
        return Ok(Report { lines, ..of_check(false) });
    }
    let programs = programs_of(&lines);
    if programs.is_empty() {
        return Err("cargo named no program that it compiled for the tests".to_string());
    }
    let mut beside = Inputs::new(name);
    for folder in ["models", "tests/golden", "tests/evaluation", "tests/pictures"] {
        beside = beside.with_folder(&place::root().join(folder), |_| true)?;
    }
    if let Some((_, file)) = variable {
        beside = beside.with_file(file);
    }
    let (mut report, mut n_kept) = (Report::default(), 0);
    for (what, program) in &programs {
        let program = place::root().join(program);
        let trial = Trial::new(&format!("{name}/{what}"), beside.clone().with_file(&program));
        if let Some(came) = trial.kept().filter(|_| again == Again::Changed) {
            n_kept += 1;
            report.tally.add(came.tally);
            continue;
        }
        let clock = Instant::now();
        let mut task = command(&program.display().to_string(), filter);
        if let Some((variable, file)) = variable {
            task = task.env(variable, file);
        }
        let (passed, lines) = task.logged(&log(&format!("{name}/{what}")))?;
        let counted = tally::of_cargo(&lines);
        // A program without tests is none that keeps silent about them.
        let is_empty = passed && lines.iter().any(|line| line == "running 0 tests");
        let tally = if is_empty { counted } else { Tally::of_tests(passed, counted) };
        let seconds = clock.elapsed().as_secs_f64();
        trial.keep(&kept::Outcome { tally, seconds, ..kept::Outcome::default() });
        report.tally.add(tally);
        if tally.n_failed > 0 {
            report.lines.push(format!("{what}:"));
            report.lines.extend(lines);
        }
    }
    report.tally = Tally::of_tests(true, report.tally);
    if n_kept > 0 {
        let n_run = programs.len() - n_kept;
        report.kept = format!(", {n_run} programs run; {n_kept} are those that passed before");
    }
    Ok(report)
}

/// Cargo's line for each program of tests, `Executable tests/why.rs (target/release/deps/why-2c36)`, as a name for it and
/// its place.
fn programs_of(lines: &[String]) -> Vec<(String, PathBuf)> {
    let program = |line: &str| {
        let (_, place) = line.trim().strip_prefix("Executable ")?.rsplit_once('(')?;
        let place = PathBuf::from(place.trim_end_matches(')'));
        // Two crates may have a program of one name: what stands behind the hyphen tells them apart.
        Some((place.file_name()?.to_str()?.to_string(), place))
    };
    lines.iter().filter_map(|line| program(line)).collect()
}

/// Who may use whom below src/.
fn rooms(_: Wish) -> Outcome<Report> {
    let faults = rooms::of_tree()?.faults;
    Ok(Report { tally: Tally::of_check(faults.is_empty()), lines: faults, kept: String::new() })
}

fn fmt(_: Wish) -> Outcome<Report> {
    setup::rust_components()?;
    check("fmt", command("cargo", &["fmt", "--all", "--check"]))
}

/// Everything, and the kernels as they stand alone: what needs more must say so.
fn clippy(_: Wish) -> Outcome<Report> {
    setup::rust_components()?;
    let mut report = Report::default();
    for (name, what) in [("clippy", "--workspace"), ("clippy-kernels", "--no-default-features")] {
        let arguments = ["clippy", "--quiet", what, "--all-targets", "--", "-D", "warnings"];
        let Report { tally, lines, .. } = check(name, command("cargo", &arguments))?;
        report.tally.add(tally);
        report.lines.extend(lines);
    }
    Ok(report)
}

/// What wasm is made of, at once, and the kernels as they stand alone; the build refuses whatever the compiler itself warns of in a
/// flavour. Debian's compiler comes without clippy: there, warnings of the compiler alone are refused.
fn clippy_wasm(_: Wish) -> Outcome<Report> {
    setup::rust_components()?;
    let toolchain = setup::wasm_toolchain()?;
    let mut report = Report::default();
    for features in ["bench,pages,relaxed", "battery"] {
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

/// All of them; and, of the golden ones, a text and a picture test as a processor without AVX2 computes.
fn native(wish: Wish) -> Outcome<Report> {
    let mut report = cargo_tests("native", &["--release", "--workspace", "--exclude", "bindgen"], &[], wish.again)?;
    let golden = ["--release", "--features", "scalar", "--test", "golden"];
    let scalar = cargo_tests("native-scalar", &golden, &["logits", "picture"], wish.again)?;
    report.tally.add(scalar.tally);
    report.lines.extend(scalar.lines);
    report.kept.push_str(&scalar.kept);
    Ok(report)
}

fn native_kernels(wish: Wish) -> Outcome<Report> {
    cargo_tests("native-kernels", &["--release", "--no-default-features", "--lib"], &["kernels"], wish.again)
}

/// The folders with a tsconfig.json: each holds scripts that run in another kind of place.
const TYPED: [&str; 3] = ["extension", "extension/content", "tests"];

/// The JavaScript, as its type checker and its linter read it.
fn types_and_lint(_: Wish) -> Outcome<Report> {
    setup::npm_packages()?;
    types::declare()?;
    let declarations = ["--no-default-features", "--features", "declarations", "--lib", "declarations"];
    let mut report = check("declarations", command("cargo", &["test", "--quiet"]).args(&declarations))?;
    let mut add = |name: &str, arguments: &[&str]| {
        let Report { tally, lines, .. } = check(name, command("node", arguments))?;
        report.tally.add(tally);
        if tally.n_failed > 0 {
            report.lines.push(format!("{name}:"));
            report.lines.extend(lines);
        }
        Outcome::Ok(())
    };
    for folder in TYPED {
        add(
            &format!("types-{}", folder.replace('/', "-")),
            &["node_modules/typescript/bin/tsc", "--pretty", "false", "-p", folder],
        )?;
    }
    add("lint", &["node_modules/@biomejs/biome/bin/biome", "lint", "--colors=off", "--error-on-warnings"])?;
    Ok(report)
}

const BATTERY: [&str; 4] = ["--no-default-features", "--lib", "--target-dir", "target/sanitize"];

/// The kernels' battery where a byte that a loop may not touch is seen even if nothing comes of it: under AddressSanitizer,
/// with the library's own assertions about pointers.
fn sanitize(wish: Wish) -> Outcome<Report> {
    let Some(host) = setup::host_with_sanitizer() else {
        println!("test: sanitize: AddressSanitizer is left out: this toolchain comes without its library");
        return Ok(Report::default());
    };
    // A stable compiler takes the option from who says that it knows. Naming the target keeps it from build scripts.
    let compile = command("cargo", &["test", "--no-run", "--release", "--target", &host])
        .args(&BATTERY)
        .env("RUSTC_BOOTSTRAP", "1")
        .env("RUSTFLAGS", "-Zsanitizer=address -Cdebug-assertions=on -Copt-level=1");
    tests_of("sanitize", compile, &["kernels"], None, wish.again)
}

/// The same under Miri, which interprets: not again while the kernels and the toolchain are the same.
fn miri(wish: Wish) -> Outcome<Report> {
    let miri = setup::miri()?;
    let version = command("cargo", &miri).args(&["--version"]).quietly("cargo miri --version")?;
    let inputs = Inputs::new("miri")
        .with("version", version.as_bytes())
        .with_file(&place::root().join("Cargo.lock"))
        .with_folder(&place::root().join("src/kernels"), |_| true)?;
    let trial = Trial::new("miri", inputs);
    if let Some(came) = trial.kept().filter(|_| wish.again == Again::Changed) {
        return Ok(Report { tally: came.tally, kept: ", Miri as before".to_string(), ..Report::default() });
    }
    let clock = Instant::now();
    let (passed, lines) =
        command("cargo", &miri).args(&["test"]).args(&BATTERY).args(&["kernels"]).logged(&log("miri"))?;
    let tally = Tally::of_tests(passed, tally::of_cargo(&lines));
    let seconds = clock.elapsed().as_secs_f64();
    trial.keep(&kept::Outcome { tally, seconds, ..kept::Outcome::default() });
    Ok(Report { tally, lines, ..Report::default() })
}

/// The product for graphics processors, natively, on one in software. The kernels step has it in Chromium.
fn gpu(wish: Wish) -> Outcome<Report> {
    let driver = match setup::lavapipe() {
        Ok(driver) => driver,
        Err(why) => {
            println!("test: gpu: left out, lavapipe is missing: {why}");
            return Ok(Report::default());
        }
    };
    let compile = command("cargo", &["test", "--no-run", "--manifest-path", "tests/gpu/Cargo.toml", "--locked"])
        .args(&["--target-dir", &place::target().display().to_string()]);
    tests_of("gpu", compile, &[], Some(("VK_ICD_FILENAMES", &driver)), wish.again)
}

fn kernels_in_chromium(wish: Wish) -> Outcome<Report> {
    let mut inputs = harness("kernels")?.with_file(&place::root().join("extension/gpu.js"));
    for flavour in wasm::KERNELS {
        inputs = inputs.with_file(&wasm::make_kernels(flavour, wish.profile)?);
    }
    Ok(report_of(node_tests::run("kernels", &["tests/browser/kernels"], inputs, &chromium()?, wish.again)?))
}

fn build(wish: Wish) -> Outcome<Report> {
    dist::build(wish.profile)?;
    Ok(of_check(true))
}

/// Dependencies, weights, and what the package may not contain; also what the stores' linter says of it.
fn supply(wish: Wish) -> Outcome<Report> {
    dist::build(wish.profile)?;
    setup::npm_packages_in("tests/supply")?;
    // What these read is all over the tree, and they take seconds.
    Ok(report_of(node_tests::run("supply", &["tests/supply"], Inputs::new("supply"), &vec![], Again::Everything)?))
}

fn e2e(wish: Wish) -> Outcome<Report> {
    let dist = dist::build(wish.profile)?;
    let (mut folders, mut browsers) = (vec!["tests/browser/e2e"], chromium()?);
    match setup::firefox() {
        Ok(firefox) => {
            folders.push("tests/browser/firefox");
            browsers.push(("SOTTO_FIREFOX", firefox));
        }
        Err(problem) => println!("test: e2e: Firefox is left out: {problem}"),
    }
    let inputs = harness("e2e")?.with_folder(&dist, |_| true)?;
    let sum = node_tests::run("e2e", &folders, inputs, &browsers, wish.again)?;
    let network = sum.network;
    println!("test: {network}");
    // Also of a run that need not be done again.
    let told = std::fs::read_to_string(log("e2e/load")).unwrap_or_default();
    told.lines().filter_map(|line| line.strip_prefix("load: ")).for_each(|line| println!("test: {line}"));
    let mut report = report_of(sum);
    report.tally.add(Tally::of_check(network.is_silent()));
    if !network.is_silent() {
        report.lines.push(network.to_string());
    }
    Ok(report)
}

fn chromium() -> Outcome<Browsers> {
    Ok(vec![("SOTTO_CHROMIUM", setup::chromium()?)])
}

/// What every test in a browser depends on but the package and its own file.
fn harness(step: &str) -> Outcome<Inputs> {
    let root = place::root();
    let shared = |file: &str| !file.ends_with(".test.js") && !file.ends_with(".md");
    let mut inputs =
        Inputs::new(step).with_file(&root.join("package-lock.json")).with_file(&root.join("models/models.toml"));
    // Another dist/ or browser, say.
    for (name, value) in std::env::vars().filter(|(name, _)| name.starts_with("SOTTO_")) {
        inputs = inputs.with(&name, value.as_bytes());
    }
    inputs.with_folder(&root.join("tests/browser"), shared)?.with_folder(&root.join("tests/pictures"), |_| true)
}

fn report_of(sum: Sum) -> Report {
    let kept = match (sum.n_kept, sum.n_run) {
        (0, _) => String::new(),
        (n_kept, n_run) => format!(", {n_run} files run; {n_kept} passed with the same inputs before"),
    };
    Report { tally: sum.tally, lines: node_tests::shown_failures(&sum.lines), kept }
}
