//! What a sink has committed, or stored with the number.

use crate::server::Server;
use crate::support::{Bus, LONG, bus, ended, feed_of, next, publish, start, stream};
use eventring::WaitStrategy;
use eventring_nats::inbound::{Ack, End, Start};
use std::time::Duration;
use tokio::time::timeout;

#[tokio::test]
async fn a_sink_that_fails_gets_again_what_it_has_not_committed() {
    let Some(server) = Server::start() else {
        return;
    };
    let context = stream(&server).await;
    publish(&context, "s.a", 0..300).await;
    let (mut committed, mut patience) = (0, 0);
    while committed < 300 {
        let bus = Bus::with_strategy(32, WaitStrategy::Block);
        let mut sink = bus.subscribe_committing();
        let ack = Ack::Committed(sink.watermark());
        let feed = start(feed_of(&context, "reader").ack(ack).in_flight(64), bus).await;
        // It commits by tens, and dies with ten more: later each time, since what comes again
        // is more than it has not committed.
        patience += 30;
        let mut expected = None;
        for number in 1..=patience {
            let event = timeout(LONG, sink.recv()).await.unwrap().unwrap();
            let sequence = event.stream_sequence;
            let begins = sequence <= committed + 1;
            let goes_on = expected.map_or(begins, |expected| sequence == expected);
            assert!(
                goes_on,
                "{sequence} after {expected:?}, {committed} committed"
            );
            expected = Some(sequence + 1);
            if number % 10 == 0 && number < patience || sequence == 300 {
                sink.commit_all();
                committed = committed.max(sequence);
            }
            if sequence == 300 {
                break;
            }
        }
        drop(sink);
        if committed < 300 {
            assert!(matches!(ended(feed).await, End::SinkGone));
        }
    }
}

/// Exactly once: what the store has says where to begin.
#[tokio::test]
async fn a_store_that_has_the_sequence_gets_each_once() {
    let Some(server) = Server::start() else {
        return;
    };
    let context = stream(&server).await;
    publish(&context, "s.a", 0..200).await;
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("store");
    loop {
        let mut store = rusqlite::Connection::open(&file).unwrap();
        store
            .execute_batch("CREATE TABLE IF NOT EXISTS events (sequence INTEGER, event TEXT)")
            .unwrap();
        let last = "SELECT coalesce(max(sequence), 0) FROM events";
        let last: u64 = store.query_row(last, [], |row| row.get(0)).unwrap();
        if last == 200 {
            break;
        }
        let (bus, mut receiver) = bus(16);
        let feed = start(feed_of(&context, "store").from(Start::After(last)), bus).await;
        // It dies with a transaction that is not committed, and more in the bus.
        let transaction = store.transaction().unwrap();
        for _ in 0..30.min(200 - last) {
            let event = next(&mut receiver).await;
            let row = (event.stream_sequence, event.event);
            transaction
                .execute("INSERT INTO events VALUES (?, ?)", row)
                .unwrap();
        }
        transaction.commit().unwrap();
        let lost = store.transaction().unwrap();
        if last + 30 < 200 {
            let event = next(&mut receiver).await;
            let row = (event.stream_sequence, event.event);
            lost.execute("INSERT INTO events VALUES (?, ?)", row)
                .unwrap();
        }
        drop(lost);
        drop(feed.stop(Duration::ZERO).await);
    }
    let store = rusqlite::Connection::open(&file).unwrap();
    let mut rows = store
        .prepare("SELECT sequence, event FROM events ORDER BY rowid")
        .unwrap();
    let rows = rows
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))
        .unwrap();
    let rows: Vec<(u64, String)> = rows.map(Result::unwrap).collect();
    let expected = (1..=200).map(|sequence| (sequence, (sequence - 1).to_string()));
    assert!(rows.into_iter().eq(expected));
}
