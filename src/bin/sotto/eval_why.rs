//! `sotto eval --why`: how far to trust the words that "Why?" names. Beside leaving out every single word, the slow
//! truth, it measures what stands in for a word (nothing, [MASK], [UNK]) and how well the cheaper orders agree.

use std::time::Instant;

use sotto::protocol::Sentiment;
use sotto::tasks::sentiment::{SentimentModel, Towards, sentiment_of};
use sotto::tasks::ways::Way;
use sotto::tasks::why::Why;

use super::Failure;

/// As many words as a person is likely to look at.
const TOP: usize = 3;

/// One way of telling how much each word pushed.
struct Method {
    name: &'static str,
    pushes: fn(&SentimentModel, &str, Sentiment) -> Result<Vec<f32>, Failure>,
}

const METHODS: [Method; 6] = [
    Method { name: "left out, each word", pushes: |model, text, towards| occluded(model, text, towards, None) },
    Method {
        name: "[MASK] for each word",
        pushes: |model, text, towards| occluded(model, text, towards, Some("[MASK]")),
    },
    Method {
        name: "[UNK] for each word",
        pushes: |model, text, towards| occluded(model, text, towards, Some("[UNK]")),
    },
    Method { name: "each word alone", pushes: alone },
    Method { name: "first highlights", pushes: |model, text, towards| explained(model, text, towards, false) },
    Method { name: "final highlights", pushes: |model, text, towards| explained(model, text, towards, true) },
];

pub fn run(model: &SentimentModel, sentences: &[&str]) -> Result<(), Failure> {
    let towards = sentences.iter().map(|text| verdict(model, text)).collect::<Result<Vec<_>, _>>()?;
    let asked = || sentences.iter().copied().zip(towards.iter().copied());
    let truth = asked().map(|(text, towards)| occluded(model, text, towards, None)).collect::<Result<Vec<_>, _>>()?;
    println!("{:<24}{:>10}{:>8}{:>12}{:>12}{:>10}", "", "Spearman", "top 3", "3 suffice", "3 matter", "ms");
    for method in METHODS {
        let (mut correlation, mut overlap, mut suffices, mut matters, mut n_texts) = (0.0, 0.0, 0.0, 0.0, 0.0);
        let mut elapsed_ms = Vec::new();
        for ((text, towards), truth) in asked().zip(&truth).filter(|(_, truth)| truth.len() > TOP) {
            let started = Instant::now();
            let pushes = (method.pushes)(model, text, towards)?;
            elapsed_ms.push(started.elapsed().as_secs_f64() * 1e3);
            let top = strongest(&pushes);
            correlation += spearman(&pushes, truth);
            let shared = strongest(truth).iter().filter(|word| top.contains(word)).count();
            overlap += shared as f64 / TOP as f64;
            let (words, ids) = words_of(model, text);
            let kept = top_by(&pushes, |push| push);
            let is_kept = |piece: usize, kept: &[usize]| kept.iter().any(|&word| words[word].contains(&piece));
            let only: Vec<u32> =
                (0..ids.len()).filter(|&piece| is_kept(piece, &kept)).map(|piece| ids[piece]).collect();
            let rest: Vec<u32> =
                (0..ids.len()).filter(|&piece| !is_kept(piece, &kept)).map(|piece| ids[piece]).collect();
            let (ids, only, rest) = (model.framed(&ids), model.framed(&only), model.framed(&rest));
            let sides = model.lean(&[ids.clone(), only.clone()], Towards::Positive)?;
            let shares = model.shares(&[ids.clone(), only])?;
            let lean = model.lean(&[ids, rest], way_of(towards))?;
            // A side is kept where it is still the likelier of the two; three words alone often say too little to be sure.
            let is_kept = match towards {
                Sentiment::Neutral => shares[0].top() == shares[1].top(),
                _ => sides[0].signum() == sides[1].signum(),
            };
            suffices += f64::from(u8::from(is_kept));
            matters += f64::from(lean[0] - lean[1]);
            n_texts += 1.0;
        }
        elapsed_ms.sort_by(f64::total_cmp);
        println!(
            "{:<24}{:>10.3}{:>8.3}{:>12.3}{:>12.3}{:>10.0}",
            method.name,
            correlation / n_texts,
            overlap / n_texts,
            suffices / n_texts,
            matters / n_texts,
            elapsed_ms[elapsed_ms.len() / 2],
        );
    }
    println!(
        "Spearman and top 3: agreement with leaving out each word. 3 suffice: share of texts whose three words that"
    );
    println!(
        "push most towards the verdict keep it when they stand alone. 3 matter: log-odds lost without these three."
    );
    Ok(())
}

/// The way that the whole text is judged to go, also where the verdict would be that it is not clear.
fn verdict(model: &SentimentModel, text: &str) -> Result<Sentiment, Failure> {
    Ok(sentiment_of(model.score(text)?, 0.0))
}

fn way_of(verdict: Sentiment) -> Towards {
    Towards::Way(match verdict {
        Sentiment::Positive => Way::Positive,
        Sentiment::Negative => Way::Negative,
        _ => Way::Neutral,
    })
}

/// Which pieces each word has, and the pieces; words as `Why` counts them.
fn words_of(model: &SentimentModel, text: &str) -> (Vec<std::ops::Range<usize>>, Vec<u32>) {
    let why = Why::new(model, text, Sentiment::Unclear);
    let pieces = model.pieces().pieces_with_offsets(text);
    let words = why.map(|why| why.words()).unwrap_or_default();
    let inside = |word: &std::ops::Range<usize>| {
        let first = pieces.iter().position(|piece| piece.bytes.end > word.start).unwrap_or(pieces.len());
        let after = pieces.iter().rposition(|piece| piece.bytes.start < word.end).map_or(0, |last| last + 1);
        first..after
    };
    (words.iter().map(|word| inside(&word.range)).collect(), pieces.iter().map(|piece| piece.id).collect())
}

fn occluded(
    model: &SentimentModel,
    text: &str,
    towards: Sentiment,
    stand_in: Option<&str>,
) -> Result<Vec<f32>, Failure> {
    let (words, ids) = words_of(model, text);
    let id_of = |name: &str| (0..model.pieces().n_pieces() as u32).find(|&id| model.pieces().piece(id) == Some(name));
    let stand_in = stand_in.map(|name| id_of(name).ok_or("the vocabulary has no stand-in")).transpose()?;
    let mut sequences = vec![model.framed(&ids)];
    for word in &words {
        let middle = vec![stand_in; word.len()].into_iter().flatten();
        let rest: Vec<u32> =
            ids[..word.start].iter().copied().chain(middle).chain(ids[word.end..].iter().copied()).collect();
        sequences.push(model.framed(&rest));
    }
    let log_odds = in_batches(model, &sequences, towards)?;
    Ok(log_odds[1..].iter().map(|without| log_odds[0] - without).collect())
}

fn alone(model: &SentimentModel, text: &str, towards: Sentiment) -> Result<Vec<f32>, Failure> {
    let (words, ids) = words_of(model, text);
    let sequences: Vec<Vec<u32>> = words.iter().map(|word| model.framed(&ids[word.clone()])).collect();
    in_batches(model, &sequences, towards)
}

/// Few sequences at a time: the net's buffers are as large as its largest batch.
fn in_batches(model: &SentimentModel, sequences: &[Vec<u32>], towards: Sentiment) -> Result<Vec<f32>, Failure> {
    let mut log_odds = Vec::new();
    for batch in sequences.chunks(8) {
        log_odds.extend(model.lean(batch, way_of(towards))?);
    }
    Ok(log_odds)
}

fn explained(model: &SentimentModel, text: &str, towards: Sentiment, to_the_end: bool) -> Result<Vec<f32>, Failure> {
    let mut why = Why::new(model, text, towards)?;
    while why.step(model)? && (to_the_end || !why.has_overview()) {}
    Ok(why.words().iter().map(|word| word.push).collect())
}

/// The words with the largest pushes, either way.
fn strongest(pushes: &[f32]) -> Vec<usize> {
    top_by(pushes, |push| push.abs())
}

fn top_by(pushes: &[f32], key: impl Fn(f32) -> f32) -> Vec<usize> {
    let mut order: Vec<usize> = (0..pushes.len()).collect();
    order.sort_by(|&a, &b| key(pushes[b]).total_cmp(&key(pushes[a])));
    order.truncate(TOP);
    order
}

/// The correlation of ranks; words with equal pushes share their mean rank.
fn spearman(a: &[f32], b: &[f32]) -> f64 {
    let ranks = |values: &[f32]| -> Vec<f64> {
        let below = |value: f32| values.iter().filter(|&&other| other < value).count() as f64;
        let equal = |value: f32| values.iter().filter(|&&other| other == value).count() as f64;
        values.iter().map(|&value| below(value) + (equal(value) + 1.0) / 2.0).collect()
    };
    let (a, b) = (ranks(a), ranks(b));
    let mean = (a.len() as f64 + 1.0) / 2.0;
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| (a - mean) * (b - mean)).sum::<f64>();
    let lengths = (dot(&a, &a) * dot(&b, &b)).sqrt();
    if lengths == 0.0 { 0.0 } else { dot(&a, &b) / lengths }
}
