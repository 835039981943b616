//! Any bytes as a message: of a content script or page to the worker, and of the worker to them. Refused or read; a request
//! that was read means the same after it was written and read again.

#![no_main]

use libfuzzer_sys::fuzz_target;
use sotto::protocol::{Reply, Request, View};

fuzz_target!(|bytes: &[u8]| {
    if let Ok(request) = serde_json::from_slice::<Request>(bytes) {
        let written = serde_json::to_string(&request).expect("a request can be written");
        let again: Request = serde_json::from_str(&written).expect("what was written can be read");
        assert_eq!(request, again);
    }
    // These come from the engine, which makes only numbers that JSON has; here they need only be read or refused.
    let _ = serde_json::from_slice::<Reply>(bytes);
    let _ = serde_json::from_slice::<View>(bytes);
});
