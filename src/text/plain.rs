//! A text without what makes no other text of it, so that it is known again wherever it stands.

use unicode_normalization::UnicodeNormalization;

/// Its letters composed, and one blank wherever there are some; none at its ends.
pub fn plain(text: &str) -> String {
    let composed: String = text.nfc().collect();
    composed.split_whitespace().collect::<Vec<&str>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blanks_and_ways_to_write_a_letter_make_no_other_text() {
        assert_eq!(plain("  A fine\u{a0}day,\r\n\tBe\u{301}a. "), "A fine day, Béa.");
        assert_ne!(plain("Fine."), plain("fine."));
        assert_eq!(plain(" \n"), "");
    }
}
