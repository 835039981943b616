//! By how much a Pad node pads: its exporter wrote no numbers but the arithmetic that gives them, from shapes, constants
//! and their rearrangements. It is computed here, in the few operators that it has; others are refused.

use std::collections::BTreeMap;

use super::super::PackError;
use super::super::onnx::{Attribute, FILE, Node};
use super::topology::{Walk, expect_attributes, refuse};

/// A Pad of open_nsfw has a chain of 21 nodes; deeper ones are refused, so that none is too deep for the stack.
const DEPTH_MAX: usize = 64;
/// Numbers in one value; twice the four axes are eight.
const NUMBERS_MAX: usize = 64;

/// Whole numbers in rows: no axis, one or two.
#[derive(Debug, Clone, PartialEq)]
struct Value {
    dims: Vec<usize>,
    numbers: Vec<i64>,
}

struct Arithmetic<'w, 'm, 'a> {
    walk: &'w mut Walk<'m, 'a>,
    known: BTreeMap<&'a str, Value>,
}

/// The second input of `pad`, whose first, `picture`, has this shape; the number of pictures is 1 in it.
pub(super) fn amounts<'a>(
    walk: &mut Walk<'_, 'a>,
    pad: &Node<'a>,
    picture: &'a str,
    shape: [i64; 4],
) -> Result<Vec<i64>, PackError> {
    let mut arithmetic = Arithmetic { walk, known: BTreeMap::new() };
    let shape_of_picture = |node: &Node| node.op == "Shape" && node.inputs == [picture];
    let value = arithmetic.value(pad.inputs[1], &shape_of_picture, shape, 0)?;
    Ok(value.numbers)
}

impl<'a> Arithmetic<'_, '_, 'a> {
    fn value(
        &mut self,
        name: &'a str,
        shape_of_picture: &impl Fn(&Node) -> bool,
        shape: [i64; 4],
        depth: usize,
    ) -> Result<Value, PackError> {
        if let Some(value) = self.known.get(name) {
            return Ok(value.clone());
        }
        let Some(node) = self.walk.maker(name) else {
            return Err(PackError::source(FILE, format!("\"{name}\" must be computed from shapes by the graph")));
        };
        if depth == DEPTH_MAX {
            return Err(refuse(node, format!("is the end of {DEPTH_MAX} nodes of arithmetic")));
        }
        self.walk.use_maker(name);
        let value = if shape_of_picture(node) {
            expect_attributes(node, &[])?;
            Some(Value { dims: vec![4], numbers: shape.to_vec() })
        } else {
            let inputs: Result<Vec<Value>, PackError> =
                node.inputs.iter().map(|input| self.value(input, shape_of_picture, shape, depth + 1)).collect();
            compute(node, &inputs?)?
        };
        match value {
            Some(value) if value.numbers.len() <= NUMBERS_MAX => {
                self.known.insert(name, value.clone());
                Ok(value)
            }
            _ => Err(refuse(node, format!("is a {} that can't be computed to a padding", node.op))),
        }
    }
}

/// What a node makes of whole numbers, or nothing where it is none of the few that are known here.
fn compute(node: &Node, inputs: &[Value]) -> Result<Option<Value>, PackError> {
    let expect = |attributes: &[(&str, Attribute)]| expect_attributes(node, attributes);
    let row = |numbers: Vec<i64>| Value { dims: vec![numbers.len()], numbers };
    let tensor = || match node.attributes.as_slice() {
        [("value", Attribute::Tensor(tensor))] => {
            tensor.integers().map(|numbers| Value { dims: tensor.dims.clone(), numbers })
        }
        _ => None,
    };
    Ok(match (node.op, inputs) {
        ("Constant", []) => tensor(),
        ("ConstantOfShape", [Value { dims, numbers }]) => match (dims.as_slice(), numbers.as_slice(), tensor()) {
            ([1], &[n @ 0..=8], Some(Value { numbers, .. })) if numbers.len() == 1 => {
                Some(row(vec![numbers[0]; n as usize]))
            }
            _ => None,
        },
        ("Cast", [value]) => {
            expect(&[("to", Attribute::Int(7))])?;
            Some(value.clone())
        }
        ("Shape", [value]) => {
            expect(&[])?;
            Some(row(value.dims.iter().map(|&n| n as i64).collect()))
        }
        ("Gather", [from, index]) => {
            expect(&[("axis", Attribute::Int(0))])?;
            let number = index.numbers.first().and_then(|&i| from.numbers.get(usize::try_from(i).ok()?).copied());
            let one_of_a_row = from.dims.len() == 1 && index.numbers.len() == 1;
            number.filter(|_| one_of_a_row).map(|number| Value { dims: index.dims.clone(), numbers: vec![number] })
        }
        ("Add" | "Sub" | "Mul" | "Div", [left, right]) => {
            expect(&[])?;
            match (left.numbers.as_slice(), right.numbers.as_slice()) {
                (&[a], &[b]) => {
                    let number = match node.op {
                        "Add" => a.checked_add(b),
                        "Sub" => a.checked_sub(b),
                        "Mul" => a.checked_mul(b),
                        _ => a.checked_div(b),
                    };
                    let dims = if left.dims.len() < right.dims.len() { &right.dims } else { &left.dims };
                    number.map(|number| Value { dims: dims.clone(), numbers: vec![number] })
                }
                _ => None,
            }
        }
        ("Unsqueeze", [value, axes]) => {
            expect(&[])?;
            (value.dims.is_empty() && axes.numbers == [0]).then(|| row(value.numbers.clone()))
        }
        ("Concat", rows) => {
            expect(&[("axis", Attribute::Int(0))])?;
            let all_rows = rows.iter().all(|row| row.dims.len() == 1);
            all_rows.then(|| row(rows.iter().flat_map(|row| &row.numbers).copied().collect()))
        }
        ("Reshape", [value, to]) => {
            expect(&[("allowzero", Attribute::Int(0))])?;
            let n = value.numbers.len();
            match to.numbers.as_slice() {
                [-1] => Some(row(value.numbers.clone())),
                [-1, 2] if n % 2 == 0 => Some(Value { dims: vec![n / 2, 2], numbers: value.numbers.clone() }),
                _ => None,
            }
        }
        // From the last row to the first: starts, ends, axes, steps.
        ("Slice", [value, starts, ends, axes, steps]) => {
            expect(&[])?;
            let [starts, ends, axes, steps] = [starts, ends, axes, steps].map(|value| value.numbers.as_slice());
            // An end before every row's own number.
            let to_the_first = matches!(ends, &[end] if end < -(NUMBERS_MAX as i64));
            match value.dims.as_slice() {
                &[_, n_columns] if n_columns > 0 && starts == [-1] && to_the_first && axes == [0] && steps == [-1] => {
                    let numbers = value.numbers.chunks(n_columns).rev().flatten().copied().collect();
                    Some(Value { dims: value.dims.clone(), numbers })
                }
                _ => None,
            }
        }
        ("Transpose", [Value { dims, numbers }]) => {
            expect(&[("perm", Attribute::Ints(vec![1, 0]))])?;
            match dims.as_slice() {
                &[n_rows, n_columns] if n_columns > 0 => {
                    let column = |i: usize| numbers.iter().skip(i).step_by(n_columns).copied();
                    Some(Value { dims: vec![n_columns, n_rows], numbers: (0..n_columns).flat_map(column).collect() })
                }
                _ => None,
            }
        }
        _ => None,
    })
}
