//! Reads a weight file that arrives in slices of any size and hands whole rows on as they come, without a copy of more
//! than eight rows. It never knows what the rows are for, nor where the slices come from.

use half::f16;
use sha2::{Digest, Sha256};

use super::header::{ALIGNMENT, hex};
use super::parser::HeaderParser;
use super::{Dtype, Header, PackError, TensorInfo, key};

/// Rows come in multiples of this, except at a tensor's end: the width of the kernels' column tile.
const ROWS_TOGETHER: usize = 8;

/// Who takes the rows: a net under construction.
pub trait RowSink {
    /// Once, before any row: check that this is the model you expect, and make room.
    fn start(&mut self, header: &Header) -> Result<(), PackError>;
    /// Whole rows in order, a multiple of eight except at a tensor's end. A tensor of one dimension is one row.
    fn rows(&mut self, tensor: &TensorInfo, first_row: usize, bytes: &[u8]) -> Result<(), PackError>;
    /// Once, after the last row of the last tensor.
    fn finish(&mut self) -> Result<(), PackError>;
}

/// Takes a weight file in slices of any size and hands its rows to a sink.
pub struct PackReader<S: RowSink> {
    sink: S,
    check_tensor_sha256: bool,
    n_bytes_fed: u64,
    stage: Stage,
}

enum Stage {
    Header {
        parser: HeaderParser,
        bytes: Vec<u8>,
    },
    Tensors(Tensors),
    /// An error was reported; whatever comes, nothing more is handed on.
    Failed,
}

struct Tensors {
    header: Header,
    tensor: usize,
    next_row: usize,
    /// The beginning of rows whose end has not come yet.
    carry: Vec<u8>,
    n_padding_left: usize,
    sha256: Sha256,
}

impl<S: RowSink> PackReader<S> {
    /// Checks the header's sha256 and everything structural, and that scales and floats are finite; for bytes whose
    /// sha256 is known already, as hashing 38 MB would take several times as long as loading them.
    pub fn new(sink: S) -> Self {
        let stage = Stage::Header { parser: HeaderParser::default(), bytes: Vec::new() };
        Self { sink, check_tensor_sha256: false, n_bytes_fed: 0, stage }
    }

    /// Checks each tensor's sha256 as well: for files of unknown origin.
    pub fn checking_sha256(sink: S) -> Self {
        Self { check_tensor_sha256: true, ..Self::new(sink) }
    }

    /// The next bytes of the file. After an error nothing more is taken.
    pub fn feed(&mut self, bytes: &[u8]) -> Result<(), PackError> {
        let result = self.take(bytes);
        if result.is_err() {
            self.stage = Stage::Failed;
        }
        result
    }

    fn take(&mut self, mut slice: &[u8]) -> Result<(), PackError> {
        if let Stage::Header { parser, bytes } = &mut self.stage {
            let n_before = bytes.len();
            bytes.extend_from_slice(slice);
            let Some((header, n_header_bytes)) = parser.advance(bytes)? else {
                self.n_bytes_fed += slice.len() as u64;
                return Ok(());
            };
            slice = &slice[n_header_bytes - n_before..];
            self.n_bytes_fed = n_header_bytes as u64;
            self.sink.start(&header)?;
            self.stage = Stage::Tensors(Tensors {
                header,
                tensor: 0,
                next_row: 0,
                carry: Vec::new(),
                n_padding_left: 0,
                sha256: Sha256::new(),
            });
        }
        match &mut self.stage {
            Stage::Tensors(tensors) => {
                tensors.take(slice, self.n_bytes_fed, self.check_tensor_sha256, &mut self.sink)?;
                self.n_bytes_fed += slice.len() as u64;
                Ok(())
            }
            Stage::Header { .. } | Stage::Failed => {
                Err(PackError::Header { at: 0, problem: "the file was refused already".into() })
            }
        }
    }

    /// The sink, once everything has come.
    pub fn finish(mut self) -> Result<S, PackError> {
        let place = match &self.stage {
            Stage::Header { parser, .. } => parser.place(),
            Stage::Tensors(tensors) => match tensors.header.tensors.get(tensors.tensor) {
                Some(tensor) => format!("inside tensor \"{}\"", tensor.name),
                None if tensors.n_padding_left > 0 => "inside the padding after the last tensor".into(),
                None => {
                    self.sink.finish()?;
                    return Ok(self.sink);
                }
            },
            Stage::Failed => "after it was refused".into(),
        };
        Err(PackError::Cut { length: self.n_bytes_fed, place })
    }
}

impl Tensors {
    fn take<S: RowSink>(&mut self, mut slice: &[u8], at: u64, check: bool, sink: &mut S) -> Result<(), PackError> {
        let length = slice.len();
        while !slice.is_empty() {
            if self.n_padding_left > 0 {
                let (padding, rest) = slice.split_at(self.n_padding_left.min(slice.len()));
                if let Some(i) = padding.iter().position(|&byte| byte != 0) {
                    return Err(PackError::Padding { at: at + (length - slice.len() + i) as u64 });
                }
                self.n_padding_left -= padding.len();
                slice = rest;
                continue;
            }
            let Some(tensor) = self.header.tensors.get(self.tensor) else {
                return Err(PackError::Trailing { n_bytes: slice.len() });
            };
            let n_bytes_left = (tensor.n_rows - self.next_row) * tensor.row_bytes;
            let unit = (ROWS_TOGETHER * tensor.row_bytes).min(n_bytes_left);
            let taken = if self.carry.is_empty() && slice.len() >= unit {
                let whole = if slice.len() >= n_bytes_left { n_bytes_left } else { slice.len() / unit * unit };
                deliver(tensor, self.next_row, &slice[..whole], sink)?;
                self.next_row += whole / tensor.row_bytes;
                whole
            } else {
                let part = (unit - self.carry.len()).min(slice.len());
                self.carry.extend_from_slice(&slice[..part]);
                if self.carry.len() == unit {
                    deliver(tensor, self.next_row, &self.carry, sink)?;
                    self.next_row += unit / tensor.row_bytes;
                    self.carry.clear();
                }
                part
            };
            if check {
                self.sha256.update(&slice[..taken]);
            }
            slice = &slice[taken..];
            if self.next_row == tensor.n_rows {
                self.end_tensor(check)?;
            }
        }
        Ok(())
    }

    fn end_tensor(&mut self, check: bool) -> Result<(), PackError> {
        let tensor = &self.header.tensors[self.tensor];
        if check {
            let sha256 = hex(&self.sha256.finalize_reset());
            if self.header.metadata.texts(key::TENSOR_SHA256)?[self.tensor] != sha256 {
                return Err(PackError::Damaged { section: format!("tensor \"{}\"", tensor.name) });
            }
        }
        self.n_padding_left = tensor.n_bytes().next_multiple_of(ALIGNMENT) - tensor.n_bytes();
        self.tensor += 1;
        self.next_row = 0;
        Ok(())
    }
}

fn deliver<S: RowSink>(tensor: &TensorInfo, first_row: usize, bytes: &[u8], sink: &mut S) -> Result<(), PackError> {
    let (group, group_bytes) = tensor.dtype.group();
    let wrong = match tensor.dtype {
        Dtype::F32 => not_finite(bytes, 0x7f80_0000, |b: &[u8; 4]| u32::from_le_bytes(*b), f32::from_bits),
        Dtype::F16 => not_finite(bytes, F16_EXPONENT, |b: &[u8; 2]| half_bits(b[0], b[1]), half_value),
        Dtype::Q4_0 => not_finite(bytes, F16_EXPONENT, |b: &[u8; 18]| half_bits(b[0], b[1]), half_value),
        // -128 is no weight: the kernels' sums stay in range for -127 to 127 alone.
        Dtype::I8 => bytes.iter().position(|&byte| byte == 0x80).map(|i| (i, -128.0)),
        // Nor is -32768.
        Dtype::I16 => bytes.as_chunks().0.iter().position(|bytes| *bytes == [0, 0x80]).map(|i| (i, -32768.0)),
    };
    if let Some((i, value)) = wrong {
        let row = first_row + i * group_bytes / tensor.row_bytes;
        let column = i * group_bytes % tensor.row_bytes / group_bytes * group;
        return Err(PackError::NotFinite { name: tensor.name.clone(), row, column, value });
    }
    sink.rows(tensor, first_row, bytes)
}

const F16_EXPONENT: u32 = 0x7c00;

fn half_bits(low: u8, high: u8) -> u32 {
    u32::from(u16::from_le_bytes([low, high]))
}

fn half_value(bits: u32) -> f32 {
    f16::from_bits(bits as u16).to_f32()
}

/// The first group whose number is not finite: all bits of its exponent are set. Two million scales are looked at, and
/// to make a float of each would take longer than to widen their weights.
fn not_finite<const N: usize>(
    bytes: &[u8],
    exponent: u32,
    bits: impl Fn(&[u8; N]) -> u32,
    value: impl Fn(u32) -> f32,
) -> Option<(usize, f32)> {
    let found = bytes.as_chunks::<N>().0.iter().map(bits).enumerate().find(|(_, bits)| bits & exponent == exponent);
    found.map(|(index, bits)| (index, value(bits)))
}
