//! What the guard is to do with a file: its verdict, and what the person decided about the same file on the same site
//! earlier in this browser session. Decisions are kept in the browser's session memory under hashes of site and file
//! together, never on disk; no file, no name and no address is kept anywhere.

use std::{collections::BTreeMap, rc::Rc};

use js_sys::{Promise, Uint8Array};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use web_sys::Blob;

use super::{
    chrome,
    decode::{DecodeError, FILE_BYTES_MAX},
    guard,
    host::Host,
    wire,
};
use crate::{
    engine::Order,
    protocol::{Action, Course, Reason, Refusal, UploadVerdict},
};

const SESSION_DECISIONS: &str = "decisions";
/// Beyond this many some are forgotten and asked about again; the browser allows the session 10 MB.
const DECISIONS_MAX: usize = 5000;

/// By the sha256 of a site and a file's sha256: whether the file may be uploaded there.
type Decisions = BTreeMap<String, bool>;

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(catch, js_namespace = ["crypto", "subtle"], js_name = digest)]
    fn digest(algorithm: &str, bytes: &JsValue) -> Result<Promise, JsValue>;
}

pub async fn judge(
    host: &Rc<Host>,
    file: &JsValue,
    site: Option<&str>,
    order: Order,
) -> Result<UploadVerdict, Refusal> {
    let verdict = host.judge_picture(file, order).await?;
    if !verdict.unsuitable {
        return Ok(UploadVerdict { course: Course::Pass, verdict });
    }
    if guard::settings().await.action == Action::Block {
        return Ok(UploadVerdict { course: Course::HoldBack, verdict });
    }
    let decided = match site {
        // A file that can't be read twice was never decided about.
        Some(site) => match key_of(file, site).await {
            Ok(key) => decisions().await.get(&key).copied(),
            Err(_) => None,
        },
        None => None,
    };
    let course = match decided {
        Some(true) => Course::Pass,
        Some(false) => Course::HoldBack,
        None => Course::Ask,
    };
    Ok(UploadVerdict { course, verdict })
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
    let mut both = sha256(&bytes).await?;
    both.extend(site.as_bytes());
    let key = sha256(&Uint8Array::from(both.as_slice())).await?;
    Ok(key.iter().map(|byte| format!("{byte:02x}")).collect())
}

async fn sha256(bytes: &JsValue) -> Result<Vec<u8>, Refusal> {
    let summed = async { JsFuture::from(digest("SHA-256", bytes)?).await };
    let sum = summed.await.map_err(|thrown: JsValue| internal(&thrown))?;
    Ok(Uint8Array::new(&sum).to_vec())
}

fn internal(thrown: &JsValue) -> Refusal {
    Refusal { reason: Reason::Internal, detail: chrome::reason_of(thrown) }
}
