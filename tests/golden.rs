//! The packed models against what their originals answer, through the browser's own arithmetic (u7 × i8).
//! tests/golden and tests/pictures say where the answers come from.
#![cfg(feature = "cli")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::Value;
use sotto::engine::{Engine, Pixels};
use sotto::models::MODELS;

fn file(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn json(path: &str) -> Value {
    serde_json::from_slice(&std::fs::read(file(path)).unwrap()).unwrap()
}

/// An engine with one of the packaged models loaded, in slices of an odd size.
fn engine_with(model_id: &str) -> Engine {
    let packaged = MODELS.iter().find(|model| model.id == model_id).unwrap();
    let mut engine = Engine::new(|| 0.0);
    let mut load = engine.start_load(model_id).unwrap();
    for slice in std::fs::read(file("models").join(packaged.file)).unwrap().chunks(777_777) {
        load.feed(slice).unwrap();
    }
    engine.finish_load(load).unwrap();
    engine
}

fn cosine(a: &[f64], b: &[f64]) -> f64 {
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    dot(a, b) / (dot(a, a) * dot(b, b)).sqrt()
}

/// A probability this near to a half may fall to either side of it.
const TIE: f64 = 0.06;

#[test]
fn sentiment_logits_agree_with_the_original() {
    let golden = json("tests/golden/sentiment.json");
    let table = std::fs::read_to_string(file("tests/evaluation/sentences.tsv")).unwrap();
    let sentences = table.lines().skip(1).map(|line| line.split('\t').next().unwrap().to_owned());
    let references = golden["reference"].as_array().unwrap();
    let texts = references.iter().map(|answer| answer["text"].as_str().unwrap().to_owned()).chain(sentences);
    let answers = references.iter().chain(golden["sentences"].as_array().unwrap());

    let mut engine = engine_with("sentiment");
    let sentiment = engine.sentiment().unwrap();
    let (mut n_texts, mut largest_gap, mut all_found, mut all_expected) = (0, 0f64, vec![], vec![]);
    for (text, answer) in texts.zip(answers) {
        let expected: Vec<f64> = answer["logits"].as_array().unwrap().iter().map(|x| x.as_f64().unwrap()).collect();
        let found: Vec<f64> = sentiment.logits(&text).unwrap().into_iter().map(f64::from).collect();
        let n_tokens = sentiment.pieces().encode(&text, 512).ids.len();
        assert_eq!(n_tokens as u64, answer["n_tokens"].as_u64().unwrap(), "tokens of {text:?}");
        let positive = answer["p_positive"].as_f64().unwrap();
        let same_label = (found[1] > found[0]) == (positive > 0.5);
        assert!(same_label || (positive - 0.5).abs() < TIE, "{text:?}: {found:?}, the original {expected:?}");
        let found_positive = 1.0 / (1.0 + (found[0] - found[1]).exp());
        largest_gap = largest_gap.max((found_positive - positive).abs());
        all_found.extend(found);
        all_expected.extend(expected);
        n_texts += 1;
    }
    assert!(n_texts > 230, "{n_texts} texts were compared");
    let cosine = cosine(&all_found, &all_expected);
    println!("{n_texts} texts: cosine {cosine:.6}, largest gap in probability {largest_gap:.4}");
    assert!(cosine >= 0.999, "cosine {cosine}");
    assert!(largest_gap < 0.12, "a probability is off by {largest_gap}");
}

/// Sentences of the evaluation set whose verdict may differ from the original's: those that lie near a half.
const MAY_FLIP: i64 = 3;

#[test]
fn the_evaluation_set_is_judged_as_well_as_by_the_original() {
    let expected: toml::Table =
        toml::from_str(&std::fs::read_to_string(file("tests/evaluation/expected.toml")).unwrap()).unwrap();
    let table = std::fs::read_to_string(file("tests/evaluation/sentences.tsv")).unwrap();
    let mut engine = engine_with("sentiment");
    let sentiment = engine.sentiment().unwrap();
    let mut n_right: BTreeMap<&str, i64> = BTreeMap::new();
    for line in table.lines().skip(1) {
        let [sentence, label, kind] = line.split('\t').collect::<Vec<_>>()[..] else { panic!("{line:?}") };
        let right = (sentiment.score(sentence).unwrap() > 0.5) == (label == "1");
        *n_right.entry(kind).or_default() += i64::from(right);
    }
    let expected_of = |part: &toml::Value| part["n_right"].as_integer().unwrap();
    assert_eq!(n_right.len(), expected["kind"].as_table().unwrap().len());
    for (kind, &n_right) in &n_right {
        let wanted = expected_of(&expected["kind"][*kind]);
        assert!((n_right - wanted).abs() <= MAY_FLIP, "{kind}: {n_right} right, the original {wanted}");
    }
    let (n_right, wanted) = (n_right.values().sum::<i64>(), expected_of(&expected["all"]));
    println!("{n_right} of 200 right, the original {wanted}");
    assert!((n_right - wanted).abs() <= MAY_FLIP, "{n_right} right, the original {wanted}");
}

#[test]
fn a_batch_answers_as_its_sentences_do_alone() {
    let mut engine = engine_with("sentiment");
    let sentiment = engine.sentiment().unwrap();
    let texts = ["I liked it.", "no", "The plot drags on and on, and the actors look as bored as I was.", ""];
    let encoded: Vec<Vec<u32>> = texts.iter().map(|text| sentiment.pieces().encode(text, 512).ids).collect();
    let lengths: Vec<usize> = encoded.iter().map(Vec::len).collect();
    let together: Vec<Vec<f32>> = sentiment.net().forward(&encoded.concat(), &lengths).unwrap().to_vec2().unwrap();
    for (text, together) in texts.iter().zip(together) {
        assert_eq!(sentiment.logits(text).unwrap(), together, "{text:?}");
    }
}

#[test]
fn picture_scores_agree_with_nsfwjs() {
    let golden = json("tests/pictures/expected.json");
    let mut engine = engine_with("nsfw");
    let scores = golden["scores"]["mobilenet_v2"].as_object().unwrap();
    assert_eq!(scores.len(), 7);
    let mut largest_gap = 0f64;
    for (name, expected) in scores {
        let rgba = image::open(file("tests/pictures").join(name)).unwrap().into_rgba8();
        let (width, height) = rgba.dimensions();
        let verdict = engine.classify_picture(&Pixels { rgba: rgba.as_raw(), width, height }).unwrap();
        let found: Vec<f64> = verdict.classes.iter().map(|class| f64::from(class.probability)).collect();
        let expected: Vec<f64> = expected.as_array().unwrap().iter().map(|x| x.as_f64().unwrap()).collect();
        let top = (0..expected.len()).max_by(|&a, &b| expected[a].total_cmp(&expected[b])).unwrap();
        println!("{name}: {found:.3?}, nsfwjs {expected:.3?}");
        assert_eq!(verdict.top, top, "{name}: {found:?}, nsfwjs {expected:?}");
        for (found, expected) in found.iter().zip(&expected) {
            largest_gap = largest_gap.max((found - expected).abs());
        }
    }
    assert!(largest_gap <= 0.03, "a class is off by {largest_gap}");
}
