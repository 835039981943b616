//! What node's TAP reporter says: which tests failed and why, and what came of each suite where files share a process.
//! What a whole process counted is tally.rs's to read.

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

/// One test or suite, as the line that says how it ended and the block behind it.
struct Ended<'a> {
    place: usize,
    indent: usize,
    passed: bool,
    name: &'a str,
    details: &'a [String],
}

impl Ended<'_> {
    fn has(&self, detail: &str) -> bool {
        self.details.iter().any(|line| line.trim() == detail)
    }
}

/// All of them, on every level, in the order in which they ended. What a block quotes is none.
fn all_ended(output: &[String]) -> Vec<Ended<'_>> {
    let mut all = Vec::new();
    let mut place = 0;
    while let Some(line) = output.get(place) {
        let said = line.trim_start();
        let name =
            said.strip_prefix("not ").unwrap_or(said).strip_prefix("ok ").and_then(|said| said.split_once(" - "));
        let mut n_lines = 1;
        if let Some((_, name)) = name {
            let indent = line.len() - said.len();
            let end = format!("{}  ...", " ".repeat(indent));
            let after = &output[place + 1..];
            let n_details = after.iter().position(|line| *line == end).map_or(0, |index| index + 1);
            n_lines += n_details;
            all.push(Ended { place, indent, passed: said.starts_with("ok"), name, details: &after[..n_details] });
        }
        place += n_lines;
    }
    all
}

/// The outermost suites, in their order.
pub fn suites(output: &[String]) -> Vec<Suite<'_>> {
    let (mut suites, mut start, mut tally) = (Vec::new(), 0, Tally::default());
    for ended in all_ended(output) {
        if ended.indent > 0 {
            // One that is left out neither passed nor failed, and a suite is no test.
            if !ended.has("type: 'suite'") && !ended.name.contains(" # SKIP") {
                tally.add(Tally::of_check(ended.passed));
            }
            continue;
        }
        let duration = ended.details.iter().find_map(|line| line.trim().strip_prefix("duration_ms: ")?.parse().ok());
        let end = ended.place + 1 + ended.details.len();
        suites.push(Suite {
            name: ended.name,
            passed: ended.passed,
            tally: std::mem::take(&mut tally),
            seconds: duration.unwrap_or(0.0) / 1_000.0,
            lines: &output[start..end],
        });
        start = end;
    }
    suites
}

/// Picks out every failed test with what follows it, but those that failed only because a test within them did.
pub fn failures(output: &[String]) -> Vec<String> {
    let told =
        all_ended(output).into_iter().filter(|ended| !ended.passed && !ended.has("failureType: 'subtestsFailed'"));
    told.flat_map(|ended| &output[ended.place..ended.place + 1 + ended.details.len()]).cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failed_tests_are_picked_out_with_their_reasons() {
        let output = "\
TAP version 13
# Subtest: one
ok 1 - one
  ---
  duration_ms: 1
  ...
# Subtest: group
    # Subtest: inner
    not ok 1 - inner
      ---
      location: '/a/b.test.js:12:3'
      failureType: 'testCodeFailure'
      error: 'no'
      ...
    1..1
not ok 2 - group
  ---
  location: '/a/b.test.js:10:1'
  failureType: 'subtestsFailed'
  ...
not ok 3 - crashed
# fail 2";
        let lines: Vec<String> = output.lines().map(str::to_string).collect();
        let lines = failures(&lines);
        assert_eq!(lines.first().map(String::as_str), Some("    not ok 1 - inner"));
        assert_eq!(lines.last().map(String::as_str), Some("not ok 3 - crashed"));
        assert_eq!(lines.len(), 7);
    }

    #[test]
    fn each_file_of_a_process_is_counted_by_itself() {
        let output = "\
TAP version 13
# network tally: 0 by the extension
# Subtest: words
    # Subtest: inner
        # Subtest: one
        ok 1 - one
          ---
          duration_ms: 1
          ...
        not ok 2 - two
          ---
          error: |-
            ok 7 - not a result, but what a test said
          ...
        ok 3 - three # SKIP
          ---
          duration_ms: 1
          ...
        1..2
    not ok 1 - inner
      ---
      duration_ms: 2
      type: 'suite'
      ...
    1..1
not ok 1 - words
  ---
  duration_ms: 20250.5
  type: 'suite'
  ...
# Subtest: scan
    # Subtest: three
    ok 1 - three
      ---
      duration_ms: 1
      ...
ok 2 - scan
  ---
  type: 'suite'
  ...
1..2
# pass 2";
        let lines: Vec<String> = output.lines().map(str::to_string).collect();
        let [words, scan] = &suites(&lines)[..] else { panic!("two files") };
        assert_eq!((words.name, words.passed, words.tally), ("words", false, Tally { n_passed: 1, n_failed: 1 }));
        assert_eq!(words.seconds, 20.2505);
        assert_eq!((scan.name, scan.passed, scan.tally), ("scan", true, Tally { n_passed: 1, n_failed: 0 }));
        assert!(scan.lines[0] == "# Subtest: scan" && scan.lines.len() == 10, "{:?}", scan.lines);
        assert_eq!(failures(words.lines)[0], "        not ok 2 - two");
    }

    #[test]
    fn nothing_failed_where_nothing_did() {
        assert!(failures(&["ok 1 - fine".to_string(), "# not ok but a comment".to_string()]).is_empty());
    }
}
