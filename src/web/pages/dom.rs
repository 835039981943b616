//! The few things Sotto's pages do with a document. An element that is not there is skipped: the page then lacks a
//! figure, not its life. It must never know what is shown.

use std::future::Future;

use wasm_bindgen::{JsCast, prelude::*};
use web_sys::{Document, Element, EventTarget, HtmlButtonElement, HtmlElement, HtmlInputElement, HtmlTemplateElement};

use crate::{
    protocol::{Reason, Refusal},
    web::browser::{chrome, wire},
};

pub fn document() -> Option<Document> {
    web_sys::window()?.document()
}

pub fn by_id(id: &str) -> Option<HtmlElement> {
    document()?.get_element_by_id(id)?.dyn_into().ok()
}

pub fn input(id: &str) -> Option<HtmlInputElement> {
    by_id(id)?.dyn_into().ok()
}

/// The element of `parent` with this `data-part`.
pub fn part(parent: &Element, name: &str) -> Option<HtmlElement> {
    parent.query_selector(&format!("[data-part={name}]")).ok()??.dyn_into().ok()
}

/// Whatever in `parent` a selector finds.
pub fn all(parent: &Element, selector: &str) -> Vec<Element> {
    let Ok(found) = parent.query_selector_all(selector) else { return Vec::new() };
    (0..found.length()).filter_map(|index| found.item(index)?.dyn_into().ok()).collect()
}

/// Whatever in the page a selector finds; of templates nothing.
pub fn everywhere(selector: &str) -> Vec<Element> {
    let root = document().and_then(|document| document.document_element());
    root.map(|root| all(&root, selector)).unwrap_or_default()
}

pub fn say(id: &str, text: &str) {
    if let Some(element) = by_id(id) {
        element.set_text_content(Some(text));
    }
}

pub fn say_part(parent: &Element, name: &str, text: &str) {
    if let Some(element) = part(parent, name) {
        element.set_text_content(Some(text));
    }
}

pub fn show(id: &str, shown: bool) {
    if let Some(element) = by_id(id) {
        element.set_hidden(!shown);
    }
}

pub fn has_focus(element: &Element) -> bool {
    document().and_then(|document| document.active_element()).as_ref() == Some(element)
}

pub fn focus(id: &str) {
    if let Some(element) = by_id(id) {
        // Refused by nothing that is shown.
        let _ = element.focus();
    }
}

/// Work that a button starts and another stops: one stands in the other's place, and has the focus that the other had.
pub fn working(name: &str, is_working: bool) {
    let ends = if is_working { ["start", "stop"] } else { ["stop", "start"] };
    let [from, to] = ends.map(|end| format!("{name}-{end}"));
    let had_focus = by_id(&from).is_some_and(|button| has_focus(&button));
    show(&format!("{name}-working"), is_working);
    show(&format!("{name}-begin"), !is_working);
    if had_focus {
        focus(&to);
    }
}

/// A new element with a class and text.
pub fn make(tag: &str, class: &str, text: &str) -> Option<HtmlElement> {
    let element: HtmlElement = document()?.create_element(tag).ok()?.dyn_into().ok()?;
    if !class.is_empty() {
        element.set_class_name(class);
    }
    if !text.is_empty() {
        element.set_text_content(Some(text));
    }
    Some(element)
}

/// A copy of what a `<template>` holds, in the person's language.
pub fn from_template(id: &str) -> Option<HtmlElement> {
    let template: HtmlTemplateElement = by_id(id)?.dyn_into().ok()?;
    let copy: HtmlElement =
        template.content().first_element_child()?.clone_node_with_deep(true).ok()?.dyn_into().ok()?;
    for element in all(&copy, "[data-msg]") {
        let key = element.get_attribute("data-msg").unwrap_or_default();
        element.set_text_content(Some(&chrome::message(&key, &[])));
    }
    Some(copy)
}

/// A copy in an element's stead, with nobody who listens.
pub fn renewed(id: &str) -> Option<HtmlElement> {
    let old = by_id(id)?;
    let new: HtmlElement = old.clone_node_with_deep(true).ok()?.dyn_into().ok()?;
    old.replace_with_with_node_1(&new).ok()?;
    Some(new)
}

pub fn append(parent: &Element, child: Option<HtmlElement>) {
    if let Some(child) = child {
        // Fails only for a child that contains its parent.
        let _ = parent.append_child(&child);
    }
}

pub fn clear(element: &Element) {
    element.set_text_content(None);
}

pub fn set_attribute(element: &Element, name: &str, value: &str) {
    // Refused only for names that are not names.
    let _ = element.set_attribute(name, value);
}

/// Runs a future for each event, for as long as the page lives.
pub fn on<F: Future<Output = ()> + 'static>(
    element: &EventTarget,
    event: &str,
    mut run: impl FnMut(web_sys::Event) -> F + 'static,
) {
    let listener = Closure::<dyn FnMut(web_sys::Event)>::new(move |event| {
        wasm_bindgen_futures::spawn_local(run(event));
    });
    let _ = element.add_event_listener_with_callback(event, listener.into_js_value().unchecked_ref());
}

/// A button that can't be pressed again while what it started is under way.
pub fn on_press<F: Future<Output = ()> + 'static>(button: &Element, mut run: impl FnMut() -> F + 'static) {
    let pressed = button.clone();
    on(button, "click", move |_| {
        let button = pressed.clone().dyn_into::<HtmlButtonElement>().ok();
        if let Some(button) = &button {
            button.set_disabled(true);
        }
        let running = run();
        async move {
            running.await;
            if let Some(button) = button {
                button.set_disabled(false);
            }
        }
    });
}

/// A refusal in the person's language.
pub fn refusal_text(refusal: &Refusal) -> String {
    reason_text(refusal.reason)
}

pub fn reason_text(reason: Reason) -> String {
    let reason = wire::to_js(&reason).as_string().unwrap_or_default();
    chrome::message(&format!("refused_{reason}"), &[])
}

/// Shows what went wrong at the head of the page, or takes it away.
pub fn trouble(text: Option<&str>) {
    say("trouble", text.unwrap_or_default());
    show("trouble", text.is_some());
}
