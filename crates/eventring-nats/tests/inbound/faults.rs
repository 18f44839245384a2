//! Processes that die, a ring that is full, a broker that is killed.

use crate::server::Server;
use crate::support::{
    LONG, bus, consumer, feed_of, next, publish, publish_until, raw_sequences, settled, start,
    stream, until,
};
use async_nats::jetstream::consumer as consumers;
use eventring_nats::inbound::Ack;
use futures_util::StreamExt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::time::timeout;

/// A process that has died has got messages, and acknowledged none.
#[tokio::test]
async fn what_a_dead_process_had_comes_first_and_at_once() {
    let Some(server) = Server::start() else {
        return;
    };
    let context = stream(&server).await;
    for subject in ["s.a", "s.b", "s.b"] {
        publish(&context, subject, 0..40).await;
    }
    for filter in ["s.>", "s.b"] {
        let name = filter
            .trim_matches(|c: char| !c.is_alphanumeric())
            .replace('.', "-");
        let (bus, mut receiver) = bus(256);
        let builder = || feed_of(&context, &name).filter(filter).ack_wait(LONG);
        // It is there, and has delivered 50.
        start(builder(), bus.clone()).await.stop(LONG).await;
        let seen = receiver.try_iter().count() as u64;
        let consumer = consumer(&context, &name).await;
        let batch = consumer.fetch().max_messages(50).messages().await.unwrap();
        let taken = batch.collect::<Vec<_>>().await;
        assert!(taken.len() as u64 + seen >= 50);

        let feed = start(builder(), bus).await;
        publish(&context, "s.b", 120..130).await;
        let mut last = None;
        let matches = raw_sequences(&context, filter).await;
        for sequence in &matches[seen as usize..] {
            last = Some(next(&mut receiver).await.stream_sequence);
            assert_eq!(last, Some(*sequence));
        }
        assert_eq!(last, matches.last().copied());
        // They are not delivered again before the minute is over.
        assert!(feed.stats().reread >= taken.len() as u64);
        feed.stop(LONG).await;
    }
}

/// A full ring, for several times as long as the broker waits for acknowledgements.
#[tokio::test]
async fn nothing_is_delivered_again_while_the_ring_is_full() {
    let Some(server) = Server::start() else {
        return;
    };
    let context = stream(&server).await;
    publish(&context, "s.a", 0..50).await;
    let (bus, mut receiver) = bus(4);
    let feed = start(
        feed_of(&context, "reader").ack_wait(Duration::from_secs(1)),
        bus,
    )
    .await;
    // At least 46 messages at each tick of a third of a second.
    until(&feed, |stats| stats.in_progress >= 46 * 12).await;
    let full = feed.stats();
    assert_eq!(full.published, 4);
    assert!(full.redelivered <= 46, "a storm: {full:?}");
    for sequence in 1..=50 {
        assert_eq!(next(&mut receiver).await.stream_sequence, sequence);
    }
    settled(&context, "reader").await;
    assert_eq!(feed.stats().published, 50);
}

#[tokio::test]
async fn a_server_is_killed_and_restarted_in_a_burst() {
    let Some(mut server) = Server::start() else {
        return;
    };
    let context = stream(&server).await;
    let (bus, mut receiver) = bus(64);
    let builder = feed_of(&context, "reader").ack_wait(Duration::from_secs(1));
    let feed = start(builder, bus).await;
    let done = Arc::new(AtomicBool::new(false));
    let publishing = publish_until(&context, Arc::clone(&done));
    let mut expected = 1;
    for _ in 0..10 {
        for _ in 0..200 {
            assert_eq!(next(&mut receiver).await.stream_sequence, expected);
            expected += 1;
        }
        server.kill();
        server.restart();
    }
    done.store(true, Ordering::Relaxed);
    let sent = publishing.await.unwrap();
    let last = context
        .get_stream("S")
        .await
        .unwrap()
        .cached_info()
        .state
        .last_sequence;
    assert!(last >= sent);
    while expected <= last {
        assert_eq!(next(&mut receiver).await.stream_sequence, expected);
        expected += 1;
    }
    settled(&context, "reader").await;
    assert_eq!(feed.stats().published, last);
}

/// A sink that takes several times as long as the broker waits: how long that is, another consumer shows, for which
/// nobody asks.
#[tokio::test]
async fn nothing_is_delivered_again_while_a_sink_has_not_committed() {
    let Some(server) = Server::start() else {
        return;
    };
    let context = stream(&server).await;
    publish(&context, "s.a", 0..10).await;
    let wait = Duration::from_secs(1);
    let (bus, _) = bus(16);
    let mut sink = bus.subscribe_committing();
    let ack = Ack::Committed(sink.watermark());
    let feed = start(feed_of(&context, "reader").ack(ack).ack_wait(wait), bus).await;
    until(&feed, |stats| stats.published == 10).await;

    let config = consumers::pull::Config {
        durable_name: Some("clock".into()),
        ack_wait: wait,
        ..Default::default()
    };
    let clock = context.get_stream("S").await.unwrap();
    let clock = clock.create_consumer(config).await.unwrap();
    let mut again = clock.messages().await.unwrap();
    let four_times = async {
        while again
            .next()
            .await
            .unwrap()
            .unwrap()
            .info()
            .unwrap()
            .delivered
            < 5
        {}
    };
    timeout(LONG, four_times)
        .await
        .expect("it is not delivered again");

    // Once more each, if this process was held up for as long.
    let delivered = consumer(&context, "reader").await;
    let delivered = delivered.cached_info().delivered.consumer_sequence;
    assert!(delivered <= 20, "{delivered} deliveries of 10");
    assert!(feed.stats().in_progress >= 10);
    while sink.try_recv().is_ok() {}
    sink.commit_all();
    settled(&context, "reader").await;
    assert_eq!(feed.stats().published, 10);
}
