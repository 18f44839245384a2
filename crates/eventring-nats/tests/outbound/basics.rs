//! Without faults.

use crate::server::Server;
use crate::support::{
    PATIENCE, assert_sequence, builder, bus, connect, encode, reached, relayed, stored,
};
use async_nats::jetstream::stream::{Config, RetentionPolicy, StorageType};
use eventring::{EventBus, WaitStrategy};
use eventring_nats::{End, Outbound, StartError};
use tokio::time::timeout;

#[tokio::test]
async fn events_are_stored_in_order() {
    let Some(server) = Server::start() else {
        return;
    };
    let (bus, relay) = relayed(&server, 64).await;
    for event in 0..1000 {
        assert_eq!(bus.publish(event).await, Ok(event));
    }
    reached(&relay, 999).await;
    let stats = relay.stats();
    assert_eq!((stats.stored, stats.stream_sequence), (1000, 1000));
    assert_eq!((stats.duplicates, stats.resumed), (0, 0));
    assert_sequence(&stored(server.url(), "a").await, 0, 1000);

    bus.close();
    let stopped = timeout(PATIENCE, relay.join()).await.unwrap();
    assert_eq!(
        (stopped.end, stopped.stored(), stopped.left()),
        (End::Complete, 1000, 0)
    );
}

#[tokio::test]
async fn who_stops_stores_what_is_there_then() {
    let Some(server) = Server::start() else {
        return;
    };
    let bus = bus(64);
    let relay = builder(&server, "a")
        .await
        .in_flight(3)
        .start(bus.subscribe_committing());
    let relay = relay.await.unwrap();
    for event in 0..64 {
        bus.publish(event).await.unwrap();
    }
    let stopped = relay.stop(PATIENCE).await;
    assert_eq!(
        (stopped.end, stopped.stored(), stopped.left()),
        (End::Complete, 64, 0)
    );
    bus.publish(64).await.unwrap();
    assert_eq!(stopped.left(), 1);
    assert_sequence(&stored(server.url(), "a").await, 0, 64);
}

#[tokio::test]
async fn each_run_has_numbers_of_its_own() {
    let Some(server) = Server::start() else {
        return;
    };
    for run in 0..3 {
        let (bus, relay) = relayed(&server, 64).await;
        for event in 10 * run..10 * (run + 1) {
            bus.publish(event).await.unwrap();
        }
        assert_eq!(relay.stop(PATIENCE).await.end, End::Complete);
    }
    assert_sequence(&stored(server.url(), "a").await, 0, 30);
}

#[tokio::test]
async fn continued_numbers_are_not_stored_again() {
    let Some(server) = Server::start() else {
        return;
    };
    let mut stored_before = 0;
    // What a log has that a process reads again after it was killed: more than was sent, or less.
    for (first, end) in [(0, 10), (5, 20), (12, 15), (15, 30)] {
        let builder = builder(&server, "a").await.continued();
        assert_eq!(builder.next().await.unwrap(), stored_before);
        stored_before = end.max(stored_before);
        let bus = EventBus::builder()
            .strategy(WaitStrategy::Block)
            .first(first)
            .build()
            .unwrap();
        let relay = builder.start(bus.subscribe_committing()).await.unwrap();
        for event in first..end {
            assert_eq!(bus.publish(event).await, Ok(event));
        }
        reached(&relay, end - 1).await;
        assert_eq!(relay.stop(PATIENCE).await.end, End::Complete);
    }
    assert_sequence(&stored(server.url(), "a").await, 0, 30);
}

#[tokio::test]
async fn sources_share_a_stream() {
    let Some(server) = Server::start() else {
        return;
    };
    let mut relays = Vec::new();
    for source in ["a", "b", "c"] {
        let bus = bus(256);
        let relay = builder(&server, source)
            .await
            .start(bus.subscribe_committing());
        relays.push((source, bus, relay.await.unwrap()));
    }
    for event in 0..2000 {
        for (_, bus, _) in &relays {
            bus.publish(event).await.unwrap();
        }
    }
    for (source, _, relay) in relays {
        reached(&relay, 1999).await;
        println!("{source}: {:?}", relay.stats());
        assert_sequence(&stored(server.url(), source).await, 0, 2000);
    }
}

#[tokio::test]
async fn a_stream_that_cannot_keep_what_is_promised_is_refused() {
    let Some(server) = Server::start() else {
        return;
    };
    let context = connect(server.url()).await;
    let bus = bus(4);
    let start = async |name: &str, source: &str| {
        let builder = Outbound::builder(context.clone(), name, source).encode(encode);
        builder.start(bus.subscribe_committing()).await
    };
    let make = async |name: &str, subject: &str, config: Config| {
        let config = Config {
            name: name.into(),
            subjects: vec![subject.into()],
            ..config
        };
        context.create_stream(config).await.unwrap();
    };
    make(
        "MEMORY",
        "memory.>",
        Config {
            storage: StorageType::Memory,
            ..Config::default()
        },
    )
    .await;
    make(
        "SILENT",
        "silent.>",
        Config {
            no_ack: true,
            ..Config::default()
        },
    )
    .await;
    let queue = Config {
        retention: RetentionPolicy::WorkQueue,
        ..Config::default()
    };
    make("QUEUE", "queue.>", queue).await;
    make("OTHER", "others.>", Config::default()).await;

    for unfit in ["MEMORY", "SILENT", "QUEUE"] {
        let refused = start(unfit, "a").await.unwrap_err();
        assert!(
            matches!(refused, StartError::Unfit(_)),
            "{unfit}: {refused}"
        );
    }
    let refused = start("OTHER", "a").await.unwrap_err();
    assert!(
        matches!(&refused, StartError::Subject(subject) if subject == "other.a"),
        "{refused}"
    );
    for name in ["", "a.b", "a b", "*", ">"] {
        let refused = start("AUDIT", name).await.unwrap_err();
        assert!(matches!(refused, StartError::Name(_)), "{name}: {refused}");
    }
    let builder = Outbound::builder(context.clone(), "MEMORY", "a").encode(encode);
    let allowed = builder
        .allow_memory()
        .start(bus.subscribe_committing())
        .await;
    assert_eq!(allowed.unwrap().stop(PATIENCE).await.end, End::Complete);
}
