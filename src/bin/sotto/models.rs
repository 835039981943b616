//! Finds packed models on disk and loads them into an engine, as the browser's host does from IndexedDB.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use sotto::engine::Engine;
use sotto::models::{MODELS, Packaged};

use super::Failure;

const SLICE_BYTES: usize = 1 << 20;

pub fn engine() -> Engine {
    Engine::new(|| SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |since| since.as_secs_f64() * 1000.0))
}

/// The packaged model for a task ("text", "picture") or of an id.
pub fn packaged(task: &str, model_id: Option<&str>) -> Result<&'static Packaged, Failure> {
    let fits = |model: &&Packaged| model.task.name() == task && model_id.is_none_or(|id| id == model.id);
    MODELS.iter().find(fits).ok_or_else(|| {
        let known: Vec<&str> = MODELS.iter().filter(|model| model.task.name() == task).map(|model| model.id).collect();
        format!("there is no {task} model \"{}\"; there is {}", model_id.unwrap_or("any"), known.join(", ")).into()
    })
}

/// Loads a model's packed file from the models folder.
pub fn load(engine: &mut Engine, packaged: &Packaged) -> Result<(), Failure> {
    let path = folder().join(packaged.file);
    let mut file = File::open(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    let mut load = engine.start_load(packaged.id)?;
    let mut slice = vec![0; SLICE_BYTES];
    loop {
        match file.read(&mut slice)? {
            0 => break,
            n_bytes => load.feed(&slice[..n_bytes])?,
        }
    }
    Ok(engine.finish_load(load)?)
}

/// `SOTTO_MODELS`, or models/ beside or above the current folder, or the one of the source tree this was built from.
pub fn folder() -> PathBuf {
    if let Some(folder) = std::env::var_os("SOTTO_MODELS") {
        return folder.into();
    }
    let here = std::env::current_dir().unwrap_or_default();
    let holds_models = |folder: &Path| folder.join("models/models.toml").is_file();
    let found = here.ancestors().find(|folder| holds_models(folder));
    found.map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("models"), |folder| folder.join("models"))
}
