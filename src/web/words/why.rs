//! Which words pushed the verdict on a text. It must never hand the text of one frame to another.

use std::rc::Rc;

use wasm_bindgen::prelude::*;

use crate::{
    engine::{Asker, Order, Verdict, Work},
    protocol::{Refusal, Sentiment, Urgency, View, WhyVerdict},
    web::{
        browser::{
            chrome,
            scripts::{Whom, inject, off_limits},
        },
        host::{Host, Ticket, send_view_to, unexpected},
    },
};

const WHY: &str = "content/why.js";

/// Brings the script that asks for the words which pushed a verdict to the card that wants it.
pub async fn bring_why(tab: i32, frame: f64) -> Result<(), Refusal> {
    inject(tab, Some(frame), &[WHY]).await.map(drop).map_err(|thrown| off_limits(&chrome::reason_of(&thrown)))
}

/// Tells a card which words pushed the verdict on its text. A card that closes ends it, because the request is named
/// below the card's own.
pub async fn why_on_card(
    host: &Rc<Host>,
    (tab, frame, document): (i32, f64, JsValue),
    request: String,
    explained: (String, Sentiment),
    card: String,
) -> Result<(), Refusal> {
    // The frame may show another document by then, which has no business with this text.
    let tell = move |why| {
        send_view_to(tab, Whom::Document(frame, document.clone()), View::Why { why }, &card);
    };
    let order = Order { asker: Asker::Tab(tab), request, urgency: Urgency::Person };
    tell(why(host, order, explained, tell.clone()).await?);
    Ok(())
}

/// Which words pushed this verdict on a text; `tell` hears what is known before all is.
pub async fn why(
    host: &Rc<Host>,
    order: Order,
    (text, towards): (String, Sentiment),
    tell: impl Fn(WhyVerdict) + 'static,
) -> Result<WhyVerdict, Refusal> {
    match host.runner.done(Ticket::quiet(order), Work::why(text, towards, Box::new(tell))).await? {
        Verdict::Why(why) => Ok(why),
        _ => Err(unexpected()),
    }
}
