//! A passphrase that keeps protection as it is. What is stored of it is a slow hash; whoever may read this browser's files, or
//! take Sotto out of it, is stopped by none (docs/THREATS.md).

use js_sys::{Array, Date, Promise, Uint8Array};
use serde::{Deserialize, Serialize};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;

use super::browser::{
    chrome, hash, time,
    turns::{self, Turns},
    wire,
};
use crate::protocol::{LockState, PASSPHRASE_CHARACTERS_MIN, Reason, Refusal, UNLOCKED_MS};

const LOCK: &str = "lock";
/// In the session's memory: gone when the browser closes.
const SESSION_UNLOCKED_UNTIL: &str = "unlockedUntil";
/// About half a second of one core.
const ROUNDS: u32 = 1_000_000;
const SALT_BYTES: u32 = 16;
const HASH_BITS: u32 = 256;
/// Between two answers, however many ask.
const EACH_MS: i32 = 1_000;

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_namespace = crypto, js_name = getRandomValues)]
    fn fill_with_random(bytes: &Uint8Array) -> Uint8Array;

    #[wasm_bindgen(catch, js_namespace = ["crypto", "subtle"], js_name = importKey)]
    fn import_key(
        format: &str,
        key: &Uint8Array,
        algorithm: &str,
        extractable: bool,
        uses: &Array,
    ) -> Result<Promise, JsValue>;

    #[wasm_bindgen(catch, js_namespace = ["crypto", "subtle"], js_name = deriveBits)]
    fn derive_bits(algorithm: &JsValue, key: &JsValue, bits: u32) -> Result<Promise, JsValue>;
}

thread_local! {
    static TURNS: Turns = turns::none_yet();
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Kept {
    salt: Vec<u8>,
    hash: String,
    rounds: u32,
}

pub async fn state() -> LockState {
    match kept().await {
        Ok(None) => return LockState::None,
        Ok(Some(_)) => {}
        // Nobody gets in because a browser's storage fails for a moment.
        Err(_) => return LockState::Locked,
    }
    let found = chrome::session_get(SESSION_UNLOCKED_UNTIL).await;
    let until = found.ok().and_then(|found| chrome::get(&found, SESSION_UNLOCKED_UNTIL).as_f64());
    if until.is_some_and(|until| Date::now() < until) { LockState::Unlocked } else { LockState::Locked }
}

pub async fn is_locked() -> bool {
    state().await == LockState::Locked
}

/// Refuses what the passphrase must be given for.
pub async fn may_change() -> Result<(), Refusal> {
    if is_locked().await { Err(refused(Reason::Locked, "a passphrase keeps protection as it is")) } else { Ok(()) }
}

pub async fn set(passphrase: &str) -> Result<(), Refusal> {
    may_change().await?;
    if passphrase.chars().count() < PASSPHRASE_CHARACTERS_MIN {
        return Err(refused(Reason::BadRequest, "a passphrase has six characters or more"));
    }
    let salt = fill_with_random(&Uint8Array::new_with_length(SALT_BYTES)).to_vec();
    let hash = slow_hash(passphrase, &salt, ROUNDS).await.map_err(|thrown| internal(&thrown))?;
    let lock = wire::to_js(&Kept { salt, hash, rounds: ROUNDS });
    chrome::local_set(&chrome::object(&[(LOCK, lock)])).await.map_err(|thrown| internal(&thrown))?;
    lock_again().await
}

/// One after the other, and none of them answered sooner than a second after the one before.
pub async fn unlock(passphrase: &str) -> Result<(), Refusal> {
    turns::in_turn(&TURNS, async {
        let Some(Kept { salt, hash, rounds }) = kept().await? else { return Ok(()) };
        let late = time::timer(EACH_MS);
        let given = slow_hash(passphrase, &salt, rounds).await.map_err(|thrown| internal(&thrown))?;
        drop(JsFuture::from(late).await);
        if given != hash {
            return Err(refused(Reason::WrongPassphrase, "that is not the passphrase"));
        }
        let until = chrome::object(&[(SESSION_UNLOCKED_UNTIL, (Date::now() + f64::from(UNLOCKED_MS)).into())]);
        chrome::session_set(&until).await.map(drop).map_err(|thrown| internal(&thrown))
    })
    .await
}

pub async fn lock_again() -> Result<(), Refusal> {
    chrome::session_remove(SESSION_UNLOCKED_UNTIL).await.map(drop).map_err(|thrown| internal(&thrown))
}

pub async fn remove() -> Result<(), Refusal> {
    may_change().await?;
    chrome::local_remove(LOCK).await.map(drop).map_err(|thrown| internal(&thrown))
}

async fn kept() -> Result<Option<Kept>, Refusal> {
    let found = chrome::local_get(LOCK).await.map_err(|thrown| internal(&thrown))?;
    let lock = chrome::get(&found, LOCK);
    if lock.is_undefined() {
        return Ok(None);
    }
    // What can't be read locks all the same: nobody gets in by damaging it.
    let damaged = || Kept { salt: Vec::new(), hash: String::new(), rounds: ROUNDS };
    Ok(Some(wire::from_js(lock).unwrap_or_else(|_| damaged())))
}

async fn slow_hash(passphrase: &str, salt: &[u8], rounds: u32) -> Result<String, JsValue> {
    let bytes = Uint8Array::from(passphrase.as_bytes());
    let uses = Array::of1(&"deriveBits".into());
    let key = JsFuture::from(import_key("raw", &bytes, "PBKDF2", false, &uses)?).await?;
    let algorithm = chrome::object(&[
        ("name", "PBKDF2".into()),
        ("hash", "SHA-256".into()),
        ("salt", Uint8Array::from(salt).into()),
        ("iterations", rounds.into()),
    ]);
    let bits = JsFuture::from(derive_bits(&algorithm, &key, HASH_BITS)?).await?;
    Ok(hash::hex(&Uint8Array::new(&bits).to_vec()))
}

fn refused(reason: Reason, detail: &str) -> Refusal {
    Refusal { reason, detail: detail.to_owned() }
}

fn internal(thrown: &JsValue) -> Refusal {
    refused(Reason::Internal, &format!("the lock could not be kept or read: {}", chrome::reason_of(thrown)))
}
