//! How many events a second come in: by a feed into a bus, by async-nats' pull consumer as its page has it (a
//! stream of messages, requested by as many at a time, each acknowledged without waiting), and one by one, each
//! acknowledgement confirmed. A server of its own on the same machine.
//!
//! `cargo bench -p eventring-nats --bench inbound`

#[path = "../tests/server/mod.rs"]
mod server;

use async_nats::jetstream::consumer::pull::Config;
use async_nats::jetstream::consumer::{AckPolicy, PullConsumer};
use async_nats::jetstream::{self, Context};
use eventring::{EventBus, WaitStrategy};
use eventring_nats::inbound::{Delivered, Inbound};
use eventring_nats::{End, Outbound};
use futures_util::StreamExt;
use server::Server;
use std::convert::Infallible;
use std::time::{Duration, Instant};

const IN_FLIGHT: usize = 1024;
const ROUNDS: usize = 5;
const LONG: Duration = Duration::from_secs(60);

#[tokio::main]
async fn main() {
    let Some(server) = Server::start() else {
        return;
    };
    println!("events/s, median of {ROUNDS} rounds in turns, {IN_FLIGHT} in flight");
    println!(
        "{:>6} {:>12} {:>12} {:>12} {:>7}",
        "bytes", "feed", "async-nats", "one by one", ""
    );
    for (size, count) in [(100, 200_000), (4096, 50_000)] {
        let context = filled(&server, size, count).await;
        let mut rates = [const { Vec::new() }; 3];
        for _ in 0..ROUNDS {
            rates[0].push(feed(&context, count).await);
            rates[1].push(pulled(&context, count).await);
            rates[2].push(one_by_one(&context, count / 50).await);
        }
        let [feed, pulled, one_by_one] = rates.map(|mut rates| {
            rates.sort_by(f64::total_cmp);
            rates[ROUNDS / 2]
        });
        let share = 100.0 * feed / pulled;
        println!("{size:>6} {feed:>12.0} {pulled:>12.0} {one_by_one:>12.0} {share:>5.0} %");
    }
}

/// A stream of what a relay has sent.
async fn filled(server: &Server, size: usize, count: usize) -> Context {
    let context = jetstream::new(async_nats::connect(server.url()).await.unwrap());
    let _ = context.delete_stream("BENCH").await;
    let bus = EventBus::with_strategy(2 * IN_FLIGHT, WaitStrategy::Block);
    let relay = Outbound::builder(context.clone(), "BENCH", "a")
        .encode(move |(): &(), out| out.resize(size, b'e'))
        .start(bus.subscribe_committing())
        .await
        .unwrap();
    for _ in 0..count {
        bus.publish(()).await.unwrap();
    }
    assert_eq!(relay.stop(LONG).await.end, End::Complete);
    context
}

async fn feed(context: &Context, count: usize) -> f64 {
    let bus = EventBus::<Delivered<_>>::with_strategy(2 * IN_FLIGHT, WaitStrategy::Block);
    let mut receiver = bus.subscribe();
    let started = Instant::now();
    let feed = Inbound::builder(context.clone(), "BENCH", "feed")
        .in_flight(IN_FLIGHT as u32)
        .start(bus, |message| Ok::<_, Infallible>(message.payload.clone()))
        .await
        .unwrap();
    for _ in 0..count {
        receiver.recv().await.unwrap();
    }
    let stats = feed.stats();
    assert_eq!(feed.stop(LONG).await.left, 0);
    let rate = count as f64 / started.elapsed().as_secs_f64();
    assert_eq!((stats.redelivered, stats.reread), (0, 0));
    delete(context, "feed").await;
    rate
}

async fn pulled(context: &Context, count: usize) -> f64 {
    let started = Instant::now();
    let consumer = consumer(context, "pulled").await;
    let mut messages = consumer
        .stream()
        .max_messages_per_batch(IN_FLIGHT)
        .messages()
        .await
        .unwrap();
    for _ in 1..count {
        messages.next().await.unwrap().unwrap().ack().await.unwrap();
    }
    let last = messages.next().await.unwrap().unwrap();
    last.double_ack().await.unwrap();
    let rate = count as f64 / started.elapsed().as_secs_f64();
    delete(context, "pulled").await;
    rate
}

async fn one_by_one(context: &Context, count: usize) -> f64 {
    let started = Instant::now();
    let consumer = consumer(context, "one").await;
    let mut messages = consumer.messages().await.unwrap();
    for _ in 0..count {
        let message = messages.next().await.unwrap().unwrap();
        message.double_ack().await.unwrap();
    }
    let rate = count as f64 / started.elapsed().as_secs_f64();
    delete(context, "one").await;
    rate
}

async fn consumer(context: &Context, name: &str) -> PullConsumer {
    let stream = context.get_stream("BENCH").await.unwrap();
    let config = Config {
        durable_name: Some(name.into()),
        ack_policy: AckPolicy::Explicit,
        max_ack_pending: IN_FLIGHT as i64,
        ..Config::default()
    };
    stream.create_consumer(config).await.unwrap()
}

async fn delete(context: &Context, consumer: &str) {
    let stream = context.get_stream("BENCH").await.unwrap();
    stream.delete_consumer(consumer).await.unwrap();
}
