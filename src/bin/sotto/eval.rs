//! `sotto eval`: how well a text model judges a table of labelled sentences, on the packed weights and in the very
//! arithmetic (u7 × i8) that the browser uses.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Instant;

use lexopt::prelude::*;
use serde::Serialize;
use sotto::evaluation::{BINS, Bin, Figures, Row, THREE, figures, read_rows};
use sotto::protocol::Shares;

use super::{Failure, eval_likeness, eval_pictures, eval_verdicts, eval_why, models};

#[derive(Debug, Serialize)]
struct Evaluation {
    model: &'static str,
    kernels: &'static str,
    sentences_per_second: f64,
    #[serde(flatten)]
    all: Figures,
    /// By the table's own column `kind`, where it has one.
    kinds: BTreeMap<String, Figures>,
}

pub fn run(arguments: &mut lexopt::Parser) -> Result<(), Failure> {
    let (mut table, mut model_id, mut json, mut why, mut ways) = (None, None, false, false, None);
    let (mut verdicts, mut list) = (false, false);
    while let Some(argument) = arguments.next()? {
        match argument {
            Long("tsv") => table = Some(PathBuf::from(arguments.value()?)),
            Long("model") => model_id = Some(arguments.value()?.string()?),
            Long("pictures") => return eval_pictures::run(&PathBuf::from(arguments.value()?)),
            Long("likeness") => return eval_likeness::run(&PathBuf::from(arguments.value()?)),
            Long("json") => json = true,
            Long("why") => why = true,
            Long("verdicts") => verdicts = true,
            Long("list") => (verdicts, list) = (true, true),
            Long("ways") => ways = Some(arguments.value()?.parse::<usize>()?),
            other => return Err(other.unexpected().into()),
        }
    }
    let Some(table) = table else { return Err("eval needs --tsv FILE; see sotto --help".into()) };
    let text = std::fs::read_to_string(&table).map_err(|error| format!("{}: {error}", table.display()))?;
    let rows = read_rows(&text).map_err(|problem| format!("{}: {problem}", table.display()))?;
    let n_ways = n_ways(&rows, ways).map_err(|problem| format!("{}: {problem}", table.display()))?;
    let packaged = models::packaged("text", model_id.as_deref())?;
    let mut engine = models::engine();
    models::load(&mut engine, packaged)?;
    let sentiment = engine.sentiment()?;
    if why {
        let sentences: Vec<&str> = rows.iter().map(|row| row.sentence.as_str()).collect();
        return eval_why::run(sentiment, &sentences);
    }
    if verdicts {
        let rows: Vec<(&str, Option<usize>)> = rows.iter().map(|row| (row.sentence.as_str(), row.label)).collect();
        return eval_verdicts::run(sentiment, &rows, n_ways.unwrap_or(THREE.len()), list);
    }
    let Some(n_ways) = n_ways else {
        println!("sentence\tnegative\tneutral\tpositive");
        for Row { sentence, .. } in &rows {
            let Shares { negative, neutral, positive } = sentiment.score(sentence)?;
            println!("{}\t{negative:.4}\t{neutral:.4}\t{positive:.4}", sentence.replace('\n', "\\n"));
        }
        return Ok(());
    };
    let started = Instant::now();
    let scores = rows.iter().map(|row| sentiment.score(&row.sentence)).collect::<Result<Vec<Shares>, _>>()?;
    let seconds = started.elapsed().as_secs_f64();
    let judged: Vec<(Shares, usize, Option<&str>)> =
        rows.iter().zip(scores).filter_map(|(row, shares)| Some((shares, row.label?, row.kind))).collect();
    let of = |wanted: Option<&str>| {
        let chosen = judged.iter().filter(|(_, _, kind)| wanted.is_none() || *kind == wanted);
        let chosen: Vec<(Shares, usize)> = chosen.map(|&(shares, label, _)| (shares, label)).collect();
        figures(&chosen, n_ways)
    };
    let kinds = judged.iter().filter_map(|(_, _, kind)| *kind).map(|kind| (kind.to_owned(), of(Some(kind)))).collect();
    let evaluation = Evaluation {
        model: packaged.id,
        kernels: sotto::kernels::flavour(),
        sentences_per_second: judged.len() as f64 / seconds,
        all: of(None),
        kinds,
    };
    if json {
        println!("{}", serde_json::to_string(&evaluation)?);
    } else {
        print(&evaluation);
    }
    Ok(())
}

/// How many classes the labels tell apart; none where there are no labels. Of two, 1 is positive; of three, 2 is.
fn n_ways(rows: &[Row<'_>], said: Option<usize>) -> Result<Option<usize>, String> {
    let has = |wanted: usize| rows.iter().any(|row| row.label == Some(wanted));
    match said {
        _ if rows.iter().all(|row| row.label.is_none()) => Ok(None),
        Some(2) if has(2) => Err("a label is 2, which --ways 2 has not".into()),
        Some(n @ (2 | 3)) => Ok(Some(n)),
        Some(n) => Err(format!("--ways must be 2 or 3, not {n}")),
        None if has(2) => Ok(Some(3)),
        None if has(0) && has(1) => Ok(Some(2)),
        None => Err(
            "all its labels are the same; say --ways 2 (0 negative, 1 positive) or --ways 3 (0 negative, 1 neutral, \
                     2 positive)"
                .into(),
        ),
    }
}

fn print(evaluation: &Evaluation) {
    let Evaluation { model, kernels, sentences_per_second, all, kinds } = evaluation;
    let Figures { classes, sentences, correct, accuracy, macro_f1, recall, confusion, ece, reliability } = all;
    println!("{model} ({kernels}): {correct} of {sentences} right, {:.2} %", accuracy * 100.0);
    println!("macro-F1 {:.2} %, calibration error (ECE, {BINS} bins) {:.2} %", macro_f1 * 100.0, ece * 100.0);
    for ((class, row), recall) in classes.iter().zip(confusion).zip(recall) {
        let said: Vec<String> = row.iter().zip(classes).map(|(n, class)| format!("{n} {class}")).collect();
        let recall = recall.map_or(String::new(), |recall| format!("; recall {:.2} %", recall * 100.0));
        println!("labelled {class}: said {}{recall}", said.join(", "));
    }
    println!("   share of the verdict   right   verdicts");
    for (index, Bin { n, mean_share, accuracy }) in reliability.iter().enumerate().filter(|(_, bin)| bin.n > 0) {
        let (from, to) = (index as f64 * 100.0 / BINS as f64, (index + 1) as f64 * 100.0 / BINS as f64);
        println!("{from:5.1} to {to:5.1}: {:5.1} % {:7.1} % {n:8}", mean_share * 100.0, accuracy * 100.0);
    }
    for (kind, Figures { sentences, correct, accuracy, ece, .. }) in kinds {
        println!("{kind}: {correct} of {sentences} right, {:.1} %; ECE {:.1} %", accuracy * 100.0, ece * 100.0);
    }
    println!("{sentences_per_second:.1} sentences a second");
}
