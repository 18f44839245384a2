//! What the tests share.

use crate::server::Server;
use async_nats::ConnectOptions;
use async_nats::jetstream::consumer::pull::OrderedConfig;
use async_nats::jetstream::{self, Context};
use eventring::{EventBus, WaitStrategy};
use eventring_nats::{Outbound, OutboundBuilder, Stats};
use futures_util::StreamExt;
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

/// For what takes long only if it hangs.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) async fn connect(urls: impl async_nats::ToServerAddrs) -> Context {
    let options = ConnectOptions::new()
        .reconnect_delay_callback(|_| Duration::from_millis(2))
        .connection_timeout(Duration::from_millis(500));
    jetstream::new(options.connect(urls).await.unwrap())
}

pub(crate) fn bus(capacity: usize) -> EventBus<u64> {
    EventBus::with_strategy(capacity, WaitStrategy::Block)
}

pub(crate) fn encode(event: &u64, out: &mut Vec<u8>) {
    out.extend_from_slice(event.to_string().as_bytes());
}

pub(crate) type Builder = OutboundBuilder<u64, fn(&u64, &mut Vec<u8>)>;

pub(crate) async fn builder(server: &Server, source: &str) -> Builder {
    builder_to(server.url(), source).await
}

/// A bus with a relay, of the source a.
pub(crate) async fn relayed(server: &Server, capacity: usize) -> (EventBus<u64>, Outbound<u64>) {
    let bus = bus(capacity);
    let relay = builder(server, "a").await.start(bus.subscribe_committing());
    let relay = relay.await.unwrap();
    (bus, relay)
}

/// A relay to the stream AUDIT that is quick to notice.
pub(crate) async fn builder_to(urls: impl async_nats::ToServerAddrs, source: &str) -> Builder {
    Outbound::builder(connect(urls).await, "AUDIT", source)
        .ack_timeout(Duration::from_millis(500))
        .backoff(Duration::from_millis(1), Duration::from_millis(100))
        .encode(encode as fn(&u64, &mut Vec<u8>))
}

/// The events of a source that are in the stream AUDIT.
pub(crate) async fn stored(urls: impl async_nats::ToServerAddrs, source: &str) -> Vec<u64> {
    let context = connect(urls).await;
    let subject = format!("audit.{source}");
    let read = async {
        loop {
            match read(&context, &subject).await {
                Ok(events) => break events,
                // A cluster that has just lost a server does not answer always.
                Err(error) => println!("not yet: {error}"),
            }
        }
    };
    timeout(PATIENCE, read).await.expect("reading hangs")
}

async fn read(context: &Context, subject: &str) -> Result<Vec<u64>, async_nats::Error> {
    let stream = context.get_stream("AUDIT").await?;
    let config = OrderedConfig {
        filter_subject: subject.into(),
        ..OrderedConfig::default()
    };
    let consumer = stream.create_consumer(config).await?;
    let mut left = consumer.cached_info().num_pending;
    let mut messages = consumer.messages().await?;
    let mut events = Vec::new();
    while left > 0 {
        let message = messages.next().await.ok_or("there are no more")??;
        events.push(str::from_utf8(&message.payload)?.parse()?);
        left = message.info()?.pending;
    }
    Ok(events)
}

/// Compares without printing thousands of numbers.
#[track_caller]
pub(crate) fn assert_sequence(events: &[u64], first: u64, count: u64) {
    let wrong = events
        .iter()
        .zip(first..)
        .position(|(event, expected)| *event != expected);
    if let Some(at) = wrong {
        let around = &events[at.saturating_sub(3)..(at + 5).min(events.len())];
        panic!("at {at} there is not {}: {around:?}", first + at as u64);
    }
    assert_eq!(events.len() as u64, count);
}

pub(crate) async fn reached(relay: &Outbound<u64>, sequence: u64) {
    let reached = timeout(PATIENCE, relay.stored().reached(sequence)).await;
    let reached = reached.unwrap_or_else(|_| panic!("{sequence} is not stored: {relay:?}"));
    reached.unwrap_or_else(|_| panic!("the relay has ended before {sequence}: {relay:?}"));
}

/// Waits until the relay has done something.
pub(crate) async fn until(relay: &Outbound<u64>, done: impl Fn(Stats) -> bool) {
    let poll = async {
        while !done(relay.stats()) {
            sleep(Duration::from_millis(1)).await;
        }
    };
    let done = timeout(PATIENCE, poll).await;
    done.unwrap_or_else(|_| panic!("it does not do that: {relay:?}"));
}

/// Publishes 0, 1, 2 and so on, until it is dropped or told to finish.
pub(crate) struct Publisher {
    task: JoinHandle<u64>,
    finish: watch::Sender<bool>,
}

impl Publisher {
    pub(crate) fn start(bus: &EventBus<u64>) -> Self {
        let bus = bus.clone();
        let (finish, finished) = watch::channel(false);
        let task = tokio::spawn(async move {
            let mut event = 0;
            while !*finished.borrow() && bus.publish(event).await.is_ok() {
                event += 1;
            }
            event
        });
        Self { task, finish }
    }

    /// How many it has published.
    pub(crate) async fn finish(self) -> u64 {
        self.finish.send_replace(true);
        let published = timeout(PATIENCE, self.task).await;
        published.expect("the publisher is held up").unwrap()
    }
}

/// How many messages the stream AUDIT has had.
pub(crate) async fn in_stream(context: &Context) -> u64 {
    let mut stream = context.get_stream("AUDIT").await.unwrap();
    stream.info().await.unwrap().state.last_sequence
}
