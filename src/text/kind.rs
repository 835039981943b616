//! What kind of text it is, as far as its outside tells: a percentage means something only on texts of a kind that was
//! checked. No model, and wrong on the side of taking a text for ordinary sentences.

use unicode_segmentation::UnicodeSegmentation;

use super::sentences::sentences;
use super::wordpiece::is_symbol;

/// What a text is made of.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Kind {
    /// Sentences, or a row of words as long as one.
    Sentences,
    /// The same as people write to each other: handles, hashtags, emoji, slang, no capital at the beginning.
    Chat,
    /// A few words that end in no stop: a label, a heading, an exclamation.
    Fragment,
    /// One word of less than four letters: it says too little for a model that learnt from sentences.
    Tiny,
    /// No letter, but emoji or other signs that have a name.
    Symbols,
    /// Entries below each other or between commas, with no sentence among them.
    List,
    /// So much of a scale, 0 to 1: "★★★★☆", "7/10".
    Rating(f32),
    /// A program, a command, a log, addresses: nobody speaks there.
    Code,
}

/// So many words in a row are as good as a sentence, whatever they end in.
const SENTENCE_WORDS: usize = 7;
/// A word of fewer letters than this, alone, is [`Kind::Tiny`].
const TINY_LETTERS: usize = 4;
/// More of a text than this is not looked at, in bytes: its beginning tells.
const LOOKED_AT: usize = 4_000;

/// The kind of a text that has something visible in it.
pub fn kind_of(text: &str) -> Kind {
    let text = text[..text.floor_char_boundary(LOOKED_AT)].trim();
    if let Some(share) = rating(text) {
        return Kind::Rating(share);
    }
    if !text.chars().any(char::is_alphabetic) {
        return if text.chars().any(is_symbol) { Kind::Symbols } else { Kind::Fragment };
    }
    if is_code(text) {
        return Kind::Code;
    }
    let words: Vec<&str> = text.unicode_words().collect();
    if is_list(text) {
        return Kind::List;
    }
    if let [word] = words[..]
        && word.chars().filter(|c| c.is_alphabetic()).count() < TINY_LETTERS
        && !text.chars().any(is_symbol)
    {
        return Kind::Tiny;
    }
    let is_long = words.len() >= SENTENCE_WORDS || (words.len() > 1 && has_stop(text));
    match is_long && !is_row_of_fragments(text) {
        true if is_chat(text, &words) => Kind::Chat,
        true => Kind::Sentences,
        false => Kind::Fragment,
    }
}

/// Whether some word is followed by a full stop, a question mark or an exclamation mark, and then by nothing of its own.
fn has_stop(text: &str) -> bool {
    text.split_whitespace().any(|piece| {
        let piece =
            piece.trim_end_matches(|c: char| matches!(c, '"' | '\'' | '”' | '’' | ')' | ']' | '»') || is_symbol(c));
        let word = piece.trim_end_matches(['.', '!', '?', '。', '！', '？']);
        word.len() < piece.len() && word.chars().any(char::is_alphabetic)
    })
}

fn is_chat(text: &str, words: &[&str]) -> bool {
    const SLANG: [&str; 30] = [
        "lol", "lmao", "lmaooo", "omg", "wtf", "tbh", "imo", "imho", "idk", "smh", "ngl", "u", "ur", "gonna", "wanna",
        "gotta", "dont", "cant", "wont", "didnt", "im", "ive", "thats", "yall", "bro", "dude", "haha", "hahaha", "pls",
        "thx",
    ];
    const SMILEYS: [&str; 11] = [":)", ":(", ":-)", ":-(", ":D", ";)", ";-)", ":/", ":p", "<3", "xD"];
    const MARKS: [&str; 4] = ["!!", "??", "!?", "?!"];
    let is_smiley = |piece: &str| SMILEYS.contains(&piece.trim_end_matches(['.', ',', '!']));
    let is_tagged = |piece: &str| {
        let rest = piece.trim_start_matches(['(', '"', '.']).strip_prefix(['@', '#']);
        rest.is_some_and(|name| name.starts_with(|c: char| c.is_alphanumeric() || c == '_'))
    };
    text.starts_with(char::is_lowercase)
        || text.chars().any(is_symbol)
        || text.split_whitespace().any(is_tagged)
        || text.split_whitespace().any(is_smiley)
        || MARKS.iter().any(|marks| text.contains(marks))
        || words.iter().any(|word| SLANG.contains(&word.to_lowercase().as_str()))
}

/// Several sentences, of which none is long enough to say anything by itself: "Great. Another Monday."
fn is_row_of_fragments(text: &str) -> bool {
    const FRAGMENT_WORDS_MAX: usize = 4;
    let sentences = sentences(text);
    sentences.len() > 1
        && sentences.iter().all(|range| text[range.clone()].unicode_words().count() <= FRAGMENT_WORDS_MAX)
}

/// The scale that a text of nothing else gives a place on.
fn rating(text: &str) -> Option<f32> {
    /// Longer than any rating with its words.
    const BYTES_MAX: usize = 80;
    if text.len() > BYTES_MAX {
        return None;
    }
    stars(text).or_else(|| score(text))
}

/// "★★★★☆", "⭐⭐⭐": full and empty ones in a row; full ones alone are of five.
fn stars(text: &str) -> Option<f32> {
    let signs: Vec<char> = text.chars().filter(|c| !c.is_whitespace() && *c != '\u{fe0f}').collect();
    let count = |wanted: &[char]| signs.iter().filter(|sign| wanted.contains(sign)).count();
    let (full, half, empty) = (count(&['★', '⭐', '🌟']), count(&['½', '⯪', '⯨']), count(&['☆', '✩', '⚝']));
    let total = full + half + empty;
    if total != signs.len() || full + empty == 0 {
        return None;
    }
    let of = if empty + half > 0 { total } else { total.max(5) };
    Some((full as f32 + half as f32 / 2.0) / of as f32)
}

/// "7/10", "2 out of 5 stars", "Rated 4.6/5 (212 ratings)", "1 star": a number of a number, and words of ratings only.
fn score(text: &str) -> Option<f32> {
    const WORDS: [&str; 19] = [
        "rated", "rating", "ratings", "score", "scored", "overall", "stars", "star", "out", "of", "points", "reviews",
        "review", "my", "user", "average", "i", "give", "it",
    ];
    let lower = text.to_lowercase();
    // What stands in brackets counts the voters.
    let spoken = match (lower.find('('), lower.rfind(')')) {
        (Some(from), Some(to)) if from < to => format!("{} {}", &lower[..from], &lower[to + 1..]),
        _ => lower,
    };
    let mut numbers = Vec::new();
    for piece in
        spoken.split(|c: char| c.is_whitespace() || matches!(c, '/' | ':' | '!')).filter(|piece| !piece.is_empty())
    {
        let piece = piece.trim_end_matches(['.', ',']);
        match piece.replace(',', ".").parse::<f32>() {
            Ok(number) if piece.starts_with(|c: char| c.is_ascii_digit()) => numbers.push(number),
            _ if WORDS.contains(&piece) => {}
            _ => return None,
        }
    }
    let has = |word: &str| spoken.split(|c: char| !c.is_alphabetic()).any(|other| other == word);
    let scale = match numbers[..] {
        [_, scale] if spoken.contains('/') || has("of") => scale,
        [_] if has("star") || has("stars") => 5.0,
        _ => return None,
    };
    // Dates and fractions are no ratings.
    let is_scale = [4.0, 5.0, 6.0, 10.0, 20.0, 100.0].contains(&scale);
    (is_scale && numbers[0] <= scale).then(|| numbers[0] / scale)
}

/// Lines that are a program's, or addresses: all that has letters must be so.
fn is_code(text: &str) -> bool {
    let mut n_lines = 0;
    let mut n_code = 0;
    for line in text.lines().map(str::trim).filter(|line| line.chars().any(char::is_alphanumeric)) {
        n_lines += 1;
        n_code += usize::from(is_code_line(line));
    }
    n_code > 0 && n_code * 4 >= n_lines * 3
}

fn is_code_line(line: &str) -> bool {
    /// What programs are full of, and sentences have not.
    const MARKS: [&str; 27] = [
        "):", "=>", "->", "::", "();", "){", ") {", "</", "/>", "!=", "==", "&&", "||", "+=", ":=", "${", "$(",
        "#include", "():", "\\n", "<?php", " = ", "[0]", "=\"", "='", "{\"", "\":",
    ];
    /// What a line of a program, a shell or a log begins with.
    const OPENINGS: [&str; 30] = [
        "def ",
        "class ",
        "import ",
        "from ",
        "function ",
        "const ",
        "let ",
        "var ",
        "return ",
        "public ",
        "private ",
        "static ",
        "fn ",
        "use ",
        "if (",
        "for (",
        "while (",
        "select ",
        "insert into ",
        "$ ",
        "# ",
        "// ",
        "/*",
        "sudo ",
        "git ",
        "npm ",
        "docker ",
        "pip ",
        "cargo ",
        "curl ",
    ];
    let pieces: Vec<&str> = line.split_whitespace().collect();
    if pieces.iter().all(|piece| is_address(piece)) {
        return true;
    }
    let n_marks = MARKS.iter().filter(|mark| line.contains(*mark)).count()
        + pieces.iter().filter(|piece| is_call(piece) || piece.starts_with("--")).count()
        + usize::from(line.ends_with([';', '{', '}']))
        + usize::from(OPENINGS.iter().any(|opening| line.to_lowercase().starts_with(opening)));
    let n_signs = line.chars().filter(|c| "{}[]()<>=;|&$#\\/_*+\"'`@:".contains(*c)).count();
    // Words of sentences have no sign beside them.
    let n_plain = pieces.iter().filter(|piece| is_plain(piece)).count();
    // A sentence may speak of code: most of its words are plain then.
    let is_told = n_plain * 3 > pieces.len() * 2 && pieces.len() >= SENTENCE_WORDS;
    !is_told && (n_marks >= 2 || (n_marks == 1 && n_signs >= 3 && n_plain * 2 <= pieces.len()))
}

/// A word as it stands in a sentence, with the stop or quotes that it has there.
fn is_plain(piece: &str) -> bool {
    let word = piece.trim_matches(|c: char| matches!(c, '.' | ',' | '!' | '?' | '"' | '“' | '”' | '\'' | '’'));
    word.chars().all(|c| c.is_alphabetic() || matches!(c, '\'' | '’' | '-'))
}

/// `name(`, with something of a name before it.
fn is_call(piece: &str) -> bool {
    let Some((name, rest)) = piece.split_once('(') else { return false };
    !name.is_empty()
        && name.chars().all(|c| c.is_ascii_alphanumeric() || "_.$".contains(c))
        && rest != "s)"
        && rest != "es)"
}

/// A link, a host with a path, an e-mail address, a file.
fn is_address(piece: &str) -> bool {
    let piece = piece.trim_matches(|c: char| matches!(c, '<' | '>' | '(' | ')' | ',' | ';'));
    let is_mail = piece.split_once('@').is_some_and(|(name, host)| !name.is_empty() && host.contains('.'));
    let is_path = piece.starts_with(['/', '~']) && piece.matches('/').count() > 1;
    piece.contains("://") || piece.starts_with("www.") || is_mail || is_path || piece.contains(":\\")
}

/// Three entries or more, one a line, or as many between commas, all short and none with a stop.
fn is_list(text: &str) -> bool {
    const ENTRIES_MIN: usize = 3;
    const ENTRY_WORDS_MAX: usize = 6;
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let entries: Vec<&str> =
        if lines.len() > 1 { lines } else { text.split([',', ';', '|', '·', '•', '\t']).collect() };
    let is_entry = |entry: &&str| entry.unicode_words().count() <= ENTRY_WORDS_MAX && !has_stop(entry);
    // A list in words is one whose entries are mostly single words: clauses between commas are a sentence.
    let n_words: usize = entries.iter().map(|entry| entry.unicode_words().count()).sum();
    let is_terse = text.lines().count() > 1 || n_words <= 2 * entries.len();
    entries.len() >= ENTRIES_MIN && is_terse && entries.iter().all(is_entry) && !text.chars().any(is_symbol)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(kind: Kind, texts: &[&str]) {
        for text in texts {
            assert_eq!(kind_of(text), kind, "{text:?}");
        }
    }

    #[test]
    fn sentences_and_what_is_none() {
        check(
            Kind::Sentences,
            &[
                "He was born in 1956 in Ohio and studied law.",
                "Not bad at all.",
                "Is this any good?",
                "The food was good, the wine was better, the view was best",
            ],
        );
        check(
            Kind::Fragment,
            &[
                "Save as…",
                "Terrible service",
                "Best sellers",
                "Chapter three",
                "What a",
                "12 euros",
                "Thanks!",
                "Great. Another Monday. Just what I needed.",
            ],
        );
        check(
            Kind::Chat,
            &[
                "ngl the new layout is awful, where did the search go",
                "I loved it 😍 thanks!!",
                "use this one, it's great and it never let me down",
                "from start to finish a joy to read :)",
                "let me tell you: it was awful (really)",
                "Love it <3 :) ;)  can't say more than that!",
                "@marta The train was late again, as on every day of this week.",
                "Another week of this and I am moving out #heating",
                "Why would anybody do that?! It makes no sense to me.",
            ],
        );
        check(Kind::Tiny, &["ok", "No.", "Yes", "a", "hm"]);
        check(Kind::Symbols, &["😡", "🎉🎉🎉", "❤️", "→", "👨‍👩‍👧"]);
    }

    #[test]
    fn ratings_are_read() {
        for (text, share) in [
            ("★★★★☆", 0.8),
            ("★☆☆☆☆", 0.2),
            ("⭐⭐⭐⭐⭐", 1.0),
            ("⭐️⭐️", 0.4),
            ("★★★½", 0.875),
            ("5/10", 0.5),
            ("8.5/10", 0.85),
            ("8,5/10", 0.85),
            ("2 out of 5", 0.4),
            ("2 out of 5 stars", 0.4),
            ("Rated 4.6/5 (212 ratings)", 0.92),
            ("1 star", 0.2),
            ("Score: 55/100", 0.55),
            ("10/10!", 1.0),
        ] {
            let Kind::Rating(found) = kind_of(text) else { panic!("{text:?}: {:?}", kind_of(text)) };
            assert!((found - share).abs() < 1e-6, "{text:?}: {found}");
        }
        for text in
            ["24/12", "3/8", "7", "12 of 14", "1 star is too much", "11/10", "5/10/2026", "10 stars over Berlin", "☎ 5"]
        {
            assert!(!matches!(kind_of(text), Kind::Rating(_)), "{text:?}: {:?}", kind_of(text));
        }
    }

    #[test]
    fn code_and_addresses_are_told() {
        check(
            Kind::Code,
            &[
                "def main(): return 0",
                "for i in range(10):\n    print(i * i)",
                "const best = items.filter(x => x.score > 0.9)[0];",
                "docker run --rm -p 8080:80 web",
                "if (balance < 0) throw new Error('Insufficient funds');",
                "https://example.org/a/b?c=d",
                "mail@example.org",
                "{\"name\": \"good\", \"list\": [1, 2]}",
                "<p class=\"bad\">awful</p>",
                "#include <stdio.h>\nint main(void) { return 0; }",
            ],
        );
        check(
            Kind::Sentences,
            &[
                "I think that malloc() is a terrible idea here, and so is free().",
                "See https://example.org for the worst page that I have ever read.",
                "Pros: great battery and sound. Cons: bad screen.",
                "Use std::move here, it is so much better than a copy.",
                "It went from great -> awful in one update.",
            ],
        );
    }

    #[test]
    fn lists_are_told() {
        check(Kind::List, &["Flour\nEggs\nMilk", "Aqua, glycerin, alcohol, parfum", "Mon 12°\nTue 14°\nWed 9°"]);
        check(
            Kind::Sentences,
            &["I came, I saw, I conquered the whole lot of them", "It broke.\nTwice.\nIn a single week or two."],
        );
    }

    #[test]
    fn a_very_long_text_is_told_by_its_beginning() {
        assert_eq!(kind_of(&"Good food. And good wine was served there. ".repeat(100_000)), Kind::Sentences);
        assert_eq!(kind_of(&"😡".repeat(10_000)), Kind::Symbols);
    }
}
