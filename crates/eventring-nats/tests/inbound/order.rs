//! Without faults: what comes, and in which order.

use crate::server::Server;
use crate::support::{LONG, bus, feed_of, next, publish, raw, settled, start, stream};
use async_nats::HeaderMap;
use async_nats::jetstream;
use eventring::{EventBus, WaitStrategy};
use eventring_nats::Outbound;
use eventring_nats::inbound::{End, Start};
use std::time::SystemTime;

#[tokio::test]
async fn all_that_is_stored_comes_in_order_each_once() {
    let Some(server) = Server::start() else {
        return;
    };
    let context = stream(&server).await;
    publish(&context, "s.a", 0..50).await;
    let (bus, mut receiver) = bus(16);
    let feed = start(feed_of(&context, "reader"), bus).await;
    let publishing = tokio::spawn(async move { publish(&context, "s.b", 50..3_000).await });
    for number in 0..3_000 {
        let event = next(&mut receiver).await;
        assert_eq!(event.event, number.to_string());
        assert_eq!(event.stream_sequence, number + 1);
        assert_eq!(event.origin, None);
    }
    publishing.await.unwrap();
    assert_eq!(feed.stats().published, 3_000);
    let stopped = feed.stop(LONG).await;
    assert!(matches!(stopped.end, End::Stopped));
    assert_eq!(stopped.left, 0);
}

#[tokio::test]
async fn it_begins_where_it_is_told_to() {
    let Some(server) = Server::start() else {
        return;
    };
    let context = stream(&server).await;
    publish(&context, "s.a", 0..10).await;
    let of_six = raw(&context, 6).await.time;
    let time = SystemTime::from(of_six);
    let mut feeds = Vec::new();
    for (name, start_at) in [
        ("new", Start::New),
        ("sequence", Start::Sequence(4)),
        ("time", Start::Time(time)),
        ("after", Start::After(7)),
    ] {
        let (bus, receiver) = bus(64);
        let feed = start(feed_of(&context, name).from(start_at), bus).await;
        feeds.push((feed, receiver));
    }
    publish(&context, "s.a", 10..11).await;
    for ((feed, mut receiver), first) in feeds.into_iter().zip([11, 4, 6, 8]) {
        for sequence in first..=11 {
            assert_eq!(next(&mut receiver).await.stream_sequence, sequence);
        }
        feed.stop(LONG).await;
    }
}

#[tokio::test]
async fn a_feed_goes_on_where_the_one_before_has_stopped() {
    let Some(server) = Server::start() else {
        return;
    };
    let context = stream(&server).await;
    publish(&context, "s.a", 0..100).await;
    let mut expected = 1;
    for take in [1, 7, 30] {
        let (bus, mut receiver) = bus(1);
        let feed = start(feed_of(&context, "reader").from(Start::New), bus.clone()).await;
        if expected == 1 {
            publish(&context, "s.a", 100..200).await;
            expected = 101;
        }
        // Of another feed's the broker may know less when it is asked than it has confirmed.
        let may_repeat = expected != 101;
        for number in 0..take {
            let sequence = next(&mut receiver).await.stream_sequence;
            let again = number == 0 && may_repeat && sequence < expected;
            assert!(
                sequence == expected || again,
                "{sequence} instead of {expected}"
            );
            expected = sequence + 1;
        }
        let stopped = feed.stop(LONG).await;
        assert_eq!(stopped.left, 0);
        bus.close();
        while let Some(event) = receiver.recv().await {
            assert_eq!(event.stream_sequence, expected);
            expected += 1;
        }
    }
}

#[tokio::test]
async fn filters_and_own_events_are_left_out() {
    let Some(server) = Server::start() else {
        return;
    };
    let context = stream(&server).await;
    for number in 0..30_u64 {
        let mut headers = HeaderMap::new();
        let source = ["me", "you"][number as usize % 2];
        headers.insert("Nats-Msg-Id", format!("{source}.3.{number}"));
        let subject = format!("s.{}", ["a", "b", "c"][number as usize % 3]);
        let sent = context.publish_with_headers(subject, headers, "event".into());
        sent.await.unwrap().await.unwrap();
    }
    let (bus, mut receiver) = bus(64);
    let builder = feed_of(&context, "reader").filter("s.b").skip_source("me");
    let feed = start(builder, bus).await;
    for number in (1..30).step_by(6) {
        let event = next(&mut receiver).await;
        assert_eq!(event.stream_sequence, number + 1);
        let origin = event.origin.unwrap();
        assert_eq!(
            (&*origin.source, origin.epoch, origin.sequence),
            ("you", 3, number)
        );
    }
    settled(&context, "reader").await;
    let stats = feed.stats();
    assert_eq!((stats.published, stats.own, stats.acknowledged), (5, 5, 10));
}

/// Two processes, each with a bus out and a bus in, on one stream.
#[tokio::test]
async fn two_processes_get_each_others_events_and_no_echo() {
    let Some(server) = Server::start() else {
        return;
    };
    let context = jetstream::new(async_nats::connect(server.url()).await.unwrap());
    let mut processes = Vec::new();
    for name in ["one", "two"] {
        let out = EventBus::with_strategy(16, WaitStrategy::Block);
        let relay = Outbound::builder(context.clone(), "S", name)
            .encode(|event: &String, out| out.extend_from_slice(event.as_bytes()))
            .start(out.subscribe_committing())
            .await
            .unwrap();
        let (bus, receiver) = bus(16);
        let feed = start(feed_of(&context, name).skip_source(name), bus).await;
        processes.push((name, out, relay, feed, receiver));
    }
    for number in 0..100 {
        for (name, out, ..) in &processes {
            out.publish(format!("{name} {number}")).await.unwrap();
        }
        let others: Vec<_> = processes.iter().map(|process| process.0).rev().collect();
        for ((.., receiver), other) in processes.iter_mut().zip(others) {
            let event = next(receiver).await;
            assert_eq!(event.event, format!("{other} {number}"));
            let origin = event.origin.unwrap();
            assert_eq!((&*origin.source, origin.sequence), (other, number));
        }
    }
    for (name, out, relay, feed, _) in processes {
        drop(out);
        assert_eq!(relay.join().await.left(), 0);
        settled(&context, name).await;
        let stats = feed.stats();
        assert_eq!((stats.published, stats.own), (100, 100));
    }
    let stream = context.get_stream("S").await.unwrap();
    assert_eq!(stream.cached_info().state.messages, 200);
}
