//! MobileNetV2 as nsfwjs ships it, of any width: a square picture in, class probabilities' logits out. Load and forward,
//! nothing else; everything but the arithmetic is read from the file's header.

use std::cell::RefCell;

use candle_core::{DType, Device, Error, Result, Tensor};

use super::rows::{Scales, fill};
use crate::kernels::{Epilogue, PackedWeights, SixteenBitWeights};
use crate::nn::{BlockPass, Dense, InvertedResidual, Matrix, PointwisePool, RowSource, Stem, Taps, Workspace};
use crate::pack::{Header, PackError, RowSink, TensorInfo, key};

/// More than any MobileNetV2 has; what asks for more is a damaged or hostile file.
const LARGEST_SIZE: usize = 512;
const BLOCKS_MAX: usize = 64;
const CHANNELS_MAX: usize = 4096;
/// Blocks whose activations get more than seven bits: the first ones are narrow and large, and what is lost there is lost
/// for all that follow.
const WIDE_BLOCKS: usize = 8;

/// A picture classifier of inverted residual blocks.
#[derive(Debug)]
pub struct MobileNetV2 {
    /// Pixels on each side of the picture it takes.
    size: usize,
    /// The net takes `channel / 255 × scale + offset`.
    input_scale: f32,
    input_offset: f32,
    blocks: Vec<InvertedResidual>,
    /// 1×1 convolution before the mean: [last block's channels] → [last channels]
    last: PackedWeights,
    /// [last channels] → … → [n_classes]
    dense: Vec<(Matrix, Epilogue)>,
    buffers: RefCell<Buffers>,
    workspace: RefCell<Workspace>,
}

/// Between non-residual blocks the picture goes from one of two buffers to the other, each as large as its largest
/// picture. Made at the first forward pass.
#[derive(Debug, Default)]
struct Buffers {
    /// [2 × size + 1][2 × size + 1][3] of the first block, zeros in the last row and column.
    picture: Option<Tensor>,
    pair: Option<[Tensor; 2]>,
}

impl MobileNetV2 {
    /// Pixels on each side of the picture it takes.
    pub fn size(&self) -> usize {
        self.size
    }

    /// Numbers that come out.
    pub fn n_classes(&self) -> usize {
        self.dense.last().map_or(0, |(weights, _)| weights.n_out())
    }

    /// Logits [1, n_classes] for a picture of `size × size` RGB pixels, 0 to 255, row by row.
    pub fn forward(&self, pixels: &[f32]) -> Result<Tensor> {
        if pixels.len() != self.size * self.size * 3 {
            return Err(Error::Msg(format!(
                "{} numbers are no {size} × {size} RGB picture",
                pixels.len(),
                size = self.size
            )));
        }
        let (picture, pair) = self.buffers()?;
        picture.inplace_op1(&Prepare { pixels, net: self })?;
        let mut current = picture;
        let mut next = 0;
        for block in &self.blocks {
            let pass = BlockPass { block, workspace: &self.workspace };
            if block.residual {
                current.inplace_op1(&pass)?;
            } else {
                let n_out = block.size_out() * block.size_out() * block.project.n_out();
                let out = pair[next].narrow(0, 0, n_out)?;
                out.inplace_op2(&current, &pass)?;
                (current, next) = (out, 1 - next);
            }
        }
        let mut hidden =
            current.apply_op1_no_bwd(&PointwisePool { weights: &self.last, workspace: &self.workspace })?;
        for (weights, epilogue) in &self.dense {
            let dense = Dense { weights, epilogue: *epilogue, workspace: &self.workspace };
            hidden = hidden.apply_op1_no_bwd(&dense)?;
        }
        Ok(hidden)
    }

    fn buffers(&self) -> Result<(Tensor, [Tensor; 2])> {
        let mut buffers = self.buffers.borrow_mut();
        if let (Some(picture), Some(pair)) = (&buffers.picture, &buffers.pair) {
            return Ok((picture.clone(), pair.clone()));
        }
        let mut lengths = [0, 0];
        for (index, block) in self.blocks.iter().filter(|block| !block.residual).enumerate() {
            let n_out = block.size_out() * block.size_out() * block.project.n_out();
            lengths[index % 2] = n_out.max(lengths[index % 2]);
        }
        let zeros = |n: usize| Tensor::zeros(n, DType::F32, &Device::Cpu);
        let picture = zeros((self.size + 1) * (self.size + 1) * 3)?;
        let pair = [zeros(lengths[0])?, zeros(lengths[1])?];
        (buffers.picture, buffers.pair) = (Some(picture.clone()), Some(pair.clone()));
        Ok((picture, pair))
    }

    /// Bytes of memory the weights hold.
    pub fn byte_len(&self) -> usize {
        let blocks: usize = self.blocks.iter().map(InvertedResidual::byte_len).sum();
        blocks + self.last.byte_len() + self.dense.iter().map(|(weights, _)| weights.byte_len()).sum::<usize>()
    }
}

/// Writes the picture as the net was trained on it into its buffer, which has a column and a row of zeros more.
struct Prepare<'a> {
    pixels: &'a [f32],
    net: &'a MobileNetV2,
}

impl candle_core::InplaceOp1 for Prepare<'_> {
    fn name(&self) -> &'static str {
        "sotto-prepare-picture"
    }

    fn cpu_fwd(&self, out: &mut candle_core::CpuStorage, _: &candle_core::Layout) -> Result<()> {
        let candle_core::CpuStorage::F32(out) = out else {
            return Err(Error::Msg("the picture's buffer holds f32".into()));
        };
        let n_row = self.net.size * 3;
        let scale = self.net.input_scale / 255.0;
        for (out, pixels) in out.chunks_exact_mut(n_row + 3).zip(self.pixels.chunks_exact(n_row)) {
            out.iter_mut().zip(pixels).for_each(|(out, &value)| *out = value * scale + self.net.input_offset);
        }
        Ok(())
    }
}

/// Makes the net of the rows of a weight file.
#[derive(Debug, Default)]
pub struct MobileNetV2Builder {
    net: Option<MobileNetV2>,
    labels: Vec<String>,
    scales: Scales,
}

/// What a weight file gives: the net and the names of its classes.
#[derive(Debug)]
pub struct LoadedNet {
    pub net: MobileNetV2,
    pub labels: Vec<String>,
}

impl MobileNetV2Builder {
    /// The net, once a [`crate::pack::PackReader`] has handed over every row.
    pub fn finish(self) -> std::result::Result<LoadedNet, PackError> {
        let net = self.net.ok_or_else(|| PackError::Header { at: 0, problem: "nothing was read".into() })?;
        Ok(LoadedNet { net, labels: self.labels })
    }
}

impl RowSink for MobileNetV2Builder {
    fn start(&mut self, header: &Header) -> std::result::Result<(), PackError> {
        if header.architecture()? != "mobilenet_v2" {
            return Err(PackError::key(key::ARCHITECTURE, format!("is {}, not mobilenet_v2", header.architecture()?)));
        }
        self.labels = header.labels()?.to_vec();
        self.net = Some(empty(header, self.labels.len())?);
        Ok(())
    }

    fn rows(&mut self, tensor: &TensorInfo, first_row: usize, bytes: &[u8]) -> std::result::Result<(), PackError> {
        let Some(net) = &mut self.net else {
            return Err(PackError::tensor(&tensor.name, "came before the header"));
        };
        let (layer, part) = tensor.name.rsplit_once('.').ok_or_else(|| unknown(tensor))?;
        if part == "scale" {
            return self.scales.take(tensor, bytes);
        }
        let matrix = match layer.split('.').collect::<Vec<_>>()[..] {
            ["stem"] => match (&mut net.blocks[0].source, part) {
                (RowSource::Stem(stem), "weight") => return fill(tensor, first_row, bytes, &mut stem.weights),
                (RowSource::Stem(stem), "bias") => return fill(tensor, first_row, bytes, &mut stem.bias),
                _ => None,
            },
            ["blocks", index, name] => {
                let block = index.parse().ok().and_then(|index: usize| net.blocks.get_mut(index));
                match (block, name, part) {
                    (Some(block), "depthwise", "weight") => {
                        return fill(tensor, first_row, bytes, &mut block.depthwise);
                    }
                    (Some(block), "depthwise", "bias") => {
                        return fill(tensor, first_row, bytes, &mut block.depthwise_bias);
                    }
                    (Some(block), "project", "bias" | "weight") => {
                        return self.scales.fill_taps(tensor, first_row, bytes, &mut block.project);
                    }
                    (Some(InvertedResidual { source: RowSource::Expand(taps), .. }), "expand", "bias" | "weight") => {
                        return self.scales.fill_taps(tensor, first_row, bytes, taps);
                    }
                    _ => None,
                }
            }
            ["last"] => Some(&mut net.last),
            ["dense", index] => {
                let dense = index.parse().ok().and_then(|index: usize| net.dense.get_mut(index));
                match (dense, part) {
                    (Some((weights, _)), "weight") => {
                        return self.scales.put(tensor, first_row, first_row, bytes, weights);
                    }
                    (Some((weights, _)), "bias") => return fill(tensor, first_row, bytes, weights.bias_mut()),
                    _ => None,
                }
            }
            _ => None,
        };
        match (matrix, part) {
            (Some(weights), "weight") => self.scales.set_columns(tensor, first_row, bytes, weights),
            (Some(weights), "bias") => fill(tensor, first_row, bytes, weights.bias_mut()),
            _ => Err(unknown(tensor)),
        }
    }

    fn finish(&mut self) -> std::result::Result<(), PackError> {
        Ok(())
    }
}

fn unknown(tensor: &TensorInfo) -> PackError {
    PackError::tensor(&tensor.name, "is no part of a MobileNetV2; pack the model again")
}

/// The net with room for all its weights and none of them in place; every tensor's shape is checked on the way.
fn empty(header: &Header, n_classes: usize) -> std::result::Result<MobileNetV2, PackError> {
    let meta = &header.metadata;
    let within = |key: &'static str, size: u32, largest: usize| match size as usize {
        size if size >= 1 && size <= largest => Ok(size),
        size => Err(PackError::key(key, format!("is {size}; a MobileNetV2 has 1 to {largest}"))),
    };
    let expect = |name: String, shape: &[usize]| header.tensor(&name)?.expect_shape(shape);
    let matrix = |name: &str, n_out: usize, n_in: usize| {
        expect(format!("{name}.weight"), &[n_out, n_in])?;
        expect(format!("{name}.bias"), &[n_out])?;
        Ok::<_, PackError>(PackedWeights::zeroed(n_out, n_in))
    };
    let taps = |index: usize, name: &str, n_out: usize, n_in: usize| {
        let name = format!("blocks.{index}.{name}");
        Ok::<_, PackError>(match index < WIDE_BLOCKS {
            true => Taps::SixteenBits({
                matrix(&name, n_out, n_in)?;
                SixteenBitWeights::zeroed(n_out, n_in)
            }),
            false => Taps::EightBits(matrix(&name, n_out, n_in)?),
        })
    };
    let only = |key: &'static str, found: bool, expected: &str| match found {
        true => Ok(()),
        false => Err(PackError::key(key, format!("must be {expected}"))),
    };
    only(key::RESIZE, meta.text(key::RESIZE)? == "bilinear_align_corners", "bilinear_align_corners")?;
    only(key::PADDING, meta.text(key::PADDING)? == "same", "same")?;
    only(key::ACTIVATION_MAX, meta.f32(key::ACTIVATION_MAX)? == 6.0, "6")?;
    only(key::STEM_STRIDE, meta.u32(key::STEM_STRIDE)? == 2, "2")?;

    let size = within(key::IMAGE_SIZE, meta.u32(key::IMAGE_SIZE)?, LARGEST_SIZE)?;
    only(key::IMAGE_SIZE, size.is_multiple_of(2), "even")?;
    let n_stem = within(key::STEM_CHANNELS, meta.u32(key::STEM_CHANNELS)?, CHANNELS_MAX)?;
    expect("stem.weight".into(), &[27, n_stem])?;
    expect("stem.bias".into(), &[n_stem])?;

    let expanded = meta.u32s(key::BLOCK_EXPANDED_CHANNELS)?;
    let outputs = meta.u32s(key::BLOCK_OUTPUT_CHANNELS)?;
    let strides = meta.u32s(key::BLOCK_STRIDE)?;
    let residuals = meta.bools(key::BLOCK_RESIDUAL)?;
    let n_blocks = within(key::BLOCK_EXPANDED_CHANNELS, expanded.len() as u32, BLOCKS_MAX)?;
    if [outputs.len(), strides.len(), residuals.len()] != [n_blocks; 3] {
        return Err(PackError::key(key::BLOCK_STRIDE, "the tables of blocks have different lengths"));
    }
    let mut blocks: Vec<InvertedResidual> = Vec::new();
    let (mut n_in, mut block_size) = (n_stem, size / 2);
    for index in 0..n_blocks {
        let n_wide = within(key::BLOCK_EXPANDED_CHANNELS, expanded[index], CHANNELS_MAX)?;
        let n_out = within(key::BLOCK_OUTPUT_CHANNELS, outputs[index], CHANNELS_MAX)?;
        let stride = within(key::BLOCK_STRIDE, strides[index], 2)?;
        let residual = residuals[index];
        if residual && (stride != 1 || n_in != n_out || index == 0) {
            return Err(PackError::key(
                key::BLOCK_RESIDUAL,
                format!("block {index} can't add its input to its output"),
            ));
        }
        let source = match (index, n_wide == n_in) {
            (0, true) => RowSource::Stem(Stem { weights: vec![0.0; 27 * n_stem], bias: vec![0.0; n_stem] }),
            (0, false) => return Err(PackError::key(key::BLOCK_EXPANDED_CHANNELS, "the first block does not expand")),
            (_, true) => RowSource::Input,
            (_, false) => RowSource::Expand(taps(index, "expand", n_wide, n_in)?),
        };
        expect(format!("blocks.{index}.depthwise.weight"), &[9, n_wide])?;
        expect(format!("blocks.{index}.depthwise.bias"), &[n_wide])?;
        blocks.push(InvertedResidual {
            source,
            depthwise: vec![0.0; 9 * n_wide],
            depthwise_bias: vec![0.0; n_wide],
            project: taps(index, "project", n_out, n_wide)?,
            stride,
            residual,
            size: block_size,
        });
        (n_in, block_size) = (n_out, block_size.div_ceil(stride));
    }
    let n_last = within(key::LAST_CHANNELS, meta.u32(key::LAST_CHANNELS)?, CHANNELS_MAX)?;
    let last = matrix("last", n_last, n_in)?;
    let (sizes, activations) = (meta.u32s(key::DENSE_CHANNELS)?, meta.texts(key::DENSE_ACTIVATION)?);
    if sizes.is_empty() || sizes.len() != activations.len() || sizes.last() != Some(&(n_classes as u32)) {
        return Err(PackError::key(key::DENSE_CHANNELS, format!("must end in the {n_classes} classes")));
    }
    let mut dense = Vec::new();
    let mut n_in = n_last;
    for (index, (&n_out, activation)) in sizes.iter().zip(activations).enumerate() {
        let n_out = within(key::DENSE_CHANNELS, n_out, CHANNELS_MAX)?;
        let epilogue = match activation.as_str() {
            "relu" => Epilogue::Relu,
            "none" => Epilogue::Store,
            other => {
                return Err(PackError::key(key::DENSE_ACTIVATION, format!("\"{other}\" is neither relu nor none")));
            }
        };
        let weights = Matrix::EightBits(matrix(&format!("dense.{index}"), n_out, n_in)?);
        dense.push((weights, epilogue));
        n_in = n_out;
    }
    Ok(MobileNetV2 {
        size,
        input_scale: meta.f32(key::INPUT_SCALE)?,
        input_offset: meta.f32(key::INPUT_OFFSET)?,
        blocks,
        last,
        dense,
        buffers: RefCell::default(),
        workspace: RefCell::default(),
    })
}
