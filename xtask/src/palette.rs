//! Sotto's colours stand once, in extension/palette.css. The build puts that file in front of the style sheet of Sotto's own pages;
//! scripts for web pages get from here what they name of it: content/surface.js the style where it says `@palette;`, and any of
//! them the plain value of `palette(--name)`.

use crate::shell::Outcome;

const STYLE_MARKER: &str = "@palette;";
const VALUE_MARKER: &str = "palette(--";

pub struct Palette {
    style: String,
}

impl Palette {
    pub fn read(css: &str) -> Outcome<Self> {
        let mut style = String::new();
        let mut rest = css;
        while let Some((before, comment)) = rest.split_once("/*") {
            style.push_str(before);
            rest = comment.split_once("*/").ok_or("a comment has no end")?.1;
        }
        style.push_str(rest);
        Ok(Self { style })
    }

    /// The style without the colours that none of `scripts` uses: a person's click brings it into a page.
    pub fn used_by(&self, scripts: &[&str]) -> Self {
        let is_used = |line: &&str| match line.trim().split_once(':') {
            Some((name, _)) if name.starts_with("--") => {
                scripts.iter().any(|script| script.contains(&format!("var({name})")))
            }
            _ => true,
        };
        Self { style: self.style.lines().filter(is_used).collect::<Vec<_>>().join("\n") }
    }

    /// The script of surfaces with the style in it; refused where it has no place for that.
    pub fn put_style_into(&self, script: &str) -> Outcome<String> {
        match script.matches(STYLE_MARKER).count() {
            1 => Ok(script.replace(STYLE_MARKER, self.style.trim())),
            n => Err(format!("{STYLE_MARKER} stands in it {n} times, and must once")),
        }
    }

    /// A script with the values of the colours that it names.
    pub fn put_values_into(&self, script: &str) -> Outcome<String> {
        let mut parts = script.split(VALUE_MARKER);
        let mut out = parts.next().unwrap_or_default().to_string();
        for part in parts {
            let (name, rest) = part.split_once(')').ok_or("a name of a colour has no end")?;
            out.push_str(self.value(name).ok_or_else(|| format!("palette.css has no --{name}"))?);
            out.push_str(rest);
        }
        Ok(out)
    }

    fn value(&self, name: &str) -> Option<&str> {
        let (_, after) = self.style.split_once(&format!("--{name}:"))?;
        after.split_once(';').map(|(value, _)| value.trim())
    }
}

#[cfg(test)]
mod tests {
    use super::Palette;

    const CSS: &str = "/* head; */\n:root {\n  --ink: light-dark(#000, #fff);\n  /* more */\n  --alarm: #d00;\n}\n";

    #[test]
    fn a_script_gets_what_it_names() {
        let palette = Palette::read(CSS).unwrap();
        let script = "`\n@palette;\n.a { color: var(--ink); }`";
        let styled = palette.used_by(&[script]).put_style_into(script).unwrap();
        assert_eq!(styled, "`\n:root {\n  --ink: light-dark(#000, #fff);\n  \n}\n.a { color: var(--ink); }`");
        assert_eq!(palette.put_values_into("\"4px palette(--alarm)\"").unwrap(), "\"4px #d00\"");
        assert_eq!(palette.put_values_into("none").unwrap(), "none");
    }

    #[test]
    fn what_has_no_place_or_no_colour_is_refused() {
        let palette = Palette::read(CSS).unwrap();
        for script in ["", "@palette; @palette;"] {
            assert!(palette.put_style_into(script).is_err(), "{script}");
        }
        for script in ["palette(--blue)", "palette(--ink"] {
            assert!(palette.put_values_into(script).is_err(), "{script}");
        }
        assert!(Palette::read("a /* b").is_err());
    }
}
