//! What a relay and a feed count.

use crate::server::Server;
use crate::support::{LONG, bus, feed_of, next, publish, settled, start, stream};
use eventring::{EventBus, WaitStrategy};
use eventring_nats::{Metrics, Outbound};
use metrics_util::debugging::{DebugValue, DebuggingRecorder};
use std::collections::BTreeMap;
use std::time::Duration;
use tokio::time::{sleep, timeout};

#[tokio::test]
async fn what_is_counted_is_recorded_when_it_is_asked_to() {
    let Some(server) = Server::start() else {
        return;
    };
    let context = stream(&server).await;
    let out = EventBus::with_strategy(4, WaitStrategy::Block);
    let relay = Outbound::builder(context.clone(), "S", "a")
        .encode(|event: &String, out| out.extend_from_slice(event.as_bytes()))
        .start(out.subscribe_committing());
    let relay = relay.await.unwrap();
    let (bus, mut receiver) = bus(4);
    let feed = start(feed_of(&context, "reader"), bus).await;
    let mut metrics = [relay.metrics("out"), feed.metrics("in")];
    for event in 0..3 {
        let sequence = out.publish(event.to_string()).await.unwrap();
        relay.stored().reached(sequence).await.unwrap();
        next(&mut receiver).await;
    }
    settled(&context, "reader").await;
    let expected = [
        ("inbound_acknowledged_total feed=in", 3),
        ("inbound_held feed=in", 0),
        ("inbound_published_total feed=in", 3),
        ("inbound_pulls_total feed=in", 1),
        ("inbound_redelivered_total feed=in", 0),
        ("inbound_reread_total feed=in", 0),
        ("inbound_undecoded_total feed=in", 0),
        ("outbound_duplicates_total relay=out", 0),
        ("outbound_in_flight relay=out", 0),
        ("outbound_reconnects_total relay=out", 0),
        ("outbound_resumed_total relay=out", 0),
        ("outbound_skipped_total relay=out", 0),
        ("outbound_stored_total relay=out", 3),
    ];
    let expected = expected.map(|(name, value)| (name.to_owned(), value));
    // The tasks count after the broker has heard.
    let equal = async {
        while recorded(&mut metrics) != BTreeMap::from(expected.clone()) {
            println!("not yet: {:?}", recorded(&mut metrics));
            sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(LONG, equal).await.expect("it is something else");
}

fn recorded(metrics: &mut [Metrics]) -> BTreeMap<String, u64> {
    let recorder = DebuggingRecorder::new();
    let snapshotter = recorder.snapshotter();
    metrics::with_local_recorder(&recorder, || metrics.iter_mut().for_each(Metrics::record));
    let recorded = snapshotter.snapshot().into_vec().into_iter();
    let named = recorded.map(|(key, _, _, value)| {
        let label = key.key().labels().next().unwrap();
        let name = key.key().name().strip_prefix("eventring_nats_").unwrap();
        let value = match value {
            DebugValue::Counter(count) => count,
            DebugValue::Gauge(gauge) => gauge.into_inner() as u64,
            DebugValue::Histogram(_) => panic!("{name}"),
        };
        (format!("{name} {}={}", label.key(), label.value()), value)
    });
    named.collect()
}
