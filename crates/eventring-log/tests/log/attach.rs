//! A log as a bus's memory: what is stored, what is told, and who is kept away.

use crate::common::{Numbers, bus, fill, home, open};
use eventring::{EventBus, Gone, WaitStrategy};
use eventring_log::{BoxError, Encoding, Error, Json, Log, Options, Raw, Sqlite};
use futures::FutureExt;
use futures::executor::block_on;
use rusqlite::Connection;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};
use std::time::Duration;

#[test]
fn what_is_published_is_stored_and_numbers_go_on() {
    let (_home, path) = home();
    fill(&open(&path), 100);
    fill(&open(&path), 100);
    let log = open(&path);
    assert_eq!(log.next(), 200);
    let events: Vec<_> = log.read(0..u64::MAX).map(Result::unwrap).collect();
    let expected: Vec<_> = (0..200).map(|sequence| (sequence, 10 * sequence)).collect();
    assert_eq!(events, expected);
    assert_eq!(log.verify(..).unwrap(), log.head().unwrap());
}

#[test]
fn all_is_in_one_file_in_the_end() {
    let (_home, path) = home();
    let log = open(&path);
    fill(&log, 10);
    log.read(0..10).for_each(drop);
    drop(log);
    assert!(path.with_extension("db.lock").exists());
    assert!(!path.with_extension("db-wal").exists());
}

#[test]
fn the_watermark_says_what_another_process_would_see() {
    let (_home, path) = home();
    let log = open(&path);
    let bus = bus(&log, 8);
    let attached = log.attach(&bus).unwrap();
    let stored = attached.watermark();
    let other = Numbers::open(&path, Options::new().read_only()).unwrap();
    for event in 0..20 {
        let sequence = bus.publish_blocking(event).unwrap();
        stored.reached_blocking(sequence).unwrap();
        assert!(other.extent().unwrap().head.next > sequence);
    }
    let stats = attached.stats();
    assert_eq!((stats.events, stats.retries), (20, 0));
    assert!(stats.trouble.is_none() && stats.batches <= 20);
    drop(bus);
    attached.join().unwrap();
    assert_eq!(stored.reached_blocking(20), Err(Gone));
}

/// Who waits for the end is not told of by the bus as one who waits for the sink to go on.
#[test]
fn the_end_is_waited_for_without_a_mark_on_the_sink() {
    let (_home, path) = home();
    let log = open(&path);
    let bus = bus(&log, 8);
    let attached = log.attach(&bus).unwrap();
    let ended = std::thread::scope(|scope| {
        let mut ended = Box::pin(attached.ended());
        assert!((&mut ended).now_or_never().is_none());
        bus.publish_blocking(1).unwrap();
        attached.watermark().reached_blocking(0).unwrap();
        assert!(!bus.receivers()[0].awaited);
        let ended = scope.spawn(|| block_on(ended));
        bus.close();
        ended.join()
    });
    ended.unwrap();
    assert_eq!(log.next(), 1);
}

/// With an age that never comes, a batch is stored for its size, or for the end.
#[test]
fn batches_are_stored_by_size() {
    let (_home, path) = home();
    let options = Options::new().batch(5).max_age(Duration::MAX);
    let log = Numbers::open(path, options).unwrap();
    let bus = bus(&log, 8);
    let attached = log.attach(&bus).unwrap();
    bus.publish_many_blocking(&mut (0..12).collect()).unwrap();
    attached.watermark().reached_blocking(9).unwrap();
    bus.close();
    attached.join().unwrap();
    assert_eq!(log.next(), 12);
}

/// More than the bus holds never comes: it is stored when the bus is full.
#[test]
fn a_batch_is_no_larger_than_the_bus() {
    let (_home, path) = home();
    let options = Options::new().max_age(Duration::from_secs(3600));
    let log = Numbers::open(path, options).unwrap();
    let bus = bus(&log, 4);
    let attached = log.attach(&bus).unwrap();
    bus.publish_many_blocking(&mut (0..16).collect()).unwrap();
    attached.watermark().reached_blocking(15).unwrap();
    assert_eq!(attached.stats().batches, 4);
}

#[test]
fn batches_are_stored_by_age() {
    let (_home, path) = home();
    let options = Options::new().max_age(Duration::from_millis(20));
    let log = Numbers::open(path, options).unwrap();
    let bus = bus(&log, 64);
    let attached = log.attach(&bus).unwrap();
    bus.publish_many_blocking(&mut (0..12).collect()).unwrap();
    attached.watermark().reached_blocking(11).unwrap();
}

#[test]
fn there_is_one_writer() {
    let (_home, path) = home();
    let log = open(&path);
    let error = Numbers::open(&path, Options::new()).unwrap_err();
    assert!(matches!(error, Error::InUse(_)), "{error}");
    let reader = Numbers::open(&path, Options::new().read_only()).unwrap();
    let attached = reader.attach(&bus(&reader, 4));
    assert!(matches!(attached, Err(Error::ReadOnly)));
    assert!(matches!(reader.trim(1), Err(Error::ReadOnly)));
    drop(log);
    open(&path);
}

#[test]
fn what_is_no_log_is_left_alone() {
    let (_home, path) = home();
    std::fs::write(&path, [b'x'; 5000]).unwrap();
    let error = Numbers::open(&path, Options::new()).unwrap_err();
    assert!(matches!(error, Error::NotALog(_)), "{error}");
    assert_eq!(std::fs::read(&path).unwrap(), [b'x'; 5000]);

    std::fs::remove_file(&path).unwrap();
    let connection = Connection::open(&path).unwrap();
    connection.execute_batch("CREATE TABLE entry (a)").unwrap();
    let error = Numbers::open(&path, Options::new()).unwrap_err();
    assert!(matches!(error, Error::NotALog(_)), "{error}");

    std::fs::remove_file(&path).unwrap();
    open(&path);
    let connection = Connection::open(&path).unwrap();
    connection.pragma_update(None, "user_version", 2).unwrap();
    let error = Numbers::open(&path, Options::new()).unwrap_err();
    assert!(matches!(error, Error::Version(2)), "{error}");
}

#[test]
fn hashes_are_chosen_when_a_log_is_made() {
    let (_home, path) = home();
    fill(&Numbers::open(&path, Options::new()).unwrap(), 1);
    let error = Numbers::open(&path, Options::new().chained()).unwrap_err();
    assert!(matches!(error, Error::NotChained), "{error}");
    let log = Numbers::open(&path, Options::new()).unwrap();
    assert!(matches!(log.head(), Err(Error::NotChained)));
    assert_eq!(log.verify(..).unwrap().next, 1);

    let (_home, path) = home();
    fill(&open(&path), 1);
    // It goes on with them.
    fill(&Numbers::open(&path, Options::new()).unwrap(), 1);
    assert_eq!(open(&path).verify(..).unwrap().next, 2);
}

#[test]
fn a_bus_that_does_not_fit_is_refused() {
    let (_home, path) = home();
    let log = open(&path);
    let lossy = EventBus::new(4);
    assert!(matches!(log.attach(&lossy), Err(Error::Overwrites)));
    let late = bus(&log, 4);
    late.try_publish(1).unwrap();
    let error = log.attach(&late).unwrap_err();
    assert!(
        matches!(error, Error::Numbers { bus: 1, log: 0 }),
        "{error}"
    );
    assert_eq!(late.receiver_count(), 0);

    let first = bus(&log, 4);
    let attached = log.attach(&first).unwrap();
    assert!(matches!(log.attach(&first), Err(Error::Attached)));
    assert!(matches!(log.attach(&bus(&log, 4)), Err(Error::Attached)));
    drop(first);
    attached.join().unwrap();
    log.attach(&bus(&log, 4)).unwrap();
}

#[test]
fn a_bus_that_drops_the_newest_hands_it_back() {
    let (_home, path) = home();
    let log = open(&path);
    let locker = Connection::open(&path).unwrap();
    let builder = EventBus::builder().strategy(WaitStrategy::DropNewest);
    let bus = builder.capacity(2).build().unwrap();
    let attached = log.attach(&bus).unwrap();
    locker.execute_batch("BEGIN IMMEDIATE").unwrap();
    bus.publish_many_blocking(&mut vec![0, 1]).unwrap();
    assert_eq!(bus.publish_blocking(2).unwrap_err().into_event(), 2);
    locker.execute_batch("COMMIT").unwrap();
    attached.watermark().reached_blocking(1).unwrap();
}

/// Text that has no bytes so far, or panics.
#[derive(Clone, Default)]
struct Moody(Arc<AtomicBool>);

impl Encoding for Moody {
    type Event = &'static str;

    fn encode(&self, event: &&'static str) -> Result<Vec<u8>, BoxError> {
        match *event {
            "bad" if !self.0.load(Ordering::Relaxed) => Err("a bad event".into()),
            "worse" => std::panic::resume_unwind(Box::new("worse")),
            event => Ok(event.as_bytes().into()),
        }
    }

    fn decode(&self, _: Vec<u8>) -> Result<&'static str, BoxError> {
        Err("not needed".into())
    }
}

#[test]
fn an_event_that_has_no_bytes_holds_those_behind_it_up() {
    let (_home, path) = home();
    let (tell, told) = mpsc::channel();
    let options = Options::new().on_trouble(move |trouble| {
        let _ = tell.send(trouble.to_string());
    });
    let mood = Moody::default();
    let store = Sqlite::open(&path, false).unwrap();
    let log = Log::with_store(store, mood.clone(), options).unwrap();
    let bus = EventBus::with_strategy(8, WaitStrategy::Block);
    let attached = log.attach(&bus).unwrap();
    bus.publish_many_blocking(&mut vec!["good", "bad", "good"])
        .unwrap();
    assert_eq!(
        told.recv().unwrap(),
        "1 events wait to be stored: a bad event"
    );
    assert_eq!(
        told.recv().unwrap(),
        "1 events wait to be stored: a bad event"
    );
    assert_eq!(log.next(), 1);
    mood.0.store(true, Ordering::Relaxed);
    attached.watermark().reached_blocking(2).unwrap();
    bus.close();
    attached.join().unwrap();
    let stored: Vec<_> = Log::<Raw>::open(&path, Options::new().read_only())
        .unwrap()
        .read(0..9)
        .map(|event| event.unwrap().1)
        .collect();
    assert_eq!(stored, [&b"good"[..], b"bad", b"good"]);
    let told: Vec<_> = log.read(0..1).collect();
    assert!(matches!(told[..], [Err(Error::Decode { sequence: 0, .. })]));
}

#[test]
fn a_sink_that_panics_closes_the_bus() {
    let (_home, path) = home();
    let store = Sqlite::open(path, false).unwrap();
    let log = Log::with_store(store, Moody::default(), Options::new()).unwrap();
    let bus = EventBus::with_strategy(8, WaitStrategy::Block);
    let attached = log.attach(&bus).unwrap();
    let stored = attached.watermark();
    bus.publish_blocking("good").unwrap();
    stored.reached_blocking(0).unwrap();
    let sequence = bus.publish_blocking("worse").unwrap();
    assert_eq!(stored.reached_blocking(sequence), Err(Gone));
    assert!(bus.is_closed());
    assert!(attached.join().is_err());
    assert_eq!(log.next(), 1);
}

#[test]
fn an_arc_is_stored_as_what_it_holds() {
    let (_home, path) = home();
    let log = Log::<Json<Arc<str>>>::open(&path, Options::new()).unwrap();
    let bus = bus(&log, 8);
    let attached = log.attach(&bus).unwrap();
    bus.publish_blocking("event".into()).unwrap();
    bus.close();
    attached.join().unwrap();
    assert_eq!(log.read(0..1).next().unwrap().unwrap(), (0, "event".into()));
}
