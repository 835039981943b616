//! Who waits for what, in the order in which they are served: the more urgent first, and first come first served among
//! equals. It must never know how work is done.

use std::collections::BTreeMap;

use super::work::{JobId, Work};
use crate::protocol::Urgency;

/// Who asked. Only the same asker may give a request up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asker {
    /// A page of Sotto's, or Sotto itself.
    Own,
    /// A content script, by the browser's number of its tab.
    Tab(i32),
}

/// The head of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    /// Who waits for it.
    pub asker: Asker,
    /// The asker's own name for its request.
    pub request: String,
    /// What goes first.
    pub urgency: Urgency,
}

pub(super) struct Job {
    pub id: JobId,
    pub order: Order,
    pub model_id: String,
    pub work: Work,
}

impl Job {
    pub(super) fn place(&self) -> Place {
        (self.order.urgency, self.id)
    }
}

/// Where a job stands: the smallest is served first.
pub(super) type Place = (Urgency, JobId);

#[derive(Default)]
pub(super) struct Queue {
    jobs: BTreeMap<Place, Job>,
}

impl Queue {
    /// A job that was taken out between two steps comes back to its own place.
    pub(super) fn put(&mut self, job: Job) {
        self.jobs.insert(job.place(), job);
    }

    /// Takes out the first job that `can_go_on`.
    pub(super) fn take_first(&mut self, can_go_on: impl Fn(&Job) -> bool) -> Option<Job> {
        let place = self.jobs.values().find(|job| can_go_on(job))?.place();
        self.jobs.remove(&place)
    }

    pub(super) fn take_all(&mut self, wanted: impl Fn(&Job) -> bool) -> Vec<Job> {
        self.jobs.extract_if(.., |_, job| wanted(job)).map(|(_, job)| job).collect()
    }

    /// All jobs in the order in which they are served.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Job> {
        self.jobs.values()
    }

    /// The same, for their work to be changed; none changes its place.
    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Job> {
        self.jobs.values_mut()
    }
}
