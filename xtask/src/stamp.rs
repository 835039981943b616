//! Whether a step's inputs are the same as when it last ran: a hash of their contents beside its output.

use crate::place;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};

#[derive(Clone)]
pub struct Inputs(DefaultHasher);

impl Inputs {
    pub fn new(step: &str) -> Inputs {
        let mut hasher = DefaultHasher::new();
        step.hash(&mut hasher);
        Inputs(hasher)
    }

    pub fn with(mut self, name: &str, bytes: &[u8]) -> Inputs {
        name.hash(&mut self.0);
        bytes.hash(&mut self.0);
        self
    }

    pub fn with_file(self, path: &Path) -> Inputs {
        let bytes = std::fs::read(path).unwrap_or_default();
        self.with(&path.display().to_string(), &bytes)
    }

    /// Every file below a folder of the tree that is wanted, by its path below it.
    pub fn with_folder(mut self, folder: &Path, wanted: impl Fn(&str) -> bool) -> Result<Inputs, String> {
        let files = place::files_below(folder).map_err(|error| format!("{}: {error}", place::shown(folder)))?;
        for file in files.iter().filter(|file| wanted(file)) {
            self = self.with_file(&folder.join(file));
        }
        Ok(self)
    }

    pub fn seal(self) -> Seal {
        Seal(format!("{:016x}\n", self.0.finish()))
    }
}

pub struct Seal(String);

impl Seal {
    /// True when `output` is there and was made from these inputs.
    pub fn fits(&self, output: &Path) -> bool {
        output.exists() && std::fs::read_to_string(stamp_of(output)).is_ok_and(|kept| kept == self.0)
    }

    /// To be called when `output` is complete.
    pub fn put(&self, output: &Path) -> std::io::Result<()> {
        std::fs::write(stamp_of(output), &self.0)
    }
}

/// To be called before `output` is changed: what is interrupted halfway must fit no inputs.
pub fn lift(output: &Path) {
    // Where there is none, nothing fits already.
    let _ = std::fs::remove_file(stamp_of(output));
}

fn stamp_of(output: &Path) -> PathBuf {
    let mut name = output.file_name().unwrap_or_default().to_os_string();
    name.push(".stamp");
    output.with_file_name(name)
}
