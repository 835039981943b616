//! Reads a JavaScript literal (objects, arrays, strings, numbers, `!0`, `!1`, `null`) out of a minified module: what
//! JSON becomes after minifying. It never runs code; anything else is refused with its place.

use serde_json::{Map, Number, Value};

use super::PackError;

const DEPTH_MAX: usize = 32;

/// The literal that follows the last `marker` in `text`; earlier ones belong to the loader or set a name to `void 0`.
pub(super) fn after(text: &str, marker: &str, file: &str) -> Result<Value, PackError> {
    let Some(found) = text.rfind(marker) else {
        return Err(PackError::source(file, format!("has no \"{marker}\"")));
    };
    let mut parser = Parser { text, at: found + marker.len(), file };
    parser.value(0)
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
    file: &'a str,
}

impl Parser<'_> {
    fn refuse<T>(&self, problem: &str) -> Result<T, PackError> {
        Err(PackError::source(self.file, format!("at byte {}: {problem}", self.at)))
    }

    fn peek(&mut self) -> Option<u8> {
        while self.byte().is_some_and(|byte| byte.is_ascii_whitespace()) {
            self.at += 1;
        }
        self.byte()
    }

    fn byte(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn skip(&mut self, wanted: u8) -> bool {
        let there = self.peek() == Some(wanted);
        self.at += usize::from(there);
        there
    }

    fn want(&mut self, wanted: u8) -> Result<(), PackError> {
        if self.skip(wanted) { Ok(()) } else { self.refuse(&format!("'{}' must stand here", char::from(wanted))) }
    }

    fn value(&mut self, depth: usize) -> Result<Value, PackError> {
        if depth > DEPTH_MAX {
            return self.refuse("too many brackets inside one another");
        }
        match self.peek() {
            Some(b'{') => self.object(depth),
            Some(b'[') => self.array(depth),
            Some(b'"' | b'\'') => self.string().map(Value::String),
            Some(b'!') => {
                self.at += 1;
                match self.word().as_str() {
                    "0" => Ok(Value::Bool(true)),
                    "1" => Ok(Value::Bool(false)),
                    _ => self.refuse("only !0 and !1 can be read after '!'"),
                }
            }
            Some(_) => match self.word().as_str() {
                "null" => Ok(Value::Null),
                "true" => Ok(Value::Bool(true)),
                "false" => Ok(Value::Bool(false)),
                number => match number.parse::<f64>().ok().and_then(Number::from_f64) {
                    Some(number) => Ok(Value::Number(number)),
                    None => self.refuse("no literal"),
                },
            },
            None => self.refuse("the file ends"),
        }
    }

    fn object(&mut self, depth: usize) -> Result<Value, PackError> {
        self.want(b'{')?;
        let mut object = Map::new();
        while !self.skip(b'}') {
            let name = match self.peek() {
                Some(b'"' | b'\'') => self.string()?,
                _ => self.word(),
            };
            self.want(b':')?;
            let value = self.value(depth + 1)?;
            if object.insert(name.clone(), value).is_some() {
                return self.refuse(&format!("\"{name}\" stands twice"));
            }
            if !self.skip(b',') {
                self.want(b'}')?;
                break;
            }
        }
        Ok(Value::Object(object))
    }

    fn array(&mut self, depth: usize) -> Result<Value, PackError> {
        self.want(b'[')?;
        let mut array = Vec::new();
        while !self.skip(b']') {
            array.push(self.value(depth + 1)?);
            if !self.skip(b',') {
                self.want(b']')?;
                break;
            }
        }
        Ok(Value::Array(array))
    }

    /// A name or a number: whatever stands up to the next sign of the grammar.
    fn word(&mut self) -> String {
        let start = self.at;
        while self.byte().is_some_and(|byte| byte.is_ascii_alphanumeric() || b"_$.+-".contains(&byte)) {
            self.at += 1;
        }
        self.text[start..self.at].to_string()
    }

    fn string(&mut self) -> Result<String, PackError> {
        let quote = self.byte();
        self.at += 1;
        let mut string = String::new();
        let mut characters = self.text[self.at..].char_indices();
        while let Some((i, character)) = characters.next() {
            match character {
                '\\' => match characters.next() {
                    Some((_, escaped @ ('"' | '\'' | '\\' | '/'))) => string.push(escaped),
                    Some((_, 'n')) => string.push('\n'),
                    _ => return self.refuse("a string with an escape that can't be read"),
                },
                _ if u8::try_from(character).ok() == quote => {
                    self.at += i + 1;
                    return Ok(string);
                }
                _ => string.push(character),
            }
        }
        self.refuse("a string without its end")
    }
}
