//! Stored events, then live ones.

use crate::common::{Numbers, bus, fill, home, open};
use eventring::Start;
use eventring_log::{Encoding, Error, Log, Raw, Subscription};
use futures::executor::block_on;
use futures::{FutureExt, StreamExt};
use proptest::prelude::*;
use rusqlite::Connection;

/// What comes next, which is there or comes to be.
fn next<C: Encoding<Event: Clone + Send + Sync>>(
    events: &mut Subscription<C>,
) -> Option<(u64, C::Event)> {
    block_on(events.next()).map(Result::unwrap)
}

#[test]
fn a_start_anywhere() {
    let (_home, path) = home();
    let log = open(&path);
    fill(&log, 100);
    log.trim(10).unwrap();
    let bus = bus(&log, 8);
    let _attached = log.attach(&bus).unwrap();
    bus.publish_many_blocking(&mut (100..105).map(|number| 10 * number).collect())
        .unwrap();
    for (start, first) in [
        (Start::Oldest, 10),
        (Start::Sequence(3), 10),
        (Start::Sequence(99), 99),
        (Start::Sequence(1000), 105),
        (Start::Last(10), 95),
        (Start::Last(1000), 10),
        (Start::Next, 105),
    ] {
        let mut events = log.subscribe(&bus, start).unwrap();
        assert_eq!(events.position(), first, "{start:?}");
        for sequence in first..105 {
            assert_eq!(next(&mut events), Some((sequence, 10 * sequence)));
        }
        assert!(events.next().now_or_never().is_none());
    }
    let mut all = log.subscribe(&bus, Start::Oldest).unwrap();
    bus.publish_blocking(1050).unwrap();
    bus.close();
    for sequence in 10..106 {
        assert_eq!(next(&mut all), Some((sequence, 10 * sequence)));
    }
    assert_eq!(next(&mut all), None);
}

/// While the database is locked, one sees events, and the other none.
#[test]
fn behind_the_disk() {
    let (_home, path) = home();
    let log = open(&path);
    let bus = bus(&log, 8);
    let attached = log.attach(&bus).unwrap();
    let mut live = log.subscribe(&bus, Start::Next).unwrap();
    let mut stored = log.subscribe_stored(&bus, Start::Next).unwrap();
    let locker = Connection::open(&path).unwrap();
    locker.execute_batch("BEGIN IMMEDIATE").unwrap();
    bus.publish_blocking(7).unwrap();
    assert_eq!(next(&mut live), Some((0, 7)));
    assert!(stored.next().now_or_never().is_none());
    assert_eq!(
        log.subscribe_stored(&bus, Start::Next).unwrap().position(),
        0
    );
    // One that comes late waits for what is neither on disk nor in the ring's history.
    let mut late = log.subscribe(&bus, Start::Oldest).unwrap();
    assert!(late.next().now_or_never().is_none());
    locker.execute_batch("COMMIT").unwrap();
    assert_eq!(next(&mut stored), Some((0, 7)));
    assert_eq!(next(&mut late), Some((0, 7)));
    bus.close();
    attached.join().unwrap();
    assert_eq!(next(&mut stored), None);
}

#[test]
fn what_is_not_there_is_told_in_its_place() {
    let (_home, path) = home();
    let log = open(&path);
    fill(&log, 30);
    let bus = bus(&log, 8);
    let _attached = log.attach(&bus).unwrap();
    let meddle = "DELETE FROM entry WHERE sequence BETWEEN 5 AND 7 OR sequence >= 28;
        UPDATE entry SET bytes = x'00' WHERE sequence = 10";
    Connection::open(&path)
        .unwrap()
        .execute_batch(meddle)
        .unwrap();
    let mut events = log.subscribe(&bus, Start::Oldest).unwrap();
    bus.publish_blocking(300).unwrap();
    let mut told = Vec::new();
    let mut numbers = Vec::new();
    while numbers.last() != Some(&30) {
        match block_on(events.next()).unwrap() {
            Ok((sequence, event)) => {
                assert_eq!(event, 10 * sequence);
                numbers.push(sequence);
            }
            Err(error) => told.push(error.to_string()),
        }
    }
    let expected: Vec<u64> = (0..5).chain(8..10).chain(11..28).chain([30]).collect();
    assert_eq!(numbers, expected);
    assert_eq!(told.len(), 3);
    assert_eq!(told[0], "events 5 to 7 are not in the log");
    assert!(told[1].starts_with("what is stored as event 10 cannot be decoded: "));
    assert_eq!(told[2], "events 28 to 29 are not in the log");
}

#[test]
fn trimmed_under_way() {
    let (_home, path) = home();
    let log = open(&path);
    fill(&log, 2000);
    let bus = bus(&log, 8);
    let _attached = log.attach(&bus).unwrap();
    let mut events = log.subscribe(&bus, Start::Oldest).unwrap();
    next(&mut events).unwrap();
    log.trim(1500).unwrap();
    let error = loop {
        if let Err(error) = block_on(events.next()).unwrap() {
            break error;
        }
    };
    assert!(matches!(error, Error::Missing { to: 1500, .. }), "{error}");
    assert_eq!(next(&mut events), Some((1500, 15000)));
}

#[test]
#[should_panic(expected = "the log is not attached to this bus")]
fn of_another_bus() {
    let (_home, path) = home();
    let log = open(&path);
    let (own, other) = (bus(&log, 8), bus(&log, 8));
    let _attached = log.attach(&own).unwrap();
    let _ = log.subscribe(&other, Start::Next);
}

#[test]
fn it_can_be_sent_to_a_task() {
    fn is_sent<T: Send + Unpin + 'static>() {}
    is_sent::<Subscription<Raw>>();
    is_sent::<Log<Raw>>();
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Publish(usize),
    Subscribe { back: u64, stored: bool },
    Receive { of: usize, events: usize },
    WaitForDisk,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => (1..20usize).prop_map(Step::Publish),
        2 => (0..60u64, any::<bool>()).prop_map(|(back, stored)| Step::Subscribe { back, stored }),
        4 => (any::<usize>(), 1..30usize).prop_map(|(of, events)| Step::Receive { of, events }),
        1 => Just(Step::WaitForDisk),
    ];
    prop::collection::vec(step, 1..40)
}

/// A subscriber, and the number that it has to get next.
type Reader = (Subscription<eventring_log::Json<u64>>, u64);

/// Receives up to so many events, until none is there.
fn receive((events, expected): &mut Reader, limit: usize) {
    for _ in 0..limit {
        let Some(event) = events.next().now_or_never() else {
            return;
        };
        assert_eq!(event.unwrap().unwrap(), (*expected, 10 * *expected));
        *expected += 1;
    }
}

/// Through laps, restarts and starts in the past, each gets what was published, from its start on.
fn stored_and_live_are_what_was_published(runs: Vec<Vec<Step>>, capacity: usize) {
    let (_home, path) = home();
    let mut published = 0;
    for steps in runs {
        let log: Numbers = open(&path);
        assert_eq!(log.next(), published);
        let bus = bus(&log, capacity);
        let attached = log.attach(&bus).unwrap();
        let mut readers: Vec<Reader> = Vec::new();
        for step in steps {
            match step {
                Step::Publish(events) => {
                    let end = published + events as u64;
                    let mut batch = (published..end).map(|number| 10 * number).collect();
                    bus.publish_many_blocking(&mut batch).unwrap();
                    published = end;
                }
                Step::Subscribe { back, stored } => {
                    let start = Start::Sequence(published.saturating_sub(back));
                    let events = match stored {
                        true => log.subscribe_stored(&bus, start).unwrap(),
                        false => log.subscribe(&bus, start).unwrap(),
                    };
                    let position = events.position();
                    if !stored {
                        assert_eq!(position, published.saturating_sub(back));
                    }
                    readers.push((events, position));
                }
                Step::Receive { of, events } if !readers.is_empty() => {
                    let index = of % readers.len();
                    receive(&mut readers[index], events);
                }
                Step::Receive { .. } => {}
                Step::WaitForDisk => {
                    if let Some(last) = published.checked_sub(1) {
                        attached.watermark().reached_blocking(last).unwrap();
                    }
                }
            }
        }
        bus.close();
        for (mut events, mut expected) in readers {
            while let Some(event) = next(&mut events) {
                assert_eq!(event, (expected, 10 * expected));
                expected += 1;
            }
            assert_eq!(expected, published);
        }
        attached.join().unwrap();
        assert_eq!(log.verify(..).unwrap().next, published);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, ..ProptestConfig::default() })]

    #[test]
    fn stored_then_live(runs in prop::collection::vec(steps(), 1..4), capacity in 1..12usize) {
        stored_and_live_are_what_was_published(runs, capacity);
    }
}
