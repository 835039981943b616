//! From what two nets see of a picture to whether a person is warned: the only home of pictures' thresholds. The nets are nsfw.rs';
//! here is no net, so that the page that measures what is installed (web/pages/proof) can say what somebody more or less cautious
//! would have been warned of.

use crate::protocol::{Caution, PictureVerdict, Strictness};

/// Classes that a person is warned of, each with the probability from which on.
pub const THRESHOLDS: [(&str, f32); 4] = [("Hentai", 0.7), ("Porn", 0.6), ("Sexy", 0.8), (SECOND, 0.8)];
/// What the second net says, by the name that it has among thresholds.
pub const SECOND: &str = "OpenNsfw";
/// Classes of photographs, of which the second net must not think that they are safe: from [`AGREES`] on it does not. Its
/// authors call a picture likely safe below that.
const PHOTOGRAPHS: [&str; 2] = ["Porn", "Sexy"];
const AGREES: f32 = 0.2;

/// In the order of [`THRESHOLDS`].
const RELAXED: [f32; 4] = [0.85, 0.85, 0.95, 0.9];
const STRICT: [f32; 4] = [0.4, 0.35, 0.5, 0.5];

/// What the nets see.
#[derive(Debug, Clone, PartialEq)]
pub struct Looks {
    /// The probability of each class, in the order of `NsfwModel::classes`.
    pub first: Vec<f32>,
    /// How probable the second net thinks it that the picture is not safe for work.
    pub second: f32,
}

/// From which probability on a person is warned of a class: their own choice where there is one, else that of
/// [`THRESHOLDS`]; none for a class that is never warned of.
pub fn threshold_of(class: &str, caution: &Caution) -> Option<f32> {
    let preset = || THRESHOLDS.iter().find(|(name, _)| *name == class).map(|&(_, threshold)| threshold);
    caution.thresholds.get(class).copied().or_else(preset)
}

/// How cautious verdicts on a protected site are, where `own` is what the person chose for all pictures; none where they are
/// not wanted.
pub fn caution_of(strictness: Strictness, own: Caution) -> Option<Caution> {
    let of = |thresholds: [f32; 4], careful| {
        let named = THRESHOLDS.iter().zip(thresholds).map(|(&(name, _), threshold)| (name.to_owned(), threshold));
        Caution { thresholds: named.collect(), careful }
    };
    Some(match strictness {
        Strictness::Off => return None,
        Strictness::Relaxed => of(RELAXED, false),
        Strictness::Usual => own,
        Strictness::Careful => Caution { careful: true, ..own },
        Strictness::Strict => of(STRICT, true),
    })
}

/// What a person is warned of.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Alarm {
    /// The first net's classes at or over their threshold that count, the most probable first.
    pub over: Vec<usize>,
    /// Whether the second net's share is at or over its own.
    pub second_over: bool,
    /// Whether one look warns and the other sees nothing.
    pub doubtful: bool,
}

impl Alarm {
    /// By the looks at a picture and what the person chose.
    pub fn of(classes: &[String], looks: &Looks, caution: &Caution) -> Self {
        let Looks { first, second } = looks;
        let agrees = *second >= AGREES;
        let is_over =
            |index: &usize| threshold_of(&classes[*index], caution).is_some_and(|threshold| first[*index] >= threshold);
        let is_photograph = |index: usize| PHOTOGRAPHS.contains(&classes[index].as_str());
        let counts = |index: &usize| agrees || caution.careful || !is_photograph(*index);
        let mut over: Vec<usize> = (0..classes.len().min(first.len())).filter(is_over).filter(counts).collect();
        over.sort_by(|&a, &b| first[b].total_cmp(&first[a]));
        let second_over = threshold_of(SECOND, caution).is_some_and(|threshold| *second >= threshold);
        // Of drawings the second net knows nothing.
        let first_alone = !agrees && !over.is_empty() && over.iter().all(|&index| is_photograph(index));
        Self { doubtful: first_alone || (second_over && over.is_empty()), over, second_over }
    }

    /// The same of a verdict that somebody was given, for a caution that may be another's.
    pub fn of_verdict(verdict: &PictureVerdict, caution: &Caution) -> Self {
        let classes: Vec<String> = verdict.classes.iter().map(|class| class.name.clone()).collect();
        let first = verdict.classes.iter().map(|class| class.probability).collect();
        Self::of(&classes, &Looks { first, second: verdict.second.share }, caution)
    }

    /// Whether there is anything to warn of.
    pub fn is_raised(&self) -> bool {
        self.second_over || !self.over.is_empty()
    }
}

/// How near a picture is to being warned of, or how far beyond: 1 where the warning begins. Tells the worst of several
/// frames.
pub fn severity<'a>(first: impl Iterator<Item = (&'a str, f32)>, second: f32, caution: &Caution) -> f32 {
    let share = |class: &str, probability: f32| {
        threshold_of(class, caution).map_or(0.0, |threshold| probability / threshold.max(f32::MIN_POSITIVE))
    };
    let of_first = first.map(|(class, probability)| {
        let share = share(class, probability);
        let needs_second = PHOTOGRAPHS.contains(&class) && !caution.careful;
        if needs_second { share.min(second / AGREES) } else { share }
    });
    of_first.fold(share(SECOND, second), f32::max)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn classes() -> [String; 5] {
        ["Drawing", "Hentai", "Neutral", "Porn", "Sexy"].map(String::from)
    }

    fn caution(chosen: &[(&str, f32)], careful: bool) -> Caution {
        Caution {
            thresholds: chosen.iter().map(|&(class, threshold)| (class.to_owned(), threshold)).collect(),
            careful,
        }
    }

    fn alarm(class: usize, probability: f32, second: f32, caution: &Caution) -> Alarm {
        let mut first = vec![0.0; 5];
        first[class] = probability;
        Alarm::of(&classes(), &Looks { first, second }, caution)
    }

    #[test]
    fn warns_from_the_threshold_on() {
        let warned = |class: usize, probability: f32, chosen: &[(&str, f32)]| {
            alarm(class, probability, 0.2, &caution(chosen, false)).is_raised()
        };
        assert!(warned(1, 0.7, &[]) && !warned(1, 0.69, &[]));
        assert!(warned(3, 0.6, &[]) && !warned(3, 0.59, &[]));
        assert!(warned(4, 0.8, &[]) && !warned(4, 0.79, &[]));
        assert!(!warned(2, 1.0, &[]) && warned(2, 0.3, &[("Neutral", 0.3)]));
        assert!(!warned(3, 0.9, &[("Porn", 0.95)]) && warned(3, 0.9, &[("Sexy", 0.95)]));
        assert!(warned(0, 0.0, &[(SECOND, 0.2)]) && !warned(0, 0.0, &[(SECOND, 0.21)]));
    }

    #[test]
    fn a_photograph_needs_both_looks_and_a_drawing_the_first_alone() {
        let balanced = caution(&[], false);
        assert!(alarm(3, 0.9, 0.2, &balanced).is_raised() && !alarm(3, 0.9, 0.19, &balanced).is_raised());
        assert!(!alarm(4, 0.9, 0.1, &balanced).is_raised() && alarm(1, 0.9, 0.0, &balanced).is_raised());
        assert!(!alarm(1, 0.9, 0.0, &balanced).doubtful && !alarm(3, 0.9, 0.2, &balanced).doubtful);
        // A class that only the person chose counts as they chose it.
        assert!(alarm(2, 0.9, 0.0, &caution(&[("Neutral", 0.5)], false)).is_raised());
    }

    #[test]
    fn who_is_careful_is_warned_by_either_and_told_that_the_other_sees_nothing() {
        let careful = alarm(3, 0.9, 0.1, &caution(&[], true));
        assert_eq!(careful, Alarm { over: vec![3], second_over: false, doubtful: true });
        let second_alone = alarm(2, 1.0, 0.8, &caution(&[], false));
        assert_eq!(second_alone, Alarm { over: vec![], second_over: true, doubtful: true });
        let both = alarm(3, 0.9, 0.9, &caution(&[], true));
        assert_eq!(both, Alarm { over: vec![3], second_over: true, doubtful: false });
    }

    #[test]
    fn the_stricter_a_site_the_sooner_it_is_warned_of() {
        let own = caution(&[("Porn", 0.7)], false);
        let of = |strictness| caution_of(strictness, own.clone());
        assert_eq!(of(Strictness::Off), None);
        assert_eq!(of(Strictness::Usual), Some(own.clone()));
        assert_eq!(of(Strictness::Careful), Some(Caution { careful: true, ..own.clone() }));
        let raised = |strictness, porn, second| alarm(3, porn, second, &of(strictness).unwrap()).is_raised();
        use Strictness::{Careful, Relaxed, Strict, Usual};
        let sooner = [Relaxed, Usual, Careful, Strict];
        for (porn, second, expected) in [
            (0.9, 0.3, [true, true, true, true]),
            (0.8, 0.3, [false, true, true, true]),
            (0.8, 0.1, [false, false, true, true]),
            (0.4, 0.0, [false, false, false, true]),
            (0.3, 0.1, [false, false, false, false]),
        ] {
            assert_eq!(sooner.map(|strictness| raised(strictness, porn, second)), expected, "{porn} {second}");
        }
    }

    #[test]
    fn the_worst_frame_is_the_one_furthest_over_a_threshold() {
        let chosen = caution(&[("Sexy", 0.1)], false);
        let severity = |class, probability, second| severity([(class, probability)].into_iter(), second, &chosen);
        assert!(severity("Sexy", 0.3, 1.0) > severity("Porn", 0.9, 0.7));
        assert!(severity("Porn", 0.9, 0.7) > severity("Neutral", 1.0, 0.0));
        assert_eq!(
            [severity("Porn", 0.6, 0.3), severity("Porn", 0.9, 0.1), severity("Neutral", 1.0, 0.8)],
            [1.0, 0.5, 1.0]
        );
    }

    #[test]
    fn names_the_classes_over_it_and_not_the_largest() {
        let chosen = caution(&[("Hentai", 0.2), ("Porn", 0.1)], false);
        let over = |first: [f32; 5]| Alarm::of(&classes(), &Looks { first: first.to_vec(), second: 0.2 }, &chosen).over;
        assert_eq!(over([0.0, 0.2, 0.5, 0.3, 0.0]), [3, 1]);
        assert_eq!(over([1.0, 0.0, 0.0, 0.0, 0.0]), [0; 0]);
    }
}
