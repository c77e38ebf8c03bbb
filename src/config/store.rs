//! `[store]`: where the record is kept, and for how long.

use crate::config::endpoint;
use crate::config::reader::Context;
use crate::config::reader::Section;
use crate::engine::settings::StoreSpec;
use crate::model::time::DAY;

/// The house keeps who did what for ninety days at least.
const RETENTION: i64 = 90 * DAY;
/// Ninety days of a large house, by the bench of the README.
const SIZE_MB: u64 = 2_000;
/// Bytes of a megabyte.
const MB: i64 = 1_000_000;

pub(super) fn read(root: &mut Section<'_>, cx: &mut Context<'_>) -> StoreSpec {
    let Some(mut s) = root.section(cx, "store") else {
        return StoreSpec { retention: RETENTION, size: SIZE_MB as i64 * MB, ..StoreSpec::default() };
    };
    let mut spec = StoreSpec::default();
    if s.has("url") || s.has("url_file") {
        let schemes = ["sqlite", "mysql", "mariadb", "postgres", "postgresql"];
        let (url, shown) = endpoint::database(&mut s, cx, "url", &schemes);
        spec = StoreSpec { url: Some(url), shown, ..spec };
    }
    spec.retention = s.duration(cx, "retention", RETENTION, DAY, 3650 * DAY);
    spec.size = s.whole(cx, "size_mb", SIZE_MB, 10, 1_000_000) as i64 * MB;
    s.finish(cx);
    spec
}
