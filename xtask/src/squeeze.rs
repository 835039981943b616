//! Scripts that are inserted into pages, without what only their readers need: comments, indentation, spaces between
//! signs. Every name, string and statement stays as it is written, so that what ships can still be read beside its
//! source. tests/supply compares what a parser reads of the two. esbuild's --minify-whitespace makes 56.2 KB of the 83.8 for
//! which this and javascript.rs, 400 lines, make 55.3; but it is a program of 12 MB from npm, and what ships is made without npm.

use crate::javascript::{self, Gap, Kind, Token};
use crate::shell::Outcome;

/// A line break after these, or before those of [`CLOSING`], never ends a statement.
const OPENING: &str = "{([,;";
const CLOSING: &str = "})],.?:";
/// Behind these a semicolon before the end of a block is a statement of its own, and stays.
const BEFORE_EMPTY: [&str; 5] = ["{", ":", ";", "else", "do"];

/// The brackets behind these are the head of a statement: a semicolon behind it is all of that.
const HEADS: [&str; 5] = ["if", "while", "for", "await", "with"];

pub fn script(source: &str) -> Outcome<String> {
    let mut squeezed = Squeezed { out: String::with_capacity(source.len()), tokens: vec![] };
    for token in javascript::tokens(source)? {
        // A template that begins with a line break is a style sheet.
        if token.kind == Kind::Template && token.text.starts_with("`\n") {
            let style = style(token.text).map_err(|problem| javascript::problem_at(source, token.place, &problem))?;
            squeezed.push(token, &style);
        } else {
            squeezed.push(token, token.text);
        }
    }
    squeezed.out.push('\n');
    Ok(squeezed.out)
}

struct Squeezed<'a> {
    out: String,
    /// Those that are in it.
    tokens: Vec<Token<'a>>,
}

impl<'a> Squeezed<'a> {
    /// Adds a token, and before it what must stay of the gap.
    fn push(&mut self, token: Token<'a>, text: &str) {
        let is_dispensable = match (self.text_before(2), self.text_before(1), token.text) {
            // The last of a list, written line by line; a lone comma would be a hole, and stays.
            (before, ",", ")" | "]" | "}") => token.gap == Gap::Line && !["[", ","].contains(&before),
            // The end of a block ends its last statement.
            (")", ";", "}") => !self.ends_head(),
            (before, ";", "}") => !BEFORE_EMPTY.contains(&before),
            _ => false,
        };
        if is_dispensable {
            self.tokens.pop();
            self.out.pop();
        }
        if let Some(last) = self.tokens.last() {
            let is_sign = |token: &Token, among: &str| token.kind == Kind::Sign && among.contains(token.text);
            match token.gap {
                Gap::Line if !is_sign(last, OPENING) && !is_sign(&token, CLOSING) => self.out.push('\n'),
                Gap::Line | Gap::Space if self.would_merge(last, text) => self.out.push(' '),
                _ => {}
            }
        }
        self.out.push_str(text);
        self.tokens.push(token);
    }

    /// Whether the bracket before the semicolon at the end closes the head of a statement.
    fn ends_head(&self) -> bool {
        let mut n_open = 0;
        let mut before = self.tokens.iter().rev().skip(1);
        let opens = before.by_ref().find(|token| {
            n_open += i32::from(token.kind == Kind::Sign && token.text == ")");
            n_open -= i32::from(token.kind == Kind::Sign && token.text == "(");
            n_open == 0
        });
        opens.is_none() || before.next().is_some_and(|token| HEADS.contains(&token.text))
    }

    /// Whether a text would be read otherwise right behind the last token.
    fn would_merge(&self, last: &Token, text: &str) -> bool {
        let both = |is: fn(char) -> bool| self.out.ends_with(is) && text.starts_with(is);
        both(javascript::is_name)
            || both(|sign| sign == '+')
            || both(|sign| sign == '-')
            || self.out.ends_with('/')
            || text.starts_with('/')
            || last.kind == Kind::Number && text.starts_with('.')
            // `<!--` is a comment.
            || self.out.ends_with('<') && text == "!"
            || self.out.ends_with("<!") && text == "--"
    }

    /// The token so many before the end, if there are so many.
    fn text_before(&self, n: usize) -> &'a str {
        self.tokens.iter().nth_back(n - 1).map_or("", |token| token.text)
    }
}

/// A style sheet with single spaces, and none beside its signs.
fn style(text: &str) -> Outcome<String> {
    if !text.trim_end_matches('`').trim_end().ends_with('}') {
        return Err("a template that begins with a line break is taken for a style sheet, and this is none".to_string());
    }
    // An empty string holds no space; with these there may be some that must stay.
    if let Some(strange) =
        ["\"", "'", "\\", "/*", "${"].into_iter().find(|sign| text.replace("\"\"", "").contains(sign))
    {
        return Err(format!("{strange} is not understood in a style sheet"));
    }
    let mut out = String::with_capacity(text.len());
    for word in text.split_whitespace() {
        let after_sign = out.ends_with(['{', '}', ';', ',', ':', '`']);
        if !after_sign && !word.starts_with(['{', '}', '`']) && !out.is_empty() {
            out.push(' ');
        }
        out.push_str(word);
    }
    Ok(out.replace(";}", "}"))
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
    fn what_stands_in_patterns_stays() {
        check("if (x) /a  b/.test( y )", "if(x) /a  b/.test(y)");
        check("x = a + /b  'c/.source + ' d'", "x=a+ /b  'c/.source+' d'");
        check("typeof /x  y/", "typeof /x  y/");
        check("(a) / b + '/  c'", "(a) / b+'/  c'");
        check("`${/[`}]  x/.test(b)}` + '  '", "`${/[`}]  x/.test(b)}`+'  '");
        let problem = script("a = 1;\nif (a) {\n}\n/x  y/.test(a)").unwrap_err();
        assert!(problem.starts_with("line 4: ") && problem.contains("(/…/)"), "{problem}");
    }

    #[test]
    fn tokens_stay_apart() {
        check("return/* a */b", "return b");
        check("return /* a\n */ b", "return\nb");
        check("1 .toFixed()", "1 .toFixed()");
        check("a < !--b; a <! --b", "a< !--b;a<! --b");
        check("a\n.5", "a\n.5");
        check("{ if (a) b; else ; } { c: ; }", "{if(a)b;else;}{c:;}");
        check("[a,\n,\n]", "[a,,]");
    }

    #[test]
    fn style_sheets_lose_their_spaces_but_not_their_meaning() {
        let source = "s = `\n  .a .b, p:hover > i { margin: 0 2px; width: calc(100vw - 8px); }\n  @media (x: y) { i { z-index: 1; } }\n`";
        check(source, "s=`.a .b,p:hover > i{margin:0 2px;width:calc(100vw - 8px)}@media (x:y){i{z-index:1}}`");
    }

    #[test]
    fn style_sheets_that_are_not_understood_are_refused() {
        check("s = `\n .a { content: \"\"; }\n`", "s=`.a{content:\"\"}`");
        for source in
            ["`\n.a { content: ' x'; }`", "`\n.a { width: ${ b }px; }`", "`\n/* a */ .b {}`", "`\nDear  reader`"]
        {
            assert!(script(source).is_err(), "{source}");
        }
    }

    #[test]
    fn what_has_no_end_is_refused() {
        for source in ["/* a", "'a", "\"a\n\"", "`a", "`${a", "x = /a"] {
            assert!(script(source).is_err(), "{source}");
        }
    }
}
