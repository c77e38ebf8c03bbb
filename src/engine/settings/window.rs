//! The window after a deploy, as the configuration has it.

use serde::Deserialize;
use serde::Serialize;

use crate::model::time::MINUTE;
use crate::model::time::Millis;

/// How long it is watched, and how long there is a way back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WindowSpec {
    /// How long a window is, ms.
    pub length: Millis,
    /// How long the old side is kept after a deploy, ms.
    pub keep_old: Millis,
}

impl Default for WindowSpec {
    /// Five minutes, and half an hour: what the house does after every deploy.
    fn default() -> Self {
        Self { length: 5 * MINUTE, keep_old: 30 * MINUTE }
    }
}
