//! Reads of a Rust file which modules it declares and which paths it names, in `use` and elsewhere. What a test alone
//! sees (`#[cfg(test)]`), texts and comments are left out. It knows no more of the language than that: syn would add
//! 5 s to the 8 that xtask takes to compile, and would read no path in the body of a macro. Which file a path leads to is rooms.rs'
//! to say.

use std::str::Chars;

/// A module by its names from src/ on: `web::pages` is `["web", "pages"]`.
pub type Module = Vec<String>;

/// What one file says.
#[derive(Debug, Default, PartialEq)]
pub struct Said {
    /// `mod name;` and `mod name { … }`, in their order, by the module they stand in.
    pub declared: Vec<Declared>,
    pub paths: Vec<Named>,
}

#[derive(Debug, PartialEq)]
pub struct Declared {
    pub within: Module,
    pub name: String,
    pub is_inline: bool,
    pub is_test: bool,
}

/// A path as it is written, `crate` and `super` included.
#[derive(Debug, PartialEq)]
pub struct Named {
    pub within: Module,
    pub path: Vec<String>,
    pub line: usize,
    /// Of a `use` the name that it gives, which is `*` where it gives all; none elsewhere.
    pub gives: Option<String>,
    pub is_public: bool,
}

/// All that a file says whose own module is `module`.
pub fn read(source: &str, module: &[String]) -> Said {
    let mut reader = Reader {
        tokens: tokens(source),
        at: 0,
        module: module.to_vec(),
        inline: vec![],
        depth: 0,
        said: Said::default(),
    };
    while reader.at < reader.tokens.len() {
        reader.step();
    }
    reader.said
}

#[derive(Debug, Clone, Copy, PartialEq)]
struct Token<'a> {
    text: &'a str,
    line: usize,
}

struct Reader<'a> {
    tokens: Vec<Token<'a>>,
    at: usize,
    module: Module,
    /// The depth of braces in which each inline module stands that is open.
    inline: Vec<usize>,
    depth: usize,
    said: Said,
}

impl<'a> Reader<'a> {
    fn text(&self, ahead: usize) -> &'a str {
        self.tokens.get(self.at + ahead).map_or("", |token| token.text)
    }

    fn before(&self, n: usize) -> &'a str {
        self.at.checked_sub(n).map_or("", |at| self.tokens[at].text)
    }

    fn next_are(&self, texts: &[&str]) -> bool {
        texts.iter().enumerate().all(|(ahead, text)| self.text(ahead) == *text)
    }

    fn step(&mut self) {
        match self.text(0) {
            "#" if self.next_are(&["#", "[", "cfg", "(", "test", ")", "]"]) => {
                self.at += 7;
                self.skip_item();
            }
            "mod" if is_name(self.text(1)) && [";", "{"].contains(&self.text(2)) => {
                self.declare(false);
                self.at += 2;
                if self.text(0) == "{" {
                    self.module.push(self.before(1).to_string());
                    self.inline.push(self.depth);
                }
                // A brace is the next step's.
            }
            // `impl Trait + use<'a>` is none.
            "use" if self.text(1) != "<" => {
                let is_public = matches!(self.before(1), "pub" | ")");
                self.at += 1;
                self.use_tree(&mut vec![], is_public);
            }
            "{" => {
                self.depth += 1;
                self.at += 1;
            }
            "}" => {
                self.depth = self.depth.saturating_sub(1);
                if self.inline.last() == Some(&self.depth) {
                    self.inline.pop();
                    self.module.pop();
                }
                self.at += 1;
            }
            name if is_name(name) && self.text(1) == "::" && self.before(1) != "::" => self.path(),
            _ => self.at += 1,
        }
    }

    fn declare(&mut self, is_test: bool) {
        let (name, is_inline) = (self.text(1).to_string(), self.text(2) == "{");
        self.said.declared.push(Declared { within: self.module.clone(), name, is_inline, is_test });
    }

    /// Passes what stands behind an attribute: up to its semicolon, or to the end of its block.
    fn skip_item(&mut self) {
        let mut depth = 0;
        while self.at < self.tokens.len() {
            if self.text(0) == "mod" && self.text(2) == ";" {
                self.declare(true);
            }
            match self.text(0) {
                "(" | "[" | "{" => depth += 1,
                // The block around it ends first.
                ")" | "]" | "}" if depth == 0 => return,
                ")" | "]" => depth -= 1,
                "}" => depth -= 1,
                _ => {}
            }
            let ends = depth == 0 && [";", "}"].contains(&self.text(0));
            self.at += 1;
            if ends {
                return;
            }
        }
    }

    /// From behind `use`, or within its braces, to behind its end.
    fn use_tree(&mut self, path: &mut Vec<String>, is_public: bool) {
        let n_above = path.len();
        let mut line = 0;
        while self.at < self.tokens.len() {
            let token = self.tokens[self.at];
            match token.text {
                "{" => {
                    self.at += 1;
                    while !["}", ""].contains(&self.text(0)) {
                        self.use_tree(path, is_public);
                        self.at += usize::from(self.text(0) == ",");
                    }
                    self.at += 1;
                    path.truncate(n_above);
                    return;
                }
                "::" => {}
                "as" => {
                    let alias = self.text(1).to_string();
                    self.at += 2;
                    self.name(path, Some(alias), line, is_public);
                    path.truncate(n_above);
                    return;
                }
                name if is_name(name) || name == "*" => {
                    path.push(name.to_string());
                    line = token.line;
                }
                _ => break,
            }
            self.at += 1;
        }
        if path.len() > n_above {
            self.name(path, None, line, is_public);
        }
        path.truncate(n_above);
        self.at += usize::from(self.text(0) == ";");
    }

    fn name(&mut self, path: &[String], alias: Option<String>, line: usize, is_public: bool) {
        let mut path = path.to_vec();
        // `{self, …}` names what the braces stand behind.
        if path.len() > 1 && path.last().is_some_and(|last| last == "self") {
            path.pop();
        }
        let gives = alias.or_else(|| path.last().cloned());
        self.said.paths.push(Named { within: self.module.clone(), path, line, gives, is_public });
    }

    /// A path in the midst of code.
    fn path(&mut self) {
        let line = self.tokens[self.at].line;
        // `pub(in crate::web)` uses nothing.
        let is_scope = self.before(1) == "in" && self.before(2) == "(" && self.before(3) == "pub";
        let mut path = vec![self.text(0).to_string()];
        self.at += 1;
        while self.text(0) == "::" && is_name(self.text(1)) {
            path.push(self.text(1).to_string());
            self.at += 2;
        }
        if !is_scope {
            self.said.paths.push(Named { within: self.module.clone(), path, line, gives: None, is_public: false });
        }
    }
}

fn is_name(text: &str) -> bool {
    text.starts_with(|first: char| first.is_alphabetic() || first == '_')
}

/// Names, numbers, `::` and single signs; no texts, comments, characters or lifetimes.
fn tokens(source: &str) -> Vec<Token<'_>> {
    let mut tokens = Vec::new();
    let mut rest = source;
    let mut line = 1;
    while let Some(first) = rest.chars().next() {
        let in_name = |next: char| next.is_alphanumeric() || next == '_';
        let (length, is_token) = if rest.starts_with("//") {
            (rest.find('\n').unwrap_or(rest.len()), false)
        } else if rest.starts_with("/*") {
            (comment_length(rest), false)
        } else if let Some(length) = raw_text_length(rest) {
            (length, false)
        } else if first == '"' {
            (quoted_length(rest), false)
        } else if first == '\'' {
            (character_length(rest), false)
        } else if in_name(first) {
            (rest.find(|next| !in_name(next)).unwrap_or(rest.len()), true)
        } else if rest.starts_with("::") {
            (2, true)
        } else {
            (first.len_utf8(), !first.is_whitespace())
        };
        let (text, behind) = rest.split_at(length);
        if is_token {
            tokens.push(Token { text, line });
        }
        line += text.matches('\n').count();
        rest = behind;
    }
    tokens
}

/// They nest.
fn comment_length(rest: &str) -> usize {
    let mut depth = 0;
    let mut at = 0;
    while at < rest.len() {
        let step = match &rest.as_bytes()[at..] {
            [b'/', b'*', ..] => {
                depth += 1;
                2
            }
            [b'*', b'/', ..] => {
                depth -= 1;
                2
            }
            _ => 1,
        };
        at += step;
        if depth == 0 {
            return at;
        }
    }
    rest.len()
}

/// The length of `r"…"`, `br#"…"#` and their like.
fn raw_text_length(rest: &str) -> Option<usize> {
    let prefix = ["br", "cr", "r"].into_iter().find(|prefix| rest.starts_with(prefix))?;
    let hashes = rest[prefix.len()..].len() - rest[prefix.len()..].trim_start_matches('#').len();
    let start = prefix.len() + hashes + 1;
    if rest.as_bytes().get(start - 1) != Some(&b'"') {
        return None;
    }
    let end = format!("\"{}", "#".repeat(hashes));
    Some(rest[start..].find(&end).map_or(rest.len(), |at| start + at + end.len()))
}

fn quoted_length(rest: &str) -> usize {
    let mut signs = rest.char_indices().skip(1);
    while let Some((at, sign)) = signs.next() {
        match sign {
            '\\' => drop(signs.next()),
            '"' => return at + 1,
            _ => {}
        }
    }
    rest.len()
}

/// The length of a character, or of a lifetime.
fn character_length(rest: &str) -> usize {
    let behind = |signs: Chars| rest.len() - signs.as_str().len();
    let mut signs = rest.chars();
    signs.next();
    match (signs.next(), signs.next()) {
        (Some('\\'), _) => signs.position(|sign| sign == '\'').map_or(rest.len(), |_| behind(signs)),
        (Some(_), Some('\'')) => behind(signs),
        _ => 1 + rest[1..].find(|next: char| !next.is_alphanumeric() && next != '_').unwrap_or(rest.len() - 1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The paths of a file of the module `room`, each as `module: path` with its line behind it, and `=` before a name given.
    fn paths(source: &str) -> Vec<String> {
        let told = |named: &Named| {
            let public = if named.is_public { "pub " } else { "" };
            let gives = named.gives.as_ref().map(|name| format!(" = {public}{name}")).unwrap_or_default();
            format!("{}: {} {}{gives}", named.within.join("::"), named.path.join("::"), named.line)
        };
        read(source, &["room".to_string()]).paths.iter().map(told).collect()
    }

    #[test]
    fn uses_are_read_with_all_their_braces() {
        assert_eq!(paths("use crate::a::B;"), ["room: crate::a::B 1 = B"]);
        assert_eq!(
            paths("pub(crate) use super::{\n    a::{self, B as C},\n    d::*,\n};\nuse e::f;"),
            [
                "room: super::a 2 = pub a",
                "room: super::a::B 2 = pub C",
                "room: super::d::* 3 = pub *",
                "room: e::f 5 = f"
            ]
        );
        assert_eq!(paths("fn f<'a>() -> impl A + use<'a> { use super::super::g; }"), ["room: super::super::g 1 = g"]);
    }

    #[test]
    fn paths_in_code_are_read() {
        assert_eq!(
            paths("fn f(a: crate::a::B) {\n    $crate::c::<D>();\n    for e in super::f() {}\n}"),
            ["room: crate::a::B 1", "room: crate::c 2", "room: super::f 3"]
        );
        assert_eq!(paths("pub(in crate::web) fn f() {} pub(crate) fn g(self) { self.h() }"), Vec::<String>::new());
    }

    #[test]
    fn texts_and_comments_are_not_read() {
        let source = "// use crate::a;\n/* use crate::b; /* */ crate::c::d */\nconst E: &str = \"use crate::f; \\\" crate::g::h\";\n\
            const I: &str = r#\"crate::j::k \" crate::l::m\"#; const N: char = '\"'; const O: char = '\\''; fn p<'q>() { crate::r::s }";
        assert_eq!(paths(source), ["room: crate::r::s 4"]);
    }

    #[test]
    fn tests_are_not_read() {
        let source = "#[cfg(test)]\nuse crate::a::{B, C};\n#[cfg(test)]\nfn d(e: [u8; 3]) { crate::f::g() }\nuse crate::h;\n\
            #[cfg(test)]\n#[allow(unused)]\nmod tests {\n    use super::*;\n    fn i() { crate::j::k() }\n}\nuse crate::l;";
        assert_eq!(paths(source), ["room: crate::h 5 = h", "room: crate::l 12 = l"]);
        let said = read("#[cfg(test)]\nmod trials;\nmod real;", &[]);
        let tests: Vec<_> = said.declared.iter().map(|declared| (declared.name.as_str(), declared.is_test)).collect();
        assert_eq!(tests, [("trials", true), ("real", false)]);
    }

    #[test]
    fn modules_within_a_file_are_modules() {
        let source = "mod a { mod b { use super::c; } use super::d; } use super::e; mod f;";
        assert_eq!(paths(source), ["room::a::b: super::c 1 = c", "room::a: super::d 1 = d", "room: super::e 1 = e"]);
        let said = read(source, &[]);
        let names: Vec<_> = said.declared.iter().map(|declared| (declared.name.as_str(), declared.is_inline)).collect();
        assert_eq!(names, [("a", true), ("b", true), ("f", false)]);
    }
}
