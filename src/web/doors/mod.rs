//! What background.js calls: each export stands for one event of the browser. Who asks is told by the browser alone, and what
//! they may ask by the type that their message is read as.

mod connections;
mod menu;
mod requests;
mod sender;
mod start;
