//! What the tests share.

use eventring::{EventBus, WaitStrategy};
use eventring_log::{Encoding, Json, Log, Options};
use std::path::{Path, PathBuf};
use tempfile::TempDir;

pub(crate) type Numbers = Log<Json<u64>>;

/// A folder that goes with the test, and the log's file in it.
pub(crate) fn home() -> (TempDir, PathBuf) {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("events.db");
    (home, path)
}

pub(crate) fn open(path: &Path) -> Numbers {
    Log::open(path, Options::new().chained()).unwrap()
}

/// A bus whose numbers go on where the log ends.
pub(crate) fn bus<C: Encoding>(log: &Log<C>, capacity: usize) -> EventBus<C::Event> {
    let builder = EventBus::builder().strategy(WaitStrategy::Block);
    builder
        .capacity(capacity)
        .first(log.next())
        .build()
        .unwrap()
}

/// Publishes so many events, each ten times its number, and waits until all are on disk.
pub(crate) fn fill(log: &Numbers, events: u64) {
    let bus = bus(log, 64);
    let attached = log.attach(&bus).unwrap();
    for _ in 0..events {
        let next = bus.stats().next_sequence;
        bus.publish_blocking(10 * next).unwrap();
    }
    bus.close();
    attached.join().unwrap();
}
