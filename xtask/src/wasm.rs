//! From the crate to the wasm modules: cargo, then wasm-bindgen for what JavaScript calls, then wasm-opt for what ships.
//! A module whose inputs have not changed is not made again.

use crate::setup::{self, WasmToolchain};
use crate::shell::{Outcome, command};
use crate::stamp::Inputs;
use crate::{place, shell};
use std::path::{Path, PathBuf};
use std::time::Instant;

#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Profile {
    /// What people install: optimised across crates, then by wasm-opt.
    Shipped,
    /// Minutes quicker to make.
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
    relaxed: bool,
}

pub const ENGINES: [Flavour; 2] = [
    Flavour { folder: "engine/relaxed", features: "web,relaxed", relaxed: true },
    Flavour { folder: "engine/simd128", features: "web", relaxed: false },
];
pub const PAGES: Flavour = Flavour { folder: "pages/wasm", features: "pages", relaxed: false };
/// The engine with what its bench calls; never shipped.
pub const BENCHES: [Flavour; 2] = [
    Flavour { folder: "bench/relaxed", features: "bench,relaxed", relaxed: true },
    Flavour { folder: "bench/simd128", features: "bench", relaxed: false },
];
pub const KERNELS: [Flavour; 2] = [
    Flavour { folder: "kernels/relaxed", features: "battery,relaxed", relaxed: true },
    Flavour { folder: "kernels/simd128", features: "battery", relaxed: false },
];

/// Makes one flavour's sotto.js and sotto_bg.wasm; returns their folder.
pub fn make(flavour: Flavour, profile: Profile) -> Outcome<PathBuf> {
    let folder = place::workshop().join(profile.cargo()).join(flavour.folder);
    let finished = folder.join("finished");
    let toolchain = setup::wasm_toolchain()?;
    let seal = sources(flavour, profile, &toolchain)?.seal();
    if seal.fits(&finished) {
        return Ok(finished);
    }
    let clock = Instant::now();
    std::fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", place::shown(&folder)))?;
    let raw = folder.join("sotto.wasm");
    compile(flavour, profile, &toolchain, &raw)?;
    bind(&raw, &folder.join("bound"))?;
    emptied(&finished)?;
    copy(&folder.join("bound/sotto.js"), &finished.join("sotto.js"))?;
    let bound = folder.join("bound/sotto_bg.wasm");
    let ready = finished.join("sotto_bg.wasm");
    match profile {
        Profile::Shipped => optimise(flavour, &bound, &ready)?,
        Profile::Dev => copy(&bound, &ready)?,
    }
    refuse_machine_paths(&ready, profile)?;
    seal.put(&finished).map_err(|error| error.to_string())?;
    println!("build: {} in {:.0} s", flavour.folder, clock.elapsed().as_secs_f64());
    Ok(finished)
}

/// Makes the module of the kernels alone; nothing to bind, so it comes straight from cargo.
pub fn make_kernels(flavour: Flavour, profile: Profile) -> Outcome<PathBuf> {
    let module = place::workshop().join(flavour.folder).join("sotto.wasm");
    let toolchain = setup::wasm_toolchain()?;
    compile(flavour, profile, &toolchain, &module)?;
    Ok(module)
}

/// Everything that a module is made of, cargo's own knowledge of dependencies aside (Cargo.lock stands for them).
fn sources(flavour: Flavour, profile: Profile, toolchain: &WasmToolchain) -> Outcome<Inputs> {
    let root = place::root();
    let compiler = match toolchain {
        WasmToolchain::Rustup => "rustc",
        WasmToolchain::Distribution { .. } => "/usr/bin/rustc",
    };
    let version = command(compiler, &["--version", "--verbose"]).quietly("rustc")?;
    let mut inputs = Inputs::new(&format!("{flavour:?} {profile:?} {toolchain:?} {OPTIMISER_FLAGS:?}"))
        .with("rustc", version.as_bytes());
    for file in ["Cargo.toml", "Cargo.lock", "build.rs", "manifest.json", "package-lock.json"] {
        inputs = inputs.with_file(&root.join(file));
    }
    for folder in ["src", "models", "xtask/bindgen/src", "xtask/src"] {
        let files = place::files_below(&root.join(folder)).map_err(|error| format!("{folder}: {error}"))?;
        for file in files {
            inputs = inputs.with_file(&root.join(folder).join(file));
        }
    }
    Ok(inputs)
}

/// A quarter of the linker's own choice: linear memory never shrinks, and everything large is on the heap. An overflow
/// traps, because the stack lies below all data.
const STACK: &str = "-Clink-arg=-zstack-size=262144";

fn compile(flavour: Flavour, profile: Profile, toolchain: &WasmToolchain, module: &Path) -> Outcome {
    let mut arguments =
        vec!["rustc", "--quiet", "--lib", "--target", "wasm32-unknown-unknown", "--no-default-features"];
    arguments.extend(["--profile", profile.cargo(), "--features", flavour.features]);
    // For our own crate alone, so that the dependencies stay those that clippy uses too.
    arguments.extend(["--", STACK]);
    in_toolchain(toolchain, &arguments).quietly(&format!("compiling {}", flavour.folder))?;
    copy(&place::target().join("wasm32-unknown-unknown").join(profile.cargo()).join("sotto.wasm"), module)
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

const OPTIMISER_FLAGS: [&str; 9] = [
    "-O3",
    "--strip-debug",
    "--strip-producers",
    "--enable-simd",
    "--enable-bulk-memory",
    "--enable-sign-ext",
    "--enable-nontrapping-float-to-int",
    "--enable-mutable-globals",
    "--enable-reference-types",
];

fn optimise(flavour: Flavour, from: &Path, to: &Path) -> Outcome {
    setup::npm_packages()?;
    let optimiser = place::root().join("node_modules/binaryen/bin/wasm-opt").display().to_string();
    let (from, to) = (from.display().to_string(), to.display().to_string());
    let mut task = command("node", &[optimiser.as_str(), &from, "-o", &to]).args(&OPTIMISER_FLAGS);
    task = task.args(&["--enable-multivalue"]);
    if flavour.relaxed {
        task = task.args(&["--enable-relaxed-simd"]);
    }
    task.quietly(&format!("wasm-opt on {}", flavour.folder)).map(drop)
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
