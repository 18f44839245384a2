//! Events of an [`eventring`] bus into a NATS JetStream stream: in order, each once, across lost
//! acknowledgements, broken connections, and restarts of the broker.
//!
//! ```no_run
//! use eventring::{EventBus, WaitStrategy};
//! use eventring_nats::Outbound;
//! use std::time::Duration;
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let client = async_nats::connect("localhost").await?;
//! let jetstream = async_nats::jetstream::new(client);
//!
//! let bus = EventBus::with_strategy(1024, WaitStrategy::Block);
//! let relay = Outbound::builder(jetstream, "AUDIT", "api-1")
//!     .encode(|event: &String, out| out.extend_from_slice(event.as_bytes()))
//!     .start(bus.subscribe_committing())
//!     .await?;
//!
//! let sequence = bus.publish(String::from("login")).await?;
//! relay.stored().reached(sequence).await?; // it is on the broker
//!
//! let stopped = relay.stop(Duration::from_secs(5)).await;
//! assert_eq!(stopped.left(), 0);
//! # Ok(())
//! # }
//! ```
//!
//! The ring is the buffer: an event keeps its slot until the broker has acknowledged it, and a bus whose
//! slots are all taken holds its publishers back. The README says what is guaranteed, and what is not.
//!
//! [`Inbound`] is the way back: the messages of a stream, published on a bus.
//!
//! # How it works
//!
//! * A source has one subject, and only its relay writes there. A run of a relay has an epoch, larger than
//!   those before it. A message's id is `SOURCE.EPOCH.SEQUENCE`.
//! * Each message says what it follows: the broker refuses what would leave a hole or come twice.
//! * Whatever goes wrong, there is one answer: read the subject's last message, commit what is stored by
//!   that, go back in the ring to what is not, and go on from there. The broker's memory of ids helps, but
//!   nothing depends on how long it lasts.
//! * If that last message is of a later epoch, another process has taken the name over: [`End::Fenced`].

mod counters;
mod error;
mod identity;
pub mod inbound;
#[cfg(feature = "metrics")]
mod metrics;
mod outbound;
mod stream;

pub use error::StartError;
pub use inbound::{Delivered, Inbound};
#[cfg(feature = "metrics")]
pub use metrics::Metrics;
pub use outbound::{End, Outbound, OutboundBuilder, Reject, Rejection, Stats, Stopped};

/// The examples of the README are tests too.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
