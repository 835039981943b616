//! Requests to the background and their replies. Every request has an id of its own, and only the reply that carries
//! it counts.

use std::cell::Cell;

use wasm_bindgen::prelude::*;

use crate::{
    protocol::{Answer, PageAsk, Reason, Refusal, Settings, ToPageOf, ViewKind},
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
    let message = wire::with_id(&id, &ask);
    if !picture.is_undefined() {
        chrome::set(&message, "picture", picture);
    }
    // A background that is stopped in the middle closes the channel, or now and then answers nothing.
    let answered = match chrome::send_message(&message).await {
        Ok(reply) if !reply.is_undefined() => Ok(reply),
        _ => chrome::send_message(&message).await,
    };
    let reply = answered.map_err(|thrown| broken(chrome::reason_of(&thrown)))?;
    let is_ours = chrome::get(&reply, "id") == JsValue::from_str(&id);
    match wire::from_tagged(&reply).map_err(broken)? {
        Answer::Refused(refusal) => Err(refusal),
        _ if !is_ours => Err(broken("the reply is another's".to_owned())),
        answer => Ok(answer),
    }
}

fn broken(detail: String) -> Refusal {
    Refusal { reason: Reason::Internal, detail }
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

/// What the background told, and the view in it as it came, for whom it concerns.
pub type Told = ToPageOf<ViewKind>;

/// Hears what the background tells open pages. A connection named after a request gives that up when it closes.
pub fn listen(name: &str, mut heard: impl FnMut(Told, JsValue) + 'static) -> Port {
    let port = chrome::connect(&chrome::object(&[("name", name.into())]));
    let listener = move |message: JsValue| {
        let view = chrome::get(&message, "view");
        // What can't be read is of another version, and this page goes with its own.
        if let Ok(told) = wire::from_tagged(&message) {
            heard(told, view);
        }
    };
    // Lives as long as the page.
    port.on_message().add_listener(Closure::<dyn FnMut(JsValue)>::new(listener).into_js_value().unchecked_ref());
    port
}
