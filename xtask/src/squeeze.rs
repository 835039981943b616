//! Scripts that are inserted into pages, without what only their readers need: comments, indentation, spaces between
//! signs. Every name, string and statement stays as it is written, so that what ships can still be read beside its
//! source. It knows no more of JavaScript than where strings, templates, patterns and comments begin and end.

use std::iter::Peekable;
use std::str::Chars;

/// A line break after these, or before those of [`CLOSING`], never ends a statement.
const OPENING: &str = "{([,;";
const CLOSING: &str = "})],.?:";
/// After these a slash begins a pattern and is no division.
const BEFORE_PATTERN: &str = "(,=:[!&|?{};<>*%^~\n";

pub fn script(source: &str) -> Result<String, String> {
    let mut squeezed = Squeezed {
        out: String::with_capacity(source.len()),
        gap: Gap::None,
        open_brackets: Vec::new(),
        after_head: false,
    };
    let mut rest = source.chars().peekable();
    while let Some(character) = rest.next() {
        match (character, rest.peek()) {
            ('/', Some('/')) => while rest.next_if(|&next| next != '\n').is_some() {},
            ('/', Some('*')) => skip_comment(&mut rest)?,
            ('\n', _) => squeezed.gap = Gap::Line,
            (space, _) if space.is_whitespace() => squeezed.gap = squeezed.gap.max(Gap::Space),
            ('"' | '\'', _) => squeezed.push(&quoted(character, &mut rest)?),
            ('`', _) => squeezed.push(&template(&mut rest)?),
            ('/', _) if squeezed.expects_pattern() => squeezed.push(&pattern(&mut rest)?),
            (sign, _) => squeezed.push(sign.encode_utf8(&mut [0; 4])),
        }
    }
    squeezed.out.push('\n');
    Ok(squeezed.out)
}

/// What stood between two tokens.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Gap {
    None,
    Space,
    Line,
}

struct Squeezed {
    out: String,
    gap: Gap,
    /// Of each round bracket that is open, whether it is the head of a loop or condition.
    open_brackets: Vec<bool>,
    /// Whether the last round bracket that was closed ended such a head: a semicolon behind it is the whole of an empty body.
    after_head: bool,
}

/// Their brackets are followed by a statement.
const HEADS: [&str; 4] = ["await", "for", "if", "while"];

impl Squeezed {
    /// Adds a token, and before it what must stay of the gap.
    fn push(&mut self, token: &str) {
        // The last of a list, written line by line; a lone comma would be a hole, and stays.
        if [")", "]", "}"].contains(&token)
            && self.gap == Gap::Line
            && self.out.ends_with(',')
            && !self.out.ends_with("[,")
        {
            self.out.pop();
        }
        match token {
            // The end of a block ends its last statement, but not an empty one.
            "}" if self.out.ends_with(';') && !self.ends_empty() => {
                self.out.pop();
            }
            "(" => self.open_brackets.push(self.follows_head()),
            ")" => self.after_head = self.open_brackets.pop().unwrap_or_default(),
            _ => {}
        }
        let (last, first) = (self.out.chars().next_back(), token.chars().next());
        if let (Some(last), Some(first)) = (last, first) {
            let is_name = |sign: char| sign.is_alphanumeric() || "_$".contains(sign);
            let would_merge = is_name(last) && is_name(first) || last == first && "+-/".contains(first);
            match self.gap {
                Gap::Line if !OPENING.contains(last) && !CLOSING.contains(first) => self.out.push('\n'),
                Gap::Line | Gap::Space if would_merge || last == '/' || first == '/' => self.out.push(' '),
                _ => {}
            }
        }
        self.out.push_str(token);
        self.gap = Gap::None;
    }

    /// Whether the semicolon at the end is a statement of its own.
    fn ends_empty(&self) -> bool {
        self.out.ends_with("{;") || self.after_head && self.out.ends_with(");")
    }

    fn follows_head(&self) -> bool {
        let word = self.out.trim_end().rsplit(|sign: char| !sign.is_alphanumeric() && sign != '.').next();
        word.is_some_and(|word| HEADS.contains(&word))
    }

    fn expects_pattern(&self) -> bool {
        let before = self.out.trim_end();
        self.gap == Gap::Line
            || before.chars().next_back().is_none_or(|last| BEFORE_PATTERN.contains(last))
            || before.ends_with("return")
    }
}

fn skip_comment(rest: &mut Peekable<Chars>) -> Result<(), String> {
    rest.next();
    let mut last = ' ';
    for next in rest {
        if last == '*' && next == '/' {
            return Ok(());
        }
        last = next;
    }
    Err("a comment has no end".to_string())
}

fn quoted(quote: char, rest: &mut Peekable<Chars>) -> Result<String, String> {
    let mut text = String::from(quote);
    while let Some(next) = rest.next() {
        text.push(next);
        match next {
            '\\' => text.extend(rest.next()),
            '\n' => break,
            end if end == quote => return Ok(text),
            _ => {}
        }
    }
    Err(format!("a string has no end: {text}"))
}

fn pattern(rest: &mut Peekable<Chars>) -> Result<String, String> {
    let mut text = String::from('/');
    let mut in_class = false;
    while let Some(next) = rest.next() {
        text.push(next);
        match next {
            '\\' => text.extend(rest.next()),
            '[' => in_class = true,
            ']' => in_class = false,
            '\n' => break,
            '/' if !in_class => return Ok(text),
            _ => {}
        }
    }
    Err(format!("a pattern has no end: {text}"))
}

/// A template from behind its first backtick. One that begins with a line break is a style sheet.
fn template(rest: &mut Peekable<Chars>) -> Result<String, String> {
    let is_style = rest.peek() == Some(&'\n');
    let mut text = String::from('`');
    while let Some(next) = rest.next() {
        match next {
            '`' => {
                text.push('`');
                return Ok(if is_style { style(&text) } else { text });
            }
            '\\' => text.extend(['\\'].into_iter().chain(rest.next())),
            '$' if rest.peek() == Some(&'{') => {
                text.push('$');
                text.push_str(&insertion(rest)?);
            }
            _ => text.push(next),
        }
    }
    Err(format!("a template has no end: {text}"))
}

/// `{…}` of a template, with all that is nested in it.
fn insertion(rest: &mut Peekable<Chars>) -> Result<String, String> {
    let mut text = String::new();
    let mut depth = 0;
    while let Some(next) = rest.next() {
        match next {
            '`' => text.push_str(&template(rest)?),
            '"' | '\'' => text.push_str(&quoted(next, rest)?),
            _ => text.push(next),
        }
        depth += i32::from(next == '{') - i32::from(next == '}');
        if depth == 0 {
            return Ok(text);
        }
    }
    Err(format!("an insertion has no end: {text}"))
}

/// A style sheet with single spaces, and none beside its signs.
fn style(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for word in text.split_whitespace() {
        let after_sign = out.ends_with(['{', '}', ';', ',', ':', '`']);
        if !after_sign && !word.starts_with(['{', '}', '`']) && !out.is_empty() {
            out.push(' ');
        }
        out.push_str(word);
    }
    out.replace(";}", "}")
}

#[cfg(test)]
mod tests {
    use super::script;

    fn check(source: &str, expected: &str) {
        assert_eq!(script(source).as_deref(), Ok(format!("{expected}\n").as_str()));
    }

    #[test]
    fn comments_and_indentation_go() {
        check("// head\n\n(() => {\n  /** one\n   * two */\n  const a = 1; // why\n})();\n", "(()=>{const a=1})();");
        check("a = b / c; // half", "a=b / c;");
    }

    #[test]
    fn statements_without_a_semicolon_stay_apart() {
        check("const f = () => {}\nconst g = 1", "const f=()=>{}\nconst g=1");
        check("a\nb\n  .c()", "a\nb.c()");
        check("f(\n  a,\n  [b, ],\n);\nif (a) { b = c; } while (d());", "f(a,[b,]);if(a){b=c}while(d());");
        check("{ f(g(a)); } { while (f(a)); } { for (;;) f(); }", "{f(g(a))}{while(f(a));}{for(;;)f()}");
        check("return x\n  ? y\n  : z;", "return x?y:z;");
        check("x = a + +b - -c; y++", "x=a+ +b- -c;y++");
        check("async function  f() { await  g }", "async function f(){await g}");
    }

    #[test]
    fn strings_patterns_and_templates_stay() {
        check(r#"f("a  // b", 'it''s \' x', /a  \/[/ ]b/g)"#, r#"f("a  // b",'it''s \' x', /a  \/[/ ]b/g)"#);
        check("return /x y/.test(z)", "return /x y/.test(z)");
        check("f = (a) => /b \\(/.test(a)", "f=(a)=> /b \\(/.test(a)");
        check("t = `a  ${f({ b: `c  d` })}  // e`", "t=`a  ${f({ b: `c  d` })}  // e`");
    }

    #[test]
    fn style_sheets_lose_their_spaces_but_not_their_meaning() {
        let source = "s = `\n  .a .b, p:hover > i { margin: 0 2px; width: calc(100vw - 8px); }\n  @media (x: y) { i { z-index: 1; } }\n`";
        check(source, "s=`.a .b,p:hover > i{margin:0 2px;width:calc(100vw - 8px)}@media (x:y){i{z-index:1}}`");
    }

    #[test]
    fn what_has_no_end_is_refused() {
        for source in ["/* a", "'a", "\"a\n\"", "`a", "`${a", "x = /a"] {
            assert!(script(source).is_err(), "{source}");
        }
    }
}
