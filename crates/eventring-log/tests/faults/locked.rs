//! The database locked by somebody else.

use super::{CAPACITY, bus, checked};
use eventring_log::{Events, Json, Log, Options};
use rusqlite::Connection;
use std::sync::mpsc;

#[test]
fn a_database_that_is_locked_is_waited_for() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("events.db");
    let (tell, told) = mpsc::channel();
    let options = Options::new().chained().on_trouble(move |trouble| {
        let _ = tell.send(trouble.clone());
    });
    let log = Log::<Json<super::Event>>::open(&path, options).unwrap();
    let bus = bus(&log);
    let attached = log.attach(&bus).unwrap();
    let mut locker = Connection::open(&path).unwrap();
    let lock = locker
        .transaction_with_behavior(rusqlite::TransactionBehavior::Exclusive)
        .unwrap();
    for number in 0..CAPACITY as u64 {
        bus.try_publish((number, 0)).unwrap();
    }
    // The bus holds no more, since nothing is stored.
    assert!(bus.try_publish((0, 0)).is_err());
    for attempt in 1..3 {
        let trouble = told.recv().unwrap();
        assert_eq!(trouble.attempts, attempt);
        assert!(trouble.error.contains("locked"), "{trouble}");
    }
    let trouble = attached.stats().trouble.unwrap();
    assert!(trouble.attempts >= 2 && trouble.events >= 1);
    assert_eq!((attached.watermark().get(), log.next()), (0, 0));
    // Who reads is not locked out.
    let _: Events<_> = log.read(0..1);
    assert!(log.read(0..1).next().is_none());
    drop(lock);
    attached
        .watermark()
        .reached_blocking(CAPACITY as u64 - 1)
        .unwrap();
    let stats = attached.stats();
    assert!(stats.retries >= 2 && stats.trouble.is_none());
    assert_eq!(checked(&log).len(), CAPACITY);
}
