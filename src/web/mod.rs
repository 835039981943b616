//! The browser: the service worker that hosts the engine, its storage, and Sotto's pages. The only user of web_sys and
//! of the `chrome` object. It must never judge anything itself (`tasks/`) and never reach the network: the packaged
//! files are read by JavaScript (background.js, and for one page packaged.js and prover.js), and no web_sys feature that can
//! make a request is enabled. The rooms stand in reading
//! order, and each may use only those above it (`cargo xtask rooms`).

mod browser;

#[cfg(any(feature = "web", feature = "pages"))]
mod switches;

#[cfg(feature = "web")]
mod settings;

#[cfg(feature = "web")]
mod lock;

#[cfg(feature = "web")]
mod corrections;

#[cfg(feature = "web")]
mod wishes;

#[cfg(feature = "web")]
mod measure;

#[cfg(feature = "web")]
mod models;

#[cfg(feature = "web")]
mod prove;

#[cfg(feature = "web")]
mod decoding;

#[cfg(feature = "web")]
mod helpers;

#[cfg(feature = "web")]
mod host;

#[cfg(feature = "web")]
mod words;

#[cfg(feature = "web")]
mod pictures;

#[cfg(feature = "web")]
mod guard;

#[cfg(feature = "web")]
mod protection;

#[cfg(feature = "web")]
mod in_force;

#[cfg(feature = "web")]
mod doors;

#[cfg(feature = "bench")]
mod bench;

#[cfg(feature = "pages")]
mod pages;
