//! What the tests share.

use crate::server::Server;
use async_nats::jetstream::{self, Context, consumer, stream};
use eventring::{EventBus, Receiver, WaitStrategy};
use eventring_nats::inbound::{Delivered, End, Inbound, InboundBuilder, Stats};
use std::string::FromUtf8Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::task::{JoinHandle, yield_now};
use tokio::time::{sleep, timeout};

pub(crate) type Event = Delivered<String>;
pub(crate) type Bus = EventBus<Event>;

/// For what takes long only if it hangs.
pub(crate) const LONG: Duration = Duration::from_secs(60);

pub(crate) fn decode(message: &jetstream::message::StreamMessage) -> Result<String, FromUtf8Error> {
    String::from_utf8(message.payload.to_vec())
}

pub(crate) fn bus(capacity: usize) -> (Bus, Receiver<Event>) {
    let bus = Bus::with_strategy(capacity, WaitStrategy::Block);
    let receiver = bus.subscribe();
    (bus, receiver)
}

pub(crate) fn feed_of(context: &Context, durable: &str) -> InboundBuilder<Event> {
    Inbound::builder(context.clone(), "S", durable)
}

pub(crate) async fn start(builder: InboundBuilder<Event>, bus: Bus) -> Inbound {
    builder.start(bus, decode).await.unwrap()
}

pub(crate) async fn stream(server: &Server) -> Context {
    let context = jetstream::new(async_nats::connect(server.url()).await.unwrap());
    let config = stream::Config {
        name: "S".into(),
        subjects: vec!["s.>".into()],
        ..Default::default()
    };
    context.create_stream(config).await.unwrap();
    context
}

pub(crate) async fn publish(context: &Context, subject: &str, numbers: std::ops::Range<u64>) {
    let subject = subject.to_owned();
    let mut acks = Vec::new();
    for number in numbers {
        let payload = number.to_string().into();
        acks.push(context.publish(subject.clone(), payload).await.unwrap());
    }
    for ack in acks {
        ack.await.unwrap();
    }
}

/// How many the broker has acknowledged; it has more, if acknowledgements were lost.
pub(crate) fn publish_until(context: &Context, done: Arc<AtomicBool>) -> JoinHandle<u64> {
    let mut context = context.clone();
    context.set_timeout(Duration::from_millis(200));
    tokio::spawn(async move {
        let mut stored = 0;
        while !done.load(Ordering::Relaxed) {
            let Ok(ack) = context.publish("s.a", "event".into()).await else {
                continue;
            };
            stored += u64::from(ack.await.is_ok());
        }
        stored
    })
}

pub(crate) async fn next(receiver: &mut Receiver<Event>) -> Event {
    timeout(LONG, receiver.recv())
        .await
        .expect("nothing comes")
        .expect("the bus is closed")
}

pub(crate) async fn ended(feed: Inbound) -> End {
    timeout(LONG, feed.join()).await.expect("it goes on").end
}

pub(crate) async fn until(feed: &Inbound, reached: impl Fn(Stats) -> bool) {
    let reached = async {
        while !reached(feed.stats()) {
            yield_now().await;
            sleep(Duration::from_millis(1)).await;
        }
    };
    timeout(LONG, reached).await.expect("it is not reached");
}

pub(crate) async fn consumer(context: &Context, name: &str) -> consumer::PullConsumer {
    let stream = context.get_stream("S").await.unwrap();
    stream.get_consumer(name).await.unwrap()
}

/// Once the broker has everything acknowledged.
pub(crate) async fn settled(context: &Context, name: &str) {
    let settled = async {
        loop {
            let info = consumer(context, name).await.cached_info().clone();
            if (info.num_ack_pending, info.num_pending) == (0, 0) {
                break;
            }
            sleep(Duration::from_millis(1)).await;
        }
    };
    timeout(LONG, settled)
        .await
        .expect("something is not acknowledged");
}

pub(crate) async fn raw(context: &Context, sequence: u64) -> jetstream::message::StreamMessage {
    let stream = context.get_stream("S").await.unwrap();
    stream.get_raw_message(sequence).await.unwrap()
}

pub(crate) async fn raw_sequences(context: &Context, filter: &str) -> Vec<u64> {
    let stream = context.get_stream("S").await.unwrap();
    let last = stream.cached_info().state.last_sequence;
    let mut sequences = Vec::new();
    for sequence in 1..=last {
        let subject = stream.get_raw_message(sequence).await.unwrap().subject;
        if filter == "s.>" || *subject == *filter {
            sequences.push(sequence);
        }
    }
    sequences
}
