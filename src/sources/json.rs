//! What JSON from outside has in common: what is wrong with it, in words.

use crate::model::signal::Absence;
use crate::model::text::clean;

/// Why a body is not what it should be.
#[must_use]
pub(crate) fn malformed(e: &serde_json::Error) -> Absence {
    Absence::Malformed(match e.classify() {
        serde_json::error::Category::Eof => "the JSON ends in the middle".to_owned(),
        serde_json::error::Category::Syntax | serde_json::error::Category::Io => "not JSON".to_owned(),
        serde_json::error::Category::Data => clean(&format!("JSON of another shape: {e}")),
    })
}
