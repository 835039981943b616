//! How long the last runs took.

/// Runs that the quantiles are taken over.
const KEPT: usize = 128;

#[derive(Debug, Default)]
pub struct Runs {
    count: u64,
    /// The last [`KEPT`] durations in milliseconds; the oldest is overwritten first.
    durations_ms: Vec<f64>,
}

impl Runs {
    pub fn add(&mut self, elapsed_ms: f64) {
        let slot = (self.count % KEPT as u64) as usize;
        match self.durations_ms.get_mut(slot) {
            Some(oldest) => *oldest = elapsed_ms,
            None => self.durations_ms.push(elapsed_ms),
        }
        self.count += 1;
    }

    pub fn count(&self) -> u64 {
        self.count
    }

    /// The duration that `share` of the last runs did not exceed; nothing before the first run.
    pub fn quantile(&self, share: f64) -> Option<f64> {
        let mut sorted = self.durations_ms.clone();
        sorted.sort_by(f64::total_cmp);
        let index = ((sorted.len() as f64 * share).ceil() as usize).saturating_sub(1);
        sorted.get(index).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_of_the_last_runs() {
        let mut runs = Runs::default();
        assert_eq!(runs.quantile(0.5), None);
        (1..=100).for_each(|n| runs.add(f64::from(n)));
        assert_eq!((runs.quantile(0.5), runs.quantile(0.95)), (Some(50.0), Some(95.0)));
        (0..KEPT).for_each(|_| runs.add(7.0));
        assert_eq!((runs.count(), runs.quantile(0.95)), (228, Some(7.0)));
    }
}
