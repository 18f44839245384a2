//! An event ring in shared memory, for Linux on 64 bit: what one process publishes, any number of others
//! read, and wait for. Lossy, with every loss told and counted; alive after `kill -9` of anybody.
//!
//! ```
//! use eventring::Start;
//! use eventring_shm::{EventRing, Kind};
//!
//! # tokio_test::block_on(async {
//! # let directory = tempfile::tempdir()?;
//! # let path = directory.path().join("orders");
//! // One process ...
//! let ring = EventRing::builder().create_or_recover(&path)?;
//! let mut publisher = ring.publisher()?;
//!
//! // ... and another one.
//! let mut receiver = EventRing::open(&path)?.subscribe(Start::Next);
//!
//! publisher.publish(Kind(3), b"an order")?;
//! assert_eq!(receiver.recv().await.unwrap().payload, b"an order");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # }).unwrap();
//! ```
//!
//! * [`EventRing`] is the handle of a ring; its [`builder`](EventRing::builder) makes one or goes on
//!   with it.
//! * [`Publisher`] writes: alone, or as one of several.
//! * [`EventReader`] reads in place, one thread, without waiting or memory; [`Receiver`] waits, as a
//!   task, a thread or a stream.
//! * [`topics`] has events with topics, and cursors that their callers own.
//!
//! The README says what is guaranteed, what is not, and what it costs; `format.md` what the bytes are;
//! the page of `src/protocol.rs` how it works.

#[cfg(not(all(target_os = "linux", target_pointer_width = "64")))]
compile_error!("eventring-shm is for Linux on 64 bit: it shares words of that size, and futexes");

mod error;
mod memory;
mod protocol;
mod sync;

// The models are of the protocol alone.
#[cfg(not(eventring_loom))]
mod api {
    pub use crate::builder::{Builder, OpenOptions};
    pub use crate::clock::Clock;
    pub use crate::error::{Corrupt, End, Expired, OpenError, PublishError, TryRecvError};
    pub use crate::event::{ContentType, Event, EventRef, Head, Kind, Schema};
    pub use crate::event_ring::{EventRing, Info, Origin, Writer};
    pub use crate::file::create::Access;
    pub use crate::file::resolve;
    pub use crate::publisher::{Claim, Cork, Publisher, SharedPublisher};
    pub use crate::reader::{EventDescriptor, EventReader, NextResult, Payload};
    pub use crate::receiver::{OnWriterGone, Receiver, WithLag};
    pub use crate::snapshot::Snapshot;
}
#[cfg(not(eventring_loom))]
pub use api::*;

#[cfg(not(eventring_loom))]
mod builder;
#[cfg(not(eventring_loom))]
mod clock;
#[cfg(not(eventring_loom))]
mod event;
#[cfg(not(eventring_loom))]
mod event_ring;
#[cfg(not(eventring_loom))]
mod file;
#[cfg(not(eventring_loom))]
mod futex;
#[cfg(not(eventring_loom))]
mod lease;
#[cfg(not(eventring_loom))]
mod mapping;
#[cfg(not(eventring_loom))]
mod ofd;
#[cfg(not(eventring_loom))]
mod publisher;
#[cfg(not(eventring_loom))]
mod reader;
#[cfg(not(eventring_loom))]
mod receiver;
#[cfg(not(eventring_loom))]
mod snapshot;
#[cfg(not(eventring_loom))]
pub mod topics;
#[cfg(not(eventring_loom))]
mod wait_for;
#[cfg(not(eventring_loom))]
mod waiting;

#[cfg(all(feature = "faults", not(eventring_loom)))]
#[doc(hidden)]
pub use sync::faults;

#[cfg(all(test, eventring_loom))]
#[path = "../tests/loom/mod.rs"]
mod models;

/// The examples of the README are tests too.
#[cfg(all(doctest, not(eventring_loom)))]
#[doc = include_str!("../README.md")]
struct Readme;
