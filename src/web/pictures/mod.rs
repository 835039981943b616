//! The ways of a picture: decoded by the browser, or cut out of a capture of the tab; judged when it is right-clicked, or with
//! all others of a page under scan. It must never keep a picture.

pub mod badge;
mod capture;
mod check;
mod judge;
mod known;
mod scan;

pub use check::check_picture;
pub use judge::{judge, judge_unheard, judge_with};
pub use scan::{InView, in_view, scanned, wish};
