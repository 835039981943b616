//! Requests to the background and their replies. Every request has an id of its own, and only the reply that carries
//! it counts.

use std::cell::Cell;

use wasm_bindgen::prelude::*;

use crate::{
    protocol::{Answer, PageAsk, PageRequest, Reason, Refusal, Reply, Settings, ToPage},
    web::browser::{
        chrome::{self, Port},
        wire,
    },
};

thread_local! {
    static N_ASKED: Cell<u32> = const { Cell::new(0) };
}

/// Asks the background; a background that died is started by the browser with the next message, so it is asked twice.
pub async fn ask(ask: PageAsk) -> Result<Answer, Refusal> {
    ask_about(ask, &JsValue::UNDEFINED).await
}

/// The same with a picture beside the request.
pub async fn ask_about(ask: PageAsk, picture: &JsValue) -> Result<Answer, Refusal> {
    ask_as(new_id(), ask, picture).await
}

/// A request's name, for those who must know it before they ask.
pub fn new_id() -> String {
    let n_asked = N_ASKED.with(|n_asked| n_asked.replace(n_asked.get() + 1));
    format!("page-{}-{n_asked}", js_sys::Math::random())
}

pub async fn ask_as(id: String, ask: PageAsk, picture: &JsValue) -> Result<Answer, Refusal> {
    let message = wire::to_js(&PageRequest { id: id.clone(), ask });
    if !picture.is_undefined() {
        chrome::set(&message, "picture", picture);
    }
    // A background that is stopped in the middle closes the channel, or now and then answers nothing.
    let answered = match chrome::send_message(&message).await {
        Ok(reply) if !reply.is_undefined() => Ok(reply),
        _ => chrome::send_message(&message).await,
    };
    let reply: Reply = answered
        .map_err(|thrown| chrome::reason_of(&thrown))
        .and_then(wire::from_js)
        .map_err(|detail| Refusal { reason: Reason::Internal, detail })?;
    match reply.answer {
        Answer::Refused(refusal) => Err(refusal),
        _ if reply.id != id => Err(Refusal { reason: Reason::Internal, detail: "the reply is another's".to_owned() }),
        answer => Ok(answer),
    }
}

pub async fn settings() -> Result<Settings, Refusal> {
    match ask(PageAsk::Settings).await? {
        Answer::Settings(settings) => Ok(settings),
        _ => Err(unexpected()),
    }
}

/// For what a page can't make a request of.
pub fn unfit(detail: &str) -> Refusal {
    Refusal { reason: Reason::BadRequest, detail: detail.to_owned() }
}

pub fn unexpected() -> Refusal {
    Refusal { reason: Reason::Internal, detail: "an answer of another kind".to_owned() }
}

/// Hears what the background tells open pages. A connection named after a request gives that up when it closes.
pub fn listen(name: &str, mut heard: impl FnMut(ToPage) + 'static) -> Port {
    let port = chrome::connect(&chrome::object(&[("name", name.into())]));
    let listener = move |message| {
        // What can't be read is of another version, and this page goes with its own.
        if let Ok(told) = wire::from_js(message) {
            heard(told);
        }
    };
    // Lives as long as the page.
    port.on_message().add_listener(Closure::<dyn FnMut(JsValue)>::new(listener).into_js_value().unchecked_ref());
    port
}
