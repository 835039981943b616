//! The section on pictures: the package's benign ones, judged as a picture is that the person tries in the settings, each warning a
//! false alarm. By what the person has set, and by the presets.

use std::cell::{Cell, RefCell};

use js_sys::Array;
use wasm_bindgen::JsValue;

use super::super::{ask, format};
use super::packaged;
use super::parts::{Part, Proven, Table};
use super::run::{Failure, Run, in_lanes};
use crate::{
    models::{self, Task},
    protocol::{Answer, Caution, PageAsk, PictureVerdict, Strictness},
    tasks::alarm::{Alarm, caution_of},
    web::browser::{chrome, wire},
};

const TABLE: &str = "pictures.tsv";
/// What protected sites have besides what the person set, by the message that names each.
const PRESETS: [(&str, Strictness); 4] = [
    ("strictnessRelaxed", Strictness::Relaxed),
    ("strictnessUsual", Strictness::Usual),
    ("strictnessCareful", Strictness::Careful),
    ("strictnessStrict", Strictness::Strict),
];
/// The preset of whoever has set nothing.
const USUAL: usize = 1;

/// A line of the table.
struct Picture<'a> {
    file: &'a str,
    group: &'a str,
    source: &'a str,
    licence: &'a str,
}

/// Whether each would have warned.
struct Alarms {
    own: bool,
    presets: [bool; PRESETS.len()],
}

pub async fn prove(run: &Run) -> Result<Proven, Failure> {
    let table = packaged::text(run, TABLE).await?;
    let pictures = read(&table).ok_or_else(|| Failure::Said(chrome::message("proofMissing", &[TABLE])))?;
    let verdicts: RefCell<Vec<Option<PictureVerdict>>> = RefCell::new(vec![None; pictures.len()]);
    let n_done = Cell::new(0);
    in_lanes(pictures.iter().enumerate(), async |(index, picture)| {
        let file = packaged::file(run, &format!("pictures/{}", picture.file)).await?;
        let verdict = judged(run, &file).await?;
        verdicts.borrow_mut()[index] = verdict;
        n_done.set(n_done.get() + 1);
        let share = |n: usize| n as f64 / pictures.len() as f64;
        run.at(share(n_done.get()), share(n_done.get() + 1).min(1.0));
        run.count(&chrome::message("proofOf", &[&count(n_done.get()), &count(pictures.len())]));
        Ok(())
    })
    .await?;
    Ok(proven(&pictures, &verdicts.into_inner()))
}

/// Columns file, group, source and licence of a table with a heading; none without the first two, or without a picture.
fn read(table: &str) -> Option<Vec<Picture<'_>>> {
    let mut lines = table.lines();
    let heading: Vec<&str> = lines.next()?.split('\t').collect();
    let column = |name: &str| heading.iter().position(|heading| *heading == name);
    let (file, group) = (column("file")?, column("group")?);
    let (source, licence) = (column("source"), column("licence"));
    let pictures = lines.filter(|line| !line.trim().is_empty()).map(|line| {
        let cell = |column: usize| line.split('\t').nth(column).unwrap_or_default();
        let said = |column: Option<usize>| column.map(cell).unwrap_or_default();
        Picture { file: cell(file), group: cell(group), source: said(source), licence: said(licence) }
    });
    Some(pictures.collect()).filter(|pictures: &Vec<_>| !pictures.is_empty())
}

/// None where the browser can't read it.
async fn judged(run: &Run, picture: &JsValue) -> Result<Option<PictureVerdict>, Failure> {
    match run.ask(PageAsk::Picture { measured: true }, picture).await? {
        Ok(Answer::Picture(verdict)) => Ok(Some(verdict)),
        Ok(_) => Err(ask::unexpected().into()),
        Err(refusal) if refusal.reason.is_unreadable() => Ok(None),
        Err(refusal) => Err(refusal.into()),
    }
}

fn alarms(verdict: &PictureVerdict) -> Alarms {
    let is_raised = |(_, strictness): (&str, Strictness)| {
        let caution = caution_of(strictness, Caution::default());
        caution.is_some_and(|caution| Alarm::of_verdict(verdict, &caution).is_raised())
    };
    Alarms { own: verdict.unsuitable, presets: PRESETS.map(is_raised) }
}

/// So many pictures, and of them the alarms of what the person set and of each preset.
#[derive(Clone, Copy, Default)]
struct Counts {
    n_judged: usize,
    n_own: usize,
    n_presets: [usize; PRESETS.len()],
}

impl Counts {
    fn add(&mut self, alarms: &Alarms) {
        self.n_judged += 1;
        self.n_own += usize::from(alarms.own);
        for (n, is_raised) in self.n_presets.iter_mut().zip(alarms.presets) {
            *n += usize::from(is_raised);
        }
    }

    fn cells(&self) -> Vec<String> {
        let presets = self.n_presets.iter().copied();
        [self.n_judged, self.n_own].into_iter().chain(presets).map(count).collect()
    }

    fn file(&self, group: &str) -> JsValue {
        let presets = PRESETS.iter().zip(self.n_presets).map(|((_, strictness), n)| {
            (wire::to_js(strictness).as_string().unwrap_or_default(), JsValue::from(n as f64))
        });
        let presets: Vec<(String, JsValue)> = presets.collect();
        let presets: Vec<(&str, JsValue)> = presets.iter().map(|(name, n)| (name.as_str(), n.clone())).collect();
        chrome::object(&[
            ("group", group.into()),
            ("pictures", (self.n_judged as f64).into()),
            ("alarms", (self.n_own as f64).into()),
            ("alarmsByPreset", chrome::object(&presets)),
        ])
    }
}

fn proven(pictures: &[Picture], verdicts: &[Option<PictureVerdict>]) -> Proven {
    let mut all = Counts::default();
    let mut groups: Vec<(&str, Counts)> = Vec::new();
    let (mut raised, raised_file) = (Vec::new(), Array::new());
    let mut times_ms = Vec::new();
    for (picture, verdict) in pictures.iter().zip(verdicts) {
        let Some(verdict) = verdict else { continue };
        let alarms = alarms(verdict);
        all.add(&alarms);
        let index = groups.iter().position(|(name, _)| *name == picture.group).unwrap_or_else(|| {
            groups.push((picture.group, Counts::default()));
            groups.len() - 1
        });
        groups[index].1.add(&alarms);
        times_ms.push(verdict.elapsed_ms);
        if alarms.own || alarms.presets[USUAL] {
            raised.push(Part::Picture { file: picture.file.to_owned(), words: words(verdict) });
            raised_file.push(&chrome::object(&[("file", picture.file.into()), ("verdict", wire::to_js(verdict))]));
        }
    }
    let n_unread = verdicts.len() - all.n_judged;
    times_ms.sort_by(f64::total_cmp);
    let median_ms = times_ms.get(times_ms.len() / 2).copied();
    let share = |n: usize| format::fine_percent(n as f64 / all.n_judged.max(1) as f64);
    let own = [count(all.n_own), count(all.n_judged), share(all.n_own)];
    let mut parts = vec![Part::Line(chrome::message("proofAlarms", &own.each_ref().map(String::as_str)))];
    let stated = models::stated(Task::Picture);
    if let (Some(usual), Some(careful)) = (stated.false_alarms, stated.careful_false_alarms) {
        let here = [USUAL, USUAL + 1].map(|preset| share(all.n_presets[preset]));
        let card = [usual, careful].map(format::fine_percent);
        parts.push(Part::Line(chrome::message("proofAlarmsCard", &[&here[0], &card[0], &here[1], &card[1]])));
    }
    if n_unread > 0 {
        parts.push(Part::Quiet(format::counted("proofUnread", n_unread as u64, &[])));
    }
    let mut head = ["proofGroup", "proofPictures", "proofAsSet"].map(|key| chrome::message(key, &[])).to_vec();
    head.extend(PRESETS.map(|(key, _)| chrome::message(key, &[])));
    let mut table = Table::new(chrome::message("proofAlarmsByGroup", &[]), head);
    for (name, counts) in &groups {
        table.row([vec![group_words(name)], counts.cells()].concat());
    }
    table.row([vec![chrome::message("proofAll", &[])], all.cells()].concat());
    parts.push(Part::Table(table));
    parts.append(&mut raised);
    parts.push(Part::Folded(chrome::message("proofPicturesSource", &[]), sources(pictures)));
    let figures = chrome::object(&[
        ("all", all.file("all")),
        ("groups", groups.iter().map(|(name, counts)| counts.file(name)).collect::<Array>().into()),
        ("unread", (n_unread as f64).into()),
        ("raised", raised_file.into()),
        ("medianMs", median_ms.into()),
    ]);
    Proven { parts, figures }
}

/// What it looks like to both nets.
fn words(verdict: &PictureVerdict) -> String {
    let class = |index: &usize| {
        let class = &verdict.classes[*index];
        let name = chrome::message(&format!("class{}", class.name), &[]);
        format!("{name} {}", format::percent(f64::from(class.probability)))
    };
    let second = verdict.second.share;
    let second = format!("{} {}", chrome::message("classOpenNsfw", &[]), format::percent(f64::from(second)));
    let over = if verdict.over.is_empty() { vec![verdict.top] } else { verdict.over.clone() };
    over.iter().map(class).chain([second]).collect::<Vec<_>>().join(", ")
}

/// A group in the person's language, where it has a name there.
fn group_words(name: &str) -> String {
    let key = format!("proofGroup_{}", name.replace('-', "_"));
    chrome::message_or_none(&key, &[]).unwrap_or_else(|| name.to_owned())
}

fn sources(pictures: &[Picture]) -> Table {
    let head = ["proofFile", "proofSource", "proofLicence"].map(|key| chrome::message(key, &[]));
    let mut table = Table::new(chrome::message("proofPicturesSource", &[]), head.to_vec());
    for picture in pictures {
        table.row([picture.file, picture.source, picture.licence].map(str::to_owned).to_vec());
    }
    table
}

fn count(n: usize) -> String {
    format::count(n as u64)
}
