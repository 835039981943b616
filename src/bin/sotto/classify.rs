//! `sotto classify`: one text, or pictures from files, judged as the extension judges them.

use std::ffi::OsString;
use std::io::Read;
use std::path::{Path, PathBuf};

use lexopt::prelude::*;
use sotto::engine::Pixels;
use sotto::protocol::{PictureVerdict, Sentiment, Shares, TextVerdict};

use super::{Failure, models};

/// A text from standard input is read up to this length; the verdict covers far less.
const INPUT_BYTES_MAX: u64 = 64 << 20;

pub fn run(arguments: &mut lexopt::Parser) -> Result<(), Failure> {
    let (mut texts, mut images, mut json) = (Vec::<OsString>::new(), Vec::<PathBuf>::new(), false);
    while let Some(argument) = arguments.next()? {
        match argument {
            Long("image") => images.push(arguments.value()?.into()),
            Long("json") => json = true,
            Value(value) => texts.push(value),
            other => return Err(other.unexpected().into()),
        }
    }
    if texts.is_empty() == images.is_empty() {
        return Err("classify needs a text, - for standard input, or --image FILE; see sotto --help".into());
    }
    let mut engine = models::engine();
    if !texts.is_empty() {
        models::load(&mut engine, models::packaged("text", None)?)?;
    }
    for text in texts {
        let text = read_text(text)?;
        let verdict = engine.classify_text(&text)?;
        if json { println!("{}", serde_json::to_string(&verdict)?) } else { print_text(&text, &verdict) }
    }
    if !images.is_empty() {
        models::load(&mut engine, models::packaged("picture", None)?)?;
    }
    for path in images {
        let rgba = read_picture(&path)?;
        let (width, height) = rgba.dimensions();
        let verdict = engine.classify_picture(&Pixels { rgba: rgba.as_raw(), width, height })?;
        let verdict = PictureVerdict { likeness: None, ..verdict };
        if json { println!("{}", serde_json::to_string(&verdict)?) } else { print_picture(&path, &verdict) }
    }
    Ok(())
}

fn read_text(argument: OsString) -> Result<String, Failure> {
    if argument != "-" {
        return argument.into_string().map_err(|_| "the text is not UTF-8".into());
    }
    let mut bytes = Vec::new();
    std::io::stdin().take(INPUT_BYTES_MAX).read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// Decoded and turned upright as its EXIF orientation says.
pub fn read_picture(path: &Path) -> Result<image::RgbaImage, Failure> {
    use image::ImageDecoder;
    let name = |error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
    let reader = image::ImageReader::open(path).map_err(|error| name(&error))?;
    let reader = reader.with_guessed_format().map_err(|error| name(&error))?;
    let mut decoder = reader.into_decoder().map_err(|error| name(&error))?;
    let orientation = decoder.orientation().map_err(|error| name(&error))?;
    let mut picture = image::DynamicImage::from_decoder(decoder).map_err(|error| name(&error))?;
    picture.apply_orientation(orientation);
    Ok(picture.into_rgba8())
}

fn print_text(text: &str, verdict: &TextVerdict) {
    let windows = match verdict.n_windows {
        1 => String::new(),
        n if verdict.truncated => format!(", the first {n} parts of a longer text"),
        n => format!(", {n} parts"),
    };
    println!(
        "{} ({} tokens{windows}, {:.0} ms)",
        words(verdict.sentiment, verdict.shares),
        verdict.n_tokens,
        verdict.elapsed_ms
    );
    let utf16: Vec<u16> = if verdict.sentences.is_empty() { vec![] } else { text.encode_utf16().collect() };
    for sentence in &verdict.sentences {
        let text = String::from_utf16_lossy(&utf16[sentence.start..sentence.end]);
        println!("  {:18} {}", words(sentence.sentiment, sentence.shares), text.replace('\n', " "));
    }
}

fn words(sentiment: Sentiment, Shares { negative, neutral, positive }: Shares) -> String {
    let percent = |share: f32| format!("{:.0} %", share * 100.0);
    let all =
        || format!("{} negative, {} neutral, {} positive", percent(negative), percent(neutral), percent(positive));
    match sentiment {
        Sentiment::Positive => format!("positive {}", percent(positive)),
        Sentiment::Neutral => format!("neutral {}", percent(neutral)),
        Sentiment::Negative => format!("negative {}", percent(negative)),
        Sentiment::Mixed => format!("mixed: {}", all()),
        Sentiment::Unclear => format!("unclear: {}", all()),
    }
}

fn print_picture(path: &Path, verdict: &PictureVerdict) {
    let scores = verdict.classes.iter().map(|class| format!("{} {:.1} %", class.name, class.probability * 100.0));
    let scores: Vec<String> = scores.collect();
    let warning = match (verdict.unsuitable, verdict.doubtful) {
        (false, _) => "fine",
        (true, false) => "unsuitable",
        (true, true) => "perhaps unsuitable: one look warns, the other sees nothing",
    };
    let second = verdict.second.share * 100.0;
    println!(
        "{}: {warning} ({}; second look {second:.1} %; {:.0} ms)",
        path.display(),
        scores.join(", "),
        verdict.elapsed_ms
    );
}
