//! `sotto eval`: how well a text model judges a table of labelled sentences, on the packed weights and in the very
//! arithmetic (u7 × i8) that the browser uses.

use std::path::PathBuf;
use std::time::Instant;

use lexopt::prelude::*;
use serde::Serialize;

use super::{Failure, eval_why, models};

const BINS: usize = 15;

#[derive(Debug, Serialize)]
struct Evaluation {
    model: &'static str,
    kernels: &'static str,
    sentences: usize,
    correct: usize,
    accuracy: f64,
    /// Rows: what the label says (negative, positive); columns: what the model says.
    confusion: [[usize; 2]; 2],
    /// Expected calibration error over 15 bins of the winning label's probability.
    ece: f64,
    sentences_per_second: f64,
}

pub fn run(arguments: &mut lexopt::Parser) -> Result<(), Failure> {
    let (mut table, mut model_id, mut json, mut why) = (None, None, false, false);
    while let Some(argument) = arguments.next()? {
        match argument {
            Long("tsv") => table = Some(PathBuf::from(arguments.value()?)),
            Long("model") => model_id = Some(arguments.value()?.string()?),
            Long("json") => json = true,
            Long("why") => why = true,
            other => return Err(other.unexpected().into()),
        }
    }
    let Some(table) = table else { return Err("eval needs --tsv FILE; see sotto --help".into()) };
    let text = std::fs::read_to_string(&table).map_err(|error| format!("{}: {error}", table.display()))?;
    let rows = read_rows(&text).map_err(|problem| format!("{}: {problem}", table.display()))?;
    let packaged = models::packaged("text", model_id.as_deref())?;
    let mut engine = models::engine();
    models::load(&mut engine, packaged)?;
    let sentiment = engine.sentiment()?;
    if why {
        let sentences: Vec<&str> = rows.iter().map(|&(sentence, _)| sentence).collect();
        return eval_why::run(sentiment, &sentences);
    }
    let started = Instant::now();
    let scores = rows.iter().map(|(sentence, _)| sentiment.score(sentence)).collect::<Result<Vec<f32>, _>>()?;
    let seconds = started.elapsed().as_secs_f64();
    let labels: Vec<bool> = rows.iter().map(|&(_, positive)| positive).collect();
    let evaluation = evaluate(packaged.id, &scores, &labels, seconds);
    if json {
        println!("{}", serde_json::to_string(&evaluation)?);
    } else {
        print(&evaluation);
    }
    Ok(())
}

/// Columns `sentence` and `label` (1 is positive) of a table with a heading; further columns are ignored.
fn read_rows(text: &str) -> Result<Vec<(&str, bool)>, String> {
    let mut lines = text.lines();
    let heading: Vec<&str> = lines.next().unwrap_or_default().split('\t').collect();
    let column = |name: &str| {
        heading
            .iter()
            .position(|heading| *heading == name)
            .ok_or_else(|| format!("its first line names no column \"{name}\""))
    };
    let (sentence, label) = (column("sentence")?, column("label")?);
    let row = |(number, line): (usize, &'_ str)| -> Result<(usize, bool), String> {
        let label = line.split('\t').nth(label).unwrap_or_default();
        match label.trim() {
            "0" => Ok((number, false)),
            "1" => Ok((number, true)),
            other => Err(format!("line {number}: the label must be 0 or 1, not \"{other}\"")),
        }
    };
    let rows: Result<Vec<_>, String> = (2..)
        .zip(lines)
        .filter(|(_, line)| !line.trim().is_empty())
        .map(|(number, line)| Ok((line.split('\t').nth(sentence).unwrap_or_default(), row((number, line))?.1)))
        .collect();
    match rows {
        Ok(rows) if rows.is_empty() => Err("it has no sentences".into()),
        rows => rows,
    }
}

fn evaluate(model: &'static str, scores: &[f32], labels: &[bool], seconds: f64) -> Evaluation {
    let mut confusion = [[0; 2]; 2];
    let mut bins = [(0usize, 0f64, 0usize); BINS];
    for (&positive, &label) in scores.iter().zip(labels) {
        let said = positive >= 0.5;
        confusion[usize::from(label)][usize::from(said)] += 1;
        let confidence = f64::from(positive.max(1.0 - positive));
        let bin = &mut bins[((confidence * BINS as f64) as usize).min(BINS - 1)];
        *bin = (bin.0 + 1, bin.1 + confidence, bin.2 + usize::from(said == label));
    }
    let correct = confusion[0][0] + confusion[1][1];
    let gap = |&(_, confidence, correct): &(usize, f64, usize)| (confidence - correct as f64).abs();
    Evaluation {
        model,
        kernels: sotto::kernels::flavour(),
        sentences: labels.len(),
        correct,
        accuracy: correct as f64 / labels.len() as f64,
        confusion,
        ece: bins.iter().map(gap).sum::<f64>() / labels.len() as f64,
        sentences_per_second: labels.len() as f64 / seconds,
    }
}

fn print(evaluation: &Evaluation) {
    let Evaluation { model, kernels, sentences, correct, accuracy, confusion, ece, sentences_per_second } = evaluation;
    println!("{model} ({kernels}): {correct} of {sentences} right, {:.2} %", accuracy * 100.0);
    println!("calibration error (ECE, {BINS} bins): {:.2} %", ece * 100.0);
    println!("labelled negative: {} said negative, {} positive", confusion[0][0], confusion[0][1]);
    println!("labelled positive: {} said negative, {} positive", confusion[1][0], confusion[1][1]);
    println!("{sentences_per_second:.1} sentences a second");
}
