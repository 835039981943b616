//! A packed file that is at hand as a Blob, on its way into an engine that does nothing else meanwhile: a helper's, or one that is
//! measured. It must never know what the model is for.

use js_sys::Uint8Array;
use wasm_bindgen::JsValue;
use wasm_bindgen_futures::JsFuture;
use web_sys::Blob;

use crate::{engine::Load, web::browser::chrome};

/// Weights come in pieces of this size, through one buffer, which linear memory keeps for ever.
const FEED_BYTES: u32 = 256 * 1024;
/// Asked of the browser at once.
const SLICE_BYTES: u32 = 4 << 20;

/// Feeds all of the file.
pub async fn feed(load: &mut Load, file: &Blob) -> Result<(), String> {
    let mut buffer = vec![0; FEED_BYTES as usize];
    for start in (0..file.size() as u64).step_by(SLICE_BYTES as usize) {
        let end = start + u64::from(SLICE_BYTES);
        let slice = file.slice_with_f64_and_f64(start as f64, end as f64).map_err(thrown)?;
        let slice = Uint8Array::new(&JsFuture::from(slice.array_buffer()).await.map_err(thrown)?);
        for start in (0..slice.length()).step_by(FEED_BYTES as usize) {
            let part = slice.subarray(start, slice.length().min(start + FEED_BYTES));
            let piece = &mut buffer[..part.length() as usize];
            part.copy_to(piece);
            load.feed(piece).map_err(|error| error.to_string())?;
        }
    }
    Ok(())
}

fn thrown(problem: JsValue) -> String {
    chrome::reason_of(&problem)
}
