//! The browser itself, as all other rooms see it: its functions typed once, values and scripts on their way to it, and what
//! it calls a site. Nothing here knows what Sotto is for.

pub mod chrome;
#[cfg(feature = "web")]
pub mod hash;
#[cfg(feature = "web")]
pub mod scripts;
pub mod sites;
#[cfg(feature = "web")]
pub mod tabs;
pub mod time;
#[cfg(feature = "web")]
pub mod turns;
#[cfg(feature = "web")]
pub mod untrusted;
pub mod wire;
