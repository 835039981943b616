//! The browser: the service worker that hosts the engine, its storage, and Sotto's pages. The only user of web_sys and
//! of the `chrome` object. It must never judge anything itself (`tasks/`) and never reach the network: the packaged
//! files are read by background.js, and no web_sys feature that can make a request is enabled.

pub mod chrome;
pub mod sites;
pub mod wire;

#[cfg(feature = "bench")]
pub mod bench;
#[cfg(feature = "web")]
pub mod connections;
#[cfg(feature = "web")]
pub mod decode;
#[cfg(feature = "web")]
pub mod figures;
#[cfg(feature = "web")]
pub mod flows;
#[cfg(feature = "web")]
pub mod guard;
#[cfg(feature = "web")]
pub mod host;
#[cfg(feature = "web")]
pub mod lives;
#[cfg(feature = "web")]
pub mod managed;
#[cfg(feature = "web")]
pub mod own_models;
#[cfg(feature = "web")]
pub mod packing;
#[cfg(feature = "web")]
pub mod requests;
#[cfg(feature = "web")]
pub mod runner;
#[cfg(feature = "web")]
pub mod scan;
#[cfg(feature = "web")]
pub mod sender;
#[cfg(feature = "web")]
pub mod sights;
#[cfg(feature = "web")]
pub mod stock;
#[cfg(feature = "web")]
pub mod store;
#[cfg(feature = "web")]
pub mod uploads;
#[cfg(feature = "web")]
pub mod waiting;
#[cfg(feature = "web")]
pub mod words;

#[cfg(feature = "pages")]
pub mod pages;
