//! What a person said of a verdict that was wrong.

use serde::{Deserialize, Serialize};

use super::Sentiment;

/// What a person said, in words that pages have a sentence for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "declarations", derive(ts_rs::TS))]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs, reason = "their names say it: the first two of pictures, the others of texts")]
pub enum Said {
    Fine,
    Unsuitable,
    Positive,
    Neutral,
    Negative,
    NotPositive,
    NotNeutral,
    NotNegative,
    NotUnclear,
    NotMixed,
}

impl Said {
    /// Only that this was wrong.
    pub fn not(sentiment: Sentiment) -> Self {
        match sentiment {
            Sentiment::Positive => Self::NotPositive,
            Sentiment::Neutral => Self::NotNeutral,
            Sentiment::Negative => Self::NotNegative,
            Sentiment::Unclear => Self::NotUnclear,
            Sentiment::Mixed => Self::NotMixed,
        }
    }

    /// Whether it is said of pictures.
    pub fn is_of_pictures(self) -> bool {
        matches!(self, Self::Fine | Self::Unsuitable)
    }

    /// Whether there is anything to tell of it beside such a verdict: that a text is not what nobody calls it goes without saying.
    pub fn concerns(self, sentiment: Sentiment) -> bool {
        matches!(self, Self::Positive | Self::Neutral | Self::Negative) || self == Self::not(sentiment)
    }
}

/// What a person says of the verdict that they look at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "declarations", derive(ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub enum Correcting {
    /// It is wrong: a picture is the other of the two, a text is not what it is called.
    Wrong,
    /// Of a text: it is this.
    Positive,
    /// The same.
    Neutral,
    /// The same.
    Negative,
    /// What was said of it is taken back.
    TakeBack,
}

/// What is kept of it: what the text or picture is known again by, and the word.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "declarations", derive(ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub enum Correction {
    /// By the sha256 of what `text::plain` makes of it, in hex.
    Text {
        /// 64 digits.
        hash: String,
        /// None of those for pictures.
        said: Said,
    },
    /// By what it looks like.
    Picture {
        /// As in a verdict.
        likeness: String,
        /// `Fine` or `Unsuitable`.
        said: Said,
    },
}

const HASH_DIGITS: usize = 64;
/// Of 252 bytes in base64.
const LIKENESS_LETTERS: usize = 336;

impl Correction {
    /// Whether it can be one that Sotto wrote.
    pub fn is_right(&self) -> bool {
        match self {
            Self::Text { hash, said } => {
                let is_digit = |letter: u8| letter.is_ascii_digit() || (b'a'..=b'f').contains(&letter);
                hash.len() == HASH_DIGITS && hash.bytes().all(is_digit) && !said.is_of_pictures()
            }
            Self::Picture { likeness, said } => {
                let is_letter = |letter: u8| letter.is_ascii_alphanumeric() || letter == b'+' || letter == b'/';
                likeness.len() == LIKENESS_LETTERS && likeness.bytes().all(is_letter) && said.is_of_pictures()
            }
        }
    }
}

/// All that is kept.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "declarations", derive(ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub struct Corrections {
    /// The last one comes last.
    pub kept: Vec<Correction>,
    /// So many more are stored that this version can't read.
    pub unread: u32,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_sotto_writes_is_right() {
        let text = |hash: &str, said| Correction::Text { hash: hash.to_owned(), said };
        let picture =
            |letters: usize, said| Correction::Picture { likeness: "aZ9+/".repeat(68)[..letters].to_owned(), said };
        let hash = "0123456789abcdef".repeat(4);
        assert!(text(&hash, Said::Neutral).is_right() && picture(336, Said::Fine).is_right());
        for wrong in [
            text(&hash, Said::Fine),
            text(&hash[1..], Said::Neutral),
            text(&hash.to_uppercase(), Said::Neutral),
            picture(336, Said::NotMixed),
            picture(335, Said::Fine),
            picture(340, Said::Fine),
        ] {
            assert!(!wrong.is_right(), "{wrong:?}");
        }
    }

    #[test]
    fn what_a_text_is_not_concerns_the_verdict_that_says_so() {
        assert!(Said::NotPositive.concerns(Sentiment::Positive) && !Said::NotPositive.concerns(Sentiment::Neutral));
        assert!(Said::Negative.concerns(Sentiment::Positive) && !Said::Fine.concerns(Sentiment::Positive));
    }
}
