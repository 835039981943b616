//! What node's TAP reporter says of failed tests: which, why, and in which file. It never counts: tally.rs does.

/// The parts of node's output that tell why tests failed, and the files they are in.
#[derive(Debug, Default, PartialEq)]
pub struct Failures {
    pub lines: Vec<String>,
    /// As the tests' locations name them, each once.
    pub files: Vec<String>,
}

/// Picks out every failed test with what follows it, but those that failed only because a test within them did.
pub fn failures(output: &[String]) -> Failures {
    let mut failures = Failures::default();
    let mut rest = output;
    while let Some((first, after)) = rest.split_first() {
        rest = after;
        let indent = first.len() - first.trim_start().len();
        if !first.trim_start().starts_with("not ok ") {
            continue;
        }
        let end = format!("{}  ...", " ".repeat(indent));
        let n_lines = after.iter().position(|line| *line == end).map_or(0, |index| index + 1);
        let (details, after) = after.split_at(n_lines);
        rest = after;
        if details.iter().any(|line| line.trim() == "failureType: 'subtestsFailed'") {
            continue;
        }
        failures.lines.push(first.clone());
        failures.lines.extend(details.iter().cloned());
        if let Some(file) = details.iter().find_map(|line| file_of(line))
            && !failures.files.contains(&file)
        {
            failures.files.push(file);
        }
    }
    failures
}

/// The file of `location: '/path/file.test.js:12:3'`.
fn file_of(line: &str) -> Option<String> {
    let place = line.trim().strip_prefix("location: '")?.strip_suffix('\'')?;
    let (place, _column) = place.rsplit_once(':')?;
    let (file, _line) = place.rsplit_once(':')?;
    Some(file.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failed_tests_are_picked_out_with_their_reasons_and_files() {
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
        let Failures { lines, files } = failures(&lines);
        assert_eq!(files, ["/a/b.test.js"]);
        assert_eq!(lines.first().map(String::as_str), Some("    not ok 1 - inner"));
        assert_eq!(lines.last().map(String::as_str), Some("not ok 3 - crashed"));
        assert_eq!(lines.len(), 7);
    }

    #[test]
    fn nothing_failed_where_nothing_did() {
        assert_eq!(failures(&["ok 1 - fine".to_string(), "# not ok but a comment".to_string()]), Failures::default());
    }
}
