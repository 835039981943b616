//! Runs test files with node's own runner, a few processes at a time; what passed with the same inputs before is not run
//! again. A file has a process of its own unless it is named among those that share their browsers.

use crate::kept::{Outcome as Came, Trial};
use crate::shell::{Outcome, Task, command};
use crate::stamp::Inputs;
use crate::tally::{Network, Tally};
use crate::{place, reports, setup};
use std::path::PathBuf;
use std::sync::Mutex;
use std::time::Instant;

/// End-to-end files that run one after the other in one process and share its browsers (harness/together.js), because they
/// want nothing special of them. Two lines that take about as long as each other, and as long as all the other files; and those
/// that share a Firefox.
const TOGETHER: [&[&str]; 3] = [
    &["install", "doors", "words", "popup_words", "queue", "scan", "protected_pages", "flavours"],
    &["guard", "guard_hostile", "closed_tabs", "settings", "own_model", "measure", "faults"],
    &["firefox", "firefox_words", "firefox_guard", "firefox_messages", "firefox_zoom"],
];

/// Where more files than this have failed tests, something is broken, and nothing is tried again.
const N_FILES_TRIED_AGAIN: usize = 3;

/// The file of the test that waits half a minute for what the browser does by itself.
const WAITS_ONLY: &str = "idle";

#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Again {
    /// Everything, whatever passed before.
    Everything,
    /// What is new or failed.
    Changed,
}

/// What came of a step's files.
#[derive(Default)]
pub struct Sum {
    pub tally: Tally,
    pub network: Network,
    /// What the failed files printed.
    pub lines: Vec<String>,
    pub n_kept: usize,
    pub n_run: usize,
}

/// One file's run.
struct Run {
    came: Came,
    lines: Vec<String>,
}

/// Programs by the variable that names them to the tests.
pub type Browsers = Vec<(&'static str, PathBuf)>;

/// Every *.test.js of some folders. `inputs` are what all of them depend on, browsers and node aside.
pub fn run(step: &str, folders: &[&str], inputs: Inputs, browsers: &Browsers, again: Again) -> Outcome<Sum> {
    let mut files = Vec::new();
    for folder in folders {
        files.extend(test_files(folder)?);
    }
    know_all_together(&files)?;
    setup::npm_packages()?;
    let inputs = with_tools(inputs, browsers)?;
    let trial = |file: &String| {
        let inputs = inputs.clone().with_file(&place::root().join(file));
        Trial::new(&format!("{step}/{}", short(file)), inputs)
    };
    let mut sum = Sum::default();
    let mut waiting: Vec<(Trial, String)> = Vec::new();
    for file in files {
        let trial = trial(&file);
        match trial.kept().filter(|_| again == Again::Changed) {
            Some(came) => {
                sum.n_kept += 1;
                sum.take(&Run { came, lines: vec![] });
            }
            None => waiting.push((trial, file)),
        }
    }
    sum.n_run = waiting.len();
    let mut runs = run_all(step, &waiting, browsers, n_at_once())?;
    let failed: Vec<usize> = (0..runs.len()).filter(|&index| runs[index].came.tally.n_failed > 0).collect();
    // A test in a browser may lose against a busy machine, and is named for it; what is broken fails twice.
    if failed.len() <= N_FILES_TRIED_AGAIN {
        for index in failed {
            let (trial, file) = &waiting[index];
            println!("failed once, tried again: {}", short(file));
            shown_failures(&runs[index].lines).iter().for_each(|line| println!("  | {line}"));
            let before = runs[index].came.network;
            runs[index] = run_one(&format!("{step}-again"), file, browsers)?;
            runs[index].came.network.add(before);
            trial.keep(&runs[index].came);
        }
    }
    runs.iter().for_each(|run| sum.take(run));
    Ok(sum)
}

/// A file that was renamed would have its own browsers again, and nobody would notice.
fn know_all_together(files: &[String]) -> Outcome {
    for group in TOGETHER {
        let is_there = |name: &&&str| files.iter().any(|file| short(file) == **name);
        let (there, missing): (Vec<&&str>, Vec<&&str>) = group.iter().partition(is_there);
        if !there.is_empty() && !missing.is_empty() {
            return Err(format!(
                "TOGETHER in xtask/src/node_tests.rs names {missing:?}, and there are no such test files"
            ));
        }
    }
    Ok(())
}

impl Sum {
    fn take(&mut self, run: &Run) {
        self.tally.add(run.came.tally);
        self.network.add(run.came.network);
        if run.came.tally.n_failed > 0 {
            self.lines.extend(run.lines.iter().cloned());
        }
    }
}

/// A test waits more than it works: one more than there are processors keeps these busy.
fn n_at_once() -> usize {
    std::thread::available_parallelism().map_or(2, |n| n.get() + 1)
}

/// The processes that run the files, by their places in `waiting`, the longest first, so that none of them is left alone at
/// the end; a file that never ran may be the longest.
fn processes(waiting: &[(Trial, String)]) -> Vec<Vec<usize>> {
    let mut processes: Vec<Vec<usize>> = vec![vec![]; TOGETHER.len()];
    for (index, (_, file)) in waiting.iter().enumerate() {
        match TOGETHER.iter().position(|names| names.contains(&short(file))) {
            Some(together) => processes[together].push(index),
            None => processes.push(vec![index]),
        }
    }
    for (process, names) in processes.iter_mut().zip(TOGETHER) {
        process.sort_by_key(|&index| names.iter().position(|name| *name == short(&waiting[index].1)));
    }
    processes.retain(|process| !process.is_empty());
    let seconds = |process: &[usize]| -> f64 {
        process.iter().map(|&index| waiting[index].0.seconds().unwrap_or(f64::INFINITY)).sum()
    };
    processes.sort_by(|a, b| seconds(b).total_cmp(&seconds(a)));
    processes
}

/// So many processes at a time, and beside them the one that only waits.
fn run_all(step: &str, waiting: &[(Trial, String)], browsers: &Browsers, n_at_once: usize) -> Outcome<Vec<Run>> {
    let runs = Mutex::new(Vec::new());
    let run_at = |process: Vec<usize>| {
        let files: Vec<&str> = process.iter().map(|&index| waiting[index].1.as_str()).collect();
        let ran = if let [file] = files[..] {
            run_one(step, file, browsers).map(|run| vec![run])
        } else {
            run_together(step, &files, browsers)
        };
        let ran: Vec<Outcome<Run>> = match ran {
            Ok(ran) => ran.into_iter().map(Ok).collect(),
            Err(problem) => process.iter().map(|_| Err(problem.clone())).collect(),
        };
        for (index, run) in process.into_iter().zip(ran) {
            if let Ok(run) = &run {
                waiting[index].0.keep(&run.came);
            }
            if let Ok(mut runs) = runs.lock() {
                runs.push((index, run));
            }
        }
    };
    let (beside, rest): (Vec<_>, Vec<_>) =
        processes(waiting).into_iter().partition(|process| short(&waiting[process[0]].1) == WAITS_ONLY);
    let next = Mutex::new(rest.into_iter());
    std::thread::scope(|scope| {
        for process in beside {
            scope.spawn(|| run_at(process));
        }
        for _ in 0..n_at_once {
            scope.spawn(|| {
                loop {
                    let Some(process) = next.lock().ok().and_then(|mut next| next.next()) else { return };
                    run_at(process);
                }
            });
        }
    });
    let mut runs = runs.into_inner().map_err(|_| "a test's thread broke".to_string())?;
    runs.sort_by_key(|(index, _)| *index);
    runs.into_iter().map(|(_, run)| run).collect()
}

fn run_one(step: &str, file: &str, browsers: &Browsers) -> Outcome<Run> {
    let clock = Instant::now();
    let (passed, lines) = node(&[file], browsers).logged(&log_of(step, file))?;
    let tally = Tally::of_tests(passed, reports::tally(&lines));
    let seconds = clock.elapsed().as_secs_f64();
    Ok(Run { came: Came { tally, network: Network::of_node(&lines), seconds }, lines })
}

/// What came of each file, in their order. What their browsers asked of the network stands with the first: only the sum of it
/// is looked at.
fn run_together(step: &str, files: &[&str], browsers: &Browsers) -> Outcome<Vec<Run>> {
    let log = log_of(step, files[0]).with_extension("and-others.log");
    let (passed, lines) = node(&[&["tests/browser/harness/together.js"], files].concat(), browsers).logged(&log)?;
    let suites = reports::suites(&lines);
    let mut runs: Vec<Run> = files
        .iter()
        .map(|file| match suites.iter().find(|suite| suite.name == short(file)) {
            Some(suite) => {
                let tally = Tally::of_tests(suite.passed, suite.tally);
                let came = Came { tally, seconds: suite.seconds, ..Came::default() };
                Run { came, lines: suite.lines.to_vec() }
            }
            // The process ended before its turn.
            None => Run { came: Came { tally: Tally::of_check(false), ..Came::default() }, lines: lines.clone() },
        })
        .collect();
    let network = Network::of_node(&lines);
    let told = reports::tally(&lines);
    let mut counted = Tally::default();
    runs.iter().for_each(|run| counted.add(run.came.tally));
    runs[0].came.network = network;
    let failed_between = counted.n_failed == 0 && (!passed || told != counted);
    // What a browser tells when it is closed may be of any of the files; if it is of the network, none of them passed.
    let n_concerned = if network.is_heard() { runs.len() } else { usize::from(failed_between) };
    for run in &mut runs[..n_concerned] {
        run.came.tally.add(Tally::of_check(false));
        run.lines.clone_from(&lines);
    }
    Ok(runs)
}

fn node(arguments: &[&str], browsers: &Browsers) -> Task {
    let mut task = command("node", &["--test-reporter=./tests/browser/harness/reporter.js"])
        .args(arguments)
        .env("SOTTO_WORKSHOP", place::workshop());
    for (name, browser) in browsers {
        task = task.env(name, browser);
    }
    task
}

fn log_of(step: &str, file: &str) -> PathBuf {
    place::workshop().join("logs").join(step).join(format!("{}.log", short(file)))
}

fn with_tools(mut inputs: Inputs, browsers: &Browsers) -> Outcome<Inputs> {
    let browsers = browsers.iter().map(|(_, browser)| browser.display().to_string());
    for program in std::iter::once("node".to_string()).chain(browsers) {
        inputs = inputs.with(&program, command(&program, &["--version"]).quietly(&program)?.as_bytes());
    }
    Ok(inputs)
}

fn test_files(folder: &str) -> Outcome<Vec<String>> {
    let files = place::files_below(&place::root().join(folder)).map_err(|error| format!("{folder}: {error}"))?;
    let files: Vec<String> = files
        .iter()
        .filter(|file| file.ends_with(".test.js") && !file.contains("node_modules/"))
        .map(|file| format!("{folder}/{file}"))
        .collect();
    if files.is_empty() { Err(format!("{folder} holds no *.test.js")) } else { Ok(files) }
}

/// `words` of `tests/browser/e2e/words.test.js`.
fn short(file: &str) -> &str {
    file.rsplit('/').next().unwrap_or(file).trim_end_matches(".test.js")
}

/// The failed tests where there are any, else everything.
pub fn shown_failures(lines: &[String]) -> Vec<String> {
    let told = reports::failures(lines);
    if told.is_empty() { lines.to_vec() } else { told }
}
