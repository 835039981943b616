//! Models as they rest in the browser: those of the package, and the one that the person brought and chose. It must never
//! know how weights are read or kept.

use crate::{
    engine::Known,
    models::{Packaged, Task},
    pack::PACK_VERSION,
    protocol::OwnModel,
};

/// What names a model's weights, says what they are for, and where they can be had again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stocked {
    pub id: String,
    pub task: Task,
    pub title: String,
    pub sha256: String,
    pub bytes: u64,
    pub memory_bytes: u64,
    pub pack_version: u32,
    /// Its file in the package; a model of the person's own has none.
    pub file: Option<&'static str>,
}

impl Stocked {
    pub fn known(&self) -> Known {
        Known {
            id: self.id.clone(),
            task: self.task,
            title: self.title.clone(),
            bytes: self.bytes,
            memory_bytes: self.memory_bytes,
            is_own: self.file.is_none(),
        }
    }
}

impl From<&Packaged> for Stocked {
    fn from(packaged: &Packaged) -> Self {
        let Known { id, task, title, bytes, memory_bytes, .. } = Known::from(packaged);
        let Packaged { sha256, pack_version, file, .. } = *packaged;
        Self { id, task, title, sha256: sha256.to_owned(), bytes, memory_bytes, pack_version, file: Some(file) }
    }
}

impl From<&OwnModel> for Stocked {
    fn from(own: &OwnModel) -> Self {
        let OwnModel { id, title, sha256, bytes, memory_bytes } = own.clone();
        // Whatever its file says: the sha256 tells files apart, and under another number what is kept would not be found.
        Self { id, task: Task::Text, title, sha256, bytes, memory_bytes, pack_version: PACK_VERSION, file: None }
    }
}
