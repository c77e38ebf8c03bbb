//! Lines on their way through the crate that reads values.

use std::io;

use prometheus_parse::Scrape;
use prometheus_parse::Value;

use crate::sources::exposition::Exposition;
use crate::sources::exposition::Raw;
use crate::sources::exposition::Sample;
use crate::sources::exposition::openmetrics::Strict;

/// Lines given to the crate at once: enough to drown the cost of a call, little enough to stay in the cache.
pub(super) const BATCH: usize = 2_048;

/// A sample and whether it carries an exemplar, or what is wrong with its value.
type Parsed = Result<(Sample, bool), &'static str>;

/// Lines on their way through the crate: the canonical text, and what was taken out of it.
#[derive(Debug, Default)]
pub(super) struct Batch {
    canonical: Vec<io::Result<String>>,
    /// Line, sample, and whether it carries an exemplar.
    taken: Vec<(usize, Sample, bool)>,
}

impl Batch {
    pub(super) fn len(&self) -> usize {
        self.taken.len()
    }

    pub(super) fn push(&mut self, number: usize, raw: Raw<'_>) {
        // `m{i="7"} 12.5`: only word characters are left for the crate to read.
        let i = self.taken.len();
        self.canonical.push(Ok(format!("m{{i=\"{i}\"}} {}", raw.value)));
        let sample = Sample { name: raw.name, labels: raw.labels, value: f64::NAN, timestamp_ms: raw.timestamp_ms };
        self.taken.push((number, sample, raw.exemplar));
    }

    /// Gives out what was read.
    pub(super) fn empty_into(&mut self, out: &mut Exposition) {
        for (number, read) in self.read() {
            match read {
                Ok((sample, _)) => out.samples.push(sample),
                Err(why) => out.reject(number, why),
            }
        }
    }

    /// Gives out what was read, and holds it against what its family demands.
    pub(super) fn judge_into(&mut self, out: &mut Exposition, strict: &mut Strict) {
        for (number, read) in self.read() {
            match read {
                Ok((sample, exemplar)) => {
                    if let Err(why) = strict.sample(number, &sample, exemplar) {
                        out.reject(number, why);
                    }
                    out.samples.push(sample);
                }
                Err(why) => out.reject(number, why),
            }
        }
    }

    /// Reads the values and puts names and labels back. What the crate did not give back is a problem.
    fn read(&mut self) -> Vec<(usize, Parsed)> {
        let mut values: Vec<Option<f64>> = vec![None; self.taken.len()];
        if let Ok(scrape) = Scrape::parse_at(self.canonical.drain(..), chrono::DateTime::UNIX_EPOCH) {
            for sample in scrape.samples {
                let place = sample.labels.get("i").and_then(|i| i.parse::<usize>().ok());
                if let (Some(slot), Value::Untyped(v)) = (place.and_then(|i| values.get_mut(i)), sample.value) {
                    *slot = Some(v);
                }
            }
        }
        let with_value = |((number, sample, exemplar), value): ((usize, Sample, bool), Option<f64>)| {
            let read = value.map(|value| (Sample { value, ..sample }, exemplar)).ok_or("the value is not a number");
            (number, read)
        };
        self.taken.drain(..).zip(values).map(with_value).collect()
    }
}
