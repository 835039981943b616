//! `sotto eval --likeness`: how many pictures of a folder are known again after they were trimmed, halved and stored anew, and
//! whether any is taken for another.

use std::path::{Path, PathBuf};

use image::codecs::jpeg::JpegEncoder;
use image::imageops::{FilterType, crop_imm, resize};
use image::{DynamicImage, RgbaImage};
use sotto::image::{Antialiased, Likeness};

use super::{Failure, classify};

const QUALITY: u8 = 60;
/// As the second net's pictures are, of which likenesses are made.
const SIDE: usize = 256;
/// What is trimmed, in thousandths of the sides: left, top, right, bottom. All but the last take 2 % of each length.
const TRIMMED: [(&str, [u32; 4]); 6] = [
    ("not trimmed", [0, 0, 0, 0]),
    ("2 %, on all sides", [10, 10, 10, 10]),
    ("2 %, at the top left", [20, 20, 0, 0]),
    ("2 %, at the bottom right", [0, 0, 20, 20]),
    ("2 %, unevenly", [5, 15, 15, 5]),
    ("4 %, on all sides", [20, 20, 20, 20]),
];

/// Every picture that lies in the folder or its `jpeg/`.
pub fn run(folder: &Path) -> Result<(), Failure> {
    let inner = folder.join("jpeg");
    let folder = if inner.is_dir() { &inner } else { folder };
    let entries = std::fs::read_dir(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let is_picture = |path: &PathBuf| {
        path.extension().is_some_and(|end| ["jpg", "jpeg", "png", "webp"].iter().any(|known| end == *known))
    };
    let mut paths: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).filter(is_picture).collect();
    paths.sort();
    let mut kept: Vec<(&Path, Likeness)> = Vec::new();
    let mut distances: Vec<Vec<Option<u32>>> = Vec::new();
    for path in &paths {
        let whole = classify::read_picture(path)?;
        let Some(likeness) = likeness(&whole)? else {
            println!("{}: too little in it to be known by", path.display());
            continue;
        };
        let seen = TRIMMED.map(|(_, trimmed)| near_duplicate(&whole, trimmed));
        let mut row = Vec::new();
        for seen in seen {
            row.push(self::likeness(&seen?)?.map(|seen| likeness.distance(&seen)));
        }
        distances.push(row);
        kept.push((path, likeness));
    }
    println!(
        "{} pictures, {} with a likeness; at half size, as JPEG of quality {QUALITY}, trimmed by",
        paths.len(),
        kept.len()
    );
    for (at, (name, _)) in TRIMMED.iter().enumerate() {
        let mut of_all: Vec<u32> = distances.iter().map(|row| row[at].unwrap_or(u32::MAX)).collect();
        of_all.sort_unstable();
        let n_known = kept_known(&distances, at);
        let share = 100.0 * n_known as f64 / kept.len().max(1) as f64;
        let of = |share: usize| of_all.get(of_all.len() * share / 100).copied().unwrap_or_default();
        println!("{name:26} known again {n_known} ({share:.1} %), median distance {}, of 99 % {}", of(50), of(99));
    }
    let mut pairs: Vec<(u32, &Path, &Path)> = Vec::new();
    for (at, (path, one)) in kept.iter().enumerate() {
        for (other_at, (other_path, other)) in kept.iter().enumerate() {
            if at != other_at {
                pairs.push((one.distance(other), path, other_path));
            }
        }
    }
    pairs.sort_unstable_by_key(|(distance, ..)| *distance);
    let n_false = pairs.iter().filter(|(distance, ..)| *distance <= Likeness::DISTANCE_MAX).count();
    println!("{} pairs, taken for another: {n_false}; the nearest:", pairs.len());
    for (distance, one, other) in pairs.iter().take(4) {
        println!("{distance} {} {}", name_of(one), name_of(other));
    }
    Ok(())
}

fn kept_known(distances: &[Vec<Option<u32>>], at: usize) -> usize {
    distances.iter().filter(|row| row[at].is_some_and(|distance| distance <= Likeness::DISTANCE_MAX)).count()
}

fn name_of(path: &Path) -> &str {
    path.file_name().and_then(|name| name.to_str()).unwrap_or_default()
}

fn likeness(picture: &RgbaImage) -> Result<Option<Likeness>, Failure> {
    let (width, height) = picture.dimensions();
    let mut square = Antialiased::new(width, height, SIDE)?;
    square.feed(picture.as_raw())?;
    Ok(Likeness::of(&square.finish()?, SIDE))
}

fn near_duplicate(whole: &RgbaImage, [left, top, right, bottom]: [u32; 4]) -> Result<RgbaImage, Failure> {
    let (width, height) = whole.dimensions();
    let share = |length: u32, thousandths: u32| (length * thousandths + 500) / 1000;
    let (x, y) = (share(width, left), share(height, top));
    let (width, height) = (width - x - share(width, right), height - y - share(height, bottom));
    let trimmed = crop_imm(whole, x, y, width, height).to_image();
    let small = resize(&trimmed, (width / 2).max(1), (height / 2).max(1), FilterType::Triangle);
    let mut bytes = Vec::new();
    DynamicImage::from(small).to_rgb8().write_with_encoder(JpegEncoder::new_with_quality(&mut bytes, QUALITY))?;
    Ok(image::load_from_memory(&bytes)?.to_rgba8())
}
