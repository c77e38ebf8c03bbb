//! The curves of an incident, from what a recorder kept.

use crate::engine::Kind;
use crate::engine::recording;
use crate::engine::story::Curves;
use crate::model::time::DAY;
use crate::model::time::Millis;
use crate::store::Store;
use crate::store::StoreError;

/// Spans read at the most: a day of five minutes each, and the small ones of the last.
const SPANS: i64 = 1_000;

/// What is known of a span; of more than a day the first day is read.
///
/// # Errors
/// When the store cannot be read.
pub async fn read(store: &Store, span: (Millis, Millis)) -> Result<Curves, StoreError> {
    let mut curves = Curves::within((span.0, span.1.min(span.0 + DAY)));
    for kept in store.spans_between(span.0, span.1.min(span.0 + DAY), SPANS).await? {
        // Most of a recording is checks: what is not wanted is not even unpacked.
        let wanted = |shape: &str| shape.contains("\"sampled\"") || shape.contains("\"measured\"");
        let Ok(chunk) = recording::read_only(&kept.bytes, wanted) else { continue };
        for event in chunk.events {
            match event.kind {
                Kind::Sampled { samples, origin, .. } => curves.read_by(origin, &samples),
                Kind::Measured { look: Ok(m) } => curves.measured(event.at.wall, m.rows.n as f64),
                _ => {}
            }
        }
    }
    curves.settle();
    Ok(curves)
}
