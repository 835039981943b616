//! Helpers: workers beside the background that judge what takes long, on the processor's other cores. There are none until a text
//! or many pictures need them, and each goes by itself a while after its last work (extension/helper.js). They lose nothing: what
//! a helper does not answer, the background does itself. They must never decide what is judged first, and hold no more than what
//! they are handed: weights, a picture, word pieces.

mod crew;
mod helper;

pub use crew::{Crew, Looked};
