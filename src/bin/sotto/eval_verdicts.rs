//! `sotto eval --verdicts`: what a person would be told of each text, whole and sentence by sentence, and how often what is
//! claimed is true. By claim, verdict and kind of text: a share may be called "right so often" only where it is.

use std::collections::BTreeMap;

use sotto::evaluation::class_of;
use sotto::protocol::Claim;
use sotto::tasks::sentiment::SentimentModel;

use super::Failure;

/// From this share on, a wrong claim of being right is one that a person would not forgive.
const SURE: f32 = 0.8;

#[derive(Default)]
struct Told {
    n: usize,
    n_right: usize,
    shares: f64,
    n_sure: usize,
    n_sure_wrong: usize,
}

/// `rows`: texts with their labels, where the last of `n_ways` is positive and 0 negative.
pub fn run(model: &SentimentModel, rows: &[(&str, Option<usize>)], n_ways: usize, list: bool) -> Result<(), Failure> {
    let mut told: BTreeMap<String, Told> = BTreeMap::new();
    for &(text, label) in rows {
        let judgement = match model.judge(text) {
            Ok(judgement) => judgement,
            Err(refusal) => {
                told.entry(format!("refused: {refusal}")).or_default().n += 1;
                continue;
            }
        };
        let (sentiment, claim) = (judgement.sentiment(), judgement.claim());
        let share = judgement.shares.of(judgement.shares.top());
        let right = class_of(sentiment, n_ways);
        let is_right = label.is_some() && right == label;
        let kind = format!("{:?}", judgement.kind);
        let kind = kind.split('(').next().unwrap_or_default();
        let of_kind = told.entry(format!("{claim:?}, {sentiment:?}, {kind}")).or_default();
        of_kind.n += 1;
        of_kind.n_right += usize::from(is_right);
        of_kind.shares += f64::from(share);
        of_kind.n_sure += usize::from(share >= SURE);
        of_kind.n_sure_wrong += usize::from(share >= SURE && !is_right && claim == Claim::Right);
        if list {
            let label = label.map_or(String::new(), |label| label.to_string());
            println!("{label}\t{claim:?}\t{sentiment:?}\t{kind}\t{share:.3}\t{}", text.replace('\n', "\\n"));
        }
    }
    if list {
        return Ok(());
    }
    println!(
        "{:<44}{:>7}{:>12}{:>9}{:>26}",
        "claim, verdict, kind", "texts", "mean share", "right", "wrong of those over 80 %"
    );
    for (what, Told { n, n_right, shares, n_sure, n_sure_wrong }) in told {
        let of = |sum: f64| format!("{:.1} %", 100.0 * sum / n as f64);
        let (share, right) = (of(shares), of(n_right as f64));
        if what.starts_with("refused") {
            println!("{what:<60}{n:>7}");
        } else if what.starts_with("Right") {
            println!("{what:<44}{n:>7}{share:>12}{right:>9}{n_sure_wrong:>19} of {n_sure}");
        } else {
            println!("{what:<44}{n:>7}{share:>12}{right:>9}");
        }
    }
    Ok(())
}
