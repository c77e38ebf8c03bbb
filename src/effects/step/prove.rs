//! What the machine can prove of what has to be there first: programs that are installed, variables that are set. It
//! proves an item only where that says nothing else.

use std::path::Path;

use crate::model::runbook::Item;
use crate::runbook::needs;
use crate::runbook::needs::Need;

/// The places of those that hold.
pub(super) fn proved(items: &[Item]) -> Vec<usize> {
    let holds = |need: &Need| match need {
        Need::Program(name) => installed(name),
        Need::Variable(name) => std::env::var(name).is_ok_and(|v| !v.is_empty()),
    };
    let all = items.iter().enumerate();
    all.filter(|(_, i)| needs::of(i).is_some_and(|needs| needs.iter().all(holds))).map(|(at, _)| at).collect()
}

/// Is it somewhere where a shell would find it?
fn installed(name: &str) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    let runs = |p: &Path| p.metadata().is_ok_and(|m| m.is_file() && m.permissions().mode() & 0o111 != 0);
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| runs(&folder.join(name)))
}
