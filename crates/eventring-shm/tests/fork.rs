//! A child that is forked without `exec`: it has the writer's locks, but not the mapping. (Alone in its
//! process: such a child would have the pipes and locks of other tests, too.)
#![allow(unsafe_code)]

use eventring_shm::{EventRing, Kind, OpenError};
use rustix::process::{Pid, Signal, WaitOptions, getpid, kill_process, waitpid};
use std::path::Path;

/// It sleeps until it is killed.
struct Child(Pid);

impl Child {
    fn fork() -> Self {
        // SAFETY: Other threads are not in the child, and so it may only do what a signal handler may.
        let pid = unsafe { libc::fork() };
        if pid == 0 {
            loop {
                // SAFETY: It takes nothing, and a signal handler may call it.
                unsafe { libc::pause() };
            }
        }
        assert!(pid > 0, "{}", std::io::Error::last_os_error());
        Self(Pid::from_raw(pid).unwrap())
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        kill_process(self.0, Signal::KILL).unwrap();
        waitpid(Some(self.0), WaitOptions::empty()).unwrap();
    }
}

/// Whether the process has mapped the ring or its bell.
fn maps(pid: Pid, path: &Path) -> bool {
    let maps = std::fs::read_to_string(format!("/proc/{}/maps", pid.as_raw_nonzero())).unwrap();
    maps.contains(path.to_str().unwrap())
}

#[test]
fn a_child_that_outlives_the_writer() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("ring");
    let builder = EventRing::builder().descriptors(64).payload(4096);
    let ring = builder.create_or_recover(&path).unwrap();
    let mut publisher = ring.publisher().unwrap();
    publisher.publish(Kind(1), b"before").unwrap();

    let child = Child::fork();
    assert!(maps(getpid(), &path));
    assert!(!maps(child.0, &path));

    // The lock is of the open file, and the child has that open, too.
    drop(publisher);
    assert!(ring.writer().alive);
    let error = ring.publisher().unwrap_err();
    assert!(matches!(error, OpenError::WriterExists { .. }), "{error}");

    drop(child);
    assert!(!ring.writer().alive);
    assert_eq!(
        ring.publisher().unwrap().publish(Kind(1), b"after"),
        Ok(1),
        "no hole"
    );

    // Nobody else has the mapping.
    drop(ring);
    assert!(!maps(getpid(), &path));
}
