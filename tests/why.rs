//! The words that are said to have pushed a verdict, against leaving out every word one by one.
#![cfg(feature = "cli")]

use std::path::Path;

use sotto::engine::Engine;
use sotto::models::MODELS;
use sotto::protocol::Sentiment;
use sotto::tasks::sentiment::{SentimentModel, Towards};
use sotto::tasks::ways::Way;
use sotto::tasks::why::{Why, WordPush};

fn with_model(check: impl FnOnce(&SentimentModel)) {
    let packaged = MODELS.iter().find(|model| model.task.name() == "text").unwrap();
    let mut engine = Engine::new(|| 0.0);
    let mut load = engine.start_load(packaged.id).unwrap();
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("models").join(packaged.file);
    load.feed(&std::fs::read(path).unwrap()).unwrap();
    engine.finish_load(load).unwrap();
    check(engine.sentiment().unwrap());
}

fn explained(model: &SentimentModel, text: &str, towards: Sentiment) -> (Vec<WordPush>, bool) {
    let mut why = Why::new(model, text, towards).unwrap();
    while why.step(model).unwrap() {}
    (why.words(), why.partly())
}

fn lean(model: &SentimentModel, text: &str, way: Way) -> f32 {
    model.lean(&[model.pieces().encode(text, 512).ids], Towards::Way(way)).unwrap()[0]
}

#[test]
fn words_are_explained() {
    with_model(|model| {
        every_word_of_a_short_text_is_left_out_and_kept_alone_once(model);
        the_words_that_matter_are_named(model);
        a_long_text_is_explained_sentence_by_sentence(model);
        a_neutral_verdict_is_explained_by_what_is_sober(model);
        neutral_sentences_push_to_neither_side(model);
        words_that_say_the_same_are_both_named(model);
        a_text_beyond_all_bounds_is_explained_in_part(model);
    });
}

fn every_word_of_a_short_text_is_left_out_and_kept_alone_once(model: &SentimentModel) {
    let text = "The soup wasn't bad at all, but I'd never call it unforgettable.";
    let (words, partly) = explained(model, text, Sentiment::Negative);
    assert!(!partly);
    let said: Vec<&str> = words.iter().map(|word| &text[word.range.clone()]).collect();
    let expected = ["The", "soup", "wasn't", "bad", "at", "all", "but", "I'd", "never", "call", "it", "unforgettable"];
    assert_eq!(said, expected);
    let whole = lean(model, text, Way::Negative);
    let nothing = [""; 4].into_iter();
    let mut alone: Vec<f32> =
        expected.into_iter().chain(nothing).map(|word| lean(model, word, Way::Negative)).collect();
    alone.sort_by(f32::total_cmp);
    let usual = alone[alone.len() / 2];
    for word in &words {
        let without = [&text[..word.range.start], &text[word.range.end..]].concat();
        let alone = lean(model, &text[word.range.clone()], Way::Negative) - usual;
        let push = (whole - lean(model, &without, Way::Negative) + alone) / 2.0;
        // A batch and a sequence alone may be rounded apart.
        assert!((push - word.push).abs() < 0.02, "{}: {} and {push}", &text[word.range.clone()], word.push);
    }
}

fn the_words_that_matter_are_named(model: &SentimentModel) {
    let text = "The staff were friendly and the view was nice, but the room was filthy and smelled disgusting.";
    let (words, _) = explained(model, text, Sentiment::Negative);
    let strongest = words.iter().filter(|word| word.strength > 0).max_by(|a, b| a.push.abs().total_cmp(&b.push.abs()));
    let strongest = strongest.unwrap();
    assert!(["filthy", "disgusting", "but"].contains(&&text[strongest.range.clone()]), "{strongest:?}");
    assert!(strongest.push > 0.0 && strongest.strength == 3);
    let find = |wanted: &str| words.iter().find(|word| &text[word.range.clone()] == wanted).unwrap();
    assert!(find("friendly").push < 0.0, "{:?}", find("friendly"));
    assert_eq!(find("The").strength, 0);
}

fn a_long_text_is_explained_sentence_by_sentence(model: &SentimentModel) {
    let praise = "The rooms were clean, the staff were friendly and breakfast was excellent. ";
    let text = format!("{}The lift was broken and the corridor stank.", praise.repeat(12));
    let mut why = Why::new(model, &text, Sentiment::Positive).unwrap();
    let mut n_overviews = 0;
    let mut n_steps = 1;
    while why.step(model).unwrap() {
        n_steps += 1;
        n_overviews += usize::from(why.has_overview());
        let (n_done, n_total) = why.progress();
        assert!(n_done < n_total, "{n_done} of {n_total}");
    }
    assert!(n_overviews > 0 && n_steps < 24, "{n_steps} steps, {n_overviews} with an overview");
    assert!(!why.partly());
    let words = why.words();
    let stank = words.iter().find(|word| &text[word.range.clone()] == "stank").unwrap();
    assert!(stank.push < 0.0, "{stank:?}");
    assert!(words.iter().any(|word| word.push > 0.0 && word.strength > 0));
}

fn a_text_beyond_all_bounds_is_explained_in_part(model: &SentimentModel) {
    let (words, partly) = explained(model, &"Not a bad word here. ".repeat(2_000), Sentiment::Neutral);
    assert!(partly && words.len() < 5_000);
    let (words, partly) = explained(model, &"good ".repeat(2_000), Sentiment::Positive);
    assert!(partly);
    assert_eq!(words.len(), 510);
}

fn a_neutral_verdict_is_explained_by_what_is_sober(model: &SentimentModel) {
    let text = "The awful concert begins at eight on Tuesday.";
    let (words, _) = explained(model, text, Sentiment::Neutral);
    let find = |wanted: &str| words.iter().find(|word| &text[word.range.clone()] == wanted).unwrap();
    assert!(find("awful").push < 0.0 && find("awful").strength == 3, "{:?}", find("awful"));
    let (words, _) = explained(model, text, Sentiment::Unclear);
    let awful = words.iter().find(|word| &text[word.range.clone()] == "awful").unwrap();
    assert!(awful.push < 0.0 && awful.strength == 3, "towards positive, where the verdict names no way: {awful:?}");
}

fn neutral_sentences_push_to_neither_side(model: &SentimentModel) {
    let facts = "The hall was rebuilt in 1954. There are four platforms. ".repeat(8);
    let text = format!("{facts}I hate this filthy, miserable place.");
    let mut why = Why::new(model, &text, Sentiment::Negative).unwrap();
    while why.step(model).unwrap() && !why.has_overview() {}
    let words = why.words();
    let (sober, angry) = words.split_at(words.len() - 6);
    assert!(sober.iter().all(|word| word.strength == 0), "{sober:?}");
    assert!(angry.iter().all(|word| word.push > 0.0 && word.strength == 3), "{angry:?}");
}

fn words_that_say_the_same_are_both_named(model: &SentimentModel) {
    let text = "What a wonderful evening, I enjoyed every minute of it.";
    let (words, _) = explained(model, text, Sentiment::Positive);
    for wanted in ["wonderful", "enjoyed"] {
        let word = words.iter().find(|word| &text[word.range.clone()] == wanted).unwrap();
        assert!(word.push > 0.0 && word.strength > 1, "{word:?}");
    }
}
