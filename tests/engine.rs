//! The engine's queue, its registry and its budget, with a clock that stands still, tiny models that are made here, and
//! this test in the place of the browser: it does what the engine's steps ask for.
#![cfg(feature = "cli")]

// The maker of checkpoints serves tests/pack too, which uses more of it.
#[allow(dead_code)]
#[path = "pack/checkpoint.rs"]
mod checkpoint;

use checkpoint::{Checkpoint, pack};
use sotto::engine::{Asker, Engine, EngineError, JobId, Known, Loan, Order, PixelSource, Step, Verdict, Work};
use sotto::models::Task;
use sotto::models::{MODELS, Packaged, packaged};
use sotto::protocol::{Caution, ModelState, Reason, Refusal, Urgency};

/// Words of the tiny vocabulary: a word piece each.
const SHORT: &str = "piece5 piece6 piece7";
const MEGABYTE: u64 = 1_000_000;

/// The browser's part: it has the packed bytes, and remembers what it was asked for.
struct Stage {
    engine: Engine,
    packed: Vec<u8>,
    picture_packed: Vec<u8>,
    loads: Vec<String>,
    n_served: usize,
    done: Vec<(JobId, Result<Verdict, Reason>)>,
    n_parts: usize,
    n_reclaimed: usize,
}

impl Stage {
    fn new() -> Self {
        let packed = pack(&Checkpoint::tiny().files()).unwrap();
        let nsfw = MODELS.iter().find(|model| model.id == "nsfw").unwrap();
        let picture_packed = std::fs::read(format!("{}/models/{}", env!("CARGO_MANIFEST_DIR"), nsfw.file)).unwrap();
        let text = known_text(&packed);
        let picture = Known { id: "picture".to_owned(), memory_bytes: 50 * MEGABYTE, ..Known::from(nsfw) };
        let engine = Engine::with_models(|| 0.0, [text, picture]);
        Self { engine, packed, picture_packed, loads: vec![], n_served: 0, done: vec![], n_parts: 0, n_reclaimed: 0 }
    }

    fn submit(&mut self, request: &str, asker: Asker, urgency: Urgency, work: Work) -> JobId {
        self.engine.submit(Order { asker, request: request.to_owned(), urgency }, work)
    }

    fn text(&mut self, request: &str, urgency: Urgency, text: &str) -> JobId {
        self.submit(request, Asker::Tab(1), urgency, Work::text(text))
    }

    fn picture(&mut self, request: &str, urgency: Urgency) -> JobId {
        let work = Work::Picture { picture: Box::new(Grey), caution: Caution::default() };
        self.submit(request, Asker::Tab(1), urgency, work)
    }

    /// One step of the engine, with a load's request written down and not served.
    fn step(&mut self) -> bool {
        match self.engine.step() {
            Step::Idle => return false,
            Step::Load { model_id } => self.loads.push(model_id),
            Step::Reclaim => {
                self.n_reclaimed += 1;
                self.engine.set_elsewhere(0);
            }
            Step::Part { n_done, n_total, .. } => {
                assert!(n_done > 0 && n_done < n_total, "{n_done} of {n_total}");
                self.n_parts += 1;
            }
            Step::Done { job, outcome } => self.done.push((job, outcome.map_err(|refusal| refusal.reason))),
        }
        true
    }

    fn until_idle(&mut self) {
        while self.step() {}
    }

    fn serve_load(&mut self, model_id: &str) {
        self.n_served += 1;
        let mut load = self.engine.start_load(model_id).unwrap();
        let packed = if model_id != "picture" { &self.packed } else { &self.picture_packed };
        packed.chunks(77_777).for_each(|slice| load.feed(slice).unwrap());
        self.engine.finish_load(load).unwrap();
    }

    /// Goes on until nothing is left, with every load served.
    fn finish(&mut self) {
        loop {
            self.until_idle();
            let Some(model_id) = self.loads.get(self.n_served).cloned() else { return };
            self.serve_load(&model_id);
        }
    }

    /// Goes on, with the text model's load served, until a part of some text is read.
    fn until_a_part_is_read(&mut self) {
        if self.loads.is_empty() {
            self.until_idle();
            self.serve_load("text");
        }
        while self.n_parts == 0 {
            assert!(self.step(), "the text was read in one step");
        }
    }

    /// Another engine with the same text model, as a helper has one.
    fn helper(&self) -> Self {
        let mut helper = Self::new();
        helper.serve_load("text");
        helper
    }

    /// What the net answers to a loan.
    fn read(&mut self, loan: &Loan) -> Vec<Vec<f32>> {
        self.engine.sentiment().unwrap().logits_of(&loan.sequences).unwrap()
    }

    fn state(&self, model_id: &str) -> ModelState {
        self.engine.status().into_iter().find(|status| status.id == model_id).unwrap().state
    }

    /// Jobs in the order in which they ended.
    fn order(&self) -> Vec<JobId> {
        self.done.iter().map(|(job, _)| *job).collect()
    }

    fn outcome(&self, job: JobId) -> &Result<Verdict, Reason> {
        let mut of_job = self.done.iter().filter(|(done, _)| *done == job);
        let (_, outcome) = of_job.next().expect("the job has ended");
        assert!(of_job.next().is_none(), "{job:?} ended twice");
        outcome
    }
}

fn load_packaged(engine: &mut Engine, packaged: &Packaged) {
    let mut load = engine.start_load(packaged.id).unwrap();
    let path = format!("{}/models/{}", env!("CARGO_MANIFEST_DIR"), packaged.file);
    load.feed(&std::fs::read(path).unwrap()).unwrap();
    engine.finish_load(load).unwrap();
}

/// What the stage says of its text model.
fn known_text(packed: &[u8]) -> Known {
    Known {
        id: "text".to_owned(),
        task: Task::Text,
        title: "Tiny".to_owned(),
        bytes: packed.len() as u64,
        memory_bytes: 60 * MEGABYTE,
        is_own: false,
    }
}

/// A grey picture of 8 by 8 pixels.
struct Grey;

impl PixelSource for Grey {
    fn size(&self) -> (u32, u32) {
        (8, 8)
    }

    fn rows(&self, take: &mut dyn FnMut(&[u8]) -> Result<(), EngineError>) -> Result<(), EngineError> {
        take(&[127; 8 * 8 * 4])
    }
}

/// A text that takes several steps: its windows and sentences are more than one batch.
fn long_text() -> String {
    "piece5 piece6 piece7 piece8 piece9 piece10 piece11 piece12 piece13! ".repeat(64)
}

#[test]
fn the_more_urgent_come_first_and_equals_in_their_order() {
    let mut stage = Stage::new();
    let scan = stage.picture("a", Urgency::Scan);
    let upload = stage.picture("b", Urgency::Upload);
    let first = stage.text("c", Urgency::Person, SHORT);
    let second = stage.text("d", Urgency::Person, SHORT);
    let later_upload = stage.picture("e", Urgency::Upload);
    stage.until_idle();
    assert_eq!(stage.loads, ["text", "picture"], "the model of the most urgent comes first");
    stage.serve_load("picture");
    stage.serve_load("text");
    stage.finish();
    assert_eq!(stage.order(), [first, second, upload, later_upload, scan]);
    assert!(stage.done.iter().all(|(_, outcome)| outcome.is_ok()));
}

#[test]
fn a_person_gets_in_between_two_steps_of_a_long_text() {
    let mut stage = Stage::new();
    let long = stage.text("long", Urgency::Scan, &long_text());
    stage.until_a_part_is_read();
    let short = stage.text("short", Urgency::Person, SHORT);
    stage.finish();
    assert_eq!(stage.order(), [short, long]);
    assert_eq!(stage.n_parts, 2);
}

#[test]
fn steps_come_to_the_same_verdict_as_one_go() {
    let mut stage = Stage::new();
    let long = stage.text("long", Urgency::Person, &long_text());
    stage.finish();
    let Ok(Verdict::Text(in_steps)) = stage.outcome(long).clone() else { panic!("no verdict") };
    let at_once = stage.engine.classify_text(&long_text()).unwrap();
    assert_eq!(in_steps, at_once);
    assert!(in_steps.n_windows > 1 && in_steps.sentences.len() == 64);
}

#[test]
fn parts_that_others_read_come_to_the_same_verdict_in_whatever_order_they_come_back() {
    let mut stage = Stage::new();
    let mut helper = stage.helper();
    let long = stage.text("long", Urgency::Person, &long_text());
    assert!(stage.engine.lend().is_none(), "the model is not there yet");
    stage.until_idle();
    stage.serve_load("text");
    let mut loans = Vec::new();
    while let Some(loan) = stage.engine.lend() {
        loans.push(loan);
    }
    assert!(loans.len() >= 2, "{} parts were lent", loans.len());
    stage.until_idle();
    assert_eq!((stage.n_parts, stage.done.len()), (1, 0), "the last part stays, and then the others are waited for");
    assert!(!stage.engine.has_work());
    // The last first; and one that nobody read, which is read here.
    let lost = loans.remove(0);
    while let Some(loan) = loans.pop() {
        let logits = helper.read(&loan);
        stage.engine.take_back(loan.id, Some(&logits));
        // Twice is once.
        stage.engine.take_back(loan.id, Some(&logits));
        stage.until_idle();
    }
    assert_eq!(stage.done, []);
    stage.engine.take_back(lost.id, None);
    assert!(stage.engine.has_work());
    stage.finish();
    let Ok(Verdict::Text(in_parts)) = stage.outcome(long).clone() else { panic!("no verdict") };
    assert_eq!(in_parts, stage.engine.classify_text(&long_text()).unwrap());
}

#[test]
fn reasons_are_the_same_where_others_read_for_them() {
    let why = |lends: bool| {
        let mut stage = Stage::new();
        let mut helper = stage.helper();
        stage.serve_load("text");
        let (tell, told) = std::sync::mpsc::channel();
        let tell = move |why| tell.send(why).unwrap();
        let text = "piece5 piece6 piece7 piece8 piece9 piece10 piece11 piece12! ".repeat(24);
        let work = Work::why(text, sotto::protocol::Sentiment::Positive, Box::new(tell));
        let job = stage.submit("why", Asker::Own, Urgency::Person, work);
        let mut n_lent = 0;
        loop {
            let loans: Vec<Loan> = if lends { std::iter::from_fn(|| stage.engine.lend()).collect() } else { vec![] };
            n_lent += loans.len();
            stage.until_idle();
            if loans.is_empty() {
                break;
            }
            for loan in loans {
                let logits = helper.read(&loan);
                stage.engine.take_back(loan.id, Some(&logits));
            }
        }
        stage.finish();
        assert_eq!(n_lent > 0, lends);
        (stage.outcome(job).clone(), told.try_iter().collect::<Vec<_>>())
    };
    let (alone, told_alone) = why(false);
    assert!(alone.is_ok() && told_alone.len() == 1, "{alone:?}");
    assert_eq!(why(true), (alone, told_alone));
}

#[test]
fn what_comes_back_for_work_that_is_gone_or_began_anew_is_dropped() {
    let mut stage = Stage::new();
    let mut helper = stage.helper();
    stage.serve_load("text");
    stage.text("given up", Urgency::Person, &long_text());
    let loan = stage.engine.lend().unwrap();
    stage.engine.cancel(Asker::Tab(1), |_| true);
    let logits = helper.read(&loan);
    stage.engine.take_back(loan.id, Some(&logits));
    stage.until_idle();
    assert_eq!((stage.done.len(), &stage.done[0].1), (1, &Err(Reason::Cancelled)));
    // Read anew by another model: what the first one said of a part must not count.
    let anew = stage.text("anew", Urgency::Person, &long_text());
    let loan = stage.engine.lend().unwrap();
    let own = Known { id: "own".to_owned(), is_own: true, memory_bytes: MEGABYTE, ..known_text(&stage.packed) };
    stage.engine.set_own(Some(own));
    let wrong: Vec<Vec<f32>> = loan.sequences.iter().map(|_| vec![-90.0, 90.0]).collect();
    stage.engine.take_back(loan.id, Some(&wrong));
    stage.n_served = 0;
    stage.finish();
    let Ok(Verdict::Text(verdict)) = stage.outcome(anew).clone() else { panic!("no verdict") };
    let at_once = stage.engine.classify_text(&long_text()).unwrap();
    assert_eq!((verdict.shares, verdict.model.as_str()), (at_once.shares, "own"));
}

#[test]
fn an_answer_of_the_wrong_length_is_none() {
    let mut stage = Stage::new();
    stage.serve_load("text");
    let long = stage.text("long", Urgency::Person, &long_text());
    let loan = stage.engine.lend().unwrap();
    stage.engine.take_back(loan.id, Some(&[vec![1.0, 2.0]]));
    stage.finish();
    let Ok(Verdict::Text(verdict)) = stage.outcome(long).clone() else { panic!("no verdict") };
    assert_eq!(verdict, stage.engine.classify_text(&long_text()).unwrap());
}

#[test]
fn a_model_that_is_unloaded_meanwhile_comes_back_for_the_rest() {
    let mut stage = Stage::new();
    let mut helper = stage.helper();
    stage.serve_load("text");
    let long = stage.text("long", Urgency::Person, &long_text());
    let loans: Vec<Loan> = std::iter::from_fn(|| stage.engine.lend()).collect();
    stage.until_idle();
    stage.engine.unload("text").unwrap();
    for loan in &loans {
        let logits = helper.read(loan);
        stage.engine.take_back(loan.id, Some(&logits));
    }
    stage.n_served = 0;
    stage.finish();
    let Ok(Verdict::Text(verdict)) = stage.outcome(long).clone() else { panic!("no verdict") };
    assert_eq!(verdict, stage.engine.classify_text(&long_text()).unwrap());
}

#[test]
fn others_give_way_to_a_model_that_is_needed() {
    let mut stage = Stage::new();
    stage.serve_load("text");
    stage.engine.set_budget(130 * MEGABYTE);
    assert_eq!(stage.engine.elsewhere_needs("picture"), 62 * MEGABYTE);
    let free = stage.engine.free_bytes();
    stage.engine.set_elsewhere(90 * MEGABYTE);
    assert_eq!(stage.engine.free_bytes(), free - 90 * MEGABYTE);
    stage.n_served = 0;
    let picture = stage.picture("picture", Urgency::Scan);
    stage.finish();
    assert_eq!((stage.n_reclaimed, stage.loads.as_slice()), (1, &["picture".to_owned()][..]));
    assert!(stage.outcome(picture).is_ok());
    // Where there is room for both nobody is asked to go.
    stage.engine.set_elsewhere(MEGABYTE);
    stage.engine.unload("picture").unwrap();
    stage.picture("once more", Urgency::Scan);
    stage.finish();
    assert_eq!(stage.n_reclaimed, 1);
}

#[test]
fn a_long_text_is_worth_others_only_while_it_is_the_next() {
    let mut engine = Engine::new(|| 0.0);
    load_packaged(&mut engine, packaged(Task::Text));
    let order = |request: &str, urgency| Order { asker: Asker::Own, request: request.to_owned(), urgency };
    engine.submit(order("short", Urgency::Upload), Work::text("We were glad to listen to the old man."));
    assert!(!engine.is_long_wait());
    engine.submit(order("long", Urgency::Scan), Work::text("We were glad to listen to the old man. ".repeat(200)));
    assert!(!engine.is_long_wait(), "somebody more urgent is next, and waits for nobody");
    engine.cancel(Asker::Own, |request| request == "short");
    assert!(engine.is_long_wait());
    engine.unload(packaged(Task::Text).id).unwrap();
    assert!(!engine.is_long_wait(), "nobody can read yet");
}

#[test]
fn what_is_given_up_ends_once_and_only_by_its_own_asker() {
    let mut stage = Stage::new();
    let mine = stage.text("mine", Urgency::Person, &long_text());
    let theirs = stage.submit("mine", Asker::Tab(2), Urgency::Person, Work::text(SHORT));
    stage.until_idle();
    stage.engine.cancel(Asker::Own, |_| true);
    stage.until_idle();
    assert_eq!(stage.done, []);
    // Before its first step, while the model is loaded.
    let early = stage.text("early", Urgency::Scan, SHORT);
    stage.engine.cancel(Asker::Tab(1), |request| request == "early");
    // And in the middle.
    stage.serve_load("text");
    stage.until_a_part_is_read();
    stage.engine.cancel(Asker::Tab(1), |request| request == "mine");
    stage.finish();
    assert_eq!(stage.outcome(early), &Err(Reason::Cancelled));
    assert_eq!(stage.outcome(mine), &Err(Reason::Cancelled));
    assert!(stage.outcome(theirs).is_ok());
    assert_eq!(stage.done.len(), 3);
    let judged = stage.engine.status().iter().map(|status| status.runs).sum::<u64>();
    assert_eq!(judged, 1, "what was given up is no run");
}

#[test]
fn one_load_serves_all_who_wait() {
    let mut stage = Stage::new();
    let jobs = ["a", "b", "c"].map(|request| stage.text(request, Urgency::Person, SHORT));
    let ready = stage.submit("d", Asker::Own, Urgency::Person, Work::Ready { model_id: "text".to_owned() });
    stage.finish();
    assert_eq!(stage.loads, ["text"]);
    assert!(jobs.iter().all(|job| matches!(stage.outcome(*job), Ok(Verdict::Text(_)))));
    assert_eq!(stage.outcome(ready), &Ok(Verdict::Ready));
    // And none is needed for those who come later.
    stage.text("e", Urgency::Person, SHORT);
    stage.finish();
    assert_eq!(stage.loads, ["text"]);
}

#[test]
fn a_failed_load_refuses_all_who_wait_and_the_next_request_loads_again() {
    let mut stage = Stage::new();
    let waiting = ["a", "b"].map(|request| stage.text(request, Urgency::Person, SHORT));
    stage.until_idle();
    let mut load = stage.engine.start_load("text").unwrap();
    load.feed(b"no weight file").unwrap_err();
    let refusal = Refusal { reason: Reason::ModelUnavailable, detail: "the disk is full".to_owned() };
    stage.n_served += 1;
    stage.engine.fail_load("text", refusal).unwrap();
    stage.until_idle();
    assert!(waiting.iter().all(|job| stage.outcome(*job) == &Err(Reason::ModelUnavailable)));
    assert_eq!(stage.state("text"), ModelState::Failed { reason: "the disk is full".to_owned() });

    let again = stage.text("a", Urgency::Person, SHORT);
    stage.finish();
    assert!(stage.outcome(again).is_ok());
    assert_eq!(stage.loads, ["text", "text"]);
    assert_eq!(stage.state("text"), ModelState::Ready);
}

#[test]
fn the_model_used_longest_ago_gives_way() {
    let mut stage = Stage::new();
    // Room for either model, and not for both before they are loaded.
    stage.engine.set_budget(77 * MEGABYTE);
    stage.text("a", Urgency::Person, SHORT);
    stage.finish();
    let text_bytes = stage.engine.status()[0].memory_bytes;
    assert!(text_bytes > 0 && text_bytes < MEGABYTE, "{text_bytes}");
    // Its real size counts once it is loaded, and then both fit.
    stage.picture("b", Urgency::Scan);
    stage.finish();
    assert_eq!((stage.state("text"), stage.state("picture")), (ModelState::Ready, ModelState::Ready));

    stage.engine.set_budget(13 * MEGABYTE);
    assert_eq!(stage.state("text"), ModelState::NotStored, "it was used before the other");
    assert_ne!(stage.state("picture"), ModelState::Ready, "and this one has more than the megabyte that is left");
}

#[test]
fn a_model_that_others_need_first_is_not_taken_from_them() {
    let mut stage = Stage::new();
    stage.engine.set_budget(77 * MEGABYTE);
    let scan = stage.picture("scan", Urgency::Scan);
    stage.until_idle();
    // The picture's model is on its way: the person's model has to wait for it, not forever.
    let person = stage.text("person", Urgency::Person, SHORT);
    stage.until_idle();
    assert_eq!(stage.loads, ["picture"]);
    stage.finish();
    assert_eq!(stage.order().len(), 2);
    assert!(stage.outcome(scan).is_ok() && stage.outcome(person).is_ok());
}

#[test]
fn what_can_never_fit_is_refused_at_once() {
    let mut stage = Stage::new();
    stage.engine.set_budget(67 * MEGABYTE);
    let text = stage.text("a", Urgency::Person, SHORT);
    let picture = stage.picture("b", Urgency::Person);
    stage.finish();
    assert_eq!(stage.outcome(text), &Err(Reason::OutOfMemory));
    assert!(stage.outcome(picture).is_ok());
    assert_eq!(stage.loads, ["picture"]);
}

#[test]
fn wrong_requests_are_answered_too() {
    let mut stage = Stage::new();
    let first = stage.text("a", Urgency::Person, SHORT);
    let doubled = stage.text("a", Urgency::Person, SHORT);
    let unknown = stage.submit("b", Asker::Own, Urgency::Person, Work::Ready { model_id: "nobody".to_owned() });
    let empty = stage.text("c", Urgency::Person, " ");
    stage.finish();
    assert!(stage.outcome(first).is_ok());
    assert_eq!(stage.outcome(doubled), &Err(Reason::BadRequest));
    assert_eq!(stage.outcome(unknown), &Err(Reason::BadRequest));
    assert_eq!(stage.outcome(empty), &Err(Reason::NothingSelected));
}

#[test]
fn a_chosen_model_of_ones_own_takes_over_what_waits_and_gives_it_back() {
    let mut stage = Stage::new();
    let own = Known {
        id: "own".to_owned(),
        task: Task::Text,
        title: "Own".to_owned(),
        bytes: stage.packed.len() as u64,
        memory_bytes: MEGABYTE,
        is_own: true,
    };
    let first = stage.text("first", Urgency::Person, &long_text());
    stage.until_a_part_is_read();
    stage.engine.set_own(Some(own.clone()));
    let second = stage.text("second", Urgency::Person, "это хорошо");
    stage.finish();
    assert_eq!(stage.loads, ["text", "own"]);
    for job in [first, second] {
        let Ok(Verdict::Text(verdict)) = stage.outcome(job) else { panic!("{:?}", stage.outcome(job)) };
        assert_eq!(verdict.model, "own");
    }
    // Told once more of the same, it stays loaded.
    stage.engine.set_own(Some(own));
    let third = stage.text("third", Urgency::Person, SHORT);
    stage.finish();
    assert_eq!((stage.loads.len(), stage.outcome(third).is_ok()), (2, true));
    let ready = stage.submit("ready", Asker::Tab(1), Urgency::Person, Work::Ready { model_id: "own".to_owned() });
    let fourth = stage.text("fourth", Urgency::Person, "это хорошо");
    stage.engine.set_own(None);
    stage.finish();
    assert_eq!(stage.outcome(ready), &Err(Reason::BadRequest));
    assert_eq!(stage.outcome(fourth), &Err(Reason::NotEnglish));
    assert!(stage.engine.status().iter().all(|status| status.id != "own"));
}

#[test]
fn figures_follow_the_clock() {
    thread_local! {
        static NOW_MS: std::cell::Cell<f64> = const { std::cell::Cell::new(0.0) };
    }
    let mut stage = Stage::new();
    // Every look at the clock is 5 ms after the one before.
    let known = [Known {
        id: "text".to_owned(),
        task: Task::Text,
        title: "Tiny".to_owned(),
        bytes: stage.packed.len() as u64,
        memory_bytes: MEGABYTE,
        is_own: false,
    }];
    stage.engine = Engine::with_models(|| NOW_MS.with(|now| now.replace(now.get() + 5.0)), known);
    stage.text("a", Urgency::Person, SHORT);
    stage.finish();
    let status = stage.engine.status().remove(0);
    assert_eq!((status.runs, status.run_median_ms, status.load_ms), (1, Some(5.0), Some(5.0)));
    assert_eq!(status.last_used_ms, Some(15.0));
}

#[test]
fn packaged_models_take_the_memory_that_models_toml_says() {
    let loaded_bytes = |packaged: &Packaged| {
        let mut engine = Engine::new(|| 0.0);
        load_packaged(&mut engine, packaged);
        engine.status().into_iter().find(|status| status.id == packaged.id).unwrap().memory_bytes
    };
    for packaged in MODELS {
        let (found, said) = (loaded_bytes(packaged), packaged.memory_bytes);
        assert!(
            found <= said && found * 10 >= said * 9,
            "{} takes {found} bytes, models.toml says {said}",
            packaged.id
        );
    }
}
