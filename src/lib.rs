//! An async-first broadcast channel over a lock-free ring: every receiver gets every event, without
//! loss, or with each loss told and counted, as you choose for each receiver.
//!
//! ```
//! use eventring::{EventBus, WaitStrategy};
//! use futures::StreamExt;
//!
//! # tokio_test::block_on(async {
//! let bus = EventBus::with_strategy(1024, WaitStrategy::Block);
//! let mut audit = bus.subscribe(); // holds publishers back: misses nothing
//! let mut browser = bus.subscribe_lossy(); // never holds them back: counts what it missed
//!
//! bus.publish("login").await.unwrap();
//! bus.close();
//!
//! while let Some(event) = audit.next().await {
//!     assert_eq!(event, "login");
//! }
//! assert_eq!(browser.next().await, Some("login"));
//! assert_eq!(browser.missed(), 0);
//! # });
//! ```
//!
//! * [`EventBus`] is the handle to publish and subscribe by; [`WaitStrategy`] says what a publisher
//!   does when a receiver is slow.
//! * [`Receiver`] is a `Stream`, and receives in all other ways too: blocking, with a timeout, many
//!   at once, by reference. Lag ends no loop; [`with_lag`](Receiver::with_lag) tells of it.
//! * [`Start`] lets late subscribers begin in the past, if the bus keeps a
//!   [history](Builder::history).
//! * [`EventBus::subscribe_committing`] is for sinks: an event is done when it is stored, and is received
//!   again if it could not be. Others wait for that, or stay behind it: [`Watermark`].
//! * [`EventBus::receivers`] tells who is there, and who holds the others up. [`EventBus::evict`] ends that.
//! * [`Topics`] has a bus for each key that is in use: rooms, symbols, tenants.
//! * [`TypedBus`] has events of any type in one order, and subscriptions by type.
//! * [`broadcast`] is a swap-in for `tokio::sync::broadcast`.
//! * [`future`], [`stream`] and [`iter`] have what the methods return, to be named and stored.
//! * [`docs::cookbook`] has recipes, [`docs::migration`] what becomes what, coming from elsewhere.
//!
//! # Guarantees
//!
//! * **Order.** Events are numbered; every receiver gets them in this order. The events of one
//!   publisher stay in the order in which it published them. In which order those are woken who wait for an
//!   event is not told.
//! * **Loss.** A gating receiver gets every event since it subscribed. A lossy one gets every event
//!   or counts how many it missed, exactly: received + missed = published since it subscribed.
//!   An event that is not published comes back in the error. Of a committing receiver, nothing is overwritten
//!   before it is committed.
//! * **Closing.** After [`EventBus::close`], or when the last handle is dropped, receivers get what
//!   is in the ring, then end. [`EventBus::drained`] waits for that.
//! * **Cancelling.** Dropping a future that has not resolved means that nothing was published or
//!   received by it.
//! * **Panics.** User code that panics (`clone`, `drop`, closures, wakers) costs that receiver that
//!   event, and nobody else anything. No lock is held while user code runs.
//!
//! # Limits
//!
//! * Publishing and receiving take no lock, but are not wait-free: a publisher that is preempted
//!   between claiming a sequence and committing it delays those who come to its slot.
//! * `E::clone`, or a closure, that runs for a lossy receiver delays the publisher that laps it (it
//!   spins). So it must not wait for the bus. For events that are slow to clone use an `Arc`.
//! * `E: Send + Sync` to cross threads: receivers read the same event at the same time.
//! * All is in memory, in one process, and at most `capacity` events of it.
//!
//! # Targets
//!
//! All that have 64-bit atomics. Where no thread can wait (`wasm32-unknown-unknown`), the methods that
//! block are left out; nothing else reads a clock, but topics that are to linger.
//!
//! # Features
//!
//! * `tokio` (default): in tokio's tasks, receiving and publishing take part in their cooperative
//!   budget: four events take a unit. Elsewhere, and without it, who does nothing else yields now and
//!   then by itself. The errors of [`broadcast`] convert to tokio's and back.
//! * `metrics`: `EventBus::metrics` records what a bus counts for the recorder of the `metrics` facade, when it is
//!   asked to, without a thread.
//! * `tracing`: what happens seldom is an event of level `DEBUG` and target `eventring`: a receiver that lagged or
//!   was evicted, events that were handed back, a bus that was closed. No lock is held then. A layer that
//!   itself publishes to a bus must not get these, or it publishes for ever that it could not publish:
//!   `.with_filter(filter_fn(|event| event.target() != "eventring"))`, or as the crate `eventring-tracing` does it.
#![cfg_attr(docsrs, feature(doc_cfg), doc(auto_cfg(hide(eventring_loom))))]

#[cfg(not(target_has_atomic = "64"))]
compile_error!(
    "eventring numbers events with 64-bit atomics, which this target does not have; \
     build for a target with `target_has_atomic = \"64\"`"
);

mod batch;
pub mod broadcast;
mod bus;
mod committing;
mod coop;
#[cfg(any(doc, doctest))]
pub mod docs;
mod error;
pub mod future;
mod handles;
pub mod iter;
mod lag;
mod numbered;
mod outcome;
mod reader;
mod receiver;
mod ring;
mod strategy;
pub mod stream;
mod subscription;
mod sync;
pub mod topics;
mod trace;
mod typed;
mod wait;
mod watermark;

pub use batch::Batch;
#[cfg(all(feature = "metrics", not(eventring_loom)))]
pub use bus::BusMetrics;
pub use bus::{
    Builder, EventBus, OwnedPermit, Permit, Permits, ReceiverBuilder, ReceiverInfo, Stats,
    WeakEventBus,
};
pub use error::{
    BuildError, Gone, Lagged, PublishError, RecvTimeoutError, TryPublishError, TryRecvError,
};
pub use receiver::Receiver;
pub use strategy::{ReceiverKind, Start, WaitStrategy};
pub use topics::{Topic, Topics};
pub use typed::{AnyEvent, TypedBus};
pub use watermark::Watermark;

/// The examples of the README are tests too.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
