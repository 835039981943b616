//! What the frames of each tab have asked and not been answered yet. A tab has so many at most and takes its turn with a few
//! of them, so that none can lock the queue or fill the memory; and what is given up before it came as far as the queue, while
//! its picture was decoded, is known here. It must never know what was asked.

use std::{
    cell::{Cell, RefCell},
    future::poll_fn,
    rc::Rc,
    task::{Poll, Waker},
};

use crate::protocol::{Reason, Refusal, Urgency};

/// A tab's requests of one urgency beyond this wait before their picture is opened, which may take the browser 400 MB each;
/// and so a tab that asks much has no more than these in the queue before the next one of others.
const AT_WORK_PER_TAB_MAX: usize = 4;

pub struct Waiting {
    per_tab_max: usize,
    asked: RefCell<Vec<Rc<Entry>>>,
}

struct Entry {
    tab: i32,
    request: String,
    at_work: Cell<Option<Urgency>>,
    is_given_up: Cell<bool>,
    waker: RefCell<Option<Waker>>,
}

/// A request that counts as waiting until this is dropped.
pub struct Asked {
    waiting: Rc<Waiting>,
    entry: Rc<Entry>,
}

impl Waiting {
    pub fn at_most(per_tab_max: usize) -> Rc<Self> {
        Rc::new(Self { per_tab_max, asked: RefCell::default() })
    }

    /// What was asked and not answered yet, in all tabs.
    pub fn n(&self) -> usize {
        self.asked.borrow().len()
    }

    pub fn enter(self: &Rc<Self>, tab: i32, request: &str) -> Result<Asked, Refusal> {
        if self.count(tab, |_| true) >= self.per_tab_max {
            let detail = format!("{} requests of this tab are waiting already; ask again later", self.per_tab_max);
            return Err(Refusal { reason: Reason::OutOfMemory, detail });
        }
        let entry = Rc::new(Entry {
            tab,
            request: request.to_owned(),
            at_work: Cell::new(None),
            is_given_up: Cell::new(false),
            waker: RefCell::default(),
        });
        self.asked.borrow_mut().push(Rc::clone(&entry));
        Ok(Asked { waiting: Rc::clone(self), entry })
    }

    pub fn give_up(&self, tab: i32, named: impl Fn(&str) -> bool) {
        for entry in self.asked.borrow().iter().filter(|entry| entry.tab == tab && named(&entry.request)) {
            entry.is_given_up.set(true);
            entry.wake();
        }
    }

    pub fn is_given_up(&self, tab: i32, request: &str) -> bool {
        self.count(tab, |entry| entry.request == request && entry.is_given_up.get()) > 0
    }

    fn count(&self, tab: i32, wanted: impl Fn(&Entry) -> bool) -> usize {
        self.asked.borrow().iter().filter(|entry| entry.tab == tab && wanted(entry)).count()
    }
}

impl Asked {
    /// Waits until this is among the few of its tab that are worked on; from then on it is, until it is dropped.
    pub async fn turn(&self, urgency: Urgency) -> Result<(), Refusal> {
        poll_fn(|context| {
            if self.entry.is_given_up.get() {
                return Poll::Ready(Err(given_up()));
            }
            if self.waiting.count(self.entry.tab, |entry| entry.at_work.get() == Some(urgency)) < AT_WORK_PER_TAB_MAX {
                self.entry.at_work.set(Some(urgency));
                return Poll::Ready(Ok(()));
            }
            self.entry.waker.replace(Some(context.waker().clone()));
            Poll::Pending
        })
        .await
    }
}

impl Drop for Asked {
    fn drop(&mut self) {
        let mut asked = self.waiting.asked.borrow_mut();
        asked.retain(|entry| !Rc::ptr_eq(entry, &self.entry));
        // They stand in the order of their coming, and look in that order whether it is their turn.
        asked.iter().filter(|entry| entry.tab == self.entry.tab).for_each(|entry| entry.wake());
    }
}

impl Entry {
    fn wake(&self) {
        self.waker.take().into_iter().for_each(Waker::wake);
    }
}

pub fn given_up() -> Refusal {
    Refusal { reason: Reason::Cancelled, detail: "the request was given up".to_owned() }
}
