//! What each browser's store is given. dist/ is for both browsers; each package is dist/ without what only the other browser
//! knows, because a store's checks complain of that. Nothing else may differ: tests/supply/packages.test.js says so.

use crate::dist::{self, Files};
use crate::place;
use crate::shell::Outcome;
use std::path::PathBuf;

pub struct Package {
    pub name: &'static str,
    changes: &'static [Change],
}

/// What is taken out of dist/ for a package.
enum Change {
    /// A member of the manifest's, named with the spaces in front of it: they tell how deep it stands.
    Member(&'static str),
    /// A text that stands once in that file, and what stands there instead.
    Text(&'static str, &'static str, &'static str),
}
use Change::{Member, Text};

pub const PACKAGES: [Package; 2] = [CHROMIUM, FIREFOX];

pub const CHROMIUM: Package = Package {
    name: "chromium",
    // An extension that names both kinds of background is one that Chromium warns its developer of.
    changes: &[Member("  \"browser_specific_settings\""), Member("    \"scripts\"")],
};

/// The page that decodes and the saved pages are Chromium's ways to what Firefox' background does itself; where Firefox runs these
/// scripts it never comes to the lines that are changed here.
pub const FIREFOX: Package = Package {
    name: "firefox",
    changes: &[
        Member("  \"minimum_chrome_version\""),
        Member("    \"service_worker\""),
        Member("  \"optional_permissions\""),
        Text("manifest.json", "\"offscreen\", ", ""),
        Text("loaded.js", "chrome.pageCapture.saveAsMHTML({ tabId })", "null"),
        Text(
            "unseen.js",
            "await chrome.offscreen.createDocument({ url: PAGE, reasons: [\"WORKERS\", \"BLOBS\"], justification });",
            "throw new Error(justification);",
        ),
        Text("content/guard.js", CLOSED_ROOT, ""),
        Text("content/pixels.js", CLOSED_ROOT, ""),
        Text("content/select.js", CLOSED_ROOT, ""),
    ],
};

/// As squeezed scripts have it. Firefox has the same as a property of each element, which is asked for behind it.
const CLOSED_ROOT: &str = "chrome.dom?.openOrClosedShadowRoot(element)??";

impl Package {
    /// The package's files, of those of dist/.
    pub fn of(&self, files: &Files) -> Outcome<Files> {
        let mut files = files.clone();
        for change in self.changes {
            let (name, what) = match change {
                Member(member) => ("manifest.json", member.trim()),
                Text(name, text, _) => (*name, *text),
            };
            let bytes =
                files.get(name).ok_or_else(|| format!("dist/{name} is missing: `cargo xtask build` makes it"))?;
            let text = std::str::from_utf8(bytes).map_err(|error| format!("dist/{name}: {error}"))?;
            let changed = match change {
                Member(member) => without_member(text, member),
                Text(_, from, to) => (text.matches(from).count() == 1).then(|| text.replace(from, to)),
            };
            let changed = changed.ok_or_else(|| {
                let whose = self.name;
                format!("{name} must say {what} once: set what is changed of it for {whose} in xtask/src/packages.rs")
            })?;
            files.insert(name.to_string(), changed.into_bytes());
        }
        Ok(files)
    }
}

/// The manifest without one member; `None` unless it has it once and another member behind it, which needs no comma less.
fn without_member(manifest: &str, member: &str) -> Option<String> {
    let start = format!("{member}: ");
    let lines: Vec<&str> = manifest.lines().collect();
    let first = lines.iter().position(|line| line.starts_with(&start))?;
    let indent = &member[..member.len() - member.trim_start().len()];
    // What begins an object or a list on its line ends where its bracket stands below the member's name.
    let n_lines = if lines[first].ends_with(['{', '[']) {
        let is_end = |line: &&str| line.strip_prefix(indent).is_some_and(|rest| rest.starts_with(['}', ']']));
        2 + lines[first + 1..].iter().position(is_end)?
    } else {
        1
    };
    let last = first + n_lines - 1;
    let is_once = lines.iter().filter(|line| line.starts_with(&start)).count() == 1;
    let rest = || lines[..first].iter().chain(&lines[last + 1..]).map(|line| format!("{line}\n")).collect();
    (is_once && lines[last].ends_with(',')).then(rest)
}

/// Lays beside dist/ what each package has in place of dist/'s files, for the tests.
pub fn lay_out(files: &Files) -> Outcome {
    for package in PACKAGES {
        let differs = |(name, bytes): &(String, Vec<u8>)| files.get(name) != Some(bytes);
        let others = package.of(files)?.into_iter().filter(differs).collect();
        dist::lay_out(&folder().join(package.name), &others)?;
    }
    Ok(())
}

fn folder() -> PathBuf {
    place::workshop().join("packages")
}

#[cfg(test)]
mod tests {
    use super::*;

    const MANIFEST: &str =
        "{\n  \"a\": {\n    \"b\": [1],\n    \"c\": {\n      \"d\": 2\n    },\n    \"e\": 3\n  },\n  \"f\": \"g\"\n}\n";

    #[test]
    fn a_member_goes_with_all_that_is_in_it() {
        assert_eq!(without_member(MANIFEST, "  \"a\"").unwrap(), "{\n  \"f\": \"g\"\n}\n");
        let rest = "{\n  \"a\": {\n    \"c\": {\n      \"d\": 2\n    },\n    \"e\": 3\n  },\n  \"f\": \"g\"\n}\n";
        assert_eq!(without_member(MANIFEST, "    \"b\"").unwrap(), rest);
        let rest = "{\n  \"a\": {\n    \"b\": [1],\n    \"e\": 3\n  },\n  \"f\": \"g\"\n}\n";
        assert_eq!(without_member(MANIFEST, "    \"c\"").unwrap(), rest);
    }

    #[test]
    fn a_member_that_is_missing_or_the_last_one_is_refused() {
        for member in ["  \"b\"", "    \"a\"", "    \"e\"", "  \"f\"", "  \"none\""] {
            assert_eq!(without_member(MANIFEST, member), None, "{member}");
        }
        assert_eq!(without_member(&MANIFEST.replace("\"f\"", "\"a\""), "  \"a\""), None);
    }
}
