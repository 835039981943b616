//! The page "How good is it?": measures Sotto on the person's own computer, one section after the other, and shows and saves what
//! came of it. A section that can't be measured says why in one sentence, and the next one has its turn. What is judged is judged by
//! the background, as anything else is; nothing is kept, and nothing is sent.

mod beside;
mod diagram;
mod graphics;
mod machine;
mod needs;
mod packaged;
mod parts;
mod pictures;
mod prover;
mod report;
mod run;
mod silence;
mod speed;
mod texts;

use std::{cell::RefCell, rc::Rc};

use wasm_bindgen::prelude::*;

use super::dom;
use crate::web::browser::chrome;
use beside::Beside;
use machine::Machine;
use parts::Proven;
use report::Report;
use run::{Failure, Run};
use speed::Start;

/// The sections in their order, each with its part of the bar: about what it takes on two cores.
const SECTIONS: [(&str, f64); 6] =
    [("texts", 0.3), ("pictures", 0.12), ("speed", 0.42), ("needs", 0.02), ("graphics", 0.1), ("silence", 0.04)];

/// What the page has at the moment.
#[derive(Default)]
struct Page {
    run: Option<Rc<Run>>,
    report: Option<Report>,
}

type Shared = Rc<RefCell<Page>>;

#[wasm_bindgen]
pub async fn proof() {
    let page = Shared::default();
    let on_press = |id: &str, pressed: fn(&Shared)| {
        let Some(button) = dom::by_id(id) else { return };
        let page = Rc::clone(&page);
        dom::on_press(&button, move || {
            pressed(&page);
            async {}
        });
    };
    on_press("proof-start", start);
    on_press("proof-stop", |page| {
        if let Some(run) = &page.borrow().run {
            run.stop();
        }
    });
    on_press("proof-save-json", |page| {
        if let Some(report) = &page.borrow().report {
            report.save_json();
        }
    });
    on_press("proof-save-text", |page| {
        if let Some(report) = &page.borrow().report {
            report.save_text();
        }
    });
}

/// Begins a run, where none is under way.
fn start(page: &Shared) {
    if page.borrow().run.is_some() {
        return;
    }
    let run = Rc::new(Run::new());
    page.borrow_mut().run = Some(Rc::clone(&run));
    for (name, _) in SECTIONS {
        show(name, &[]);
    }
    dom::show("proof-save", false);
    dom::working("proof", true);
    let (page, ticking) = (Rc::clone(page), Rc::clone(&run));
    wasm_bindgen_futures::spawn_local(async move { ticking.tick().await });
    wasm_bindgen_futures::spawn_local(async move {
        let report = all_sections(&run).await;
        run.end();
        let words = if report.is_complete { "proofDone" } else { "proofStopped" };
        *page.borrow_mut() = Page { run: None, report: Some(report) };
        dom::working("proof", false);
        run.count("");
        dom::show("proof-save", true);
        dom::say("proof-said", &chrome::message(words, &[]));
    });
}

async fn all_sections(run: &Run) -> Report {
    let _beside = Beside::hold();
    let machine = Machine::here();
    let n_cores = machine.n_cores;
    let mut report = Report::new(machine);
    let mut begun: Option<Start> = None;
    let mut from = 0.0;
    for (name, width) in SECTIONS {
        run.section(from, width);
        from += width;
        dom::say("proof-said", &chrome::message("proofNow", &[&report::title_of(name)]));
        let outcome = match name {
            _ if run.is_stopped() => Err(Failure::Stopped),
            "texts" => texts::prove(run).await,
            "pictures" => pictures::prove(run).await,
            "speed" => speed::prove(run, n_cores).await.map(|(proven, means, start)| {
                report.means = Some(means);
                begun = Some(start);
                proven
            }),
            "needs" => needs::prove(run, begun).await,
            "graphics" => graphics::prove(run).await,
            _ => silence::prove(run).await,
        };
        let (parts, figures) = match outcome {
            Ok(Proven { parts, figures }) => (parts, figures),
            Err(failure) => report::instead(failure),
        };
        show(name, &parts);
        report.add(name, parts, figures);
    }
    report.is_complete = !run.is_stopped();
    report
}

fn show(section: &str, parts: &[parts::Part]) {
    let place = dom::by_id(&format!("proof-{section}")).and_then(|section| dom::part(&section, "result"));
    if let Some(place) = place {
        parts::draw(&place, parts);
    }
}
