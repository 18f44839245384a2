//! An event ring in shared memory.

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
#[path = "../tests/loom/main.rs"]
mod models;
