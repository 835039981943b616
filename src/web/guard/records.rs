//! The records of what the person decided about files: in the browser's session memory, under hashes of site and file together,
//! never on disk; no file, no name and no address is kept anywhere.

use std::collections::BTreeMap;

use js_sys::Uint8Array;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use web_sys::Blob;

use crate::{
    protocol::{Reason, Refusal},
    web::{
        browser::{chrome, hash, wire},
        decoding::{DecodeError, FILE_BYTES_MAX},
    },
};

const SESSION_DECISIONS: &str = "decisions";
/// Beyond this many some are forgotten and asked about again; the browser allows the session 10 MB.
const DECISIONS_MAX: usize = 5000;

/// By the sha256 of a site and a file's sha256: whether the file may be uploaded there.
type Decisions = BTreeMap<String, bool>;

/// What was decided about a file on a site, where anything was.
pub async fn decided(file: &JsValue, site: &str) -> Result<Option<bool>, Refusal> {
    let key = key_of(file, site).await?;
    Ok(decisions().await.get(&key).copied())
}

pub async fn decide(file: &JsValue, site: &str, upload: bool) -> Result<(), Refusal> {
    let key = key_of(file, site).await?;
    let mut decisions = decisions().await;
    if decisions.len() >= DECISIONS_MAX {
        decisions.pop_first();
    }
    decisions.insert(key, upload);
    let items = chrome::object(&[(SESSION_DECISIONS, wire::to_js(&decisions))]);
    chrome::session_set(&items).await.map(drop).map_err(|thrown| internal(&thrown))
}

async fn decisions() -> Decisions {
    let found = chrome::session_get(SESSION_DECISIONS).await.map(|found| chrome::get(&found, SESSION_DECISIONS));
    found.ok().and_then(|value| wire::from_js(value).ok()).unwrap_or_default()
}

async fn key_of(file: &JsValue, site: &str) -> Result<String, Refusal> {
    let Some(blob) = file.dyn_ref::<Blob>() else {
        let detail = "no file stands beside the request; send a File as `picture`".to_owned();
        return Err(Refusal { reason: Reason::BadRequest, detail });
    };
    if blob.size() > FILE_BYTES_MAX {
        return Err(DecodeError::TooLarge(blob.size()).into());
    }
    let bytes = JsFuture::from(blob.array_buffer()).await.map_err(|thrown| internal(&thrown))?;
    let mut both = hash::sha256(&bytes).await.map_err(|thrown| internal(&thrown))?;
    both.extend(site.as_bytes());
    let key = hash::sha256(&Uint8Array::from(both.as_slice())).await.map_err(|thrown| internal(&thrown))?;
    Ok(hash::hex(&key))
}

fn internal(thrown: &JsValue) -> Refusal {
    Refusal { reason: Reason::Internal, detail: chrome::reason_of(thrown) }
}
