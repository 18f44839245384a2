//! Moving over from other channels.
//!
//! # From `tokio::sync::broadcast`
//!
//! [`broadcast`](crate::broadcast) is that channel under the same names: its page has what is the same,
//! stronger and different. From there, or at once, to the native API:
//!
//! | `tokio::sync::broadcast` | here |
//! |---|---|
//! | `channel(n)` | [`EventBus::new(n)`](crate::EventBus::new), [`subscribe`](crate::EventBus::subscribe); the capacity is exact |
//! | `sender.send(v)`, an error without receivers | [`try_publish`](crate::EventBus::try_publish), which succeeds then |
//! | `while let Ok(v) = rx.recv().await`, which ends at the first lag | `while let Some(v) = rx.recv().await`, which does not |
//! | `Err(Lagged(n))` | [`with_lag`](crate::Receiver::with_lag), or [`missed`](crate::Receiver::missed) |
//! | dropping all senders | the same, or [`close`](crate::EventBus::close) |
//!
//! # From `tokio_stream`'s `BroadcastStream`
//!
//! A receiver is a stream already. With gaps as items: [`with_lag`](crate::Receiver::with_lag).
//!
//! ```
//! use eventring::{EventBus, Lagged};
//! use futures::StreamExt;
//!
//! # futures::executor::block_on(async {
//! let bus = EventBus::new(1);
//! // BroadcastStream::new(receiver)
//! let stream = bus.subscribe().with_lag();
//! bus.publish_many(&mut vec!['a', 'b']).await.unwrap();
//! drop(bus);
//! assert_eq!(stream.collect::<Vec<_>>().await, [Err(Lagged(1)), Ok('b')]);
//! # });
//! ```
//!
//! # From `async-broadcast`
//!
//! | `async_broadcast` | here |
//! |---|---|
//! | `broadcast(n)` | [`EventBus::with_strategy(n, Block)`](crate::EventBus::with_strategy), `subscribe` |
//! | `set_overflow(true)` | [`Overwrite`](crate::WaitStrategy::Overwrite), decided when the bus is built; or lossy receivers beside gating ones |
//! | `tx.broadcast(v).await` | [`publish`](crate::EventBus::publish) |
//! | `tx.try_broadcast(v)` | [`try_publish`](crate::EventBus::try_publish): `Full` and `Closed` hand back the event |
//! | the evicted event, which an overflowing `try_broadcast` returns | no counterpart: each receiver knows how many it [missed](crate::Receiver::missed); the slot's value may be wanted by others |
//! | `TrySendError::Inactive`, `set_await_active` | [`receiver_count`](crate::EventBus::receiver_count): without receivers publishing succeeds, since a bus is open before its readers are |
//! | `InactiveReceiver`, to keep the channel open | not needed: a handle of the bus does, and `activate` is [`subscribe`](crate::EventBus::subscribe) |
//! | `rx.recv().await`: `Err(Overflowed(n))`, `Err(Closed)` | [`recv`](crate::Receiver::recv): `None` at the end; gaps [`with_lag`](crate::Receiver::with_lag) |
//! | `rx.recv_direct()` | [`recv`](crate::Receiver::recv): no future here allocates but for a waker |
//! | `rx.new_receiver()`, `rx.clone()` | [`resubscribe`](crate::Receiver::resubscribe), `clone` |
//! | `set_capacity` | no counterpart: the ring is allocated once |
//! | `tx.close()` | [`close`](crate::EventBus::close): receivers get what is there, then end |
//!
//! ```
//! use eventring::{EventBus, TryPublishError, WaitStrategy};
//!
//! // let (tx, mut rx) = async_broadcast::broadcast(2);
//! let bus = EventBus::with_strategy(2, WaitStrategy::Block);
//! let mut receiver = bus.subscribe();
//! bus.try_publish(1).unwrap();
//! bus.try_publish(2).unwrap();
//! assert_eq!(bus.try_publish(3), Err(TryPublishError::Full(3)));
//! assert_eq!(receiver.try_iter().collect::<Vec<_>>(), [1, 2]);
//! ```
//!
//! # From a `Vec` of mpsc senders
//!
//! One ring in place of a queue for each: an event is stored once, publishing takes the same time however
//! many there are, and a receiver that goes takes itself off. What was each queue's capacity is the
//! ring's, shared: the slowest decides for all that gate.
//!
//! ```
//! use eventring::{EventBus, WaitStrategy};
//!
//! # tokio_test::block_on(async {
//! // let mut subscribers: Vec<mpsc::Sender<Event>> = Vec::new();
//! let bus = EventBus::with_strategy(64, WaitStrategy::Block);
//! // let (tx, rx) = mpsc::channel(64); subscribers.push(tx);
//! let (mut one, mut other) = (bus.subscribe(), bus.subscribe());
//! // for tx in &subscribers { tx.send(event.clone()).await.ok(); }
//! bus.publish("event").await.unwrap();
//! assert_eq!(one.recv().await, Some("event"));
//! assert_eq!(other.recv().await, Some("event"));
//! # });
//! ```
//!
//! Where a full queue meant that its subscriber was thrown out, take a lossy receiver, and let it go once
//! it has [missed](crate::Receiver::missed) too much.
