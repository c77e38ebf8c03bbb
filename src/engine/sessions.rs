//! The session table: looks folded in.

use crate::model::sessions::Change;
use crate::model::sessions::Look;
use crate::model::sessions::Table;
use crate::model::signal::Absence;
use crate::model::time::Stamp;

/// What is known of the session table, and why the newest look failed.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sessions {
    /// The figures.
    pub table: Table,
    /// Why the newest look failed.
    pub problem: Option<Absence>,
}

impl Sessions {
    pub(crate) fn fold(&mut self, at: Stamp, look: Look) -> Option<Change> {
        match look {
            Ok(m) => {
                self.problem = None;
                self.table.fold(at, m)
            }
            Err(why) => {
                self.problem = Some(why);
                self.table.miss(at);
                None
            }
        }
    }
}
