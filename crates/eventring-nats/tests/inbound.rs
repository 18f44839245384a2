//! From a stream into a bus, over real servers.

mod server;

use async_nats::HeaderMap;
use async_nats::jetstream::{self, Context, consumer, stream};
use eventring::{EventBus, Receiver, WaitStrategy};
use eventring_nats::Outbound;
use eventring_nats::inbound::{
    Ack, Delivered, End, Inbound, InboundBuilder, Start, StartError, Stats, Undecoded,
};
use server::Server;
use std::string::FromUtf8Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};
use tokio::task::{JoinHandle, yield_now};
use tokio::time::{sleep, timeout};

type Event = Delivered<String>;
type Bus = EventBus<Event>;

const LONG: Duration = Duration::from_secs(60);

#[tokio::test]
async fn all_that_is_stored_comes_in_order_each_once() {
    let Some(server) = Server::start() else {
        return;
    };
    let context = stream(&server).await;
    publish(&context, "s.a", 0..50).await;
    let (bus, mut receiver) = bus(16);
    let feed = start(feed(&context, "reader"), bus).await;
    let publishing = tokio::spawn(async move { publish(&context, "s.b", 50..3_000).await });
    for number in 0..3_000 {
        let event = next(&mut receiver).await;
        assert_eq!(event.event, number.to_string());
        assert_eq!(event.stream_sequence, number + 1);
        assert_eq!(event.origin, None);
    }
    publishing.await.unwrap();
    assert_eq!(feed.stats().published, 3_000);
    let stopped = feed.stop(LONG).await;
    assert!(matches!(stopped.end, End::Stopped));
    assert_eq!(stopped.left, 0);
}

#[tokio::test]
async fn it_begins_where_it_is_told_to() {
    let Some(server) = Server::start() else {
        return;
    };
    let context = stream(&server).await;
    publish(&context, "s.a", 0..10).await;
    let of_six = raw(&context, 6).await.time;
    let time = SystemTime::from(of_six);
    let mut feeds = Vec::new();
    for (name, start_at) in [
        ("new", Start::New),
        ("sequence", Start::Sequence(4)),
        ("time", Start::Time(time)),
        ("after", Start::After(7)),
    ] {
        let (bus, receiver) = bus(64);
        let feed = start(feed(&context, name).from(start_at), bus).await;
        feeds.push((feed, receiver));
    }
    publish(&context, "s.a", 10..11).await;
    for ((feed, mut receiver), first) in feeds.into_iter().zip([11, 4, 6, 8]) {
        for sequence in first..=11 {
            assert_eq!(next(&mut receiver).await.stream_sequence, sequence);
        }
        feed.stop(LONG).await;
    }
}

#[tokio::test]
async fn a_feed_goes_on_where_the_one_before_has_stopped() {
    let Some(server) = Server::start() else {
        return;
    };
    let context = stream(&server).await;
    publish(&context, "s.a", 0..100).await;
    let mut expected = 1;
    for take in [1, 7, 30] {
        let (bus, mut receiver) = bus(1);
        let feed = start(feed(&context, "reader").from(Start::New), bus.clone()).await;
        if expected == 1 {
            publish(&context, "s.a", 100..200).await;
            expected = 101;
        }
        // Of another feed's the broker may know less when it is asked than it has confirmed.
        let may_repeat = expected != 101;
        for number in 0..take {
            let sequence = next(&mut receiver).await.stream_sequence;
            let again = number == 0 && may_repeat && sequence < expected;
            assert!(
                sequence == expected || again,
                "{sequence} instead of {expected}"
            );
            expected = sequence + 1;
        }
        let stopped = feed.stop(LONG).await;
        assert_eq!(stopped.left, 0);
        bus.close();
        while let Some(event) = receiver.recv().await {
            assert_eq!(event.stream_sequence, expected);
            expected += 1;
        }
    }
}

#[tokio::test]
async fn filters_and_own_events_are_left_out() {
    let Some(server) = Server::start() else {
        return;
    };
    let context = stream(&server).await;
    for number in 0..30_u64 {
        let mut headers = HeaderMap::new();
        let source = ["me", "you"][number as usize % 2];
        headers.insert("Nats-Msg-Id", format!("{source}.3.{number}"));
        let subject = format!("s.{}", ["a", "b", "c"][number as usize % 3]);
        let sent = context.publish_with_headers(subject, headers, "event".into());
        sent.await.unwrap().await.unwrap();
    }
    let (bus, mut receiver) = bus(64);
    let builder = feed(&context, "reader").filter("s.b").skip_source("me");
    let feed = start(builder, bus).await;
    for number in (1..30).step_by(6) {
        let event = next(&mut receiver).await;
        assert_eq!(event.stream_sequence, number + 1);
        let origin = event.origin.unwrap();
        assert_eq!(
            (&*origin.source, origin.epoch, origin.sequence),
            ("you", 3, number)
        );
    }
    settled(&context, "reader").await;
    let stats = feed.stats();
    assert_eq!((stats.published, stats.own, stats.acknowledged), (5, 5, 10));
}

/// A process that has died has got messages, and acknowledged none.
#[tokio::test]
async fn what_a_dead_process_had_comes_first_and_at_once() {
    let Some(server) = Server::start() else {
        return;
    };
    let context = stream(&server).await;
    for subject in ["s.a", "s.b", "s.b"] {
        publish(&context, subject, 0..40).await;
    }
    for filter in ["s.>", "s.b"] {
        let name = filter
            .trim_matches(|c: char| !c.is_alphanumeric())
            .replace('.', "-");
        let (bus, mut receiver) = bus(256);
        let builder = || feed(&context, &name).filter(filter).ack_wait(LONG);
        // It is there, and has delivered 50.
        start(builder(), bus.clone()).await.stop(LONG).await;
        let seen = receiver.try_iter().count() as u64;
        let consumer = consumer(&context, &name).await;
        let batch = consumer.fetch().max_messages(50).messages().await.unwrap();
        let taken = futures_util::StreamExt::collect::<Vec<_>>(batch).await;
        assert!(taken.len() as u64 + seen >= 50);

        let feed = start(builder(), bus).await;
        publish(&context, "s.b", 120..130).await;
        let mut last = None;
        let matches = raw_sequences(&context, filter).await;
        for sequence in &matches[seen as usize..] {
            last = Some(next(&mut receiver).await.stream_sequence);
            assert_eq!(last, Some(*sequence));
        }
        assert_eq!(last, matches.last().copied());
        // They are not delivered again before the minute is over.
        assert!(feed.stats().reread >= taken.len() as u64);
        feed.stop(LONG).await;
    }
}

/// A full ring, for several times as long as the broker waits for acknowledgements.
#[tokio::test]
async fn nothing_is_delivered_again_while_the_ring_is_full() {
    let Some(server) = Server::start() else {
        return;
    };
    let context = stream(&server).await;
    publish(&context, "s.a", 0..50).await;
    let (bus, mut receiver) = bus(4);
    let feed = start(
        feed(&context, "reader").ack_wait(Duration::from_secs(1)),
        bus,
    )
    .await;
    // At least 46 messages at each tick of a third of a second.
    until(&feed, |stats| stats.in_progress >= 46 * 12).await;
    let full = feed.stats();
    assert_eq!(full.published, 4);
    assert!(full.redelivered <= 46, "a storm: {full:?}");
    for sequence in 1..=50 {
        assert_eq!(next(&mut receiver).await.stream_sequence, sequence);
    }
    settled(&context, "reader").await;
    assert_eq!(feed.stats().published, 50);
}

#[tokio::test]
async fn a_sink_that_fails_gets_again_what_it_has_not_committed() {
    let Some(server) = Server::start() else {
        return;
    };
    let context = stream(&server).await;
    publish(&context, "s.a", 0..300).await;
    let (mut committed, mut patience) = (0, 0);
    while committed < 300 {
        let bus = Bus::with_strategy(32, WaitStrategy::Block);
        let mut sink = bus.subscribe_committing();
        let ack = Ack::Committed(sink.watermark());
        let feed = start(feed(&context, "reader").ack(ack).in_flight(64), bus).await;
        // It commits by tens, and dies with ten more: later each time, since what comes again
        // is more than it has not committed.
        patience += 30;
        let mut expected = None;
        for number in 1..=patience {
            let event = timeout(LONG, sink.recv()).await.unwrap().unwrap();
            let sequence = event.stream_sequence;
            let begins = sequence <= committed + 1;
            let goes_on = expected.map_or(begins, |expected| sequence == expected);
            assert!(
                goes_on,
                "{sequence} after {expected:?}, {committed} committed"
            );
            expected = Some(sequence + 1);
            if number % 10 == 0 && number < patience || sequence == 300 {
                sink.commit_all();
                committed = committed.max(sequence);
            }
            if sequence == 300 {
                break;
            }
        }
        drop(sink);
        if committed < 300 {
            assert!(matches!(ended(feed).await, End::SinkGone));
        }
    }
}

/// Exactly once: what the store has says where to begin.
#[tokio::test]
async fn a_store_that_has_the_sequence_gets_each_once() {
    let Some(server) = Server::start() else {
        return;
    };
    let context = stream(&server).await;
    publish(&context, "s.a", 0..200).await;
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("store");
    loop {
        let mut store = rusqlite::Connection::open(&file).unwrap();
        store
            .execute_batch("CREATE TABLE IF NOT EXISTS events (sequence INTEGER, event TEXT)")
            .unwrap();
        let last = "SELECT coalesce(max(sequence), 0) FROM events";
        let last: u64 = store.query_row(last, [], |row| row.get(0)).unwrap();
        if last == 200 {
            break;
        }
        let (bus, mut receiver) = bus(16);
        let feed = start(feed(&context, "store").from(Start::After(last)), bus).await;
        // It dies with a transaction that is not committed, and more in the bus.
        let transaction = store.transaction().unwrap();
        for _ in 0..30.min(200 - last) {
            let event = next(&mut receiver).await;
            let row = (event.stream_sequence, event.event);
            transaction
                .execute("INSERT INTO events VALUES (?, ?)", row)
                .unwrap();
        }
        transaction.commit().unwrap();
        let lost = store.transaction().unwrap();
        if last + 30 < 200 {
            let event = next(&mut receiver).await;
            let row = (event.stream_sequence, event.event);
            lost.execute("INSERT INTO events VALUES (?, ?)", row)
                .unwrap();
        }
        drop(lost);
        drop(feed.stop(Duration::ZERO).await);
    }
    let store = rusqlite::Connection::open(&file).unwrap();
    let mut rows = store
        .prepare("SELECT sequence, event FROM events ORDER BY rowid")
        .unwrap();
    let rows = rows
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))
        .unwrap();
    let rows: Vec<(u64, String)> = rows.map(Result::unwrap).collect();
    let expected = (1..=200).map(|sequence| (sequence, (sequence - 1).to_string()));
    assert!(rows.into_iter().eq(expected));
}

#[tokio::test]
async fn a_server_is_killed_and_restarted_in_a_burst() {
    let Some(mut server) = Server::start() else {
        return;
    };
    let context = stream(&server).await;
    let (bus, mut receiver) = bus(64);
    let builder = feed(&context, "reader").ack_wait(Duration::from_secs(1));
    let feed = start(builder, bus).await;
    let done = Arc::new(AtomicBool::new(false));
    let publishing = publish_until(&context, Arc::clone(&done));
    let mut expected = 1;
    for _ in 0..10 {
        for _ in 0..200 {
            assert_eq!(next(&mut receiver).await.stream_sequence, expected);
            expected += 1;
        }
        server.kill();
        server.restart();
    }
    done.store(true, Ordering::Relaxed);
    let sent = publishing.await.unwrap();
    let last = context
        .get_stream("S")
        .await
        .unwrap()
        .cached_info()
        .state
        .last_sequence;
    assert!(last >= sent);
    while expected <= last {
        assert_eq!(next(&mut receiver).await.stream_sequence, expected);
        expected += 1;
    }
    settled(&context, "reader").await;
    assert_eq!(feed.stats().published, last);
}

#[tokio::test]
async fn the_end_is_told() {
    let Some(server) = Server::start() else {
        return;
    };
    let context = stream(&server).await;
    publish(&context, "s.a", 0..3).await;
    let stream = context.get_stream("S").await.unwrap();

    let (closed, _receiver) = bus(4);
    let feed = start(self::feed(&context, "closed"), closed.clone()).await;
    closed.close();
    publish(&context, "s.a", 3..4).await;
    assert!(matches!(ended(feed).await, End::BusClosed));

    let feed = start(self::feed(&context, "deleted"), bus(16).0).await;
    until(&feed, |stats| stats.published == 4).await;
    stream.delete_consumer("deleted").await.unwrap();
    assert!(matches!(ended(feed).await, End::ConsumerDeleted));

    let feed = start(self::feed(&context, "taken"), bus(16).0).await;
    until(&feed, |stats| stats.published == 4).await;
    let (bus_of_next, mut receiver) = bus(16);
    let next_one = self::feed(&context, "taken").from(Start::After(2));
    let next_one = start(next_one, bus_of_next).await;
    assert!(matches!(ended(feed).await, End::ConsumerDeleted));
    assert_eq!(next(&mut receiver).await.stream_sequence, 3);

    context.delete_stream("S").await.unwrap();
    assert!(matches!(ended(next_one).await, End::StreamDeleted));
}

#[tokio::test]
async fn what_cannot_be_decoded_is_the_hooks() {
    let Some(server) = Server::start() else {
        return;
    };
    let context = stream(&server).await;
    for payload in [&b"good"[..], b"\xff", b"better"] {
        context
            .publish("s.a", payload.into())
            .await
            .unwrap()
            .await
            .unwrap();
    }
    let (bus, mut receiver) = bus(4);
    let feed = start(self::feed(&context, "reader"), bus.clone()).await;
    let End::Undecodable {
        stream_sequence, ..
    } = ended(feed).await
    else {
        panic!("goes on")
    };
    assert_eq!(stream_sequence, 2);
    assert_eq!(next(&mut receiver).await.event, "good");

    let skip = self::feed(&context, "reader").on_undecodable(|undecodable| {
        assert_eq!(undecodable.message.sequence, 2);
        Undecoded::Skip
    });
    let feed = start(skip, bus).await;
    assert_eq!(next(&mut receiver).await.event, "better");
    settled(&context, "reader").await;
    assert_eq!(feed.stats().undecoded, 1);
}

#[tokio::test]
async fn what_cannot_keep_the_promises_is_refused() {
    let Some(server) = Server::start() else {
        return;
    };
    let context = stream(&server).await;
    let drops = Bus::with_strategy(4, WaitStrategy::DropNewest);
    let refused = self::feed(&context, "reader").start(drops, decode).await;
    assert!(matches!(refused, Err(StartError::Unfit(_))));

    let stream = context.get_stream("S").await.unwrap();
    let all = consumer::pull::Config {
        durable_name: Some("all".into()),
        ack_policy: consumer::AckPolicy::All,
        ..Default::default()
    };
    stream.create_consumer(all).await.unwrap();
    let refused = self::feed(&context, "all").start(bus(4).0, decode).await;
    assert!(matches!(refused, Err(StartError::Unfit(_))));

    let none = Inbound::builder(context, "NONE", "reader")
        .start(bus(4).0, decode)
        .await;
    assert!(matches!(none, Err(StartError::Broker(_))));
}

fn decode(message: &jetstream::message::StreamMessage) -> Result<String, FromUtf8Error> {
    String::from_utf8(message.payload.to_vec())
}

fn bus(capacity: usize) -> (Bus, Receiver<Event>) {
    let bus = Bus::with_strategy(capacity, WaitStrategy::Block);
    let receiver = bus.subscribe();
    (bus, receiver)
}

fn feed(context: &Context, durable: &str) -> InboundBuilder<Event> {
    Inbound::builder(context.clone(), "S", durable)
}

async fn start(builder: InboundBuilder<Event>, bus: Bus) -> Inbound {
    builder.start(bus, decode).await.unwrap()
}

async fn stream(server: &Server) -> Context {
    let context = jetstream::new(async_nats::connect(server.url()).await.unwrap());
    let config = stream::Config {
        name: "S".into(),
        subjects: vec!["s.>".into()],
        ..Default::default()
    };
    context.create_stream(config).await.unwrap();
    context
}

async fn publish(context: &Context, subject: &str, numbers: std::ops::Range<u64>) {
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
fn publish_until(context: &Context, done: Arc<AtomicBool>) -> JoinHandle<u64> {
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

/// Two processes, each with a bus out and a bus in, on one stream.
#[tokio::test]
async fn two_processes_get_each_others_events_and_no_echo() {
    let Some(server) = Server::start() else {
        return;
    };
    let context = jetstream::new(async_nats::connect(server.url()).await.unwrap());
    let mut processes = Vec::new();
    for name in ["one", "two"] {
        let out = EventBus::with_strategy(16, WaitStrategy::Block);
        let relay = Outbound::builder(context.clone(), "S", name)
            .encode(|event: &String, out| out.extend_from_slice(event.as_bytes()))
            .start(out.subscribe_committing())
            .await
            .unwrap();
        let (bus, receiver) = bus(16);
        let feed = start(feed(&context, name).skip_source(name), bus).await;
        processes.push((name, out, relay, feed, receiver));
    }
    for number in 0..100 {
        for (name, out, ..) in &processes {
            out.publish(format!("{name} {number}")).await.unwrap();
        }
        let others: Vec<_> = processes.iter().map(|process| process.0).rev().collect();
        for ((.., receiver), other) in processes.iter_mut().zip(others) {
            let event = next(receiver).await;
            assert_eq!(event.event, format!("{other} {number}"));
            let origin = event.origin.unwrap();
            assert_eq!((&*origin.source, origin.sequence), (other, number));
        }
    }
    for (name, out, relay, feed, _) in processes {
        drop(out);
        assert_eq!(relay.join().await.left(), 0);
        settled(&context, name).await;
        let stats = feed.stats();
        assert_eq!((stats.published, stats.own), (100, 100));
    }
    let stream = context.get_stream("S").await.unwrap();
    assert_eq!(stream.cached_info().state.messages, 200);
}

async fn next(receiver: &mut Receiver<Event>) -> Event {
    timeout(LONG, receiver.recv())
        .await
        .expect("nothing comes")
        .expect("the bus is closed")
}

async fn ended(feed: Inbound) -> End {
    timeout(LONG, feed.join()).await.expect("it goes on").end
}

async fn until(feed: &Inbound, reached: impl Fn(Stats) -> bool) {
    let reached = async {
        while !reached(feed.stats()) {
            yield_now().await;
            sleep(Duration::from_millis(1)).await;
        }
    };
    timeout(LONG, reached).await.expect("it is not reached");
}

async fn consumer(context: &Context, name: &str) -> consumer::PullConsumer {
    let stream = context.get_stream("S").await.unwrap();
    stream.get_consumer(name).await.unwrap()
}

/// Once the broker has everything acknowledged.
async fn settled(context: &Context, name: &str) {
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

async fn raw(context: &Context, sequence: u64) -> jetstream::message::StreamMessage {
    let stream = context.get_stream("S").await.unwrap();
    stream.get_raw_message(sequence).await.unwrap()
}

async fn raw_sequences(context: &Context, filter: &str) -> Vec<u64> {
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
