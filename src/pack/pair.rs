//! Two packed picture nets in one file, which is what ships: both are always asked, so they are stored, loaded and unloaded
//! together. It copies tensors as they are.

use std::io::{Seek, Write};

use super::importer::Import;
use super::{Header, Metadata, PACK_VERSION, PackError, PackReader, PackWriter, RowSink, TensorInfo, Value, key};

/// [`key::ARCHITECTURE`] of such a file.
pub const ARCHITECTURE: &str = "mobilenet_v2+open_nsfw";
/// What the names of the first net's tensors begin with, and of the second's.
pub const FIRST: &str = "first.";
/// See [`FIRST`].
pub const SECOND: &str = "second.";

/// Joins a MobileNetV2 and an open_nsfw, as `sotto pack` makes them, into `out`, which must be empty.
pub fn join<W: Write + Seek>(first: &[u8], second: &[u8], import: &Import, out: W) -> Result<W, PackError> {
    let (first, second) = (read(first, "mobilenet_v2")?, read(second, "open_nsfw")?);
    let mut metadata = Metadata::default()
        .with_text(key::ARCHITECTURE, ARCHITECTURE)
        .with_text(key::NAME, &import.name)
        .with(key::QUANTIZATION_VERSION, Value::U32(2))
        .with(key::PACK_VERSION, Value::U32(PACK_VERSION))
        .with(key::LABELS, Value::Texts(first.header.labels()?.to_vec()))
        .with(key::TEMPERATURE, Value::F32(1.0));
    let mut tensors = Vec::new();
    for (whole, prefix, architecture) in [(&first, FIRST, "mobilenet_v2."), (&second, SECOND, "open_nsfw.")] {
        let own = whole.header.metadata.iter().filter(|(name, _)| name.starts_with(architecture));
        own.for_each(|(name, value)| metadata.push(name, value.clone()));
        for tensor in &whole.header.tensors {
            tensors.push(TensorInfo::new(&format!("{prefix}{}", tensor.name), &tensor.shape, tensor.dtype)?);
        }
    }
    let mut writer = PackWriter::new(out, metadata, tensors)?;
    first.tensors.iter().chain(&second.tensors).try_for_each(|bytes| writer.write(bytes))?;
    writer.finish()
}

/// A file in memory.
#[derive(Default)]
struct Whole {
    header: Header,
    tensors: Vec<Vec<u8>>,
}

fn read(file: &[u8], architecture: &str) -> Result<Whole, PackError> {
    let mut reader = PackReader::checking_sha256(Whole::default());
    reader.feed(file)?;
    let whole = reader.finish()?;
    match whole.header.architecture()? {
        found if found == architecture => Ok(whole),
        found => Err(PackError::key(key::ARCHITECTURE, format!("is {found}; this place takes {architecture}"))),
    }
}

impl RowSink for Whole {
    fn start(&mut self, header: &Header) -> Result<(), PackError> {
        self.header = header.clone();
        Ok(())
    }

    fn rows(&mut self, _: &TensorInfo, first_row: usize, bytes: &[u8]) -> Result<(), PackError> {
        if first_row == 0 {
            self.tensors.push(Vec::new());
        }
        if let Some(tensor) = self.tensors.last_mut() {
            tensor.extend_from_slice(bytes);
        }
        Ok(())
    }

    fn finish(&mut self) -> Result<(), PackError> {
        Ok(())
    }
}
