//! Sotto: private judgement of text and pictures inside the browser. The rooms in reading order; each may use only
//! those above it. ARCHITECTURE.md says why.

#![cfg_attr(not(test), warn(clippy::unwrap_used))]

pub mod models;

#[cfg(feature = "protocol")]
pub mod protocol;

#[cfg(feature = "protocol")]
pub mod evaluation;

pub mod kernels;

#[cfg(any(feature = "web", feature = "battery"))]
pub mod gpu;

#[cfg(feature = "engine")]
mod nn;

#[cfg(feature = "pack")]
pub mod pack;

#[cfg(feature = "pack")]
pub mod text;

#[cfg(feature = "engine")]
pub mod image;

#[cfg(feature = "engine")]
pub mod nets;

#[cfg(any(feature = "engine", feature = "pages"))]
pub mod tasks;

#[cfg(feature = "engine")]
pub mod engine;

#[cfg(all(feature = "browser", target_arch = "wasm32"))]
pub mod web;
