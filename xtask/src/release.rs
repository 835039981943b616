//! `cargo xtask release`: whether everything is as a release must be, all tests, and then one folder with all that stores and their
//! reviewers are given. A rehearsal makes the same folder of whatever is there, without the tests, and says what a release
//! would still want. It publishes nothing and changes nothing in git.

use crate::dist::{self, Files};
use crate::packages::{CHROMIUM, FIREFOX, PACKAGES};
use crate::setup::{self, WasmToolchain};
use crate::shell::{Outcome, command};
use crate::wasm::Profile;
use crate::{place, suite, zip};
use std::path::{Path, PathBuf};

#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Kind {
    Release,
    Rehearsal,
    /// The packages alone, which needs no git: what a reviewer makes of the source archive.
    Packages,
}

const LISTING: &str = "docs/listing";
const LINTER: &str = "tests/supply/node_modules/addons-linter/bin/addons-linter";

pub fn run(kind: Kind) -> Outcome {
    let version = agreed_version()?;
    let folder = place::root().join(format!("target/release-{version}"));
    let wants = if kind == Kind::Packages { vec![] } else { wants(&version)? };
    if kind == Kind::Release && !wants.is_empty() {
        say_wants(&wants);
        return Err(format!("no release of {version} before that; with --dry-run its files are made all the same"));
    }
    if kind == Kind::Release {
        suite::run(&[])?;
    }
    emptied(&folder)?;
    dist::build(Profile::Shipped)?;
    make_packages(&version, &folder)?;
    if kind == Kind::Packages {
        return list(&folder);
    }
    lint(&folder.join(package_file(&version, FIREFOX.name)))?;
    if kind == Kind::Release {
        test_in_firefox()?;
    }
    make_source(&version, &folder)?;
    make_bill(&folder.join(format!("sotto-{version}.cdx.json")))?;
    copy_folder(&place::root().join(LISTING), &folder.join("listing"))?;
    make_screenshots(&folder.join("screenshots"))?;
    list(&folder)?;
    say_wants(&wants);
    match kind {
        Kind::Release => println!("release: {version} is ready. `git tag v{version}` names what it was made of"),
        _ if wants.is_empty() => println!("release: a release would want nothing but that all tests pass"),
        _ => println!("release: and that all tests pass"),
    }
    Ok(())
}

/// The version that the manifest and the crate name. That they differ stops a rehearsal too: nothing could be built.
fn agreed_version() -> Outcome<String> {
    let root = place::root();
    let manifest = dist::shipped_version(&root)?;
    let krate = version_of_crate(&read_text(&root.join("Cargo.toml"))?);
    match krate {
        Some(krate) if krate == manifest => Ok(manifest),
        krate => Err(format!(
            "manifest.json says version {manifest}, Cargo.toml says {}: make them the same",
            krate.unwrap_or_else(|| "none".to_string())
        )),
    }
}

fn version_of_crate(toml: &str) -> Option<String> {
    toml.lines().find_map(|line| line.strip_prefix("version = \"")?.strip_suffix('"').map(str::to_string))
}

/// What stands in the way of a release, each with what to do about it.
fn wants(version: &str) -> Outcome<Vec<String>> {
    let mut wants = changelog_wants(&read_text(&place::root().join("CHANGELOG.md"))?, version);
    let git = |arguments: &[&str]| command("git", arguments).quietly("git");
    let changed = git(&["status", "--porcelain"])
        .map_err(|problem| format!("{problem}; without git, `cargo xtask release --packages` makes the packages"))?;
    if !changed.is_empty() {
        let n_files = changed.lines().count();
        let first = changed.lines().next().unwrap_or_default().trim();
        wants.push(format!(
            "a clean tree, since the source archive has what is committed: commit or put away {n_files} changes ({first}, …)"
        ));
    }
    let tag = format!("v{version}");
    if !git(&["tag", "--list", &tag])?.is_empty()
        && git(&["rev-parse", &format!("{tag}^{{commit}}")])? != git(&["rev-parse", "HEAD"])?
    {
        wants.push(format!(
            "another version: {tag} is the tag of another commit. Raise it in Cargo.toml and manifest.json"
        ));
    }
    wants.extend(compiler_wants()?);
    wants.extend(listing_wants(&place::root())?);
    Ok(wants)
}

/// The compiler that docs/BUILDING.md names, because another one makes other bytes.
fn compiler_wants() -> Outcome<Option<String>> {
    let pinned = format!("{}.0", env!("CARGO_PKG_RUST_VERSION"));
    let says = command("rustc", &["--version"]).quietly("rustc")?;
    let is_it = says.split(' ').nth(1) == Some(pinned.as_str());
    let ours = setup::wasm_toolchain()? == WasmToolchain::Rustup;
    Ok((!is_it || !ours).then(|| {
        format!(
            "rustc {pinned} of rustup's, with which reviewers make the same bytes: `rustup toolchain install {pinned} --target \
             wasm32-unknown-unknown`, then `cargo +{pinned} xtask release`; here it is {}{}",
            says.trim(),
            if ours { "" } else { ", and the distribution's for wasm" }
        )
    }))
}

/// A dated section for the version, with something in it, and nothing that waits above it.
fn changelog_wants(changelog: &str, version: &str) -> Vec<String> {
    let mut wants = Vec::new();
    let sections: Vec<(&str, &str)> = changelog
        .split("\n## ")
        .skip(1)
        .map(|section| section.split_once('\n').unwrap_or((section, "")))
        .map(|(heading, body)| (heading.trim(), body.trim()))
        .collect();
    let waiting = sections.iter().find(|(heading, _)| *heading == "Unreleased");
    if let Some((_, body)) = waiting.filter(|(_, body)| !body.is_empty()) {
        let n_changes = body.lines().filter(|line| line.starts_with("- ")).count();
        wants.push(format!(
            "CHANGELOG.md with nothing under “Unreleased”: move its {n_changes} changes below “## {version}, YEAR-MONTH-DAY”"
        ));
    }
    let named = |(heading, _): &&(&str, &str)| heading.split(',').next() == Some(version);
    match sections.iter().find(named) {
        None => wants.push(format!("a section “## {version}, YEAR-MONTH-DAY” in CHANGELOG.md")),
        Some((_, "")) => wants.push(format!("something in the section {version} of CHANGELOG.md")),
        Some((heading, _)) if !heading.split_once(", ").is_some_and(|(_, date)| is_date(date)) => {
            wants.push(format!("a date in CHANGELOG.md: “## {version}, YEAR-MONTH-DAY”, not “## {heading}”"));
        }
        Some(_) => {}
    }
    wants
}

/// 2026-12-01.
fn is_date(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    let number = |part: &str, n_digits: usize| {
        part.parse::<u32>().ok().filter(|_| part.len() == n_digits && part.bytes().all(|byte| byte.is_ascii_digit()))
    };
    let [year, month, day] = parts[..] else { return false };
    number(year, 4).is_some()
        && number(month, 2).is_some_and(|month| (1..=12).contains(&month))
        && number(day, 2).is_some_and(|day| (1..=31).contains(&day))
}

/// A listing in each language that the extension speaks, which speaks of each permission.
fn listing_wants(root: &Path) -> Outcome<Vec<String>> {
    let folder = root.join(LISTING);
    let files = place::files_below(&folder).map_err(|error| format!("{LISTING}: {error}"))?;
    if files.is_empty() {
        return Ok(vec![format!(
            "{LISTING}/: names, descriptions, category, a sentence for each permission and the privacy answers, in all languages"
        )]);
    }
    let mut wants = Vec::new();
    let mut texts = String::new();
    for file in &files {
        texts.push_str(&String::from_utf8_lossy(&read(&folder.join(file))?));
    }
    let locales = place::files_below(&root.join("extension/_locales")).map_err(|error| error.to_string())?;
    for language in locales.iter().filter_map(|file| file.strip_suffix("/messages.json")) {
        if !files.iter().any(|file| is_in_language(file, language)) {
            wants.push(format!("a listing in {language}: a file or folder of that name in {LISTING}/"));
        }
    }
    let manifest = read_text(&root.join("manifest.json"))?;
    for list in ["permissions", "optional_permissions", "optional_host_permissions"] {
        for permission in list_of(&manifest, list).iter().filter(|permission| !texts.contains(permission.as_str())) {
            wants.push(format!("a sentence in {LISTING}/ that says why Sotto asks for {permission}"));
        }
    }
    Ok(wants)
}

/// `de/description.txt` and `listing.de.md` are in German; stores write pt-BR where the extension writes pt_BR.
fn is_in_language(file: &str, language: &str) -> bool {
    let plain = |word: &str| word.replace('_', "-").to_lowercase();
    file.split(['/', '.']).any(|part| plain(part) == plain(language))
}

/// The words of a list of the manifest's.
fn list_of(manifest: &str, name: &str) -> Vec<String> {
    let list = manifest.split_once(&format!("\"{name}\": [")).and_then(|(_, rest)| rest.split_once(']'));
    let words = list.map_or("", |(words, _)| words).split('"').skip(1).step_by(2);
    words.map(str::to_string).collect()
}

fn package_file(version: &str, name: &str) -> String {
    format!("sotto-{version}-{name}.zip")
}

/// As a folder, too, for the browsers that try them.
fn unpacked(name: &str) -> PathBuf {
    place::workshop().join("release").join(name)
}

fn make_packages(version: &str, folder: &Path) -> Outcome {
    let files = files_of(&place::dist(), "")?;
    for package in PACKAGES {
        let files = package.of(&files)?;
        dist::lay_out(&unpacked(package.name), &files)?;
        write(&folder.join(package_file(version, package.name)), &zip::archive(&files)?.bytes)?;
    }
    Ok(())
}

/// As the store's own linter sees it, with nothing to be explained.
fn lint(package: &Path) -> Outcome {
    setup::npm_packages_in("tests/supply")?;
    let package = package.display().to_string();
    let linting = command("node", &[LINTER, "--warnings-as-errors", &package]);
    linting.quietly("linting the package for Firefox").map(drop)
}

/// The tests ran on dist/, and what Firefox is given is not that to the byte.
fn test_in_firefox() -> Outcome {
    let firefox = setup::firefox()?;
    command("node", &["--test-reporter=./tests/browser/harness/reporter.js", "tests/browser/firefox/firefox.test.js"])
        .env("SOTTO_FIREFOX", firefox)
        .env("SOTTO_WORKSHOP", place::workshop())
        .env("SOTTO_DIST", unpacked(FIREFOX.name))
        .quietly("the tests of the package for Firefox")
        .map(drop)
}

/// What is committed, in a zip of ours: git's own archives depend on the machine's gzip. It is unpacked outside the tree, where no
/// tool takes its configuration for one of ours.
fn make_source(version: &str, folder: &Path) -> Outcome {
    let source = std::env::temp_dir().join(format!("sotto-source-{}", std::process::id()));
    emptied(&source)?;
    let files = committed_files(&source, &format!("sotto-{version}/"));
    std::fs::remove_dir_all(&source).map_err(|error| format!("{}: {error}", source.display()))?;
    write(&folder.join(format!("sotto-{version}-source.zip")), &zip::archive(&files?)?.bytes)
}

fn committed_files(unpacked: &Path, prefix: &str) -> Outcome<Files> {
    let tar = place::workshop().join("release/source.tar").display().to_string();
    command("git", &["archive", "--format=tar", "--output", &tar, "HEAD"]).quietly("git archive")?;
    command("tar", &["-xf", &tar]).within(unpacked).quietly("tar")?;
    files_of(unpacked, prefix)
}

fn make_bill(path: &Path) -> Outcome {
    setup::npm_packages()?;
    let bill = command("node", &["tests/supply/bill.js"]).quietly("the bill of materials")?;
    write(path, bill.as_bytes())
}

/// Of the package for Chromium, which is tried by that.
fn make_screenshots(into: &Path) -> Outcome {
    let browser = setup::chromium()?;
    command("node", &["tests/browser/store/screenshots.js", &into.display().to_string()])
        .env("SOTTO_CHROMIUM", browser)
        .env("SOTTO_WORKSHOP", place::workshop())
        .env("SOTTO_DIST", unpacked(CHROMIUM.name))
        .quietly("the screenshots")
        .map(drop)
}

/// Writes SHA256SUMS, which `sha256sum --check` reads, and says what there is.
fn list(folder: &Path) -> Outcome {
    let names = place::files_below(folder).map_err(|error| format!("{}: {error}", place::shown(folder)))?;
    let sums = command("sha256sum", &names).within(folder).quietly("sha256sum")?;
    write(&folder.join("SHA256SUMS"), sums.as_bytes())?;
    println!("release: {}/", place::shown(folder));
    for line in sums.lines() {
        let (sum, name) = line.split_once("  ").unwrap_or((line, ""));
        let n_bytes = std::fs::metadata(folder.join(name)).map_or(0, |file| file.len());
        println!("  {name:<44} {n_bytes:>10} bytes, sha256 {sum}");
    }
    Ok(())
}

fn say_wants(wants: &[String]) {
    for want in wants {
        println!("release: a release wants {want}");
    }
}

fn files_of(folder: &Path, prefix: &str) -> Outcome<Files> {
    let names = place::files_below(folder).map_err(|error| format!("{}: {error}", place::shown(folder)))?;
    names.into_iter().map(|name| Ok((format!("{prefix}{name}"), read(&folder.join(&name))?))).collect()
}

fn copy_folder(from: &Path, to: &Path) -> Outcome {
    files_of(from, "")?.iter().try_for_each(|(name, bytes)| write(&to.join(name), bytes))
}

fn emptied(folder: &Path) -> Outcome {
    let fail = |error: std::io::Error| format!("{}: {error}", place::shown(folder));
    if folder.exists() {
        std::fs::remove_dir_all(folder).map_err(fail)?;
    }
    std::fs::create_dir_all(folder).map_err(fail)
}

fn read(path: &Path) -> Outcome<Vec<u8>> {
    std::fs::read(path).map_err(|error| format!("{}: {error}", place::shown(path)))
}

fn read_text(path: &Path) -> Outcome<String> {
    std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", place::shown(path)))
}

fn write(path: &Path, bytes: &[u8]) -> Outcome {
    let fail = |error: std::io::Error| format!("{}: {error}", place::shown(path));
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(fail)?;
    }
    std::fs::write(path, bytes).map_err(fail)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_changelog_is_ready_with_a_dated_section_and_nothing_above_it() {
        let with = |sections: &str| changelog_wants(&format!("# Changes\n\nWhat is new.\n{sections}"), "1.2.0");
        let older = "\n## 1.1.0, 2026-01-01\n\n- Old.\n";
        assert!(with(&format!("\n## 1.2.0, 2026-12-01\n\n- New.\n{older}")).is_empty());
        assert!(with(&format!("\n## Unreleased\n\n## 1.2.0, 2026-12-01\n\n- New.\n{older}")).is_empty());
        for (sections, told) in [
            ("", "a section “## 1.2.0"),
            ("\n## 1.2.0-beta, 2026-12-01\n\n- New.\n", "a section “## 1.2.0"),
            ("\n## 1.2.0, 2026-12-01\n", "something in"),
            ("\n## 1.2.0\n\n- New.\n", "a date"),
            ("\n## 1.2.0, 2026-13-01\n\n- New.\n", "a date"),
            ("\n## 1.2.0, 1.12.2026\n\n- New.\n", "a date"),
            ("\n## Unreleased\n\n- A.\n- B.\n\n## 1.2.0, 2026-12-01\n\n- New.\n", "its 2 changes"),
        ] {
            let wants = with(&format!("{sections}{older}"));
            assert!(wants.len() == 1 && wants[0].contains(told), "{sections}: {wants:?}");
        }
    }

    #[test]
    fn the_crates_version_is_the_first_one() {
        let toml = "[package]\nname = \"sotto\"\nversion = \"1.2.0\"\n\n[dependencies]\nversion = \"3\"\n";
        assert_eq!(version_of_crate(toml).as_deref(), Some("1.2.0"));
        assert_eq!(version_of_crate("[workspace]\n"), None);
    }

    #[test]
    fn lists_of_the_manifest_are_told_apart() {
        let manifest = "\"permissions\": [\"a\", \"b\"],\n\"optional_permissions\": [\"c\"],\n\"none\": []";
        assert_eq!(list_of(manifest, "permissions"), ["a", "b"]);
        assert_eq!(list_of(manifest, "optional_permissions"), ["c"]);
        assert!(list_of(manifest, "none").is_empty() && list_of(manifest, "other").is_empty());
    }

    #[test]
    fn a_listing_is_in_the_language_that_its_name_says() {
        for (file, language) in [("de/long.txt", "de"), ("pt-BR.md", "pt_BR"), ("names.zh_CN.json", "zh_CN")] {
            assert!(is_in_language(file, language), "{file}");
        }
        assert!(!is_in_language("pt-BR.md", "pt_PT") && !is_in_language("index.md", "de"));
    }
}
