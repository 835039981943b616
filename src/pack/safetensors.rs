//! Reads Hugging Face's safetensors, one file or shards, a few rows at a time. Strict: what the header says must fit
//! the file, and no tensor may stand twice. It never knows which tensors a net wants.
//!
//! A matrix may also come as 4-bit weights, in two tensors: `NAME.q`, U8 of [rows, columns / 2], inputs 2i and 2i + 1 in
//! the low and the high nibble of byte i, and `NAME.scale`, F16 of [rows, columns / 32]; a weight is
//! (nibble - 8) × scale. They are one tensor, NAME, to whoever reads here.
//!
//! By hand, because the safetensors crate (0.8) wants the whole file as one slice: it refuses a header alone, and what a
//! person chooses in a browser is a Blob of hundreds of megabytes of which rows are read. It also takes a tensor that
//! stands twice, and names neither tensor nor file where a shape is wrong.

use std::collections::BTreeMap;

use half::{bf16, f16};
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};

use super::PackError;
use super::quantise::{Precision, Q4_0_ELEMENTS, Q4_0_STEP_BYTES, f16_of_steps, q4_0_of_steps};
use super::source::{Folder, read_json};

pub const SINGLE_FILE: &str = "model.safetensors";
pub const INDEX_FILE: &str = "model.safetensors.index.json";
/// Where a checkpoint is handed on as 4-bit steps and scales; the form itself is told from the names of the tensors, in
/// whichever file they are.
pub const FOUR_BIT_FILE: &str = "model.q4.safetensors";

/// What a 4-bit matrix NAME is stored as: steps of [rows, columns / 2] and scales of [rows, columns / 32].
const STEPS_SUFFIX: &str = ".q";
const SCALE_SUFFIX: &str = ".scale";
const STEPS_A_BYTE: usize = 2;
const HEADER_BYTES_MAX: u64 = 32 << 20;

/// A tensor as the checkpoint stores it: numbers under its own name, or 4-bit steps and their scales beside it.
#[derive(Debug, Clone)]
pub struct SourceTensor {
    pub name: String,
    pub shape: Vec<usize>,
    stored: Stored,
}

#[derive(Debug, Clone)]
enum Stored {
    Numbers(Precision, Place),
    Steps(Steps),
}

/// A matrix of 4-bit weights.
#[derive(Debug, Clone)]
pub struct Steps {
    scale_name: String,
    n_columns: usize,
    steps: Place,
    scales: Place,
}

/// Where a tensor's first byte is.
#[derive(Debug, Clone)]
struct Place {
    file: String,
    offset: u64,
}

/// A line of a file's header, before it is known which tensor it belongs to.
#[derive(Debug, Clone)]
struct Entry {
    element: Element,
    shape: Vec<usize>,
    place: Place,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Element {
    Number(Precision),
    U8,
}

/// All tensors of a checkpoint by name.
#[derive(Debug, Default)]
pub struct Checkpoint {
    pub tensors: BTreeMap<String, SourceTensor>,
}

/// The file that [`Checkpoint::open`] begins with. The usual checkpoint goes before the 4-bit file: it is what every
/// other program reads, so it is the one that somebody who trained further has changed, and where it was only unpacked
/// of the 4-bit file it packs to the same weights.
pub async fn weights_file(folder: &impl Folder) -> Result<&'static str, PackError> {
    for file in [SINGLE_FILE, INDEX_FILE, FOUR_BIT_FILE] {
        if folder.length(file).await?.is_some() {
            return Ok(file);
        }
    }
    let problem = format!("is missing, and so are {INDEX_FILE} and {FOUR_BIT_FILE}; one must be there");
    Err(PackError::source(SINGLE_FILE, problem))
}

impl Checkpoint {
    /// Reads the header of the folder's [`weights_file`], or those of the shards that it names.
    pub async fn open(folder: &impl Folder) -> Result<Self, PackError> {
        let mut entries = Entries::default();
        match weights_file(folder).await? {
            INDEX_FILE => entries.add_shards(folder).await?,
            file => entries.add_file(folder, file).await?,
        }
        entries.into_checkpoint()
    }

    pub fn get(&self, name: &str) -> Result<&SourceTensor, PackError> {
        let place = || "the checkpoint".to_string();
        self.tensors.get(name).ok_or_else(|| PackError::MissingTensor { name: name.into(), place: place() })
    }
}

/// What the headers of all files say, by name.
#[derive(Debug, Default)]
struct Entries(BTreeMap<String, Entry>);

impl Entries {
    async fn add_shards(&mut self, folder: &impl Folder) -> Result<(), PackError> {
        let Some(index) = read_json(folder, INDEX_FILE).await? else {
            return Err(PackError::source(INDEX_FILE, "is missing"));
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
            self.add_file(folder, shard).await?;
        }
        for (name, shard) in weight_map {
            match self.0.get(name) {
                Some(entry) if Some(entry.place.file.as_str()) == shard.as_str() => {}
                Some(entry) => {
                    return Err(PackError::source(
                        INDEX_FILE,
                        format!("says \"{name}\" is in {shard}, it is in {}", entry.place.file),
                    ));
                }
                None => return Err(PackError::MissingTensor { name: name.clone(), place: shard.to_string() }),
            }
        }
        Ok(())
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
        let Lines(lines) =
            serde_json::from_slice(&header).map_err(|error| refuse(format!("the header is not JSON: {error}")))?;
        let data_start = 8 + n_header_bytes;
        let mut ranges = Vec::new();
        for (name, line) in lines {
            if name == "__metadata__" {
                continue;
            }
            let (entry, range) = read_entry(&name, &line, file, data_start)?;
            ranges.push((range, name.clone()));
            if self.0.insert(name.clone(), entry).is_some() {
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

    /// Puts steps and scales together, and refuses what has lost its other half.
    fn into_checkpoint(self) -> Result<Checkpoint, PackError> {
        let mut checkpoint = Checkpoint::default();
        for (full_name, entry) in &self.0 {
            let tensor = if let Some(name) = full_name.strip_suffix(SCALE_SUFFIX) {
                self.other_half(full_name, &format!("{name}{STEPS_SUFFIX}"))?;
                continue;
            } else if let Some(name) = full_name.strip_suffix(STEPS_SUFFIX) {
                self.of_steps(name, full_name, entry)?
            } else {
                let Element::Number(precision) = entry.element else { return Err(wrong_type(full_name, "U8")) };
                let stored = Stored::Numbers(precision, entry.place.clone());
                SourceTensor { name: full_name.clone(), shape: entry.shape.clone(), stored }
            };
            checkpoint.tensors.insert(tensor.name.clone(), tensor);
        }
        Ok(checkpoint)
    }

    fn other_half(&self, name: &str, other_name: &str) -> Result<&Entry, PackError> {
        let problem = || format!("has no {other_name} beside it; 4-bit weights need both");
        self.0.get(other_name).ok_or_else(|| PackError::tensor(name, problem()))
    }

    /// The 4-bit matrix `name`, whose steps are `entry`.
    fn of_steps(&self, name: &str, steps_name: &str, entry: &Entry) -> Result<SourceTensor, PackError> {
        let refuse = |name: &str, problem: String| Err(PackError::tensor(name, problem));
        if self.0.contains_key(name) {
            return refuse(name, format!("is there twice, under its name and as {steps_name}; one of them must go"));
        }
        let scale_name = format!("{name}{SCALE_SUFFIX}");
        let scale = self.other_half(steps_name, &scale_name)?;
        if entry.element != Element::U8 {
            let found = entry.element.name();
            return refuse(steps_name, format!("has type {found}; 4-bit weights are U8, two in each"));
        }
        if scale.element != Element::Number(Precision::F16) {
            let found = scale.element.name();
            return refuse(&scale_name, format!("has type {found}; the scales of 4-bit weights are F16"));
        }
        let wrong_shapes = || {
            format!(
                "has shape {:?} in {steps_name} and {:?} in {scale_name}; of R rows of C weights they are [R, C/2] and \
                 [R, C/32]",
                entry.shape, scale.shape
            )
        };
        let &[n_rows, n_bytes] = entry.shape.as_slice() else { return refuse(name, wrong_shapes()) };
        if n_bytes % Q4_0_STEP_BYTES != 0 {
            let problem = "two weights a byte; a row must be whole groups of";
            return refuse(
                name,
                format!("has rows of {n_bytes} bytes in {steps_name}, {problem} {Q4_0_ELEMENTS} weights"),
            );
        }
        if scale.shape != [n_rows, n_bytes / Q4_0_STEP_BYTES] {
            return refuse(name, wrong_shapes());
        }
        // A row of more weights than can be counted has no byte in the file: there are no rows.
        let n_columns = n_bytes.saturating_mul(STEPS_A_BYTE);
        let (steps, scales) = (entry.place.clone(), scale.place.clone());
        let stored = Stored::Steps(Steps { scale_name, n_columns, steps, scales });
        Ok(SourceTensor { name: name.into(), shape: vec![n_rows, n_columns], stored })
    }
}

impl SourceTensor {
    pub fn n_columns(&self) -> usize {
        self.shape.last().copied().unwrap_or(1)
    }

    pub fn n_rows(&self) -> usize {
        self.shape.iter().rev().skip(1).product()
    }

    /// What it is where it comes as 4-bit weights.
    pub fn steps(&self) -> Option<&Steps> {
        match &self.stored {
            Stored::Numbers(..) => None,
            Stored::Steps(steps) => Some(steps),
        }
    }

    /// What [`Self::rows`] were rounded to.
    pub fn precision(&self) -> Precision {
        match self.stored {
            Stored::Numbers(precision, _) => precision,
            Stored::Steps(_) => Precision::F16,
        }
    }

    /// Rows as floats; a number that is not finite is refused with its place. 4-bit weights become the f16 that they are
    /// in a checkpoint unpacked of them.
    pub async fn rows(&self, folder: &impl Folder, first: usize, n_rows: usize) -> Result<Vec<f32>, PackError> {
        let n_columns = self.n_columns();
        let values: Vec<f32> = match &self.stored {
            Stored::Numbers(precision, place) => {
                let bytes = place.rows(folder, first, n_rows, n_columns * precision.n_bytes()).await?;
                match precision {
                    Precision::F32 => bytes.as_chunks().0.iter().map(|b| f32::from_le_bytes(*b)).collect(),
                    Precision::F16 => bytes.as_chunks().0.iter().map(|b| f16::from_le_bytes(*b).to_f32()).collect(),
                    Precision::Bf16 => bytes.as_chunks().0.iter().map(|b| bf16::from_le_bytes(*b).to_f32()).collect(),
                }
            }
            Stored::Steps(steps) => steps.map_groups(folder, first, n_rows, f16_of_steps).await?,
        };
        check_finite(&self.name, &values, first, n_columns)?;
        Ok(values)
    }
}

impl Steps {
    /// The scales of rows, one a group; one that is not finite is refused with its place.
    pub async fn scales(&self, folder: &impl Folder, first: usize, n_rows: usize) -> Result<Vec<f16>, PackError> {
        let n_groups = self.n_columns / Q4_0_ELEMENTS;
        let bytes = self.scales.rows(folder, first, n_rows, n_groups * size_of::<f16>()).await?;
        let scales: Vec<f16> = bytes.as_chunks().0.iter().map(|b| f16::from_le_bytes(*b)).collect();
        let values: Vec<f32> = scales.iter().map(|scale| scale.to_f32()).collect();
        check_finite(&self.scale_name, &values, first, n_groups)?;
        Ok(scales)
    }

    /// Rows as Q4_0: the same bits in its order.
    pub async fn q4_0_rows(&self, folder: &impl Folder, first: usize, n_rows: usize) -> Result<Vec<u8>, PackError> {
        self.map_groups(folder, first, n_rows, q4_0_of_steps).await
    }

    async fn map_groups<T, const N: usize>(
        &self,
        folder: &impl Folder,
        first: usize,
        n_rows: usize,
        map: impl Fn(&[u8; Q4_0_STEP_BYTES], f16) -> [T; N],
    ) -> Result<Vec<T>, PackError> {
        let scales = self.scales(folder, first, n_rows).await?;
        let bytes = self.steps.rows(folder, first, n_rows, self.n_columns / STEPS_A_BYTE).await?;
        let groups = bytes.as_chunks().0.iter().zip(scales);
        Ok(groups.map(|(steps, scale)| map(steps, scale)).collect::<Vec<_>>().into_flattened())
    }
}

impl Place {
    async fn rows(
        &self,
        folder: &impl Folder,
        first: usize,
        n_rows: usize,
        row_bytes: usize,
    ) -> Result<Vec<u8>, PackError> {
        let offset = self.offset + first as u64 * row_bytes as u64;
        folder.read_at(&self.file, offset, n_rows * row_bytes).await
    }
}

fn check_finite(name: &str, values: &[f32], first_row: usize, n_columns: usize) -> Result<(), PackError> {
    match values.iter().position(|value| !value.is_finite()) {
        None => Ok(()),
        Some(i) => Err(PackError::NotFinite {
            name: name.into(),
            row: first_row + i / n_columns,
            column: i % n_columns,
            value: values[i],
        }),
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

impl Element {
    fn n_bytes(self) -> usize {
        match self {
            Self::Number(precision) => precision.n_bytes(),
            Self::U8 => 1,
        }
    }

    /// As safetensors names it.
    fn name(self) -> &'static str {
        match self {
            Self::Number(Precision::F32) => "F32",
            Self::Number(Precision::F16) => "F16",
            Self::Number(Precision::Bf16) => "BF16",
            Self::U8 => "U8",
        }
    }
}

fn wrong_type(name: &str, found: &str) -> PackError {
    let takes = "F32, F16 and BF16 can be packed, and U8 as 4-bit weights under a name that ends in .q";
    PackError::tensor(name, format!("has type {found}; {takes}"))
}

fn read_entry(
    name: &str,
    line: &serde_json::Value,
    file: &str,
    data_start: u64,
) -> Result<(Entry, (u64, u64)), PackError> {
    let element = match line["dtype"].as_str() {
        Some("F32") => Element::Number(Precision::F32),
        Some("F16") => Element::Number(Precision::F16),
        Some("BF16") => Element::Number(Precision::Bf16),
        Some("U8") => Element::U8,
        other => return Err(wrong_type(name, other.unwrap_or("none"))),
    };
    let numbers = |key: &str| -> Option<Vec<u64>> { line[key].as_array()?.iter().map(|n| n.as_u64()).collect() };
    let (Some(shape), Some(offsets)) = (numbers("shape"), numbers("data_offsets")) else {
        return Err(PackError::tensor(name, format!("has no readable shape or data_offsets in {file}")));
    };
    let n_bytes = shape.iter().try_fold(element.n_bytes() as u64, |product, &n| product.checked_mul(n));
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
    let entry = Entry { element, shape, place: Place { file: file.into(), offset } };
    Ok((entry, (start, end)))
}

/// A JSON object as it stands, so that a name that stands twice is seen twice.
struct Lines(Vec<(String, serde_json::Value)>);

impl<'de> Deserialize<'de> for Lines {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Each;
        impl<'de> Visitor<'de> for Each {
            type Value = Lines;

            fn expecting(&self, formatter: &mut std::fmt::Formatter) -> std::fmt::Result {
                formatter.write_str("an object of tensors")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Lines, A::Error> {
                let mut lines = Vec::new();
                while let Some(line) = map.next_entry()? {
                    lines.push(line);
                }
                Ok(Lines(lines))
            }
        }
        deserializer.deserialize_map(Each)
    }
}
