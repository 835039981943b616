//! The shape of a MobileNetV2 out of the two kinds of topology in the nsfwjs package: Keras layers (mobilenet_v2) and a
//! frozen graph with batch norm folded in (mobilenet_v2_mid). Both become one [`Net`]; a net that is not a straight
//! chain of inverted residuals is refused by the name of the layer where it differs.

use serde_json::Value;

use super::super::PackError;

/// Where a convolution's per-channel factor and bias come from.
#[derive(Debug, Clone)]
pub(super) enum Fold {
    /// The layer's name (`/gamma`, `/beta`, ... follow) and its epsilon.
    BatchNorm {
        layer: String,
        epsilon: f64,
    },
    Bias(String),
}

#[derive(Debug, Clone)]
pub(super) struct Convolution {
    pub name: String,
    pub kind: Kind,
    pub weight: String,
    pub stride: u32,
    pub fold: Fold,
    pub clipped: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// 3x3 over all channels.
    Stem,
    /// 3x3 over each channel alone.
    Depthwise,
    /// 1x1.
    Pointwise,
}

#[derive(Debug)]
pub(super) struct Block {
    pub expand: Option<Convolution>,
    pub depthwise: Convolution,
    pub project: Convolution,
    pub residual: bool,
}

#[derive(Debug)]
pub(super) struct Dense {
    pub weight: String,
    pub bias: String,
    pub relu: bool,
}

#[derive(Debug)]
pub(super) struct Net {
    pub image_size: u32,
    pub input_scale: Scalar,
    pub input_offset: Scalar,
    pub stem: Convolution,
    pub blocks: Vec<Block>,
    pub last: Convolution,
    pub dense: Vec<Dense>,
}

/// A number of the net: known, or a weight of one element whose sign may have to change.
#[derive(Debug, Clone)]
pub(super) enum Scalar {
    Known(f64),
    Weight { name: String, negative: bool },
}

/// Gathers layers in order and checks that each takes what the one before it made.
struct Chain<'a> {
    file: &'a str,
    /// Names whose value is the chain's present end; Keras and graphs name it by the last layer.
    end: String,
    block_input: String,
    convolutions: Vec<(Convolution, bool)>,
    dense: Vec<Dense>,
    pooled: bool,
}

impl<'a> Chain<'a> {
    fn new(file: &'a str, input: &str) -> Self {
        let (end, block_input) = (input.to_string(), String::new());
        Self { file, end, block_input, convolutions: Vec::new(), dense: Vec::new(), pooled: false }
    }

    fn refuse<T>(&self, name: &str, problem: &str) -> Result<T, PackError> {
        Err(PackError::source(self.file, format!("layer \"{name}\" {problem}")))
    }

    fn follow(&mut self, name: &str, input: &str) -> Result<(), PackError> {
        if input != self.end {
            return self.refuse(name, &format!("takes \"{input}\", must take \"{}\"", self.end));
        }
        self.end = name.into();
        Ok(())
    }

    /// `input` is where a residual will have to come from, if this layer begins a block.
    fn convolution(&mut self, convolution: Convolution, input: &str) {
        let begins_block = match convolution.kind {
            Kind::Stem => false,
            // After the stem, the first block does not expand.
            Kind::Depthwise => self.convolutions.len() == 1,
            Kind::Pointwise => self.convolutions.last().is_some_and(|(before, _)| before.kind != Kind::Depthwise),
        };
        if begins_block {
            self.block_input = input.into();
        }
        self.convolutions.push((convolution, false));
    }

    fn residual(&mut self, name: &str, inputs: &[&str]) -> Result<(), PackError> {
        let other = match inputs {
            [a, b] if *b == self.end => *a,
            [a, b] if *a == self.end => *b,
            _ => return self.refuse(name, "must add the block's output to its input"),
        };
        if other != self.block_input {
            return self
                .refuse(name, &format!("adds \"{other}\", must add the block's input \"{}\"", self.block_input));
        }
        match self.convolutions.last_mut() {
            Some((_, residual)) => *residual = true,
            None => return self.refuse(name, "adds before any convolution"),
        }
        self.end = name.into();
        Ok(())
    }

    fn into_net(self, image_size: u32, input_scale: Scalar, input_offset: Scalar) -> Result<Net, PackError> {
        let file = self.file;
        let refuse = |name: &str, problem: &str| Err(PackError::source(file, format!("layer \"{name}\" {problem}")));
        let mut convolutions = self.convolutions.into_iter().peekable();
        let Some((stem, _)) = convolutions.next().filter(|(first, _)| first.kind == Kind::Stem && first.clipped) else {
            return refuse("1", "must be a 3x3 convolution with a clipped activation");
        };
        let mut blocks = Vec::new();
        let mut last = None;
        while let Some((convolution, _)) = convolutions.next() {
            let is_depthwise = convolution.kind == Kind::Depthwise;
            if !is_depthwise && convolutions.peek().is_none() {
                last = Some(convolution);
                break;
            }
            let (expand, depthwise) = if is_depthwise {
                (None, Some(convolution))
            } else {
                (Some(convolution), convolutions.next().map(|(next, _)| next))
            };
            let (Some(depthwise), Some((project, residual))) = (depthwise, convolutions.next()) else {
                return refuse("the last block", "is not whole");
            };
            let right = expand.as_ref().is_none_or(|e| e.kind == Kind::Pointwise && e.clipped && e.stride == 1)
                && depthwise.kind == Kind::Depthwise
                && depthwise.clipped
                && project.kind == Kind::Pointwise
                && !project.clipped
                && project.stride == 1;
            if !right {
                return refuse(&project.name, "does not end an inverted residual block (expand, depthwise, project)");
            }
            blocks.push(Block { expand, depthwise, project, residual });
        }
        let Some(last) = last.filter(|last| last.kind == Kind::Pointwise && last.clipped && last.stride == 1) else {
            return refuse("the last convolution", "must be 1x1 with a clipped activation");
        };
        if !self.pooled || self.dense.is_empty() || blocks.is_empty() {
            return refuse(&last.name, "must be followed by a global average and dense layers");
        }
        Ok(Net { image_size, input_scale, input_offset, stem, blocks, last, dense: self.dense })
    }
}

/// Reads Keras' `modelTopology.model_config`.
pub(super) fn keras(topology: &Value, file: &str) -> Result<Net, PackError> {
    let Some(layers) = topology["model_config"]["config"]["layers"].as_array() else {
        return Err(PackError::source(file, "has no Keras layers"));
    };
    let mut chain = Chain::new(file, "");
    let mut image_size = 0;
    let mut padded = false;
    for layer in layers {
        let config = &layer["config"];
        let name = layer["name"].as_str().unwrap_or("without a name");
        let inbound: Vec<&str> =
            layer["inbound_nodes"][0].as_array().into_iter().flatten().filter_map(|node| node[0].as_str()).collect();
        let class = layer["class_name"].as_str().unwrap_or("none");
        if class == "InputLayer" {
            image_size = square(&config["batch_input_shape"]).ok_or_else(|| {
                PackError::source(file, format!("layer \"{name}\" must take square pictures of three channels"))
            })?;
            chain.end = name.into();
            continue;
        }
        if class == "Add" {
            chain.residual(name, &inbound)?;
            continue;
        }
        let input = inbound.first().copied().unwrap_or("nothing");
        chain.follow(name, input)?;
        match class {
            "ZeroPadding2D" => {
                if config["padding"] != float_json("[[0,1],[0,1]]") {
                    return chain.refuse(name, "must pad one pixel below and to the right");
                }
                padded = true;
            }
            "Conv2D" | "DepthwiseConv2D" => {
                let depthwise = class == "DepthwiseConv2D";
                let kind = match (depthwise, pair(&config["kernel_size"])) {
                    (true, Some(3)) => Kind::Depthwise,
                    (false, Some(3)) => Kind::Stem,
                    (false, Some(1)) => Kind::Pointwise,
                    _ => return chain.refuse(name, "has a kernel that is neither 3x3 nor 1x1"),
                };
                let stride = pair(&config["strides"]).unwrap_or(0);
                let padding = config["padding"].as_str().unwrap_or("none");
                let same = match kind {
                    Kind::Pointwise => stride == 1 && !padded,
                    _ => matches!(
                        (stride, padding, padded),
                        (1, "same", false) | (2, "valid", true) | (2, "same", false)
                    ),
                };
                if !same || config["use_bias"] != Value::Bool(false) || config["activation"] != "linear" {
                    return chain.refuse(
                        name,
                        "must have TensorFlow's \"same\" padding, stride 1 or 2, no bias, no activation",
                    );
                }
                padded = false;
                let weight = format!("{name}/{}", if depthwise { "depthwise_kernel" } else { "kernel" });
                let fold = Fold::Bias(String::new());
                chain.convolution(Convolution { name: name.into(), kind, weight, stride, fold, clipped: false }, input);
            }
            "BatchNormalization" => {
                let (epsilon, plain) =
                    (config["epsilon"].as_f64(), config["scale"] == true && config["center"] == true);
                match (chain.convolutions.last_mut(), epsilon) {
                    (Some((convolution, _)), Some(epsilon)) if plain && epsilon > 0.0 => {
                        convolution.fold = Fold::BatchNorm { layer: name.into(), epsilon };
                    }
                    _ => return chain.refuse(name, "must follow a convolution, with epsilon, scale and center"),
                }
            }
            "ReLU" => match chain.convolutions.last_mut() {
                Some((convolution, _)) if config["max_value"].as_f64() == Some(6.0) => convolution.clipped = true,
                _ => return chain.refuse(name, "must follow a convolution and clip at 6"),
            },
            "AveragePooling2D" => {
                // The last feature map is the picture's size over 32.
                if pair(&config["pool_size"]) != Some(image_size / 32) {
                    return chain.refuse(name, "must average the whole feature map");
                }
                chain.pooled = true;
            }
            "GlobalAveragePooling2D" => chain.pooled = true,
            "Flatten" | "Dropout" => {}
            "Dense" => {
                let activation = config["activation"].as_str().unwrap_or("none");
                if !matches!(activation, "relu" | "softmax") || config["use_bias"] != Value::Bool(true) {
                    return chain.refuse(name, "must have a bias and relu or softmax");
                }
                let dense = Dense {
                    weight: format!("{name}/kernel"),
                    bias: format!("{name}/bias"),
                    relu: activation == "relu",
                };
                chain.dense.push(dense);
            }
            other => return chain.refuse(name, &format!("is a {other}, which no MobileNetV2 of nsfwjs has")),
        }
    }
    if let Some((softmax, others)) = chain.dense.split_last().map(|(last, others)| (!last.relu, others))
        && (!softmax || others.iter().any(|dense| !dense.relu))
    {
        return chain.refuse("dense", "activations must be relu and, at the end, softmax");
    }
    chain.into_net(image_size, Scalar::Known(1.0), Scalar::Known(0.0))
}

/// Reads a frozen graph's `modelTopology.node`.
pub(super) fn graph(topology: &Value, file: &str) -> Result<Net, PackError> {
    let Some(nodes) = topology["node"].as_array() else { return Err(PackError::source(file, "has no graph nodes")) };
    let mut chain = Chain::new(file, "");
    let (mut scale, mut offset) = (Scalar::Known(1.0), Scalar::Known(0.0));
    let mut image_size = 0;
    for node in nodes {
        let name = node["name"].as_str().unwrap_or("without a name");
        let inputs: Vec<&str> = node["input"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        let attributes = &node["attr"];
        let first = inputs.first().copied().unwrap_or("nothing");
        match node["op"].as_str().unwrap_or("none") {
            "Const" => {}
            "Placeholder" => {
                let sizes: Vec<Value> = attributes["shape"]["shape"]["dim"]
                    .as_array()
                    .into_iter()
                    .flatten()
                    .map(|d| d["size"].clone())
                    .collect();
                image_size = square(&Value::Array(sizes)).ok_or_else(|| {
                    PackError::source(file, format!("node \"{name}\" must take square pictures of three channels"))
                })?;
                chain.end = name.into();
            }
            "Mul" if chain.convolutions.is_empty() && inputs.len() == 2 => {
                // Either side may be the picture.
                let (picture, factor) = if inputs[1] == chain.end { (inputs[1], first) } else { (first, inputs[1]) };
                chain.follow(name, picture)?;
                scale = Scalar::Weight { name: factor.into(), negative: false };
            }
            "Sub" if chain.convolutions.is_empty() && inputs.len() == 2 => {
                chain.follow(name, first)?;
                offset = Scalar::Weight { name: inputs[1].into(), negative: true };
            }
            op @ ("_FusedConv2D" | "FusedDepthwiseConv2dNative") => {
                let (Some(weight), Some(bias)) = (inputs.get(1), inputs.get(2)) else {
                    return chain.refuse(name, "must have weights and a bias");
                };
                let strides: Vec<Option<u64>> =
                    attributes["strides"]["list"]["i"].as_array().into_iter().flatten().map(whole).collect();
                let stride = match strides.as_slice() {
                    [Some(1), Some(1), Some(1), Some(1)] => 1,
                    [Some(1), Some(2), Some(2), Some(1)] => 2,
                    _ => return chain.refuse(name, "must have stride 1 or 2"),
                };
                if attributes["padding"]["s"] != "U0FNRQ==" {
                    return chain.refuse(name, "must have SAME padding");
                }
                let clipped = fused(attributes, "UmVsdTY=") && fused(attributes, "Qmlhc0FkZA==");
                if !fused(attributes, "Qmlhc0FkZA==") {
                    return chain.refuse(name, "must have a fused bias");
                }
                let kind = match op {
                    "FusedDepthwiseConv2dNative" => Kind::Depthwise,
                    _ if chain.convolutions.is_empty() => Kind::Stem,
                    _ => Kind::Pointwise,
                };
                chain.follow(name, first)?;
                let fold = Fold::Bias((*bias).into());
                let weight = (*weight).into();
                chain.convolution(Convolution { name: name.into(), kind, weight, stride, fold, clipped }, first);
            }
            "AddV2" => {
                chain.residual(name, &inputs)?;
            }
            "AvgPool" => {
                let sizes: Vec<Option<u64>> =
                    attributes["ksize"]["list"]["i"].as_array().into_iter().flatten().map(whole).collect();
                let side = Some(u64::from(image_size / 32));
                if sizes != [Some(1), side, side, Some(1)] {
                    return chain.refuse(name, "must average the whole feature map");
                }
                chain.follow(name, first)?;
                chain.pooled = true;
            }
            "Squeeze" | "Softmax" | "Identity" => chain.follow(name, first)?,
            "_FusedMatMul" => {
                let (Some(weight), Some(bias)) = (inputs.get(1), inputs.get(2)) else {
                    return chain.refuse(name, "must have weights and a bias");
                };
                chain.follow(name, first)?;
                let relu = fused(attributes, "UmVsdQ==");
                chain.dense.push(Dense { weight: (*weight).into(), bias: (*bias).into(), relu });
            }
            other => return chain.refuse(name, &format!("is a {other}, which no MobileNetV2 of nsfwjs has")),
        }
    }
    chain.into_net(image_size, scale, offset)
}

/// Whether a fused node ends with this operation (its name in base64, as the converter writes it).
fn fused(attributes: &Value, operation: &str) -> bool {
    attributes["fused_ops"]["list"]["s"].as_array().into_iter().flatten().any(|s| s == operation)
}

/// Whole numbers stand as numbers or as strings.
fn whole(value: &Value) -> Option<u64> {
    match value {
        Value::String(text) => text.parse().ok(),
        other => other.as_f64().filter(|n| n.fract() == 0.0 && *n >= 0.0).map(|n| n as u64),
    }
}

/// n of [any, n, n, 3].
fn square(shape: &Value) -> Option<u32> {
    let sizes: Vec<Option<u64>> = shape.as_array()?.iter().skip(1).map(whole).collect();
    match sizes.as_slice() {
        [Some(height), Some(width), Some(3)] if height == width && *height % 32 == 0 && *height > 0 => {
            u32::try_from(*height).ok()
        }
        _ => None,
    }
}

/// n of [n, n].
fn pair(value: &Value) -> Option<u32> {
    match value.as_array()?.as_slice() {
        [a, b] if a == b => whole(a).and_then(|n| u32::try_from(n).ok()),
        _ => None,
    }
}

/// JSON whose numbers are floats, as those of a JavaScript literal are.
fn float_json(text: &str) -> Value {
    fn float(value: Value) -> Value {
        match value {
            Value::Array(values) => Value::Array(values.into_iter().map(float).collect()),
            Value::Number(number) => Value::from(number.as_f64()),
            other => other,
        }
    }
    serde_json::from_str(text).map(float).unwrap_or_default()
}
