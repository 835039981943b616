//! The section on texts: the package's labelled texts, judged as selections are, beside their labels. What a person is told is one
//! thing, what the model's shares say another: the first decides what is useful, the second whether percentages are true.

use std::cell::{Cell, RefCell};

use js_sys::Array;
use wasm_bindgen::JsValue;

use super::super::{ask, format};
use super::diagram;
use super::packaged;
use super::parts::{Part, Proven, Table};
use super::run::{Failure, Run, in_lanes};
use crate::{
    evaluation::{self, BINS, Bin, Figures, Row, THREE, class_of},
    models::{self, Task},
    protocol::{Answer, PageAsk, Reason, Sentiment, Shares},
    web::browser::{chrome, wire},
};

const TABLE: &str = "texts.tsv";
/// Of the section, what the first text may take: the model comes with it.
const FIRST: f64 = 0.1;
/// Behind the classes: verdicts that call nothing clear, and texts that are not judged.
const UNCLEAR: usize = THREE.len();
const REFUSED: usize = UNCLEAR + 1;
const COLUMNS: usize = REFUSED + 1;

/// What became of one text.
#[derive(Debug, Clone)]
enum Outcome {
    Judged {
        sentiment: Sentiment,
        shares: Shares,
        model: String,
    },
    /// Nobody speaks in it, or not in a language that the model reads.
    Refused,
}

impl Outcome {
    fn column(&self) -> usize {
        match self {
            Self::Judged { sentiment, .. } => class_of(*sentiment, THREE.len()).unwrap_or(UNCLEAR),
            Self::Refused => REFUSED,
        }
    }
}

pub async fn prove(run: &Run) -> Result<Proven, Failure> {
    let table = packaged::text(run, TABLE).await?;
    let rows = evaluation::read_rows(&table).map_err(|_| Failure::Said(chrome::message("proofMissing", &[TABLE])))?;
    run.at(0.0, FIRST);
    let first = judged(run, &rows[0]).await?;
    let outcomes = RefCell::new(vec![first; rows.len()]);
    let n_done = Cell::new(1);
    in_lanes(rows.iter().enumerate().skip(1), async |(index, row)| {
        let outcome = judged(run, row).await?;
        outcomes.borrow_mut()[index] = outcome;
        n_done.set(n_done.get() + 1);
        let share = |n: usize| FIRST + (1.0 - FIRST) * n as f64 / rows.len() as f64;
        run.at(share(n_done.get()), share(n_done.get() + 1).min(1.0));
        run.count(&chrome::message("proofOf", &[&count(n_done.get()), &count(rows.len())]));
        Ok(())
    })
    .await?;
    Ok(proven(&rows, &outcomes.into_inner()))
}

async fn judged(run: &Run, row: &Row<'_>) -> Result<Outcome, Failure> {
    match run.ask(PageAsk::Text { text: row.sentence.clone(), measured: true }, &JsValue::UNDEFINED).await? {
        Ok(Answer::Text(verdict)) => {
            Ok(Outcome::Judged { sentiment: verdict.sentiment, shares: verdict.shares, model: verdict.model })
        }
        Ok(_) => Err(ask::unexpected().into()),
        Err(refusal) => match refusal.reason {
            Reason::NothingSelected | Reason::NoWords | Reason::Code | Reason::NotEnglish => Ok(Outcome::Refused),
            _ => Err(refusal.into()),
        },
    }
}

/// Rows: what the label says; columns: what a person is told.
type Told = [[usize; COLUMNS]; THREE.len()];

fn proven(rows: &[Row], outcomes: &[Outcome]) -> Proven {
    let labelled: Vec<(usize, &str, &Outcome)> = rows
        .iter()
        .zip(outcomes)
        .filter_map(|(row, outcome)| Some((row.label?, row.kind.unwrap_or_default(), outcome)))
        .collect();
    let mut told: Told = Told::default();
    let mut shares = Vec::new();
    for (label, _, outcome) in &labelled {
        told[*label][outcome.column()] += 1;
        if let Outcome::Judged { shares: said, .. } = outcome {
            shares.push((*said, *label));
        }
    }
    let model = outcomes.iter().find_map(|outcome| match outcome {
        Outcome::Judged { model, .. } => Some(model.as_str()),
        Outcome::Refused => None,
    });
    let kinds = kinds(&labelled);
    let n_right: usize = (0..THREE.len()).map(|way| told[way][way]).sum();
    let n_refused: usize = told.iter().map(|row| row[REFUSED]).sum();
    let (n_all, n_judged) = (labelled.len(), labelled.len() - n_refused);
    let right = format::fine_percent(n_right as f64 / n_judged.max(1) as f64);
    let mut parts = vec![
        Part::Line(chrome::message("proofTextsRight", &[&count(n_right), &count(n_judged), &right])),
        Part::Quiet(format::counted("proofTextsRefused", n_refused as u64, &[])),
        Part::Table(confusion(&told)),
    ];
    let figures = (!shares.is_empty()).then(|| evaluation::figures(&shares, THREE.len()));
    let packaged = models::packaged(Task::Text);
    let is_packaged = model == Some(packaged.id);
    if let Some(figures) = &figures {
        parts.push(Part::Table(beside_card(figures, is_packaged)));
        let error = format::fine_percent(figures.ece);
        parts.push(Part::Line(chrome::message("proofReliability", &[&error])));
        parts.push(Part::Drawing(diagram::draw(&figures.reliability, &chrome::message("proofReliabilityTitle", &[]))));
        parts.push(Part::Folded(chrome::message("proofAsTable", &[]), reliability(&figures.reliability)));
    }
    parts.push(Part::Folded(chrome::message("proofByKind", &[]), by_kind(&kinds)));
    if !is_packaged {
        parts.push(Part::Quiet(chrome::message("proofOwnModel", &[])));
    }
    parts.push(Part::Quiet(chrome::message("proofTextsSource", &[])));
    let columns = ["negative", "neutral", "positive", "unclear", "refused"];
    let figures = chrome::object(&[
        ("model", model.into()),
        ("texts", (n_all as f64).into()),
        ("judged", (n_judged as f64).into()),
        ("refused", (n_refused as f64).into()),
        ("toldRight", (n_right as f64).into()),
        ("columns", columns.map(JsValue::from).into_iter().collect::<Array>().into()),
        ("told", wire::to_js(&told.map(Vec::from).to_vec())),
        ("byShares", figures.as_ref().map_or(JsValue::NULL, wire::to_js)),
        ("kinds", kinds_file(&kinds)),
    ]);
    Proven { parts, figures }
}

/// How often a person is told what is right, by the kind of text.
struct Kind<'a> {
    name: &'a str,
    n_texts: usize,
    n_right: usize,
    n_refused: usize,
}

/// In the table's order.
fn kinds<'a>(labelled: &[(usize, &'a str, &Outcome)]) -> Vec<Kind<'a>> {
    let mut kinds: Vec<Kind> = Vec::new();
    for &(label, name, outcome) in labelled {
        let index = kinds.iter().position(|kind| kind.name == name).unwrap_or_else(|| {
            kinds.push(Kind { name, n_texts: 0, n_right: 0, n_refused: 0 });
            kinds.len() - 1
        });
        kinds[index].n_texts += 1;
        kinds[index].n_right += usize::from(outcome.column() == label);
        kinds[index].n_refused += usize::from(outcome.column() == REFUSED);
    }
    kinds
}

fn kinds_file(kinds: &[Kind]) -> JsValue {
    let of_kind = |kind: &Kind| {
        chrome::object(&[
            ("kind", kind.name.into()),
            ("texts", (kind.n_texts as f64).into()),
            ("right", (kind.n_right as f64).into()),
            ("refused", (kind.n_refused as f64).into()),
        ])
    };
    kinds.iter().map(of_kind).collect::<Array>().into()
}

fn class_words() -> [String; THREE.len()] {
    THREE.map(|class| chrome::message(class, &[]))
}

fn confusion(told: &Told) -> Table {
    let classes = class_words();
    let mut head = vec![chrome::message("proofLabel", &[])];
    head.extend(classes.iter().cloned());
    head.extend(["proofUnclear", "proofNotJudged"].map(|key| chrome::message(key, &[])));
    let mut table = Table::new(chrome::message("proofConfusion", &[]), head);
    for (class, row) in classes.into_iter().zip(told) {
        table.row([vec![class], row.iter().map(|&n| count(n)).collect()].concat());
    }
    table
}

/// The model's own figures; those that its card states only where it is the package's.
fn beside_card(figures: &Figures, is_packaged: bool) -> Table {
    let stated = models::stated(Task::Text);
    let none = chrome::message("none", &[]);
    let head = ["proofByShares", "proofHere", "proofCard"].map(|key| chrome::message(key, &[]));
    let mut table = Table::new(chrome::message("proofBesideCard", &[]), head.to_vec());
    for (key, here, card) in [
        ("proofAccuracy", figures.accuracy, stated.accuracy),
        ("proofMacroF1", figures.macro_f1, stated.macro_f1),
        ("proofCalibration", figures.ece, stated.calibration_error),
    ] {
        let card = card.filter(|_| is_packaged).map_or_else(|| none.clone(), format::fine_percent);
        table.row(vec![chrome::message(key, &[]), format::fine_percent(here), card]);
    }
    table
}

fn reliability(bins: &[Bin]) -> Table {
    let head = ["proofSure", "proofVerdicts", "proofMeanShare", "proofRight"].map(|key| chrome::message(key, &[]));
    let mut table = Table::new(chrome::message("proofReliabilityTitle", &[]), head.to_vec());
    for (index, bin) in bins.iter().enumerate().filter(|(_, bin)| bin.n > 0) {
        let border = |index: usize| format::fine_percent(index as f64 / BINS as f64);
        let from_to = chrome::message("proofFromTo", &[&border(index), &border(index + 1)]);
        table.row(vec![
            from_to,
            count(bin.n),
            format::fine_percent(bin.mean_share),
            format::fine_percent(bin.accuracy),
        ]);
    }
    table
}

fn by_kind(kinds: &[Kind]) -> Table {
    let head = ["proofKind", "proofTexts", "proofRight", "proofNotJudged"].map(|key| chrome::message(key, &[]));
    let mut table = Table::new(chrome::message("proofByKind", &[]), head.to_vec());
    for Kind { name, n_texts, n_right, n_refused } in kinds {
        let words = chrome::message_or_none(&format!("proofKind_{name}"), &[]);
        let right = format::fine_percent(*n_right as f64 / (n_texts - n_refused).max(1) as f64);
        let right = if n_texts == n_refused { chrome::message("none", &[]) } else { right };
        table.row(vec![words.unwrap_or_else(|| (*name).to_owned()), count(*n_texts), right, count(*n_refused)]);
    }
    table
}

fn count(n: usize) -> String {
    format::count(n as u64)
}
