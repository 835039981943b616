//! The text models that the person brought: which there are, and which of them judges texts. Their list is in the
//! browser's own storage, their weights in IndexedDB beside the package's. It must never make a model: packing.rs does,
//! in a worker of the settings page.

use std::{future::Future, rc::Rc};

use js_sys::{Array, Object};
use wasm_bindgen::{JsCast, prelude::*};
use wasm_bindgen_futures::JsFuture;
use web_sys::Blob;

use super::{
    load::Loader,
    stock::Stocked,
    store::{self, StoreError},
};
use crate::{
    protocol::{OwnModel, OwnModels, Reason, Refusal},
    web::browser::{
        chrome,
        turns::{self, Turns},
        wire,
    },
};

/// extension/store.js looks here too, for what to read early.
const OWN_MODELS: &str = "ownModels";
/// Digits of the sha256 that name a model.
const N_ID_DIGITS: usize = 12;
const TITLE_CHARS_MAX: usize = 80;

thread_local! {
    static TURNS: Turns = turns::none_yet();
}

/// Those that can be read of what is kept: a damaged entry costs no other.
pub async fn all() -> OwnModels {
    let kept = kept().await;
    let entries = list_in(&kept);
    let models: Vec<OwnModel> = entries.iter().filter_map(|entry| wire::from_js(entry).ok()).collect();
    let chosen = chrome::get(&kept, "chosen").as_string().filter(|id| models.iter().any(|model| model.id == *id));
    OwnModels { models, chosen }
}

fn list_in(kept: &Object) -> Array {
    chrome::get(kept, "models").dyn_into().unwrap_or_default()
}

async fn kept() -> Object {
    let found = chrome::local_get(OWN_MODELS).await.map(|found| chrome::get(&found, OWN_MODELS));
    found.ok().and_then(|kept| kept.dyn_into().ok()).unwrap_or_default()
}

/// Lets the engine judge texts by the model that the person chose, where it is not the package's.
pub async fn follow(loader: &Loader) {
    let OwnModels { models, chosen } = all().await;
    loader.set_own(models.iter().find(|model| Some(&model.id) == chosen.as_ref()).map(Stocked::from));
}

/// Stores a packed model and chooses it. One that is there already is only chosen, under its new title.
pub async fn keep(loader: &Rc<Loader>, title: String, memory_bytes: u64, file: &JsValue) -> Result<OwnModels, Refusal> {
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
    in_turn(async {
        loader.keep_own(&Stocked::from(&model), weights).await?;
        let mut own = all().await;
        own.models.retain(|other| other.id != model.id);
        own.chosen = Some(model.id.clone());
        own.models.push(model);
        put(loader, own).await
    })
    .await
}

pub async fn choose(loader: &Rc<Loader>, model_id: Option<String>) -> Result<OwnModels, Refusal> {
    in_turn(async {
        let own = all().await;
        if let Some(unknown) = model_id.iter().find(|id| own.models.iter().all(|model| model.id != **id)) {
            return Err(bad(format!("there is no own model {unknown:?}")));
        }
        put(loader, OwnModels { chosen: model_id, ..own }).await
    })
    .await
}

pub async fn remove(loader: &Rc<Loader>, model_id: &str) -> Result<OwnModels, Refusal> {
    in_turn(async {
        let mut own = all().await;
        if own.models.iter().all(|model| model.id != model_id) {
            return Err(bad(format!("there is no own model {model_id:?}")));
        }
        own.models.retain(|model| model.id != model_id);
        own.chosen = own.chosen.filter(|chosen| chosen != model_id);
        let own = put(loader, own).await?;
        loader.remove(model_id).await?;
        Ok(own)
    })
    .await
}

/// Two clicks at once, or two open settings pages, would each keep the list without the other's change.
async fn in_turn<T>(change: impl Future<Output = T>) -> T {
    turns::in_turn(&TURNS, change).await
}

/// Keeps the list, and lets the engine judge by it. What stands in it that this version can't read stays.
async fn put(loader: &Loader, own: OwnModels) -> Result<OwnModels, Refusal> {
    let before = kept().await;
    let list = Array::from(&chrome::get(&wire::to_js(&own), "models"));
    let entries = list_in(&before);
    for unread in entries.iter().filter(|entry| wire::from_js::<OwnModel>(entry.clone()).is_err()) {
        list.push(&unread);
    }
    let kept = Object::assign(&Object::new(), &before);
    chrome::set(&kept, "models", &list);
    chrome::set(&kept, "chosen", &wire::to_js(&own.chosen));
    chrome::local_set(&chrome::object(&[(OWN_MODELS, kept.into())])).await.map_err(|thrown| Refusal {
        reason: Reason::Internal,
        detail: format!("the list of models can't be kept: {}; free some disk space", chrome::reason_of(&thrown)),
    })?;
    follow(loader).await;
    loader.tell_change();
    Ok(own)
}

fn bad(detail: String) -> Refusal {
    Refusal { reason: Reason::BadRequest, detail }
}
