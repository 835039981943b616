//! The picture model of the package: two nets of different kinds in one file, which are always asked together.

use super::mobilenet_v2::{self, MobileNetV2Builder};
use super::open_nsfw::{self, OpenNsfwBuilder};
use crate::pack::{Header, PackError, RowSink, TensorInfo, Value, key, pair};

pub use super::open_nsfw::Preparation;

/// Makes both nets of the rows of a weight file.
#[derive(Debug, Default)]
pub struct PicturePairBuilder {
    first: MobileNetV2Builder,
    second: OpenNsfwBuilder,
}

/// What a weight file gives.
#[derive(Debug)]
pub struct LoadedPair {
    /// Five classes, drawings among them.
    pub first: mobilenet_v2::LoadedNet,
    /// Safe or not; photographs only.
    pub second: open_nsfw::LoadedNet,
}

impl PicturePairBuilder {
    /// The nets, once a [`crate::pack::PackReader`] has handed over every row.
    pub fn finish(self) -> Result<LoadedPair, PackError> {
        Ok(LoadedPair { first: self.first.finish()?, second: self.second.finish()? })
    }
}

impl RowSink for PicturePairBuilder {
    fn start(&mut self, header: &Header) -> Result<(), PackError> {
        if header.architecture()? != pair::ARCHITECTURE {
            let problem = format!("is {}, not {}", header.architecture()?, pair::ARCHITECTURE);
            return Err(PackError::key(key::ARCHITECTURE, problem));
        }
        self.first.start(&part_of(header, pair::FIRST, "mobilenet_v2")?)?;
        self.second.start(&part_of(header, pair::SECOND, "open_nsfw")?)
    }

    fn rows(&mut self, tensor: &TensorInfo, first_row: usize, bytes: &[u8]) -> Result<(), PackError> {
        if let Some(tensor) = stripped(tensor, pair::FIRST) {
            return self.first.rows(&tensor, first_row, bytes);
        }
        match stripped(tensor, pair::SECOND) {
            Some(tensor) => self.second.rows(&tensor, first_row, bytes),
            None => Err(PackError::tensor(&tensor.name, "belongs to neither net; pack the model again")),
        }
    }

    fn finish(&mut self) -> Result<(), PackError> {
        RowSink::finish(&mut self.first)?;
        RowSink::finish(&mut self.second)
    }
}

/// One net's header, as a file of its own would have it.
fn part_of(header: &Header, prefix: &str, architecture: &str) -> Result<Header, PackError> {
    let tensors = header.tensors.iter().filter_map(|tensor| stripped(tensor, prefix)).collect();
    let mut part = Header { metadata: Default::default(), tensors };
    for (name, value) in header.metadata.iter() {
        let value = if name == key::ARCHITECTURE { Value::Text(architecture.into()) } else { value.clone() };
        part.metadata.push(name, value);
    }
    Ok(part)
}

fn stripped(tensor: &TensorInfo, prefix: &str) -> Option<TensorInfo> {
    let name = tensor.name.strip_prefix(prefix)?.to_owned();
    Some(TensorInfo { name, ..tensor.clone() })
}
