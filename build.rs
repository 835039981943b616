//! One job: the constants of models/models.toml, as Rust. It stops the build where manifest.json and the crate disagree
//! on the version, and where a packed weight file is missing or is not the one that models.toml names.

use std::fmt::Write as _;
use std::path::Path;
use std::process::exit;
use std::{env, fs};

use serde::Deserialize;
use sha2::{Digest, Sha256};

const MODELS_FILE: &str = "models/models.toml";
/// As models.toml names them, and src/models.rs.
const TASKS: [(&str, &str); 2] = [("text", "Text"), ("picture", "Picture")];
const MANIFEST_FILE: &str = "manifest.json";

/// One [[model]] of models.toml; what is for people and for `sotto models check` is not read here.
#[derive(Deserialize)]
struct Model {
    id: String,
    task: String,
    title: String,
    file: String,
    sha256: String,
    bytes: u64,
    memory_bytes: u64,
    pack_version: u32,
    #[serde(default)]
    quality: Quality,
}

/// What a model's card states and can be measured again in the browser; each as a share.
#[derive(Deserialize, Default)]
struct Quality {
    snippets_accuracy: Option<f64>,
    snippets_macro_f1: Option<f64>,
    snippets_ece_15_bins: Option<f64>,
    false_alarms: Option<f64>,
    careful_false_alarms: Option<f64>,
}

#[derive(Deserialize)]
struct Models {
    model: Vec<Model>,
}

fn main() {
    for file in ["build.rs", MODELS_FILE, MANIFEST_FILE] {
        println!("cargo:rerun-if-changed={file}");
    }
    check_manifest();
    let text = fs::read_to_string(MODELS_FILE).unwrap_or_else(|error| stop(&format!("{MODELS_FILE}: {error}")));
    let models: Models = toml::from_str(&text).unwrap_or_else(|error| stop(&format!("{MODELS_FILE}: {error}")));
    models.model.iter().for_each(check_weights);
    for (task, _) in TASKS {
        if models.model.iter().all(|model| model.task != task) {
            stop(&format!("{MODELS_FILE} has no model for the task {task:?}, and each needs one"));
        }
    }
    let out = env::var("OUT_DIR").unwrap_or_else(|error| stop(&format!("OUT_DIR: {error}")));
    let target = Path::new(&out).join("models.rs");
    // Touching an equal file would rebuild everything that includes it.
    let generated = constants(&models.model);
    if fs::read_to_string(&target).ok().as_deref() != Some(generated.as_str()) {
        fs::write(&target, generated).unwrap_or_else(|error| stop(&format!("{}: {error}", target.display())));
    }
}

fn check_manifest() {
    let Ok(text) = fs::read_to_string(MANIFEST_FILE) else {
        println!("cargo:warning={MANIFEST_FILE} is not there, so its version is not checked");
        return;
    };
    let manifest: serde_json::Value =
        serde_json::from_str(&text).unwrap_or_else(|error| stop(&format!("{MANIFEST_FILE}: {error}")));
    let version = manifest["version"].as_str().unwrap_or("none");
    let crate_version = env!("CARGO_PKG_VERSION");
    if version != crate_version {
        stop(&format!("{MANIFEST_FILE} says version {version}, Cargo.toml says {crate_version}; make them the same"));
    }
}

fn check_weights(model: &Model) {
    let file = format!("models/{}", model.file);
    println!("cargo:rerun-if-changed={file}");
    let advice = "restore it with `git checkout models`, or make it again with `sotto pack` and set models.toml";
    let bytes = fs::read(&file).unwrap_or_else(|error| stop(&format!("{file}: {error}; {advice}")));
    if bytes.len() as u64 != model.bytes {
        stop(&format!("{file} has {} bytes, {MODELS_FILE} says {}; {advice}", bytes.len(), model.bytes));
    }
    let sha256: String = Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    if sha256 != model.sha256 {
        stop(&format!("{file} has sha256 {sha256}, {MODELS_FILE} says {}; {advice}", model.sha256));
    }
}

fn constants(models: &[Model]) -> String {
    let mut out = String::from("/// Every model of the package.\npub const MODELS: &[Packaged] = &[\n");
    for Model { id, task, title, file, sha256, bytes, memory_bytes, pack_version, .. } in models {
        let task = task_named(task, id);
        // Writing to a String can't fail.
        let _ = writeln!(
            out,
            "    Packaged {{ id: {id:?}, task: Task::{task}, title: {title:?}, file: {file:?}, sha256: {sha256:?}, \
             bytes: {bytes}, memory_bytes: {memory_bytes}, pack_version: {pack_version} }},",
        );
    }
    out.push_str("];\n\n/// What is stated of each, in the same order.\nconst STATED: &[Stated] = &[\n");
    for Model { quality, .. } in models {
        let Quality { snippets_accuracy, snippets_macro_f1, snippets_ece_15_bins, false_alarms, careful_false_alarms } =
            quality;
        let _ = writeln!(
            out,
            "    Stated {{ accuracy: {snippets_accuracy:?}, macro_f1: {snippets_macro_f1:?}, calibration_error: \
             {snippets_ece_15_bins:?}, false_alarms: {false_alarms:?}, careful_false_alarms: {careful_false_alarms:?} }},",
        );
    }
    out.push_str("];\n");
    out
}

fn task_named(task: &str, id: &str) -> &'static str {
    match TASKS.iter().find(|(name, _)| *name == task) {
        Some((_, variant)) => variant,
        None => stop(&format!("{MODELS_FILE}: {id} has the task {task:?}; it must be text or picture")),
    }
}

/// Ends the build with one line that cargo shows as it is.
fn stop(message: &str) -> ! {
    println!("cargo::error={message}");
    exit(1);
}
