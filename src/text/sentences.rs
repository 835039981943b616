//! Sentences of any language, by Unicode's rules (UAX 29), with the abbreviations mended that those rules can't know.

use std::ops::Range;

use unicode_segmentation::UnicodeSegmentation;

/// After these a full stop seldom ends a sentence.
const ABBREVIATIONS: [&str; 18] = [
    "mr.", "mrs.", "ms.", "dr.", "prof.", "st.", "vs.", "etc.", "e.g.", "i.e.", "no.", "inc.", "ltd.", "jr.", "sr.",
    "approx.", "fig.", "gen.",
];

/// Byte ranges of the sentences of `text`, without the blanks around them; pieces without a letter or digit (a lone
/// "…" or an emoji) go with the sentence before.
pub fn sentences(text: &str) -> Vec<Range<usize>> {
    let mut found: Vec<Range<usize>> = Vec::new();
    let mut joins_next = false;
    for (start, piece) in text.split_sentence_bound_indices() {
        let trimmed = piece.trim();
        if trimmed.is_empty() {
            continue;
        }
        let start = start + (piece.len() - piece.trim_start().len());
        let range = start..start + trimmed.len();
        let wordless = !trimmed.chars().any(char::is_alphanumeric);
        match found.last_mut() {
            Some(last) if wordless || joins_next => last.end = range.end,
            _ => found.push(range),
        }
        joins_next = ends_in_abbreviation(trimmed) && !piece.contains(['\n', '\r', '\u{2029}']);
    }
    found
}

fn ends_in_abbreviation(sentence: &str) -> bool {
    let last_word = sentence.rsplit(char::is_whitespace).next().unwrap_or_default().to_lowercase();
    let last_word = last_word.trim_start_matches(['(', '"', '“', '\'']);
    ABBREVIATIONS.contains(&last_word)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &[&str]) {
        let found: Vec<&str> = sentences(text).into_iter().map(|range| &text[range]).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn sentences_of_many_languages() {
        check("", &[]);
        check("  \n\t ", &[]);
        check("No stop at all", &["No stop at all"]);
        check("Good. Bad!  Why? ", &["Good.", "Bad!", "Why?"]);
        check("Es ist gut. Wirklich „gut“. Ja!", &["Es ist gut.", "Wirklich „gut“.", "Ja!"]);
        check("これはいい。とても悪い。", &["これはいい。", "とても悪い。"]);
        check("यह अच्छा है। वह बुरा है।", &["यह अच्छा है।", "वह बुरा है।"]);
        check("هل هذا جيد؟ نعم.", &["هل هذا جيد؟", "نعم."]);
    }

    #[test]
    fn abbreviations_numbers_and_ornaments_do_not_split() {
        check("Dr. Watson met Mr. Holmes. They ate.", &["Dr. Watson met Mr. Holmes.", "They ate."]);
        check("It costs 3.50 euros. Cheap!", &["It costs 3.50 euros.", "Cheap!"]);
        check("Great. 🎉🎉\nReally.", &["Great. 🎉🎉", "Really."]);
        check("Line one\nLine two", &["Line one", "Line two"]);
    }
}
