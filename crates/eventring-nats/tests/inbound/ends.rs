//! Why a feed ends, or does not start.

use crate::server::Server;
use crate::support::{
    Bus, bus, decode, ended, feed_of, next, publish, settled, start, stream, until,
};
use async_nats::ConnectOptions;
use async_nats::jetstream::{self, consumer};
use eventring::WaitStrategy;
use eventring_nats::inbound::{Ack, End, Inbound, Start, StartError, Undecoded};
use std::time::Duration;

#[tokio::test]
async fn the_end_is_told() {
    let Some(server) = Server::start() else {
        return;
    };
    let context = stream(&server).await;
    publish(&context, "s.a", 0..3).await;
    let stream = context.get_stream("S").await.unwrap();

    let (closed, _receiver) = bus(4);
    let feed = start(feed_of(&context, "closed"), closed.clone()).await;
    closed.close();
    publish(&context, "s.a", 3..4).await;
    assert!(matches!(ended(feed).await, End::BusClosed));

    let feed = start(feed_of(&context, "deleted"), bus(16).0).await;
    until(&feed, |stats| stats.published == 4).await;
    stream.delete_consumer("deleted").await.unwrap();
    assert!(matches!(ended(feed).await, End::ConsumerDeleted));

    let feed = start(feed_of(&context, "taken"), bus(16).0).await;
    until(&feed, |stats| stats.published == 4).await;
    let (bus_of_next, mut receiver) = bus(16);
    let next_one = feed_of(&context, "taken").from(Start::After(2));
    let next_one = start(next_one, bus_of_next).await;
    assert!(matches!(ended(feed).await, End::ConsumerDeleted));
    assert_eq!(next(&mut receiver).await.stream_sequence, 3);

    context.delete_stream("S").await.unwrap();
    assert!(matches!(ended(next_one).await, End::StreamDeleted));
}

#[tokio::test]
async fn what_cannot_be_decoded_is_the_hooks() {
    let Some(server) = Server::start() else {
        return;
    };
    let context = stream(&server).await;
    for payload in [&b"good"[..], b"\xff", b"better"] {
        context
            .publish("s.a", payload.into())
            .await
            .unwrap()
            .await
            .unwrap();
    }
    let (bus, mut receiver) = bus(4);
    let feed = start(feed_of(&context, "reader"), bus.clone()).await;
    let End::Undecodable {
        stream_sequence, ..
    } = ended(feed).await
    else {
        panic!("goes on")
    };
    assert_eq!(stream_sequence, 2);
    assert_eq!(next(&mut receiver).await.event, "good");

    let skip = feed_of(&context, "reader").on_undecodable(|undecodable| {
        assert_eq!(undecodable.message.sequence, 2);
        Undecoded::Skip
    });
    let feed = start(skip, bus).await;
    assert_eq!(next(&mut receiver).await.event, "better");
    settled(&context, "reader").await;
    assert_eq!(feed.stats().undecoded, 1);
}

#[tokio::test]
async fn what_cannot_keep_the_promises_is_refused() {
    let Some(server) = Server::start() else {
        return;
    };
    let context = stream(&server).await;
    let drops = Bus::with_strategy(4, WaitStrategy::DropNewest);
    let refused = feed_of(&context, "reader").start(drops, decode).await;
    assert!(matches!(refused, Err(StartError::Unfit(_))));

    let stream = context.get_stream("S").await.unwrap();
    let all = consumer::pull::Config {
        durable_name: Some("all".into()),
        ack_policy: consumer::AckPolicy::All,
        ..Default::default()
    };
    stream.create_consumer(all).await.unwrap();
    let refused = feed_of(&context, "all").start(bus(4).0, decode).await;
    assert!(matches!(refused, Err(StartError::Unfit(_))));

    let none = Inbound::builder(context, "NONE", "reader")
        .start(bus(4).0, decode)
        .await;
    assert!(matches!(none, Err(StartError::Broker(_))));
}

#[tokio::test]
async fn who_stops_before_the_sink_has_committed_is_told_what_is_left() {
    let Some(server) = Server::start() else {
        return;
    };
    let context = stream(&server).await;
    publish(&context, "s.a", 0..5).await;
    let (bus, _) = bus(16);
    let mut sink = bus.subscribe_committing();
    let ack = Ack::Committed(sink.watermark());
    let feed = start(feed_of(&context, "reader").ack(ack), bus).await;
    until(&feed, |stats| stats.published == 5).await;
    for _ in 0..2 {
        sink.try_recv().unwrap();
    }
    sink.commit_all();
    until(&feed, |stats| stats.acknowledged == 2).await;
    let stopped = feed.stop(Duration::ZERO).await;
    assert!(matches!(stopped.end, End::Late), "{}", stopped.end);
    assert_eq!(stopped.left, 3);
}

#[tokio::test]
async fn a_client_that_is_closed_ends_it() {
    let Some(mut server) = Server::start() else {
        return;
    };
    let context = stream(&server).await;
    publish(&context, "s.a", 0..3).await;
    let drained = start(feed_of(&context, "drained"), bus(16).0).await;
    until(&drained, |stats| stats.published == 3).await;
    context.client().drain().await.unwrap();
    let end = ended(drained).await;
    assert!(matches!(end, End::Disconnected), "{end}");

    let options = ConnectOptions::new().max_reconnects(1);
    let context = jetstream::new(options.connect(server.url()).await.unwrap());
    let gave_up = start(feed_of(&context, "gave_up"), bus(16).0).await;
    until(&gave_up, |stats| stats.published == 3).await;
    server.kill();
    let end = ended(gave_up).await;
    assert!(matches!(end, End::Disconnected), "{end}");
}
