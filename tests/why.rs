//! The words that are said to have pushed a verdict, against leaving out every word one by one.
#![cfg(feature = "cli")]

use std::path::Path;

use sotto::engine::Engine;
use sotto::models::MODELS;
use sotto::tasks::sentiment::SentimentModel;
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

fn explained(model: &SentimentModel, text: &str) -> (Vec<WordPush>, bool) {
    let mut why = Why::new(model, text).unwrap();
    while why.step(model).unwrap() {}
    (why.words(), why.partly())
}

fn log_odds(model: &SentimentModel, text: &str) -> f32 {
    model.log_odds(&[model.pieces().encode(text, 512).ids]).unwrap()[0]
}

#[test]
fn words_are_explained() {
    with_model(|model| {
        every_word_of_a_short_text_is_left_out_once(model);
        the_words_that_matter_are_named(model);
        a_long_text_is_explained_sentence_by_sentence(model);
        a_text_beyond_all_bounds_is_explained_in_part(model);
    });
}

fn every_word_of_a_short_text_is_left_out_once(model: &SentimentModel) {
    let text = "The soup wasn't bad at all, but I'd never call it unforgettable.";
    let (words, partly) = explained(model, text);
    assert!(!partly);
    let said: Vec<&str> = words.iter().map(|word| &text[word.range.clone()]).collect();
    let expected = ["The", "soup", "wasn't", "bad", "at", "all", "but", "I'd", "never", "call", "it", "unforgettable"];
    assert_eq!(said, expected);
    let whole = log_odds(model, text);
    for word in &words {
        let without = [&text[..word.range.start], &text[word.range.end..]].concat();
        let push = whole - log_odds(model, &without);
        // A batch and a sequence alone may be rounded apart.
        assert!((push - word.push).abs() < 0.02, "{}: {} and {push}", &text[word.range.clone()], word.push);
    }
}

fn the_words_that_matter_are_named(model: &SentimentModel) {
    let text = "The staff were friendly and the view was nice, but the room was filthy and smelled disgusting.";
    let (words, _) = explained(model, text);
    let strongest = words.iter().filter(|word| word.strength > 0).max_by(|a, b| a.push.abs().total_cmp(&b.push.abs()));
    let strongest = strongest.unwrap();
    assert!(["filthy", "disgusting", "but"].contains(&&text[strongest.range.clone()]), "{strongest:?}");
    assert!(strongest.push < 0.0 && strongest.strength == 3);
    let find = |wanted: &str| words.iter().find(|word| &text[word.range.clone()] == wanted).unwrap();
    assert!(find("friendly").push > 0.0, "{:?}", find("friendly"));
    assert_eq!(find("The").strength, 0);
}

fn a_long_text_is_explained_sentence_by_sentence(model: &SentimentModel) {
    let praise = "The rooms were clean, the staff were friendly and breakfast was excellent. ";
    let text = format!("{}The lift was broken and the corridor stank.", praise.repeat(12));
    let mut why = Why::new(model, &text).unwrap();
    let mut n_overviews = 0;
    let mut n_steps = 1;
    while why.step(model).unwrap() {
        n_steps += 1;
        n_overviews += usize::from(why.has_overview());
        let (n_done, n_total) = why.progress();
        assert!(n_done < n_total, "{n_done} of {n_total}");
    }
    assert!(n_overviews > 0 && n_steps < 20, "{n_steps} steps, {n_overviews} with an overview");
    assert!(!why.partly());
    let words = why.words();
    let stank = words.iter().find(|word| &text[word.range.clone()] == "stank").unwrap();
    assert!(stank.push < 0.0, "{stank:?}");
    assert!(words.iter().any(|word| word.push > 0.0 && word.strength > 0));
}

fn a_text_beyond_all_bounds_is_explained_in_part(model: &SentimentModel) {
    let (words, partly) = explained(model, &"Not a bad word here. ".repeat(2_000));
    assert!(partly && words.len() < 5_000);
    let (words, partly) = explained(model, &"good ".repeat(2_000));
    assert!(partly);
    assert_eq!(words.len(), 510);
}
