//! What a person is told of texts as people select them: words, and what the percentage beside them claims.
#![cfg(feature = "cli")]

use std::path::Path;

use sotto::engine::Engine;
use sotto::models::MODELS;
use sotto::protocol::{Claim, Sentiment, TextVerdict};

fn engine() -> Engine {
    let packaged = MODELS.iter().find(|model| model.task.name() == "text").unwrap();
    let mut engine = Engine::new(|| 0.0);
    let mut load = engine.start_load(packaged.id).unwrap();
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("models").join(packaged.file);
    load.feed(&std::fs::read(path).unwrap()).unwrap();
    engine.finish_load(load).unwrap();
    engine
}

/// The share of the verdict's own way; of what has none, the largest.
fn share(verdict: &TextVerdict) -> f32 {
    let shares = verdict.shares;
    match verdict.sentiment {
        Sentiment::Positive => shares.positive,
        Sentiment::Neutral => shares.neutral,
        Sentiment::Negative => shares.negative,
        Sentiment::Mixed | Sentiment::Unclear => shares.positive.max(shares.neutral).max(shares.negative),
    }
}

#[test]
fn facts_labels_and_news_are_neutral() {
    let mut engine = engine();
    for text in [
        "Click here to download the latest version.",
        "He was born in 1956 in Ohio and studied law.",
        "He was born in 1956.",
        "Account settings",
        "The meeting is at 3 pm on Tuesday.",
        "Preheat the oven to 180 degrees.",
        "How do I reset my password?",
    ] {
        let verdict = engine.classify_text(text).unwrap();
        assert_eq!(verdict.sentiment, Sentiment::Neutral, "{text}: {verdict:?}");
    }
    // Bad news soberly told may look like a complaint, but nobody is told that this is right.
    for text in ["The defendant was found guilty of murder.", "The company reported a loss of $3 million."] {
        let verdict = engine.classify_text(text).unwrap();
        let is_claimed = verdict.claim == Claim::Right && share(&verdict) > 0.8;
        assert!(verdict.sentiment == Sentiment::Neutral || !is_claimed, "{text}: {verdict:?}");
        assert_ne!(verdict.sentiment, Sentiment::Positive, "{text}: {verdict:?}");
    }
}

#[test]
fn praise_and_complaint_are_told() {
    let mut engine = engine();
    for (text, sentiment) in [
        ("What a wonderful evening, I enjoyed every minute of it.", Sentiment::Positive),
        ("The staff were rude and our room was filthy.", Sentiment::Negative),
        ("Not bad at all.", Sentiment::Positive),
        ("I would not recommend this to anyone.", Sentiment::Negative),
    ] {
        let verdict = engine.classify_text(text).unwrap();
        assert_eq!((verdict.sentiment, verdict.claim), (sentiment, Claim::Right), "{text}: {verdict:?}");
    }
}

#[test]
fn nothing_is_claimed_where_nothing_was_checked() {
    let mut engine = engine();
    for text in ["Terrible service", "😡", "🎉🎉", "Great. Another Monday. Just what I needed."] {
        let verdict = engine.classify_text(text).unwrap();
        assert!(verdict.claim == Claim::Sees, "{text}: {verdict:?}");
    }
    for text in ["ok", "No.", "Yes", "a"] {
        let verdict = engine.classify_text(text).unwrap();
        let is_sure = matches!(verdict.sentiment, Sentiment::Positive | Sentiment::Negative);
        assert!(!is_sure || share(&verdict) >= 0.9, "{text}: {verdict:?}");
        assert_ne!(verdict.claim, Claim::Right, "{text}: {verdict:?}");
    }
}

#[test]
fn ratings_are_read_as_they_stand() {
    let mut engine = engine();
    for (text, sentiment, percent) in [
        ("★★★★☆", Sentiment::Positive, 80.0),
        ("★☆☆☆☆", Sentiment::Negative, 80.0),
        ("5/10", Sentiment::Neutral, 100.0),
        ("2 out of 5", Sentiment::Negative, 60.0),
        ("Rated 4.6/5 (212 ratings)", Sentiment::Positive, 92.0),
    ] {
        let verdict = engine.classify_text(text).unwrap();
        assert_eq!((verdict.sentiment, verdict.claim), (sentiment, Claim::Rated), "{text}: {verdict:?}");
        assert!((100.0 * share(&verdict) - percent).abs() < 0.01, "{text}: {verdict:?}");
        assert_eq!((verdict.n_windows, verdict.sentences.len()), (1, 0));
    }
}

#[test]
fn a_long_text_is_what_its_sentences_say() {
    let mut engine = engine();
    let facts =
        "The station was opened in 1902. It lies on the line to the coast. There are four platforms. ".repeat(7);
    let verdict = engine.classify_text(&facts).unwrap();
    assert_eq!(verdict.sentiment, Sentiment::Neutral, "{verdict:?}");
    let angry = "I hate this filthy, miserable place. The staff are horribly rude.";
    let verdict = engine.classify_text(&format!("{facts}{angry}")).unwrap();
    // A complaint at the end of a sober text makes it one; how little of it that is, its sentences tell, and nothing is claimed.
    assert_eq!((verdict.sentiment, verdict.claim), (Sentiment::Negative, Claim::Sees), "{verdict:?}");
    let n_negative = verdict.sentences.iter().filter(|sentence| sentence.sentiment == Sentiment::Negative).count();
    assert_eq!(n_negative, 2, "{verdict:?}");
    let verdict = engine.classify_text(&format!("{angry} {angry} The station was opened in 1902.")).unwrap();
    assert_eq!(verdict.sentiment, Sentiment::Negative, "{verdict:?}");
    let praise = "The old hall is beautiful. Everybody was wonderfully kind to us.";
    let verdict = engine.classify_text(&format!("{praise} {angry} There are four platforms.")).unwrap();
    assert_eq!(verdict.sentiment, Sentiment::Mixed, "{verdict:?}");
}

#[test]
fn what_is_no_speech_is_refused_by_name() {
    let mut engine = engine();
    for (text, says) in [
        ("def main(): return 0", "code"),
        ("https://example.org/a/b", "address"),
        ("12:30 14:45", "digits"),
        ("", "empty"),
        ("Das ist nicht der Ort, den wir suchen.", "English"),
    ] {
        let error = engine.classify_text(text).unwrap_err().to_string();
        assert!(error.contains(says), "{text:?}: {error}");
    }
}
