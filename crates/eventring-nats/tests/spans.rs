//! What a relay and a feed tell by `tracing`. It has a process of its own: whether somebody wants a span is remembered
//! for the whole process, and who is first at it on a thread without a subscriber has it say no.

mod server;
#[allow(dead_code, reason = "each test crate uses a part of it")]
#[path = "inbound/support.rs"]
mod support;

use eventring::{EventBus, WaitStrategy};
use eventring_nats::Outbound;
use server::Server;
use std::fmt::{Debug, Write};
use std::sync::{Arc, Mutex};
use support::{LONG, bus, feed_of, next, publish, settled, start, stream};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id};
use tracing::{Event, Subscriber};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
use tracing_subscriber::registry::LookupSpan;

/// Spans with their fields, and events with the span that they are in.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<String>>>);

struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        let _ = write!(self.0, " {field}={value:?}");
    }
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Lines {
    fn on_new_span(&self, attributes: &Attributes<'_>, _: &Id, _: Context<'_, S>) {
        if attributes.metadata().target().starts_with("eventring_nats") {
            let mut line = Line(format!("span {}:", attributes.metadata().name()));
            attributes.record(&mut line);
            self.0.lock().unwrap().push(line.0);
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        if event.metadata().target().starts_with("eventring_nats") {
            let span = context.event_span(event).map_or("none", |span| span.name());
            let mut line = Line(format!("in {span}:"));
            event.record(&mut line);
            self.0.lock().unwrap().push(line.0);
        }
    }
}

#[tokio::test]
async fn spans_say_whose_events_they_are() {
    let Some(server) = Server::start() else {
        return;
    };
    let lines = Lines::default();
    let subscriber = tracing_subscriber::registry().with(lines.clone());
    let _told = tracing::subscriber::set_default(subscriber);
    let context = stream(&server).await;
    publish(&context, "s.a", 0..1).await;
    let (bus, mut receiver) = bus(4);
    let feed = start(feed_of(&context, "reader"), bus).await;
    next(&mut receiver).await;
    settled(&context, "reader").await;
    feed.stop(LONG).await;

    let out = EventBus::with_strategy(4, WaitStrategy::Block);
    let relay = Outbound::builder(context, "S", "a")
        .encode(|(): &(), _| {})
        .start(out.subscribe_committing());
    relay.await.unwrap().stop(LONG).await;
    let lines = lines.0.lock().unwrap();
    assert_eq!(
        *lines,
        [
            "span feed: stream=S durable=reader",
            "in feed: message=feed ends end=it was stopped left=0 published=1",
            "span relay: subject=s.a",
            "in relay: message=relay ends end=Complete stored=0",
        ]
    );
}
