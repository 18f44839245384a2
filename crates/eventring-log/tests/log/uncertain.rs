//! Batches that were stored, by a store that says that they were not.

use crate::common::home;
use eventring::{EventBus, WaitStrategy};
use eventring_log::{BoxError, Entry, Extent, Head, Log, Options, Raw, Sqlite, Store};
use std::ops::Range;
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, mpsc};
use std::time::Duration;

/// What becomes of a batch.
enum Fate {
    /// All of it is stored, and an error follows.
    Stored,
    /// So is its first half.
    Half,
    /// Somebody else has the number.
    Taken,
}

/// A file of SQLite's whose first batch has a fate, and which cannot be read for so many times after it.
struct Uncertain {
    file: Sqlite,
    fate: Mutex<Option<Fate>>,
    unreadable: AtomicU32,
}

impl Uncertain {
    fn new(path: &Path, chained: bool, fate: Fate) -> Self {
        Self {
            file: Sqlite::open(path, chained).unwrap(),
            fate: Mutex::new(Some(fate)),
            unreadable: AtomicU32::new(0),
        }
    }
}

impl Store for Uncertain {
    fn extent(&self) -> Result<Extent, BoxError> {
        self.file.extent()
    }

    fn append(&self, entries: &[Entry]) -> Result<(), BoxError> {
        let fate = self.fate.lock().unwrap().take();
        match fate {
            None => return self.file.append(entries),
            Some(Fate::Stored) => self.file.append(entries)?,
            Some(Fate::Half) => self.file.append(&entries[..entries.len() / 2])?,
            Some(Fate::Taken) => {
                let bytes = b"of somebody else".into();
                let first = entries[0].clone();
                self.file.append(&[Entry { bytes, ..first }])?;
            }
        }
        Err("the disk went away".into())
    }

    fn read(&self, range: Range<u64>) -> Result<Vec<Entry>, BoxError> {
        let left = self.unreadable.load(Ordering::Relaxed);
        if left > 0 {
            self.unreadable.store(left - 1, Ordering::Relaxed);
            return Err("nor is it back".into());
        }
        self.file.read(range)
    }

    fn trim(&self, anchor: &Head) -> Result<(), BoxError> {
        self.file.trim(anchor)
    }
}

/// Publishes two batches of so many events, which have to be stored in the end. How often that was tried again.
fn retries(events: usize, fate: Fate, unreadable: u32, chained: bool) -> u64 {
    let (_home, path) = home();
    let store = Uncertain::new(&path, chained, fate);
    store.unreadable.store(unreadable, Ordering::Relaxed);
    let options = Options::new().batch(events).max_age(Duration::MAX);
    let log = Log::with_store(store, Raw, options).unwrap();
    let builder = EventBus::builder().strategy(WaitStrategy::Block);
    let bus = builder.capacity(2 * events).build().unwrap();
    let attached = log.attach(&bus).unwrap();
    let event = |number: usize| number.to_le_bytes().to_vec();
    let mut batches: Vec<_> = (0..2 * events).map(event).collect();
    bus.publish_many_blocking(&mut batches).unwrap();
    let last = 2 * events as u64 - 1;
    let stored = attached.watermark();
    let stored = stored.reached_timeout(last, Duration::from_secs(60));
    assert_eq!(stored, Some(Ok(())));
    let stats = attached.stats();
    assert!(stats.trouble.is_none());
    assert_eq!((stats.events, stats.batches), (last + 1, 2));
    let read: Vec<_> = log.read(0..u64::MAX).map(Result::unwrap).collect();
    assert_eq!(read, (0..=last).zip((0..).map(event)).collect::<Vec<_>>());
    assert_eq!(log.verify(..).unwrap(), log.extent().unwrap().head);
    stats.retries
}

/// More than a page of what is read, too.
#[test]
fn what_is_there_is_not_stored_again() {
    for chained in [true, false] {
        assert_eq!(retries(4, Fate::Stored, 0, chained), 0);
        assert_eq!(retries(1500, Fate::Stored, 0, chained), 0);
    }
}

#[test]
fn where_it_cannot_be_read_it_is_looked_up_after_the_next_error() {
    assert_eq!(retries(4, Fate::Stored, 2, true), 2);
}

#[test]
fn the_rest_of_what_is_there_is_stored() {
    assert_eq!(retries(4, Fate::Half, 0, true), 1);
    assert_eq!(retries(1, Fate::Half, 0, true), 1);
}

#[test]
fn what_is_there_and_another_is_not_taken_for_it() {
    for chained in [true, false] {
        let (_home, path) = home();
        let (tell, told) = mpsc::channel();
        let options = Options::new().on_trouble(move |trouble| {
            let _ = tell.send(trouble.error.clone());
        });
        let log = Log::with_store(Uncertain::new(&path, chained, Fate::Taken), Raw, options);
        let log = log.unwrap();
        let bus = EventBus::with_strategy(4, WaitStrategy::Block);
        let attached = log.attach(&bus).unwrap();
        bus.publish_blocking(b"event".into()).unwrap();
        assert_eq!(told.recv().unwrap(), "the disk went away");
        let conflict = "event 0 is to be stored where 1 is next";
        assert_eq!(told.recv().unwrap(), conflict);
        assert_eq!(told.recv().unwrap(), conflict);
        assert_eq!(attached.watermark().get(), 0);
    }
}
