//! Words to the cards that stand on pages. A card that was closed hears nothing, as it should.

use wasm_bindgen_futures::spawn_local;

use crate::{
    protocol::{ToFrame, View},
    web::browser::scripts::{Whom, tell},
};

/// A card that waits for a verdict.
pub struct WaitingCard {
    pub tab: i32,
    pub frame: f64,
    pub request: String,
}

/// Sends a view to the card of a frame, without waiting.
pub fn send_view(tab: i32, frame: f64, view: View, request: &str) {
    send_view_to(tab, Whom::Frame(frame), view, request);
}

pub fn send_view_to(tab: i32, whom: Whom, view: View, request: &str) {
    let message = ToFrame::Card { request: request.to_owned(), view };
    spawn_local(async move { drop(tell(tab, &whom, &message).await) });
}
