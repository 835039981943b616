//! Reads a script as tokens, as far as squeeze.rs needs it: where strings, templates, patterns and comments begin and end.
//! What a slash is depends on the whole grammar; here it follows from the token before it, and where that doesn't settle
//! it, as after a `}`, the script is refused and the line named. So nothing is ever guessed. A real parser would guess as
//! little: oxc_parser's hundred crates compile in 24 s, all of xtask in 8 (on two cores), and what is read here is ours to
//! write plainly. Of 2,200 scripts by others, those of our node packages, no slash was refused, and a parser read each that was
//! squeezed the same as before.

use crate::shell::Outcome;

#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Kind {
    /// A name or a word of the language.
    Word,
    Number,
    Quoted,
    /// With all that is inserted in it, as it is written.
    Template,
    Pattern,
    /// One character, or `++`, `--` and `...`.
    Sign,
}

/// What stood before a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Gap {
    None,
    Space,
    Line,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Token<'a> {
    pub kind: Kind,
    pub text: &'a str,
    pub gap: Gap,
    pub place: usize,
}

pub fn tokens(source: &str) -> Outcome<Vec<Token<'_>>> {
    let mut reader = Reader {
        source,
        place: 0,
        slash: Slash::Pattern,
        last: Token { kind: Kind::Sign, text: "", gap: Gap::None, place: 0 },
        last_is_property: false,
        open: vec![],
    };
    let mut tokens = Vec::new();
    while let Some(token) = reader.next()? {
        tokens.push(token);
    }
    match reader.open.pop() {
        Some((closing, _)) => Err(reader.problem(&format!("a {closing} is missing"))),
        None => Ok(tokens),
    }
}

/// After these words a slash begins a pattern. All are reserved: no name is one of them.
const BEFORE_PATTERN: [&str; 13] = [
    "case",
    "default",
    "delete",
    "do",
    "else",
    "extends",
    "in",
    "instanceof",
    "new",
    "return",
    "throw",
    "typeof",
    "void",
];
/// After these it may: they are names too, where the language does not need them.
const BEFORE_EITHER: [&str; 3] = ["await", "of", "yield"];
/// What is in brackets behind these is no value.
const BEFORE_HEAD: [&str; 4] = ["for", "if", "while", "with"];

/// What a slash would be behind the last token.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Slash {
    Division,
    Pattern,
    Either,
}

struct Reader<'a> {
    source: &'a str,
    place: usize,
    slash: Slash,
    last: Token<'a>,
    /// Behind a dot any word is a name.
    last_is_property: bool,
    /// What closes each open bracket, and what a slash would be behind it.
    open: Vec<(char, Slash)>,
}

impl<'a> Reader<'a> {
    fn next(&mut self) -> Outcome<Option<Token<'a>>> {
        let gap = self.gap()?;
        let Some(first) = self.first() else { return Ok(None) };
        let start = self.place;
        let kind = match first {
            '"' | '\'' => self.quoted(first)?,
            '`' => self.template()?,
            '/' => self.slash(gap)?,
            '0'..='9' => self.take_while(Kind::Number, |next| is_name(next) || next == '.'),
            '.' if self.second().is_some_and(|next| next.is_ascii_digit()) => {
                self.place += 1;
                self.take_while(Kind::Number, is_name)
            }
            '#' if self.second().is_some_and(is_name) => {
                self.place += 1;
                self.take_while(Kind::Word, is_name)
            }
            _ if is_name(first) => self.take_while(Kind::Word, is_name),
            _ => self.sign(first)?,
        };
        let token = Token { kind, text: &self.source[start..self.place], gap, place: start };
        let is_property = self.last.text == ".";
        self.slash = self.slash_after(token, is_property)?;
        (self.last, self.last_is_property) = (token, is_property);
        Ok(Some(token))
    }

    fn slash_after(&mut self, token: Token, is_property: bool) -> Outcome<Slash> {
        Ok(match (token.kind, token.text) {
            (Kind::Word, word) if !is_property && BEFORE_PATTERN.contains(&word) => Slash::Pattern,
            (Kind::Word, word) if !is_property && BEFORE_EITHER.contains(&word) => Slash::Either,
            (Kind::Sign, "(") => {
                let before = if self.last_is_property { "" } else { self.last.text };
                let behind = match before {
                    // Behind `for` it is a head, else a value.
                    "await" => Slash::Either,
                    word if BEFORE_HEAD.contains(&word) => Slash::Pattern,
                    _ => Slash::Division,
                };
                self.open.push((')', behind));
                Slash::Pattern
            }
            (Kind::Sign, "[") => {
                self.open.push((']', Slash::Division));
                Slash::Pattern
            }
            (Kind::Sign, "{") => {
                // A block or an object.
                self.open.push(('}', Slash::Either));
                Slash::Pattern
            }
            (Kind::Sign, ")" | "]" | "}") => match self.open.pop() {
                Some((closing, behind)) if token.text.starts_with(closing) => behind,
                _ => return Err(self.problem(&format!("this {} closes nothing", token.text))),
            },
            (Kind::Sign, "++" | "--") => Slash::Division,
            (Kind::Sign, ".") => Slash::Either,
            (Kind::Sign, _) => Slash::Pattern,
            _ => Slash::Division,
        })
    }

    /// Passes spaces and comments. A comment of several lines ends a statement like a line break.
    fn gap(&mut self) -> Outcome<Gap> {
        let mut gap = Gap::None;
        loop {
            let rest = &self.source[self.place..];
            let (length, found) = if rest.starts_with('\n') {
                (1, Gap::Line)
            } else if rest.starts_with([' ', '\t']) {
                (1, Gap::Space)
            } else if rest.starts_with("//") {
                (rest.find('\n').unwrap_or(rest.len()), Gap::Space)
            } else if let Some(comment) = rest.strip_prefix("/*") {
                let end = comment.find("*/").ok_or_else(|| self.problem("a comment has no end"))?;
                (end + 4, if comment[..end].contains('\n') { Gap::Line } else { Gap::Space })
            } else {
                return Ok(gap);
            };
            self.place += length;
            gap = gap.max(found);
        }
    }

    fn slash(&mut self, gap: Gap) -> Outcome<Kind> {
        match self.slash {
            Slash::Pattern => self.pattern(),
            // At the beginning of a line it may be either: some statements end with the line before, `let a` for one.
            Slash::Division if gap != Gap::Line => {
                self.place += 1;
                Ok(Kind::Sign)
            }
            _ => Err(self.problem(
                "it is not certain whether this slash divides or begins a pattern: write the pattern as (/…/), or leave \
                 the slash of a division on the line of a name or bracket that it divides",
            )),
        }
    }

    fn sign(&mut self, first: char) -> Outcome<Kind> {
        let rest = &self.source[self.place..];
        if let Some(sign) = ["<!--", "-->"].into_iter().find(|sign| rest.starts_with(sign)) {
            return Err(self.problem(&format!("{sign} is a comment to some: leave a space within")));
        }
        if !"{}()[];,<>=+-*%&|^!~?:.".contains(first) {
            return Err(self.problem(&format!("{first:?} is not understood outside of strings, comments and patterns")));
        }
        self.place += ["...", "++", "--"].into_iter().find(|sign| rest.starts_with(sign)).map_or(1, str::len);
        Ok(Kind::Sign)
    }

    fn quoted(&mut self, quote: char) -> Outcome<Kind> {
        let start = self.place;
        self.place += 1;
        while let Some(next) = self.take() {
            match next {
                '\\' => drop(self.take()),
                '\n' => break,
                end if end == quote => return Ok(Kind::Quoted),
                _ => {}
            }
        }
        Err(problem_at(self.source, start, "a string has no end"))
    }

    fn pattern(&mut self) -> Outcome<Kind> {
        let start = self.place;
        self.place += 1;
        let mut in_class = false;
        while let Some(next) = self.take() {
            match next {
                '\\' => drop(self.take()),
                '[' => in_class = true,
                ']' => in_class = false,
                '\n' => break,
                '/' if !in_class => return Ok(self.take_while(Kind::Pattern, is_name)),
                _ => {}
            }
        }
        Err(problem_at(self.source, start, "a pattern has no end"))
    }

    fn template(&mut self) -> Outcome<Kind> {
        let start = self.place;
        self.place += 1;
        while let Some(next) = self.take() {
            match next {
                '\\' => drop(self.take()),
                '`' => return Ok(Kind::Template),
                '$' if self.first() == Some('{') => self.insertion()?,
                _ => {}
            }
        }
        Err(problem_at(self.source, start, "a template has no end"))
    }

    /// `{…}` of a template is code like any other.
    fn insertion(&mut self) -> Outcome {
        let (start, depth) = (self.place, self.open.len());
        self.next()?;
        while self.open.len() > depth {
            self.next()?.ok_or_else(|| problem_at(self.source, start, "an insertion has no end"))?;
        }
        Ok(())
    }

    fn take_while(&mut self, kind: Kind, wanted: impl Fn(char) -> bool) -> Kind {
        let rest = &self.source[self.place..];
        self.place += rest.find(|next| !wanted(next)).unwrap_or(rest.len());
        kind
    }

    fn take(&mut self) -> Option<char> {
        let next = self.first()?;
        self.place += next.len_utf8();
        Some(next)
    }

    fn first(&self) -> Option<char> {
        self.source[self.place..].chars().next()
    }

    fn second(&self) -> Option<char> {
        self.source[self.place..].chars().nth(1)
    }

    fn problem(&self, what: &str) -> String {
        problem_at(self.source, self.place, what)
    }
}

/// A problem with the line that it is in.
pub fn problem_at(source: &str, place: usize, what: &str) -> String {
    let line = source[..place].matches('\n').count();
    let text = source.lines().nth(line).unwrap_or_default().trim();
    format!("line {}: {what}: {text}", line + 1)
}

pub fn is_name(sign: char) -> bool {
    sign.is_alphanumeric() || sign == '_' || sign == '$'
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(source: &str, expected: &[&str]) {
        let tokens = tokens(source).unwrap_or_else(|problem| panic!("{source}: {problem}"));
        assert_eq!(tokens.iter().map(|token| token.text).collect::<Vec<_>>(), expected, "{source}");
    }

    #[track_caller]
    fn check_refused(source: &str, expected: &str) {
        let problem = tokens(source).expect_err(source);
        assert!(problem.starts_with(expected), "{source}: {problem}");
    }

    #[test]
    fn a_slash_begins_a_pattern_where_a_value_is_missing() {
        check("if (x) /a b/.test(y)", &["if", "(", "x", ")", "/a b/", ".", "test", "(", "y", ")"]);
        check("do x(); while (y) /a  b/g", &["do", "x", "(", ")", ";", "while", "(", "y", ")", "/a  b/g"]);
        check("a + /b  c/.d", &["a", "+", "/b  c/", ".", "d"]);
        check("a+++/b  c/", &["a", "++", "+", "/b  c/"]);
        check("-/a  'b/ - ~/c  d/", &["-", "/a  'b/", "-", "~", "/c  d/"]);
        for word in BEFORE_PATTERN {
            check(&format!("{word} /x  y/"), &[word, "/x  y/"]);
            check(&format!("{word}\n/x  y/"), &[word, "/x  y/"]);
        }
        check("[.../x  y/]", &["[", "...", "/x  y/", "]"]);
        check("a / /b  [/] \\/ c/i / d", &["a", "/", "/b  [/] \\/ c/i", "/", "d"]);
        check("(a) => /x  y/", &["(", "a", ")", "=", ">", "/x  y/"]);
    }

    #[test]
    fn a_slash_divides_behind_a_value() {
        check("a / b / c", &["a", "/", "b", "/", "c"]);
        check(
            "(a) / 2 / b[0] / 'c' / `d` / 1. / .5",
            &["(", "a", ")", "/", "2", "/", "b", "[", "0", "]", "/", "'c'", "/", "`d`", "/", "1.", "/", ".5"],
        );
        check("a++ / b--/c", &["a", "++", "/", "b", "--", "/", "c"]);
        check("a.if(b) / c.return / d", &["a", ".", "if", "(", "b", ")", "/", "c", ".", "return", "/", "d"]);
        check("a?.in / this.#of / b", &["a", "?", ".", "in", "/", "this", ".", "#of", "/", "b"]);
        check(
            "if (f((a), b) / 2 > 1) c /= d",
            &["if", "(", "f", "(", "(", "a", ")", ",", "b", ")", "/", "2", ">", "1", ")", "c", "/", "=", "d"],
        );
    }

    #[test]
    fn what_is_not_certain_is_refused_with_its_line() {
        for word in BEFORE_EITHER {
            check_refused(&format!("a;\n{word} /x/"), "line 2: it is not certain");
        }
        check_refused("x = {}\nif (a) {\n} /b  c/.test(d)", "line 3: it is not certain");
        check_refused("let a\n/b  c/.test(d)", "line 2: it is not certain");
        check_refused("f()\n/2", "line 2: it is not certain");
        check_refused("for await (a of b) /c  d/.test(a)", "line 1: it is not certain");
        check_refused("a /* b\n */ /c/d", "line 2: it is not certain");
        check_refused("a./b", "line 1: it is not certain");
    }

    #[test]
    fn insertions_are_read_like_any_code() {
        for template in [
            "`a ${/[}`]  x/.test(b)} c`",
            "`${ /* }` */ b }`",
            "`${ b // }`\n }`",
            "`${{ a: '}`' }}`",
            "`${(a) / 2} ${`${b}`}`",
            "`\\${` ",
            "`$` ",
        ] {
            check(template, &[template.trim()]);
        }
        check("`${a}` / b", &["`${a}`", "/", "b"]);
        check_refused("`\n${ {} /b/ }`", "line 2: it is not certain");
    }

    #[test]
    fn gaps_are_told() {
        let gaps = |source| tokens(source).unwrap().iter().map(|token| token.gap).collect::<Vec<_>>();
        assert_eq!(gaps("a/**/b /* \n */ c // d\n+\te"), [Gap::None, Gap::Space, Gap::Line, Gap::Line, Gap::Space]);
    }

    #[test]
    fn what_is_wrong_or_strange_is_refused() {
        for source in
            ["/* a", "'a", "\"a\n\"", "`a", "`${a", "`${`", "x = /a", "x = /a\n/", "(a", "a)", "(a]", "`${)}`"]
        {
            assert!(tokens(source).is_err(), "{source}");
        }
        for source in ["a <!--b", "a\n--> b", "a-->b", "\\u0061", "a\r\nb", "a\u{2028}b", "a\u{a0}b", "@a class B {}"] {
            assert!(tokens(source).is_err(), "{source}");
        }
    }
}
