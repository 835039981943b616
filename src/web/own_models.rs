//! The text models that the person brought: which there are, and which of them judges texts. Their list is in the
//! browser's own storage, their weights in IndexedDB beside the package's. It must never make a model: packing.rs does,
//! in a worker of the settings page.

use std::rc::Rc;

use wasm_bindgen::{JsCast, prelude::*};
use wasm_bindgen_futures::JsFuture;
use web_sys::Blob;

use super::{
    chrome,
    host::Host,
    stock::Stocked,
    store::{self, StoreError},
    wire,
};
use crate::protocol::{OwnModel, OwnModels, Reason, Refusal};

/// extension/store.js looks here too, for what to read early.
const OWN_MODELS: &str = "ownModels";
/// Digits of the sha256 that name a model.
const N_ID_DIGITS: usize = 12;
const TITLE_CHARS_MAX: usize = 80;

pub async fn all() -> OwnModels {
    let found = chrome::local_get(OWN_MODELS).await.map(|found| chrome::get(&found, OWN_MODELS));
    found.ok().and_then(|kept| wire::from_js(kept).ok()).unwrap_or_default()
}

/// The one that judges texts, where it is not the package's.
pub async fn chosen() -> Option<Stocked> {
    let OwnModels { models, chosen } = all().await;
    models.iter().find(|model| Some(&model.id) == chosen.as_ref()).map(Stocked::from)
}

/// Stores a packed model and chooses it. One that is there already is only chosen, under its new title.
pub async fn keep(host: &Rc<Host>, title: String, memory_bytes: u64, file: &JsValue) -> Result<OwnModels, Refusal> {
    let Some(weights) = file.dyn_ref::<Blob>() else {
        return Err(bad("a model comes with its packed file".to_owned()));
    };
    let bytes = JsFuture::from(weights.array_buffer()).await;
    let bytes = bytes.map_err(|thrown| StoreError::Read(chrome::reason_of(&thrown)))?;
    let sha256 = store::sha256_of(&bytes).await?;
    let model = OwnModel {
        id: format!("own-{}", &sha256[..N_ID_DIGITS]),
        title: title.chars().take(TITLE_CHARS_MAX).collect(),
        sha256,
        bytes: weights.size() as u64,
        memory_bytes,
    };
    host.lives.keep_own(&Stocked::from(&model), weights).await?;
    let mut own = all().await;
    own.models.retain(|other| other.id != model.id);
    own.chosen = Some(model.id.clone());
    own.models.push(model);
    follow(host, own).await
}

pub async fn choose(host: &Rc<Host>, model_id: Option<String>) -> Result<OwnModels, Refusal> {
    let own = all().await;
    if let Some(unknown) = model_id.iter().find(|id| own.models.iter().all(|model| model.id != **id)) {
        return Err(bad(format!("there is no own model {unknown:?}")));
    }
    follow(host, OwnModels { chosen: model_id, ..own }).await
}

pub async fn remove(host: &Rc<Host>, model_id: &str) -> Result<OwnModels, Refusal> {
    let mut own = all().await;
    if own.models.iter().all(|model| model.id != model_id) {
        return Err(bad(format!("there is no own model {model_id:?}")));
    }
    own.models.retain(|model| model.id != model_id);
    own.chosen = own.chosen.filter(|chosen| chosen != model_id);
    let own = follow(host, own).await?;
    host.lives.remove(model_id).await?;
    Ok(own)
}

/// Keeps the list, and lets the engine judge by it.
async fn follow(host: &Rc<Host>, own: OwnModels) -> Result<OwnModels, Refusal> {
    chrome::local_set(&chrome::object(&[(OWN_MODELS, wire::to_js(&own))])).await.map_err(|thrown| Refusal {
        reason: Reason::Internal,
        detail: format!("the list of models can't be kept: {}; free some disk space", chrome::reason_of(&thrown)),
    })?;
    host.lives.set_own(chosen().await);
    host.tell_change();
    Ok(own)
}

fn bad(detail: String) -> Refusal {
    Refusal { reason: Reason::BadRequest, detail }
}
