//! Whether a graph is open_nsfw, and where each layer's numbers lie in it. Goes from the scores back to the picture: at
//! each step one operator can be right, and a graph that has another is refused by the node's name. It never looks at a
//! weight.

use std::collections::BTreeMap;

use super::super::PackError;
use super::super::onnx::{Attribute, FILE, Input, Model, Node, Numbers, Tensor};
use super::padding;
use super::{CLASSES, IMAGE_SIZE, STAGES, STEM_CHANNELS, STEM_KERNEL};

/// The version of ONNX's operators by whose rules a graph is read here.
const OPSET: i64 = 17;

/// A convolution and the four numbers per output channel that follow it:
/// ((weight * x + bias) - mean) * factor + beta.
#[derive(Debug)]
pub(super) struct Convolution<'m, 'a> {
    pub size: Size,
    /// [outputs][inputs][rows][columns].
    pub weight: &'m Tensor<'a>,
    pub bias: &'m Tensor<'a>,
    pub mean: &'m Tensor<'a>,
    pub factor: &'m Tensor<'a>,
    pub beta: &'m Tensor<'a>,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Size {
    pub n_out: usize,
    pub n_in: usize,
    pub kernel: usize,
    pub stride: usize,
    /// Zeros all round; the stem's are put there by a node of their own.
    pub pad: usize,
}

#[derive(Debug)]
pub(super) struct Block<'m, 'a> {
    pub narrow: Convolution<'m, 'a>,
    pub middle: Convolution<'m, 'a>,
    /// In the first block of a stage.
    pub shortcut: Option<Convolution<'m, 'a>>,
    pub widen: Convolution<'m, 'a>,
}

#[derive(Debug)]
pub(super) struct Net<'m, 'a> {
    pub stem: Convolution<'m, 'a>,
    pub blocks: Vec<Block<'m, 'a>>,
    /// [inputs][outputs].
    pub dense_weight: &'m Tensor<'a>,
    pub dense_bias: &'m Tensor<'a>,
}

/// In which order a picture's numbers lie; an operator on channels or pixels is right in one of the two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    ChannelsFirst,
    ChannelsLast,
}

/// What flows from one node to another, in the order in which the taker sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Flow<'a> {
    name: &'a str,
    order: Order,
}

pub(super) fn refuse(node: &Node, problem: impl std::fmt::Display) -> PackError {
    PackError::source(FILE, format!("node \"{}\" {problem}; this is another net than open_nsfw", node.name()))
}

/// Refuses a node whose settings are others, or that has one more.
pub(super) fn expect_attributes(node: &Node, expected: &[(&str, Attribute)]) -> Result<(), PackError> {
    for (name, value) in expected {
        match node.attributes.iter().find(|(other, _)| other == name) {
            Some((_, found)) if found == value => {}
            Some((_, found)) => return Err(refuse(node, format!("has {name} {found:?}, must have {value:?}"))),
            None => return Err(refuse(node, format!("has no {name}, must have {value:?}"))),
        }
    }
    match node.attributes.iter().find(|(name, _)| expected.iter().all(|(other, _)| other != name)) {
        Some((name, _)) => Err(refuse(node, format!("has {name}, which nothing here reads"))),
        None if node.attributes.len() > expected.len() => Err(refuse(node, "has an attribute twice")),
        None => Ok(()),
    }
}

/// The layers of a graph, of which nothing is left over.
pub(super) fn read<'m, 'a>(model: &'m Model<'a>) -> Result<Net<'m, 'a>, PackError> {
    if model.opset != OPSET {
        let problem = format!("has version {} of the operators; {OPSET} can be read", model.opset);
        return Err(PackError::source(FILE, problem));
    }
    let mut walk = Walk::new(model)?;
    let net = walk.net()?;
    walk.check_all_used()?;
    Ok(net)
}

pub(super) struct Walk<'m, 'a> {
    model: &'m Model<'a>,
    input: &'m Input<'a>,
    /// Which node makes what has this name.
    makers: BTreeMap<&'a str, usize>,
    tensors: BTreeMap<&'a str, usize>,
    used_nodes: Vec<bool>,
    used_tensors: Vec<bool>,
}

impl<'m, 'a> Walk<'m, 'a> {
    /// Also refuses a graph whose nodes don't follow what they take, so no walk back through them goes in circles.
    fn new(model: &'m Model<'a>) -> Result<Self, PackError> {
        let [input] = model.inputs.as_slice() else {
            return Err(PackError::source(
                FILE,
                format!("has {} inputs, must have one, a picture", model.inputs.len()),
            ));
        };
        let mut tensors = BTreeMap::new();
        for (i, tensor) in model.initializers.iter().enumerate() {
            if tensors.insert(tensor.name, i).is_some() {
                return Err(PackError::DoubledTensor { name: tensor.name.into(), place: FILE.into() });
            }
        }
        let mut makers = BTreeMap::new();
        for (i, node) in model.nodes.iter().enumerate() {
            let is_there = |name: &str| {
                name.is_empty() || name == input.name || makers.contains_key(name) || tensors.contains_key(name)
            };
            if let Some(name) = node.inputs.iter().find(|name| !is_there(name)) {
                return Err(refuse(node, format!("takes \"{name}\", which no node before it makes")));
            }
            let &[output] = node.outputs.as_slice() else {
                return Err(refuse(node, format!("makes {} things, must make one", node.outputs.len())));
            };
            if is_there(output) {
                return Err(refuse(node, format!("makes \"{output}\", which is there already")));
            }
            makers.insert(output, i);
        }
        let (used_nodes, used_tensors) = (vec![false; model.nodes.len()], vec![false; model.initializers.len()]);
        Ok(Self { model, input, makers, tensors, used_nodes, used_tensors })
    }

    fn net(&mut self) -> Result<Net<'m, 'a>, PackError> {
        let input = self.input;
        let side = Some(i64::from(IMAGE_SIZE));
        if input.dims.get(1..) != Some(&[side, side, Some(3)]) {
            let problem =
                format!("has an input of {:?}, must be of {IMAGE_SIZE} by {IMAGE_SIZE} pixels by 3", input.dims);
            return Err(PackError::source(FILE, problem));
        }
        let &[output] = self.model.outputs.as_slice() else {
            return Err(PackError::source(FILE, "must have one output, two scores"));
        };

        // Behind the pixels' mean there are only channels, which are last.
        let scores = Flow { name: output, order: Order::ChannelsLast };
        let (softmax, logits) = self.operator(scores, "Softmax", 1)?;
        expect_attributes(softmax, &[("axis", Attribute::Int(-1))])?;
        let n_features = STAGES[STAGES.len() - 1].n_outputs;
        let (dense_bias, products) = self.with_constant(logits, "Add", &[CLASSES])?;
        let (dense_weight, means) = self.with_constant(products, "MatMul", &[n_features, CLASSES])?;
        let (mean, mut end) = self.operator(means, "ReduceMean", 1)?;
        self.expect_order(mean, end, Order::ChannelsLast)?;
        expect_attributes(mean, &[("axes", Attribute::Ints(vec![1, 2])), ("keepdims", Attribute::Int(0))])?;

        let mut blocks = vec![];
        for (i, stage) in STAGES.iter().enumerate().rev() {
            let n_before = if i == 0 { STEM_CHANNELS } else { STAGES[i - 1].n_outputs };
            for block in (0..stage.n_blocks).rev() {
                let (n_in, stride) = if block == 0 { (n_before, stage.stride) } else { (stage.n_outputs, 1) };
                let (block, start) = self.block(end, stage.n_narrow, stage.n_outputs, n_in, stride, block == 0)?;
                blocks.push(block);
                end = start;
            }
        }
        blocks.reverse();

        let (pool, end) = self.operator(end, "MaxPool", 1)?;
        self.expect_order(pool, end, Order::ChannelsFirst)?;
        expect_attributes(
            pool,
            &[
                ("ceil_mode", Attribute::Int(0)),
                ("dilations", Attribute::Ints(vec![1, 1])),
                ("kernel_shape", Attribute::Ints(vec![3, 3])),
                ("pads", Attribute::Ints(vec![0; 4])),
                ("strides", Attribute::Ints(vec![2, 2])),
            ],
        )?;
        let n_pixels = IMAGE_SIZE as usize / 2;
        let end = self.pad(end, "edge", [0, 1], n_pixels, STEM_CHANNELS)?;
        let end = self.relu(end)?;
        let size = Size { n_out: STEM_CHANNELS, n_in: 3, kernel: STEM_KERNEL, stride: 2, pad: 0 };
        let (stem, end) = self.convolution(end, size)?;
        let around = STEM_KERNEL as i64 / 2;
        let end = self.pad(end, "constant", [around; 2], IMAGE_SIZE as usize, 3)?;
        let end = self.origin(end)?;
        if end != (Flow { name: input.name, order: Order::ChannelsLast }) {
            let problem = format!("the stem takes \"{}\", must take the input \"{}\"", end.name, input.name);
            return Err(PackError::source(FILE, format!("{problem}; this is another net than open_nsfw")));
        }
        Ok(Net { stem, blocks, dense_weight, dense_bias })
    }

    /// A block that ends in `end`, and what it takes.
    fn block(
        &mut self,
        end: Flow<'a>,
        n_narrow: usize,
        n_out: usize,
        n_in: usize,
        stride: usize,
        projects: bool,
    ) -> Result<(Block<'m, 'a>, Flow<'a>), PackError> {
        let sum = self.relu(end)?;
        let (add, _) = self.operator(sum, "Add", 2)?;
        expect_attributes(add, &[])?;
        let order = self.origin(sum)?.order;
        let [wide, short] = [0, 1].map(|i| Flow { name: add.inputs[i], order });

        let (widen, end) = self.convolution(wide, Size { n_out, n_in: n_narrow, kernel: 1, stride: 1, pad: 0 })?;
        let end = self.relu(end)?;
        let size = Size { n_out: n_narrow, n_in: n_narrow, kernel: 3, stride: 1, pad: 1 };
        let (middle, end) = self.convolution(end, size)?;
        let end = self.relu(end)?;
        let (narrow, start) = self.convolution(end, Size { n_out: n_narrow, n_in, kernel: 1, stride, pad: 0 })?;
        let (shortcut, other_start) = if projects {
            let (shortcut, start) = self.convolution(short, Size { n_out, n_in, kernel: 1, stride, pad: 0 })?;
            (Some(shortcut), start)
        } else {
            (None, short)
        };
        let (start, other_start) = (self.origin(start)?, self.origin(other_start)?);
        if start != other_start {
            let problem =
                format!("adds what comes of \"{}\" and of \"{}\", must be of one", start.name, other_start.name);
            return Err(refuse(add, problem));
        }
        Ok((Block { narrow, middle, shortcut, widen }, start))
    }

    /// A convolution with what follows it up to `end`, and what it takes.
    fn convolution(&mut self, end: Flow<'a>, size: Size) -> Result<(Convolution<'m, 'a>, Flow<'a>), PackError> {
        let Size { n_out, n_in, kernel, stride, pad } = size;
        let per_channel = [1, 1, 1, n_out];
        let (beta, end) = self.with_constant(end, "Add", &per_channel)?;
        let (factor, end) = self.with_constant(end, "Mul", &per_channel)?;
        let (mean, end) = self.with_constant(end, "Sub", &per_channel)?;
        let (bias, end) = self.with_constant(end, "Add", &per_channel)?;
        let (node, input) = self.operator(end, "Conv", 2)?;
        self.expect_order(node, input, Order::ChannelsFirst)?;
        let both = |n: usize| Attribute::Ints(vec![n as i64; 2]);
        let attributes = [
            ("dilations", both(1)),
            ("group", Attribute::Int(1)),
            ("kernel_shape", both(kernel)),
            ("pads", Attribute::Ints(vec![pad as i64; 4])),
            ("strides", both(stride)),
        ];
        expect_attributes(node, &attributes)?;
        let weight = self.constant(node, node.inputs[1], &[n_out, n_in, kernel, kernel])?;
        Ok((Convolution { size, weight, bias, mean, factor, beta }, input))
    }

    fn relu(&mut self, end: Flow<'a>) -> Result<Flow<'a>, PackError> {
        let (node, input) = self.operator(end, "Relu", 1)?;
        expect_attributes(node, &[])?;
        Ok(input)
    }

    /// What a node takes that puts pixels before and after the rows and columns of pictures of `n_pixels` by `n_pixels`.
    fn pad(
        &mut self,
        end: Flow<'a>,
        mode: &'static str,
        [before, after]: [i64; 2],
        n_pixels: usize,
        n_channels: usize,
    ) -> Result<Flow<'a>, PackError> {
        let (node, input) = self.operator(end, "Pad", 2)?;
        expect_attributes(node, &[("mode", Attribute::Text(mode))])?;
        let of_axes = |pixels, channels| match input.order {
            Order::ChannelsFirst => [1, channels, pixels, pixels],
            Order::ChannelsLast => [1, pixels, pixels, channels],
        };
        let shape = of_axes(n_pixels as i64, n_channels as i64);
        let on_side =
            |pixels| of_axes(pixels, 0).into_iter().enumerate().map(|(axis, n)| if axis == 0 { 0 } else { n });
        let expected: Vec<i64> = on_side(before).chain(on_side(after)).collect();
        let amounts = padding::amounts(self, node, input.name, shape)?;
        if amounts != expected {
            return Err(refuse(node, format!("pads by {amounts:?}, must pad by {expected:?}")));
        }
        Ok(input)
    }

    /// Where `flow` comes from, past all nodes that change none of its numbers; its order is what it has there.
    fn origin(&mut self, mut flow: Flow<'a>) -> Result<Flow<'a>, PackError> {
        while let Some(node) = self.maker(flow.name) {
            flow.order = match node.op {
                "Cast" => {
                    expect_attributes(node, &[("to", Attribute::Int(1))])?;
                    flow.order
                }
                "Identity" => flow.order,
                "Transpose" => {
                    let (perm, before) = match flow.order {
                        Order::ChannelsFirst => (vec![0, 3, 1, 2], Order::ChannelsLast),
                        Order::ChannelsLast => (vec![0, 2, 3, 1], Order::ChannelsFirst),
                    };
                    expect_attributes(node, &[("perm", Attribute::Ints(perm))])?;
                    before
                }
                _ => return Ok(flow),
            };
            self.use_maker(flow.name);
            flow.name = self.only_input(node)?;
        }
        Ok(flow)
    }

    fn only_input(&self, node: &'m Node<'a>) -> Result<&'a str, PackError> {
        match node.inputs.as_slice() {
            &[input] => Ok(input),
            inputs => Err(refuse(node, format!("takes {} things, must take one", inputs.len()))),
        }
    }

    /// The node that `flow` comes from, which must be an `op`, and its first input in the order of its output.
    fn operator(&mut self, flow: Flow<'a>, op: &str, n_inputs: usize) -> Result<(&'m Node<'a>, Flow<'a>), PackError> {
        let flow = self.origin(flow)?;
        let Some(node) = self.maker(flow.name) else {
            let problem = format!("\"{}\" must come from a {op} and comes from no node", flow.name);
            return Err(PackError::source(FILE, format!("{problem}; this is another net than open_nsfw")));
        };
        if node.op != op {
            return Err(refuse(node, format!("is a {}, a {op} must be there", node.op)));
        }
        // An input that is left out may stand there as an empty name.
        let n_given = node.inputs.iter().rposition(|name| !name.is_empty()).map_or(0, |last| last + 1);
        if n_given != n_inputs {
            return Err(refuse(node, format!("takes {n_given} things, must take {n_inputs}")));
        }
        self.use_maker(flow.name);
        Ok((node, Flow { name: node.inputs[0], order: flow.order }))
    }

    /// The tensor of `dims` that an `op` combines with what flows; its channels are last.
    fn with_constant(
        &mut self,
        flow: Flow<'a>,
        op: &str,
        dims: &[usize],
    ) -> Result<(&'m Tensor<'a>, Flow<'a>), PackError> {
        let (node, input) = self.operator(flow, op, 2)?;
        self.expect_order(node, input, Order::ChannelsLast)?;
        expect_attributes(node, &[])?;
        Ok((self.constant(node, node.inputs[1], dims)?, input))
    }

    /// A tensor of the file, perhaps under another name.
    fn constant(&mut self, node: &Node, mut name: &'a str, dims: &[usize]) -> Result<&'m Tensor<'a>, PackError> {
        while let Some(identity) = self.maker(name).filter(|node| node.op == "Identity") {
            self.use_maker(name);
            name = self.only_input(identity)?;
        }
        let Some(&i) = self.tensors.get(name) else {
            return Err(refuse(node, format!("takes \"{name}\", which must be a tensor of the file and is not")));
        };
        let tensor = &self.model.initializers[i];
        if !matches!(tensor.numbers, Numbers::F32(_)) {
            return Err(PackError::tensor(name, "has whole numbers, must have floats"));
        }
        if tensor.dims != dims {
            return Err(PackError::tensor(name, format!("has dims {:?}, must have {dims:?}", tensor.dims)));
        }
        self.used_tensors[i] = true;
        Ok(tensor)
    }

    fn expect_order(&self, node: &Node, input: Flow, order: Order) -> Result<(), PackError> {
        if input.order == order {
            return Ok(());
        }
        Err(refuse(node, format!("takes numbers in the order {:?}, must take them {order:?}", input.order)))
    }

    pub(super) fn maker(&self, name: &str) -> Option<&'m Node<'a>> {
        self.makers.get(name).map(|&i| &self.model.nodes[i])
    }

    pub(super) fn use_maker(&mut self, name: &str) {
        if let Some(&i) = self.makers.get(name) {
            self.used_nodes[i] = true;
        }
    }

    /// What no layer uses would mean that the net was not understood.
    fn check_all_used(&self) -> Result<(), PackError> {
        if let Some(i) = self.used_tensors.iter().position(|used| !used) {
            let problem = "is used by no layer of open_nsfw; this is another net";
            return Err(PackError::tensor(self.model.initializers[i].name, problem));
        }
        match self.used_nodes.iter().position(|used| !used) {
            Some(i) => Err(refuse(&self.model.nodes[i], "makes what no layer uses")),
            None => Ok(()),
        }
    }
}
