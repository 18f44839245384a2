//! A disk that is full: a file system of a megabyte. To mount it needs root; elsewhere the store's own test,
//! with a limit of SQLite's, is all there is.

use super::{bus, checked, open};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

struct SmallDisk(PathBuf);

impl SmallDisk {
    /// `None`: it may not be mounted here.
    fn mount(at: &Path) -> Option<Self> {
        let mut mount = Command::new("mount");
        mount
            .args(["-t", "tmpfs", "-o", "size=1m", "tmpfs"])
            .arg(at);
        let mounted = mount.output().is_ok_and(|output| output.status.success());
        mounted.then(|| Self(at.into()))
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Lazily: a failed test may still have files open there.
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

#[test]
fn a_disk_that_is_full_is_waited_for() {
    let home = tempfile::tempdir().unwrap();
    let Some(disk) = SmallDisk::mount(home.path()) else {
        println!("not run: a file system cannot be mounted here");
        assert!(
            std::env::var_os("EVENTRING_LOG_ROOT").is_none(),
            "it has to be"
        );
        return;
    };
    let ballast = disk.0.join("ballast");
    std::fs::write(&ballast, vec![0; 500 << 10]).unwrap();
    let log = open(&disk.0.join("events.db"));
    let bus = bus(&log);
    let attached = log.attach(&bus).unwrap();
    let mut published = 0;
    let trouble = loop {
        match bus.try_publish((published, 0)) {
            Ok(_) => published += 1,
            Err(_) => std::thread::sleep(Duration::from_millis(1)),
        }
        if let Some(trouble) = attached.stats().trouble {
            break trouble;
        }
    };
    assert!(trouble.error.contains("full"), "{trouble}");
    // What is said to be stored can be read, and is whole.
    let stored = attached.watermark().get();
    assert!(stored > 0 && stored < published);
    assert_eq!(checked(&log).len() as u64, stored);
    std::fs::remove_file(ballast).unwrap();
    attached
        .watermark()
        .reached_blocking(published - 1)
        .unwrap();
    assert!(attached.stats().trouble.is_none());
    bus.close();
    attached.join().unwrap();
    assert_eq!(checked(&log).len() as u64, published);
}
