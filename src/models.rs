//! The models of the package, as models/models.toml describes them: constants that build.rs writes.

#![warn(missing_docs)]

/// What a model judges.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "their names say it")]
pub enum Task {
    Text,
    Picture,
}

impl Task {
    /// As models.toml and JavaScript call it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Picture => "picture",
        }
    }
}

/// One model of the package.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Packaged {
    /// By which requests and the store name it.
    pub id: &'static str,
    /// Decides which net its file is read as.
    pub task: Task,
    /// In English; pages prefer a name in the person's language.
    pub title: &'static str,
    /// Its name below models/.
    pub file: &'static str,
    /// Of the file, in hex.
    pub sha256: &'static str,
    /// Of the file, too.
    pub bytes: u64,
    /// What the loaded model takes.
    pub memory_bytes: u64,
    /// Of the format that the file is packed in.
    pub pack_version: u32,
}

/// What a model's card states of how good it is, as far as that is measured again in the browser; each as a share, none where
/// nothing is stated.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Stated {
    /// How often the likeliest class is the label's, on tests/evaluation/snippets.tsv.
    pub accuracy: Option<f64>,
    /// On the same texts.
    pub macro_f1: Option<f64>,
    /// On the same texts.
    pub calibration_error: Option<f64>,
    /// How often benign pictures are warned of, with the presets.
    pub false_alarms: Option<f64>,
    /// The same where either look is enough.
    pub careful_false_alarms: Option<f64>,
}

include!(concat!(env!("OUT_DIR"), "/models.rs"));

/// The model that judges texts, or pictures, where the person chose no other: the first of its task in models.toml.
pub fn packaged(task: Task) -> &'static Packaged {
    match MODELS.iter().find(|model| model.task == task) {
        Some(model) => model,
        // build.rs refuses a models.toml without a model for each task.
        None => &MODELS[0],
    }
}

/// What is stated of that model.
pub fn stated(task: Task) -> Stated {
    let index = MODELS.iter().position(|model| model.task == task);
    index.and_then(|index| STATED.get(index)).copied().unwrap_or_default()
}
