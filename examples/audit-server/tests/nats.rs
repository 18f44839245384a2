//! `--nats`: the stream, read back, is the table, each event once, in order. Against a real broker, which a
//! plain `cargo test` without one skips.
#![cfg(unix)]

#[path = "../../../crates/eventring-nats/tests/server/mod.rs"]
mod broker;
mod common;

use async_nats::header::NATS_MESSAGE_ID;
use async_nats::jetstream::consumer::pull::OrderedConfig;
use async_nats::jetstream::{self, Context};
use broker::Server as Broker;
use common::{Home, Row, Server, sequences, until, watched};
use futures::StreamExt;
use futures::future::join_all;
use serde_json::Value;

/// With a ring that is smaller than what is sent at a time.
fn start(home: &Home, broker: &Broker) -> Server {
    home.start(&["--capacity", "16", "--nats", &broker.url()])
}

async fn put(server: &Server, requests: u64) {
    let client = async |number| {
        for request in 0..requests / 4 {
            server.put(format!("{number}-{request}")).await;
        }
    };
    join_all((0..4).map(client)).await;
}

async fn connect(broker: &Broker) -> Context {
    jetstream::new(async_nats::connect(broker.url()).await.unwrap())
}

/// What the stream has, and the numbers that its messages' ids have.
async fn sent(context: &Context) -> Vec<(u64, Row)> {
    let Ok(stream) = context.get_stream("AUDIT").await else {
        return Vec::new();
    };
    let config = OrderedConfig::default();
    let consumer = stream.create_consumer(config).await.unwrap();
    let mut left = consumer.cached_info().num_pending;
    let mut messages = consumer.messages().await.unwrap();
    let mut sent = Vec::new();
    while left > 0 {
        let message = messages.next().await.unwrap().unwrap();
        left = message.info().unwrap().pending;
        let id = message.headers.as_ref().unwrap().get(NATS_MESSAGE_ID);
        let (_, number) = id.unwrap().as_str().rsplit_once('.').unwrap();
        let event: Value = serde_json::from_slice(&message.payload).unwrap();
        let text = |name: &str| event[name].as_str().unwrap().to_owned();
        let row = Row {
            sequence: event["sequence"].as_u64().unwrap(),
            request_id: text("request_id"),
            actor: text("actor"),
            method: text("method"),
            path: text("path"),
            status: event["status"].as_u64().unwrap() as u16,
            bytes: event["bytes"].as_u64().unwrap(),
        };
        sent.push((number.parse().unwrap(), row));
    }
    sent
}

/// Waits until the stream has as many events as the table, and compares.
async fn is_sent(home: &Home, broker: &Broker) {
    let context = connect(broker).await;
    let all = async || {
        let sent = sent(&context).await;
        let rows = home.rows(); // what is sent was stored before
        assert!(sent.len() <= rows.len());
        (sent.len() == rows.len()).then_some((sent, rows))
    };
    let (sent, rows) = until(all).await;
    let (numbers, sent): (Vec<_>, Vec<_>) = sent.into_iter().unzip();
    assert_eq!(numbers, sequences(&rows));
    assert_eq!(sent, rows);
}

async fn in_stream(context: &Context) -> u64 {
    match context.get_stream("AUDIT").await {
        Ok(stream) => stream.cached_info().state.messages,
        Err(_) => 0,
    }
}

#[tokio::test]
async fn a_server_is_killed_over_and_over() {
    let Some(mut broker) = Broker::start() else {
        return;
    };
    watched(async {
        let home = Home::new();
        for round in 0..6 {
            let mut server = start(&home, &broker);
            // On its way: half of it before, and half of it while the broker takes it and says nothing.
            let context = connect(&broker).await;
            let before = in_stream(&context).await;
            put(&server, 40).await;
            until(async || (in_stream(&context).await > before).then_some(())).await;
            let paused = round % 2 == 0;
            if paused {
                broker.pause();
            }
            put(&server, 200).await;
            server.kill();
            if paused {
                broker.resume();
            }
        }
        // And some of it is on disk only.
        let mut server = start(&home, &broker);
        broker.kill();
        put(&server, 40).await;
        server.until_stored().await;
        server.kill();
        broker.restart();
        assert!(in_stream(&connect(&broker).await).await < home.rows().len() as u64);
        let server = start(&home, &broker);
        is_sent(&home, &broker).await;
        server.put("last").await;
        server.stop().await;
        is_sent(&home, &broker).await;
    })
    .await;
}

/// Requests go on, and what the ring does not hold any more is read from the disk.
#[tokio::test]
async fn the_broker_is_down_and_back() {
    let Some(mut broker) = Broker::start() else {
        return;
    };
    watched(async {
        let home = Home::new();
        broker.kill();
        let server = start(&home, &broker);
        for _ in 0..3 {
            put(&server, 100).await;
            server.until_stored().await;
            broker.restart();
            is_sent(&home, &broker).await;
            put(&server, 100).await;
            broker.kill();
        }
        broker.restart();
        server.stop().await;
        is_sent(&home, &broker).await;
    })
    .await;
}

#[tokio::test]
async fn who_stops_while_the_broker_is_down_leaves_the_rest_to_the_next_run() {
    let Some(mut broker) = Broker::start() else {
        return;
    };
    watched(async {
        let home = Home::new();
        let args = ["--shutdown-timeout", "1s", "--nats", &broker.url()];
        let server = home.start(&args);
        put(&server, 20).await;
        is_sent(&home, &broker).await;
        broker.kill();
        put(&server, 20).await;
        server.terminate();
        let (code, said) = server.ended().await;
        assert_eq!(code, Some(0), "{said}");
        assert!(said.contains("the next run goes on with it"), "{said}");
        assert_eq!(home.rows().len(), 40);
        broker.restart();
        let server = start(&home, &broker);
        is_sent(&home, &broker).await;
        server.stop().await;
    })
    .await;
}

/// Its numbers are not those of the stream: it is told, and nothing is sent.
#[tokio::test]
async fn another_database_by_the_same_name_is_refused() {
    let Some(broker) = Broker::start() else {
        return;
    };
    watched(async {
        let home = Home::new();
        let server = start(&home, &broker);
        put(&server, 20).await;
        server.stop().await;
        let other = Home::new();
        let server = start(&other, &broker);
        put(&server, 8).await;
        // It ends without delay, although its name cannot be used.
        server.terminate();
        let (code, said) = server.ended().await;
        assert_eq!(code, Some(0), "{said}");
        assert!(said.contains("see --nats-source"), "{said}");
        is_sent(&home, &broker).await;
        assert_eq!(other.rows().len(), 8);

        let source = ["--nats-source", "other", "--nats", &broker.url()];
        let server = other.start(&source);
        until(async || (sent(&connect(&broker).await).await.len() == 28).then_some(())).await;
        server.stop().await;
    })
    .await;
}

#[test]
fn an_address_that_is_none_is_refused() {
    let home = Home::new();
    for args in [
        &["--nats", "http://localhost"][..],
        &["--nats-source", "name"],
    ] {
        let output = home.command(args).output().unwrap();
        assert!(!output.status.success());
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(said.contains("--nats"), "{said}");
    }
}
