//! An event bus with a memory on disk: what is published is stored, in SQLite, and keeps its place in the bus
//! until it is.
//!
//! ```
//! use eventring::{EventBus, Start, WaitStrategy};
//! use eventring_log::{Json, Log, Options};
//! use futures::StreamExt;
//!
//! # tokio_test::block_on(async {
//! # let directory = tempfile::tempdir()?;
//! # let path = directory.path().join("events.db");
//! let log = Log::<Json<String>>::open(path, Options::new())?;
//! let bus = EventBus::builder()
//!     .strategy(WaitStrategy::Block)
//!     .first(log.next()) // numbers go on where they ended
//!     .build()?;
//! let attached = log.attach(&bus)?;
//!
//! let sequence = bus.publish("login".to_string()).await?;
//! attached.watermark().reached(sequence).await?; // it is on disk
//!
//! let mut events = log.subscribe(&bus, Start::Oldest)?; // stored ones, then live ones
//! assert_eq!(events.next().await.unwrap()?, (sequence, "login".to_string()));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # }).unwrap();
//! ```
//!
//! * [`Log`] is the handle of a log; [`Options`] says what there is to choose.
//! * [`Attached`] is the sink, from outside: how far it is, and what is in its way.
//! * [`Subscription`] is the stream of what is stored and what comes; [`Events`] reads what is stored.
//! * [`Head`] is what a log comes to: [`Log::verify`] recomputes it, if the log has hashes.
//! * [`Encoding`] makes bytes of events; a [`Store`] keeps them, as [`Sqlite`] does.
//!
//! The README says what is guaranteed, and what is not.
//!
//! # Features
//!
//! * `serde_json` (default): [`Json`].
//! * `tool` (default): the command-line tool `eventring-log`.

mod attached;
mod encoding;
mod error;
mod head;
mod log;
mod options;
mod read;
mod sink;
mod stats;
mod store;
mod subscription;
mod verify;
mod wait;

pub use attached::Attached;
#[cfg(feature = "serde_json")]
pub use encoding::Json;
pub use encoding::{Encoding, Raw};
pub use error::{BoxError, Broken, Error};
pub use head::{Hash, Head, ParseHeadError};
pub use log::Log;
pub use options::Options;
pub use read::Events;
pub use stats::{Stats, Trouble};
pub use store::sqlite::Sqlite;
pub use store::{Entry, Extent, Store};
pub use subscription::Subscription;

/// The examples of the README are tests too.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
