//! The cases as plain WebAssembly functions, so that a page with a player runs them without bindings. Bytes and text cross as
//! pointer and length into the memory, which the page looks up anew after each call.

use std::sync::{LazyLock, Mutex, PoisonError};

use super::cases::{Case, cases};

static CASES: LazyLock<Vec<Case>> = LazyLock::new(cases);
static PROGRAMS: LazyLock<[String; 2]> = LazyLock::new(|| [false, true].map(super::program));
/// Where the page puts the sums that came back.
static SUMS: Mutex<Vec<i32>> = Mutex::new(Vec::new());
static MESSAGE: Mutex<String> = Mutex::new(String::new());

fn case(index: u32) -> &'static Case {
    &CASES[index as usize]
}

#[unsafe(no_mangle)]
extern "C" fn gpu_case_count() -> u32 {
    CASES.len() as u32
}

#[unsafe(no_mangle)]
extern "C" fn gpu_name_ptr(index: u32) -> *const u8 {
    case(index).name.as_ptr()
}

#[unsafe(no_mangle)]
extern "C" fn gpu_name_len(index: u32) -> u32 {
    case(index).name.len() as u32
}

#[unsafe(no_mangle)]
extern "C" fn gpu_program_ptr(has_packed_dots: u32) -> *const u8 {
    PROGRAMS[has_packed_dots as usize].as_ptr()
}

#[unsafe(no_mangle)]
extern "C" fn gpu_program_len(has_packed_dots: u32) -> u32 {
    PROGRAMS[has_packed_dots as usize].len() as u32
}

#[unsafe(no_mangle)]
extern "C" fn gpu_rows_ptr(index: u32) -> *const u8 {
    case(index).product().rows().as_ptr()
}

#[unsafe(no_mangle)]
extern "C" fn gpu_rows_len(index: u32) -> u32 {
    case(index).product().rows().len() as u32
}

#[unsafe(no_mangle)]
extern "C" fn gpu_weights_ptr(index: u32) -> *const u8 {
    case(index).product().weights().as_ptr()
}

#[unsafe(no_mangle)]
extern "C" fn gpu_weights_len(index: u32) -> u32 {
    case(index).product().weights().len() as u32
}

/// Number `at` of the shape.
#[unsafe(no_mangle)]
extern "C" fn gpu_shape(index: u32, at: u32) -> u32 {
    case(index).product().shape()[at as usize]
}

/// Workgroups side by side (0), and rows of them (1).
#[unsafe(no_mangle)]
extern "C" fn gpu_workgroups(index: u32, at: u32) -> u32 {
    case(index).product().workgroups()[at as usize]
}

/// Room for this case's sums.
#[unsafe(no_mangle)]
extern "C" fn gpu_sums_ptr(index: u32) -> *mut i32 {
    let mut sums = SUMS.lock().unwrap_or_else(PoisonError::into_inner);
    *sums = vec![0; case(index).product().n_sums()];
    sums.as_mut_ptr()
}

/// 0 where the sums that the page put there are the kernel's; otherwise the message says where they are not.
#[unsafe(no_mangle)]
extern "C" fn gpu_check(index: u32) -> u32 {
    let result = case(index).check(&SUMS.lock().unwrap_or_else(PoisonError::into_inner));
    let failed = result.is_err();
    *MESSAGE.lock().unwrap_or_else(PoisonError::into_inner) = result.err().unwrap_or_default();
    u32::from(failed)
}

/// What the last check had to say.
#[unsafe(no_mangle)]
extern "C" fn gpu_message_ptr() -> *const u8 {
    MESSAGE.lock().unwrap_or_else(PoisonError::into_inner).as_ptr()
}

#[unsafe(no_mangle)]
extern "C" fn gpu_message_len() -> u32 {
    MESSAGE.lock().unwrap_or_else(PoisonError::into_inner).len() as u32
}
