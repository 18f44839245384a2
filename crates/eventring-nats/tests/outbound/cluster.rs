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
    assert_sequence(&stored(cluster.urls(), "a").await, 0, published);
}

async fn leader(cluster: &Cluster) -> String {
    let context = connect(cluster.urls()).await;
    let find = async {
        loop {
            if let Ok(mut stream) = context.get_stream("AUDIT").await
                && let Ok(info) = stream.info().await
                && let Some(leader) = info.cluster.as_ref().and_then(|known| known.leader.clone())
            {
                break leader;
            }
            sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(PATIENCE, find).await.expect("there is no leader")
}
