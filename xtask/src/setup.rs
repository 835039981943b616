//! Finds out what the machine has and installs what is missing, each step in one line; silent when nothing is.
//! Every check asks the tool itself, so a half-installed state is seen and repaired by the next call.

use crate::place;
use crate::shell::{Outcome, apt_get, command, which};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

const TARGET: &str = "wasm32-unknown-unknown";
/// The extension's manifest asks for Chrome 148: structured-clone messages.
const MIN_CHROMIUM: u32 = 148;
/// And for Firefox 145.
const MIN_FIREFOX: u32 = 145;
/// Node 18.19 is the first with `--test-concurrency` and several reporters at once.
const MIN_NODE: (u32, u32) = (18, 19);

/// How this machine compiles for wasm32.
#[derive(Debug, Clone, PartialEq)]
pub enum WasmToolchain {
    /// The default toolchain with the target's std beside it.
    Rustup,
    /// Debian's compiler and std sources; std is built along (`-Z build-std`).
    Distribution { linker: PathBuf },
}

pub fn everything() -> Outcome {
    rust_components()?;
    wasm_toolchain()?;
    npm_packages()?;
    chromium().map(drop)
}

fn say(step: &str) {
    println!("setup: {step}");
}

pub fn is_root() -> bool {
    static ROOT: OnceLock<bool> = OnceLock::new();
    *ROOT.get_or_init(|| command("id", &["-u"]).quietly("id").is_ok_and(|id| id.trim() == "0"))
}

/// rustfmt and clippy of the default toolchain.
pub fn rust_components() -> Outcome {
    for (component, check) in [("rustfmt", "fmt"), ("clippy", "clippy")] {
        if command("cargo", &[check, "--version"]).succeeds() {
            continue;
        }
        if which("rustup").is_none() {
            return Err(format!(
                "{component} is missing and there is no rustup: install {component} for this toolchain"
            ));
        }
        say(&format!("adding {component} with rustup"));
        command("rustup", &["component", "add", component]).quietly(&format!("rustup component add {component}"))?;
    }
    Ok(())
}

/// The wasm32 compiler: rustup's std where rustup can fetch it, else the distribution's packages.
pub fn wasm_toolchain() -> Outcome<WasmToolchain> {
    let wish = std::env::var("SOTTO_WASM_TOOLCHAIN").unwrap_or_default();
    if !["", "rustup", "distribution"].contains(&wish.as_str()) {
        return Err(format!("SOTTO_WASM_TOOLCHAIN is {wish:?}: say rustup or distribution, or leave it unset"));
    }
    if wish == "distribution" {
        return distribution_toolchain();
    }
    if has_target_std() {
        return Ok(WasmToolchain::Rustup);
    }
    if wish.is_empty() && distribution_linker().is_some() {
        return distribution_toolchain();
    }
    let rustup_says = if which("rustup").is_none() {
        "there is no rustup".to_string()
    } else {
        say(&format!("adding the std of {TARGET} with rustup"));
        match command("rustup", &["target", "add", TARGET]).quietly("rustup target add") {
            Ok(_) if has_target_std() => return Ok(WasmToolchain::Rustup),
            Ok(_) => "rustup says it is there, but the compiler that cargo uses is another one".to_string(),
            Err(problem) => problem,
        }
    };
    if wish == "rustup" {
        return Err(rustup_says);
    }
    say(&format!("{rustup_says}; trying the distribution's packages"));
    distribution_toolchain().map_err(|problem| format!("no compiler for {TARGET}: {rustup_says}; {problem}"))
}

fn has_target_std() -> bool {
    let asked = command("rustc", &["--print", "target-libdir", "--target", TARGET]).quietly("rustc");
    let Ok(Ok(entries)) = asked.map(|folder| std::fs::read_dir(folder.trim())) else {
        return false;
    };
    entries.flatten().any(|entry| {
        let name = entry.file_name().to_string_lossy().into_owned();
        name.starts_with("libstd-") && name.ends_with(".rlib")
    })
}

/// What `cargo` is told so that it runs Miri: the default toolchain's own, or that of an installed nightly, which gets
/// the component if it lacks it. A whole toolchain is not installed for it: the error says how.
pub fn miri() -> Outcome<Vec<&'static str>> {
    const NIGHTLY: [&str; 2] = ["+nightly", "miri"];
    if command("cargo", &["miri", "--version"]).succeeds() {
        return Ok(vec!["miri"]);
    }
    if which("rustup").is_none()
        || !command("cargo", &["+nightly", "--version"]).env("RUSTUP_AUTO_INSTALL", "0").succeeds()
    {
        return Err("no nightly toolchain; `rustup toolchain install nightly --component miri,rust-src`".to_string());
    }
    if !command("cargo", &NIGHTLY).args(&["--version"]).succeeds() {
        say("adding Miri to the nightly toolchain with rustup");
        let add = ["component", "add", "--toolchain", "nightly", "miri", "rust-src"];
        command("rustup", &add).quietly("rustup component add miri rust-src")?;
    }
    Ok(NIGHTLY.to_vec())
}

/// This machine as the compiler names it, where AddressSanitizer's library for it lies beside the std.
pub fn host_with_sanitizer() -> Option<String> {
    let host = command("rustc", &["--print", "host-tuple"]).quietly("rustc").ok()?.trim().to_string();
    let folder = command("rustc", &["--print", "target-libdir"]).quietly("rustc").ok()?;
    let mut entries = std::fs::read_dir(folder.trim()).ok()?.flatten();
    entries.any(|entry| entry.file_name().to_string_lossy().contains("_rt.asan")).then_some(host)
}

/// Present only when all the parts are: compiler, cargo, std sources, linker.
fn distribution_linker() -> Option<PathBuf> {
    let linker = ["wasm-ld-22", "wasm-ld-21", "wasm-ld-20", "wasm-ld"].into_iter().find_map(which)?;
    let sysroot = command("/usr/bin/rustc", &["--print", "sysroot"]).quietly("rustc").ok()?;
    let sources = PathBuf::from(sysroot.trim()).join("lib/rustlib/src/rust/library/std/Cargo.toml");
    (sources.is_file() && command("/usr/bin/cargo", &["--version"]).succeeds()).then_some(linker)
}

fn distribution_toolchain() -> Outcome<WasmToolchain> {
    if distribution_linker().is_none() {
        packages("the distribution's wasm compiler", &["rustc-web", "cargo-web", "rust-web-src", "lld-22"])?;
    }
    match distribution_linker() {
        Some(linker) => Ok(WasmToolchain::Distribution { linker }),
        None => {
            Err("rustc-web, cargo-web, rust-web-src and lld-22 are installed, but /usr/bin/rustc, its std sources \
                     or wasm-ld can't be found"
                .to_string())
        }
    }
}

/// Installs Debian packages from fresh lists (old ones name a browser that is months behind), after mending what an
/// interrupted installation left behind.
fn packages(what: &str, names: &[&str]) -> Outcome {
    say(&format!("installing {what}: apt-get install {}", names.join(" ")));
    // Without fresh lists the old ones may still do; if not, the installation says why.
    let _ = apt_get(&["update", "-qq"])?.quietly("apt-get update");
    let mut install = vec!["install", "-y", "-qq", "--no-install-recommends"];
    install.extend(names);
    let name = format!("apt-get install {}", names.join(" "));
    if apt_get(&install)?.quietly(&name).is_ok() {
        return Ok(());
    }
    apt_get(&["install", "-y", "-qq", "--fix-broken"])?.quietly("apt-get install --fix-broken")?;
    apt_get(&install)?.quietly(&name).map(drop)
}

/// node and npm, new enough.
fn node() -> Outcome {
    let version = || command("node", &["--version"]).quietly("node").ok().as_deref().and_then(version_of);
    let npm_works = || command("npm", &["--version"]).succeeds();
    let good = |found: Option<(u32, u32)>| found.is_some_and(|found| found >= MIN_NODE);
    if good(version()) && npm_works() {
        return Ok(());
    }
    if !good(version()) {
        packages("node", &["nodejs"])?;
    }
    if !npm_works() {
        packages("npm", &["npm"])?;
    }
    let (major, minor) = MIN_NODE;
    match version() {
        found if good(found) => Ok(()),
        Some((a, b)) => Err(format!("node {a}.{b} is too old: install node {major}.{minor} or newer")),
        None => Err(format!("node doesn't start: install node {major}.{minor} or newer")),
    }
}

/// The pinned tools of package-lock.json, without their install scripts.
pub fn npm_packages() -> Outcome {
    npm_packages_in("")
}

/// `folder` is where a package-lock.json lies, relative to the top of the tree.
pub fn npm_packages_in(folder: &str) -> Outcome {
    node()?;
    let folder = place::root().join(folder);
    let read = |name: &str| std::fs::read(folder.join(name)).ok();
    // The stamp is written last, so an interrupted installation is done again.
    let stamp = folder.join("node_modules/.sotto-installed");
    let lock = read("package-lock.json");
    if lock.is_none() {
        let missing = place::shown(&folder.join("package-lock.json"));
        return Err(format!("{missing} is missing: `git checkout {missing}` brings it back"));
    }
    if std::fs::read(&stamp).ok() == lock {
        return Ok(());
    }
    let shown = place::shown(&folder);
    say(&format!("npm ci{}", if shown.is_empty() { String::new() } else { format!(" in {shown}") }));
    let prefix = folder.display().to_string();
    command("npm", &["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefix", &prefix]).quietly("npm ci")?;
    std::fs::write(&stamp, lock.unwrap_or_default()).map_err(|error| format!("{}: {error}", place::shown(&stamp)))
}

/// A Python of its own with the packages that a requirements file pins; `folder` holds it. Returns the interpreter.
pub fn python(requirements: &Path, folder: &Path) -> Outcome<PathBuf> {
    let python = folder.join("bin/python");
    // Written last, so an interrupted installation is done again.
    let stamp = folder.join("sotto-installed");
    let wanted = std::fs::read(requirements).map_err(|error| format!("{}: {error}", place::shown(requirements)))?;
    if python.is_file() && std::fs::read(&stamp).is_ok_and(|installed| installed == wanted) {
        return Ok(python);
    }
    if !command("python3", &["-c", "import ensurepip, venv"]).succeeds() {
        packages("Python", &["python3", "python3-venv"])?;
    }
    say(&format!("a Python environment with {}", place::shown(requirements)));
    let (folder, requirements) = (folder.display().to_string(), requirements.display().to_string());
    command("python3", &["-m", "venv", "--clear", &folder]).quietly("python3 -m venv")?;
    let pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r", &requirements];
    command(&python.display().to_string(), &pip).quietly("pip install")?;
    std::fs::write(&stamp, wanted).map_err(|error| format!("{}: {error}", place::shown(&stamp)))?;
    Ok(python)
}

/// The browser: SOTTO_CHROMIUM, or the first of the usual names, or a fresh one.
pub fn chromium() -> Outcome<PathBuf> {
    if let Some(named) = std::env::var_os("SOTTO_CHROMIUM") {
        let named = PathBuf::from(named);
        return match browser_version(&named) {
            Some(version) if version >= MIN_CHROMIUM => Ok(named),
            Some(version) => Err(format!("SOTTO_CHROMIUM is Chromium {version}: {MIN_CHROMIUM} or newer is needed")),
            None => Err(format!("SOTTO_CHROMIUM={} doesn't start", named.display())),
        };
    }
    // Branded Chrome no longer takes --load-extension, so only Chromium will do.
    let found = || ["chromium", "chromium-browser"].into_iter().find_map(which);
    let fit = |browser: &PathBuf| browser_version(browser).is_some_and(|version| version >= MIN_CHROMIUM);
    if let Some(browser) = found().filter(fit) {
        return Ok(browser);
    }
    packages("the browser", &["chromium"])?;
    found()
        .filter(fit)
        .ok_or_else(|| format!("no Chromium {MIN_CHROMIUM} or newer after installing it: set SOTTO_CHROMIUM to one"))
}

/// The other browser that the package is for: SOTTO_FIREFOX, or the first of the usual names, or a fresh one.
pub fn firefox() -> Outcome<PathBuf> {
    let fit = |browser: &PathBuf| browser_version(browser).is_some_and(|version| version >= MIN_FIREFOX);
    if let Some(named) = std::env::var_os("SOTTO_FIREFOX") {
        let named = PathBuf::from(named);
        let unfit = format!("SOTTO_FIREFOX={} is no Firefox {MIN_FIREFOX} or newer", named.display());
        return if fit(&named) { Ok(named) } else { Err(unfit) };
    }
    let found = || ["firefox", "firefox-esr"].into_iter().filter_map(which).find(fit);
    if let Some(browser) = found() {
        return Ok(browser);
    }
    packages("Firefox", &["firefox-esr"])?;
    found().ok_or_else(|| format!("no Firefox {MIN_FIREFOX} or newer after installing it: set SOTTO_FIREFOX to one"))
}

/// What names to Vulkan the graphics processor that Mesa plays in software, the same on every machine.
pub fn lavapipe() -> Outcome<PathBuf> {
    let found = || {
        let entries = std::fs::read_dir("/usr/share/vulkan/icd.d").ok()?;
        let is_it = |path: &PathBuf| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("lvp_icd"));
        entries.flatten().map(|entry| entry.path()).find(is_it)
    };
    if let Some(driver) = found() {
        return Ok(driver);
    }
    packages("a graphics processor in software", &["mesa-vulkan-drivers"])?;
    found()
        .ok_or_else(|| "mesa-vulkan-drivers is installed, and lavapipe is not in /usr/share/vulkan/icd.d".to_string())
}

fn browser_version(browser: &Path) -> Option<u32> {
    let says = command(&browser.display().to_string(), &["--version"]).quietly("the browser").ok()?;
    version_of(&says).map(|(major, _)| major)
}

/// The first `12.34` in a program's answer to `--version`.
fn version_of(says: &str) -> Option<(u32, u32)> {
    let word =
        says.split_whitespace().find(|word| word.trim_start_matches('v').starts_with(|c: char| c.is_ascii_digit()))?;
    let mut numbers = word.trim_start_matches('v').split('.').map(|number| number.parse().ok());
    Some((numbers.next()??, numbers.next()??))
}

#[cfg(test)]
mod tests {
    use super::version_of;

    #[test]
    fn versions_are_read_as_programs_print_them() {
        assert_eq!(version_of("v20.20.2\n"), Some((20, 20)));
        assert_eq!(version_of("Chromium 156.0.8078.79 built on Debian GNU/Linux 12\n"), Some((156, 0)));
        assert_eq!(version_of("Mozilla Firefox 153.7.0esr\n"), Some((153, 7)));
        assert_eq!(version_of("no number here"), None);
    }
}
