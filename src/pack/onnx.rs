//! Reads ONNX: a graph of nodes and the tensors it starts from. Strict: what is read must be well formed and of a type
//! known here, or it is refused by the byte or the name; fields that no importer asks for are passed over. It never knows
//! what a node computes.
//!
//! By hand, because of protobuf a file of one net needs three kinds of field and of ONNX some twenty fields, which is less
//! than what stands here; a protobuf crate brings generated code and a build step, and copies 24 MB of weights to read
//! them.

use super::PackError;

/// What messages call the file; nobody tells its name here.
pub(super) const FILE: &str = "the ONNX file";

/// More nodes or tensors than any net has that can be packed; 24 MB of empty nodes would be gigabytes of memory.
const NODES_MAX: usize = 4096;
/// The same for what a node or a tensor has many of.
const PARTS_MAX: usize = 64;

/// A file of which everything but text and weights is on the heap once; those are looked at where they lie.
#[derive(Debug)]
pub(super) struct Model<'a> {
    /// The version of ONNX's own operators.
    pub opset: i64,
    pub nodes: Vec<Node<'a>>,
    pub initializers: Vec<Tensor<'a>>,
    pub inputs: Vec<Input<'a>>,
    pub outputs: Vec<&'a str>,
}

#[derive(Debug, Default)]
pub(super) struct Node<'a> {
    name: &'a str,
    pub op: &'a str,
    pub inputs: Vec<&'a str>,
    pub outputs: Vec<&'a str>,
    pub attributes: Vec<(&'a str, Attribute<'a>)>,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Attribute<'a> {
    Int(i64),
    Ints(Vec<i64>),
    Text(&'a str),
    Tensor(Tensor<'a>),
    /// A type that no importer asks for.
    Other,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Tensor<'a> {
    pub name: &'a str,
    pub dims: Vec<usize>,
    pub numbers: Numbers<'a>,
}

/// As they lie in the file.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Numbers<'a> {
    F32(&'a [[u8; 4]]),
    I64(&'a [[u8; 8]]),
}

/// What the net is given.
#[derive(Debug, Default)]
pub(super) struct Input<'a> {
    pub name: &'a str,
    /// Nothing where a size is left open.
    pub dims: Vec<Option<i64>>,
}

impl Node<'_> {
    /// What a message calls it: a node may have no name, but what it makes has one.
    pub fn name(&self) -> &str {
        if self.name.is_empty() { self.outputs.first().copied().unwrap_or_default() } else { self.name }
    }
}

impl Tensor<'_> {
    /// Nothing where they are no floats.
    pub fn floats(&self) -> Option<Vec<f32>> {
        match self.numbers {
            Numbers::F32(numbers) => Some(numbers.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect()),
            Numbers::I64(_) => None,
        }
    }

    /// Nothing where they are no whole numbers.
    pub fn integers(&self) -> Option<Vec<i64>> {
        match self.numbers {
            Numbers::F32(_) => None,
            Numbers::I64(numbers) => Some(numbers.iter().map(|bytes| i64::from_le_bytes(*bytes)).collect()),
        }
    }
}

/// Reads a whole file.
pub(super) fn read(bytes: &[u8]) -> Result<Model<'_>, PackError> {
    let (mut opset, mut graph) = (None, None);
    let mut fields = Fields { bytes, at: 0 };
    while let Some(field) = fields.next()? {
        match field.number {
            7 => once(&mut graph, field.message()?, &field)?,
            8 => {
                let (domain, version) = read_opset(field.message()?)?;
                if domain.is_empty() {
                    once(&mut opset, version, &field)?;
                }
            }
            _ => {}
        }
    }
    let Some(graph) = graph else {
        return Err(PackError::source(FILE, "has no graph; it is no ONNX file or it is cut"));
    };
    let mut model = Model { opset: 0, nodes: vec![], initializers: vec![], inputs: vec![], outputs: vec![] };
    read_graph(graph, &mut model)?;
    model.opset = opset
        .ok_or_else(|| PackError::source(FILE, "says no version of the operators; it is no ONNX file or it is cut"))?;
    Ok(model)
}

fn read_opset<'a>(mut fields: Fields<'a>) -> Result<(&'a str, i64), PackError> {
    let (mut domain, mut version) = ("", 0);
    while let Some(field) = fields.next()? {
        match field.number {
            1 => domain = field.text()?,
            2 => version = field.int()?,
            _ => {}
        }
    }
    Ok((domain, version))
}

fn read_graph<'a>(mut fields: Fields<'a>, model: &mut Model<'a>) -> Result<(), PackError> {
    while let Some(field) = fields.next()? {
        match field.number {
            1 => push(&mut model.nodes, read_node(field.message()?)?, NODES_MAX, &field)?,
            5 => push(&mut model.initializers, read_tensor(field.message()?)?, NODES_MAX, &field)?,
            11 => push(&mut model.inputs, read_value(field.message()?)?, NODES_MAX, &field)?,
            12 => push(&mut model.outputs, read_value(field.message()?)?.name, NODES_MAX, &field)?,
            _ => {}
        }
    }
    Ok(())
}

fn read_node<'a>(mut fields: Fields<'a>) -> Result<Node<'a>, PackError> {
    let mut node = Node::default();
    let mut domain = "";
    while let Some(field) = fields.next()? {
        match field.number {
            1 => push(&mut node.inputs, field.text()?, PARTS_MAX, &field)?,
            2 => push(&mut node.outputs, field.text()?, PARTS_MAX, &field)?,
            3 => node.name = field.text()?,
            4 => node.op = field.text()?,
            5 => push(&mut node.attributes, read_attribute(field.message()?)?, PARTS_MAX, &field)?,
            7 => domain = field.text()?,
            _ => {}
        }
    }
    if !domain.is_empty() {
        let problem = format!("node \"{}\" has an operator of \"{domain}\"; only ONNX's own can be read", node.name());
        return Err(PackError::source(FILE, problem));
    }
    Ok(node)
}

fn read_attribute<'a>(mut fields: Fields<'a>) -> Result<(&'a str, Attribute<'a>), PackError> {
    let (mut name, mut kind) = ("", 0);
    let (mut int, mut text, mut tensor, mut ints) = (0, "", None, vec![]);
    while let Some(field) = fields.next()? {
        match field.number {
            1 => name = field.text()?,
            3 => int = field.int()?,
            4 => text = field.text()?,
            5 => once(&mut tensor, read_tensor(field.message()?)?, &field)?,
            8 => field.ints(&mut ints)?,
            20 => kind = field.int()?,
            _ => {}
        }
    }
    let value = match (kind, tensor) {
        (2, None) => Attribute::Int(int),
        (3, None) => Attribute::Text(text),
        (4, Some(tensor)) => Attribute::Tensor(tensor),
        (7, None) => Attribute::Ints(ints),
        _ => Attribute::Other,
    };
    Ok((name, value))
}

fn read_tensor<'a>(mut fields: Fields<'a>) -> Result<Tensor<'a>, PackError> {
    let (mut name, mut kind, mut dims, mut raw) = ("", 0, vec![], None);
    while let Some(field) = fields.next()? {
        match field.number {
            1 => field.ints(&mut dims)?,
            2 => kind = field.int()?,
            8 => name = field.text()?,
            9 => once(&mut raw, field.bytes()?, &field)?,
            _ => {}
        }
    }
    let refuse = |problem: String| PackError::tensor(name, problem);
    let raw: &[u8] = raw.ok_or_else(|| refuse("has no raw_data; numbers that lie otherwise can't be read".into()))?;
    let (numbers, n_bytes_each) = match kind {
        1 => (Numbers::F32(raw.as_chunks().0), 4),
        7 => (Numbers::I64(raw.as_chunks().0), 8),
        _ => return Err(refuse(format!("has ONNX type {kind}; 1 (float) and 7 (int64) can be read"))),
    };
    let sizes: Option<Vec<usize>> = dims.iter().map(|&n| usize::try_from(n).ok()).collect();
    let n_bytes = |dims: &Vec<usize>| dims.iter().try_fold(n_bytes_each, |product: usize, &n| product.checked_mul(n));
    match sizes.filter(|dims| n_bytes(dims) == Some(raw.len())) {
        Some(dims) => Ok(Tensor { name, dims, numbers }),
        None => Err(refuse(format!("has {} bytes, which are not dims {dims:?} of {n_bytes_each} each", raw.len()))),
    }
}

fn read_value<'a>(mut fields: Fields<'a>) -> Result<Input<'a>, PackError> {
    let mut value = Input::default();
    while let Some(field) = fields.next()? {
        match field.number {
            1 => value.name = field.text()?,
            // A type's tensor_type's shape.
            2 => read_sizes(field.message()?, &[1, 2], &mut value.dims)?,
            _ => {}
        }
    }
    Ok(value)
}

/// The sizes in the message at the end of `path`.
fn read_sizes(mut fields: Fields, path: &[u64], dims: &mut Vec<Option<i64>>) -> Result<(), PackError> {
    while let Some(field) = fields.next()? {
        match path {
            [] if field.number == 1 => push(dims, read_size(field.message()?)?, PARTS_MAX, &field)?,
            [number, rest @ ..] if field.number == *number => read_sizes(field.message()?, rest, dims)?,
            _ => {}
        }
    }
    Ok(())
}

fn read_size(mut fields: Fields) -> Result<Option<i64>, PackError> {
    let mut size = None;
    while let Some(field) = fields.next()? {
        if field.number == 1 {
            size = Some(field.int()?);
        }
    }
    Ok(size)
}

/// A field that a message may have once: protobuf would take the last, and nobody could say which was meant.
fn once<T>(slot: &mut Option<T>, value: T, field: &Field) -> Result<(), PackError> {
    if slot.replace(value).is_some() {
        return Err(wrong(field.at, format!("field {} stands twice", field.number)));
    }
    Ok(())
}

fn push<T>(list: &mut Vec<T>, value: T, max: usize, field: &Field) -> Result<(), PackError> {
    if list.len() == max {
        return Err(wrong(field.at, format!("field {} stands more than {max} times", field.number)));
    }
    list.push(value);
    Ok(())
}

fn wrong(at: usize, problem: impl std::fmt::Display) -> PackError {
    PackError::source(FILE, format!("at byte {at}: {problem}; it is no ONNX file or it is damaged"))
}

/// The fields of one message, one after another.
struct Fields<'a> {
    bytes: &'a [u8],
    /// Of `bytes`' beginning, in the file.
    at: usize,
}

struct Field<'a> {
    number: u64,
    value: Wire<'a>,
    /// Of its first byte, in the file.
    at: usize,
}

enum Wire<'a> {
    Varint(u64),
    /// And where in the file it starts.
    Bytes(&'a [u8], usize),
    /// A float or a fixed integer; nothing that is asked for is one.
    Fixed,
}

impl<'a> Fields<'a> {
    fn next(&mut self) -> Result<Option<Field<'a>>, PackError> {
        if self.bytes.is_empty() {
            return Ok(None);
        }
        let at = self.at;
        let tag = self.varint()?;
        let value = match tag & 7 {
            0 => Wire::Varint(self.varint()?),
            1 => self.take(8).map(|_| Wire::Fixed)?,
            2 => {
                let n_bytes = self.varint()?;
                let start = self.at;
                Wire::Bytes(self.take(n_bytes)?, start)
            }
            5 => self.take(4).map(|_| Wire::Fixed)?,
            other => return Err(wrong(at, format!("there is no field of wire type {other}"))),
        };
        match tag >> 3 {
            0 => Err(wrong(at, "there is no field 0")),
            number => Ok(Some(Field { number, value, at })),
        }
    }

    fn take(&mut self, n_bytes: u64) -> Result<&'a [u8], PackError> {
        let split = usize::try_from(n_bytes).ok().and_then(|n_bytes| self.bytes.split_at_checked(n_bytes));
        let Some((taken, rest)) = split else {
            let there = self.bytes.len();
            return Err(wrong(self.at, format!("{n_bytes} bytes must follow and {there} do, so it is cut")));
        };
        (self.bytes, self.at) = (rest, self.at + taken.len());
        Ok(taken)
    }

    fn varint(&mut self) -> Result<u64, PackError> {
        let at = self.at;
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.take(1)?[0];
            // The tenth byte has room for one bit.
            if shift == 63 && byte > 1 {
                break;
            }
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err(wrong(at, "a number is longer than 64 bits"))
    }
}

impl<'a> Field<'a> {
    fn is_no<T>(&self, kind: &str) -> Result<T, PackError> {
        Err(wrong(self.at, format!("field {} is no {kind}", self.number)))
    }

    fn int(&self) -> Result<i64, PackError> {
        match self.value {
            Wire::Varint(value) => Ok(value as i64),
            _ => self.is_no("integer"),
        }
    }

    /// One of many, or many that are packed into one.
    fn ints(&self, list: &mut Vec<i64>) -> Result<(), PackError> {
        match self.value {
            Wire::Varint(value) => push(list, value as i64, PARTS_MAX, self),
            Wire::Bytes(bytes, at) => {
                let mut packed = Fields { bytes, at };
                while !packed.bytes.is_empty() {
                    push(list, packed.varint()? as i64, PARTS_MAX, self)?;
                }
                Ok(())
            }
            Wire::Fixed => self.is_no("integer"),
        }
    }

    fn bytes(&self) -> Result<&'a [u8], PackError> {
        match self.value {
            Wire::Bytes(bytes, _) => Ok(bytes),
            _ => self.is_no("string of bytes"),
        }
    }

    fn text(&self) -> Result<&'a str, PackError> {
        match std::str::from_utf8(self.bytes()?) {
            Ok(text) => Ok(text),
            Err(_) => self.is_no("text"),
        }
    }

    fn message(&self) -> Result<Fields<'a>, PackError> {
        match self.value {
            Wire::Bytes(bytes, at) => Ok(Fields { bytes, at }),
            _ => self.is_no("message"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Attribute, NODES_MAX, PARTS_MAX, read};

    fn varint(mut value: u64) -> Vec<u8> {
        let mut bytes = vec![];
        while value >= 0x80 {
            bytes.push(value as u8 | 0x80);
            value >>= 7;
        }
        bytes.push(value as u8);
        bytes
    }

    fn int(number: u64, value: i64) -> Vec<u8> {
        [varint(number << 3), varint(value as u64)].concat()
    }

    fn bytes(number: u64, value: impl AsRef<[u8]>) -> Vec<u8> {
        [varint(number << 3 | 2), varint(value.as_ref().len() as u64), value.as_ref().to_vec()].concat()
    }

    fn tensor(kind: i64, dims: &[i64], raw: &[u8]) -> Vec<u8> {
        let dims = dims.iter().flat_map(|&n| int(1, n));
        [dims.collect(), int(2, kind), bytes(8, "w"), bytes(9, raw)].concat()
    }

    fn attribute(name: &str, kind: i64, value: &[u8]) -> Vec<u8> {
        bytes(5, [bytes(1, name), value.to_vec(), int(20, kind)].concat())
    }

    fn graph(fields: &[u8]) -> Vec<u8> {
        [int(1, 8), bytes(2, "maker"), bytes(7, fields), bytes(8, int(2, 17))].concat()
    }

    fn tiny() -> Vec<u8> {
        let attributes = [
            attribute("axis", 2, &int(3, -1)),
            attribute("pads", 7, &[int(8, 1), bytes(8, [varint(2), varint(300)].concat()), int(8, -4)].concat()),
            attribute("mode", 3, &bytes(4, "edge")),
            attribute("value", 4, &bytes(5, tensor(7, &[], &[5, 0, 0, 0, 0, 0, 0, 0x80]))),
            attribute("alpha", 1, &[2 << 3 | 5, 0, 0, 0, 0]),
        ];
        let node = [bytes(1, "x"), bytes(1, "w"), bytes(2, "y"), bytes(3, "n"), bytes(4, "Conv"), attributes.concat()];
        let sizes = [bytes(1, bytes(2, "batch")), bytes(1, int(1, 224))].concat();
        let input = [bytes(1, "x"), bytes(2, bytes(1, [int(1, 1), bytes(2, sizes)].concat()))];
        let fields = [
            bytes(1, node.concat()),
            bytes(2, "main"),
            bytes(5, tensor(1, &[1, 2], &[0, 0, 0x80, 0x3f, 0, 0, 0, 0xc0])),
            bytes(11, input.concat()),
            bytes(12, bytes(1, "y")),
            // A field that is not known, of eight fixed bytes.
            [vec![99 << 3 & 0x7f | 1 | 0x80, 99 >> 4], vec![0; 8]].concat(),
        ];
        graph(&fields.concat())
    }

    #[track_caller]
    fn refused(file: &[u8], part: &str) {
        let message = read(file).expect_err("must be refused").to_string();
        assert!(message.contains(part), "{message:?} does not say {part:?}");
    }

    #[test]
    fn what_is_asked_for_is_read_and_the_rest_passed_over() {
        let file = tiny();
        let model = read(&file).expect("a graph");
        assert_eq!((model.opset, model.outputs.as_slice()), (17, &["y"][..]));
        assert_eq!((model.inputs[0].name, model.inputs[0].dims.as_slice()), ("x", &[None, Some(224)][..]));
        let weights = &model.initializers[0];
        assert_eq!((weights.name, weights.dims.as_slice(), weights.integers()), ("w", &[1, 2][..], None));
        assert_eq!(weights.floats(), Some(vec![1.0, -2.0]));
        let node = &model.nodes[0];
        assert_eq!((node.name(), node.op, node.inputs.as_slice()), ("n", "Conv", &["x", "w"][..]));
        let [axis, pads, mode, (_, Attribute::Tensor(value)), (_, Attribute::Other)] = node.attributes.as_slice()
        else {
            panic!("{:?}", node.attributes);
        };
        assert_eq!(*axis, ("axis", Attribute::Int(-1)));
        assert_eq!(*pads, ("pads", Attribute::Ints(vec![1, 2, 300, -4])));
        assert_eq!(*mode, ("mode", Attribute::Text("edge")));
        assert_eq!((value.dims.len(), value.integers()), (0, Some(vec![i64::MIN + 5])));
    }

    #[test]
    fn a_file_cut_or_changed_at_any_byte_is_refused_or_read() {
        let file = tiny();
        for n_bytes in 0..file.len() {
            read(&file[..n_bytes]).expect_err("a cut file");
        }
        for i in 0..file.len() {
            for byte in 0..=255 {
                let mut changed = file.clone();
                changed[i] = byte;
                let _ = read(&changed);
            }
        }
    }

    #[test]
    fn what_is_no_protobuf_is_refused_by_the_byte() {
        refused(b"", "has no graph");
        refused(&int(1, 8), "has no graph");
        refused(b"{\"format\": \"onnx\"}", "wire type 3");
        refused(&[7], "at byte 0: there is no field of wire type 7");
        refused(&[0, 1], "there is no field 0");
        refused(&[8, 0x80], "at byte 2: 1 bytes must follow and 0 do");
        refused(&[vec![8], vec![0xff; 9], vec![2]].concat(), "at byte 1: a number is longer than 64 bits");
        refused(&[vec![8], vec![0x80; 10], vec![1]].concat(), "longer than 64 bits");
        refused(&[vec![7 << 3 | 2], vec![0xff; 9], vec![1]].concat(), "18446744073709551615 bytes must follow");
        refused(&int(7, 1), "field 7 is no message");
        refused(&graph(&int(1, 1)), "field 1 is no message");
        refused(&graph(&bytes(1, int(4, 1))), "field 4 is no string of bytes");
        refused(&graph(&bytes(1, bytes(4, [0xff]))), "field 4 is no text");
        refused(&graph(&bytes(1, attribute("axis", 2, &bytes(3, "")))), "field 3 is no integer");
        refused(&graph(&bytes(1, attribute("pads", 7, &bytes(8, [0x80])))), "1 bytes must follow and 0 do");
        refused(&[graph(b""), bytes(7, b"")].concat(), "field 7 stands twice");
        refused(&[graph(b""), bytes(8, int(2, 18))].concat(), "field 8 stands twice");
        refused(&bytes(7, b""), "no version of the operators");
        refused(&graph(&bytes(1, [bytes(3, "n"), bytes(7, "com.example")].concat())), "operator of \"com.example\"");
    }

    #[test]
    fn tensors_that_are_not_what_they_say_are_refused_by_name() {
        let of = |kind, dims: &[i64], raw: &[u8]| graph(&bytes(5, tensor(kind, dims, raw)));
        read(&of(1, &[0, i64::MAX], &[])).expect("a tensor without numbers");
        refused(&of(1, &[1, -2], &[0; 8]), "\"w\": has 8 bytes, which are not dims [1, -2]");
        refused(&of(1, &[1 << 40, 1 << 40], &[0; 8]), "which are not dims");
        refused(&of(1, &[i64::MAX, 4], &[0; 8]), "which are not dims");
        refused(&of(1, &[3], &[0; 8]), "which are not dims [3] of 4 each");
        refused(&of(1, &[2], &[0; 11]), "has 11 bytes");
        refused(&of(7, &[2], &[0; 8]), "which are not dims [2] of 8 each");
        refused(&of(10, &[2], &[0; 4]), "has ONNX type 10");
        refused(&of(0, &[], &[0; 4]), "has ONNX type 0");
        refused(&graph(&bytes(5, [int(1, 2), int(2, 1), bytes(8, "w")].concat())), "\"w\": has no raw_data");
        refused(&graph(&bytes(5, [bytes(9, [0]), bytes(9, [0])].concat())), "field 9 stands twice");
        refused(&of(1, &[1; PARTS_MAX + 1], &[0; 4]), "field 1 stands more than 64 times");
    }

    #[test]
    fn more_than_any_net_has_is_refused_before_it_takes_memory() {
        read(&graph(&bytes(1, b"").repeat(NODES_MAX))).expect("as many as there may be");
        refused(&graph(&bytes(1, b"").repeat(NODES_MAX + 1)), "field 1 stands more than 4096 times");
        let packed = bytes(8, [1; PARTS_MAX + 1]);
        refused(&graph(&bytes(1, attribute("pads", 7, &packed))), "field 8 stands more than 64 times");
    }
}
