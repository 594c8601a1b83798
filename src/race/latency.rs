//! How long answers took.

use std::time::Duration;

use hdrhistogram::Histogram;
use serde_json::{Value, json};

/// Microseconds of the first bucket; each is twice the one before.
const FIRST_BUCKET_US: u64 = 1_000;

/// Times from the call to its definite answer, in microseconds with 3 digits; none while there is no answer.
#[derive(Default)]
pub struct Latencies(Option<Histogram<u64>>);

impl Latencies {
    pub fn record(&mut self, took: Duration) {
        if self.0.is_none() {
            // It fails for more than 5 digits only.
            self.0 = Histogram::new(3).ok();
        }
        if let Some(histogram) = &mut self.0 {
            // It grows as needed, as far as a u64 goes.
            let _recorded = histogram.record(u64::try_from(took.as_micros()).unwrap_or(u64::MAX));
        }
    }

    /// In ms.
    pub fn quantile(&self, quantile: f64) -> f64 {
        let micros = self.0.as_ref().map_or(0, |histogram| histogram.value_at_quantile(quantile));
        Duration::from_micros(micros).as_secs_f64() * 1_000.0
    }

    pub fn document(&self) -> Value {
        json!({ "p50": self.quantile(0.5), "p99": self.quantile(0.99), "max": self.quantile(1.0) })
    }

    /// Upper bounds in ms, and how many were below and not below the one before.
    pub fn buckets(&self) -> Vec<(u64, u64)> {
        let log = self.0.iter().flat_map(|histogram| histogram.iter_log(FIRST_BUCKET_US, 2.0));
        let buckets = log.map(|step| (step.value_iterated_to().div_ceil(1_000), step.count_since_last_iteration()));
        buckets.skip_while(|(_, count)| *count == 0).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_time_is_in_one_bucket_and_the_quantiles_are_in_ms() {
        let mut latencies = Latencies::default();
        assert_eq!((latencies.quantile(0.5), latencies.buckets()), (0.0, vec![]));
        for ms in [3, 3, 3, 40] {
            latencies.record(Duration::from_millis(ms));
        }
        assert_eq!(latencies.buckets().iter().map(|(_, count)| count).sum::<u64>(), 4);
        assert_eq!(latencies.buckets().first(), Some(&(4, 3)));
        assert!((latencies.quantile(0.5) - 3.0).abs() < 0.01 && (latencies.quantile(1.0) - 40.0).abs() < 0.1);
    }
}
