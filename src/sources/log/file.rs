//! A file that grows, is moved away and made anew, or is cut to nothing: what `tail -F` does.

use std::io::SeekFrom;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::path::PathBuf;
use std::time::Duration;

use tokio::fs::File;
use tokio::io::AsyncReadExt as _;
use tokio::io::AsyncSeekExt as _;

use crate::model::signal::Absence;
use crate::model::text::clean;
use crate::sources::http;
use crate::sources::log::Cutter;
use crate::sources::log::Shared;

/// How often a file that did not grow is looked at.
const PACE: Duration = Duration::from_millis(250);

/// A file that has not come back after so many looks (five seconds) is gone.
const PATIENCE: u32 = 20;

struct Open {
    file: File,
    identity: (u64, u64),
    at: u64,
}

/// Reads it until nobody wants it any more.
pub(super) async fn follow(path: PathBuf, shared: Shared) {
    // What is there already is the past; a file that comes later is read from its beginning.
    let mut open = match at_end(&path).await {
        Ok(open) => Some(open),
        Err(why) => {
            shared.problem(Some(why));
            None
        }
    };
    let mut cutter = Cutter::default();
    let mut buffer = vec![0u8; 64 * 1024];
    let mut missed = 0;
    loop {
        if open.is_some() {
            shared.problem(None);
        }
        if let Some(current) = &mut open {
            while let Ok(n) = current.file.read(&mut buffer).await
                && n > 0
            {
                current.at += n as u64;
                cutter.push(buffer.get(..n).unwrap_or_default(), &shared);
            }
        }
        tokio::time::sleep(PACE).await;
        match tokio::fs::metadata(&path).await {
            Ok(about) => {
                let identity = (about.dev(), about.ino());
                let same = open.as_ref().is_some_and(|o| o.identity == identity && about.len() >= o.at);
                if !same {
                    // Moved away, or cut: the new one is read from its beginning.
                    if let Some(before) = &mut open {
                        rest(before, &mut cutter, &shared).await;
                    }
                    cutter = Cutter::default();
                    open = at_start(&path).await.map_err(|why| shared.problem(Some(why))).ok();
                }
            }
            // Between being moved away and made anew there is none for a moment: what was opened is read to its end.
            Err(e) => {
                missed += 1;
                if missed > PATIENCE {
                    open = None;
                }
                if open.is_none() {
                    shared.problem(Some(absent(&e)));
                }
                continue;
            }
        }
        missed = 0;
    }
}

/// What was still written to a file that has been moved away.
async fn rest(before: &mut Open, cutter: &mut Cutter, shared: &Shared) {
    let mut buffer = vec![0u8; 64 * 1024];
    while let Ok(n) = before.file.read(&mut buffer).await
        && n > 0
    {
        cutter.push(buffer.get(..n).unwrap_or_default(), shared);
    }
}

async fn at_start(path: &Path) -> Result<Open, Absence> {
    let file = File::open(path).await.map_err(|e| absent(&e))?;
    let about = file.metadata().await.map_err(|e| absent(&e))?;
    if about.is_dir() {
        return Err(Absence::Failed("it is a folder, not a file".to_owned()));
    }
    Ok(Open { identity: (about.dev(), about.ino()), file, at: 0 })
}

async fn at_end(path: &Path) -> Result<Open, Absence> {
    let mut open = at_start(path).await?;
    open.at = open.file.seek(SeekFrom::End(0)).await.map_err(|e| absent(&e))?;
    Ok(open)
}

fn absent(e: &std::io::Error) -> Absence {
    match e.kind() {
        std::io::ErrorKind::NotFound => Absence::Failed("the file is not there".to_owned()),
        std::io::ErrorKind::PermissionDenied => Absence::Denied("this user may not read the file".to_owned()),
        _ => http::of_io(e).unwrap_or_else(|| Absence::Failed(clean(&e.to_string()))),
    }
}
