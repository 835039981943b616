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
    let Verdict::Text(verdict) = host.runner.done(ticket, Work::text(text)).await? else {
        return Err(unexpected());
    };
    host.used();
    Ok(verdict)
}

/// The same, for a person who has a word about it, or had.
pub async fn judge_for_person(host: &Rc<Host>, text: &str, ticket: Ticket) -> Result<TextVerdict, Refusal> {
    let order = ticket.order.clone();
    let mut verdict = judge(host, text, ticket).await?;
    corrections::on_text(&mut verdict, text, &order).await;
    Ok(verdict)
}
