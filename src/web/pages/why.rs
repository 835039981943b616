//! The words that pushed a text's verdict, below it in one of Sotto's pages: asked for when a person opens "Why?", the
//! first of them shown early. It must never judge, and its text goes with the page.

use js_sys::JsString;
use wasm_bindgen::JsValue;
use web_sys::HtmlElement;

use super::{ask, dom};
use crate::{
    protocol::{Answer, PageAsk, PushedWord, ToPage, View, WhyVerdict},
    web::browser::chrome,
};

/// Names the request that is under way, on the place where its words will stand.
const REQUEST: &str = "data-request";
/// So many words of each direction are named in the sentence below the text.
const N_NAMED: usize = 4;

/// Takes an explanation away, and gives up what was still asked for it.
pub fn withdraw(place: &str) {
    let Some(place) = dom::by_id(place) else { return };
    if let Some(request) = place.get_attribute(REQUEST) {
        let _ = place.remove_attribute(REQUEST);
        wasm_bindgen_futures::spawn_local(async move { drop(ask::ask(PageAsk::Cancel { request }).await) });
    }
    dom::clear(&place);
}

/// Offers to explain the verdict on a text.
pub fn offer(place: &str, text: &str) {
    let (Some(place), Some(details)) = (dom::by_id(place), dom::make("details", "why", "")) else { return };
    dom::append(&details, dom::make("summary", "", &chrome::message("why", &[])));
    for (tag, class, part) in [("div", "explained", "words"), ("p", "small", "said")] {
        let Some(element) = dom::make(tag, class, "") else { return };
        dom::set_attribute(&element, "data-part", part);
        dom::append(&details, Some(element));
    }
    if let Some(said) = dom::part(&details, "said") {
        dom::set_attribute(&said, "role", "status");
    }
    dom::clear(&place);
    dom::append(&place, Some(details.clone()));
    let text = JsString::from(text);
    dom::on(&details, "toggle", move |_| explain(place.clone(), text.clone()));
}

/// Asks once, when it is opened; again only where no answer came.
async fn explain(place: HtmlElement, text: JsString) {
    let is_open = matches!(place.query_selector("details[open]"), Ok(Some(_)));
    let is_known = dom::part(&place, "words").is_none_or(|words| words.has_child_nodes());
    if !is_open || is_known || place.has_attribute(REQUEST) {
        return;
    }
    let request = ask::new_id();
    dom::set_attribute(&place, REQUEST, &request);
    dom::say_part(&place, "said", &chrome::message("whyLooking", &[]));
    // Closes with the page too, and with it the request is given up.
    let port = ask::listen(&request, {
        let (place, text, request) = (place.clone(), text.clone(), request.clone());
        move |told| {
            if let ToPage::Progress { id, view: View::Why { why } } = told
                && id == request
            {
                show(&place, &text, &why);
            }
        }
    });
    let asked = PageAsk::Why { text: text.clone().into() };
    let answer = ask::ask_as(request.clone(), asked, &JsValue::UNDEFINED).await;
    port.disconnect();
    if place.get_attribute(REQUEST) != Some(request) {
        return;
    }
    let _ = place.remove_attribute(REQUEST);
    match answer {
        Ok(Answer::Why(why)) => show(&place, &text, &why),
        Ok(_) => refused(&place, &dom::refusal_text(&ask::unexpected())),
        Err(refusal) => refused(&place, &dom::refusal_text(&refusal)),
    }
}

fn refused(place: &HtmlElement, words: &str) {
    if let Some(explained) = dom::part(place, "words") {
        dom::clear(&explained);
    }
    dom::say_part(place, "said", words);
}

/// Direction is told by the line (whole or dashed) and strength by its thickness, so that colour is never needed; the
/// sentence below says the same for any reader.
fn show(place: &HtmlElement, text: &JsString, why: &WhyVerdict) {
    let Some(explained) = dom::part(place, "words") else { return };
    let slice = |start: usize, end: usize| String::from(text.slice(start as u32, end as u32));
    dom::clear(&explained);
    if let Some(words) = dom::make("p", "words", "") {
        // A long text scrolls, and whoever uses no mouse must reach it.
        for (name, value) in [("tabindex", "0"), ("role", "group"), ("aria-label", &chrome::message("why", &[]))] {
            dom::set_attribute(&words, name, value);
        }
        dom::set_attribute(&words, "dir", "auto");
        let mut at = 0;
        for word in &why.words {
            dom::append_text(&words, &slice(at, word.start));
            let class = format!("{} s{}", side(word), word.strength);
            dom::append(&words, dom::make("mark", &class, &slice(word.start, word.end)));
            at = word.end;
        }
        dom::append_text(&words, &slice(at, why.end));
        if why.end < text.length() as usize {
            dom::append_text(&words, "…");
        }
        dom::append(&explained, Some(words));
    }
    if let Some(legend) = dom::make("p", "legend small quiet", "") {
        dom::set_attribute(&legend, "aria-hidden", "true");
        for (class, key, between) in [("good s2", "positive", " · "), ("bad s2", "negative", " · ")] {
            dom::append(&legend, dom::make("mark", class, &chrome::message(key, &[])));
            dom::append_text(&legend, between);
        }
        dom::append_text(&legend, &chrome::message("whyLegend", &[]));
        dom::append(&explained, Some(legend));
    }
    let mut said = if why.complete { summary(why, slice) } else { chrome::message("whyLooking", &[]) };
    if why.complete && why.partly {
        said.push(' ');
        said.push_str(&chrome::message("whyPartly", &[]));
    }
    dom::say_part(place, "said", &said);
}

fn side(word: &PushedWord) -> &'static str {
    if word.push > 0.0 { "good" } else { "bad" }
}

/// The strongest words of each direction in one sentence, the strongest first.
fn summary(why: &WhyVerdict, slice: impl Fn(usize, usize) -> String) -> String {
    let mut words: Vec<&PushedWord> = why.words.iter().filter(|word| word.strength > 1).collect();
    words.sort_by(|a, b| b.push.abs().total_cmp(&a.push.abs()));
    let mut said = Vec::new();
    for (wanted, key) in [("good", "whyPositive"), ("bad", "whyNegative")] {
        let strongest = words.iter().filter(|word| side(word) == wanted).take(N_NAMED);
        let mut named: Vec<String> = Vec::new();
        for name in strongest.map(|word| format!("“{}”", slice(word.start, word.end))) {
            if !named.contains(&name) {
                named.push(name);
            }
        }
        if !named.is_empty() {
            said.push(chrome::message(key, &[&named.join(", ")]));
        }
    }
    if said.is_empty() { chrome::message("whyNone", &[]) } else { said.join(" ") }
}
