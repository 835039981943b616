//! The corrections that are kept: in the browser's own storage, never the one that is synced, and read from there once in a
//! background's life. What can't be read stays where it is until the person removes all.

use std::{cell::RefCell, rc::Rc};

use base64::prelude::{BASE64_STANDARD, Engine as _};
use js_sys::Array;
use wasm_bindgen::prelude::*;

use crate::{
    image::Likeness,
    protocol::{Correction, Corrections, Reason, Refusal, Said},
    web::browser::{
        chrome,
        turns::{self, Turns},
        wire,
    },
};

const CORRECTIONS: &str = "corrections";

thread_local! {
    static KEPT: RefCell<Option<Rc<Kept>>> = const { RefCell::new(None) };
    static TURNS: Turns = turns::none_yet();
}

#[derive(Debug, Default)]
struct Kept {
    entries: Vec<Entry>,
    unread: Vec<JsValue>,
}

/// One correction as it is gone by.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    pub known: Known,
    pub said: Said,
}

/// What a text or picture is known again by.
#[derive(Debug, Clone, PartialEq)]
pub enum Known {
    Text(String),
    Picture(Box<Likeness>),
}

impl Known {
    /// Whether a word about one is a word about the other.
    pub fn is_like(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Text(one), Self::Text(other)) => one == other,
            (Self::Picture(one), Self::Picture(other)) => one.is_of(other),
            _ => false,
        }
    }
}

impl Entry {
    pub fn read(correction: &Correction) -> Result<Self, String> {
        let known = match correction {
            _ if !correction.is_right() => None,
            Correction::Text { hash, .. } => Some(Known::Text(hash.clone())),
            Correction::Picture { likeness, .. } => read_likeness(likeness).map(Box::new).map(Known::Picture),
        };
        let (Correction::Text { said, .. } | Correction::Picture { said, .. }) = *correction;
        known.map(|known| Self { known, said }).ok_or_else(|| format!("Sotto never wrote {correction:?}"))
    }

    fn written(&self) -> Correction {
        match &self.known {
            Known::Text(hash) => Correction::Text { hash: hash.clone(), said: self.said },
            Known::Picture(likeness) => {
                Correction::Picture { likeness: BASE64_STANDARD.encode(likeness.to_bytes()), said: self.said }
            }
        }
    }
}

pub fn read_likeness(text: &str) -> Option<Likeness> {
    Likeness::from_bytes(&BASE64_STANDARD.decode(text).ok()?)
}

pub async fn said_of_text(hash: &str) -> Option<Said> {
    let kept = kept().await.ok()?;
    kept.entries
        .iter()
        .find(|entry| matches!(&entry.known, Known::Text(known) if known == hash))
        .map(|entry| entry.said)
}

/// Of several the nearest.
pub async fn said_of_picture(seen: &Likeness) -> Option<Said> {
    let kept = kept().await.ok()?;
    let distances = kept.entries.iter().filter_map(|entry| match &entry.known {
        Known::Picture(known) if known.is_of(seen) => Some((known.distance(seen), entry.said)),
        _ => None,
    });
    distances.min_by_key(|(distance, _)| *distance).map(|(_, said)| said)
}

pub async fn knows_no_picture() -> bool {
    kept().await.is_ok_and(|kept| !kept.entries.iter().any(|entry| matches!(entry.known, Known::Picture(_))))
}

pub async fn all() -> Result<Corrections, Refusal> {
    let kept = kept().await?;
    Ok(Corrections { kept: kept.entries.iter().map(Entry::written).collect(), unread: kept.unread.len() as u32 })
}

/// One change after the other; one that is refused changes nothing.
pub async fn change(change: impl FnOnce(&mut Vec<Entry>) -> Result<(), Refusal>) -> Result<(), Refusal> {
    turns::in_turn(&TURNS, async {
        let before = kept().await?;
        let mut entries = before.entries.clone();
        change(&mut entries)?;
        let items: Array = entries.iter().map(|entry| wire::to_js(&entry.written())).collect();
        before.unread.iter().for_each(|unread| {
            items.push(unread);
        });
        let items = chrome::object(&[(CORRECTIONS, items.into())]);
        chrome::local_set(&items).await.map_err(|thrown| internal("kept", &thrown))?;
        KEPT.set(Some(Rc::new(Kept { entries, unread: before.unread.clone() })));
        Ok(())
    })
    .await
}

pub async fn remove_all() -> Result<(), Refusal> {
    turns::in_turn(&TURNS, async {
        chrome::local_remove(CORRECTIONS).await.map_err(|thrown| internal("removed", &thrown))?;
        KEPT.set(Some(Rc::default()));
        Ok(())
    })
    .await
}

async fn kept() -> Result<Rc<Kept>, Refusal> {
    if let Some(kept) = KEPT.with_borrow(Clone::clone) {
        return Ok(kept);
    }
    let found = chrome::local_get(CORRECTIONS).await.map_err(|thrown| internal("read", &thrown))?;
    let stored = chrome::get(&found, CORRECTIONS);
    let items: Vec<JsValue> = match stored.dyn_ref::<Array>() {
        Some(items) => items.iter().collect(),
        None if stored.is_undefined() => Vec::new(),
        None => vec![stored],
    };
    let mut kept = Kept::default();
    for item in items {
        match wire::from_js::<Correction>(item.clone()).and_then(|correction| Entry::read(&correction)) {
            Ok(entry) => kept.entries.push(entry),
            Err(_) => kept.unread.push(item),
        }
    }
    let kept = Rc::new(kept);
    KEPT.set(Some(Rc::clone(&kept)));
    Ok(kept)
}

fn internal(what: &str, thrown: &JsValue) -> Refusal {
    let detail = format!("corrections can't be {what}: {}", chrome::reason_of(thrown));
    Refusal { reason: Reason::Internal, detail }
}
