//! The commits of a repository, as git tells them.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use tokio::process::Command;

use crate::model::dora::Commit;
use crate::model::text::clean;
use crate::model::time::Millis;

/// Commits read at the most: some years of a busy house.
const COMMITS: usize = 100_000;
/// A repository that takes longer lies on something that does not answer.
const PATIENCE: Duration = Duration::from_secs(30);
/// Stands between two fields; no subject has one.
const BETWEEN: &str = "%x00";

/// Why nothing was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GitError {
    /// Git is not there.
    NoGit,
    /// It is no repository, or one that git does not trust: what git says.
    NoRepository(String),
    /// It did not answer.
    TooSlow,
}

/// The history of what is checked out at `path`, newest first.
///
/// # Errors
/// When git is not there, or finds no history at `path`.
pub async fn commits(path: &Path) -> Result<Vec<Commit>, GitError> {
    let format = ["%at", "%ct", "%P", "%s"].join(BETWEEN);
    let mut command = Command::new("git");
    // What a stranger's repository would have run is not run: it is only read.
    command
        .args(["-c", "core.fsmonitor=false", "-c", "log.showSignature=false", "--no-pager", "--no-optional-locks"])
        .arg("-C")
        .arg(path)
        .args(["log", "-z", &format!("--max-count={COMMITS}"), &format!("--format={format}")])
        .env("LC_ALL", "C")
        .env("GIT_TERMINAL_PROMPT", "0")
        // A hook that runs this must not send it to a repository of its own.
        .env_remove("GIT_DIR")
        .env_remove("GIT_WORK_TREE")
        .stdin(Stdio::null())
        .kill_on_drop(true);
    let output = match tokio::time::timeout(PATIENCE, command.output()).await {
        Ok(Ok(output)) => output,
        Ok(Err(_)) => return Err(GitError::NoGit),
        Err(_) => return Err(GitError::TooSlow),
    };
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        if said.contains("does not have any commits") {
            return Ok(Vec::new());
        }
        return Err(GitError::NoRepository(clean(said.lines().next().unwrap_or_default())));
    }
    Ok(read(&String::from_utf8_lossy(&output.stdout)))
}

/// Four fields a commit, one after another.
fn read(text: &str) -> Vec<Commit> {
    let fields: Vec<&str> = text.split('\0').collect();
    let seconds = |text: &str| text.parse::<Millis>().ok().and_then(|s| s.checked_mul(1_000));
    fields
        .chunks_exact(4)
        .filter_map(|f| {
            let [made, at, parents, subject] = f else { return None };
            let merge = parents.split_whitespace().count() > 1;
            Some(Commit { made: seconds(made)?, at: seconds(at)?, merge, subject: clean(subject) })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn four_fields_are_a_commit() {
        let text = "10\x0020\x00abc def\x00Merge x\x009\x009\x00\x00feat: \u{1b}[31mx\x00";
        let all = read(text);
        assert_eq!(all.len(), 2);
        assert_eq!((all[0].made, all[0].at, all[0].merge), (10_000, 20_000, true));
        assert_eq!((all[1].subject.contains('\u{1b}'), all[1].merge), (false, false));
        assert!(read("").is_empty());
    }
}
