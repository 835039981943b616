//! Packs a Hugging Face DistilBERT sequence-classification checkpoint: config.json, model.safetensors (or shards, or
//! model.q4.safetensors where neither is there), and vocab.txt or tokenizer.json. Linear and embedding weights that lie
//! on the Q4_0 grid are kept there bit for bit; others become i8 with a scale per output row, which is what the kernels
//! multiply, so they are rounded only once. Everything else stays as exact as it came. It never runs the net.
//!
//! Weights that come as 4-bit steps and scales (src/pack/safetensors.rs) are only put into Q4_0's order, never through
//! floats, if they are such a matrix; anything else that comes so is widened to the f16 that its unpacked checkpoint has.

use std::io::{Seek, Write};

use half::f16;

use super::header::SYMBOLS_ALONE;
use super::importer::{BLOCK_BYTES, Import, Meter, Progress};
use super::quantise::{Q4_0_ELEMENTS, i8_row, i8_scale, q4_0_exactly};
use super::safetensors::{Checkpoint, SourceTensor};
use super::source::Folder;
use super::{Dtype, Metadata, PACK_VERSION, PACK_VERSION_SYMBOLS, PackError, PackWriter, TensorInfo, Value, key};

mod config;
mod vocabulary;

use config::Config;
use vocabulary::Vocabulary;

pub use super::safetensors::weights_file;

/// Buffers and leftovers that some checkpoints carry and the net does not need.
const IGNORED: [&str; 1] = ["distilbert.embeddings.position_ids"];

/// What a tensor is to the net decides how it may be stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    /// Multiplied by the integer kernels: Q4_0 or I8.
    Matrix,
    /// Looked up row by row: F16.
    Table,
    /// Few and added or multiplied in floats: F32.
    Small,
}

struct Wanted {
    name: String,
    shape: Vec<usize>,
    role: Role,
}

/// The labels that config.json names, in the order of the logits.
pub async fn labels(folder: &impl Folder) -> Result<Vec<String>, PackError> {
    Ok(Config::read(folder).await?.labels)
}

/// Packs the checkpoint in `folder` into `out`, which must be empty, and gives `out` back.
pub async fn pack<W: Write + Seek>(
    folder: &impl Folder,
    import: &Import,
    out: W,
    progress: impl Progress,
) -> Result<W, PackError> {
    let config = Config::read(folder).await?;
    let vocabulary = vocabulary::read(folder, config.n_pieces).await?;
    let checkpoint = Checkpoint::open(folder).await?;
    let wanted = wanted_tensors(&config);
    check_tensors(&checkpoint, &wanted)?;

    // Every number is read twice: which form holds a tensor must be known before the header's length is.
    let n_numbers: u64 = wanted.iter().map(|tensor| tensor.shape.iter().product::<usize>() as u64).sum();
    let mut meter = Meter::new(progress, 2 * n_numbers);
    let mut tensors = Vec::new();
    for tensor in &wanted {
        let source = checkpoint.get(&tensor.name)?;
        let dtype = choose_dtype(folder, source, tensor.role, &mut meter).await?;
        if dtype == Dtype::I8 {
            tensors.push(TensorInfo::new(&scale_name(&tensor.name), &tensor.shape[..1], Dtype::F32)?);
        }
        tensors.push(TensorInfo::new(&tensor.name, &tensor.shape, dtype)?);
    }

    let mut writer = PackWriter::new(out, metadata(&config, vocabulary, &import.name), tensors)?;
    for tensor in &wanted {
        write_tensor(folder, checkpoint.get(&tensor.name)?, &mut writer, &mut meter).await?;
    }
    writer.finish()
}

fn metadata(config: &Config, vocabulary: Vocabulary, name: &str) -> Metadata {
    let size = |n: usize| Value::U32(n as u32);
    let version = if vocabulary.symbols_alone { PACK_VERSION_SYMBOLS } else { PACK_VERSION };
    let metadata = Metadata::default()
        .with_text(key::ARCHITECTURE, "distilbert")
        .with_text(key::NAME, name)
        .with(key::QUANTIZATION_VERSION, Value::U32(2))
        .with(key::PACK_VERSION, Value::U32(version))
        .with(key::BLOCK_COUNT, size(config.n_layers))
        .with(key::EMBEDDING_LENGTH, size(config.width))
        .with(key::FEED_FORWARD_LENGTH, size(config.feed_forward_width))
        .with(key::HEAD_COUNT, size(config.n_heads))
        .with(key::LAYER_NORM_EPSILON, Value::F32(1e-12))
        .with(key::CONTEXT_LENGTH, size(config.n_positions))
        .with(key::VOCABULARY_LENGTH, size(config.n_pieces))
        .with(key::LABELS, Value::Texts(config.labels.clone()))
        .with(key::TEMPERATURE, Value::F32(1.0))
        .with(key::VOCABULARY, Value::Text(vocabulary.lines));
    if vocabulary.symbols_alone { metadata.with_text(key::SYMBOLS, SYMBOLS_ALONE) } else { metadata }
}

/// Every tensor of the net in the order of loading: embeddings, layers, head; biases before their weights.
fn wanted_tensors(config: &Config) -> Vec<Wanted> {
    let mut wanted = Vec::new();
    let mut add = |name: String, shape: &[usize], role: Role| wanted.push(Wanted { name, shape: shape.to_vec(), role });
    let width = config.width;
    let wide = config.feed_forward_width;

    let embeddings = "distilbert.embeddings";
    add(format!("{embeddings}.word_embeddings.weight"), &[config.n_pieces, width], Role::Matrix);
    add(format!("{embeddings}.position_embeddings.weight"), &[config.n_positions, width], Role::Table);
    for part in ["weight", "bias"] {
        add(format!("{embeddings}.LayerNorm.{part}"), &[width], Role::Small);
    }
    for layer in 0..config.n_layers {
        let layer = format!("distilbert.transformer.layer.{layer}");
        for linear in ["q_lin", "k_lin", "v_lin", "out_lin"] {
            add(format!("{layer}.attention.{linear}.bias"), &[width], Role::Small);
            add(format!("{layer}.attention.{linear}.weight"), &[width, width], Role::Matrix);
        }
        for part in ["weight", "bias"] {
            add(format!("{layer}.sa_layer_norm.{part}"), &[width], Role::Small);
        }
        add(format!("{layer}.ffn.lin1.bias"), &[wide], Role::Small);
        add(format!("{layer}.ffn.lin1.weight"), &[wide, width], Role::Matrix);
        add(format!("{layer}.ffn.lin2.bias"), &[width], Role::Small);
        add(format!("{layer}.ffn.lin2.weight"), &[width, wide], Role::Matrix);
        for part in ["weight", "bias"] {
            add(format!("{layer}.output_layer_norm.{part}"), &[width], Role::Small);
        }
    }
    add("pre_classifier.bias".into(), &[width], Role::Small);
    add("pre_classifier.weight".into(), &[width, width], Role::Matrix);
    // Few numbers that decide the verdict: kept in floats.
    add("classifier.bias".into(), &[config.labels.len()], Role::Small);
    add("classifier.weight".into(), &[config.labels.len(), width], Role::Small);
    wanted
}

fn check_tensors(checkpoint: &Checkpoint, wanted: &[Wanted]) -> Result<(), PackError> {
    for tensor in wanted {
        let source = checkpoint.get(&tensor.name)?;
        if source.shape != tensor.shape {
            let problem = format!("has shape {:?}, config.json asks for {:?}", source.shape, tensor.shape);
            return Err(PackError::tensor(&tensor.name, problem));
        }
    }
    let known = |name: &str| IGNORED.contains(&name) || wanted.iter().any(|tensor| tensor.name == name);
    match checkpoint.tensors.keys().find(|name| !known(name)) {
        Some(name) => Err(PackError::tensor(
            name,
            "is no part of DistilBertForSequenceClassification; this is another architecture",
        )),
        None => Ok(()),
    }
}

fn scale_name(weight: &str) -> String {
    format!("{}.scale", weight.strip_suffix(".weight").unwrap_or(weight))
}

/// Row ranges of about [`BLOCK_BYTES`] of floats that cover a tensor.
fn blocks(source: &SourceTensor) -> impl Iterator<Item = (usize, usize)> + use<> {
    blocks_of(source.n_rows(), 4 * source.n_columns())
}

/// The same for a tensor that is never widened: of 4-bit steps, which are half a byte.
fn step_blocks(source: &SourceTensor) -> impl Iterator<Item = (usize, usize)> + use<> {
    blocks_of(source.n_rows(), source.n_columns() / 2)
}

fn blocks_of(n_rows: usize, row_bytes: usize) -> impl Iterator<Item = (usize, usize)> {
    let n_together = (BLOCK_BYTES / row_bytes).max(1);
    (0..n_rows).step_by(n_together).map(move |first| (first, n_together.min(n_rows - first)))
}

/// The most compact form that the role allows and that loses nothing; reads every float of the tensor, so a number that
/// is not finite is found before anything is written.
async fn choose_dtype<P: Progress>(
    folder: &impl Folder,
    source: &SourceTensor,
    role: Role,
    meter: &mut Meter<P>,
) -> Result<Dtype, PackError> {
    if role == Role::Matrix
        && let Some(steps) = source.steps()
    {
        for (first, n_rows) in step_blocks(source) {
            steps.scales(folder, first, n_rows).await?;
            meter.add((n_rows * source.n_columns()) as u64);
        }
        return Ok(Dtype::Q4_0);
    }
    let mut on_grid = role == Role::Matrix;
    for (first, n_rows) in blocks(source) {
        let values = source.rows(folder, first, n_rows).await?;
        meter.add(values.len() as u64);
        on_grid = on_grid
            && values
                .as_chunks::<Q4_0_ELEMENTS>()
                .0
                .iter()
                .all(|group| q4_0_exactly(group, source.precision()).is_some());
        if role == Role::Table
            && let Some(i) = values.iter().position(|&value| !f16::from_f32(value).is_finite())
        {
            let (row, column) = (first + i / source.n_columns(), i % source.n_columns());
            let problem = format!("{} at row {row}, column {column} is too large for f16", values[i]);
            return Err(PackError::tensor(&source.name, problem));
        }
    }
    Ok(match role {
        Role::Matrix if on_grid => Dtype::Q4_0,
        Role::Matrix => Dtype::I8,
        Role::Table => Dtype::F16,
        Role::Small => Dtype::F32,
    })
}

async fn write_tensor<W: Write + Seek, P: Progress>(
    folder: &impl Folder,
    source: &SourceTensor,
    writer: &mut PackWriter<W>,
    meter: &mut Meter<P>,
) -> Result<(), PackError> {
    let n_columns = source.n_columns();
    let has_scales = writer.next_tensor().is_some_and(|tensor| tensor.name == scale_name(&source.name));
    if has_scales {
        // One pass for the scales alone keeps memory at a block; they stand before the weights.
        for (first, n_rows) in blocks(source) {
            let values = source.rows(folder, first, n_rows).await?;
            let scales: Vec<u8> = values.chunks(n_columns).flat_map(|row| i8_scale(row).to_le_bytes()).collect();
            writer.write(&scales)?;
        }
    }
    let Some(dtype) = writer.next_tensor().map(|tensor| tensor.dtype) else {
        return Err(PackError::tensor(&source.name, "has no place in the weight file"));
    };
    if dtype == Dtype::Q4_0
        && let Some(steps) = source.steps()
    {
        for (first, n_rows) in step_blocks(source) {
            writer.write(&steps.q4_0_rows(folder, first, n_rows).await?)?;
            meter.add((n_rows * n_columns) as u64);
        }
        return Ok(());
    }
    for (first, n_rows) in blocks(source) {
        let values = source.rows(folder, first, n_rows).await?;
        let mut bytes = Vec::with_capacity(values.len() * 4);
        match dtype {
            Dtype::F32 => bytes.extend(values.iter().flat_map(|value| value.to_le_bytes())),
            Dtype::F16 => bytes.extend(values.iter().flat_map(|&value| f16::from_f32(value).to_le_bytes())),
            Dtype::I8 => {
                for row in values.chunks(n_columns) {
                    bytes.extend(i8_row(row, i8_scale(row)).map(|weight| weight as u8));
                }
            }
            Dtype::I16 => {
                return Err(PackError::tensor(&source.name, "would be I16, which no text model is stored as"));
            }
            Dtype::Q4_0 => {
                for group in values.as_chunks().0 {
                    let Some(packed) = q4_0_exactly(group, source.precision()) else {
                        return Err(PackError::tensor(&source.name, "changed while it was packed"));
                    };
                    bytes.extend(packed);
                }
            }
        }
        writer.write(&bytes)?;
        meter.add(values.len() as u64);
    }
    Ok(())
}
