//! The simulated load: counters and histograms of requests, as an exporter would keep them.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Mutex;
use std::sync::MutexGuard;

use crate::lab::story::Conditions;
use crate::model::time::Millis;

/// Bounds of the duration histogram, in seconds; those of the Python client, which Django exporters use.
const BOUNDS: [f64; 14] = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0];

/// Endpoints with their share of the traffic and their usual duration in seconds.
const ENDPOINTS: [(&str, &str, f64, f64); 4] = [
    ("POST", "/api/llamadas/", 0.14, 0.120),
    ("GET", "/api/agentes/", 0.46, 0.045),
    ("GET", "/api/reportes/{id}/", 0.25, 0.180),
    ("POST", "/api/login/", 0.15, 0.090),
];
/// Requests a second: a call centre at night.
const PER_SECOND: f64 = 24.0;

/// What the target has counted so far.
#[derive(Default)]
pub(super) struct Load {
    counted: Mutex<Counted>,
}

#[derive(Default)]
pub(super) struct Counted {
    requests: BTreeMap<(&'static str, &'static str, u16), u64>,
    buckets: [u64; BOUNDS.len() + 1],
    sum: f64,
    owed: f64,
    random: u64,
    pub(super) conditions: Conditions,
}

impl Load {
    pub(super) fn counted(&self) -> MutexGuard<'_, Counted> {
        // A step that panicked has left counters that still count.
        self.counted.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// Lets `passed` milliseconds of requests happen.
    pub(super) fn step(&self, conditions: &Conditions, passed: Millis) {
        let mut c = self.counted();
        c.conditions = *conditions;
        c.owed += PER_SECOND * passed as f64 / 1_000.0;
        while c.owed >= 1.0 {
            c.owed -= 1.0;
            c.one();
        }
    }

    /// The page an exporter shows.
    pub(super) fn metrics(&self) -> String {
        let c = self.counted();
        let mut out = String::with_capacity(4_096);
        out.push_str(
            "# HELP http_requests_total Requests by method, endpoint and status.\n# TYPE http_requests_total counter\n",
        );
        for ((method, path, status), n) in &c.requests {
            let _ =
                writeln!(out, "http_requests_total{{method=\"{method}\",endpoint=\"{path}\",status=\"{status}\"}} {n}");
        }
        out.push_str(
            "# HELP http_request_duration_seconds Time to answer.\n# TYPE http_request_duration_seconds histogram\n",
        );
        let mut all = 0;
        for (bound, n) in BOUNDS.iter().zip(c.buckets) {
            all += n;
            let _ = writeln!(out, "http_request_duration_seconds_bucket{{le=\"{bound}\"}} {all}");
        }
        all += c.buckets[BOUNDS.len()];
        let _ = writeln!(out, "http_request_duration_seconds_bucket{{le=\"+Inf\"}} {all}");
        let _ = writeln!(out, "http_request_duration_seconds_sum {}\nhttp_request_duration_seconds_count {all}", c.sum);
        out
    }
}

impl Counted {
    /// A number from 0 to 1 (xorshift64*): the same night every time.
    fn chance(&mut self) -> f64 {
        let mut x = if self.random == 0 { 0x9E37_79B9_7F4A_7C15 } else { self.random };
        x ^= x >> 12;
        x ^= x << 25;
        x ^= x >> 27;
        self.random = x;
        (x.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 11) as f64 / (1u64 << 53) as f64
    }

    fn one(&mut self) {
        let mut pick = self.chance();
        let mut endpoint = ENDPOINTS[0];
        for e in ENDPOINTS {
            endpoint = e;
            if pick < e.2 {
                break;
            }
            pick -= e.2;
        }
        let (method, path, _, usual) = endpoint;
        let conditions = self.conditions;
        let failing = match () {
            () if conditions.database_gone => 0.8,
            () if path == ENDPOINTS[0].1 => conditions.failing,
            () => 0.001,
        };
        let failed = self.chance() < failing;
        let ok = if method == "POST" { 201 } else { 200 };
        *self.requests.entry((method, path, if failed { 500 } else { ok })).or_default() += 1;
        // Long tails: a tenth of the requests takes three times as long.
        let tail = if self.chance() < 0.1 { 3.0 } else { 1.0 };
        let waiting = if conditions.slow { 0.6 + 2.4 * self.chance() } else { 0.0 };
        let took = usual * (0.5 + self.chance()) * tail + waiting;
        let place = BOUNDS.iter().position(|b| took <= *b).unwrap_or(BOUNDS.len());
        self.buckets[place] += 1;
        self.sum += took;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sources::exposition;

    #[test]
    fn what_it_shows_is_read_without_a_problem() {
        let load = Load::default();
        load.step(&Conditions { failing: 0.9, ..Conditions::default() }, 10_000);
        let read = exposition::read(load.metrics().as_bytes(), exposition::Format::Text);
        assert_eq!(read.rejected, 0);
        let total: f64 = read.samples.iter().filter(|s| s.name == "http_requests_total").map(|s| s.value).sum();
        assert!((total - 240.0).abs() <= 1.0, "{total}");
        let failed: f64 = read.samples.iter().filter(|s| s.label("status") == Some("500")).map(|s| s.value).sum();
        // Nine tenths of the seventh of the traffic that the failing endpoint has.
        assert!((0.05..0.25).contains(&(failed / total)), "{failed} of {total}");
    }
}
