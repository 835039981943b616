//! Any bytes as a message: of a content script or page to the worker, and of the worker to them. Refused or read; a request
//! that was read means the same after it was written and read again.

#![no_main]

use libfuzzer_sys::fuzz_target;
use sotto::protocol::{Answer, FoundFrame, FoundPicture, FrameAsk, FromMeasurer, FromPacker, PageAsk, Selected, ToFrame, ToPage};

macro_rules! means_the_same {
    ($bytes:ident: $($type:ty),*) => { $(
        if let Ok(read) = serde_json::from_slice::<$type>($bytes) {
            let written = serde_json::to_string(&read).expect("what was read can be written");
            let again: $type = serde_json::from_str(&written).expect("what was written can be read");
            assert_eq!(read, again);
        }
    )* };
}

fuzz_target!(|bytes: &[u8]| {
    means_the_same!(bytes: FrameAsk, PageAsk, Selected, FoundPicture, FoundFrame);
    // These come from the engine, which makes only numbers that JSON has; here they need only be read or refused.
    let _ = serde_json::from_slice::<Answer>(bytes);
    let _ = serde_json::from_slice::<ToFrame>(bytes);
    let _ = serde_json::from_slice::<ToPage>(bytes);
    let _ = serde_json::from_slice::<FromPacker>(bytes);
    let _ = serde_json::from_slice::<FromMeasurer>(bytes);
});
