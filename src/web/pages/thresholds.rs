//! The settings' section on pictures: from which probability on a class is warned of, what then happens, and what would
//! have happened to a picture of the person's own. The thresholds themselves are at home in `tasks::alarm`.

use std::{cell::RefCell, collections::BTreeMap, rc::Rc};

use wasm_bindgen::{JsCast, prelude::*};
use web_sys::HtmlInputElement;

use super::{ask, dom, format, verdict};
use crate::{
    protocol::{Action, Answer, ClassThreshold, PageAsk, PictureRules, PictureVerdict, Refusal, View},
    web::browser::chrome,
};

const ACTIONS: [(&str, Action); 3] =
    [("action-warn", Action::Warn), ("action-blur", Action::Blur), ("action-block", Action::Block)];

type Shared = Rc<RefCell<Rules>>;

/// What the section shows at the moment.
struct Rules {
    kept: PictureRules,
    sliders: Vec<HtmlInputElement>,
    /// The person's trial picture, and its name; it never leaves this page but to be judged.
    trial: Option<JsValue>,
    /// Hears when something was refused: then more than this may have changed.
    refused: fn(),
}

/// `refused` hears when something was not kept.
pub async fn wire(refused: fn()) {
    let kept = match rules().await {
        Ok(kept) => kept,
        Err(refusal) => return dom::trouble(Some(&dom::refusal_text(&refusal))),
    };
    let shared = Rc::new(RefCell::new(Rules { kept, sliders: Vec::new(), trial: None, refused }));
    make_sliders(&shared);
    for (id, action) in ACTIONS {
        let Some(choice) = dom::input(id) else { continue };
        let shared = Rc::clone(&shared);
        dom::on(&choice, "change", move |_| {
            let shared = Rc::clone(&shared);
            async move {
                shared.borrow_mut().kept.action = action;
                keep(&shared).await;
            }
        });
    }
    if let Some(careful) = dom::input("careful") {
        let (ticked, shared) = (careful.clone(), Rc::clone(&shared));
        dom::on(&careful, "change", move |_| {
            let (shared, is_careful) = (Rc::clone(&shared), ticked.checked());
            async move {
                shared.borrow_mut().kept.careful = is_careful;
                keep(&shared).await;
            }
        });
    }
    if let Some(reset) = dom::by_id("thresholds-reset") {
        let shared = Rc::clone(&shared);
        dom::on_press(&reset, move || {
            let shared = Rc::clone(&shared);
            async move {
                for class in &mut shared.borrow_mut().kept.classes {
                    class.threshold = class.preset;
                }
                shared.borrow_mut().kept.careful = false;
                keep(&shared).await;
            }
        });
    }
    if let Some(file) = dom::input("trial") {
        let (input, shared) = (file.clone(), Rc::clone(&shared));
        dom::on(&file, "change", move |_| {
            let chosen = chrome::get(&chrome::get(&input, "files"), "0");
            let shared = Rc::clone(&shared);
            async move {
                shared.borrow_mut().trial = chosen.is_object().then_some(chosen);
                judge_trial(&shared).await;
            }
        });
    }
    show(&shared);
}

async fn rules() -> Result<PictureRules, Refusal> {
    match ask::ask(PageAsk::PictureRules).await? {
        Answer::PictureRules(rules) => Ok(rules),
        _ => Err(ask::unexpected()),
    }
}

fn make_sliders(shared: &Shared) {
    let Some(list) = dom::by_id("thresholds") else { return };
    dom::clear(&list);
    let classes = shared.borrow().kept.classes.clone();
    for (index, class) in classes.iter().enumerate() {
        let parts = (dom::make("label", "threshold", ""), dom::make("input", "", ""), dom::make("output", "", ""));
        let (Some(row), Some(slider), Some(said)) = parts else { continue };
        let Ok(slider) = slider.dyn_into::<HtmlInputElement>() else { continue };
        for (name, value) in [("type", "range"), ("min", "5"), ("max", "100"), ("step", "1")] {
            dom::set_attribute(&slider, name, value);
        }
        dom::set_attribute(&slider, "data-class", &class.name);
        dom::append(&row, dom::make("span", "", &chrome::message(&format!("class{}", class.name), &[])));
        dom::append(&row, slider.clone().dyn_into().ok());
        dom::append(&row, Some(said.clone()));
        dom::append(&list, Some(row));
        let (moved, words) = (slider.clone(), said);
        dom::on(&slider, "input", move |_| {
            words.set_text_content(Some(&from(share_of(&moved))));
            async {}
        });
        let (moved, for_change) = (slider.clone(), Rc::clone(shared));
        dom::on(&slider, "change", move |_| {
            let (shared, share) = (Rc::clone(&for_change), share_of(&moved));
            async move {
                if let Some(class) = shared.borrow_mut().kept.classes.get_mut(index) {
                    class.threshold = share;
                }
                keep(&shared).await;
            }
        });
        shared.borrow_mut().sliders.push(slider);
    }
}

fn share_of(slider: &HtmlInputElement) -> f32 {
    (slider.value_as_number() / 100.0) as f32
}

fn from(share: f32) -> String {
    chrome::message("thresholdFrom", &[&format::whole_percent(f64::from(share))])
}

fn show(shared: &Shared) {
    let rules = shared.borrow();
    for (class, slider) in rules.kept.classes.iter().zip(&rules.sliders) {
        slider.set_value_as_number(f64::from(class.threshold * 100.0).round());
        if let Some(said) = slider.next_element_sibling() {
            said.set_text_content(Some(&from(class.threshold)));
        }
    }
    if let Some(careful) = dom::input("careful") {
        careful.set_checked(rules.kept.careful);
    }
    for (id, action) in ACTIONS {
        if let Some(choice) = dom::input(id) {
            choice.set_checked(rules.kept.action == action);
        }
    }
}

/// Keeps what the section shows, and says anew what would have happened.
async fn keep(shared: &Shared) {
    show(shared);
    let (classes, action, careful) = {
        let rules = shared.borrow();
        // What equals the preset is not a choice: a later version may know better.
        let chosen = |class: &&ClassThreshold| (class.threshold - class.preset).abs() > 1e-4;
        let classes = rules.kept.classes.iter().filter(chosen);
        let classes: BTreeMap<_, _> = classes.map(|class| (class.name.clone(), class.threshold)).collect();
        (classes, rules.kept.action, rules.kept.careful)
    };
    let kept = ask::ask(PageAsk::KeepPictureRules { thresholds: classes, action, careful }).await;
    if kept.is_err() {
        if let Ok(before) = rules().await {
            shared.borrow_mut().kept = before;
            show(shared);
        }
        let refused = shared.borrow().refused;
        refused();
    }
    dom::trouble(kept.err().map(|refusal| dom::refusal_text(&refusal)).as_deref());
    judge_trial(shared).await;
}

async fn judge_trial(shared: &Shared) {
    let (trial, action) = {
        let rules = shared.borrow();
        (rules.trial.clone(), rules.kept.action)
    };
    let (Some(trial), Some(result)) = (trial, dom::by_id("trial-result")) else { return };
    verdict::show(&result, &View::Busy { percent: None, read: None }, "");
    match ask::ask_about(PageAsk::Picture { measured: false }, &trial).await {
        Ok(Answer::Picture(judged)) => show_trial(&result, judged, action),
        Ok(_) => verdict::show(&result, &View::Refused(ask::unexpected()), ""),
        Err(refusal) => verdict::show(&result, &View::Refused(refusal), ""),
    }
}

fn show_trial(result: &web_sys::HtmlElement, judged: PictureVerdict, action: Action) {
    let happened = match (judged.unsuitable, action) {
        (false, _) => "trialPass",
        (true, Action::Block) => "trialBlock",
        (true, _) => "trialAsk",
    };
    verdict::show(result, &View::Picture { verdict: judged, partly_visible: false }, "");
    dom::append(result, dom::make("p", "happened", &chrome::message(happened, &[])));
}
