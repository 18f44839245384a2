//! How many events a second go out: by the relay, by async-nats as its page says is fastest (many in flight,
//! and acknowledgements awaited apart), by that with the two headers that the relay's messages have, and one by one. A
//! server of its own on the same machine.
//!
//! `cargo bench -p eventring-nats`

#[path = "../tests/server/mod.rs"]
mod server;

use async_nats::HeaderMap;
use async_nats::header::{
    NATS_EXPECTED_LAST_MESSAGE_ID, NATS_EXPECTED_LAST_SUBJECT_SEQUENCE, NATS_MESSAGE_ID,
};
use async_nats::jetstream::stream::Config;
use async_nats::jetstream::{self, Context, ContextBuilder};
use eventring::{EventBus, WaitStrategy};
use eventring_nats::Outbound;
use server::Server;
use std::future::IntoFuture;
use std::time::Instant;
use tokio::sync::mpsc;

const IN_FLIGHT: usize = 1024;
const ROUNDS: usize = 5;

type Event = std::sync::Arc<[u8]>;

#[tokio::main]
async fn main() {
    let Some(server) = Server::start() else {
        return;
    };
    println!("events/s, median of {ROUNDS} rounds in turns, {IN_FLIGHT} in flight");
    println!(
        "{:>6} {:>10} {:>11} {:>7} {:>13} {:>7} {:>11}",
        "bytes", "relay", "async-nats", "", "with headers", "", "one by one"
    );
    for (size, count) in [(100, 200_000), (4096, 50_000)] {
        let event: Event = vec![b'e'; size].into();
        let mut rates = [const { Vec::new() }; 4];
        for _ in 0..ROUNDS {
            rates[0].push(relay(&server, &event, count).await);
            rates[1].push(pipelined(&server, &event, count, false).await);
            rates[2].push(pipelined(&server, &event, count, true).await);
            rates[3].push(one_by_one(&server, &event, count / 50).await);
        }
        let [relay, pipelined, with_headers, one_by_one] = rates.map(|mut rates| {
            rates.sort_by(f64::total_cmp);
            rates[ROUNDS / 2]
        });
        let share = |of: f64| 100.0 * relay / of;
        println!(
            "{size:>6} {relay:>10.0} {pipelined:>11.0} {:>5.0} % {with_headers:>13.0} {:>5.0} % {one_by_one:>11.0}",
            share(pipelined),
            share(with_headers)
        );
    }
}

/// A stream that is empty.
async fn context(server: &Server) -> Context {
    let client = async_nats::connect(server.url()).await.unwrap();
    let context = ContextBuilder::new()
        .max_ack_inflight(IN_FLIGHT)
        .backpressure_on_inflight(true)
        .build(client);
    let _ = context.delete_stream("BENCH").await;
    let config = Config {
        name: "BENCH".into(),
        subjects: vec!["bench.>".into()],
        ..Config::default()
    };
    context.create_stream(config).await.unwrap();
    context
}

async fn assert_stored(context: &Context, count: usize) {
    let stream = context.get_stream("BENCH").await.unwrap();
    assert_eq!(stream.cached_info().state.messages, count as u64);
}

async fn relay(server: &Server, event: &Event, count: usize) -> f64 {
    let context = context(server).await;
    let bus = EventBus::with_strategy(2 * IN_FLIGHT, WaitStrategy::Block);
    let relay = Outbound::builder(context.clone(), "BENCH", "a")
        .in_flight(IN_FLIGHT)
        .encode(|event: &Event, out| out.extend_from_slice(event))
        .start(bus.subscribe_committing())
        .await
        .unwrap();
    let started = Instant::now();
    for _ in 0..count {
        bus.publish(event.clone()).await.unwrap();
    }
    relay.stored().reached(count as u64 - 1).await.unwrap();
    let rate = count as f64 / started.elapsed().as_secs_f64();
    assert_eq!(relay.stats().resumed, 0);
    assert_stored(&context, count).await;
    rate
}

async fn pipelined(server: &Server, event: &Event, count: usize, headers: bool) -> f64 {
    let context = context(server).await;
    let (sender, mut acks) = mpsc::channel::<jetstream::context::PublishAckFuture>(IN_FLIGHT);
    let started = Instant::now();
    let acknowledged = tokio::spawn(async move {
        while let Some(ack) = acks.recv().await {
            ack.into_future().await.unwrap();
        }
    });
    for number in 0..count {
        let payload = event.to_vec().into();
        let sent = if headers {
            let headers = chained(number);
            context
                .publish_with_headers("bench.a", headers, payload)
                .await
        } else {
            context.publish("bench.a", payload).await
        };
        sender.send(sent.unwrap()).await.unwrap();
    }
    drop(sender);
    acknowledged.await.unwrap();
    let rate = count as f64 / started.elapsed().as_secs_f64();
    assert_stored(&context, count).await;
    rate
}

/// What makes the broker refuse an event that is out of turn.
fn chained(number: usize) -> HeaderMap {
    let id = |number: usize| format!("a.1764000000000000000.{number}");
    let mut headers = HeaderMap::new();
    headers.insert(NATS_MESSAGE_ID, id(number));
    match number.checked_sub(1) {
        Some(before) => headers.insert(NATS_EXPECTED_LAST_MESSAGE_ID, id(before)),
        None => headers.insert(NATS_EXPECTED_LAST_SUBJECT_SEQUENCE, "0"),
    }
    headers
}

async fn one_by_one(server: &Server, event: &Event, count: usize) -> f64 {
    let context = context(server).await;
    let started = Instant::now();
    for _ in 0..count {
        let sent = context.publish("bench.a", event.to_vec().into());
        sent.await.unwrap().await.unwrap();
    }
    let rate = count as f64 / started.elapsed().as_secs_f64();
    assert_stored(&context, count).await;
    rate
}
