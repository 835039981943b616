//! Verdicts on pictures that were judged a moment ago, by what their bytes hash to: a feed shows the same ones again and again.
//! In this memory alone, bounded, and gone with it. It must never keep a picture.

use std::{cell::RefCell, collections::BTreeMap, future::Future};

use js_sys::Uint8ClampedArray;
use wasm_bindgen::{JsCast, prelude::*};
use wasm_bindgen_futures::JsFuture;
use web_sys::Blob;

use crate::{
    protocol::{Caution, PictureVerdict, Refusal},
    web::browser::{chrome, hash, time},
};

/// A verdict takes some hundred bytes.
const KEPT_MAX: usize = 1_000;
/// Larger files are judged anew: reading them costs as much.
const HASHED_BYTES_MAX: f64 = (16 << 20) as f64;

/// The sha256 of the picture's bytes, and what else a verdict depends on.
type Key = (Vec<u8>, String);

thread_local! {
    /// With the time when each was last asked for.
    static KNOWN: RefCell<BTreeMap<Key, (f64, PictureVerdict)>> = const { RefCell::new(BTreeMap::new()) };
}

/// What is known of this picture, or else what `judge` says, which is known from then on.
pub async fn or_judged(
    picture: &JsValue,
    caution: &Caution,
    model_id: &str,
    judge: impl Future<Output = Result<PictureVerdict, Refusal>>,
) -> Result<PictureVerdict, Refusal> {
    let key = key_of(picture, caution, model_id).await;
    if let Some(verdict) = key.as_ref().and_then(find) {
        return Ok(verdict);
    }
    let verdict = judge.await?;
    if let Some(key) = key {
        keep(key, &verdict);
    }
    Ok(verdict)
}

/// None for what can't be hashed: it is judged each time.
async fn key_of(picture: &JsValue, caution: &Caution, model_id: &str) -> Option<Key> {
    let (bytes, shape) = match picture.dyn_ref::<Blob>() {
        Some(blob) if blob.size() > HASHED_BYTES_MAX => return None,
        Some(blob) => (JsFuture::from(blob.array_buffer()).await.ok()?, String::new()),
        None => {
            // Of what only looks like pixels nothing is known: it is refused.
            let data: Uint8ClampedArray = chrome::get(picture, "data").dyn_into().ok()?;
            let side = |name: &str| chrome::get(picture, name).as_f64();
            (data.into(), format!("{} {}", side("width")?, side("height")?))
        }
    };
    let hash = hash::sha256(&bytes).await.ok()?;
    let Caution { thresholds, careful } = caution;
    Some((hash, format!("{model_id} {shape} {careful} {thresholds:?}")))
}

fn find(key: &Key) -> Option<PictureVerdict> {
    KNOWN.with_borrow_mut(|known| {
        let (asked_ms, verdict) = known.get_mut(key)?;
        *asked_ms = time::now_ms();
        Some(verdict.clone())
    })
}

fn keep(key: Key, verdict: &PictureVerdict) {
    KNOWN.with_borrow_mut(|known| {
        known.insert(key, (time::now_ms(), verdict.clone()));
        if known.len() > KEPT_MAX {
            let oldest = known.iter().min_by(|(_, (a, _)), (_, (b, _))| a.total_cmp(b)).map(|(key, _)| key.clone());
            oldest.and_then(|key| known.remove(&key));
        }
    });
}
