//! Reads TensorFlow.js weights as the nsfwjs package carries them: bytes in base64 inside JavaScript modules, uint8
//! with a scale and a minimum per tensor. Reads a tensor at a time, never a whole shard, and knows nothing of nets.
//! By hand, because the one library for the format is TensorFlow.js itself, which needs a JavaScript engine to run in.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::PackError;
use super::source::Folder;

/// The bytes stand in a module's only string, this far from its start at most.
const PRELUDE_BYTES_MAX: u64 = 4096;

#[derive(Debug, Clone)]
pub(super) struct Weight {
    pub name: String,
    pub shape: Vec<usize>,
    /// value = byte * scale + min
    pub scale: f64,
    pub min: f64,
    offset: u64,
}

#[derive(Debug)]
pub(super) struct Weights {
    shards: Vec<Shard>,
    weights: BTreeMap<String, Weight>,
}

#[derive(Debug)]
struct Shard {
    file: String,
    text_start: u64,
    first_byte: u64,
    n_bytes: u64,
}

impl Weights {
    /// `manifest` is the model's `weightsManifest`; a shard `x` stands in `{directory}/x.min.js`.
    pub(super) async fn open(folder: &impl Folder, directory: &str, manifest: &Value) -> Result<Self, PackError> {
        let refuse = |problem: String| PackError::source(directory, format!("weightsManifest: {problem}"));
        let Some([group]) = manifest.as_array().map(Vec::as_slice) else {
            return Err(refuse("must have one group".into()));
        };
        let (Some(paths), Some(entries)) = (group["paths"].as_array(), group["weights"].as_array()) else {
            return Err(refuse("has no paths or no weights".into()));
        };
        let mut shards = Vec::new();
        let mut n_bytes = 0;
        for path in paths {
            let Some(path) = path.as_str().filter(|path| !path.contains(['/', '\\'])) else {
                return Err(refuse(format!("the path {path} must be a plain name")));
            };
            let shard = Shard::open(folder, format!("{directory}/{path}.min.js"), n_bytes).await?;
            n_bytes += shard.n_bytes;
            shards.push(shard);
        }
        let mut weights = BTreeMap::new();
        let mut offset = 0;
        for entry in entries {
            let weight = Weight::read(entry, offset).map_err(refuse)?;
            offset += weight.n_elements() as u64;
            let name = weight.name.clone();
            if weights.insert(name.clone(), weight).is_some() {
                return Err(PackError::DoubledTensor { name, place: directory.into() });
            }
        }
        if offset != n_bytes {
            return Err(refuse(format!("describes {offset} bytes, the shards hold {n_bytes}; the package is cut")));
        }
        Ok(Self { shards, weights })
    }

    pub(super) fn get(&self, name: &str) -> Result<&Weight, PackError> {
        let place = "the nsfwjs package";
        self.weights.get(name).ok_or_else(|| PackError::MissingTensor { name: name.into(), place: place.into() })
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.weights.keys().map(String::as_str)
    }

    /// The tensor's bytes as stored.
    pub(super) async fn bytes(&self, folder: &impl Folder, weight: &Weight) -> Result<Vec<u8>, PackError> {
        let end = weight.offset + weight.n_elements() as u64;
        let mut bytes = Vec::with_capacity(weight.n_elements());
        for shard in &self.shards {
            let first = weight.offset.max(shard.first_byte);
            let last = end.min(shard.first_byte + shard.n_bytes);
            if first < last {
                shard.read(folder, first - shard.first_byte, last - shard.first_byte, &mut bytes).await?;
            }
        }
        Ok(bytes)
    }

    /// The tensor as numbers.
    pub(super) async fn values(&self, folder: &impl Folder, weight: &Weight) -> Result<Vec<f64>, PackError> {
        let bytes = self.bytes(folder, weight).await?;
        Ok(bytes.into_iter().map(|byte| f64::from(byte) * weight.scale + weight.min).collect())
    }
}

impl Weight {
    fn read(entry: &Value, offset: u64) -> Result<Self, String> {
        let Some(name) = entry["name"].as_str() else { return Err("a weight has no name".into()) };
        let quantization = &entry["quantization"];
        if entry["dtype"] != "float32" || quantization["dtype"] != "uint8" {
            return Err(format!("\"{name}\" must be float32 stored as uint8"));
        }
        let shape = entry["shape"].as_array().and_then(|shape| {
            // Numbers of a JavaScript literal are floats; a dimension must be a whole one.
            shape
                .iter()
                .map(|n| n.as_f64().filter(|n| n.fract() == 0.0 && (1.0..1e6).contains(n)).map(|n| n as usize))
                .collect()
        });
        let n_elements = |shape: &Vec<usize>| shape.iter().try_fold(1usize, |product, &n| product.checked_mul(n));
        let Some(shape) = shape.filter(|shape| n_elements(shape).is_some_and(|n| n <= 1 << 26)) else {
            return Err(format!("\"{name}\" has shape {}, which no tensor of this model has", entry["shape"]));
        };
        match (quantization["scale"].as_f64(), quantization["min"].as_f64()) {
            (Some(scale), Some(min)) if scale.is_finite() && min.is_finite() => {
                Ok(Self { name: name.into(), shape, scale, min, offset })
            }
            _ => Err(format!("\"{name}\" must have a finite scale and min")),
        }
    }

    pub(super) fn n_elements(&self) -> usize {
        self.shape.iter().product()
    }

    /// The byte that stands for 0, where one does: the converter moves the minimum so that kernels have one.
    pub(super) fn zero_point(&self) -> Option<i32> {
        let zero = -self.min / self.scale;
        let whole = zero.round();
        ((zero - whole).abs() < 1e-4 && (0.0..=255.0).contains(&whole)).then_some(whole as i32)
    }
}

impl Shard {
    async fn open(folder: &impl Folder, file: String, first_byte: u64) -> Result<Self, PackError> {
        let refuse = |problem: &str| PackError::source(&file, problem);
        let Some(length) = folder.length(&file).await? else { return Err(refuse("is missing")) };
        let window = PRELUDE_BYTES_MAX.min(length);
        let head = folder.read_at(&file, 0, window as usize).await?;
        let tail = folder.read_at(&file, length - window, window as usize).await?;
        let marker = b".exports=\"";
        let start = head.windows(marker.len()).position(|bytes| bytes == marker);
        let end = tail.windows(2).rposition(|bytes| bytes == b"\"}");
        let (Some(start), Some(end)) = (start, end) else {
            return Err(refuse("has no string of weights, or is cut"));
        };
        let text_start = (start + marker.len()) as u64;
        let text_end = length - window + end as u64;
        let Some(n_characters) = text_end.checked_sub(text_start).filter(|n| n % 4 == 0 && *n > 0) else {
            return Err(refuse("has a string of weights that is no whole base64, it is cut"));
        };
        let last = folder.read_at(&file, text_end - 2, 2).await?;
        let n_padding = last.iter().filter(|&&byte| byte == b'=').count() as u64;
        Ok(Self { text_start, first_byte, n_bytes: n_characters / 4 * 3 - n_padding, file })
    }

    /// Decodes bytes `first..last` of this shard onto the end of `bytes`.
    async fn read(&self, folder: &impl Folder, first: u64, last: u64, bytes: &mut Vec<u8>) -> Result<(), PackError> {
        let first_quad = first / 3;
        let n_quads = last.div_ceil(3) - first_quad;
        let text = folder.read_at(&self.file, self.text_start + first_quad * 4, (n_quads * 4) as usize).await?;
        let decoded = STANDARD
            .decode(&text)
            .map_err(|error| PackError::source(&self.file, format!("the weights are no base64: {error}")))?;
        let skip = (first - first_quad * 3) as usize;
        let wanted = decoded.get(skip..skip + (last - first) as usize);
        bytes.extend_from_slice(wanted.ok_or_else(|| PackError::source(&self.file, "the weights end too early"))?);
        Ok(())
    }
}
