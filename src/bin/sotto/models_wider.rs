//! Part of `sotto models check`: the wider net that nsfwjs ships, which Sotto packs but does not carry, must give
//! nsfwjs' own scores too. Its source is the package that the other model was just made again from.

use std::fs;
use std::io::Cursor;
use std::path::Path;

use serde_json::Value;
use sotto::image::Resizer;
use sotto::nets::MobileNetV2Builder;
use sotto::pack::importer::Import;
use sotto::pack::source::{Directory, run as run_import};
use sotto::pack::{PackReader, nsfwjs};
use sotto::tasks::softmax;

use super::Failure;

const MODEL: &str = "mobilenet_v2_mid";
/// How far a class may be from nsfwjs' own score.
const ALLOWED: f64 = 0.03;

/// Packs the wider net from the unpacked package, judges the reference pictures, and says how far off it is at most.
pub fn check(package: &Path, pictures: &Path) -> Result<String, Failure> {
    let kind: nsfwjs::Model = MODEL.parse()?;
    let import = Import { name: kind.title().into() };
    let folder = Directory(package.to_owned());
    let packed = run_import(nsfwjs::pack(&folder, kind, &import, Cursor::new(Vec::new()), |_| {}))?.into_inner();
    let mut reader = PackReader::checking_sha256(MobileNetV2Builder::default());
    reader.feed(&packed)?;
    let net = reader.finish()?.finish()?.net;

    let golden: Value = serde_json::from_slice(&fs::read(pictures.join("expected.json"))?)?;
    let scores = golden["scores"][MODEL].as_object().filter(|scores| !scores.is_empty());
    let scores = scores.ok_or("expected.json has no scores of the wider net")?;
    let mut largest_gap = 0f64;
    for (name, expected) in scores {
        let rgba = image::open(pictures.join(name))?.into_rgba8();
        let mut resizer = Resizer::new(rgba.width(), rgba.height(), net.size())?;
        resizer.feed(rgba.as_raw())?;
        let logits: Vec<f32> = net.forward(&resizer.finish()?)?.flatten_all()?.to_vec1()?;
        let found: Vec<f64> = softmax(&logits).into_iter().map(f64::from).collect();
        let expected: Vec<f64> = expected.as_array().into_iter().flatten().filter_map(Value::as_f64).collect();
        if found.len() != expected.len() || top(&found) != top(&expected) {
            return Err(format!("{name}: {found:.3?}, nsfwjs gives {expected:.3?}").into());
        }
        let gaps = found.iter().zip(&expected).map(|(found, expected)| (found - expected).abs());
        largest_gap = gaps.fold(largest_gap, f64::max);
    }
    if largest_gap > ALLOWED {
        return Err(format!("a class is off by {largest_gap:.3}, at most {ALLOWED} is allowed").into());
    }
    Ok(format!("packed, {} pictures judged, every class within {largest_gap:.3} of nsfwjs' own", scores.len()))
}

fn top(scores: &[f64]) -> Option<usize> {
    (0..scores.len()).max_by(|&a, &b| scores[a].total_cmp(&scores[b]))
}
