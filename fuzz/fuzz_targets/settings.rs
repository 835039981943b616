//! Any bytes as the settings that the browser's storage or a person's file holds: refused or read, and what was read
//! means the same after it was kept and read again. Fields of another version are no reason to lose the rest.

#![no_main]

use libfuzzer_sys::fuzz_target;
use sotto::protocol::Settings;

fuzz_target!(|bytes: &[u8]| {
    let Ok(settings) = serde_json::from_slice::<Settings>(bytes) else { return };
    let kept = serde_json::to_string(&settings).expect("settings can be written");
    assert_eq!(settings, serde_json::from_str(&kept).expect("what was kept can be read"));
    assert!(settings.thresholds.values().all(|share| (0.0..=1.0).contains(share)));
});
