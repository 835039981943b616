//! The settings' section on text models: the built-in one and those that the person brought, one of them chosen; how another
//! is added from files, and taken away. The work on the files is the worker's (extension/pages/packer.js).

use std::rc::Rc;

use wasm_bindgen::{JsCast, prelude::*};
use web_sys::{HtmlElement, HtmlInputElement};

use super::{
    ask, dom, format,
    worker::{self, AtWork},
};
use crate::{
    protocol::{Answer, FromPacker, OwnModel, OwnModels, PageAsk, Refusal},
    web::browser::{chrome, wire},
};

pub async fn wire() {
    let at_work = AtWork::default();
    if let Some(input) = dom::input("own-files") {
        let at_work = Rc::clone(&at_work);
        dom::on(&input.clone(), "change", move |_| {
            let files = chrome::get(&input, "files");
            let list: js_sys::Array = js_sys::Array::from(&files);
            input.set_value("");
            let started = if list.length() > 0 { pack(&list, &at_work) } else { Ok(()) };
            if let Err(thrown) = started {
                end(&at_work, &refused_words(&chrome::reason_of(&thrown)));
            }
            async {}
        });
    }
    if let Some(button) = dom::by_id("own-cancel") {
        dom::on_press(&button, move || {
            end(&at_work, &chrome::message("ownCancelled", &[]));
            async {}
        });
    }
    show_answer(ask::ask(PageAsk::OwnModels).await);
}

/// Starts the worker on the files and follows it to its end.
fn pack(files: &js_sys::Array, at_work: &AtWork) -> Result<(), JsValue> {
    end(at_work, &chrome::message("ownWorking", &[&format::percent(0.0)]));
    let heard = Rc::clone(at_work);
    let failed = Rc::clone(at_work);
    let worker = worker::start(
        "packer.js",
        move |said| hear(&said, &heard),
        move |problem| end(&failed, &refused_words(&problem)),
    )?;
    worker.post(files)?;
    at_work.replace(Some(worker));
    working(true);
    Ok(())
}

fn hear(said: &JsValue, at_work: &AtWork) {
    if at_work.borrow().is_none() {
        return;
    }
    match wire::from_tagged(said) {
        Ok(FromPacker::Working { percent }) => {
            if let Some(bar) = dom::by_id("own-progress") {
                dom::set_attribute(&bar, "value", &percent.to_string());
            }
            dom::say("own-said", &chrome::message("ownWorking", &[&format::percent(f64::from(percent) / 100.0)]));
        }
        Ok(FromPacker::Packed { title, memory_bytes }) => {
            // The worker's work is done, and what follows is no longer its to give up.
            end(at_work, &chrome::message("ownWorking", &[&format::percent(1.0)]));
            wasm_bindgen_futures::spawn_local(keep(title, memory_bytes, chrome::get(said, "file")));
        }
        Ok(FromPacker::Problem { problem }) => end(at_work, &refused_words(&problem)),
        Err(problem) => end(at_work, &refused_words(&problem)),
    }
}

async fn keep(title: String, memory_bytes: u64, file: JsValue) {
    let outcome = ask::ask_about(PageAsk::KeepModel { title: title.clone(), memory_bytes }, &file).await;
    let words = match &outcome {
        Ok(_) => chrome::message("ownAdded", &[&title]),
        Err(refusal) => refused_words(&refusal.detail),
    };
    dom::say("own-said", &words);
    show_answer(outcome);
}

fn refused_words(problem: &str) -> String {
    chrome::message("ownRefused", &[problem])
}

/// Ends whatever worker there is, and its memory with it.
fn end(at_work: &AtWork, words: &str) {
    worker::end(at_work);
    working(false);
    dom::say("own-said", words);
}

fn working(is_working: bool) {
    if let Some(bar) = dom::by_id("own-progress") {
        dom::set_attribute(&bar, "value", "0");
    }
    dom::show("own-working", is_working);
    dom::show("own-add", !is_working);
}

fn show_answer(answer: Result<Answer, Refusal>) {
    match answer {
        Ok(Answer::OwnModels(own)) => show(&own),
        Ok(_) => dom::trouble(Some(&dom::refusal_text(&ask::unexpected()))),
        Err(refusal) => dom::trouble(Some(&dom::refusal_text(&refusal))),
    }
}

fn show(own: &OwnModels) {
    let Some(list) = dom::by_id("text-models") else { return };
    dom::clear(&list);
    let hint = chrome::message("ownPackagedHint", &[]);
    dom::append(&list, choice(None, &chrome::message("ownPackaged", &[]), &hint, own.chosen.is_none()));
    for model in &own.models {
        let hint = chrome::message("ownModelHint", &[&format::megabytes(model.bytes)]);
        let is_chosen = own.chosen.as_ref() == Some(&model.id);
        let Some(row) = dom::make("div", "spread", "") else { return };
        dom::append(&row, choice(Some(model), &model.title, &hint, is_chosen));
        dom::append(&row, remover(model));
        dom::append(&list, Some(row));
    }
}

fn choice(model: Option<&OwnModel>, title: &str, hint: &str, is_chosen: bool) -> Option<HtmlElement> {
    let label = dom::make("label", "choice", "")?;
    let radio: HtmlInputElement = dom::make("input", "", "")?.dyn_into().ok()?;
    for (name, value) in [("type", "radio"), ("name", "text-model"), ("value", model.map_or("", |model| &model.id))] {
        dom::set_attribute(&radio, name, value);
    }
    radio.set_checked(is_chosen);
    let id = model.map(|model| model.id.clone());
    dom::on(&radio, "change", move |_| {
        let model = id.clone();
        async move {
            let chosen = ask::ask(PageAsk::ChooseModel { model }).await;
            dom::trouble(chosen.err().map(|refusal| dom::refusal_text(&refusal)).as_deref());
        }
    });
    dom::append(&label, Some(radio.into()));
    dom::append(&label, dom::make("span", "", title));
    dom::append(&label, dom::make("span", "quiet small", hint));
    Some(label)
}

fn remover(model: &OwnModel) -> Option<HtmlElement> {
    let button = dom::make("button", "", &chrome::message("remove", &[]))?;
    dom::set_attribute(&button, "type", "button");
    dom::set_attribute(&button, "aria-label", &chrome::message("removeSite", &[&model.title]));
    let id = model.id.clone();
    dom::on_press(&button, move || {
        let model = id.clone();
        async move { show_answer(ask::ask(PageAsk::RemoveModel { model }).await) }
    });
    Some(button)
}
