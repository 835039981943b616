//! From the crate to the wasm modules: cargo, then wasm-bindgen for what JavaScript calls. A module whose inputs have not
//! changed is not made again.
//!
//! No wasm-opt: it made the engine 5 % smaller (0.05 % of the zip) and no measure of its speed better, for a third of the
//! build's time.

use crate::setup::{self, WasmToolchain};
use crate::shell::{Outcome, command};
use crate::stamp::{self, Inputs};
use crate::{place, shell};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::Instant;

#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Profile {
    /// What people install: one code unit, and not a warning.
    Shipped,
    /// In parts, of which a line changes few.
    Dev,
}

impl Profile {
    fn cargo(self) -> &'static str {
        match self {
            Profile::Shipped => "wasm",
            Profile::Dev => "wasm-dev",
        }
    }
}

/// One compilation of the crate.
#[derive(Debug, Clone, Copy)]
pub struct Flavour {
    /// Where its files lie in dist/ and in the workshop.
    pub folder: &'static str,
    features: &'static str,
}

pub const ENGINES: [Flavour; 2] = [
    Flavour { folder: "engine/relaxed", features: "web,relaxed" },
    Flavour { folder: "engine/simd128", features: "web" },
];
pub const PAGES: Flavour = Flavour { folder: "pages/wasm", features: "pages" };
/// The engine with what its bench calls; never shipped.
pub const BENCHES: [Flavour; 2] = [
    Flavour { folder: "bench/relaxed", features: "bench,relaxed" },
    Flavour { folder: "bench/simd128", features: "bench" },
];
pub const KERNELS: [Flavour; 2] = [
    Flavour { folder: "kernels/relaxed", features: "battery,relaxed" },
    Flavour { folder: "kernels/simd128", features: "battery" },
];

/// Makes the flavours' sotto.js and sotto_bg.wasm; returns their folders, in the order asked for.
pub fn make(flavours: &[Flavour], profile: Profile) -> Outcome<Vec<PathBuf>> {
    let toolchain = setup::wasm_toolchain()?;
    let make_one = |&flavour: &Flavour| {
        let folder = compile(flavour, profile, &toolchain, profile.cargo())?;
        bound(flavour, profile, &folder)
    };
    flavours.iter().map(make_one).collect()
}

/// From what cargo compiled to what dist/ takes, unless that was made of the same module before.
fn bound(flavour: Flavour, profile: Profile, folder: &Path) -> Outcome<PathBuf> {
    let (module, bound) = (folder.join("sotto.wasm"), folder.join("bound"));
    let mut inputs = Inputs::new(&format!("{flavour:?} {profile:?}")).with_file(&module);
    for file in ["Cargo.lock", "xtask/bindgen/src/main.rs"] {
        inputs = inputs.with_file(&place::root().join(file));
    }
    let seal = inputs.seal();
    if seal.fits(&bound) {
        return Ok(bound);
    }
    stamp::lift(&bound);
    emptied(&bound)?;
    bind(&module, &bound)?;
    refuse_machine_paths(&bound.join("sotto_bg.wasm"), profile)?;
    seal.put(&bound).map_err(|error| error.to_string())?;
    Ok(bound)
}

/// Makes the module of the kernels alone; nothing to bind, so it comes straight from cargo.
pub fn make_kernels(flavour: Flavour, profile: Profile) -> Outcome<PathBuf> {
    Ok(compile(flavour, profile, &setup::wasm_toolchain()?, "")?.join("sotto.wasm"))
}

/// Everything that a module was made of when it was last compiled: the sources that the compiler itself named then
/// (a line in a file that this flavour leaves out changes nothing), and what decides about all of them.
fn sources(flavour: Flavour, profile: Profile, toolchain: &WasmToolchain, named: &Path) -> Outcome<Inputs> {
    let root = place::root();
    let compiler = match toolchain {
        WasmToolchain::Rustup => "rustc",
        WasmToolchain::Distribution { .. } => "/usr/bin/rustc",
    };
    let version = command(compiler, &["--version", "--verbose"]).quietly("rustc")?;
    let mut inputs =
        Inputs::new(&format!("{flavour:?} {profile:?} {toolchain:?} {STACK}")).with("rustc", version.as_bytes());
    for file in ["Cargo.toml", "Cargo.lock", "xtask/src/wasm.rs"] {
        inputs = inputs.with_file(&root.join(file));
    }
    let named = std::fs::read_to_string(named).unwrap_or_default();
    for file in sources_named(&named) {
        inputs = inputs.with_file(Path::new(&file));
    }
    Ok(inputs)
}

/// The files behind the colon of cargo's `output: file file`; a space within a name stands behind a backslash.
fn sources_named(named: &str) -> Vec<String> {
    let files = named.split_once(": ").map_or("", |(_, files)| files);
    let files = files.trim().replace("\\ ", "\0");
    files.split(' ').filter(|file| !file.is_empty()).map(|file| file.replace('\0', " ")).collect()
}

/// A quarter of the linker's own choice: linear memory never shrinks, and everything large is on the heap. An overflow
/// traps, because the stack lies below all data.
const STACK: &str = "-Clink-arg=-zstack-size=262144";

/// Makes `sotto.wasm` in a folder of the workshop, unless it is there and was made of the same; returns the folder. Cargo
/// alone can't tell: the flavours share one output, which it makes anew whenever the flavour changes.
fn compile(flavour: Flavour, profile: Profile, toolchain: &WasmToolchain, below: &str) -> Outcome<PathBuf> {
    static OUTPUT: Mutex<()> = Mutex::new(());
    let folder = place::workshop().join(below).join(flavour.folder);
    std::fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", place::shown(&folder)))?;
    let (module, named) = (folder.join("sotto.wasm"), folder.join("sotto.d"));
    let is_made = || -> Outcome<bool> {
        Ok(named.is_file() && sources(flavour, profile, toolchain, &named)?.seal().fits(&module))
    };
    if is_made()? {
        return Ok(folder);
    }
    let _alone = OUTPUT.lock().map_err(|_| "compiling a module broke".to_string())?;
    // By whoever had the output before.
    if is_made()? {
        return Ok(folder);
    }
    let mut arguments =
        vec!["rustc", "--quiet", "--lib", "--target", "wasm32-unknown-unknown", "--no-default-features"];
    arguments.extend(["--profile", profile.cargo(), "--features", flavour.features]);
    // For our own crate alone, so that the dependencies stay those that clippy uses too.
    arguments.extend(["--", STACK]);
    if profile == Profile::Shipped {
        arguments.push("-Dwarnings");
    }
    let clock = Instant::now();
    in_toolchain(toolchain, &arguments).quietly(&format!("compiling {}", flavour.folder))?;
    stamp::lift(&module);
    let made = place::target().join("wasm32-unknown-unknown").join(profile.cargo());
    copy(&made.join("sotto.wasm"), &module)?;
    copy(&made.join("sotto.d"), &named)?;
    let seal = sources(flavour, profile, toolchain, &named)?.seal();
    seal.put(&module).map_err(|error| error.to_string())?;
    println!("build: {} compiled in {:.0} s", flavour.folder, clock.elapsed().as_secs_f64());
    Ok(folder)
}

/// A cargo call for wasm32 with this machine's toolchain.
pub fn in_toolchain(toolchain: &WasmToolchain, arguments: &[&str]) -> shell::Task {
    let mut flags = vec!["-Ctarget-feature=+simd128,+bulk-memory".to_string()];
    flags.extend(path_remaps(toolchain));
    let task = match toolchain {
        WasmToolchain::Rustup => command("cargo", arguments),
        WasmToolchain::Distribution { linker } => {
            flags.push(format!("-Clinker={}", linker.display()));
            // In front: what stands behind a "--" is for rustc.
            command("/usr/bin/cargo", &["-Zbuild-std=std,panic_abort"])
                .args(arguments)
                .env("RUSTC", "/usr/bin/rustc")
                .env("RUSTC_BOOTSTRAP", "1")
                .without_env("RUSTUP_TOOLCHAIN")
        }
    };
    // The encoded form takes folders with spaces, and with --target it reaches the wasm alone, not build scripts.
    task.env("CARGO_ENCODED_RUSTFLAGS", flags.join("\x1f"))
}

/// Panic messages carry source paths: they must name no folder of this machine, and be the same on every machine.
fn path_remaps(toolchain: &WasmToolchain) -> Vec<String> {
    let mut remaps = vec![(place::root(), "sotto")];
    let cargo_home = std::env::var_os("CARGO_HOME")
        .map(PathBuf::from)
        .or_else(|| std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".cargo")));
    if let Some(home) = cargo_home {
        let registries = std::fs::read_dir(home.join("registry/src"));
        let registries: Vec<PathBuf> = registries.into_iter().flatten().flatten().map(|entry| entry.path()).collect();
        remaps.push((home, "cargo"));
        remaps.extend(registries.into_iter().map(|registry| (registry, "crates")));
    }
    let rustc = if *toolchain == WasmToolchain::Rustup { "rustc" } else { "/usr/bin/rustc" };
    if let Ok(sysroot) = command(rustc, &["--print", "sysroot"]).quietly("rustc") {
        let sysroot = PathBuf::from(sysroot.trim());
        remaps.push((sysroot.join("lib/rustlib/src/rust"), "rust"));
        // Debian's std sources are links into /usr/src, and the compiler follows them.
        if let Ok(real) = sysroot.join("lib/rustlib/src/rust").canonicalize() {
            remaps.push((real, "rust"));
        }
    }
    remaps.into_iter().map(|(from, to)| format!("--remap-path-prefix={}={to}", from.display())).collect()
}

fn bind(module: &Path, out_folder: &Path) -> Outcome {
    let build = command("cargo", &["build", "--quiet", "--profile", "tool", "--package", "bindgen"]);
    build.quietly("compiling wasm-bindgen")?;
    let bindgen = place::target().join("tool/bindgen");
    let (module, out_folder) = (module.display().to_string(), out_folder.display().to_string());
    command(&bindgen.display().to_string(), &[module.as_str(), &out_folder, "sotto"]).quietly("wasm-bindgen").map(drop)
}

/// What ships must not name the folders it was made in: they differ between machines, and are nobody's business.
fn refuse_machine_paths(module: &Path, profile: Profile) -> Outcome {
    if profile == Profile::Dev {
        return Ok(());
    }
    let bytes = std::fs::read(module).map_err(|error| format!("{}: {error}", place::shown(module)))?;
    let mut folders = vec![place::root()];
    folders.extend(["HOME", "CARGO_HOME"].iter().filter_map(std::env::var_os).map(PathBuf::from));
    for folder in folders {
        let needle = format!("{}/", folder.display());
        if needle.len() > 2 && bytes.windows(needle.len()).any(|window| window == needle.as_bytes()) {
            return Err(format!("{} names the folder {needle}: extend path_remaps", place::shown(module)));
        }
    }
    Ok(())
}

pub fn copy(from: &Path, to: &Path) -> Outcome {
    if let Some(folder) = to.parent() {
        std::fs::create_dir_all(folder).map_err(|error| format!("{}: {error}", place::shown(folder)))?;
    }
    std::fs::copy(from, to).map(drop).map_err(|error| format!("{} → {}: {error}", place::shown(from), place::shown(to)))
}

fn emptied(folder: &Path) -> Outcome {
    if folder.exists() {
        std::fs::remove_dir_all(folder).map_err(|error| format!("{}: {error}", place::shown(folder)))?;
    }
    std::fs::create_dir_all(folder).map_err(|error| format!("{}: {error}", place::shown(folder)))
}

#[cfg(test)]
mod tests {
    use super::sources_named;

    #[test]
    fn the_sources_are_those_that_cargo_names() {
        let named = "/a/target/sotto.wasm: /a/src/lib.rs /a/with\\ space/x.rs\n";
        assert_eq!(sources_named(named), ["/a/src/lib.rs", "/a/with space/x.rs"]);
        assert!(sources_named("").is_empty());
    }
}
