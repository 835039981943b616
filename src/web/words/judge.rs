//! One text through the engine's queue.

use std::rc::Rc;

use crate::{
    engine::{Verdict, Work},
    protocol::{Refusal, TextVerdict},
    web::{
        corrections,
        host::{Host, Ticket, unexpected},
    },
};

/// Judges a text, for whoever waits with the ticket.
pub async fn judge(host: &Rc<Host>, text: &str, ticket: Ticket) -> Result<TextVerdict, Refusal> {
    let order = ticket.order.clone();
    let Verdict::Text(mut verdict) = host.runner.done(ticket, Work::text(text)).await? else {
        return Err(unexpected());
    };
    host.used();
    corrections::on_text(&mut verdict, text, &order).await;
    Ok(verdict)
}
