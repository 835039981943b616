//! Whether there is anything in a text that an English sentiment net can judge. Cheap, and wrong on the side of letting
//! a text through; what it refuses, it names.

use super::kind::{Kind, kind_of};
use super::language::is_foreign;

/// Why a text is not judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unjudgeable {
    /// Nothing, or only blanks and characters that don't show.
    Empty,
    /// Digits and signs, but no word; or emoji, for a model that knows none.
    NoWords,
    /// A program, a log, an address: nobody speaks there.
    Code,
    /// Most letters are of a script that English is not written in, or the small words are another language's.
    NotEnglish,
}

/// What is known of the languages that a model reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Languages {
    /// And nothing else: other texts are refused.
    English,
    /// Nothing: any language may be its own.
    Unknown,
}

/// At least this share of letters must be Latin.
const LATIN_SHARE: f64 = 0.5;

/// What a model reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reads {
    /// In words.
    pub languages: Languages,
    /// Whether emoji and other symbols say something to it.
    pub symbols: bool,
}

/// The kind of a text that can be judged by a model that reads this; else why not.
pub fn check(text: &str, reads: Reads) -> Result<Kind, Unjudgeable> {
    let visible = |c: char| !c.is_whitespace() && !c.is_control() && !is_invisible(c);
    if !text.chars().any(visible) {
        return Err(Unjudgeable::Empty);
    }
    let kind = kind_of(text);
    match kind {
        Kind::Rating(_) => return Ok(kind),
        Kind::Code if reads.languages == Languages::English => return Err(Unjudgeable::Code),
        Kind::Symbols if reads.symbols => return Ok(kind),
        _ => {}
    }
    let (mut n_letters, mut n_latin) = (0u64, 0u64);
    for c in text.chars().filter(|c| c.is_alphabetic()) {
        n_letters += 1;
        n_latin += u64::from(is_latin(c));
    }
    if n_letters == 0 {
        return Err(Unjudgeable::NoWords);
    }
    let is_english = || (n_latin as f64) >= LATIN_SHARE * n_letters as f64 && !is_foreign(text);
    if reads.languages == Languages::English && !is_english() {
        return Err(Unjudgeable::NotEnglish);
    }
    Ok(kind)
}

/// Zero-width and direction marks, soft hyphens, variation selectors, the byte order mark.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
        | '\u{fe00}'..='\u{fe0f}' | '\u{feff}')
}

fn is_latin(c: char) -> bool {
    c.is_ascii_alphabetic()
        || matches!(c, '\u{aa}' | '\u{ba}' | '\u{c0}'..='\u{24f}' | '\u{1e00}'..='\u{1eff}' | '\u{ff21}'..='\u{ff5a}'
            | '\u{fb00}'..='\u{fb06}')
}

#[cfg(test)]
mod tests {
    use super::*;

    const ENGLISH: Reads = Reads { languages: Languages::English, symbols: false };
    const ANY: Reads = Reads { languages: Languages::Unknown, symbols: false };
    const WITH_SYMBOLS: Reads = Reads { symbols: true, ..ENGLISH };

    #[test]
    fn what_can_be_judged_and_what_not() {
        for text in ["", "  \n", "\u{200b}\u{feff}", "\u{ad}\u{200d}"] {
            assert_eq!(check(text, ENGLISH), Err(Unjudgeable::Empty), "{text:?}");
        }
        for text in ["123 45.6", "!!! ???", "😀🎉", "👨‍👩‍👧", "— … 5 %", "１２３", "½ ² ①", "24/12"]
        {
            assert_eq!(check(text, ENGLISH), Err(Unjudgeable::NoWords), "{text:?}");
        }
        for text in ["これはいい", "это хорошо", "هذا جيد", "非常好 ok", "Das ist nicht der Ort, den wir suchen."]
        {
            assert_eq!(check(text, ENGLISH), Err(Unjudgeable::NotEnglish), "{text:?}");
            assert!(check(text, ANY).is_ok(), "{text:?}");
        }
        for text in ["ok", "I ❤ it", "café très bon", "great 很", "ﬁne", "g\u{200b}o\u{200b}od", "not 123"] {
            assert!(check(text, ENGLISH).is_ok(), "{text:?}");
        }
        assert_eq!(check("def main(): return 0", ENGLISH), Err(Unjudgeable::Code));
    }

    #[test]
    fn symbols_and_ratings_need_no_word() {
        for text in ["😀🎉", "👨‍👩‍👧", "→"] {
            assert_eq!(check(text, WITH_SYMBOLS), Ok(Kind::Symbols), "{text:?}");
        }
        for text in ["★★★★☆", "5/10"] {
            assert!(matches!(check(text, ENGLISH), Ok(Kind::Rating(_))), "{text:?}");
        }
    }
}
