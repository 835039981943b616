//! Which tests passed, and with which inputs: with the very same ones they are not run again, as with `go test`. What is
//! kept lies below target/, so a fresh clone runs everything; `test --again` does too. A failure is never kept.

use crate::place;
use crate::stamp::{self, Inputs, Seal};
use crate::tally::{Network, Tally};
use std::path::PathBuf;

/// What came of one run of one test file, or of one step.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Outcome {
    pub tally: Tally,
    pub network: Network,
    pub seconds: f64,
}

/// One test file or step, and the inputs that it is about to run with.
pub struct Trial {
    record: PathBuf,
    seal: Seal,
}

impl Trial {
    pub fn new(name: &str, inputs: Inputs) -> Trial {
        let record = place::workshop().join("passed").join(name.replace('/', "-"));
        Trial { record, seal: inputs.seal() }
    }

    /// What came of it when it last passed with these inputs.
    pub fn kept(&self) -> Option<Outcome> {
        if self.seal.fits(&self.record) { self.last() } else { None }
    }

    /// How long its last run took, whatever it ran with.
    pub fn seconds(&self) -> Option<f64> {
        self.last().map(|outcome| outcome.seconds)
    }

    fn last(&self) -> Option<Outcome> {
        parse(&std::fs::read_to_string(&self.record).ok()?)
    }

    /// Keeps what came of it, if it passed. A record that can't be written costs the next run its time and nothing else.
    pub fn keep(&self, outcome: &Outcome) {
        if outcome.tally.n_failed > 0 {
            return;
        }
        stamp::lift(&self.record);
        let folder = self.record.parent().map_or(Ok(()), std::fs::create_dir_all);
        let written = folder.and_then(|()| std::fs::write(&self.record, print(outcome)));
        // The seal last: a record without it does not count.
        let _ = written.and_then(|()| self.seal.put(&self.record));
    }
}

fn print(Outcome { tally, network, seconds }: &Outcome) -> String {
    let Network { n_browsers, n_by_extension, n_elsewhere, n_by_pages } = network;
    format!("{} {n_browsers} {n_by_extension} {n_elsewhere} {n_by_pages} {seconds:.1}\n", tally.n_passed)
}

fn parse(text: &str) -> Option<Outcome> {
    let mut words = text.split_whitespace();
    let mut number = || words.next()?.parse::<u64>().ok();
    let tally = Tally { n_passed: number()?, n_failed: 0 };
    let network =
        Network { n_browsers: number()?, n_by_extension: number()?, n_elsewhere: number()?, n_by_pages: number()? };
    Some(Outcome { tally, network, seconds: words.next()?.parse().ok()? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_read_as_it_was_written() {
        let network = Network { n_browsers: 2, n_by_extension: 0, n_elsewhere: 0, n_by_pages: 33 };
        let outcome = Outcome { tally: Tally { n_passed: 17, n_failed: 0 }, network, seconds: 12.5 };
        assert_eq!(parse(&print(&outcome)), Some(outcome));
        assert_eq!(parse("17 2"), None);
    }

    #[test]
    fn only_what_passed_with_the_same_inputs_is_kept() {
        let name = format!("test-of-kept-{}", std::process::id());
        let trial = |input: &str| Trial::new(&name, Inputs::new("test").with("input", input.as_bytes()));
        let passed = Outcome { tally: Tally { n_passed: 1, n_failed: 0 }, seconds: 3.0, ..Outcome::default() };
        trial("a").keep(&Outcome { tally: Tally { n_passed: 1, n_failed: 1 }, ..passed });
        assert_eq!(trial("a").kept(), None);
        trial("a").keep(&passed);
        assert_eq!(trial("a").kept(), Some(passed));
        assert_eq!(trial("b").kept(), None);
        assert_eq!(trial("b").seconds(), Some(3.0));
        for file in [name.clone(), format!("{name}.stamp")] {
            std::fs::remove_file(place::workshop().join("passed").join(file)).unwrap();
        }
    }
}
