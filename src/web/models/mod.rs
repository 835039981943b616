//! Models inside a browser: what there is of them, where their weights rest, how these come into the engine, and how a
//! person brings one of their own. Nothing here knows who asks or what is judged.

pub mod feed;
pub mod load;
pub mod own;
mod packing;
mod stock;
mod store;

pub use load::Loader;
