//! What direct scrape counted in a window: as far back as it has looked itself, and no further.

use std::collections::BTreeMap;

use crate::model::signal::Absence;
use crate::model::significance::Share;
use crate::model::time::Millis;
use crate::model::window::Counted;
use crate::model::window::Piece;
use crate::sources::scrape::series::Counters;
use crate::sources::scrape::series::Grown;

/// Counts `(since, to]` over all targets: requests and durations; and requests from the beginning of the span on in
/// pieces.
///
/// # Errors
/// When nothing of it was seen from here.
pub(super) fn count<'a>(
    all: impl Iterator<Item = &'a mut Counters>,
    (from, to): (Millis, Millis),
    since: Millis,
    piece: Millis,
) -> Result<Counted, Absence> {
    let mut all: Vec<&mut Counters> = all.collect();
    let mut within =
        |span, durations| -> Vec<Grown> { all.iter_mut().filter_map(|c| c.grown_within(span, durations)).collect() };
    let whole = within((since, to), true);
    if whole.is_empty() {
        return Err(Absence::TooYoung);
    }
    let share = |grown: &[Grown]| Share {
        part: grown.iter().map(|g| g.failed).sum(),
        all: grown.iter().map(|g| g.total).sum(),
    };
    // The last piece ends with the span: what is left over at its beginning is not counted.
    let first = to - (to - from) / piece * piece + piece;
    let pieces = (0..).map(|i| first + i * piece).take_while(|end| *end <= to);
    let pieces = pieces.map(|end| {
        let grown = within((end - piece, end), false);
        Piece { to: end, requests: (!grown.is_empty()).then(|| share(&grown)) }
    });
    let pieces = pieces.collect();
    let mut buckets: BTreeMap<u64, f64> = BTreeMap::new();
    let mut observed = 0.0;
    for (bound, n) in whole.iter().flat_map(|g| g.buckets.iter()) {
        if bound.is_finite() {
            *buckets.entry(bound.to_bits()).or_default() += n;
        } else {
            observed += n;
        }
    }
    let mut buckets: Vec<(f64, f64)> = buckets.into_iter().map(|(b, n)| (f64::from_bits(b), n)).collect();
    buckets.sort_by(|a, b| a.0.total_cmp(&b.0));
    Ok(Counted { requests: Some(share(&whole)), pieces, buckets, observed, ..Counted::default() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::settings::MetricNames;
    use crate::sources::exposition;
    use crate::sources::exposition::Format;
    use crate::sources::scrape::series::Failures;

    /// A target that is looked at every five seconds: 100 requests each time, one in ten of which fails. At `resets` it
    /// starts anew, and nobody sees it at `unseen`.
    fn counters(seconds: i64, resets: i64, unseen: std::ops::Range<i64>) -> Counters {
        let mut counters = Counters::new(300_000);
        let failed = Failures::new("status=~\"5..\"").unwrap();
        for at in (0..=seconds).step_by(5).filter(|at| !unseen.contains(at)) {
            let looks = if at < resets { at / 5 } else { (at - resets) / 5 };
            let body = format!(
                "http_requests_total{{status=\"200\"}} {}\nhttp_requests_total{{status=\"500\"}} {}\n",
                1 + 90 * looks,
                1 + 10 * looks
            );
            let body = exposition::read(body.as_bytes(), Format::Text);
            counters.take(at * 1_000, &body, &MetricNames::default(), &failed);
        }
        counters
    }

    fn of(mut counters: Counters, span: (Millis, Millis)) -> Result<Counted, Absence> {
        count(std::iter::once(&mut counters), span, span.0, 30_000)
    }

    #[test]
    fn a_span_of_the_past_is_counted_in_pieces() {
        let counted = of(counters(600, 9_999, 0..0), (300_000, 600_000)).unwrap();
        let all = counted.requests.unwrap();
        assert!((all.all - 6_000.0).abs() < 200.0 && (all.value().unwrap() - 0.1).abs() < 0.01, "{all:?}");
        assert_eq!(counted.pieces.len(), 10);
        assert!(counted.pieces.iter().all(|p| p.requests.is_some()));
    }

    #[test]
    fn a_restart_counts_from_zero_and_a_gap_is_one() {
        let counted = of(counters(600, 450, 0..0), (300_000, 600_000)).unwrap();
        assert!((counted.requests.unwrap().all - 6_000.0).abs() < 300.0, "{:?}", counted.requests);
        let counted = of(counters(600, 9_999, 400..500), (300_000, 600_000)).unwrap();
        let unseen = counted.pieces.iter().filter(|p| p.requests.is_none()).count();
        assert!((2..=4).contains(&unseen), "{:?}", counted.pieces);
    }

    #[test]
    fn what_was_before_it_began_to_look_nobody_knows() {
        assert_eq!(of(counters(600, 9_999, 0..300), (0, 290_000)), Err(Absence::TooYoung));
        // Of a span that was seen in part, that part is told.
        let counted = of(counters(600, 9_999, 0..450), (300_000, 600_000)).unwrap();
        assert!((counted.requests.unwrap().all - 3_000.0).abs() < 200.0, "{:?}", counted.requests);
    }
}
