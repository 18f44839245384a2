//! An event ring in shared memory.

mod error;
#[cfg(not(eventring_loom))]
mod futex;
#[cfg(not(eventring_loom))]
mod mapping;
mod memory;
#[cfg(not(eventring_loom))]
mod ofd;
mod protocol;
mod sync;

pub use error::Corrupt;

#[cfg(all(test, eventring_loom))]
#[path = "../tests/loom/main.rs"]
mod models;
