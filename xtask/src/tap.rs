//! What node's TAP reporter says of failed tests: which, and why. It never counts: tally.rs does.

/// Picks out every failed test with what follows it, but those that failed only because a test within them did.
pub fn failures(output: &[String]) -> Vec<String> {
    let mut failures = Vec::new();
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
        failures.push(first.clone());
        failures.extend(details.iter().cloned());
    }
    failures
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
    fn nothing_failed_where_nothing_did() {
        assert!(failures(&["ok 1 - fine".to_string(), "# not ok but a comment".to_string()]).is_empty());
    }
}
