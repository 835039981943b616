//! Where weights rest: one Blob per model in IndexedDB, under a key that names the model, the sha256 of its file and
//! the pack format's version. A Blob enters only after its hash was compared, so what is found under a key may be
//! trusted. It must never know what a model is for.

use std::{cell::RefCell, rc::Rc};

use js_sys::{Array, Promise, Uint8Array};
use thiserror::Error;
use wasm_bindgen::{JsCast, prelude::*};
use wasm_bindgen_futures::JsFuture;
use web_sys::{Blob, IdbDatabase, IdbFactory, IdbOpenDbRequest, IdbRequest, IdbTransactionMode};

use super::chrome;
use crate::models::Packaged;

const DATABASE: &str = "sotto";
const WEIGHTS: &str = "weights";

/// Slices of this size were read fastest: IndexedDB answers several at once, and none is large enough to hurt.
const SLICE_BYTES: f64 = 4.0 * 1024.0 * 1024.0;

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

/// A connection to the database. It closes when another version of Sotto wants to change the database's shape.
pub struct Store {
    database: IdbDatabase,
}

impl Store {
    pub async fn open() -> Result<Self, StoreError> {
        let closed = |thrown: JsValue| StoreError::Closed(chrome::reason_of(&thrown));
        let factory: IdbFactory = chrome::get(&js_sys::global(), "indexedDB").dyn_into().map_err(closed)?;
        let request = factory.open_with_u32(DATABASE, 1).map_err(closed)?;
        let upgraded = on_upgrade(&request);
        let database = settled(&request).await;
        drop(upgraded);
        let database: IdbDatabase = database.map_err(closed)?.unchecked_into();
        let to_close = database.clone();
        database.set_onversionchange(Some(Closure::once_into_js(move || to_close.close()).unchecked_ref()));
        Ok(Self { database })
    }

    /// Every key with weights behind it.
    pub async fn keys(&self) -> Result<Vec<String>, StoreError> {
        let read = |thrown: JsValue| StoreError::Read(chrome::reason_of(&thrown));
        let weights = self.weights(IdbTransactionMode::Readonly).map_err(read)?;
        let keys = settled(&weights.get_all_keys().map_err(read)?).await.map_err(read)?;
        Ok(Array::from(&keys).iter().filter_map(|key| key.as_string()).collect())
    }

    pub async fn get(&self, model: &Packaged) -> Result<Option<Blob>, StoreError> {
        let read = |thrown: JsValue| StoreError::Read(chrome::reason_of(&thrown));
        let weights = self.weights(IdbTransactionMode::Readonly).map_err(read)?;
        let found = settled(&weights.get(&key_of(model).into()).map_err(read)?).await.map_err(read)?;
        // A Blob of another size was cut short by a crash or by hand: as good as none.
        Ok(found.dyn_into::<Blob>().ok().filter(|blob| blob.size() == model.bytes as f64))
    }

    /// Keeps the Blob, then drops what older versions of the same model left behind.
    pub async fn put(&self, model: &Packaged, blob: &Blob) -> Result<(), StoreError> {
        let write = |thrown: JsValue| StoreError::Write(chrome::reason_of(&thrown));
        let key = key_of(model);
        let weights = self.weights(IdbTransactionMode::Readwrite).map_err(write)?;
        settled(&weights.put_with_key(blob, &JsValue::from_str(&key)).map_err(write)?).await.map_err(write)?;
        for old in self.keys().await?.into_iter().filter(|other| *other != key && same_model(other, model.id)) {
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

pub fn key_of(model: &Packaged) -> String {
    format!("{}/{}/{}", model.id, model.sha256, model.pack_version)
}

fn same_model(key: &str, model_id: &str) -> bool {
    key.split('/').next() == Some(model_id)
}

/// The slices of a Blob in order. All are asked for at once; each is handed over when it and those before it are there.
pub struct Slices {
    coming: std::vec::IntoIter<Promise>,
}

impl Slices {
    pub fn of(blob: &Blob) -> Result<Self, StoreError> {
        let n_slices = (blob.size() / SLICE_BYTES).ceil() as usize;
        let coming: Result<Vec<Promise>, JsValue> = (0..n_slices)
            .map(|index| {
                let start = index as f64 * SLICE_BYTES;
                Ok(blob.slice_with_f64_and_f64(start, start + SLICE_BYTES)?.array_buffer())
            })
            .collect();
        let coming = coming.map_err(|thrown| StoreError::Read(chrome::reason_of(&thrown)))?;
        Ok(Self { coming: coming.into_iter() })
    }

    pub async fn next(&mut self) -> Option<Result<Uint8Array, StoreError>> {
        let slice = JsFuture::from(self.coming.next()?).await;
        Some(match slice {
            Ok(buffer) => Ok(Uint8Array::new(&buffer)),
            Err(thrown) => Err(StoreError::Read(chrome::reason_of(&thrown))),
        })
    }
}

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(catch, js_namespace = ["crypto", "subtle"])]
    async fn digest(algorithm: &str, bytes: &JsValue) -> Result<JsValue, JsValue>;
}

/// Compares the sha256 of `bytes` (an ArrayBuffer or a view) with the package's figure.
pub async fn verify(model: &Packaged, what: &str, bytes: &JsValue) -> Result<(), StoreError> {
    let hash = digest("SHA-256", bytes).await.map_err(|thrown| StoreError::Read(chrome::reason_of(&thrown)))?;
    let found: String = Uint8Array::new(&hash).to_vec().iter().map(|byte| format!("{byte:02x}")).collect();
    if found == model.sha256 {
        return Ok(());
    }
    Err(StoreError::Damaged { what: what.to_owned(), found, expected: model.sha256.to_owned() })
}

/// Makes the one object store when the database is new. The returned closure must live until the request settles.
fn on_upgrade(request: &IdbOpenDbRequest) -> Closure<dyn FnMut()> {
    let asked = request.clone();
    let make = Closure::new(move || {
        if let Ok(database) = asked.result() {
            // Refused only when it exists already, and then there is nothing to do.
            let _ = database.unchecked_into::<IdbDatabase>().create_object_store(WEIGHTS);
        }
    });
    request.set_onupgradeneeded(Some(make.as_ref().unchecked_ref()));
    make
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
