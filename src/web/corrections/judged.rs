//! What was judged a moment ago and shown to a person, by the name of the request, so that a word about it needs to bring nothing
//! but that name. In the browser's session memory, because a card stands longer than the background runs; never on disk.

use std::cell::RefCell;

use serde::{Deserialize, Serialize};
use wasm_bindgen_futures::spawn_local;

use crate::{
    engine::{Asker, Order},
    protocol::Sentiment,
    web::browser::{chrome, wire},
};

const SESSION_JUDGED: &str = "judged";
/// Nobody looks at more; a dialog about an upload lists as many files as were picked.
const JUDGED_MAX: usize = 48;

/// What was judged, as hashes, and what Sotto said.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Judged {
    Text { hash: String, sentiment: Sentiment },
    Picture { likeness: String, unsuitable: bool },
}

/// With the name of the request.
type Named = (String, Judged);

thread_local! {
    /// None until the first is asked for or remembered: what an earlier background remembered is read then.
    static JUDGED: RefCell<Option<Vec<Named>>> = const { RefCell::new(None) };
}

pub async fn remember(order: &Order, judged: Judged) {
    read().await;
    let name = name_of(order);
    let items = JUDGED.with_borrow_mut(|all| {
        let all = all.get_or_insert_default();
        all.retain(|(other, _)| *other != name);
        all.push((name, judged));
        all.drain(..all.len().saturating_sub(JUDGED_MAX));
        wire::to_js(all)
    });
    // The verdict does not wait for it.
    spawn_local(async move {
        let _ = chrome::session_set(&chrome::object(&[(SESSION_JUDGED, items)])).await;
    });
}

pub async fn recall(order: &Order) -> Option<Judged> {
    read().await;
    let name = name_of(order);
    JUDGED.with_borrow(|all| Some(all.as_ref()?.iter().find(|(other, _)| *other == name)?.1.clone()))
}

async fn read() {
    if JUDGED.with_borrow(Option::is_some) {
        return;
    }
    let found = chrome::session_get(SESSION_JUDGED).await.map(|found| chrome::get(&found, SESSION_JUDGED));
    let earlier: Vec<Named> = found.ok().and_then(|found| wire::from_js(found).ok()).unwrap_or_default();
    JUDGED.with_borrow_mut(|all| {
        all.get_or_insert(earlier);
    });
}

/// A tab is told from another, and from our pages, by the browser alone.
fn name_of(Order { asker, request, .. }: &Order) -> String {
    match asker {
        Asker::Own => format!("own {request}"),
        Asker::Tab(tab) => format!("{tab} {request}"),
    }
}
