//! One text through the engine's queue.

use std::rc::Rc;

use crate::{
    engine::{Verdict, Work},
    protocol::{Refusal, TextVerdict},
    web::host::{Host, Ticket, unexpected},
};

/// Judges a text, for whoever waits with the ticket.
pub async fn judge(host: &Rc<Host>, text: &str, ticket: Ticket) -> Result<TextVerdict, Refusal> {
    let Verdict::Text(verdict) = host.runner.done(ticket, Work::text(text)).await? else {
        return Err(unexpected());
    };
    host.used();
    Ok(verdict)
}
