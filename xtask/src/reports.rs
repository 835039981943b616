//! What tests/browser/harness/reporter.js says of a process of tests, a line for each that ended: what it counted, which failed
//! and why, and what came of each suite where files share a process. Node's other reporters are for people, or need a parser
//! twice as long. Playwright Test, 5 MB beside the library that is here already, has reports, retries and browsers shared by
//! a worker's files: for this file, the reporter, together.js and the retry in node_tests.rs, 150 lines, 28 test files would be
//! written anew, and what passed with the same inputs would still be ours to keep.

use crate::tally::Tally;

/// One of the outermost suites.
#[derive(Debug, PartialEq)]
pub struct Suite<'a> {
    pub name: &'a str,
    pub passed: bool,
    pub tally: Tally,
    pub seconds: f64,
    /// What was said of it.
    pub lines: &'a [String],
}

/// One test or suite, as the line that says how it ended and its error behind it.
struct Ended<'a> {
    how: &'a str,
    is_outermost: bool,
    seconds: f64,
    name: &'a str,
    /// Its line's place, and the one behind its error.
    from: usize,
    to: usize,
}

impl Ended<'_> {
    /// A suite is no test, and what was left out neither passed nor failed.
    fn tally(&self) -> Tally {
        Tally { n_passed: u64::from(self.how == "passed test"), n_failed: u64::from(self.how == "failed test") }
    }
}

/// All of them, on every level, in the order in which they ended.
fn all_ended(lines: &[String]) -> impl Iterator<Item = Ended<'_>> {
    lines.iter().enumerate().filter_map(|(from, line)| {
        let mut fields = line.splitn(4, '\t');
        let (how, depth, seconds, name) = (fields.next()?, fields.next()?, fields.next()?, fields.next()?);
        let to = from + 1 + lines[from + 1..].iter().take_while(|line| line.starts_with("  ")).count();
        Some(Ended { how, is_outermost: depth == "0", seconds: seconds.parse().ok()?, name, from, to })
    })
}

/// What all tests of a process came to.
pub fn tally(lines: &[String]) -> Tally {
    let mut tally = Tally::default();
    all_ended(lines).for_each(|ended| tally.add(ended.tally()));
    tally
}

/// The outermost suites, in their order.
pub fn suites(lines: &[String]) -> Vec<Suite<'_>> {
    let (mut suites, mut start) = (Vec::new(), 0);
    for Ended { how, seconds, name, to, .. } in all_ended(lines).filter(|ended| ended.is_outermost) {
        let lines = &lines[start..to];
        suites.push(Suite { name, passed: !how.starts_with("failed"), tally: tally(lines), seconds, lines });
        start = to;
    }
    suites
}

/// Every failed test with its error, but those that failed only because a test within them did.
pub fn failures(lines: &[String]) -> Vec<String> {
    let told = all_ended(lines).filter(|ended| ended.how.starts_with("failed") && ended.to > ended.from + 1);
    told.flat_map(|ended| &lines[ended.from..ended.to]).cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAID: &str = "\
network tally: 0 by the extension
passed test\t2\t0.001\tone
failed test\t2\t0.200\ttwo
  a.test.js:3
  Error: passed test
      at a.js:4
skipped test\t2\t0.000\tthree
failed suite\t1\t0.300\tinner
failed suite\t0\t20.250\twords
passed test\t2\t0.001\tpart
passed test\t1\t0.001\tthree
a test said this\tin passing
passed suite\t0\t0.500\tscan
# pass 2";

    fn lines() -> Vec<String> {
        SAID.lines().map(str::to_string).collect()
    }

    #[test]
    fn each_file_of_a_process_is_counted_by_itself() {
        let lines = lines();
        let [words, scan] = &suites(&lines)[..] else { panic!("two files") };
        assert_eq!((words.name, words.passed, words.tally), ("words", false, Tally { n_passed: 1, n_failed: 1 }));
        assert_eq!((scan.name, scan.passed, scan.tally), ("scan", true, Tally { n_passed: 2, n_failed: 0 }));
        assert_eq!((words.seconds, words.lines.len(), scan.lines.len()), (20.25, 9, 4));
        assert_eq!(tally(&lines), Tally { n_passed: 3, n_failed: 1 });
    }

    #[test]
    fn failed_tests_are_picked_out_with_their_errors() {
        assert_eq!(failures(&lines()), lines()[2..6]);
        assert!(failures(&["passed test\t0\t0.001\tfine".to_string(), "failed, said a test".to_string()]).is_empty());
    }
}
