//! What the person chose, as it is kept and as pages see it.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize};

/// What the person chose, as kept in the browser's own storage. A missing or unknown field takes its default. The comments of
/// fields are what an organisation reads of them (managed.json).
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "declarations", derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "camelCase", default)]
pub struct Settings {
    /// Where verdicts on selections appear.
    pub results: ResultPlace,
    /// The upload guard watches every site but those where it was turned off. Takes effect where the browser's permission for
    /// all sites was given, too.
    pub guard_everywhere: bool,
    /// Sites (https://example.com) where the guard was turned on one by one.
    pub guard_sites: Vec<String>,
    /// Sites (https://example.com) where the guard was turned off, or the person said "always allow".
    pub allowed_sites: Vec<String>,
    /// Picture classes (Hentai, Porn, Sexy, and OpenNsfw for the second look) with the probability, from 0 to 1, from which on a person is warned; a class that is
    /// not named has a preset.
    // What is no probability is dropped when settings are read: an infinite number would be kept as null.
    #[serde(deserialize_with = "probabilities")]
    #[cfg_attr(feature = "declarations", schemars(with = "BTreeMap<String, f32>"))]
    pub thresholds: BTreeMap<String, f32>,
    /// Warn of a photograph where either of the two looks at it does; otherwise the second must agree with the first.
    pub careful: bool,
    /// What happens to a picture over a threshold.
    pub action: Action,
    /// The pictures and films of every site are looked at while they load, but for sites that say otherwise. Takes effect where
    /// the browser's permission for all sites was given, too.
    pub protect_everywhere: bool,
    /// Sites (https://example.com) by name: true where they are protected, false where they are not although all others are.
    pub protect_sites: BTreeMap<String, bool>,
    /// What happens on protected sites that have no rule of their own.
    pub protect_rule: SiteRule,
    /// Sites (https://example.com) with a rule of their own.
    pub protect_rules: BTreeMap<String, SiteRule>,
    /// Nobody is offered to say that a verdict is wrong, and what was said earlier counts no more.
    pub no_corrections: bool,
    /// What loaded models may take together, in megabytes; the engine's preset where there is none.
    #[cfg_attr(feature = "declarations", schemars(range(min = 40, max = 2000)))]
    pub memory_budget_mb: Option<u32>,
    /// Names of the fields that an organisation has set for this browser; never stored.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "declarations", ts(optional, as = "Option<Vec<String>>"), schemars(skip))]
    pub locked: Vec<String>,
    /// Whether a passphrase keeps protection as it is; never stored with the rest.
    #[serde(skip_serializing_if = "LockState::is_none")]
    #[cfg_attr(feature = "declarations", ts(optional, as = "Option<LockState>"), schemars(skip))]
    pub lock: LockState,
    /// Names of stored fields that this version does not understand; never stored, and nothing of them is lost.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "declarations", ts(optional, as = "Option<Vec<String>>"), schemars(skip))]
    pub unread: Vec<String>,
}

impl Settings {
    /// Whether the upload guard is on for a site.
    pub fn watches(&self, site: &str) -> bool {
        let named = |sites: &[String]| sites.iter().any(|kept| kept == site);
        (self.guard_everywhere || named(&self.guard_sites)) && !named(&self.allowed_sites)
    }

    /// What is to happen to the pictures of a site; none where it is not protected.
    pub fn protects(&self, site: &str) -> Option<&SiteRule> {
        let is_protected = self.protect_sites.get(site).copied().unwrap_or(self.protect_everywhere);
        is_protected.then(|| self.protect_rules.get(site).unwrap_or(&self.protect_rule))
    }

    /// Whether any site is protected.
    pub fn protects_any(&self) -> bool {
        self.protect_everywhere || self.protect_sites.values().any(|&is_protected| is_protected)
    }
}

/// Whether a passphrase keeps protection as it is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "declarations", derive(ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub enum LockState {
    /// There is no passphrase.
    #[default]
    None,
    /// Nothing of it can be changed, and nothing that is covered be seen.
    Locked,
    /// The passphrase was given a few minutes ago.
    Unlocked,
}

impl LockState {
    fn is_none(&self) -> bool {
        *self == Self::None
    }
}

/// What happens to pictures and films on a protected site.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "declarations", derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "camelCase", default)]
pub struct SiteRule {
    /// How strictly still pictures, and moving ones without sound, are judged.
    pub pictures: Strictness,
    /// How strictly films are.
    pub films: Strictness,
    /// What happens to what is warned of.
    pub cover: Cover,
    /// Nothing is seen before it was judged; otherwise it is covered afterwards.
    pub held: bool,
    /// What happens to what can't be judged, or not within three seconds.
    pub unjudged: Unjudged,
}

impl Default for SiteRule {
    fn default() -> Self {
        Self {
            pictures: Strictness::Usual,
            films: Strictness::Usual,
            cover: Cover::Blur,
            held: true,
            unjudged: Unjudged::Show,
        }
    }
}

/// A rule that has a name, so that nobody must know what it is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Preset {
    /// Only what is beyond doubt, and afterwards.
    Relaxed,
    /// What a site has of which nobody says otherwise.
    Usual,
    /// Sooner, for false alarms.
    Careful,
    /// For children: as soon as possible, and nothing of it is seen.
    Children,
}

impl Preset {
    /// The mildest first.
    pub const ALL: [Self; 4] = [Self::Relaxed, Self::Usual, Self::Careful, Self::Children];

    /// What it stands for.
    pub fn rule(self) -> SiteRule {
        let (pictures, films, cover, held, unjudged) = match self {
            Self::Relaxed => (Strictness::Relaxed, Strictness::Off, Cover::Blur, false, Unjudged::Show),
            Self::Usual => return SiteRule::default(),
            Self::Careful => (Strictness::Careful, Strictness::Careful, Cover::Blur, true, Unjudged::Show),
            Self::Children => (Strictness::Strict, Strictness::Strict, Cover::Hide, true, Unjudged::Cover),
        };
        SiteRule { pictures, films, cover, held, unjudged }
    }

    /// The one that stands for a rule, if any does.
    pub fn of(rule: &SiteRule) -> Option<Self> {
        Self::ALL.into_iter().find(|preset| preset.rule() == *rule)
    }
}

/// How strictly pictures are judged on a protected site.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "declarations", derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub enum Strictness {
    /// They are not looked at.
    Off,
    /// Only what both looks are sure of.
    Relaxed,
    /// As the person set it for all pictures.
    Usual,
    /// The same, but one of the two looks is enough.
    Careful,
    /// One look is enough, and sooner.
    Strict,
}

/// What happens to a picture that is warned of on a protected site.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "declarations", derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub enum Cover {
    /// It is blurred.
    Blur,
    /// Nothing of it is seen.
    Hide,
    /// It is shown in an outline.
    Outline,
}

/// What happens to a picture on a protected site for which there is no verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "declarations", derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub enum Unjudged {
    /// It is shown.
    Show,
    /// It stays covered until the person wants to see it.
    Cover,
}

/// From when on pictures are warned of, and what then happens.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "declarations", derive(ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub struct PictureRules {
    /// Every class that is ever warned of.
    pub classes: Vec<ClassThreshold>,
    /// Whether either look is enough.
    pub careful: bool,
    /// For a picture at or over the threshold of any of them.
    pub action: Action,
}

/// A class of pictures that is warned of.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "declarations", derive(ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub struct ClassThreshold {
    /// As the model calls it: Hentai, Porn or Sexy; or OpenNsfw, what the second net says.
    pub name: String,
    /// Sotto's own threshold: a probability, 0 to 1.
    pub preset: f32,
    /// In force: the person's own, or else the preset.
    pub threshold: f32,
}

/// How cautious a verdict on a picture must be.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "declarations", derive(ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub struct Caution {
    /// As in [`Settings::thresholds`].
    pub thresholds: BTreeMap<String, f32>,
    /// As in [`Settings::careful`].
    pub careful: bool,
}

impl From<&Settings> for Caution {
    fn from(settings: &Settings) -> Self {
        Self { thresholds: settings.thresholds.clone(), careful: settings.careful }
    }
}

/// What happens to a picture over a threshold.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "declarations", derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub enum Action {
    /// The guard asks; a scan draws an outline.
    Warn,
    /// The guard asks; a scan blurs until the person wants to see.
    #[default]
    Blur,
    /// The guard holds back without asking; a scan blurs.
    Block,
}

fn probabilities<'de, D: Deserializer<'de>>(source: D) -> Result<BTreeMap<String, f32>, D::Error> {
    let mut named = BTreeMap::<String, f32>::deserialize(source)?;
    named.retain(|_, probability| (0.0..=1.0).contains(probability));
    Ok(named)
}

/// Where verdicts on selections appear.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "declarations", derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub enum ResultPlace {
    /// A card beside the selection.
    #[default]
    Card,
    /// The toolbar popup only: the page can see nothing at all.
    Popup,
}

/// The text models that the person brought, and which of them judges texts: the package's where none is chosen.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "declarations", derive(ts_rs::TS))]
#[serde(rename_all = "camelCase", default)]
pub struct OwnModels {
    /// The one added last comes last.
    pub models: Vec<OwnModel>,
    /// The `id` of one of them.
    pub chosen: Option<String>,
}

/// A text model that the person brought.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "declarations", derive(ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub struct OwnModel {
    /// `own-` and the first 12 digits of its sha256.
    pub id: String,
    /// The name that its checkpoint has, cut to 80 characters.
    pub title: String,
    /// Of the packed file, in hex.
    pub sha256: String,
    /// Of the packed file, too.
    pub bytes: u64,
    /// What the loaded model takes.
    pub memory_bytes: u64,
}

#[cfg(all(test, feature = "pack"))]
mod tests {
    use super::*;

    /// Found by fuzz/fuzz_targets/settings.rs: the number below was read as infinite, kept as null, and lost all settings.
    #[test]
    fn a_threshold_that_is_no_probability_costs_no_other_setting() {
        let text =
            format!(r#"{{"guardEverywhere":true,"thresholds":{{"Porn":0.7,"Sexy":{}9,"Hentai":-1}}}}"#, "3".repeat(80));
        let settings: Settings = serde_json::from_str(&text).unwrap();
        assert_eq!(settings.thresholds, BTreeMap::from([("Porn".to_owned(), 0.7)]));
        let kept = serde_json::to_string(&settings).unwrap();
        assert_eq!(serde_json::from_str::<Settings>(&kept).unwrap(), settings);
        assert!(settings.guard_everywhere);
    }

    #[test]
    fn a_site_has_its_own_word_and_rule_and_else_those_of_all() {
        let hidden = SiteRule { cover: Cover::Hide, ..SiteRule::default() };
        let site = |name: &str| name.to_owned();
        let mut settings = Settings {
            protect_sites: BTreeMap::from([(site("https://on.example"), true), (site("https://off.example"), false)]),
            protect_rules: BTreeMap::from([(site("https://on.example"), hidden)]),
            ..Settings::default()
        };
        assert_eq!(settings.protects("https://on.example"), Some(&hidden));
        assert_eq!(settings.protects("https://off.example"), None);
        assert_eq!(settings.protects("https://else.example"), None);
        assert!(settings.protects_any());
        settings.protect_everywhere = true;
        assert_eq!(settings.protects("https://else.example"), Some(&SiteRule::default()));
        assert_eq!(settings.protects("https://off.example"), None);
        settings.protect_everywhere = false;
        settings.protect_sites.remove("https://on.example");
        assert!(!settings.protects_any());
    }

    #[test]
    fn every_preset_is_known_by_its_rule() {
        for preset in Preset::ALL {
            assert_eq!(Preset::of(&preset.rule()), Some(preset));
        }
        assert_eq!(Preset::of(&SiteRule { cover: Cover::Outline, ..SiteRule::default() }), None);
    }
}
