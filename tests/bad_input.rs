//! What nobody means to send: each is refused with a reason or answered with what was left out said, and the engine
//! answers the next request as before.
#![cfg(feature = "cli")]

use std::path::Path;

use sotto::engine::{Engine, EngineError, Pixels};
use sotto::image::{PictureError, Resizer};
use sotto::models::MODELS;

fn engine_with(model_id: &str) -> Engine {
    let packaged = MODELS.iter().find(|model| model.id == model_id).unwrap();
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("models").join(packaged.file);
    let mut engine = Engine::new(|| 0.0);
    let mut load = engine.start_load(model_id).unwrap();
    load.feed(&std::fs::read(file).unwrap()).unwrap();
    engine.finish_load(load).unwrap();
    engine
}

#[test]
fn any_text_is_judged_or_refused() {
    let mut engine = engine_with("sentiment");
    let sound = |engine: &mut Engine| engine.classify_text("I liked it very much.").unwrap().shares.positive;
    let before = sound(&mut engine);
    for empty in ["", " ", "\n\t", "\u{200b}\u{feff}", "12 345", "def main(): return 0", "!?…"] {
        assert!(engine.classify_text(empty).is_err(), "{empty:?} holds nothing to judge");
    }
    // Each block of Unicode once: marks without a letter, right-to-left, CJK, private use, what was a lone surrogate.
    for first in (0..0x11_0000).step_by(0x400) {
        let text: String = (first..first + 40).filter_map(char::from_u32).collect();
        if let Ok(verdict) = engine.classify_text(&format!("good {text} \u{fffd} film")) {
            assert!((0.0..=1.0).contains(&verdict.shares.positive), "{text:?}: {}", verdict.shares.positive);
        }
    }
    assert_eq!(sound(&mut engine).to_bits(), before.to_bits());
}

#[test]
fn a_hundred_thousand_words_are_cut_and_it_is_said() {
    let mut engine = engine_with("sentiment");
    let long = "the plot is dull and the actors look bored while we wait ".repeat(8_500);
    let verdict = engine.classify_text(&long).unwrap();
    assert!(verdict.truncated && verdict.n_windows > 1, "{} windows", verdict.n_windows);
    assert!(verdict.shares.positive < 0.5, "{}", verdict.shares.positive);
    // One word of as many letters is one unknown piece.
    assert!(engine.classify_text(&"a".repeat(100_000)).unwrap().n_tokens <= 3);
    assert!(engine.classify_text("ok").is_ok(), "one token is enough");
}

#[test]
fn pictures_of_impossible_sizes_are_refused() {
    let mut engine = engine_with("nsfw");
    let mut judge = |width, height, n_bytes: usize| {
        engine.classify_picture(&Pixels { rgba: &vec![200; n_bytes], width, height }).map(|verdict| verdict.top)
    };
    let sound = judge(8, 8, 8 * 8 * 4).unwrap();
    for (width, height) in [(0, 0), (0, 9), (9, 0), (65_536, 1), (1, u32::MAX), (u32::MAX, u32::MAX)] {
        let told = judge(width, height, 16).unwrap_err().to_string();
        assert!(told.contains("pixels"), "{width} × {height}: {told}");
    }
    // Short, long, three channels, one channel, a row and a half.
    for n_bytes in [0, 4, 8 * 8 * 4 - 4, 8 * 8 * 4 + 4, 8 * 8 * 3, 8 * 8, 8 * 4 * 3 / 2] {
        assert!(judge(8, 8, n_bytes).is_err(), "{n_bytes} bytes for 8 × 8");
    }
    assert!(judge(1, 1, 4).is_ok(), "one pixel is a picture");
    assert_eq!(judge(8, 8, 8 * 8 * 4).unwrap(), sound);
    assert!(matches!(engine.classify_text("no text model here"), Err(EngineError::NotReady { .. })));
}

#[test]
fn four_hundred_million_pixels_pass_in_rows() {
    const SIDE: u32 = 20_000;
    let mut picture = Resizer::new(SIDE, SIDE, 224).unwrap();
    let row: Vec<u8> = (0..SIDE * 4).map(|index| if index % 4 == 3 { 255 } else { (index / 400) as u8 }).collect();
    assert_eq!(
        picture.feed(&row[4..]),
        Err(PictureError::Length { found: u64::from(SIDE - 1) * 4, expected: u64::from(SIDE) * u64::from(SIDE) * 4 })
    );
    (0..SIDE).for_each(|_| picture.feed(&row).unwrap());
    assert!(picture.feed(&row).is_err(), "there is no row after the last");
    let small = picture.finish().unwrap();
    assert_eq!(small.len(), 224 * 224 * 3);
    assert!(small.iter().all(|value| (0.0..=255.0).contains(value)));
    assert_eq!(small[..224 * 3], small[223 * 224 * 3..], "all rows are equal");
}
