//! The three ways that a text can go, and which of them each label of a net means. It knows no net and no text.

use crate::protocol::Shares;

/// Where a text, or a label of a net, goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "their names say it")]
pub enum Way {
    Negative,
    Neutral,
    Positive,
}

impl Way {
    /// In the order in which they are told everywhere.
    pub const ALL: [Way; 3] = [Way::Negative, Way::Neutral, Way::Positive];
}

/// What the labels of a net mean, in the order of its logits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ways(Vec<Way>);

/// Names that checkpoints give to their labels, in small letters: of one scale each, from its negative end.
const SCALES: [&[&str]; 8] = [
    &["negative", "positive"],
    &["negative", "neutral", "positive"],
    &["neg", "pos"],
    &["neg", "neu", "pos"],
    &["very negative", "negative", "neutral", "positive", "very positive"],
    &["1 star", "2 stars", "3 stars", "4 stars", "5 stars"],
    // transformers' own names where a checkpoint has none; in this order in every published one that says what they mean.
    &["label_0", "label_1", "label_2"],
    &["label_0", "label_1"],
];

impl Ways {
    /// What each label means; nothing where they are not those of a net that tells negative from positive.
    pub fn of(labels: &[String]) -> Option<Self> {
        let labels: Vec<String> =
            labels.iter().map(|label| label.trim().to_lowercase().replace(['_', '-'], " ")).collect();
        let place = |scale: &[&str], label: &str| scale.iter().position(|name| name.replace('_', " ") == label);
        SCALES.iter().find_map(|scale| {
            if scale.len() != labels.len() {
                return None;
            }
            let places: Option<Vec<usize>> = labels.iter().map(|label| place(scale, label)).collect();
            let places = places.filter(|places| (0..scale.len()).all(|wanted| places.contains(&wanted)))?;
            // Of five, two lie on each side.
            let way = |place: usize| match (2 * place).cmp(&(scale.len() - 1)) {
                std::cmp::Ordering::Less => Way::Negative,
                std::cmp::Ordering::Equal => Way::Neutral,
                std::cmp::Ordering::Greater => Way::Positive,
            };
            Some(Self(places.into_iter().map(way).collect()))
        })
    }

    /// Whether the net has a word for what is neither.
    pub fn has_neutral(&self) -> bool {
        self.0.contains(&Way::Neutral)
    }

    /// How the net's answer is shared among the three.
    pub fn shares(&self, logits: &[f32]) -> Shares {
        let largest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let powers: Vec<f32> = logits.iter().map(|logit| (logit - largest).exp()).collect();
        let total: f32 = powers.iter().sum();
        let of = |way: Way| {
            let own = self.0.iter().zip(&powers).filter(|(label, _)| **label == way);
            own.map(|(_, power)| power).sum::<f32>() / total
        };
        Shares { negative: of(Way::Negative), neutral: of(Way::Neutral), positive: of(Way::Positive) }
    }

    /// How much likelier one of the ways is than the others together, as a logarithm; exact where a share is as good as 1.
    pub fn log_odds(&self, logits: &[f32], way: Way) -> f32 {
        self.log_sum(logits, |label| label == way) - self.log_sum(logits, |label| label != way)
    }

    /// How much likelier positive is than negative, whatever is neutral.
    pub fn log_ratio(&self, logits: &[f32]) -> f32 {
        self.log_sum(logits, |label| label == Way::Positive) - self.log_sum(logits, |label| label == Way::Negative)
    }

    /// The logarithm of the sum of the powers of those logits.
    fn log_sum(&self, logits: &[f32], wanted: impl Fn(Way) -> bool) -> f32 {
        let own = || self.0.iter().zip(logits).filter(|(label, _)| wanted(**label)).map(|(_, logit)| *logit);
        let largest = own().fold(f32::NEG_INFINITY, f32::max);
        largest + own().map(|logit| (logit - largest).exp()).sum::<f32>().ln()
    }
}

impl Shares {
    /// The share of one way.
    pub fn of(&self, way: Way) -> f32 {
        match way {
            Way::Negative => self.negative,
            Way::Neutral => self.neutral,
            Way::Positive => self.positive,
        }
    }

    /// The way with the largest share.
    pub fn top(&self) -> Way {
        let larger = |best: Way, way: Way| if self.of(way) > self.of(best) { way } else { best };
        Way::ALL.into_iter().fold(Way::Negative, larger)
    }

    /// The mean of several, each with its weight.
    pub fn mean(of: impl Iterator<Item = (Shares, f32)> + Clone) -> Self {
        let total: f32 = of.clone().map(|(_, weight)| weight).sum();
        let mean = |way: Way| of.clone().map(|(shares, weight)| shares.of(way) * weight).sum::<f32>() / total;
        Self { negative: mean(Way::Negative), neutral: mean(Way::Neutral), positive: mean(Way::Positive) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ways(labels: &[&str]) -> Option<Vec<Way>> {
        Ways::of(&labels.iter().map(|label| (*label).to_owned()).collect::<Vec<_>>()).map(|ways| ways.0)
    }

    #[test]
    fn labels_of_the_usual_checkpoints_are_understood() {
        use Way::{Negative, Neutral, Positive};
        assert_eq!(ways(&["NEGATIVE", "POSITIVE"]), Some(vec![Negative, Positive]));
        assert_eq!(ways(&["positive", "negative", "neutral"]), Some(vec![Positive, Negative, Neutral]));
        assert_eq!(ways(&["NEG", "NEU", "POS"]), Some(vec![Negative, Neutral, Positive]));
        assert_eq!(ways(&["LABEL_0", "LABEL_1"]), Some(vec![Negative, Positive]));
        assert_eq!(ways(&["LABEL_0", "LABEL_1", "LABEL_2"]), Some(vec![Negative, Neutral, Positive]));
        let stars = Some(vec![Negative, Negative, Neutral, Positive, Positive]);
        assert_eq!(ways(&["1 star", "2 stars", "3 stars", "4 stars", "5 stars"]), stars);
        assert_eq!(ways(&["Very Negative", "Negative", "Neutral", "Positive", "Very Positive"]), stars);
    }

    #[test]
    fn other_labels_are_refused() {
        for labels in [
            &["spam", "ham"][..],
            &["negative"],
            &["negative", "negative"],
            &["negative", "neutral"],
            &["negative", "positive", "LABEL_2"],
            &["LABEL_0", "LABEL_1", "LABEL_2", "LABEL_3"],
            &["1 star", "2 stars", "3 stars", "4 stars"],
            &[],
        ] {
            assert_eq!(ways(labels), None, "{labels:?}");
        }
    }

    #[test]
    fn shares_are_those_of_all_labels_of_a_way() {
        let Some(stars) = Ways::of(&["1 star", "2 stars", "3 stars", "4 stars", "5 stars"].map(String::from)) else {
            unreachable!()
        };
        let shares = stars.shares(&[0.0; 5]);
        assert!((shares.negative - 0.4).abs() < 1e-6 && (shares.neutral - 0.2).abs() < 1e-6);
        assert_eq!(stars.log_ratio(&[0.0; 5]), 0.0);
        assert!((stars.log_odds(&[0.0; 5], Way::Neutral) - (0.2f32 / 0.8).ln()).abs() < 1e-6);
        // Where the share itself is 1 to the last bit.
        assert!((stars.log_odds(&[-60.0, -60.0, 0.0, -60.0, -60.0], Way::Neutral) - (60.0 - 4f32.ln())).abs() < 1e-3);
        assert_eq!(stars.shares(&[1.0, 2.0, 3.0, 9.0, 4.0]).top(), Way::Positive);
    }
}
