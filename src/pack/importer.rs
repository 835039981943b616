//! What the importers share: who is told of progress, and how much is read at a time.

/// Settings of an import that don't come from the source.
#[derive(Debug, Clone)]
pub struct Import {
    /// What a person may call the model.
    pub name: String,
}

/// Told how much of the work is done, 0 to 100, as it changes.
pub trait Progress {
    /// Called when the number is another one than last time.
    fn percent(&mut self, percent: u8);
}

impl<F: FnMut(u8)> Progress for F {
    fn percent(&mut self, percent: u8) {
        self(percent);
    }
}

/// Source bytes that are read and converted together: large enough to be quick, small beside any tensor of note.
pub(crate) const BLOCK_BYTES: usize = 1 << 20;

/// Counts work and reports each new percent once.
pub(crate) struct Meter<P: Progress> {
    progress: P,
    n_done: u64,
    n_total: u64,
    percent: Option<u8>,
}

impl<P: Progress> Meter<P> {
    pub(crate) fn new(progress: P, n_total: u64) -> Self {
        Self { progress, n_done: 0, n_total: n_total.max(1), percent: None }
    }

    pub(crate) fn add(&mut self, n: u64) {
        self.n_done += n;
        let percent = (self.n_done * 100 / self.n_total).min(100) as u8;
        if self.percent != Some(percent) {
            self.percent = Some(percent);
            self.progress.percent(percent);
        }
    }
}
