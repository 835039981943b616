//! dist/, the unpacked extension, and its zip: manifest.json, extension/ as it is, the packed models, the wasm.
//! dist/ holds these and nothing else; a file that is right already is left alone.

use crate::palette::Palette;
use crate::shell::{Outcome, command};
use crate::stamp::Inputs;
use crate::wasm::{self, Profile};
use crate::{packages, place, squeeze, types, zip};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

/// Colours, and the script whose style begins with them.
const PALETTE: &str = "palette.css";
const SHEET: &str = "pages/sotto.css";
const SURFACE: &str = "content/surface.js";
/// What keeps pictures out of sight, and the script that has it too.
const HELD_STYLE: &str = "content/held.css";
const HELD_SCRIPT: &str = "content/protect.js";
const HELD_MARKER: &str = "@held;";
/// What is put into web pages.
const PAGE_SCRIPTS: &str = "content/";

/// Contents by name.
pub type Files = BTreeMap<String, Vec<u8>>;

/// Makes dist/; for what ships, the zip and a table of sizes too. Returns dist/'s place. Asked twice by one command, it is
/// made once.
pub fn build(profile: Profile) -> Outcome<PathBuf> {
    static MADE: Mutex<Option<Profile>> = Mutex::new(None);
    let mut made = MADE.lock().map_err(|_| "a build broke".to_string())?;
    if *made != Some(profile) {
        make(profile)?;
        *made = Some(profile);
    }
    Ok(place::dist())
}

fn make(profile: Profile) -> Outcome {
    let mut files = Files::new();
    let root = place::root();
    files.insert("manifest.json".to_string(), read(&root.join("manifest.json"))?);
    take_folder(&mut files, &root.join("extension"), "", ships)?;
    for name in ["tables.js", "managed.json"] {
        files.insert(name.to_string(), read(&types::declare()?.join(name))?);
    }
    let palette = colour_page_scripts(&mut files)?;
    // In front of the one style sheet: a file of its own would hold up a page's first paint.
    let sheet = files.get_mut(SHEET).ok_or_else(|| format!("extension/{SHEET} is missing"))?;
    sheet.splice(0..0, palette);
    hold_shadow_roots(&mut files)?;
    // As they are before they are squeezed: tests/supply reads both.
    let coloured = files.iter().filter(|(name, _)| name.starts_with(PAGE_SCRIPTS));
    lay_out(&place::workshop().join("coloured"), &coloured.map(|(name, text)| (name.clone(), text.clone())).collect())?;
    squeeze_page_scripts(&mut files)?;
    take_folder(&mut files, &root.join("models"), "models/", |name| name.ends_with(".gguf") || name.ends_with(".md"))?;
    take_proof(&mut files, &root.join("tests/evaluation"))?;
    let flavours = [wasm::ENGINES[0], wasm::ENGINES[1], wasm::PAGES];
    for (flavour, made) in flavours.iter().zip(wasm::make(&flavours, profile)?) {
        take_folder(&mut files, &made, &format!("{}/", flavour.folder), |_| true)?;
    }
    let dist = place::dist();
    lay_out(&dist, &files)?;
    packages::lay_out(&files)?;
    if profile == Profile::Shipped {
        ship(&files)?;
    }
    Ok(())
}

/// Declarations and settings of the type checker lie beside what they are about, and nobody who runs Sotto needs them.
fn ships(name: &str) -> bool {
    !name.ends_with(".d.ts") && !name.ends_with("tsconfig.json")
}

fn take_folder(files: &mut Files, folder: &Path, prefix: &str, wanted: impl Fn(&str) -> bool) -> Outcome {
    let names = place::files_below(folder).map_err(|error| format!("{}: {error}", place::shown(folder)))?;
    for name in names.iter().filter(|name| wanted(name)) {
        if files.insert(format!("{prefix}{name}"), read(&folder.join(name))?).is_some() {
            return Err(format!("{prefix}{name} would be in dist/ twice: one of its sources must go"));
        }
    }
    Ok(())
}

/// What the page "How good is it?" has judged: the labelled texts, and the benign pictures with where they are from.
fn take_proof(files: &mut Files, folder: &Path) -> Outcome {
    files.insert("proof/texts.tsv".to_string(), read(&folder.join("snippets.tsv"))?);
    files.insert("proof/pictures.tsv".to_string(), read(&folder.join("pictures/pictures.tsv"))?);
    take_folder(files, &folder.join("pictures"), "proof/pictures/", |name| name.ends_with(".jpg"))
}

/// What is drawn on web pages has its colours from where Sotto's own pages have them. Returns the palette, which is then no file
/// of the package any more.
fn colour_page_scripts(files: &mut Files) -> Outcome<Vec<u8>> {
    let text = |name: &str, bytes: &[u8]| {
        String::from_utf8(bytes.to_vec()).map_err(|error| format!("extension/{name}: {error}"))
    };
    let css = files.remove(PALETTE).ok_or_else(|| format!("extension/{PALETTE} is missing"))?;
    let palette = Palette::read(&text(PALETTE, &css)?).map_err(|problem| format!("extension/{PALETTE}: {problem}"))?;
    let names: Vec<String> = files.keys().filter(|name| name.starts_with(PAGE_SCRIPTS)).cloned().collect();
    let scripts = names.iter().map(|name| text(name, &files[name])).collect::<Outcome<Vec<_>>>()?;
    let used = palette.used_by(&scripts.iter().map(String::as_str).collect::<Vec<_>>());
    for (name, script) in names.iter().zip(&scripts) {
        let styled = if name == SURFACE { used.put_style_into(script) } else { Ok(script.clone()) };
        let coloured = styled.and_then(|script| palette.put_values_into(&script));
        let coloured = coloured.map_err(|problem| format!("extension/{name}: {problem}"))?;
        files.insert(name.clone(), coloured.into_bytes());
    }
    if names.iter().any(|name| name == SURFACE) { Ok(css) } else { Err(format!("extension/{SURFACE} is missing")) }
}

/// What keeps pictures out of sight on protected sites stands once: as a style of the browser's, and in the script that gives it to
/// shadow roots before.
fn hold_shadow_roots(files: &mut Files) -> Outcome {
    let text = |name: &str| {
        let bytes = files.get(name).ok_or_else(|| format!("extension/{name} is missing"))?;
        String::from_utf8(bytes.clone()).map_err(|error| format!("extension/{name}: {error}"))
    };
    let (style, script) = (text(HELD_STYLE)?, text(HELD_SCRIPT)?);
    let style = style.split_once("*/").map_or(style.as_str(), |(_, rules)| rules).trim();
    let style = style.split_whitespace().collect::<Vec<_>>().join(" ");
    if script.matches(HELD_MARKER).count() != 1 || style.contains(['`', '\\', '$']) {
        return Err(format!(
            "extension/{HELD_SCRIPT} must say {HELD_MARKER} once, and extension/{HELD_STYLE} nothing that a script's text can't hold"
        ));
    }
    files.insert(HELD_SCRIPT.to_string(), script.replace(HELD_MARKER, &style).into_bytes());
    Ok(())
}

/// Pages get scripts for a person's click, so these are small; what runs in the extension itself stays as it is written.
fn squeeze_page_scripts(files: &mut Files) -> Outcome {
    let is_script = |name: &str| name.starts_with(PAGE_SCRIPTS) && name.ends_with(".js");
    for (name, bytes) in files.iter_mut().filter(|(name, _)| is_script(name)) {
        let source = std::str::from_utf8(bytes).map_err(|error| format!("extension/{name}: {error}"))?;
        *bytes = squeeze::script(source).map_err(|problem| format!("extension/{name}: {problem}"))?.into_bytes();
    }
    Ok(())
}

/// Makes a folder that holds these files and nothing else.
pub fn lay_out(dist: &Path, files: &Files) -> Outcome {
    let fail = |name: &str, error: std::io::Error| format!("{}: {error}", place::shown(&dist.join(name)));
    for name in place::files_below(dist).map_err(|error| fail("", error))? {
        if !files.contains_key(&name) {
            std::fs::remove_file(dist.join(&name)).map_err(|error| fail(&name, error))?;
        }
    }
    for (name, bytes) in files {
        let path = dist.join(name);
        if std::fs::read(&path).ok().as_ref() == Some(bytes) {
            continue;
        }
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).map_err(|error| fail(name, error))?;
        }
        std::fs::write(&path, bytes).map_err(|error| fail(name, error))?;
    }
    Ok(())
}

/// Writes the zip and prints the sizes, unless the same zip is there already.
fn ship(files: &Files) -> Outcome {
    let path = place::root().join(format!("target/sotto-{}.zip", version(files)?));
    let mut inputs = Inputs::new("zip");
    for (name, bytes) in files {
        inputs = inputs.with(name, bytes);
    }
    let seal = inputs.seal();
    let fail = |error: std::io::Error| format!("{}: {error}", place::shown(&path));
    if !seal.fits(&path) {
        let archive = zip::archive(files)?;
        std::fs::write(&path, &archive.bytes).map_err(fail)?;
        seal.put(&path).map_err(fail)?;
        print_sizes(files, &archive.packed);
    }
    let sum = command("sha256sum", &[&path]).quietly("sha256sum")?;
    let bytes = std::fs::metadata(&path).map_err(fail)?.len();
    println!("build: {} {} bytes, sha256 {}", place::shown(&path), bytes, sum.split(' ').next().unwrap_or_default());
    Ok(())
}

/// The version that a tree's manifest names.
pub fn shipped_version(root: &Path) -> Outcome<String> {
    version(&Files::from([("manifest.json".to_string(), read(&root.join("manifest.json"))?)]))
}

fn version(files: &Files) -> Outcome<String> {
    let manifest = files.get("manifest.json").map(|bytes| String::from_utf8_lossy(bytes).into_owned());
    let manifest = manifest.unwrap_or_default();
    let after = manifest.split_once("\"version\"").and_then(|(_, rest)| rest.split('"').nth(1));
    after.map(str::to_string).ok_or_else(|| "manifest.json has no \"version\"".to_string())
}

fn print_sizes(files: &Files, packed: &[usize]) {
    let group = |name: &str| -> String {
        if name.ends_with(".wasm") || name.ends_with(".gguf") {
            return name.to_string();
        }
        match name.split_once('/') {
            Some((folder, _)) => format!("{folder}/ (rest)"),
            None => "top level".to_string(),
        }
    };
    let mut groups: BTreeMap<String, (usize, usize)> = BTreeMap::new();
    for ((name, bytes), packed) in files.iter().zip(packed) {
        for row in [group(name), "total".to_string()] {
            let sizes = groups.entry(row).or_default();
            *sizes = (sizes.0 + bytes.len(), sizes.1 + packed);
        }
    }
    println!("{:<34} {:>12} {:>12}", "", "bytes", "zipped");
    for (name, (raw, packed)) in groups {
        println!("{name:<34} {raw:>12} {packed:>12}");
    }
}

fn read(path: &Path) -> Outcome<Vec<u8>> {
    std::fs::read(path).map_err(|error| format!("{}: {error}", place::shown(path)))
}
