//! A disk of some hundred kilobytes that can be filled, emptied and locked.

use std::path::Path;
use std::path::PathBuf;

use tokio::process::Command;

/// A small disk; it is gone with this.
pub(crate) struct Disk {
    folder: tempfile::TempDir,
}

impl Disk {
    /// A disk of so many kilobytes; `None` where whoever runs the tests may not mount one.
    pub(crate) async fn new(kib: u32) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let options = format!("size={kib}k,mode=700");
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", &options, "none"]).arg(folder.path()).stderr(std::process::Stdio::null());
        mount.status().await.is_ok_and(|s| s.success()).then_some(Self { folder })
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Lets a shell do something in it.
    pub(crate) async fn does(&self, what: &str) {
        let done = Command::new("bash").args(["-c", what]).current_dir(self.folder()).status().await.unwrap();
        assert!(done.success(), "{what}");
    }

    /// Leaves no byte free.
    pub(crate) async fn fill(&self) {
        self.does("cat /dev/zero >> filler 2>/dev/null; true").await;
    }

    pub(crate) async fn free(&self) {
        self.does("rm -f filler").await;
    }

    /// Lets nobody write to it, or everybody again.
    pub(crate) async fn lock(&self, locked: bool) {
        let how = if locked { "ro" } else { "rw" };
        let mut mount = Command::new("mount");
        mount.args(["-o", &format!("remount,{how}")]).arg(self.folder());
        assert!(mount.status().await.unwrap().success());
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = std::process::Command::new("umount").arg("-l").arg(self.folder()).status();
    }
}
