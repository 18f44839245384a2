//! Recipes.
//!
//! # Which receiver
//!
//! | for | take | since |
//! |---|---|---|
//! | a sink that must not lose anything (audit, outbox) | a bus with [`Block`](crate::WaitStrategy::Block), [`subscribe`](crate::EventBus::subscribe), [`recv_many`](crate::Receiver::recv_many) | it holds publishers back rather than miss an event |
//! | a page, a console, a gauge | [`subscribe_lossy`](crate::EventBus::subscribe_lossy), on the same bus, [`with_lag`](crate::Receiver::with_lag) to show gaps | nobody waits for it |
//! | a cache that events invalidate | `subscribe_lossy`, [`with_lag`](crate::Receiver::with_lag): a gap clears all of it | it is right after a gap, too |
//! | one that comes back and goes on (SSE, gRPC) | [`subscribe_lossy_from`](crate::EventBus::subscribe_lossy_from) and a [history](crate::Builder::history) | events are numbered |
//!
//! # An audit sink
//!
//! In batches: while one is written, the next one gathers in the ring. If the store is slower than the
//! publishers for longer than the ring holds, they wait.
//!
//! ```
//! use eventring::{EventBus, WaitStrategy};
//!
//! # tokio_test::block_on(async {
//! let bus = EventBus::with_strategy(1024, WaitStrategy::Block);
//! let mut events = bus.subscribe();
//! let sink = tokio::spawn(async move {
//!     let (mut store, mut batch) = (Vec::new(), Vec::new());
//!     while events.recv_many(&mut batch, 256).await > 0 {
//!         store.append(&mut batch); // one transaction
//!     }
//!     store
//! });
//! for number in 0..1000 {
//!     bus.publish(number).await.unwrap();
//! }
//! drop(bus);
//! assert_eq!(sink.await.unwrap().len(), 1000);
//! # });
//! ```
//!
//! # Batches by age
//!
//! Up to so many events, or what has come in so long: receiving is cancel safe, so a timeout around it
//! loses nothing. (With `tokio-stream`, `receiver.chunks_timeout(256, age)` does the same.)
//!
//! ```
//! use std::time::Duration;
//! use tokio::time::{Instant, timeout_at};
//!
//! # tokio_test::block_on(async {
//! let bus = eventring::EventBus::new(16);
//! let mut events = bus.subscribe();
//! bus.publish_many(&mut vec![1, 2, 3]).await.unwrap();
//!
//! let (mut batch, limit) = (Vec::new(), 256);
//! let age = Instant::now() + Duration::from_millis(1);
//! while batch.len() < limit {
//!     let room = limit - batch.len();
//!     match timeout_at(age, events.recv_many(&mut batch, room)).await {
//!         Ok(0) | Err(_) => break, // the end; old enough
//!         Ok(_) => {}
//!     }
//! }
//! assert_eq!(batch, [1, 2, 3]);
//! # });
//! ```
//!
//! # Server-sent events that go on where they were
//!
//! The number of an event is its `id:`. A page that comes back sends the last one as `Last-Event-ID`.
//!
//! ```
//! use eventring::{EventBus, Lagged, Start};
//!
//! # tokio_test::block_on(async {
//! let bus = EventBus::builder().capacity(1024).history(3).build().unwrap();
//! for text in ["a", "b", "c", "d", "e", "f"] {
//!     bus.publish(text).await.unwrap();
//! }
//! let last_event_id = 1;
//! let mut events = bus.subscribe_lossy_from(Start::Sequence(last_event_id + 1)).with_lag();
//! drop(bus);
//! let mut sent = String::new();
//! loop {
//!     let id = events.get_ref().position();
//!     match events.recv().await {
//!         Some(Ok(text)) => sent += &format!("id: {id}\ndata: {text}\n\n"),
//!         Some(Err(Lagged(missed))) => sent += &format!("event: gap\ndata: {missed}\n\n"),
//!         None => break,
//!     }
//! }
//! assert!(sent.starts_with("event: gap\ndata: 1\n\nid: 3\ndata: d\n\n"));
//! # });
//! ```
//!
//! # A gRPC stream
//!
//! A [`Receiver`](crate::Receiver) is a `Stream`, `Send + 'static` and `Unpin`: as tonic's response stream
//! it takes a `map`.
//!
//! ```
//! use futures::{Stream, StreamExt};
//!
//! fn respond(
//!     events: eventring::Receiver<u32>,
//! ) -> impl Stream<Item = Result<String, std::io::Error>> + Send + 'static {
//!     events.map(|event| Ok(event.to_string()))
//! }
//!
//! # futures::executor::block_on(async {
//! let bus = eventring::EventBus::new(16);
//! let mut response = respond(bus.subscribe_lossy());
//! bus.publish(7).await.unwrap();
//! assert_eq!(response.next().await.unwrap().unwrap(), "7");
//! # });
//! ```
//!
//! # A log, fanned out to threads
//!
//! Publishers may be anywhere: [`publish_blocking`](crate::EventBus::publish_blocking) outside of tasks.
//!
//! ```
//! use eventring::{EventBus, WaitStrategy};
//!
//! let bus = EventBus::with_strategy(64, WaitStrategy::Block);
//! let (mut file, mut console) = (bus.subscribe(), bus.subscribe_lossy());
//! let file = std::thread::spawn(move || file.blocking_iter().count());
//! let console = std::thread::spawn(move || {
//!     let shown = console.blocking_iter().count() as u64;
//!     shown + console.missed()
//! });
//! for line in 0..1000 {
//!     bus.publish_blocking(line).unwrap();
//! }
//! drop(bus);
//! assert_eq!((file.join().unwrap(), console.join().unwrap()), (1000, 1000));
//! ```
//!
//! # Invalidating a cache
//!
//! ```
//! use eventring::{EventBus, Lagged};
//! use std::collections::HashMap;
//!
//! let mut cache = HashMap::from([("a", 1), ("b", 2), ("c", 3)]);
//! let changes = EventBus::new(2);
//! let mut changed = changes.subscribe_lossy().with_lag();
//!
//! changes.try_publish("a").unwrap();
//! while let Ok(change) = changed.try_recv() {
//!     match change {
//!         Ok(key) => drop(cache.remove(key)),
//!         Err(Lagged(_)) => cache.clear(), // which ones, nobody knows
//!     }
//! }
//! assert_eq!(cache.len(), 2);
//! ```
//!
//! # Rooms
//!
//! A bus for each room that somebody is in, by [`Topics`](crate::Topics): the handler of a connection holds the
//! room's [`Topic`](crate::Topic) while it streams, whoever speaks names the room. When the last guest's connection is
//! dropped, so is the room; nobody has to clean up.
//!
//! ```
//! use eventring::Topics;
//! use futures::StreamExt;
//!
//! # tokio_test::block_on(async {
//! let rooms: Topics<String, String> = Topics::new(64);
//! let mut guest = rooms.subscribe("lobby");
//! let connection = tokio::spawn(async move { guest.next().await });
//! let heard = rooms.publish("lobby", "hello".to_owned()).await.unwrap();
//! assert!(heard.is_some());
//! assert_eq!(connection.await.unwrap().unwrap(), "hello");
//!
//! assert_eq!(rooms.publish("lobby", "anybody?".to_owned()).await, Ok(None));
//! assert!(rooms.is_empty());
//! # });
//! ```
//!
//! # What feeds a topic, while somebody wants it
//!
//! [`changes`](crate::Topics::changes) tells of each key when its first receiver has come and when the topic is gone:
//! a subscription upstream is started and stopped by that. With [`linger`](crate::topics::TopicsBuilder::linger),
//! one who leaves and comes back soon does not stop it.
//!
//! ```
//! use eventring::{Topics, topics::Change};
//! use futures::StreamExt;
//! use std::collections::HashMap;
//!
//! # tokio_test::block_on(async {
//! let prices: Topics<String, f64> = Topics::new(64);
//! let (mut changes, handle) = (prices.changes(), prices.clone());
//! let feeding = tokio::spawn(async move {
//!     let mut feeds = HashMap::new();
//!     while let Some(change) = changes.next().await {
//!         match change {
//!             Change::Opened(symbol) => {
//!                 let (prices, key) = (handle.clone(), symbol.clone());
//!                 let feed = tokio::spawn(async move { prices.publish(&key, 1.16).await });
//!                 feeds.insert(symbol, feed);
//!             }
//!             Change::Vacated(symbol) => feeds.remove(&symbol).expect("it was opened").abort(),
//!         }
//!     }
//!     feeds.len()
//! });
//! let mut euro = prices.subscribe("eur.usd");
//! assert_eq!(euro.recv().await, Some(1.16));
//! drop(euro);
//! prices.close();
//! assert_eq!(feeding.await.unwrap(), 0);
//! # });
//! ```
//!
//! # A graceful shutdown
//!
//! [`close`](crate::EventBus::close) ends publishing, [`drained`](crate::EventBus::drained) waits until
//! the receivers have all there is. One that nobody receives from would keep it waiting.
//!
//! ```
//! use std::time::Duration;
//! use tokio::time::timeout;
//!
//! # tokio_test::block_on(async {
//! let bus = eventring::EventBus::new(16);
//! let mut events = bus.subscribe();
//! bus.publish("last").await.unwrap();
//! let sink = tokio::spawn(async move { while events.recv().await.is_some() {} });
//!
//! bus.close();
//! timeout(Duration::from_secs(5), bus.drained()).await.expect("somebody is stuck");
//! sink.await.unwrap();
//! # });
//! ```
//!
//! # A timeout around `publish`
//!
//! An event that was not published in time is dropped with the future of `publish`. One that is to be
//! kept is published by [`publish_many`](crate::EventBus::publish_many), which leaves it in the vector.
//!
//! ```
//! use eventring::{EventBus, WaitStrategy};
//! use std::time::Duration;
//! use tokio::time::timeout;
//!
//! # tokio_test::block_on(async {
//! let bus = EventBus::with_strategy(1, WaitStrategy::Block);
//! let _slow = bus.subscribe();
//! let mut events = vec!['a', 'b'];
//! let in_time = timeout(Duration::from_millis(1), bus.publish_many(&mut events)).await;
//! assert!(in_time.is_err());
//! assert_eq!(events, ['b']);
//! # });
//! ```
//!
//! # A publisher whose patience ends
//!
//! A receiver that holds publishers up for too long is evicted, if it was built to be
//! [evictable](crate::ReceiverBuilder::evictable): a client's, say, rather than the audit's. The publisher
//! keeps its turn meanwhile. Who was evicted comes to its end, and may subscribe again.
//!
//! ```
//! use eventring::{EventBus, PublishError, WaitStrategy};
//! use std::pin::pin;
//! use std::time::Duration;
//! use tokio::time::timeout;
//!
//! async fn publish<E>(bus: &EventBus<E>, event: E, patience: Duration) -> Result<u64, PublishError<E>> {
//!     let mut publishing = pin!(bus.publish(event));
//!     loop {
//!         let before = bus.receivers();
//!         if let Ok(published) = timeout(patience, &mut publishing).await {
//!             return published;
//!         }
//!         // Who holds it up, and has been standing there all the time.
//!         for stuck in bus.receivers().iter().filter(|one| one.awaited) {
//!             if before.iter().any(|one| (one.id, one.position) == (stuck.id, stuck.position)) {
//!                 bus.evict(stuck.id);
//!             }
//!         }
//!     }
//! }
//!
//! # tokio_test::block_on(async {
//! let bus = EventBus::with_strategy(1, WaitStrategy::Block);
//! let mut client = bus.receiver().name("client").evictable().build(); // and is stuck
//! for number in 0..3 {
//!     publish(&bus, number, Duration::from_millis(1)).await.unwrap();
//! }
//! assert_eq!((client.recv().await, client.evicted()), (None, Some(0)));
//! # });
//! ```
//!
//! # A task that publishes to the bus that it reads from
//!
//! With [`Block`](crate::WaitStrategy::Block), to await room is to wait for the slowest receiver. If that
//! is the task's own, it waits for itself, for ever. So it goes on reading while it waits:
//!
//! ```
//! use eventring::{EventBus, WaitStrategy};
//!
//! # tokio_test::block_on(async {
//! let bus = EventBus::with_strategy(1, WaitStrategy::Block);
//! let mut own = bus.subscribe();
//! let (mut answers, mut seen) = (vec![1, 2, 3], Vec::new());
//! while !answers.is_empty() {
//!     tokio::select! {
//!         published = bus.publish_many(&mut answers) => published.unwrap(),
//!         Some(event) = own.recv() => seen.push(event),
//!     }
//! }
//! seen.extend(own.try_iter());
//! assert_eq!(seen, [1, 2, 3]);
//! # });
//! ```
