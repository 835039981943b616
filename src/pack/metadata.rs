//! Typed metadata: keys and values in GGUF's types, in the order in which they are written. It knows no key's meaning.

use super::PackError;

/// The types that a weight file's keys may have.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs, reason = "their names say it")]
pub enum Value {
    U32(u32),
    F32(f32),
    Bool(bool),
    Text(String),
    U32s(Vec<u32>),
    Bools(Vec<bool>),
    Texts(Vec<String>),
}

pub(super) const TYPE_U32: u32 = 4;
pub(super) const TYPE_F32: u32 = 6;
pub(super) const TYPE_BOOL: u32 = 7;
pub(super) const TYPE_STRING: u32 = 8;
pub(super) const TYPE_ARRAY: u32 = 9;

/// Keys and values in the order in which they are written.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Metadata(pub(super) Vec<(String, Value)>);

impl Metadata {
    /// Adds a key at the end.
    #[must_use]
    pub fn with(mut self, key: &str, value: Value) -> Self {
        self.push(key, value);
        self
    }

    /// Adds a key whose value is a string.
    #[must_use]
    pub fn with_text(self, key: &str, value: &str) -> Self {
        self.with(key, Value::Text(value.into()))
    }

    /// Adds a key at the end; whether it stands there already is for the reader to refuse.
    pub fn push(&mut self, key: &str, value: Value) {
        self.0.push((key.into(), value));
    }

    /// In the order in which they are written.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.0.iter().map(|(key, value)| (key.as_str(), value))
    }

    /// Nothing where the key is missing, whatever its type would be.
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.0.iter().find(|(name, _)| name == key).map(|(_, value)| value)
    }

    fn want(&self, key: &str) -> Result<&Value, PackError> {
        self.get(key).ok_or_else(|| PackError::MissingKey { key: key.into() })
    }

    /// A key that must be there and of this type, as in all that follow.
    pub fn u32(&self, key: &str) -> Result<u32, PackError> {
        match self.want(key)? {
            Value::U32(value) => Ok(*value),
            other => Err(other.is_not(key, "u32")),
        }
    }

    /// Also refuses what is not finite.
    pub fn f32(&self, key: &str) -> Result<f32, PackError> {
        match self.want(key)? {
            Value::F32(value) if value.is_finite() => Ok(*value),
            Value::F32(value) => Err(PackError::key(key, format!("{value} is not a finite number"))),
            other => Err(other.is_not(key, "f32")),
        }
    }

    /// One string.
    pub fn text(&self, key: &str) -> Result<&str, PackError> {
        match self.want(key)? {
            Value::Text(value) => Ok(value),
            other => Err(other.is_not(key, "string")),
        }
    }

    /// An array, which may be empty.
    pub fn u32s(&self, key: &str) -> Result<&[u32], PackError> {
        match self.want(key)? {
            Value::U32s(value) => Ok(value),
            other => Err(other.is_not(key, "array of u32")),
        }
    }

    /// An array, which may be empty.
    pub fn bools(&self, key: &str) -> Result<&[bool], PackError> {
        match self.want(key)? {
            Value::Bools(value) => Ok(value),
            other => Err(other.is_not(key, "array of bool")),
        }
    }

    /// An array, which may be empty.
    pub fn texts(&self, key: &str) -> Result<&[String], PackError> {
        match self.want(key)? {
            Value::Texts(value) => Ok(value),
            other => Err(other.is_not(key, "array of strings")),
        }
    }
}

impl Value {
    fn kind(&self) -> &'static str {
        match self {
            Self::U32(_) => "u32",
            Self::F32(_) => "f32",
            Self::Bool(_) => "bool",
            Self::Text(_) => "string",
            Self::U32s(_) => "array of u32",
            Self::Bools(_) => "array of bool",
            Self::Texts(_) => "array of strings",
        }
    }

    pub(super) fn is_not(&self, key: &str, wanted: &str) -> PackError {
        PackError::key(key, format!("is a {}, must be a {wanted}", self.kind()))
    }

    pub(super) fn write(&self, out: &mut Vec<u8>) {
        let array = |out: &mut Vec<u8>, element: u32, length: usize| {
            put_u32(out, TYPE_ARRAY);
            put_u32(out, element);
            put_u64(out, length as u64);
        };
        match self {
            Self::U32(value) => {
                put_u32(out, TYPE_U32);
                put_u32(out, *value);
            }
            Self::F32(value) => {
                put_u32(out, TYPE_F32);
                put_u32(out, value.to_bits());
            }
            Self::Bool(value) => {
                put_u32(out, TYPE_BOOL);
                out.push(u8::from(*value));
            }
            Self::Text(value) => {
                put_u32(out, TYPE_STRING);
                put_text(out, value);
            }
            Self::U32s(values) => {
                array(out, TYPE_U32, values.len());
                values.iter().for_each(|value| put_u32(out, *value));
            }
            Self::Bools(values) => {
                array(out, TYPE_BOOL, values.len());
                out.extend(values.iter().map(|value| u8::from(*value)));
            }
            Self::Texts(values) => {
                array(out, TYPE_STRING, values.len());
                values.iter().for_each(|value| put_text(out, value));
            }
        }
    }
}

pub(super) fn put_u32(out: &mut Vec<u8>, value: u32) {
    out.extend_from_slice(&value.to_le_bytes());
}

pub(super) fn put_u64(out: &mut Vec<u8>, value: u64) {
    out.extend_from_slice(&value.to_le_bytes());
}

pub(super) fn put_text(out: &mut Vec<u8>, text: &str) {
    put_u64(out, text.len() as u64);
    out.extend_from_slice(text.as_bytes());
}
