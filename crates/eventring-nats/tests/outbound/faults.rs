//! The broker is killed, stopped, cut off.

use crate::proxy::{Mode, Proxy};
use crate::server::Server;
use crate::support::{
    PATIENCE, Publisher, assert_sequence, builder, builder_to, bus, connect, encode, in_stream,
    reached, relayed, stored, until,
};
use async_nats::jetstream::stream::Config;
use async_nats::jetstream::{self, Context};
use async_nats::{ConnectOptions, HeaderMap};
use eventring::EventBus;
use eventring_nats::{End, Outbound};
use std::time::Duration;
use tokio::time::{sleep, timeout};

#[tokio::test]
async fn a_broker_is_killed_50_times_in_a_burst() {
    let Some(mut server) = Server::start() else {
        return;
    };
    let (bus, relay) = relayed(&server, 256).await;
    let publisher = Publisher::start(&bus);
    for _ in 0..50 {
        let before = relay.stats();
        until(&relay, |stats| stats.stored > before.stored + 20).await;
        server.kill();
        server.restart();
        until(&relay, |stats| stats.reconnects > before.reconnects).await;
    }
    let published = publisher.finish().await;
    reached(&relay, published - 1).await;
    println!("{:?}", relay.stats());
    assert_sequence(&stored(server.url(), "a").await, 0, published);
}

#[tokio::test]
async fn a_broker_stops_for_longer_than_the_ack_timeout() {
    let Some(server) = Server::start() else {
        return;
    };
    let (bus, relay) = relayed(&server, 256).await;
    let publisher = Publisher::start(&bus);
    for _ in 0..3 {
        let before = relay.stats();
        until(&relay, |stats| stats.stored > before.stored + 100).await;
        server.pause();
        until(&relay, |stats| stats.resumed > before.resumed).await;
        server.resume();
    }
    let published = publisher.finish().await;
    reached(&relay, published - 1).await;
    println!("{:?}", relay.stats());
    assert_sequence(&stored(server.url(), "a").await, 0, published);
}

/// Until the stream has what the relay does not know to be there.
async fn until_ahead(direct: &Context, relay: &Outbound<u64>) {
    let ahead = async {
        while in_stream(direct).await <= relay.stats().stream_sequence {
            sleep(Duration::from_millis(1)).await;
        }
    };
    timeout(PATIENCE, ahead).await.expect("nothing is stored");
}

#[tokio::test]
async fn acks_are_swallowed_and_the_connection_is_cut() {
    let Some(server) = Server::start() else {
        return;
    };
    let proxy = Proxy::start(server.port()).await;
    let bus = bus(256);
    let relay = builder_to(proxy.url(), "a").await;
    // So that it is the cut that makes it ask.
    let relay = relay
        .ack_timeout(PATIENCE)
        .start(bus.subscribe_committing());
    let relay = relay.await.unwrap();
    let publisher = Publisher::start(&bus);
    for _ in 0..10 {
        let before = relay.stats();
        until(&relay, |stats| stats.stored > before.stored + 20).await;
        proxy.swallow().await;
        proxy.cut().await;
        proxy.set(Mode::Pass);
        until(&relay, |stats| stats.resumed > before.resumed).await;
    }
    let published = publisher.finish().await;
    reached(&relay, published - 1).await;
    println!("{:?}", relay.stats());
    assert_sequence(&stored(server.url(), "a").await, 0, published);
}

/// Ids alone would store again what was not acknowledged.
#[tokio::test]
async fn an_outage_is_longer_than_the_broker_remembers_ids() {
    let Some(mut server) = Server::start() else {
        return;
    };
    let proxy = Proxy::start(server.port()).await;
    let direct = connect(server.url()).await;
    let bus = bus(256);
    let relay = builder_to(proxy.url(), "a").await.create(Config {
        subjects: vec!["audit.>".into()],
        duplicate_window: Duration::from_secs(1),
        ..Config::default()
    });
    let relay = relay.start(bus.subscribe_committing()).await.unwrap();
    let publisher = Publisher::start(&bus);
    until(&relay, |stats| stats.stored > 100).await;
    proxy.swallow().await;
    proxy.cut().await;
    assert!(!is_duplicate(&direct).await);
    server.kill();
    server.restart();
    let direct = connect(server.url()).await;
    let forgotten = async { while is_duplicate(&direct).await {} };
    timeout(PATIENCE, forgotten).await.expect("it remembers");
    proxy.set(Mode::Pass);

    let published = publisher.finish().await;
    reached(&relay, published - 1).await;
    println!("{:?}", relay.stats());
    assert_sequence(&stored(server.url(), "a").await, 0, published);
}

/// Whether the broker remembers this from the last time.
async fn is_duplicate(context: &Context) -> bool {
    let mut headers = HeaderMap::new();
    headers.insert("Nats-Msg-Id", "a probe");
    let sent = context.publish_with_headers("audit.probe", headers, "probe".into());
    sent.await.unwrap().await.unwrap().duplicate
}

#[tokio::test]
async fn who_stops_while_the_broker_is_down_is_told_what_is_left() {
    let Some(mut server) = Server::start() else {
        return;
    };
    let (bus, relay) = relayed(&server, 64).await;
    for event in 0..10 {
        bus.publish(event).await.unwrap();
    }
    reached(&relay, 9).await;
    server.kill();
    for event in 10..30 {
        bus.publish(event).await.unwrap();
    }
    let stopped = relay.stop(Duration::from_millis(50)).await;
    assert_eq!(
        (stopped.end, stopped.stored(), stopped.left()),
        (End::Late, 10, 20)
    );

    server.restart();
    let relay = builder(&server, "a").await.resume(stopped).await.unwrap();
    reached(&relay, 29).await;
    assert_sequence(&stored(server.url(), "a").await, 0, 30);
}

/// Some of them are stored, but the relay does not know it.
#[tokio::test]
async fn a_relay_goes_on_where_another_one_was_stopped() {
    let Some(server) = Server::start() else {
        return;
    };
    let proxy = Proxy::start(server.port()).await;
    let direct = connect(server.url()).await;
    let bus = bus(64);
    let relay = builder_to(proxy.url(), "a")
        .await
        .start(bus.subscribe_committing());
    let relay = relay.await.unwrap();
    bus.publish(0).await.unwrap();
    reached(&relay, 0).await;
    proxy.set(Mode::Swallow);
    for event in 1..30 {
        bus.publish(event).await.unwrap();
    }
    until_ahead(&direct, &relay).await;
    let stopped = relay.stop(Duration::ZERO).await;
    assert_eq!((stopped.end, stopped.stored()), (End::Late, 1));

    let relay = builder(&server, "a").await.resume(stopped).await.unwrap();
    reached(&relay, 29).await;
    assert_sequence(&stored(server.url(), "a").await, 0, 30);
}

#[tokio::test]
async fn a_client_that_is_closed_ends_it() {
    let Some(mut server) = Server::start() else {
        return;
    };
    let (drained_bus, given_up_bus) = (bus(64), bus(64));
    let start = async |source: &str, context: &Context, bus: &EventBus<u64>| {
        let builder = Outbound::builder(context.clone(), "AUDIT", source).encode(encode);
        let relay = builder.start(bus.subscribe_committing()).await.unwrap();
        bus.publish(0).await.unwrap();
        reached(&relay, 0).await;
        relay
    };
    let context = connect(server.url()).await;
    let drained = start("drained", &context, &drained_bus).await;
    context.client().drain().await.unwrap();
    let stopped = timeout(PATIENCE, drained.join()).await.expect("it goes on");
    assert_eq!((stopped.end, stopped.stored()), (End::Disconnected, 1));

    let options = ConnectOptions::new().max_reconnects(1);
    let context = jetstream::new(options.connect(server.url()).await.unwrap());
    let given_up = start("given-up", &context, &given_up_bus).await;
    server.kill();
    for event in 1..10 {
        given_up_bus.publish(event).await.unwrap();
    }
    let stopped = timeout(PATIENCE, given_up.join())
        .await
        .expect("it goes on");
    assert_eq!((stopped.end, stopped.left()), (End::Disconnected, 9));
}
