//! Sequences on their way through the text net, in parts: those that were taken are read here or elsewhere, come back in any
//! order, or unread, and then are taken again. It knows no net, and not who reads.

use std::ops::Range;

use super::sentiment::SentimentModel;

/// What goes through the net together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// Which sequences these are of all there are.
    pub place: Range<usize>,
    /// Word pieces, framed.
    pub sequences: Vec<Vec<u32>>,
}

/// Work that consists of such parts.
pub trait InParts {
    /// The next part; none where all are taken. What is taken is later either put or given back.
    fn take(&mut self, model: &SentimentModel) -> Option<Part>;

    /// The net's own answer for each sequence of a part.
    fn put(&mut self, model: &SentimentModel, place: Range<usize>, logits: &[Vec<f32>]);

    /// Nobody read this part.
    fn give_back(&mut self, place: Range<usize>);

    /// Whether there is a part to take.
    fn is_waiting(&self) -> bool;

    /// Whether all is read.
    fn is_read(&self) -> bool;
}

/// Which sequences are taken, and how many are read.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    n_all: usize,
    /// All before this one were taken at least once.
    next: usize,
    unread: Vec<Range<usize>>,
    n_read: usize,
}

impl Ledger {
    pub fn of(n_all: usize) -> Self {
        Self { n_all, ..Self::default() }
    }

    /// Takes those that came back unread first, else as many of the next as `fit` says, of those that are left.
    pub fn take(&mut self, fit: impl FnOnce(Range<usize>) -> usize) -> Option<Range<usize>> {
        if let Some(place) = self.unread.pop() {
            return Some(place);
        }
        if self.next == self.n_all {
            return None;
        }
        let start = self.next;
        self.next += fit(start..self.n_all);
        Some(start..self.next)
    }

    pub fn read(&mut self, place: &Range<usize>) {
        self.n_read += place.len();
    }

    pub fn give_back(&mut self, place: Range<usize>) {
        self.unread.push(place);
    }

    pub fn is_waiting(&self) -> bool {
        self.next < self.n_all || !self.unread.is_empty()
    }

    pub fn is_read(&self) -> bool {
        self.n_read == self.n_all
    }

    /// Taken at least once.
    pub fn n_taken(&self) -> usize {
        self.next
    }

    pub fn n_read(&self) -> usize {
        self.n_read
    }
}

/// How many of these lengths stay together within so many word pieces: at least one.
pub(super) fn n_together(lengths: impl Iterator<Item = usize>, n_pieces_max: usize) -> usize {
    let totals = lengths.scan(0, |total, length| {
        *total += length;
        Some(*total)
    });
    totals.take_while(|&total| total <= n_pieces_max).count().max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_that_comes_back_unread_is_taken_again() {
        let mut ledger = Ledger::of(5);
        let two = |left: Range<usize>| left.len().min(2);
        assert_eq!([ledger.take(two), ledger.take(two)], [Some(0..2), Some(2..4)]);
        ledger.give_back(0..2);
        ledger.read(&(2..4));
        assert_eq!([ledger.take(two), ledger.take(two), ledger.take(two)], [Some(0..2), Some(4..5), None]);
        assert!(!ledger.is_waiting() && !ledger.is_read());
        ledger.read(&(4..5));
        ledger.read(&(0..2));
        assert!(ledger.is_read());
        assert!(Ledger::of(0).is_read());
    }

    #[test]
    fn as_many_stay_together_as_fit_and_one_that_is_too_long() {
        let n = |lengths: &[usize]| n_together(lengths.iter().copied(), 10);
        assert_eq!([n(&[4, 6, 1]), n(&[4, 7]), n(&[11, 1]), n(&[])], [2, 1, 1, 1]);
    }
}
