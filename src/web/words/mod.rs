//! The ways of a text: judged where it was selected, or written into one of Sotto's pages; and why it was judged so.

mod judge;
mod selection;
mod why;

pub use judge::{judge, judge_for_person};
pub use selection::{selection, selection_for_popup, text_in_popup};
pub use why::{bring_why, why, why_on_card};
