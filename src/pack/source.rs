//! Where importers read from: a folder of named files with random access. Natively a directory, in tests a map, in the
//! browser a handful of Blobs. Reading is async because a Blob is; [`run`] drives it where every read is ready at once.

use std::collections::BTreeMap;
use std::future::Future;
use std::io::{ErrorKind, Read, Seek, SeekFrom};
use std::path::PathBuf;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use super::PackError;

/// Where the files of an import lie: on disk, in memory, or chosen by a person in a browser.
pub trait Folder {
    /// The file's length in bytes, or nothing if there is no such file.
    fn length(&self, file: &str) -> impl Future<Output = Result<Option<u64>, PackError>>;
    /// Exactly `n_bytes` from `offset`; fewer is an error that names the file.
    fn read_at(&self, file: &str, offset: u64, n_bytes: usize) -> impl Future<Output = Result<Vec<u8>, PackError>>;
}

/// Small files (configuration, vocabulary) are read whole; this bounds them.
const SMALL_FILE_BYTES_MAX: u64 = 32 << 20;

/// A whole small file, or nothing if there is no such file.
pub async fn read_small(folder: &impl Folder, file: &str) -> Result<Option<Vec<u8>>, PackError> {
    let Some(length) = folder.length(file).await? else { return Ok(None) };
    if length > SMALL_FILE_BYTES_MAX {
        return Err(PackError::source(
            file,
            format!("{length} bytes; at most {SMALL_FILE_BYTES_MAX} are expected here"),
        ));
    }
    folder.read_at(file, 0, length as usize).await.map(Some)
}

/// A small file as JSON, or nothing if there is no such file.
pub async fn read_json(folder: &impl Folder, file: &str) -> Result<Option<serde_json::Value>, PackError> {
    let Some(bytes) = read_small(folder, file).await? else { return Ok(None) };
    serde_json::from_slice(&bytes).map(Some).map_err(|error| PackError::source(file, format!("is not JSON: {error}")))
}

/// Runs an import whose folder answers at once, as [`Directory`] and [`Files`] do.
pub fn run<T>(import: impl Future<Output = T>) -> T {
    let mut import = pin!(import);
    let mut context = Context::from_waker(Waker::noop());
    loop {
        if let Poll::Ready(value) = import.as_mut().poll(&mut context) {
            return value;
        }
    }
}

/// A directory on disk.
pub struct Directory(pub PathBuf);

impl Folder for Directory {
    async fn length(&self, file: &str) -> Result<Option<u64>, PackError> {
        match std::fs::metadata(self.0.join(file)) {
            Ok(metadata) => Ok(Some(metadata.len())),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(PackError::source(file, error.to_string())),
        }
    }

    async fn read_at(&self, file: &str, offset: u64, n_bytes: usize) -> Result<Vec<u8>, PackError> {
        let read = || {
            let mut opened = std::fs::File::open(self.0.join(file))?;
            opened.seek(SeekFrom::Start(offset))?;
            let mut bytes = vec![0; n_bytes];
            opened.read_exact(&mut bytes)?;
            Ok(bytes)
        };
        read().map_err(|error: std::io::Error| {
            PackError::source(file, format!("{n_bytes} bytes at {offset} can't be read: {error}"))
        })
    }
}

/// Files in memory.
#[derive(Debug, Clone, Default)]
pub struct Files(pub BTreeMap<String, Vec<u8>>);

impl Folder for Files {
    async fn length(&self, file: &str) -> Result<Option<u64>, PackError> {
        Ok(self.0.get(file).map(|bytes| bytes.len() as u64))
    }

    async fn read_at(&self, file: &str, offset: u64, n_bytes: usize) -> Result<Vec<u8>, PackError> {
        let start = offset as usize;
        let bytes = self.0.get(file).and_then(|bytes| bytes.get(start..start.checked_add(n_bytes)?));
        bytes.map(<[u8]>::to_vec).ok_or_else(|| PackError::source(file, format!("has no {n_bytes} bytes at {offset}")))
    }
}
