//! Where it fails, from what the targets themselves show: the same parts as from a server, at no further cost.

use std::collections::BTreeMap;

use crate::engine::effect::Closer;
use crate::engine::settings::ScrapeSpec;
use crate::model::breakdown::Breakdown;
use crate::model::breakdown::Dimension;
use crate::model::breakdown::Part;
use crate::model::breakdown::Topic;
use crate::model::promql::histogram_quantile;
use crate::model::text::clean;
use crate::model::time::MINUTE;
use crate::model::time::Millis;
use crate::sources::scrape::series::Counters;
use crate::sources::scrape::series::Counts;

/// Where it fails now, not where it failed.
const WINDOW: Millis = 2 * MINUTE;

/// What grew for one part.
#[derive(Default)]
struct Gathered {
    failed: f64,
    total: f64,
    buckets: Vec<(f64, f64)>,
}

/// Takes the figures of the last five minutes apart, over all targets.
pub(super) fn breakdowns<'a>(
    targets: impl Iterator<Item = (&'a ScrapeSpec, &'a mut Counters)>,
    now: Millis,
    wanted: Closer,
) -> Vec<Breakdown> {
    let mut all: BTreeMap<(Dimension, String), Gathered> = BTreeMap::new();
    for (spec, counters) in targets {
        // A target knows no `instance`: that is where it is read.
        let host = host(&spec.endpoint.shown);
        for (counter, grown) in counters.each(now, spec.window.min(WINDOW)) {
            for by in Dimension::ALL {
                let name = name(&counter.labels, by).or_else(|| (by == Dimension::Host).then(|| host.clone()));
                let Some(name) = name else { continue };
                let gathered = all.entry((by, name)).or_default();
                match counter.counts {
                    Counts::Requests(failed) => {
                        gathered.total += grown;
                        gathered.failed += if failed { grown } else { 0.0 };
                    }
                    Counts::Bucket(bound) => gathered.buckets.push((bound, grown)),
                }
            }
        }
    }
    let of = |by: Dimension| all.iter().filter(move |((b, _), _)| *b == by).map(|((_, name), g)| (name.clone(), g));
    let mut out = Vec::new();
    if wanted.errors {
        for by in Dimension::ALL {
            let failing = of(by).filter(|(_, g)| g.failed > 0.0);
            let parts = failing.map(|(name, g)| Part { name, value: g.failed, total: Some(g.total) }).collect();
            if let Some(mut b) = Breakdown::of(Topic::Errors, by, parts) {
                b.others = of(by).filter(|(_, g)| g.total > 0.0).count().saturating_sub(b.parts.len());
                b.requests = Some(of(by).map(|(_, g)| g.total).sum());
                out.push(b);
            }
        }
    }
    if wanted.latency {
        for by in [Dimension::Endpoint, Dimension::Host] {
            let slow = of(by).map(|(name, g)| (name, histogram_quantile(0.95, &g.buckets)));
            let parts = slow.map(|(name, value)| Part { name, value, total: None }).collect();
            out.extend(Breakdown::of(Topic::Latency, by, parts));
        }
    }
    for b in &mut out {
        b.window = WINDOW;
    }
    out
}

/// The labels that name a part, in the order of `Dimension::labels`; `None` where there are none.
fn name(labels: &[(String, String)], by: Dimension) -> Option<String> {
    let value = |name: &str| labels.iter().find(|(k, _)| k == name).map(|(_, v)| clean(v));
    let names = by.labels();
    // A method alone is no place.
    if by == Dimension::Endpoint && names.iter().skip(1).all(|l| value(l).is_none()) {
        return None;
    }
    let words: Vec<String> = names.iter().filter_map(|l| value(l)).collect();
    (!words.is_empty()).then(|| words.join(" "))
}

/// `web1:8000` of `http://web1:8000/metrics`.
fn host(shown: &str) -> String {
    let rest = shown.split_once("://").map_or(shown, |(_, rest)| rest);
    let rest = rest.rsplit_once('@').map_or(rest, |(_, rest)| rest);
    rest.split('/').next().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::settings::Endpoint;
    use crate::engine::settings::MetricNames;
    use crate::sources::exposition;
    use crate::sources::exposition::Format;
    use crate::sources::scrape::series::Failures;

    #[test]
    fn the_worst_endpoint_is_found_in_the_targets_own_counters() {
        let spec = ScrapeSpec {
            endpoint: Endpoint::open(String::new(), "http://web1:8000/metrics"),
            every: 5_000,
            timeout: 1_000,
            window: 300_000,
            metrics: MetricNames::default(),
        };
        let failed = Failures::new(&spec.metrics.errors).unwrap();
        let mut c = Counters::new(300_000);
        let page = |bad: u32, good: u32| {
            format!(
                "http_requests_total{{method=\"POST\",endpoint=\"/api/llamadas/\",status=\"500\"}} {bad}\n\
                 http_requests_total{{method=\"GET\",endpoint=\"/api/agentes/\",status=\"200\"}} {good}\n"
            )
        };
        for (at, bad, good) in [(0, 0, 0), (5_000, 30, 70)] {
            c.take(at, &exposition::read(page(bad, good).as_bytes(), Format::Text), &spec.metrics, &failed);
        }
        let all = breakdowns([(&spec, &mut c)].into_iter(), 5_000, Closer { errors: true, latency: true });
        let endpoint = all.iter().find(|b| b.by == Dimension::Endpoint).unwrap();
        assert_eq!(endpoint.worst().map(|(p, s)| (p.name.as_str(), s)), Some(("POST /api/llamadas/", 1.0)));
        assert_eq!((endpoint.rest(), endpoint.requests), (Some((1, 0.0)), Some(100.0)));
        let host = all.iter().find(|b| b.by == Dimension::Host).unwrap();
        assert_eq!(host.parts[0].name, "web1:8000");
    }
}
