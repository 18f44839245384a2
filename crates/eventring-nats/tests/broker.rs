//! What the relay builds on: how a broker takes messages that say which one they follow.

mod server;

use async_nats::HeaderMap;
use async_nats::header::{NATS_EXPECTED_LAST_MESSAGE_ID, NATS_MESSAGE_ID};
use async_nats::jetstream::context::{PublishAckFuture, PublishErrorKind};
use async_nats::jetstream::{self, Context, stream::Config};
use futures_util::future::join_all;
use server::{Cluster, Server};
use std::future::IntoFuture;
use std::time::Duration;
use tokio::time::sleep;

#[tokio::test]
async fn a_chain_of_ids_has_no_hole() {
    let Some(server) = Server::start() else {
        return;
    };
    has_no_hole(context(&server.url()).await, 1).await;
}

#[tokio::test]
async fn a_chain_of_ids_has_no_hole_in_a_cluster() {
    let Some(cluster) = Cluster::start(3) else {
        return;
    };
    has_no_hole(context(&cluster.0[0].url()).await, 3).await;
}

/// All at once, and one of them is left out.
async fn has_no_hole(context: Context, replicas: usize) {
    make(&context, replicas).await;
    let mut acks = Vec::new();
    for number in (0..600).chain(601..1000) {
        acks.push(send(&context, "s.a", "a", number).await.into_future());
    }
    // A cluster does not answer to all that it refuses.
    let acks = join_all(acks).await;
    for (number, ack) in acks.iter().take(600).enumerate() {
        assert_eq!(ack.as_ref().unwrap().sequence, number as u64 + 1);
    }
    assert!(acks[600..].iter().all(Result::is_err));
    let mut stream = context.get_stream("S").await.unwrap();
    assert_eq!(stream.info().await.unwrap().state.messages, 600);
}

/// So relays that share a stream come in each other's way, and have to begin again.
#[tokio::test]
async fn a_chain_of_ids_is_broken_by_another_subject() {
    let Some(server) = Server::start() else {
        return;
    };
    let context = context(&server.url()).await;
    make(&context, 1).await;
    send(&context, "s.a", "a", 0).await.await.unwrap();
    send(&context, "s.b", "b", 0).await.await.unwrap();
    let broken = send(&context, "s.a", "a", 1).await.await.unwrap_err();
    assert_eq!(broken.kind(), PublishErrorKind::WrongLastMessageId);
}

async fn send(
    context: &Context,
    subject: &'static str,
    source: &str,
    number: u64,
) -> PublishAckFuture {
    let mut headers = HeaderMap::new();
    headers.insert(NATS_MESSAGE_ID, format!("{source}.{number}"));
    if let Some(before) = number.checked_sub(1) {
        headers.insert(NATS_EXPECTED_LAST_MESSAGE_ID, format!("{source}.{before}"));
    }
    let sent = context.publish_with_headers(subject, headers, "event".into());
    sent.await.unwrap()
}

async fn make(context: &Context, replicas: usize) {
    let config = Config {
        name: "S".into(),
        subjects: vec!["s.>".into()],
        num_replicas: replicas,
        ..Config::default()
    };
    // A cluster has to find a leader first.
    while let Err(error) = context.get_or_create_stream(&config).await {
        eprintln!("not yet: {error}");
        sleep(Duration::from_millis(50)).await;
    }
}

async fn context(url: &str) -> Context {
    let client = async_nats::connect(url).await.unwrap();
    let mut context = jetstream::new(client);
    context.set_timeout(Duration::from_secs(2));
    context
}
