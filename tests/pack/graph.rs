//! A graph with the shape of open_nsfw and made-up weights, as ONNX bytes.

/// A node; what it makes is called as it is.
#[derive(Debug, Clone)]
pub struct Node {
    pub name: String,
    pub op: &'static str,
    pub inputs: Vec<String>,
    pub attributes: Vec<(&'static str, Attribute)>,
}

#[derive(Debug, Clone)]
pub enum Attribute {
    Int(i64),
    Ints(Vec<i64>),
    Text(&'static str),
    /// Whole numbers: no axis, or one.
    Number(i64),
    Row(Vec<i64>),
}

#[derive(Debug, Clone)]
pub struct Tensor {
    pub name: String,
    pub dims: Vec<i64>,
    /// 1: floats.
    pub kind: i64,
    pub values: Vec<f32>,
}

#[derive(Debug, Clone)]
pub struct Graph {
    pub opset: i64,
    pub image_size: i64,
    pub nodes: Vec<Node>,
    pub tensors: Vec<Tensor>,
    random: u64,
}

const TO_FLOAT: (&str, Attribute) = ("to", Attribute::Int(1));
const TO_I64: (&str, Attribute) = ("to", Attribute::Int(7));

impl Graph {
    pub fn open_nsfw() -> Self {
        let mut graph = Self { opset: 17, image_size: 224, nodes: vec![], tensors: vec![], random: 1 };
        graph.node("cast", "Cast", &["picture"], &[TO_FLOAT]);
        let amounts = graph.row(&[0, 0, 3, 3, 3, 3]);
        let amounts = graph.amounts("pad", &amounts, 2);
        let mode = |mode| ("mode", Attribute::Text(mode));
        // The number to pad with, left out.
        graph.node("pad", "Pad", &["cast", &amounts, ""], &[mode("constant")]);
        let x = graph.channels("pad", true);
        let x = graph.convolution(&x, [64, 3, 7], 2, None);
        let x = graph.relu(&x);
        let x = graph.channels(&x, true);
        let pool_amounts = graph.pool_amounts(&x);
        graph.node("pool_pad", "Pad", &[&x, &pool_amounts], &[mode("edge")]);
        let two = |n| Attribute::Ints(vec![n; 2]);
        let attributes = [
            ("ceil_mode", Attribute::Int(0)),
            ("dilations", two(1)),
            ("kernel_shape", two(3)),
            ("pads", Attribute::Ints(vec![0; 4])),
            ("strides", two(2)),
        ];
        graph.node("pool", "MaxPool", &["pool_pad"], &attributes);
        let mut x = graph.channels("pool", false);
        let mut n_in = 64;
        for (n_blocks, narrow, n_out, stride) in [(3, 32, 128, 1), (4, 64, 256, 2), (6, 128, 512, 2), (3, 256, 1024, 2)]
        {
            for block in 0..n_blocks {
                x = graph.block(&x, [narrow, n_out, n_in], if block == 0 { stride } else { 1 }, block == 0);
                n_in = n_out;
            }
        }
        graph.node(
            "mean",
            "ReduceMean",
            &[&x],
            &[("axes", Attribute::Ints(vec![1, 2])), ("keepdims", Attribute::Int(0))],
        );
        graph.tensor("dense_weight", &[1024, 2], 0.1);
        graph.tensor("dense_bias", &[2], 0.1);
        graph.node("dense", "MatMul", &["mean", "dense_weight"], &[]);
        graph.node("logits", "Add", &["dense", "dense_bias"], &[]);
        graph.node("scores", "Softmax", &["logits"], &[("axis", Attribute::Int(-1))]);
        graph
    }

    fn node(&mut self, name: &str, op: &'static str, inputs: &[&str], attributes: &[(&'static str, Attribute)]) {
        let inputs = inputs.iter().map(|input| input.to_string()).collect();
        self.nodes.push(Node { name: name.into(), op, inputs, attributes: attributes.to_vec() });
    }

    /// A node of which nobody needs to know the name.
    fn op(&mut self, op: &'static str, inputs: &[&str], attributes: &[(&'static str, Attribute)]) -> String {
        let name = format!("{op}_{}", self.nodes.len());
        self.node(&name, op, inputs, attributes);
        name
    }

    fn tensor(&mut self, name: &str, dims: &[i64], size: f32) {
        let values = (0..dims.iter().product()).map(|_| self.random() * size).collect();
        self.tensors.push(Tensor { name: name.into(), dims: dims.to_vec(), kind: 1, values });
    }

    /// -1 to 1, the same on every machine.
    fn random(&mut self) -> f32 {
        self.random = self.random.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (self.random >> 40) as f32 / (1 << 23) as f32 - 1.0
    }

    /// Channels before pixels, or behind them.
    fn channels(&mut self, x: &str, first: bool) -> String {
        let perm = if first { vec![0, 3, 1, 2] } else { vec![0, 2, 3, 1] };
        let x = self.op("Transpose", &[x], &[("perm", Attribute::Ints(perm))]);
        self.op("Cast", &[&x], &[TO_FLOAT])
    }

    fn relu(&mut self, x: &str) -> String {
        self.op("Relu", &[x], &[])
    }

    /// Convolutions and their tensors are numbered. `beta` may be another's.
    fn convolution(&mut self, x: &str, [n_out, n_in, kernel]: [i64; 3], stride: i64, beta: Option<&str>) -> String {
        let i = self.nodes.iter().filter(|node| node.op == "Conv").count();
        let [weight, bias, mean, factor, own_beta] =
            ["weight", "bias", "mean", "factor", "beta"].map(|part| format!("{part}_{i}"));
        self.tensor(&weight, &[n_out, n_in, kernel, kernel], 0.1);
        for name in [&bias, &mean, &factor] {
            self.tensor(name, &[1, 1, 1, n_out], 0.5);
        }
        let beta = match beta {
            Some(beta) => self.op("Identity", &[beta], &[]),
            None => {
                self.tensor(&own_beta, &[1, 1, 1, n_out], 0.5);
                own_beta
            }
        };
        let two = |n| Attribute::Ints(vec![n; 2]);
        // The stem's zeros come from a node of their own.
        let pad = if kernel == 3 { 1 } else { 0 };
        let attributes = [
            ("dilations", two(1)),
            ("group", Attribute::Int(1)),
            ("kernel_shape", two(kernel)),
            ("pads", Attribute::Ints(vec![pad; 4])),
            ("strides", two(stride)),
        ];
        let name = format!("conv_{i}");
        self.node(&name, "Conv", &[x, &weight], &attributes);
        let x = self.channels(&name, false);
        let x = self.op("Add", &[&x, &bias], &[]);
        let x = self.op("Sub", &[&x, &mean], &[]);
        let x = self.op("Mul", &[&x, &factor], &[]);
        self.op("Add", &[&x, &beta], &[])
    }

    fn block(&mut self, x: &str, [narrow, n_out, n_in]: [i64; 3], stride: i64, projects: bool) -> String {
        let first = self.channels(x, true);
        let wide = self.convolution(&first, [narrow, n_in, 1], stride, None);
        let wide = self.relu(&wide);
        let wide = self.channels(&wide, true);
        let wide = self.convolution(&wide, [narrow, narrow, 3], 1, None);
        let wide = self.relu(&wide);
        let wide = self.channels(&wide, true);
        // The projection stands before the last convolution, whose beta it has too.
        let projection = projects.then(|| {
            let i = self.nodes.iter().filter(|node| node.op == "Conv").count();
            let beta = format!("beta_{}", i + 1);
            self.tensor(&beta, &[1, 1, 1, n_out], 0.5);
            let first = self.channels(x, true);
            (self.convolution(&first, [n_out, n_in, 1], stride, Some(&beta)), beta)
        });
        let shared = projection.as_ref().map(|(_, beta)| beta.as_str());
        let wide = self.convolution(&wide, [n_out, narrow, 1], 1, shared);
        let short = projection.as_ref().map_or(x, |(short, _)| short);
        let sum = self.op("Add", &[&wide, short], &[]);
        self.relu(&sum)
    }

    fn row(&mut self, numbers: &[i64]) -> String {
        self.op("Constant", &[], &[("value", Attribute::Row(numbers.to_vec()))])
    }

    fn number(&mut self, number: i64) -> String {
        self.op("Constant", &[], &[("value", Attribute::Number(number))])
    }

    /// As PyTorch exports it: `sides` are before and after for each axis from the last, and zeros follow for `n_rest`
    /// sides more.
    fn amounts(&mut self, name: &str, sides: &str, n_rest: i64) -> String {
        let n_rest = self.row(&[n_rest]);
        self.amounts_of(name, sides, &n_rest)
    }

    fn amounts_of(&mut self, name: &str, sides: &str, n_rest: &str) -> String {
        let zeros = self.op("ConstantOfShape", &[n_rest], &[("value", Attribute::Row(vec![0]))]);
        let sides = self.op("Concat", &[sides, &zeros], &[("axis", Attribute::Int(0))]);
        let to = self.row(&[-1, 2]);
        let allow = [("allowzero", Attribute::Int(0))];
        let axes = self.op("Reshape", &[&sides, &to], &allow);
        let [last, first, axis, back] = [-1, -i64::MAX, 0, -1].map(|n| self.row(&[n]));
        let turned = self.op("Slice", &[&axes, &last, &first, &axis, &back], &[]);
        let sides = self.op("Transpose", &[&turned], &[("perm", Attribute::Ints(vec![1, 0]))]);
        let to = self.row(&[-1]);
        let amounts = self.op("Reshape", &[&sides, &to], &allow);
        let name = format!("{name}_amounts");
        self.node(&name, "Cast", &[&amounts], &[TO_I64]);
        name
    }

    /// What "same" padding would be for a pool of 3 and stride 2 over `x`, computed by the graph.
    fn pool_amounts(&mut self, x: &str) -> String {
        let [one, two, three, eight] = [1, 2, 3, 8].map(|n| self.number(n));
        let axis_0 = [("axis", Attribute::Int(0))];
        let mut sides = vec![];
        for axis in [3, 2] {
            let shape = self.op("Shape", &[x], &[]);
            let axis = self.number(axis);
            let size = self.op("Gather", &[&shape, &axis], &axis_0);
            let rounded = self.op("Add", &[&size, &one], &[]);
            let n_steps = self.op("Div", &[&rounded, &two], &[]);
            let n_steps = self.op("Cast", &[&n_steps], &[TO_I64]);
            let n_steps = self.op("Sub", &[&n_steps, &one], &[]);
            let reach = self.op("Mul", &[&n_steps, &two], &[]);
            let reach = self.op("Add", &[&reach, &three], &[]);
            let missing = self.op("Sub", &[&reach, &size], &[]);
            let before = self.op("Div", &[&missing, &two], &[]);
            let after = self.op("Sub", &[&missing, &before], &[]);
            let axis = self.row(&[0]);
            sides.extend([before, after].map(|side| self.op("Unsqueeze", &[&side, &axis], &[])));
        }
        let sides = sides.iter().map(String::as_str).collect::<Vec<_>>();
        let sides = self.op("Concat", &sides, &axis_0);
        let shape = self.op("Shape", &[&sides], &[]);
        let first = self.row(&[0]);
        let n_sides = self.op("Gather", &[&shape, &first], &axis_0);
        let n_rest = self.op("Sub", &[&eight, &n_sides], &[]);
        self.amounts_of("pool", &sides, &n_rest)
    }

    /// Where a node of this name stands.
    pub fn at(&self, name: &str) -> usize {
        self.nodes.iter().position(|node| node.name == name).expect("the node")
    }

    /// The node that takes what the node of this name makes; the only one, or the first.
    pub fn taker(&self, name: &str) -> usize {
        self.nodes.iter().position(|node| node.inputs.iter().any(|input| input == name)).expect("a node that takes it")
    }

    pub fn attribute(&mut self, node: &str, name: &str) -> &mut Attribute {
        let node = self.at(node);
        let found = self.nodes[node].attributes.iter_mut().find(|(other, _)| *other == name);
        &mut found.expect("the attribute").1
    }

    pub fn tensor_at(&mut self, name: &str) -> &mut Tensor {
        self.tensors.iter_mut().find(|tensor| tensor.name == name).expect("the tensor")
    }

    /// The file.
    pub fn to_bytes(&self) -> Vec<u8> {
        let sizes: Vec<u8> = [None, Some(self.image_size), Some(self.image_size), Some(3)]
            .map(|size| bytes(1, &size.map_or_else(|| bytes(2, b"batch"), |size| int(1, size))))
            .concat();
        let picture = [bytes(1, b"picture"), bytes(2, &bytes(1, &[int(1, 1), bytes(2, &sizes)].concat()))].concat();
        let mut graph: Vec<u8> = self.nodes.iter().flat_map(|node| bytes(1, &node.to_bytes())).collect();
        for tensor in &self.tensors {
            graph.extend(bytes(5, &tensor.to_bytes()));
        }
        graph.extend(bytes(11, &picture));
        graph.extend(bytes(12, &bytes(1, b"scores")));
        [int(1, 8), bytes(2, b"a test"), bytes(7, &graph), bytes(8, &int(2, self.opset))].concat()
    }
}

impl Node {
    fn to_bytes(&self) -> Vec<u8> {
        let inputs = self.inputs.iter().flat_map(|input| bytes(1, input.as_bytes()));
        let name = self.name.as_bytes();
        let attributes = self.attributes.iter().flat_map(|(name, value)| {
            let values = |dims: &[i64], numbers: &[i64]| {
                let numbers: Vec<u8> = numbers.iter().flat_map(|n| n.to_le_bytes()).collect();
                bytes(5, &tensor(7, dims, "", &numbers))
            };
            let (kind, value) = match value {
                Attribute::Int(n) => (2, int(3, *n)),
                Attribute::Text(text) => (3, bytes(4, text.as_bytes())),
                Attribute::Number(n) => (4, values(&[], &[*n])),
                Attribute::Row(numbers) => (4, values(&[numbers.len() as i64], numbers)),
                Attribute::Ints(numbers) => (7, numbers.iter().flat_map(|&n| int(8, n)).collect()),
            };
            bytes(5, &[bytes(1, name.as_bytes()), value, int(20, kind)].concat())
        });
        inputs
            .chain(bytes(2, name))
            .chain(bytes(3, name))
            .chain(bytes(4, self.op.as_bytes()))
            .chain(attributes)
            .collect()
    }
}

impl Tensor {
    fn to_bytes(&self) -> Vec<u8> {
        let raw: Vec<u8> = self.values.iter().flat_map(|value| value.to_le_bytes()).collect();
        tensor(self.kind, &self.dims, &self.name, &raw)
    }
}

fn tensor(kind: i64, dims: &[i64], name: &str, raw: &[u8]) -> Vec<u8> {
    let dims: Vec<u8> = dims.iter().flat_map(|&n| int(1, n)).collect();
    [dims, int(2, kind), bytes(8, name.as_bytes()), bytes(9, raw)].concat()
}

/// Protobuf's two kinds of field.
fn int(number: u64, value: i64) -> Vec<u8> {
    [varint(number << 3), varint(value as u64)].concat()
}

fn bytes(number: u64, value: &[u8]) -> Vec<u8> {
    [&varint(number << 3 | 2), &varint(value.len() as u64), value].concat()
}

fn varint(mut value: u64) -> Vec<u8> {
    let mut bytes = vec![];
    while value >= 0x80 {
        bytes.push(value as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
    bytes
}
