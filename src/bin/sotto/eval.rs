//! `sotto eval`: how well a text model judges a table of labelled sentences, on the packed weights and in the very
//! arithmetic (u7 × i8) that the browser uses.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Instant;

use lexopt::prelude::*;
use serde::Serialize;
use sotto::protocol::Shares;

use super::{Failure, eval_pictures, eval_verdicts, eval_why, models};

const BINS: usize = 15;
const TWO: [&str; 2] = ["negative", "positive"];
const THREE: [&str; 3] = ["negative", "neutral", "positive"];

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

/// What came of some rows. Of two classes, what is called neutral counts for the side that is likelier.
#[derive(Debug, Serialize)]
struct Figures {
    classes: Vec<&'static str>,
    sentences: usize,
    correct: usize,
    accuracy: f64,
    /// The mean over the classes that the table has.
    macro_f1: f64,
    /// Of each class; none where the table has none of it.
    recall: Vec<Option<f64>>,
    /// Rows: what the label says; columns: what the model says.
    confusion: Vec<Vec<usize>>,
    /// Expected calibration error over 15 bins of the winning class's share.
    ece: f64,
    reliability: Vec<Bin>,
}

/// Verdicts whose share lies between two borders.
#[derive(Debug, Clone, Copy, Default, Serialize)]
struct Bin {
    n: usize,
    mean_share: f64,
    accuracy: f64,
}

/// A row of the table: its text, and what the label and the column `kind` say where the table has them.
#[derive(Debug, PartialEq)]
struct Row<'a> {
    sentence: String,
    label: Option<usize>,
    kind: Option<&'a str>,
}

pub fn run(arguments: &mut lexopt::Parser) -> Result<(), Failure> {
    let (mut table, mut model_id, mut json, mut why, mut ways) = (None, None, false, false, None);
    let (mut verdicts, mut list) = (false, false);
    while let Some(argument) = arguments.next()? {
        match argument {
            Long("tsv") => table = Some(PathBuf::from(arguments.value()?)),
            Long("model") => model_id = Some(arguments.value()?.string()?),
            Long("pictures") => return eval_pictures::run(&PathBuf::from(arguments.value()?)),
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

/// Columns `sentence`, and where there are such, `label` and `kind`, of a table with a heading; further columns are
/// ignored. A line break inside a text is written \n.
fn read_rows(text: &str) -> Result<Vec<Row<'_>>, String> {
    let mut lines = text.lines();
    let heading: Vec<&str> = lines.next().unwrap_or_default().split('\t').collect();
    let column = |name: &str| heading.iter().position(|heading| *heading == name);
    let sentence = column("sentence").ok_or("its first line names no column \"sentence\"")?;
    let (label, kind) = (column("label"), column("kind"));
    let read = |(number, line): (usize, &'_ str)| -> Result<Option<usize>, String> {
        let Some(label) = label else { return Ok(None) };
        match line.split('\t').nth(label).unwrap_or_default().trim() {
            "0" => Ok(Some(0)),
            "1" => Ok(Some(1)),
            "2" => Ok(Some(2)),
            other => Err(format!("line {number}: the label must be 0, 1 or 2, not \"{other}\"")),
        }
    };
    let rows: Result<Vec<Row>, String> = (2..)
        .zip(lines)
        .filter(|(_, line)| !line.trim().is_empty())
        .map(|(number, line)| {
            let field = |column: usize| line.split('\t').nth(column).unwrap_or_default();
            let sentence = field(sentence).replace("\\n", "\n");
            Ok(Row { sentence, label: read((number, line))?, kind: kind.map(field) })
        })
        .collect();
    match rows {
        Ok(rows) if rows.is_empty() => Err("it has no sentences".into()),
        rows => rows,
    }
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

fn figures(judged: &[(Shares, usize)], n_ways: usize) -> Figures {
    let mut confusion = vec![vec![0; n_ways]; n_ways];
    let mut bins = [(0usize, 0f64, 0usize); BINS];
    for &(Shares { negative, neutral, positive }, label) in judged {
        let shares = match n_ways {
            2 => vec![negative / (negative + positive), positive / (negative + positive)],
            _ => vec![negative, neutral, positive],
        };
        let said = (0..n_ways).fold(0, |best, way| if shares[way] > shares[best] { way } else { best });
        confusion[label][said] += 1;
        let share = f64::from(shares[said]);
        let bin = &mut bins[((share * BINS as f64) as usize).min(BINS - 1)];
        *bin = (bin.0 + 1, bin.1 + share, bin.2 + usize::from(said == label));
    }
    let n_labelled = |way: usize| confusion[way].iter().sum::<usize>();
    let f1 = |way: usize| {
        let n_said: usize = confusion.iter().map(|row| row[way]).sum();
        2.0 * confusion[way][way] as f64 / (n_labelled(way) + n_said).max(1) as f64
    };
    let present: Vec<usize> = (0..n_ways).filter(|&way| n_labelled(way) > 0).collect();
    let correct = (0..n_ways).map(|way| confusion[way][way]).sum::<usize>();
    let gap = |&(_, share, correct): &(usize, f64, usize)| (share - correct as f64).abs();
    let recall = |way: usize| (n_labelled(way) > 0).then(|| confusion[way][way] as f64 / n_labelled(way) as f64);
    let bin = |&(n, share, correct): &(usize, f64, usize)| match n {
        0 => Bin::default(),
        n => Bin { n, mean_share: share / n as f64, accuracy: correct as f64 / n as f64 },
    };
    Figures {
        classes: if n_ways == 2 { TWO.to_vec() } else { THREE.to_vec() },
        sentences: judged.len(),
        correct,
        accuracy: correct as f64 / judged.len() as f64,
        macro_f1: present.iter().map(|&way| f1(way)).sum::<f64>() / present.len() as f64,
        recall: (0..n_ways).map(recall).collect(),
        ece: bins.iter().map(gap).sum::<f64>() / judged.len() as f64,
        reliability: bins.iter().map(bin).collect(),
        confusion,
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
