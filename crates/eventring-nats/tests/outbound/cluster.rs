//! A cluster of three that loses its leader.

use crate::server::Cluster;
use crate::support::{
    PATIENCE, Publisher, assert_sequence, builder_to, bus, connect, reached, stored, until,
};
use async_nats::jetstream::stream::Config;
use std::time::Duration;
use tokio::time::{sleep, timeout};

#[tokio::test]
async fn a_clusters_leader_is_killed() {
    let Some(mut cluster) = Cluster::start(3) else {
        return;
    };
    let bus = bus(256);
    let config = Config {
        subjects: vec!["audit.>".into()],
        num_replicas: 3,
        ..Config::default()
    };
    let start = async {
        loop {
            let mut context = connect(cluster.urls()).await;
            // A cluster that has no leader yet does not answer.
            context.set_timeout(Duration::from_secs(1));
            let builder = builder_to(cluster.urls(), "a").await.create(config.clone());
            match builder.start(bus.subscribe_committing()).await {
                Ok(relay) => break relay,
                Err(error) => println!("not yet: {error}"),
            }
        }
    };
    let relay = timeout(PATIENCE, start).await.expect("it does not start");
    let publisher = Publisher::start(&bus);
    for _ in 0..3 {
        let before = relay.stats().stored;
        until(&relay, |stats| stats.stored > before + 500).await;
        let leader = leader(&cluster).await;
        cluster.named(&leader).kill();
        let before = relay.stats().stored;
        until(&relay, |stats| stats.stored > before + 500).await;
        cluster.named(&leader).restart();
    }
    let published = publisher.finish().await;
    reached(&relay, published - 1).await;
    println!("{:?}", relay.stats());
    // A consumer reads where it happens to be, and that server may be behind.
    let whole = async {
        loop {
            let events = stored(cluster.urls(), "a").await;
            assert_sequence(&events, 0, events.len() as u64);
            if events.len() as u64 >= published {
                break events;
            }
        }
    };
    let events = timeout(PATIENCE, whole)
        .await
        .expect("not all of it is there");
    assert_sequence(&events, 0, published);
}

/// Of the stream, once all servers have what it has: with two that do not, there is nothing to go on with.
async fn leader(cluster: &Cluster) -> String {
    let context = connect(cluster.urls()).await;
    let find = async {
        loop {
            if let Ok(stream) = context.get_stream("AUDIT").await
                && let Some(known) = &stream.cached_info().cluster
                && known.replicas.iter().filter(|other| other.current).count() == 2
                && let Some(leader) = &known.leader
            {
                break leader.clone();
            }
            sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(PATIENCE, find).await.expect("there is no leader")
}
