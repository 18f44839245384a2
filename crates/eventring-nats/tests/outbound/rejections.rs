//! What the broker does not take.

use crate::server::Server;
use crate::support::{PATIENCE, assert_sequence, builder, bus, connect, reached, stored, until};
use async_nats::jetstream::stream::{Config, DiscardPolicy};
use eventring_nats::{End, Outbound, Reject, Rejection};
use tokio::time::timeout;

fn full_at_100() -> Config {
    Config {
        subjects: vec!["audit.>".into()],
        max_messages: 100,
        discard: DiscardPolicy::New,
        ..Config::default()
    }
}

#[tokio::test]
async fn a_stream_that_is_full_is_waited_for() {
    let Some(server) = Server::start() else {
        return;
    };
    let bus = bus(256);
    let builder = builder(&server, "a").await.create(full_at_100());
    let relay = builder.start(bus.subscribe_committing()).await.unwrap();
    for event in 0..200 {
        bus.publish(event).await.unwrap();
    }
    reached(&relay, 99).await;
    until(&relay, |stats| stats.resumed > 3).await;
    assert_eq!(relay.stats().stored, 100);
    let stream = connect(server.url())
        .await
        .get_stream("AUDIT")
        .await
        .unwrap();
    stream.purge().await.unwrap();
    reached(&relay, 199).await;
    assert_sequence(&stored(server.url(), "a").await, 100, 100);
}

#[tokio::test]
async fn a_stream_that_is_full_is_told() {
    let Some(server) = Server::start() else {
        return;
    };
    for (how, end, stored_then, skipped) in [
        (Reject::Skip, End::Complete, 200, 100),
        (Reject::Stop, End::Rejected(Rejection::Full), 0, 0),
    ] {
        let bus = bus(256);
        let builder = builder(&server, "a").await.create(full_at_100());
        let builder = builder.on_reject(move |_, why| {
            assert_eq!(why, Rejection::Full);
            how
        });
        let relay = builder.start(bus.subscribe_committing()).await.unwrap();
        for event in 0..200 {
            bus.publish(event).await.unwrap();
        }
        bus.close();
        timeout(PATIENCE, relay.ended()).await.expect("it goes on");
        assert_eq!(relay.stats().skipped, skipped);
        let stopped = relay.join().await;
        assert_eq!((stopped.end, stopped.stored()), (end, stored_then));
        assert_eq!(stopped.left(), 200 - stored_then);
        assert_sequence(&stored(server.url(), "a").await, 0, 100);
    }
}

/// Each tenth event has 2000 bytes.
fn padded(event: &u64, out: &mut Vec<u8>) {
    let length = if event % 10 == 5 { 2000 } else { 0 };
    out.extend_from_slice(format!("{event:0length$}").as_bytes());
}

#[tokio::test]
async fn messages_that_are_too_large_for_the_server_are_told() {
    let Some(server) = Server::start_with("max_payload: 1000") else {
        return;
    };
    too_large(&server, Config::default()).await;
}

#[tokio::test]
async fn messages_that_are_too_large_for_the_stream_are_told() {
    let Some(server) = Server::start() else {
        return;
    };
    let config = Config {
        max_message_size: 1000,
        ..Config::default()
    };
    too_large(&server, config).await;
}

async fn too_large(server: &Server, config: Config) {
    let config = Config {
        subjects: vec!["audit.>".into()],
        ..config
    };
    let context = connect(server.url()).await;
    let bus = bus(256);
    let builder = || {
        let builder = Outbound::builder(context.clone(), "AUDIT", "a").encode(padded);
        builder.create(config.clone())
    };
    let skipping = builder().on_reject(|event, why| {
        assert_eq!((event % 10, why), (5, Rejection::TooLarge));
        Reject::Skip
    });
    let relay = skipping.start(bus.subscribe_committing()).await.unwrap();
    for event in 0..100 {
        bus.publish(event).await.unwrap();
    }
    reached(&relay, 99).await;
    let stats = relay.stats();
    assert_eq!((stats.stored, stats.skipped), (90, 10));
    assert_eq!(relay.stop(PATIENCE).await.end, End::Complete);
    let kept: Vec<_> = (0..100).filter(|event| event % 10 != 5).collect();
    assert_eq!(stored(server.url(), "a").await, kept);

    let relay = builder().start(bus.subscribe_committing()).await.unwrap();
    for event in 100..110 {
        bus.publish(event).await.unwrap();
    }
    let stopped = timeout(PATIENCE, relay.join()).await.expect("it goes on");
    assert_eq!(stopped.end, End::Rejected(Rejection::TooLarge));
    assert_eq!((stopped.stored(), stopped.left()), (105, 5));
}
