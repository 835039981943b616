//! One engine's life in the service worker, and everything that ends with it.

mod cards;
mod figures;
mod life;
mod runner;
mod shown;
mod waiting;

pub use cards::send_view_to;
pub use life::{Host, host, tell_of_panics};
pub use runner::{Ticket, unexpected};
pub use shown::{CARD, SURFACE, Shown, ShownIn, VERDICT};
pub use waiting::given_up;
