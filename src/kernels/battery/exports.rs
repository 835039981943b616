//! The battery and the measurements as plain WebAssembly functions, so that a page runs them without bindings. Text
//! crosses as pointer and length into the memory. Time is the page's: it calls `bench_run` with as many repetitions as
//! its clock needs, and divides `bench_amount` by the time, or, where the unit is ms, the time by the repetitions.

use std::sync::{LazyLock, Mutex, PoisonError};

use super::measure::{MEASUREMENTS, Measurement, PEAK_ROUNDS, Work};
use super::{Case, Fast, cases};
use crate::kernels::{self, fast};

static CASES: LazyLock<Vec<Case>> = LazyLock::new(cases::<Fast>);
static MESSAGE: Mutex<String> = Mutex::new(String::new());

#[unsafe(no_mangle)]
extern "C" fn battery_case_count() -> u32 {
    CASES.len() as u32
}

#[unsafe(no_mangle)]
extern "C" fn battery_name_ptr(case: u32) -> *const u8 {
    CASES[case as usize].name.as_ptr()
}

#[unsafe(no_mangle)]
extern "C" fn battery_name_len(case: u32) -> u32 {
    CASES[case as usize].name.len() as u32
}

/// 0 where the flavour agrees with the reference; otherwise the message says where it does not.
#[unsafe(no_mangle)]
extern "C" fn battery_run(case: u32) -> u32 {
    let result = (CASES[case as usize].run)();
    let failed = result.is_err();
    *MESSAGE.lock().unwrap_or_else(PoisonError::into_inner) = result.err().unwrap_or_default();
    u32::from(failed)
}

/// What the last case that ran had to say.
#[unsafe(no_mangle)]
extern "C" fn battery_message_ptr() -> *const u8 {
    MESSAGE.lock().unwrap_or_else(PoisonError::into_inner).as_ptr()
}

#[unsafe(no_mangle)]
extern "C" fn battery_message_len() -> u32 {
    MESSAGE.lock().unwrap_or_else(PoisonError::into_inner).len() as u32
}

#[unsafe(no_mangle)]
extern "C" fn flavour_ptr() -> *const u8 {
    kernels::flavour().as_ptr()
}

#[unsafe(no_mangle)]
extern "C" fn flavour_len() -> u32 {
    kernels::flavour().len() as u32
}

/// How four-bit weights are multiplied here: "fused dots", "dots in parts" or "plain dots".
#[unsafe(no_mangle)]
extern "C" fn path_ptr() -> *const u8 {
    fast::path().as_ptr()
}

#[unsafe(no_mangle)]
extern "C" fn path_len() -> u32 {
    fast::path().len() as u32
}

static PREPARED: Mutex<Option<(u32, Work)>> = Mutex::new(None);

fn measurement(index: u32) -> &'static Measurement {
    &MEASUREMENTS[index as usize]
}

#[unsafe(no_mangle)]
extern "C" fn bench_count() -> u32 {
    MEASUREMENTS.len() as u32
}

#[unsafe(no_mangle)]
extern "C" fn bench_name_ptr(bench: u32) -> *const u8 {
    measurement(bench).name.as_ptr()
}

#[unsafe(no_mangle)]
extern "C" fn bench_name_len(bench: u32) -> u32 {
    measurement(bench).name.len() as u32
}

/// "GOP/s", "GB/s" or "ms".
#[unsafe(no_mangle)]
extern "C" fn bench_unit_ptr(bench: u32) -> *const u8 {
    measurement(bench).unit.as_ptr()
}

#[unsafe(no_mangle)]
extern "C" fn bench_unit_len(bench: u32) -> u32 {
    measurement(bench).unit.len() as u32
}

/// Operations or bytes of one repetition; 0 where the unit is ms.
#[unsafe(no_mangle)]
extern "C" fn bench_amount(bench: u32) -> f64 {
    measurement(bench).amount
}

/// The first call prepares the input; one measurement's memory at a time.
#[unsafe(no_mangle)]
extern "C" fn bench_run(bench: u32, repetitions: u32) {
    let mut prepared = PREPARED.lock().unwrap_or_else(PoisonError::into_inner);
    if prepared.as_ref().is_none_or(|(index, _)| *index != bench) {
        *prepared = None;
        *prepared = Some((bench, (measurement(bench).prepare)()));
    }
    if let Some((_, work)) = prepared.as_mut() {
        (0..repetitions).for_each(|_| work());
    }
}

/// The in-register peak alone, in hundredths of measurement 0, without touching what is prepared: to be run by turns with
/// another measurement, so that a busy machine slows both.
#[unsafe(no_mangle)]
extern "C" fn bench_peak(hundredths: u32) -> i32 {
    fast::peak(hundredths * (PEAK_ROUNDS / 100))
}
