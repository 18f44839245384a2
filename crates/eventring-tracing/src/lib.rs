//! Logs of [`tracing`](https://docs.rs/tracing) through a bus: whoever logs publishes a record, and each sink (a
//! file, stderr, a live tail) takes it from there at its own pace.
//!
//! ```
//! use eventring_tracing::{LogBus, Sink};
//! use std::{fs, io};
//! use tracing::info;
//! use tracing_subscriber::prelude::*;
//!
//! # let directory = tempfile::tempdir()?;
//! # let path = directory.path().join("app.log");
//! let (log, guard) = LogBus::builder()
//!     .sink(Sink::new("file", fs::File::create(&path)?)) // gets all, and holds up who logs
//!     .sink(Sink::new("stderr", io::stderr()).lossy()) // holds nobody up
//!     .start()?;
//! # let _default =
//! tracing_subscriber::registry().with(log.layer()).set_default(); // or `init`
//! info!(user = "ann", "login");
//! drop(guard); // at the end of `main`: what was logged is written
//! assert!(fs::read_to_string(path)?.contains(r#"login user="ann""#));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! * [`LogBus`] is the handle: it makes a [`layer`](LogBus::layer), is the `MakeWriter` of one of yours,
//!   [flushes](LogBus::flush), has a [tail](LogBus::tail) and [counts](LogBus::stats).
//! * [`Sink`] is where records go, and who waits for whom there: [`block`](Sink::block),
//!   [`block_for`](Sink::block_for) or [`lossy`](Sink::lossy).
//! * [`Guard`] writes what is there when it is dropped, within a time.
//!
//! # What is lost, and where that is told
//!
//! Of each sink, for all that was logged: *written + missed + failed*. What a sink missed or its writer refused
//! is a line in the sink's output, at the place where the records would be, before the next one that is there:
//!
//! ```text
//! 2026-11-26T12:00:00.000117Z  INFO worker: took job 4711
//! ... 38 records lost: the sink was too slow
//! 2026-11-26T12:00:00.391084Z  INFO worker: took job 4750
//! ```
//!
//! * A sink that **blocks** is a gating receiver: who logs waits for room. It misses nothing.
//! * A **lossy** one is a lossy receiver: it is lapped, and the ring says how much it missed when it reads on.
//! * One that blocks **for a time** gates too, until somebody who logs has waited for so long for it. Then it is
//!   evicted: it holds nobody up any more, the other sinks go on and get the record. When its writer is
//!   done with what it was stuck in, it comes back as a gating receiver at the oldest record that the ring
//!   still holds; what is gone by then, oldest first, is what it missed. So a sink that is stuck costs one wait, and not one
//!   for each record.
//!
//! That it is the receiver that goes, rather than the record that is given up (a publish with a timeout), is
//! what makes this exact. A record that was not published would be lost to *all* sinks, also to those that block
//! and had room; it would have no place in the order, and so none to be told at. A receiver that is
//! evicted or lapped is told by the ring's own numbers, at the record behind the gap.
//!
//! # It does not log into itself
//!
//! What a sink's thread logs while it writes (a writer that logs, a hook on panics) is not published, and neither
//! is what is logged while a record is published: a sink would wait for itself. It is
//! [counted](Stats::inside). What is logged while a field is formatted is a record like any other.

mod builder;
mod error;
mod guard;
mod inside;
mod log;
mod lost;
mod output;
mod progress;
mod sink;
mod stats;
mod worker;

pub use builder::Builder;
pub use error::{Behind, StartError, Unwritten};
pub use guard::Guard;
pub use log::{LogBus, Record};
pub use lost::Lost;
pub use sink::Sink;
pub use stats::{SinkStats, Stats};

/// The examples of the README are tests too.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
