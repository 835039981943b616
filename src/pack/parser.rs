//! Parses a header whose bytes arrive bit by bit, strictly: whatever is not as this program writes it is refused by name
//! and place, and no length is believed before its bytes are there.

use sha2::{Digest, Sha256};

use super::header::{ALIGNMENT, DIMENSIONS_MAX, GGUF_VERSION, HEX_DIGITS, MAGIC, NAME_BYTES_MAX, hex};
use super::metadata::{TYPE_ARRAY, TYPE_BOOL, TYPE_F32, TYPE_STRING, TYPE_U32};
use super::{Dtype, Header, PACK_VERSION, PACK_VERSION_SYMBOLS, PackError, TensorInfo, Value, key};

// Bounds that no model of ours comes near; they keep a damaged length from asking for memory.
const HEADER_BYTES_MAX: usize = 64 << 20;
const KEYS_MAX: u64 = 1 << 10;
const TENSORS_MAX: u64 = 1 << 14;

/// Call [`HeaderParser::advance`] with all bytes so far, again and again. An item is read again only until all of it is
/// there, so feeding single bytes stays linear but for the longest item.
#[derive(Debug, Default)]
pub(crate) struct HeaderParser {
    at: usize,
    n_keys: u64,
    n_tensors: u64,
    expected_offset: u64,
    header_sha256_at: Option<usize>,
    header: Header,
}

/// Why an item could not be read: bytes are missing yet, or it is wrong.
enum Stop {
    Short,
    Wrong(PackError),
}

impl From<PackError> for Stop {
    fn from(error: PackError) -> Self {
        Self::Wrong(error)
    }
}

impl HeaderParser {
    /// The header and its length in bytes once all of it is there.
    pub(crate) fn advance(&mut self, bytes: &[u8]) -> Result<Option<(Header, usize)>, PackError> {
        loop {
            let mut cursor = Cursor { bytes, at: self.at };
            match self.next_item(&mut cursor) {
                Ok(false) => self.at = cursor.at,
                Ok(true) => {
                    let header = std::mem::take(&mut self.header);
                    return Ok(Some((header, cursor.at)));
                }
                Err(Stop::Wrong(error)) => return Err(error),
                Err(Stop::Short) if bytes.len() > HEADER_BYTES_MAX => {
                    return Err(wrong(self.at, format!("the header is longer than {HEADER_BYTES_MAX} bytes")));
                }
                Err(Stop::Short) => return Ok(None),
            }
        }
    }

    /// What could not be read yet, for the message about a cut file.
    pub(crate) fn place(&self) -> String {
        if self.at == 0 {
            "inside the first 24 bytes".into()
        } else if (self.header.metadata.0.len() as u64) < self.n_keys {
            format!("inside metadata key {} of {}", self.header.metadata.0.len() + 1, self.n_keys)
        } else {
            format!("inside entry {} of {} of the tensor table", self.header.tensors.len() + 1, self.n_tensors)
        }
    }

    fn next_item(&mut self, cursor: &mut Cursor) -> Result<bool, Stop> {
        if cursor.at == 0 {
            self.read_prelude(cursor)?;
        } else if (self.header.metadata.0.len() as u64) < self.n_keys {
            self.read_key(cursor)?;
        } else if (self.header.tensors.len() as u64) < self.n_tensors {
            self.read_tensor(cursor)?;
        } else {
            self.read_end(cursor)?;
            return Ok(true);
        }
        Ok(false)
    }

    fn read_prelude(&mut self, cursor: &mut Cursor) -> Result<(), Stop> {
        let magic = &cursor.bytes[..cursor.bytes.len().min(MAGIC.len())];
        if magic != &MAGIC[..magic.len()] {
            return Err(PackError::NotGguf { found: magic.to_vec() }.into());
        }
        cursor.take(MAGIC.len())?;
        let version = cursor.u32()?;
        if version != GGUF_VERSION {
            return Err(PackError::GgufVersion { found: version, expected: GGUF_VERSION }.into());
        }
        self.n_tensors = cursor.u64()?;
        self.n_keys = cursor.u64()?;
        if self.n_tensors == 0 || self.n_tensors > TENSORS_MAX {
            return Err(wrong(8, format!("{} tensors; a model has 1 to {TENSORS_MAX}", self.n_tensors)).into());
        }
        if self.n_keys > KEYS_MAX {
            return Err(wrong(16, format!("{} metadata keys; a model has at most {KEYS_MAX}", self.n_keys)).into());
        }
        Ok(())
    }

    fn read_key(&mut self, cursor: &mut Cursor) -> Result<(), Stop> {
        let key_at = cursor.at;
        let name = cursor.text(NAME_BYTES_MAX)?;
        if self.header.metadata.get(&name).is_some() {
            return Err(wrong(key_at, format!("metadata key \"{name}\" stands twice")).into());
        }
        if self.header_sha256_at.is_some() {
            return Err(
                wrong(key_at, format!("\"{name}\" follows \"{}\", which must be last", key::HEADER_SHA256)).into()
            );
        }
        let kind = cursor.u32()?;
        let value = cursor.value(kind, &name)?;
        if name == key::HEADER_SHA256 {
            if !matches!(&value, Value::Text(text) if text.len() == HEX_DIGITS) {
                return Err(PackError::key(&name, format!("must be {HEX_DIGITS} hex digits")).into());
            }
            self.header_sha256_at = Some(cursor.at - HEX_DIGITS);
        }
        if name == key::PACK_VERSION {
            let Value::U32(found) = value else { return Err(value.is_not(&name, "u32").into()) };
            let (oldest, newest) = (PACK_VERSION, PACK_VERSION_SYMBOLS);
            if !(oldest..=newest).contains(&found) {
                return Err(PackError::PackVersion { found, oldest, newest }.into());
            }
        }
        if name == key::TEMPERATURE && value != Value::F32(1.0) {
            let Value::F32(found) = value else { return Err(value.is_not(&name, "f32").into()) };
            let problem = format!(
                "is {found}, must be 1: divide the last layer's weights and bias by it, and pack the model again"
            );
            return Err(PackError::key(&name, problem).into());
        }
        self.header.metadata.0.push((name, value));
        Ok(())
    }

    fn read_tensor(&mut self, cursor: &mut Cursor) -> Result<(), Stop> {
        let tensor_at = cursor.at;
        let name = cursor.text(NAME_BYTES_MAX)?;
        let n_dimensions = cursor.u32()?;
        if n_dimensions == 0 || n_dimensions > DIMENSIONS_MAX {
            let problem = format!("tensor \"{name}\" has {n_dimensions} dimensions; 1 to {DIMENSIONS_MAX} can be");
            return Err(wrong(tensor_at, problem).into());
        }
        let mut shape = Vec::new();
        for _ in 0..n_dimensions {
            let n = cursor.u64()?;
            let Ok(n) = usize::try_from(n) else {
                return Err(wrong(tensor_at, format!("tensor \"{name}\" has a dimension of {n}")).into());
            };
            shape.insert(0, n);
        }
        let number = cursor.u32()?;
        let Some(dtype) = Dtype::from_gguf_number(number) else {
            let problem =
                format!("has GGUF type {number}; 0 (F32), 1 (F16), 2 (Q4_0), 24 (I8) and 25 (I16) can be read");
            return Err(PackError::tensor(&name, problem).into());
        };
        let offset = cursor.u64()?;
        let tensor = TensorInfo::new(&name, &shape, dtype)?;
        if offset != self.expected_offset {
            let expected = self.expected_offset;
            return Err(PackError::tensor(
                &name,
                format!("starts at {offset}, must follow its neighbour at {expected}"),
            )
            .into());
        }
        self.expected_offset += (tensor.n_bytes() as u64).next_multiple_of(ALIGNMENT as u64);
        if self.header.tensors.iter().any(|other| other.name == name) {
            return Err(PackError::DoubledTensor { name, place: "the weight file".into() }.into());
        }
        self.header.tensors.push(tensor);
        Ok(())
    }

    fn read_end(&self, cursor: &mut Cursor) -> Result<(), Stop> {
        let padding_at = cursor.at;
        let padding = cursor.take(padding_at.next_multiple_of(ALIGNMENT) - padding_at)?;
        if let Some(i) = padding.iter().position(|&byte| byte != 0) {
            return Err(PackError::Padding { at: (padding_at + i) as u64 }.into());
        }
        let metadata = &self.header.metadata;
        let version = metadata.u32(key::PACK_VERSION)?;
        if self.header.symbols_alone()? && version < PACK_VERSION_SYMBOLS {
            let problem = format!("must not be in a file of pack version {version}, whose readers pass over it");
            return Err(PackError::key(key::SYMBOLS, problem).into());
        }
        let n_hashes = metadata.texts(key::TENSOR_SHA256)?.len();
        if n_hashes != self.header.tensors.len() {
            let problem = format!("has {n_hashes} entries for {} tensors", self.header.tensors.len());
            return Err(PackError::key(key::TENSOR_SHA256, problem).into());
        }
        let said = metadata.text(key::HEADER_SHA256)?;
        let Some(digits_at) = self.header_sha256_at else {
            return Err(PackError::MissingKey { key: key::HEADER_SHA256.into() }.into());
        };
        let mut sha256 = Sha256::new();
        sha256.update(&cursor.bytes[..digits_at]);
        sha256.update([b'0'; HEX_DIGITS]);
        sha256.update(&cursor.bytes[digits_at + HEX_DIGITS..cursor.at]);
        if hex(&sha256.finalize()) != said {
            return Err(PackError::Damaged { section: "the header".into() }.into());
        }
        Ok(())
    }
}

fn wrong(at: usize, problem: String) -> PackError {
    PackError::Header { at, problem }
}

struct Cursor<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Cursor<'a> {
    fn take(&mut self, n_bytes: usize) -> Result<&'a [u8], Stop> {
        let end = self.at.checked_add(n_bytes).filter(|&end| end <= self.bytes.len()).ok_or(Stop::Short)?;
        let taken = &self.bytes[self.at..end];
        self.at = end;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Stop> {
        let mut array = [0; N];
        array.copy_from_slice(self.take(N)?);
        Ok(array)
    }

    fn u32(&mut self) -> Result<u32, Stop> {
        self.array().map(u32::from_le_bytes)
    }

    fn u64(&mut self) -> Result<u64, Stop> {
        self.array().map(u64::from_le_bytes)
    }

    fn bool(&mut self) -> Result<bool, Stop> {
        match self.array::<1>()? {
            [0] => Ok(false),
            [1] => Ok(true),
            [other] => Err(wrong(self.at - 1, format!("{other} is no bool; 0 and 1 are")).into()),
        }
    }

    fn text(&mut self, max_bytes: usize) -> Result<String, Stop> {
        let text_at = self.at;
        let n_bytes = self.u64()?;
        let Some(n_bytes) = usize::try_from(n_bytes).ok().filter(|&n| n <= max_bytes) else {
            return Err(wrong(text_at, format!("a string of {n_bytes} bytes; at most {max_bytes} can be here")).into());
        };
        match std::str::from_utf8(self.take(n_bytes)?) {
            Ok(text) => Ok(text.into()),
            Err(_) => Err(wrong(text_at, "a string that is not UTF-8".into()).into()),
        }
    }

    fn value(&mut self, kind: u32, key: &str) -> Result<Value, Stop> {
        let refuse = |kind: u32, place: &str| {
            let problem = format!("has GGUF type {kind}{place}; u32, f32, bool, string and flat arrays can be read");
            Stop::Wrong(PackError::key(key, problem))
        };
        Ok(match kind {
            TYPE_U32 => Value::U32(self.u32()?),
            TYPE_F32 => Value::F32(f32::from_bits(self.u32()?)),
            TYPE_BOOL => Value::Bool(self.bool()?),
            TYPE_STRING => Value::Text(self.text(HEADER_BYTES_MAX)?),
            TYPE_ARRAY => {
                let element = self.u32()?;
                let n = self.u64()?;
                // No element is smaller than a byte, so what is not there yet can't be many elements.
                let Some(n) = usize::try_from(n).ok().filter(|&n| n <= HEADER_BYTES_MAX) else {
                    return Err(PackError::key(key, format!("is an array of {n} elements")).into());
                };
                if self.bytes.len() - self.at < n {
                    return Err(Stop::Short);
                }
                match element {
                    TYPE_U32 => Value::U32s((0..n).map(|_| self.u32()).collect::<Result<_, _>>()?),
                    TYPE_BOOL => Value::Bools((0..n).map(|_| self.bool()).collect::<Result<_, _>>()?),
                    TYPE_STRING => Value::Texts((0..n).map(|_| self.text(HEADER_BYTES_MAX)).collect::<Result<_, _>>()?),
                    other => return Err(refuse(other, " in an array")),
                }
            }
            other => return Err(refuse(other, "")),
        })
    }
}
