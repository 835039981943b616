//! `sotto eval --pictures`: how often a folder of benign pictures is warned of, by what they show and by how cautious the
//! person is; and, where the folder has other people's scores of the same nets, how far ours are from these.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;
use sotto::engine::{Engine, Pixels};
use sotto::protocol::{Caution, PictureVerdict};
use sotto::tasks::alarm::Alarm;

use super::{Failure, classify, models};

/// How our scores may lie from others'.
#[derive(Default)]
struct Gaps {
    n: usize,
    sum: f64,
    largest: f64,
    over: usize,
    file: String,
}

const ALLOWED: f64 = 0.03;

impl Gaps {
    fn add(&mut self, gap: f64, file: &str) {
        self.n += 1;
        self.sum += gap;
        self.over += usize::from(gap > ALLOWED);
        if gap > self.largest {
            (self.largest, self.file) = (gap, file.to_owned());
        }
    }

    fn say(&self, net: &str) {
        if self.n > 0 {
            let Self { n, sum, largest, over, file } = self;
            println!(
                "{net}: {n} pictures, mean gap {:.4}, largest {largest:.4} ({file}), over {ALLOWED}: {over}",
                sum / *n as f64
            );
        }
    }
}

/// A folder with `pictures.tsv` (columns file and group), the files in `jpeg/`, and perhaps `scores.json`: by file the
/// classes as `nsfwjs` and the share as `open_nsfw`.
pub fn run(folder: &Path) -> Result<(), Failure> {
    let read = |name: &str| {
        let path = folder.join(name);
        std::fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))
    };
    let table = read("pictures.tsv")?;
    let mut lines = table.lines();
    let header: Vec<&str> = lines.next().unwrap_or_default().split('\t').collect();
    let column = |name: &str| header.iter().position(|&other| other == name);
    let Some(file_at) = column("file") else { return Err("pictures.tsv has no column \"file\"".into()) };
    let group_at = column("group");
    let scores: Value = read("scores.json").ok().map_or(Ok(Value::Null), |text| serde_json::from_str(&text))?;

    let mut engine = models::engine();
    models::load(&mut engine, models::packaged("picture", None)?)?;
    let (mut first, mut second) = (Gaps::default(), Gaps::default());
    // By group: pictures, and alarms of each caution.
    let mut counts: BTreeMap<String, [usize; 4]> = BTreeMap::new();
    let (mut n_doubtful, mut elapsed_ms) = (0, 0.0);
    for line in lines {
        let cells: Vec<&str> = line.split('\t').collect();
        let file = *cells.get(file_at).ok_or("a line of pictures.tsv is too short")?;
        let group = group_at.and_then(|at| cells.get(at)).copied().unwrap_or("all");
        let verdict = judge(&mut engine, &folder.join("jpeg").join(file))?;
        elapsed_ms += verdict.elapsed_ms;
        let expected = &scores[file];
        if let Some(share) = expected["open_nsfw"].as_f64() {
            second.add((f64::from(verdict.second.share) - share).abs(), file);
        }
        if let Some(shares) = expected["nsfwjs"].as_array() {
            let gaps = verdict
                .classes
                .iter()
                .zip(shares)
                .map(|(class, share)| (f64::from(class.probability) - share.as_f64().unwrap_or(f64::NAN)).abs());
            first.add(gaps.fold(0.0, f64::max), file);
        }
        let count = counts.entry(group.to_owned()).or_default();
        count[0] += 1;
        for (count, alarm) in count[1..].iter_mut().zip(alarms(&verdict)) {
            *count += usize::from(alarm);
        }
        n_doubtful += usize::from(verdict.doubtful);
        if verdict.unsuitable {
            let name = |&index: &usize| verdict.classes[index].name.as_str();
            let over: Vec<&str> = verdict.over.iter().map(name).collect();
            println!("{file}\t{group}\t{}\tsecond look {:.2}", over.join(" "), verdict.second.share);
        }
    }
    let mut total = [0; 4];
    println!("{:24} {:>9} {:>9} {:>9} {:>12}", "group", "pictures", "balanced", "careful", "first alone");
    for (group, counts) in &counts {
        total.iter_mut().zip(counts).for_each(|(total, count)| *total += count);
        print_row(group, counts);
    }
    print_row("all", &total);
    println!("doubtful among the balanced: {n_doubtful}; {:.1} ms a picture", elapsed_ms / total[0].max(1) as f64);
    first.say("nsfwjs");
    second.say("open_nsfw");
    Ok(())
}

fn judge(engine: &mut Engine, path: &Path) -> Result<PictureVerdict, Failure> {
    let rgba = classify::read_picture(path)?;
    let (width, height) = rgba.dimensions();
    Ok(engine.classify_picture(&Pixels { rgba: rgba.as_raw(), width, height })?)
}

/// Whether this is warned of: by default, by either look, and by the first net alone at the thresholds that were Sotto's
/// before there was a second.
fn alarms(verdict: &PictureVerdict) -> [bool; 3] {
    let is_raised = |caution: &Caution| Alarm::of_verdict(verdict, caution).is_raised();
    let alone = [("Hentai", 0.6), ("OpenNsfw", 2.0)].map(|(class, threshold)| (class.to_owned(), threshold));
    [
        is_raised(&Caution::default()),
        is_raised(&Caution { careful: true, ..Caution::default() }),
        is_raised(&Caution { careful: true, thresholds: alone.into() }),
    ]
}

fn print_row(name: &str, [n, balanced, careful, alone]: &[usize; 4]) {
    let share = |count: &usize| format!("{count} ({:.1} %)", 100.0 * *count as f64 / (*n).max(1) as f64);
    println!("{name:24} {n:>9} {:>9} {:>9} {:>12}", share(balanced), share(careful), share(alone));
}
