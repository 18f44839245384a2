//! What is stored stays, whatever happens: to the process, to the database, to the disk.
//!
//! A writer is a process of its own: this program again, as the test `writer` with the log's path in
//! `EVENTRING_LOG_WRITER`. It prints the number of each event once it is on disk.

mod disk;
mod kills;
mod locked;

use eventring::{EventBus, WaitStrategy};
use eventring_log::{Json, Log, Options};
use std::io::Write;
use std::path::Path;

/// An event says its number, and which run of the writer it is of.
type Event = (u64, u64);
type Events = Log<Json<Event>>;

const CAPACITY: usize = 64;

fn open(path: &Path) -> Events {
    Log::open(path, Options::new().chained().batch(16)).unwrap()
}

fn bus(log: &Events) -> EventBus<Event> {
    let builder = EventBus::builder().strategy(WaitStrategy::Block);
    builder
        .capacity(CAPACITY)
        .first(log.next())
        .build()
        .unwrap()
}

/// All events there are, which are numbered from 0 on, and a chain.
fn checked(log: &Events) -> Vec<Event> {
    let events: Vec<_> = log.read(0..u64::MAX).map(Result::unwrap).collect();
    for (expected, (sequence, (number, _))) in (0..).zip(&events) {
        assert_eq!((*sequence, *number), (expected, expected));
    }
    assert_eq!(events.len() as u64, log.next());
    assert_eq!(log.verify(..).unwrap(), log.head().unwrap());
    events.into_iter().map(|(_, event)| event).collect()
}

/// Publishes until it is killed, and says what is stored. It does nothing as a test.
#[test]
fn writer() {
    let Some(path) = std::env::var_os("EVENTRING_LOG_WRITER") else {
        return;
    };
    let log = open(Path::new(&path));
    let run = std::process::id().into();
    let bus = bus(&log);
    let attached = log.attach(&bus).unwrap();
    let stored = attached.watermark();
    std::thread::spawn(move || {
        for number in bus.stats().next_sequence.. {
            bus.publish_blocking((number, run)).unwrap();
        }
    });
    let mut output = std::io::stderr();
    for sequence in log.next().. {
        stored.reached_blocking(sequence).unwrap();
        writeln!(output, "{sequence}").unwrap();
    }
}
