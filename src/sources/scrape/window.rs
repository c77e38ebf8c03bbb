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
