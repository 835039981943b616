//! Packs a MobileNetV2 of the npm package nsfwjs: reads its minified modules, folds batch norm into the convolutions
//! (in f64), and stores 1x1 convolutions and dense layers as i8 per output channel, the few 3x3 weights as floats. The
//! file says everything the net needs to know; it never runs it.
//!
//! Why i8 loses little here: the source is uint8 with a whole zero point, so a channel whose steps from zero fit ±127
//! keeps its source steps exactly, with batch norm's factor in the scale. That holds for 10,232 of 10,277 channels of
//! mobilenet_v2; what happens to the others is in [`rounding`].
//!
//! By hand, because no crate reads TensorFlow.js' layers format, and the HDF5 files it was made from are not in the package.
//! It is long for models that will not change; for that, what ships can be made again from what was published, in one
//! step and by this program alone (`sotto models check`), without Python or TensorFlow in between.

use std::io::{Seek, Write};

use super::importer::{Import, Meter, Progress};
use super::source::{Folder, read_json, read_small};
use super::tfjs::{Weight, Weights};
use super::{Dtype, Metadata, PACK_VERSION, PackError, PackWriter, TensorInfo, Value, js_literal, key};

mod rounding;
mod topology;

use rounding::{Row, Spread, round_row};
use topology::{Convolution, Fold, Kind, Net, Scalar};

/// The models of the package that Sotto can run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Model {
    /// The one that ships.
    MobilenetV2,
    /// Larger, and rounded with less loss: models/nsfw.md has the figures.
    MobilenetV2Mid,
}

impl Model {
    /// What a person may call it; goes into the file as [`key::NAME`].
    pub fn title(self) -> &'static str {
        match self {
            Self::MobilenetV2 => "nsfwjs MobileNetV2",
            Self::MobilenetV2Mid => "nsfwjs MobileNetV2 mid",
        }
    }

    fn directory(self) -> &'static str {
        match self {
            Self::MobilenetV2 => "dist/models/mobilenet_v2",
            Self::MobilenetV2Mid => "dist/models/mobilenet_v2_mid",
        }
    }
}

impl std::str::FromStr for Model {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        match name {
            "mobilenet_v2" => Ok(Self::MobilenetV2),
            "mobilenet_v2_mid" => Ok(Self::MobilenetV2Mid),
            other => Err(format!("there is no model \"{other}\" to pack; mobilenet_v2 and mobilenet_v2_mid are")),
        }
    }
}

const CLASSES_FILE: &str = "dist/cjs/nsfw_classes.js";

/// One layer on its way into the file.
struct Layer<'a> {
    /// Its name in the file, without `.weight`.
    name: String,
    kind: LayerKind,
    weight: &'a Weight,
    fold: &'a Fold,
    clipped: bool,
    n_outputs: usize,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum LayerKind {
    /// [27][outputs] floats: row, column, input channel; output channels last.
    Stem,
    /// [9][channels] floats: row, column; channels last.
    Depthwise,
    /// [outputs][inputs] i8 with a scale per output.
    Matrix,
}

/// Packs one model of the unpacked package in `folder` into `out`, which must be empty, and gives `out` back.
pub async fn pack<W: Write + Seek>(
    folder: &impl Folder,
    model: Model,
    import: &Import,
    out: W,
    progress: impl Progress,
) -> Result<W, PackError> {
    check_package(folder).await?;
    let directory = model.directory();
    let file = format!("{directory}/model.min.js");
    let Some(text) = read_small(folder, &file).await? else { return Err(PackError::source(&file, "is missing")) };
    let text = String::from_utf8(text).map_err(|_| PackError::source(&file, "is not UTF-8"))?;
    let json = js_literal::after(&text, ".exports=", &file)?;
    drop(text);
    let net = match json["format"].as_str() {
        Some("graph-model") => topology::graph(&json["modelTopology"], &file)?,
        _ => topology::keras(&json["modelTopology"], &file)?,
    };
    let weights = Weights::open(folder, directory, &json["weightsManifest"]).await?;
    let labels = labels(folder).await?;
    let dense_folds: Vec<Fold> = net.dense.iter().map(|dense| Fold::Bias(dense.bias.clone())).collect();
    let layers = layers(&net, &dense_folds, &weights)?;
    check_sizes(&net, &layers, &labels)?;
    check_all_used(&net, &layers, &weights)?;

    let mut tensors = Vec::new();
    for layer in &layers {
        let n_inputs = layer.weight.n_elements() / layer.n_outputs;
        if layer.kind == LayerKind::Matrix {
            tensors.push(TensorInfo::new(&format!("{}.scale", layer.name), &[layer.n_outputs], Dtype::F32)?);
        }
        tensors.push(TensorInfo::new(&format!("{}.bias", layer.name), &[layer.n_outputs], Dtype::F32)?);
        let (shape, dtype) = match layer.kind {
            LayerKind::Matrix => ([layer.n_outputs, n_inputs], Dtype::I8),
            LayerKind::Stem | LayerKind::Depthwise => ([n_inputs, layer.n_outputs], Dtype::F32),
        };
        tensors.push(TensorInfo::new(&format!("{}.weight", layer.name), &shape, dtype)?);
    }
    let scale = scalar(folder, &weights, &net.input_scale).await?;
    let offset = scalar(folder, &weights, &net.input_offset).await?;
    let metadata = metadata(&net, &layers, labels, &import.name)
        .with(key::INPUT_SCALE, Value::F32(scale as f32))
        .with(key::INPUT_OFFSET, Value::F32(offset as f32));
    let mut meter = Meter::new(progress, layers.iter().map(|layer| layer.weight.n_elements() as u64).sum());
    let mut writer = PackWriter::new(out, metadata, tensors)?;
    let mut spreads = None;
    for layer in &layers {
        write_layer(folder, &weights, layer, &mut spreads, &mut writer).await?;
        meter.add(layer.weight.n_elements() as u64);
    }
    writer.finish()
}

async fn check_package(folder: &impl Folder) -> Result<(), PackError> {
    const FILE: &str = "package.json";
    let Some(package) = read_json(folder, FILE).await? else { return Err(PackError::source(FILE, "is missing")) };
    match package["name"].as_str() {
        Some("nsfwjs") => Ok(()),
        other => Err(PackError::source(FILE, format!("is of package {}, must be nsfwjs", other.unwrap_or("none")))),
    }
}

async fn labels(folder: &impl Folder) -> Result<Vec<String>, PackError> {
    let refuse = |problem: &str| PackError::source(CLASSES_FILE, problem);
    let Some(text) = read_small(folder, CLASSES_FILE).await? else { return Err(refuse("is missing")) };
    let text = String::from_utf8(text).map_err(|_| refuse("is not UTF-8"))?;
    let classes = js_literal::after(&text, "exports.NSFW_CLASSES =", CLASSES_FILE)?;
    let Some(classes) = classes.as_object() else { return Err(refuse("has no table of classes")) };
    (0..classes.len())
        .map(|i| match classes.get(&i.to_string()).and_then(|name| name.as_str()) {
            Some(name) => Ok(name.to_string()),
            None => Err(refuse("must number its classes from 0")),
        })
        .collect()
}

/// All layers in the order of loading, each with its source weight found and its shape understood.
fn layers<'a>(net: &'a Net, dense_folds: &'a [Fold], weights: &'a Weights) -> Result<Vec<Layer<'a>>, PackError> {
    let convolution = |name: String, convolution: &'a Convolution| {
        let weight = weights.get(&convolution.weight)?;
        let (kind, n_outputs) = match (convolution.kind, weight.shape.as_slice()) {
            (Kind::Stem, &[3, 3, 3, n_outputs]) => (LayerKind::Stem, n_outputs),
            (Kind::Depthwise, &[3, 3, n_channels, 1]) => (LayerKind::Depthwise, n_channels),
            (Kind::Pointwise, &[1, 1, _, n_outputs]) => (LayerKind::Matrix, n_outputs),
            (kind, shape) => {
                return Err(PackError::tensor(
                    &weight.name,
                    format!("has shape {shape:?}, which no {kind:?} convolution has"),
                ));
            }
        };
        Ok(Layer { name, kind, weight, fold: &convolution.fold, clipped: convolution.clipped, n_outputs })
    };
    let mut layers = vec![convolution("stem".into(), &net.stem)?];
    for (i, block) in net.blocks.iter().enumerate() {
        if let Some(expand) = &block.expand {
            layers.push(convolution(format!("blocks.{i}.expand"), expand)?);
        }
        layers.push(convolution(format!("blocks.{i}.depthwise"), &block.depthwise)?);
        layers.push(convolution(format!("blocks.{i}.project"), &block.project)?);
    }
    layers.push(convolution("last".into(), &net.last)?);
    for (i, (dense, fold)) in net.dense.iter().zip(dense_folds).enumerate() {
        let weight = weights.get(&dense.weight)?;
        let &[_, n_outputs] = weight.shape.as_slice() else {
            return Err(PackError::tensor(
                &weight.name,
                format!("has shape {:?}, must have two dimensions", weight.shape),
            ));
        };
        layers.push(Layer {
            name: format!("dense.{i}"),
            kind: LayerKind::Matrix,
            weight,
            fold,
            clipped: false,
            n_outputs,
        });
    }
    Ok(layers)
}

/// Checks that each layer takes as many channels as the one before gives, and that residuals fit.
fn check_sizes(net: &Net, layers: &[Layer], labels: &[String]) -> Result<(), PackError> {
    let mut n_channels = 3;
    let mut block_input = 0;
    for layer in layers {
        let n_inputs = match layer.kind {
            LayerKind::Stem => layer.weight.n_elements() / layer.n_outputs / 9,
            LayerKind::Depthwise => layer.n_outputs,
            LayerKind::Matrix => layer.weight.n_elements() / layer.n_outputs,
        };
        if n_inputs != n_channels {
            return Err(PackError::tensor(&layer.weight.name, format!("takes {n_inputs} channels, {n_channels} come")));
        }
        if layer.name.ends_with(".expand") || layer.name == "blocks.0.depthwise" {
            block_input = n_channels;
        }
        if let Some(block) = layer.name.strip_prefix("blocks.").and_then(|name| name.strip_suffix(".project")) {
            let block = block.parse::<usize>().ok().and_then(|i| net.blocks.get(i));
            if block
                .is_some_and(|block| block.residual && (block.depthwise.stride != 1 || layer.n_outputs != block_input))
            {
                return Err(PackError::tensor(&layer.weight.name, "ends a block whose residual has another shape"));
            }
        }
        n_channels = layer.n_outputs;
    }
    if n_channels != labels.len() {
        let problem = format!("{n_channels} classes come out, {CLASSES_FILE} names {}", labels.len());
        return Err(PackError::source(CLASSES_FILE, problem));
    }
    Ok(())
}

/// A weight that no layer uses would mean that the net was not understood.
fn check_all_used(net: &Net, layers: &[Layer], weights: &Weights) -> Result<(), PackError> {
    let mut used = Vec::new();
    for layer in layers {
        used.push(layer.weight.name.clone());
        match layer.fold {
            Fold::Bias(name) => used.push(name.clone()),
            Fold::BatchNorm { layer, .. } => used.extend(BATCH_NORM.map(|part| format!("{layer}/{part}"))),
        }
    }
    for scalar in [&net.input_scale, &net.input_offset] {
        if let Scalar::Weight { name, .. } = scalar {
            used.push(name.clone());
        }
    }
    match weights.names().find(|name| !used.iter().any(|other| other == name)) {
        Some(name) => {
            Err(PackError::tensor(name, "is used by no layer of a MobileNetV2; this is another architecture"))
        }
        None => Ok(()),
    }
}

const BATCH_NORM: [&str; 4] = ["gamma", "beta", "moving_mean", "moving_variance"];

async fn scalar(folder: &impl Folder, weights: &Weights, scalar: &Scalar) -> Result<f64, PackError> {
    match scalar {
        Scalar::Known(value) => Ok(*value),
        Scalar::Weight { name, negative } => {
            let weight = weights.get(name)?;
            match weights.values(folder, weight).await?.as_slice() {
                [value] => Ok(if *negative { -value } else { *value }),
                _ => Err(PackError::tensor(name, format!("has shape {:?}, must be one number", weight.shape))),
            }
        }
    }
}

fn metadata(net: &Net, layers: &[Layer], labels: Vec<String>, name: &str) -> Metadata {
    let n_outputs =
        |name: &str| layers.iter().find(|layer| layer.name == name).map_or(0, |layer| layer.n_outputs as u32);
    let per_block =
        |part: &str| Value::U32s((0..net.blocks.len()).map(|i| n_outputs(&format!("blocks.{i}.{part}"))).collect());
    let last_channels = n_outputs("last");
    let activations = net.dense.iter().map(|dense| if dense.relu { "relu" } else { "none" }.to_string());
    Metadata::default()
        .with_text(key::ARCHITECTURE, "mobilenet_v2")
        .with_text(key::NAME, name)
        .with(key::QUANTIZATION_VERSION, Value::U32(2))
        .with(key::PACK_VERSION, Value::U32(PACK_VERSION))
        .with(key::LABELS, Value::Texts(labels))
        .with(key::TEMPERATURE, Value::F32(1.0))
        .with(key::IMAGE_SIZE, Value::U32(net.image_size))
        .with_text(key::RESIZE, "bilinear_align_corners")
        // The paper's net of width 1 ends in 1280 channels.
        .with(key::WIDTH_MULTIPLIER, Value::F32(last_channels as f32 / 1280.0))
        .with_text(key::PADDING, "same")
        .with(key::ACTIVATION_MAX, Value::F32(6.0))
        .with(key::STEM_CHANNELS, Value::U32(n_outputs("stem")))
        .with(key::STEM_STRIDE, Value::U32(net.stem.stride))
        .with(key::BLOCK_EXPANDED_CHANNELS, per_block("depthwise"))
        .with(key::BLOCK_OUTPUT_CHANNELS, per_block("project"))
        .with(key::BLOCK_STRIDE, Value::U32s(net.blocks.iter().map(|block| block.depthwise.stride).collect()))
        .with(key::BLOCK_RESIDUAL, Value::Bools(net.blocks.iter().map(|block| block.residual).collect()))
        .with(key::LAST_CHANNELS, Value::U32(last_channels))
        .with(
            key::DENSE_CHANNELS,
            Value::U32s((0..net.dense.len()).map(|i| n_outputs(&format!("dense.{i}"))).collect()),
        )
        .with(key::DENSE_ACTIVATION, Value::Texts(activations.collect()))
}

/// What a layer's outputs are multiplied with and what is added, one number per output channel.
async fn factors_and_biases(
    folder: &impl Folder,
    weights: &Weights,
    layer: &Layer<'_>,
) -> Result<(Vec<f64>, Vec<f64>), PackError> {
    let read = async |name: String| {
        let weight = weights.get(&name)?;
        if weight.shape != [layer.n_outputs] {
            let problem = format!("has shape {:?}, must have [{}]", weight.shape, layer.n_outputs);
            return Err(PackError::tensor(&name, problem));
        }
        weights.values(folder, weight).await
    };
    match layer.fold {
        Fold::Bias(name) => Ok((vec![1.0; layer.n_outputs], read(name.clone()).await?)),
        Fold::BatchNorm { layer: name, epsilon } => {
            let [gamma, beta, mean, variance] = BATCH_NORM.map(|part| format!("{name}/{part}"));
            let variance_name = variance.clone();
            let (gamma, beta) = (read(gamma).await?, read(beta).await?);
            let (mean, variance) = (read(mean).await?, read(variance).await?);
            if variance.iter().any(|&variance| variance < 0.0) {
                return Err(PackError::tensor(&variance_name, "is negative somewhere; a variance can't be"));
            }
            let factors: Vec<f64> = gamma.iter().zip(&variance).map(|(g, v)| g / (v + epsilon).sqrt()).collect();
            let biases = beta.iter().zip(&mean).zip(&factors).map(|((beta, mean), f)| beta - mean * f).collect();
            Ok((factors, biases))
        }
    }
}

async fn write_layer<W: Write + Seek>(
    folder: &impl Folder,
    weights: &Weights,
    layer: &Layer<'_>,
    spreads: &mut Option<Vec<Spread>>,
    writer: &mut PackWriter<W>,
) -> Result<(), PackError> {
    let (factors, mut biases) = factors_and_biases(folder, weights, layer).await?;
    let stored = weights.bytes(folder, layer.weight).await?;
    let floats = |values: &[f64]| values.iter().flat_map(|&value| (value as f32).to_le_bytes()).collect::<Vec<u8>>();
    let inputs = std::mem::replace(spreads, output_spreads(folder, weights, layer).await?);
    if layer.kind != LayerKind::Matrix {
        // Both kinds lie with output channels last, as they are wanted.
        let value = |(i, byte): (usize, &u8)| {
            (f64::from(*byte) * layer.weight.scale + layer.weight.min) * factors[i % layer.n_outputs]
        };
        let values: Vec<f64> = stored.iter().enumerate().map(value).collect();
        writer.write(&floats(&biases))?;
        return writer.write(&floats(&values));
    }
    let matrix = Matrix { stored: &stored, weight: layer.weight, n_outputs: layer.n_outputs };
    let inputs = inputs.unwrap_or_else(|| vec![Spread::UNKNOWN; stored.len() / layer.n_outputs]);
    let rows: Vec<Row> =
        factors.iter().enumerate().map(|(output, &factor)| matrix.row(output, factor, &inputs)).collect();
    biases.iter_mut().zip(&rows).for_each(|(bias, row)| *bias -= row.mean_error);
    writer.write(&floats(&rows.iter().map(|row| row.scale).collect::<Vec<f64>>()))?;
    writer.write(&floats(&biases))?;
    rows.iter().try_for_each(|row| writer.write(&row.steps))
}

/// How a layer's outputs are spread over the pictures the net was trained on; only batch norm knows.
async fn output_spreads(
    folder: &impl Folder,
    weights: &Weights,
    layer: &Layer<'_>,
) -> Result<Option<Vec<Spread>>, PackError> {
    let Fold::BatchNorm { layer: name, .. } = layer.fold else { return Ok(None) };
    let gamma = weights.values(folder, weights.get(&format!("{name}/gamma"))?).await?;
    let beta = weights.values(folder, weights.get(&format!("{name}/beta"))?).await?;
    Ok(Some(
        beta.iter().zip(&gamma).map(|(beta, gamma)| Spread::after_batch_norm(*beta, *gamma, layer.clipped)).collect(),
    ))
}

/// A 1x1 or dense weight as it lies in the source: [inputs][outputs] bytes.
struct Matrix<'a> {
    stored: &'a [u8],
    weight: &'a Weight,
    n_outputs: usize,
}

impl Matrix<'_> {
    /// One output channel's weights times `factor`.
    fn row(&self, output: usize, factor: f64, inputs: &[Spread]) -> Row {
        let column = || self.stored[output..].iter().step_by(self.n_outputs);
        let sign = if factor < 0.0 { -1.0 } else { 1.0 };
        let largest_step = |zero: i32| column().map(|&byte| (i32::from(byte) - zero).abs()).max().unwrap_or(0);
        if let Some(zero) = self.weight.zero_point().filter(|&zero| largest_step(zero) <= 127) {
            let steps = column().map(|&byte| (f64::from(i32::from(byte) - zero) * sign) as i8 as u8).collect();
            return Row { scale: self.weight.scale * factor.abs(), steps, mean_error: 0.0 };
        }
        let values: Vec<f64> =
            column().map(|&byte| (f64::from(byte) * self.weight.scale + self.weight.min) * factor).collect();
        round_row(&values, inputs)
    }
}
