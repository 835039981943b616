//! What the steps of a test run counted, read from what cargo and the browsers' harness print.

#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Tally {
    pub n_passed: u64,
    pub n_failed: u64,
}

impl Tally {
    /// A step that is one check by itself.
    pub fn of_check(passed: bool) -> Tally {
        Tally { n_passed: u64::from(passed), n_failed: u64::from(!passed) }
    }

    pub fn add(&mut self, other: Tally) {
        self.n_passed += other.n_passed;
        self.n_failed += other.n_failed;
    }

    /// A tally of a program that ran tests. One that failed without a failed test (it didn't compile, it crashed), or
    /// that ran no test at all, counts as one failure: silence is not success.
    pub fn of_tests(program_succeeded: bool, counted: Tally) -> Tally {
        let silent = counted == Tally::default();
        let unexplained = !program_succeeded && counted.n_failed == 0;
        Tally { n_failed: counted.n_failed + u64::from(silent || unexplained), ..counted }
    }
}

/// Sums up `test result: ok. 12 passed; 0 failed; …`.
pub fn of_cargo(lines: &[String]) -> Tally {
    let mut tally = Tally::default();
    for line in lines.iter().filter_map(|line| line.trim().strip_prefix("test result: ")) {
        tally.n_passed += number_before(line, " passed");
        tally.n_failed += number_before(line, " failed");
    }
    tally
}

/// What the browsers of a test run asked of the network, as the harness counted it.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Network {
    pub n_browsers: u64,
    pub n_by_extension: u64,
    pub n_elsewhere: u64,
    pub n_by_pages: u64,
}

impl Network {
    /// Sums up `network tally: 0 by the extension, 0 elsewhere, 12 by pages to fixtures, …`, one line a browser.
    pub fn of_node(lines: &[String]) -> Network {
        let mut network = Network::default();
        for line in lines.iter().filter_map(|line| line.split_once("network tally: ").map(|(_, rest)| rest)) {
            network.n_browsers += 1;
            network.n_by_extension += number_before(line, " by the extension");
            network.n_elsewhere += number_before(line, " elsewhere");
            network.n_by_pages += number_before(line, " by pages");
        }
        network
    }

    pub fn add(&mut self, other: Network) {
        self.n_browsers += other.n_browsers;
        self.n_by_extension += other.n_by_extension;
        self.n_elsewhere += other.n_elsewhere;
        self.n_by_pages += other.n_by_pages;
    }

    /// Nobody asked for anything that must not be, and somebody listened: no browser counted is no proof.
    pub fn is_silent(&self) -> bool {
        self.n_browsers > 0 && self.n_by_pages > 0 && !self.is_heard()
    }

    /// Somebody asked for what must not be asked for.
    pub fn is_heard(&self) -> bool {
        self.n_by_extension > 0 || self.n_elsewhere > 0
    }
}

impl std::fmt::Display for Network {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Network { n_browsers, n_by_extension, n_elsewhere, n_by_pages } = self;
        write!(
            out,
            "requests by the extension: {n_by_extension}; to anywhere but the fixtures: {n_elsewhere}; \
             by pages to fixtures: {n_by_pages}; in {n_browsers} browsers"
        )
    }
}

fn number_before(line: &str, word: &str) -> u64 {
    let before = line.split(word).next().unwrap_or_default();
    let digits = before.rsplit(|c: char| !c.is_ascii_digit()).next().unwrap_or_default();
    if line.contains(word) { digits.parse().unwrap_or(0) } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str) -> Vec<String> {
        text.lines().map(str::to_string).collect()
    }

    #[test]
    fn cargo_results_of_every_binary_are_summed() {
        let said = "running 2 tests\ntest result: ok. 12 passed; 0 failed; 1 ignored; 0 measured\n\
            test result: FAILED. 3 passed; 2 failed; 0 ignored\n";
        assert_eq!(of_cargo(&lines(said)), Tally { n_passed: 15, n_failed: 2 });
    }

    #[test]
    fn requests_of_every_browser_are_summed_and_no_browser_is_no_proof() {
        let said = "# network tally: 0 by the extension, 0 elsewhere, 12 by pages to fixtures, 3 of Chromium's own refused\n\
            ok 1 - something\n# network tally: 1 by the extension, 2 elsewhere, 4 by pages to fixtures, 0 of Chromium's own refused\n";
        let network = Network::of_node(&lines(said));
        assert_eq!(network, Network { n_browsers: 2, n_by_extension: 1, n_elsewhere: 2, n_by_pages: 16 });
        assert!(!network.is_silent());
        assert!(Network { n_by_extension: 0, n_elsewhere: 0, ..network }.is_silent());
        assert!(!Network::default().is_silent());
    }

    #[test]
    fn silence_and_crashes_are_failures() {
        assert_eq!(Tally::of_tests(true, Tally::default()).n_failed, 1);
        assert_eq!(Tally::of_tests(false, Tally { n_passed: 4, n_failed: 0 }).n_failed, 1);
        assert_eq!(Tally::of_tests(false, Tally { n_passed: 4, n_failed: 2 }).n_failed, 2);
        assert_eq!(Tally::of_tests(true, Tally { n_passed: 4, n_failed: 0 }).n_failed, 0);
    }
}
