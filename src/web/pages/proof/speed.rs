//! The section on speed: the engine in workers of this page, in each flavour that the browser runs: one by itself, timed at several
//! lengths of text and at a picture, and then several side by side, as helpers are.

use js_sys::Array;
use wasm_bindgen::JsValue;

use super::super::format;
use super::parts::{Part, Proven, Table};
use super::prover::{self, Prover};
use super::run::{Failure, Run};
use crate::{
    protocol::{EngineFlavour, FromProver, ToProver},
    web::browser::{chrome, time, wire},
};

const FLAVOURS: [EngineFlavour; 2] = [EngineFlavour::Relaxed, EngineFlavour::Simd128];
/// As many as there are ever helpers.
const THREADS_MAX: usize = 4;
/// What several read side by side: about a paragraph, many times.
const N_TOKENS: u32 = 128;
const DURING_MS: f64 = 1_500.0;
/// Pieces of work of one engine alone, as the bar counts them: its start, four lengths and a picture.
const N_ALONE: usize = 6;

/// What the first engine took from nothing, for the section on what all takes.
#[derive(Clone, Copy)]
pub struct Start {
    pub elapsed_ms: f64,
    pub memory_bytes: u64,
}

/// One flavour's figures.
struct Measured {
    flavour: EngineFlavour,
    means: String,
    start: Start,
    /// By the number of tokens.
    texts_ms: Vec<(u32, f64)>,
    picture_ms: f64,
    picture_load_ms: f64,
    /// Texts in a second, of one engine, of two, and so on.
    texts_per_second: Vec<f64>,
    /// Why there are no more of these.
    stopped_by: Option<String>,
}

/// The figures, how the best flavour multiplies, and its start.
pub async fn prove(run: &Run, n_cores: usize) -> Result<(Proven, String, Start), Failure> {
    let n_threads = n_cores.clamp(1, THREADS_MAX);
    let mut all = Vec::new();
    let mut problems = Vec::new();
    for (index, flavour) in FLAVOURS.into_iter().enumerate() {
        match measure(run, flavour, n_threads, index).await {
            Ok(measured) => all.extend(measured),
            Err(Failure::Stopped) => return Err(Failure::Stopped),
            Err(Failure::Said(words)) => problems.push(words),
        }
    }
    let Some(best) = all.first() else {
        let nothing = || chrome::message("measureFailed", &[""]);
        return Err(Failure::Said(problems.into_iter().next().unwrap_or_else(nothing)));
    };
    let (means, start) = (best.means.clone(), best.start);
    Ok((proven(&all, problems, n_threads), means, start))
}

/// None where the browser can't run the flavour.
async fn measure(
    run: &Run,
    flavour: EngineFlavour,
    n_threads: usize,
    index: usize,
) -> Result<Option<Measured>, Failure> {
    let n_steps = FLAVOURS.len() * (N_ALONE + 2 * n_threads);
    let mut n_done = index * (N_ALONE + 2 * n_threads);
    let mut next = || {
        n_done += 1;
        run.at((n_done - 1) as f64 / n_steps as f64, n_done as f64 / n_steps as f64);
    };
    next();
    let started_ms = time::now_ms();
    let prover = Prover::start(flavour)?;
    let Some(begun) = prover.begun(run).await? else { return Ok(None) };
    let start = Start { elapsed_ms: time::now_ms() - started_ms, memory_bytes: begun.memory_bytes };
    run.count(&begun.means);
    next();
    prover.tell(&ToProver::Measure)?;
    let mut texts_ms = Vec::new();
    let (picture_ms, picture_load_ms) = loop {
        match prover.next(run).await? {
            FromProver::Read { n_tokens, median_ms } => texts_ms.push((n_tokens, median_ms)),
            FromProver::Looked { median_ms, load_ms } => break (median_ms, load_ms),
            _ => return Err(prover::unexpected()),
        }
        next();
    };
    let mut measured = Measured {
        flavour,
        means: begun.means,
        start,
        texts_ms,
        picture_ms,
        picture_load_ms,
        texts_per_second: Vec::new(),
        stopped_by: None,
    };
    let mut provers = vec![prover];
    for n in 1..=n_threads {
        let words = [measured.means.as_str(), &format::counted("threads", n as u64, &[])].join(", ");
        run.count(&words);
        next();
        match side_by_side(run, flavour, &mut provers, n, &mut next).await {
            Ok(texts_per_second) => measured.texts_per_second.push(texts_per_second),
            Err(Failure::Stopped) => return Err(Failure::Stopped),
            // A computer that lacks memory for one more has its figures of those before.
            Err(Failure::Said(words)) => {
                measured.stopped_by = Some(words);
                break;
            }
        }
    }
    Ok(Some(measured))
}

/// How many texts so many engines read in a second; those that are missing are started.
async fn side_by_side(
    run: &Run,
    flavour: EngineFlavour,
    provers: &mut Vec<Prover>,
    n: usize,
    next: &mut impl FnMut(),
) -> Result<f64, Failure> {
    while provers.len() < n {
        let prover = Prover::start(flavour)?;
        prover.begun(run).await?.ok_or_else(prover::unexpected)?;
        provers.push(prover);
    }
    next();
    for prover in &*provers {
        prover.tell(&ToProver::Repeat { n_tokens: N_TOKENS, during_ms: DURING_MS })?;
    }
    let mut texts_per_second = 0.0;
    for prover in &*provers {
        match prover.next(run).await? {
            FromProver::Repeated { n_texts, elapsed_ms } => {
                texts_per_second += 1_000.0 * f64::from(n_texts) / elapsed_ms.max(1.0);
            }
            _ => return Err(prover::unexpected()),
        }
    }
    Ok(texts_per_second)
}

fn proven(all: &[Measured], problems: Vec<String>, n_threads: usize) -> Proven {
    let with_means = |title: String| {
        let means = all.iter().map(|measured| measured.means.clone());
        [title].into_iter().chain(means).collect::<Vec<String>>()
    };
    let head = with_means(chrome::message("proofLength", &[]));
    let mut alone = Table::new(chrome::message("proofAlone", &[]), head);
    let lengths = all.first().map(|measured| measured.texts_ms.as_slice()).unwrap_or_default();
    for (index, (n_tokens, _)) in lengths.iter().enumerate() {
        let cells = all.iter().map(|measured| format::milliseconds(measured.texts_ms[index].1));
        let name = chrome::message("proofTokens", &[&format::count(u64::from(*n_tokens))]);
        alone.row([name].into_iter().chain(cells).collect());
    }
    let pictures = all.iter().map(|measured| format::milliseconds(measured.picture_ms));
    alone.row([chrome::message("proofOnePicture", &[])].into_iter().chain(pictures).collect());
    let head = with_means(chrome::message("proofSideBySide", &[]));
    let caption = chrome::message("proofThroughput", &[&format::count(u64::from(N_TOKENS))]);
    let mut together = Table::new(caption, head);
    let none = chrome::message("none", &[]);
    for n in 1..=n_threads {
        let cells = all.iter().map(|measured| {
            measured.texts_per_second.get(n - 1).map_or_else(|| none.clone(), |figure| format::tenths(*figure))
        });
        together.row([format::counted("threads", n as u64, &[])].into_iter().chain(cells).collect());
    }
    let mut parts = vec![Part::Table(alone), Part::Table(together)];
    let stopped_by = all.iter().filter_map(|measured| measured.stopped_by.clone());
    parts.extend(problems.into_iter().chain(stopped_by).map(Part::Line));
    if all.iter().all(|measured| measured.flavour != EngineFlavour::Relaxed) {
        parts.push(Part::Quiet(chrome::message("proofNoRelaxed", &[])));
    }
    parts.push(Part::Quiet(chrome::message("proofNoCardSpeed", &[])));
    let flavours: Array = all.iter().map(file).collect();
    Proven { parts, figures: chrome::object(&[("flavours", flavours.into())]) }
}

fn file(measured: &Measured) -> JsValue {
    let texts = measured.texts_ms.iter().map(|(n_tokens, median_ms)| {
        chrome::object(&[("tokens", f64::from(*n_tokens).into()), ("medianMs", (*median_ms).into())])
    });
    let together = measured.texts_per_second.iter().enumerate().map(|(index, texts_per_second)| {
        chrome::object(&[("threads", ((index + 1) as f64).into()), ("textsPerSecond", (*texts_per_second).into())])
    });
    chrome::object(&[
        ("flavour", wire::to_js(&measured.flavour)),
        ("means", measured.means.as_str().into()),
        ("startMs", measured.start.elapsed_ms.into()),
        ("memoryBytes", (measured.start.memory_bytes as f64).into()),
        ("texts", texts.collect::<Array>().into()),
        ("pictureMedianMs", measured.picture_ms.into()),
        ("pictureModelLoadMs", measured.picture_load_ms.into()),
        ("tokensSideBySide", f64::from(N_TOKENS).into()),
        ("sideBySide", together.collect::<Array>().into()),
        ("problem", measured.stopped_by.clone().into()),
    ])
}
