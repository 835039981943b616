//! What the percentage beside a verdict claims. Written down here once, and said by the card in these terms.
//!
//! A share is the model's own probability, with the temperature that its makers fitted. It is called "right about so often"
//! only for kinds of texts whose held-out verdicts were right as often as their shares say (`sotto eval --verdicts`, on
//! posts, tweets, news, reviews and editorials that nobody had trained on; the table stands in models/sentiment.md):
//! - plain sentences that are called positive or negative: of 4,135 such verdicts, whose mean share is 84 %, 83 % are right,
//!   and in no tenth of the scale do the two differ by more than six points;
//! - chat that is called so with a share of 95 % or more (97 % of 1,005 right). Below that its verdicts are right 12 times in 100
//!   less often than their shares say;
//! - fragments that are called neutral: labels, headings, headlines, queries (mean share 93 %, right 95 % of 1,162).
//!
//! Sentences that are called neutral are not among them: opinions in long sober sentences are called neutral too, on
//! newspaper editorials with 97 % and right 73 times in 100. Fragments with a side, emoji and lists were not checked in
//! numbers that say anything.

use crate::protocol::{Claim, Sentiment};
use crate::text::kind::Kind;

/// From this share on verdicts on chat are right as often as they say.
const SURE_OF_CHAT: f32 = 0.95;

/// What may be said of a verdict with this share on a text of this kind, by the packaged model.
pub fn claim(kind: Kind, sentiment: Sentiment, share: f32) -> Claim {
    match (kind, sentiment) {
        (Kind::Rating(_), _) => Claim::Rated,
        (Kind::Sentences, Sentiment::Positive | Sentiment::Negative) => Claim::Right,
        (Kind::Chat, Sentiment::Positive | Sentiment::Negative) if share >= SURE_OF_CHAT => Claim::Right,
        (Kind::Sentences | Kind::Chat, Sentiment::Neutral) => Claim::Sober,
        (Kind::Fragment, Sentiment::Neutral) => Claim::Right,
        _ => Claim::Sees,
    }
}
