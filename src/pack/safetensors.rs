//! Reads Hugging Face's safetensors, one file or shards, a few rows at a time. Strict: what the header says must fit
//! the file, and no tensor may stand twice. It never knows which tensors a net wants.
//!
//! By hand, because the safetensors crate (0.8) wants the whole file as one slice: it refuses a header alone, and what a
//! person chooses in a browser is a Blob of hundreds of megabytes of which rows are read. It also takes a tensor that
//! stands twice, and names neither tensor nor file where a shape is wrong.

use std::collections::BTreeMap;

use half::{bf16, f16};
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};

use super::PackError;
use super::quantise::Precision;
use super::source::{Folder, read_json};

pub const SINGLE_FILE: &str = "model.safetensors";
pub const INDEX_FILE: &str = "model.safetensors.index.json";
const HEADER_BYTES_MAX: u64 = 32 << 20;

#[derive(Debug, Clone)]
pub struct SourceTensor {
    pub name: String,
    pub shape: Vec<usize>,
    pub precision: Precision,
    file: String,
    offset: u64,
}

/// All tensors of a checkpoint by name.
#[derive(Debug, Default)]
pub struct Checkpoint {
    pub tensors: BTreeMap<String, SourceTensor>,
}

impl Checkpoint {
    /// Reads the header of `model.safetensors`, or those of the shards that `model.safetensors.index.json` names.
    pub async fn open(folder: &impl Folder) -> Result<Self, PackError> {
        let mut checkpoint = Self::default();
        if folder.length(SINGLE_FILE).await?.is_some() {
            checkpoint.add_file(folder, SINGLE_FILE).await?;
            return Ok(checkpoint);
        }
        let Some(index) = read_json(folder, INDEX_FILE).await? else {
            return Err(PackError::source(
                SINGLE_FILE,
                format!("is missing, and so is {INDEX_FILE}; one must be there"),
            ));
        };
        let Some(weight_map) = index.get("weight_map").and_then(|map| map.as_object()) else {
            return Err(PackError::source(INDEX_FILE, "has no \"weight_map\""));
        };
        let mut shards = Vec::new();
        for (name, shard) in weight_map {
            let Some(shard) = shard.as_str().filter(|shard| !shard.contains(['/', '\\'])) else {
                return Err(PackError::source(
                    INDEX_FILE,
                    format!("the file of tensor \"{name}\" must be a plain name"),
                ));
            };
            if !shards.contains(&shard) {
                shards.push(shard);
            }
        }
        for shard in &shards {
            checkpoint.add_file(folder, shard).await?;
        }
        for (name, shard) in weight_map {
            match checkpoint.tensors.get(name) {
                Some(tensor) if Some(tensor.file.as_str()) == shard.as_str() => {}
                Some(tensor) => {
                    return Err(PackError::source(
                        INDEX_FILE,
                        format!("says \"{name}\" is in {shard}, it is in {}", tensor.file),
                    ));
                }
                None => return Err(PackError::MissingTensor { name: name.clone(), place: shard.to_string() }),
            }
        }
        Ok(checkpoint)
    }

    async fn add_file(&mut self, folder: &impl Folder, file: &str) -> Result<(), PackError> {
        let refuse = |problem: String| PackError::source(file, problem);
        let Some(length) = folder.length(file).await? else { return Err(refuse("is missing".into())) };
        if length < 8 {
            return Err(refuse(format!("has {length} bytes; a safetensors file has at least 8")));
        }
        let mut n_header_bytes = [0; 8];
        n_header_bytes.copy_from_slice(&folder.read_at(file, 0, 8).await?);
        let n_header_bytes = u64::from_le_bytes(n_header_bytes);
        if n_header_bytes > HEADER_BYTES_MAX || n_header_bytes > length - 8 {
            return Err(refuse(format!(
                "says its header has {n_header_bytes} bytes; it is cut or no safetensors file"
            )));
        }
        let header = folder.read_at(file, 8, n_header_bytes as usize).await?;
        let Entries(entries) =
            serde_json::from_slice(&header).map_err(|error| refuse(format!("the header is not JSON: {error}")))?;
        let data_start = 8 + n_header_bytes;
        let mut ranges = Vec::new();
        for (name, entry) in entries {
            if name == "__metadata__" {
                continue;
            }
            let (tensor, range) = read_entry(&name, &entry, file, data_start)?;
            ranges.push((range, name.clone()));
            if self.tensors.insert(name.clone(), tensor).is_some() {
                return Err(PackError::DoubledTensor { name, place: file.into() });
            }
        }
        ranges.sort();
        let mut expected = 0;
        for ((start, end), name) in ranges {
            if start != expected {
                return Err(PackError::tensor(
                    &name,
                    format!("starts at byte {start} of the data in {file}, must at {expected}"),
                ));
            }
            expected = end;
        }
        if data_start + expected != length {
            return Err(refuse(format!(
                "has {length} bytes, its header describes {}; it is cut",
                data_start + expected
            )));
        }
        Ok(())
    }

    pub fn get(&self, name: &str) -> Result<&SourceTensor, PackError> {
        let place = || "the checkpoint".to_string();
        self.tensors.get(name).ok_or_else(|| PackError::MissingTensor { name: name.into(), place: place() })
    }
}

impl SourceTensor {
    pub fn n_columns(&self) -> usize {
        self.shape.last().copied().unwrap_or(1)
    }

    pub fn n_rows(&self) -> usize {
        self.shape.iter().rev().skip(1).product()
    }

    /// Rows as floats; a number that is not finite is refused with its place.
    pub async fn rows(&self, folder: &impl Folder, first: usize, n_rows: usize) -> Result<Vec<f32>, PackError> {
        let n_columns = self.n_columns();
        let bytes_each = self.precision.n_bytes();
        let offset = self.offset + (first * n_columns * bytes_each) as u64;
        let bytes = folder.read_at(&self.file, offset, n_rows * n_columns * bytes_each).await?;
        let values: Vec<f32> = match self.precision {
            Precision::F32 => bytes.as_chunks().0.iter().map(|b| f32::from_le_bytes(*b)).collect(),
            Precision::F16 => bytes.as_chunks().0.iter().map(|b| f16::from_le_bytes(*b).to_f32()).collect(),
            Precision::Bf16 => bytes.as_chunks().0.iter().map(|b| bf16::from_le_bytes(*b).to_f32()).collect(),
        };
        match values.iter().position(|value| !value.is_finite()) {
            None => Ok(values),
            Some(i) => Err(PackError::NotFinite {
                name: self.name.clone(),
                row: first + i / n_columns,
                column: i % n_columns,
                value: values[i],
            }),
        }
    }
}

impl Precision {
    fn n_bytes(self) -> usize {
        match self {
            Self::F32 => 4,
            Self::F16 | Self::Bf16 => 2,
        }
    }
}

fn read_entry(
    name: &str,
    entry: &serde_json::Value,
    file: &str,
    data_start: u64,
) -> Result<(SourceTensor, (u64, u64)), PackError> {
    let precision = match entry["dtype"].as_str() {
        Some("F32") => Precision::F32,
        Some("F16") => Precision::F16,
        Some("BF16") => Precision::Bf16,
        other => {
            let problem = format!("has type {}; F32, F16 and BF16 can be packed", other.unwrap_or("none"));
            return Err(PackError::tensor(name, problem));
        }
    };
    let numbers = |key: &str| -> Option<Vec<u64>> { entry[key].as_array()?.iter().map(|n| n.as_u64()).collect() };
    let (Some(shape), Some(offsets)) = (numbers("shape"), numbers("data_offsets")) else {
        return Err(PackError::tensor(name, format!("has no readable shape or data_offsets in {file}")));
    };
    let n_bytes = shape.iter().try_fold(precision.n_bytes() as u64, |product, &n| product.checked_mul(n));
    let &[start, end] = offsets.as_slice() else {
        return Err(PackError::tensor(name, format!("has {} data_offsets, must have 2", offsets.len())));
    };
    if n_bytes.is_none() || end.checked_sub(start) != n_bytes {
        return Err(PackError::tensor(name, format!("bytes {start} to {end} don't fit shape {shape:?}")));
    }
    let shape: Vec<usize> = shape.into_iter().map(|n| n as usize).collect();
    let Some(offset) = data_start.checked_add(start) else {
        return Err(PackError::tensor(name, format!("starts at byte {start}, past every file")));
    };
    let tensor = SourceTensor { name: name.into(), shape, precision, file: file.into(), offset };
    Ok((tensor, (start, end)))
}

/// A JSON object as it stands, so that a name that stands twice is seen twice.
struct Entries(Vec<(String, serde_json::Value)>);

impl<'de> Deserialize<'de> for Entries {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Each;
        impl<'de> Visitor<'de> for Each {
            type Value = Entries;

            fn expecting(&self, formatter: &mut std::fmt::Formatter) -> std::fmt::Result {
                formatter.write_str("an object of tensors")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Entries, A::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    entries.push(entry);
                }
                Ok(Entries(entries))
            }
        }
        deserializer.deserialize_map(Each)
    }
}
