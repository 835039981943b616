//! Where weights rest: one Blob per model in IndexedDB, under a key that names the model, the sha256 of its file and
//! the pack format's version. A Blob enters only after its hash was compared, so what is found under a key may be
//! trusted. It must never know what a model is for.

use std::{cell::RefCell, rc::Rc};

use js_sys::{Array, Function, Object, Promise, Uint8Array};
use thiserror::Error;
use wasm_bindgen::{JsCast, prelude::*};
use wasm_bindgen_futures::JsFuture;
use web_sys::{Blob, IdbDatabase, IdbRequest, IdbTransactionMode};

use super::stock::Stocked;
use crate::web::browser::{chrome, hash};

const WEIGHTS: &str = "weights";

#[derive(Debug, Error)]
pub enum StoreError {
    #[error("the browser refuses IndexedDB to this extension: {0}; allow site data for it and try again")]
    Closed(String),
    #[error("stored weights can't be read: {0}; clear them in the popup, the next use stores them again")]
    Read(String),
    #[error("weights can't be stored: {0}; free some disk space and try again")]
    Write(String),
    #[error("the packaged file {file} can't be read: {reason}; install Sotto again")]
    Package { file: String, reason: String },
    #[error("{what} has sha256 {found}, expected {expected}; it is damaged and was not used")]
    Damaged { what: String, found: String, expected: String },
}

/// extension/store.js, which may have begun to read before the engine was there.
#[derive(Clone)]
pub struct Door(Object);

impl Door {
    pub fn new(functions: Object) -> Self {
        Self(functions)
    }

    async fn ask(&self, name: &str, arguments: &[JsValue]) -> Result<JsValue, JsValue> {
        let arguments: Array = arguments.iter().collect();
        let asked = chrome::get(&self.0, name).dyn_into::<Function>()?.apply(&JsValue::NULL, &arguments)?;
        JsFuture::from(asked.unchecked_into::<Promise>()).await
    }

    pub async fn open(&self) -> Result<Store, StoreError> {
        let database = self.ask("openStore", &[]).await;
        let database = database.map_err(|thrown| StoreError::Closed(chrome::reason_of(&thrown)))?;
        Ok(Store { database: database.unchecked_into() })
    }

    /// The stored weights of a model, where they are those of this package.
    pub async fn read(&self, model: &Stocked) -> Result<Option<Slices>, StoreError> {
        let model_and_task = [JsValue::from_str(&model.id), JsValue::from_str(model.task.name())];
        let found = self.ask("readWeights", &model_and_task).await;
        let found = found.map_err(|thrown| StoreError::Closed(chrome::reason_of(&thrown)))?;
        // A Blob of another size was cut short by a crash or by hand: as good as none.
        let is_right = chrome::get(&found, "key").as_string().as_deref() == Some(&key_of(model))
            && chrome::get(&found, "bytes").as_f64() == Some(model.bytes as f64);
        Ok(is_right.then(|| Slices::new(&chrome::get(&found, "slices"))))
    }
}

/// A connection to the database, closed when it is dropped.
pub struct Store {
    database: IdbDatabase,
}

impl Drop for Store {
    fn drop(&mut self) {
        self.database.close();
    }
}

impl Store {
    /// Every key with weights behind it.
    pub async fn keys(&self) -> Result<Vec<String>, StoreError> {
        let read = |thrown: JsValue| StoreError::Read(chrome::reason_of(&thrown));
        let weights = self.weights(IdbTransactionMode::Readonly).map_err(read)?;
        let keys = settled(&weights.get_all_keys().map_err(read)?).await.map_err(read)?;
        Ok(Array::from(&keys).iter().filter_map(|key| key.as_string()).collect())
    }

    pub async fn get(&self, model: &Stocked) -> Result<Option<Blob>, StoreError> {
        let read = |thrown: JsValue| StoreError::Read(chrome::reason_of(&thrown));
        let weights = self.weights(IdbTransactionMode::Readonly).map_err(read)?;
        let found = settled(&weights.get(&key_of(model).into()).map_err(read)?).await.map_err(read)?;
        // A Blob of another size was cut short by a crash or by hand: as good as none.
        Ok(found.dyn_into::<Blob>().ok().filter(|blob| blob.size() == model.bytes as f64))
    }

    /// Keeps the Blob, then drops what older versions of the same model left behind.
    pub async fn put(&self, model: &Stocked, blob: &Blob) -> Result<(), StoreError> {
        let write = |thrown: JsValue| StoreError::Write(chrome::reason_of(&thrown));
        let key = key_of(model);
        let weights = self.weights(IdbTransactionMode::Readwrite).map_err(write)?;
        settled(&weights.put_with_key(blob, &JsValue::from_str(&key)).map_err(write)?).await.map_err(write)?;
        for old in self.keys().await?.into_iter().filter(|other| *other != key && same_model(other, &model.id)) {
            self.remove_key(&old).await?;
        }
        Ok(())
    }

    /// Removes every version of a model's weights.
    pub async fn remove(&self, model_id: &str) -> Result<(), StoreError> {
        for key in self.keys().await?.into_iter().filter(|key| same_model(key, model_id)) {
            self.remove_key(&key).await?;
        }
        Ok(())
    }

    async fn remove_key(&self, key: &str) -> Result<(), StoreError> {
        let write = |thrown: JsValue| StoreError::Write(chrome::reason_of(&thrown));
        let weights = self.weights(IdbTransactionMode::Readwrite).map_err(write)?;
        settled(&weights.delete(&JsValue::from_str(key)).map_err(write)?).await.map_err(write)?;
        Ok(())
    }

    fn weights(&self, mode: IdbTransactionMode) -> Result<web_sys::IdbObjectStore, JsValue> {
        self.database.transaction_with_str_and_mode(WEIGHTS, mode)?.object_store(WEIGHTS)
    }
}

pub fn key_of(model: &Stocked) -> String {
    format!("{}/{}/{}", model.id, model.sha256, model.pack_version)
}

fn same_model(key: &str, model_id: &str) -> bool {
    key.split('/').next() == Some(model_id)
}

/// Weights in order. Those of a Blob come in slices, all asked for at once, each handed over when it and those before it
/// are there.
pub struct Slices {
    coming: std::vec::IntoIter<Promise>,
}

impl Slices {
    /// Bytes that are there already.
    pub fn whole(bytes: Uint8Array) -> Self {
        Self { coming: vec![Promise::resolve(&JsValue::from(bytes))].into_iter() }
    }

    fn new(promises: &JsValue) -> Self {
        let coming: Vec<Promise> = Array::from(promises).iter().map(JsCast::unchecked_into).collect();
        Self { coming: coming.into_iter() }
    }

    pub async fn next(&mut self) -> Option<Result<Uint8Array, StoreError>> {
        let slice = JsFuture::from(self.coming.next()?).await;
        Some(match slice {
            // A new view of a buffer copies nothing; a new array of an array would.
            Ok(slice) => Ok(slice.dyn_into().unwrap_or_else(|buffer| Uint8Array::new(&buffer))),
            Err(thrown) => Err(StoreError::Read(chrome::reason_of(&thrown))),
        })
    }
}

/// The sha256 of `bytes`, an ArrayBuffer or a view, in hex.
pub async fn sha256_of(bytes: &JsValue) -> Result<String, StoreError> {
    let sum = hash::sha256(bytes).await.map_err(|thrown| StoreError::Read(chrome::reason_of(&thrown)))?;
    Ok(hash::hex(&sum))
}

/// Compares the sha256 of `bytes` with the figure that the model is known by.
pub async fn verify(model: &Stocked, what: &str, bytes: &JsValue) -> Result<(), StoreError> {
    let found = sha256_of(bytes).await?;
    if found == model.sha256 {
        return Ok(());
    }
    Err(StoreError::Damaged { what: what.to_owned(), found, expected: model.sha256.clone() })
}

type Handler = Closure<dyn FnMut()>;

/// The result of an IndexedDB request, or what it failed with.
async fn settled(request: &IdbRequest) -> Result<JsValue, JsValue> {
    let kept: Rc<RefCell<Vec<Handler>>> = Rc::default();
    let promise = Promise::new(&mut |resolve, reject| {
        let asked = request.clone();
        let succeeded = Closure::new(move || {
            let _ = resolve.call1(&JsValue::NULL, &asked.result().unwrap_or(JsValue::UNDEFINED));
        });
        let asked = request.clone();
        let failed = Closure::new(move || {
            let error = asked.error().ok().flatten().map_or(JsValue::from_str("it gave no reason"), JsValue::from);
            let _ = reject.call1(&JsValue::NULL, &error);
        });
        request.set_onsuccess(Some(succeeded.as_ref().unchecked_ref()));
        request.set_onerror(Some(failed.as_ref().unchecked_ref()));
        kept.borrow_mut().extend([succeeded, failed]);
    });
    let outcome = JsFuture::from(promise).await;
    // The event that woke us is over, so its closures may go.
    request.set_onsuccess(None);
    request.set_onerror(None);
    drop(kept);
    outcome
}
