//! Yahoo's open_nsfw, a thin residual net: a square picture in, two logits out. Load and forward, nothing else; its shape is
//! read from the file's header.

use std::cell::RefCell;

use candle_core::{DType, Device, Error, Result, Tensor};
use candle_nn::Linear;

use super::rows::{Scales, expect, fill};
use crate::kernels::{PackedWeights, SixteenBitWeights};
use crate::nn::{Bottleneck, BottleneckPass, Convolution, Head, MeanPass, StemPass, Taps, Workspace};
use crate::pack::{Dtype, Header, PackError, RowSink, TensorInfo, key};

/// More than the net has; what asks for more is a damaged or hostile file.
const LARGEST_SIZE: usize = 512;
const BLOCKS_MAX: usize = 64;
const CHANNELS_MAX: usize = 4096;
/// Safe for work, and not.
const N_LOGITS: usize = 2;

/// A picture classifier of bottleneck blocks.
#[derive(Debug)]
pub struct OpenNsfw {
    preparation: Preparation,
    stem: Convolution,
    blocks: Vec<Bottleneck>,
    dense: Linear,
    buffers: RefCell<Option<Buffers>>,
    workspace: RefCell<Workspace>,
}

/// How the net wants its pictures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Preparation {
    /// Pixels on each side that a whole picture is brought to.
    pub resize: usize,
    /// Of these, the middle that is looked at.
    pub size: usize,
}

/// The picture less its mean, and two that blocks go to and fro between. Made at the first forward pass.
#[derive(Debug, Clone)]
struct Buffers {
    picture: Tensor,
    pair: [Tensor; 2],
}

impl OpenNsfw {
    /// How a picture must be prepared for [`Self::forward`].
    pub fn preparation(&self) -> Preparation {
        self.preparation
    }

    /// Two logits, of which the second is that of pictures that are not safe for work. `pixels` are `size × size` RGB less
    /// the mean.
    pub fn forward(&self, pixels: Vec<f32>) -> Result<Tensor> {
        let size = self.preparation.size;
        if pixels.len() != size * size * 3 {
            return Err(Error::Msg(format!("{} numbers are no {size} × {size} RGB picture", pixels.len())));
        }
        let Buffers { picture, pair } = self.buffers()?;
        picture.inplace_op1(&Fill(&pixels))?;
        let n_pixels = |size: usize| size * size;
        let mut current = pair[0].narrow(0, 0, n_pixels(StemPass::size_out(&self.stem)) * self.stem.n_out())?;
        current.inplace_op2(&picture, &StemPass { stem: &self.stem, workspace: &self.workspace })?;
        let mut next = 1;
        for block in &self.blocks {
            let pass = BottleneckPass { block, workspace: &self.workspace };
            if block.shortcut.is_none() {
                current.inplace_op1(&pass)?;
            } else {
                let out = pair[next].narrow(0, 0, block.len_out())?;
                out.inplace_op2(&current, &pass)?;
                (current, next) = (out, 1 - next);
            }
        }
        let mean = MeanPass { n_channels: self.dense.weight().dim(1)? };
        current.apply_op1_no_bwd(&mean)?.apply_op1_no_bwd(&Head(&self.dense))
    }

    fn buffers(&self) -> Result<Buffers> {
        let mut buffers = self.buffers.borrow_mut();
        if let Some(buffers) = &*buffers {
            return Ok(buffers.clone());
        }
        let n_stem = StemPass::size_out(&self.stem).pow(2) * self.stem.n_out();
        let mut lengths = [n_stem, 0];
        for (index, block) in self.blocks.iter().filter(|block| block.shortcut.is_some()).enumerate() {
            let length = &mut lengths[(index + 1) % 2];
            *length = block.len_out().max(*length);
        }
        let zeros = |n: usize| Tensor::zeros(n, DType::F32, &Device::Cpu);
        let picture = zeros(self.preparation.size.pow(2) * 3)?;
        Ok(buffers.insert(Buffers { picture, pair: [zeros(lengths[0])?, zeros(lengths[1])?] }).clone())
    }

    /// Bytes of memory the weights hold.
    pub fn byte_len(&self) -> usize {
        let blocks: usize = self.blocks.iter().map(Bottleneck::byte_len).sum();
        blocks + self.stem.byte_len() + 4 * self.dense.weight().elem_count()
    }
}

/// Writes numbers into a tensor that is there.
struct Fill<'a>(&'a [f32]);

impl candle_core::InplaceOp1 for Fill<'_> {
    fn name(&self) -> &'static str {
        "sotto-fill"
    }

    fn cpu_fwd(&self, out: &mut candle_core::CpuStorage, _: &candle_core::Layout) -> Result<()> {
        let candle_core::CpuStorage::F32(out) = out else {
            return Err(Error::Msg("the picture's buffer holds f32".into()));
        };
        out.copy_from_slice(self.0);
        Ok(())
    }
}

/// Makes the net of the rows of a weight file.
#[derive(Debug, Default)]
pub struct OpenNsfwBuilder {
    net: Option<Parts>,
    scales: Scales,
}

#[derive(Debug)]
struct Parts {
    preparation: Preparation,
    mean: [f32; 3],
    stem: Convolution,
    blocks: Vec<Bottleneck>,
    dense_bias: Vec<f32>,
    dense: Vec<f32>,
}

/// What a weight file gives.
#[derive(Debug)]
pub struct LoadedNet {
    /// Ready to look.
    pub net: OpenNsfw,
    /// What is taken from each pixel: red, green, blue.
    pub mean: [f32; 3],
}

impl OpenNsfwBuilder {
    /// The net, once a [`crate::pack::PackReader`] has handed over every row.
    pub fn finish(self) -> std::result::Result<LoadedNet, PackError> {
        let Some(parts) = self.net else {
            return Err(PackError::Header { at: 0, problem: "nothing was read".into() });
        };
        let Parts { preparation, mean, stem, blocks, dense_bias, dense } = parts;
        let (n_out, n_in) = (dense_bias.len(), dense.len() / dense_bias.len().max(1));
        let tensor = |values: Vec<f32>, shape: &[usize]| {
            let made = Tensor::from_vec(values, shape, &Device::Cpu);
            made.map_err(|error| PackError::tensor("dense.weight", error.to_string()))
        };
        let dense = Linear::new(tensor(dense, &[n_out, n_in])?, Some(tensor(dense_bias, &[n_out])?));
        let (buffers, workspace) = (RefCell::default(), RefCell::default());
        Ok(LoadedNet { net: OpenNsfw { preparation, stem, blocks, dense, buffers, workspace }, mean })
    }
}

impl RowSink for OpenNsfwBuilder {
    fn start(&mut self, header: &Header) -> std::result::Result<(), PackError> {
        if header.architecture()? != "open_nsfw" {
            return Err(PackError::key(key::ARCHITECTURE, format!("is {}, not open_nsfw", header.architecture()?)));
        }
        self.net = Some(empty(header)?);
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
        let convolution = match layer.split('.').collect::<Vec<_>>()[..] {
            ["stem"] => Some(&mut net.stem),
            ["dense"] if part == "weight" => return fill(tensor, first_row, bytes, &mut net.dense),
            ["dense"] if part == "bias" => return fill(tensor, first_row, bytes, &mut net.dense_bias),
            ["blocks", index, name] => {
                let block = index.parse().ok().and_then(|index: usize| net.blocks.get_mut(index));
                block.and_then(|block| match name {
                    "narrow" => Some(&mut block.narrow),
                    "middle" => Some(&mut block.middle),
                    "shortcut" => block.shortcut.as_mut(),
                    "widen" => Some(&mut block.widen),
                    _ => None,
                })
            }
            _ => None,
        };
        match (convolution, part) {
            (Some(convolution), "bias" | "weight") => {
                self.scales.fill_taps(tensor, first_row, bytes, &mut convolution.taps)
            }
            _ => Err(unknown(tensor)),
        }
    }

    fn finish(&mut self) -> std::result::Result<(), PackError> {
        Ok(())
    }
}

fn unknown(tensor: &TensorInfo) -> PackError {
    PackError::tensor(&tensor.name, "is no part of open_nsfw; pack the model again")
}

/// The net with room for all its weights and none of them in place; every tensor's shape is checked on the way.
fn empty(header: &Header) -> std::result::Result<Parts, PackError> {
    let meta = &header.metadata;
    let within = |key: &'static str, size: u32, largest: usize| match size as usize {
        size if size >= 1 && size <= largest => Ok(size),
        size => Err(PackError::key(key, format!("is {size}; open_nsfw has 1 to {largest}"))),
    };
    let convolution = |name: &str, [side, stride, size]: [usize; 3], n_in: usize, n_out: usize| {
        let weight = header.tensor(&format!("{name}.weight"))?;
        let n_window = side * side * n_in;
        weight.expect_shape(&[n_out, n_window])?;
        header.tensor(&format!("{name}.bias"))?.expect_shape(&[n_out])?;
        expect(weight, &[Dtype::I8, Dtype::I16])?;
        let taps = match weight.dtype {
            Dtype::I16 => Taps::SixteenBits(SixteenBitWeights::zeroed(n_out, n_window)),
            _ => Taps::EightBits(PackedWeights::zeroed(n_out, n_window)),
        };
        Ok::<_, PackError>(Convolution { taps, side, stride, size, n_in })
    };
    let only = |key: &'static str, found: bool, expected: &str| match found {
        true => Ok(()),
        false => Err(PackError::key(key, format!("must be {expected}"))),
    };
    only(key::OPEN_RESIZE, meta.text(key::OPEN_RESIZE)? == "bilinear_antialiased", "bilinear_antialiased")?;
    only(key::OPEN_JPEG_QUALITY, meta.u32(key::OPEN_JPEG_QUALITY)? == 75, "75")?;
    only(key::OPEN_STEM_KERNEL, meta.u32(key::OPEN_STEM_KERNEL)? == 7, "7")?;
    let size = within(key::OPEN_IMAGE_SIZE, meta.u32(key::OPEN_IMAGE_SIZE)?, LARGEST_SIZE)?;
    only(key::OPEN_IMAGE_SIZE, size.is_multiple_of(4), "a multiple of four")?;
    let resize = within(key::OPEN_RESIZE_SIZE, meta.u32(key::OPEN_RESIZE_SIZE)?, LARGEST_SIZE)?;
    only(
        key::OPEN_RESIZE_SIZE,
        resize >= size && resize.is_multiple_of(16),
        "a multiple of 16, no less than the picture",
    )?;
    let Ok(mean) = <[u32; 3]>::try_from(meta.u32s(key::OPEN_MEAN)?) else {
        return Err(PackError::key(key::OPEN_MEAN, "must be three numbers"));
    };
    let n_stem = within(key::OPEN_STEM_CHANNELS, meta.u32(key::OPEN_STEM_CHANNELS)?, CHANNELS_MAX)?;
    let stem = convolution("stem", [7, 2, size], 3, n_stem)?;

    let counts = meta.u32s(key::OPEN_STAGE_BLOCKS)?;
    let narrow = meta.u32s(key::OPEN_STAGE_NARROW_CHANNELS)?;
    let outputs = meta.u32s(key::OPEN_STAGE_OUTPUT_CHANNELS)?;
    let strides = meta.u32s(key::OPEN_STAGE_STRIDE)?;
    if counts.is_empty() || [narrow.len(), outputs.len(), strides.len()] != [counts.len(); 3] {
        return Err(PackError::key(key::OPEN_STAGE_BLOCKS, "the tables of stages have different lengths, or none"));
    }
    let mut blocks: Vec<Bottleneck> = Vec::new();
    let (mut n_in, mut block_size) = (n_stem, StemPass::size_out(&stem));
    for stage in 0..counts.len() {
        let count = within(key::OPEN_STAGE_BLOCKS, counts[stage], BLOCKS_MAX)?;
        let n_narrow = within(key::OPEN_STAGE_NARROW_CHANNELS, narrow[stage], CHANNELS_MAX)?;
        let n_out = within(key::OPEN_STAGE_OUTPUT_CHANNELS, outputs[stage], CHANNELS_MAX)?;
        let stage_stride = within(key::OPEN_STAGE_STRIDE, strides[stage], 2)?;
        for first in (0..count).map(|index| index == 0) {
            let stride = if first { stage_stride } else { 1 };
            let name = |part: &str| format!("blocks.{}.{part}", blocks.len());
            let looked = (block_size - 1) / stride + 1;
            let shortcut = first.then(|| convolution(&name("shortcut"), [1, stride, block_size], n_in, n_out));
            let block = Bottleneck {
                narrow: convolution(&name("narrow"), [1, stride, block_size], n_in, n_narrow)?,
                middle: convolution(&name("middle"), [3, 1, looked], n_narrow, n_narrow)?,
                shortcut: shortcut.transpose()?,
                widen: convolution(&name("widen"), [1, 1, looked], n_narrow, n_out)?,
            };
            blocks.push(block);
            (n_in, block_size) = (n_out, looked);
        }
    }
    header.tensor("dense.weight")?.expect_shape(&[N_LOGITS, n_in])?;
    header.tensor("dense.bias")?.expect_shape(&[N_LOGITS])?;
    Ok(Parts {
        preparation: Preparation { resize, size },
        mean: mean.map(|mean| mean as f32),
        stem,
        blocks,
        dense_bias: vec![0.0; N_LOGITS],
        dense: vec![0.0; N_LOGITS * n_in],
    })
}
