//! Runs test files with node's own runner, each in a process of its own, a few at a time; what passed with the same inputs
//! before is not run again.

use crate::kept::{Outcome as Came, Trial};
use crate::shell::{Outcome, command};
use crate::stamp::Inputs;
use crate::tally::{self, Network, Tally};
use crate::tap;
use crate::{place, setup};
use std::path::PathBuf;
use std::sync::Mutex;
use std::time::Instant;

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
    // The longest first, so that none of them is left alone at the end; one that never ran may be the longest.
    waiting.sort_by(|(a, _), (b, _)| {
        let seconds = |trial: &Trial| trial.seconds().unwrap_or(f64::INFINITY);
        seconds(b).total_cmp(&seconds(a))
    });
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

/// In the order given, so many at a time, and beside them the one that only waits.
fn run_all(step: &str, waiting: &[(Trial, String)], browsers: &Browsers, n_at_once: usize) -> Outcome<Vec<Run>> {
    let runs = Mutex::new(Vec::new());
    let run_at = |index: usize| {
        let (trial, file) = &waiting[index];
        let run = run_one(step, file, browsers);
        if let Ok(run) = &run {
            trial.keep(&run.came);
        }
        if let Ok(mut runs) = runs.lock() {
            runs.push((index, run));
        }
    };
    let (beside, rest): (Vec<usize>, Vec<usize>) =
        (0..waiting.len()).partition(|&index| short(&waiting[index].1) == WAITS_ONLY);
    let next = Mutex::new(rest.into_iter());
    std::thread::scope(|scope| {
        for index in beside {
            scope.spawn(move || run_at(index));
        }
        for _ in 0..n_at_once {
            scope.spawn(|| {
                loop {
                    let Some(index) = next.lock().ok().and_then(|mut next| next.next()) else { return };
                    run_at(index);
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
    let log = place::workshop().join("logs").join(step).join(format!("{}.log", short(file)));
    let mut task = command("node", &["--test", "--test-reporter=tap", file]).env("SOTTO_WORKSHOP", place::workshop());
    for (name, browser) in browsers {
        task = task.env(name, browser);
    }
    let (passed, lines) = task.logged(&log)?;
    let tally = Tally::of_tests(passed, tally::of_node(&lines));
    let seconds = clock.elapsed().as_secs_f64();
    Ok(Run { came: Came { tally, network: Network::of_node(&lines), seconds }, lines })
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
    let told = tap::failures(lines);
    if told.is_empty() { lines.to_vec() } else { told }
}
