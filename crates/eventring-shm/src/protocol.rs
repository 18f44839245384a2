//! The algorithm.

mod bell;
mod descriptor;
pub(crate) mod layout;
mod lock;
mod read;
mod recover;
mod stamp;
mod write;

pub(crate) use bell::{Bell, Marked};
pub(crate) use descriptor::{Descriptor, Ext};
pub(crate) use layout::{Geometry, State};
pub(crate) use lock::{Leases, Locked, SLOTS, Slot};
pub(crate) use read::Look;
pub(crate) use write::{Outgoing, Tip};

use crate::memory::Memory;
use crate::sync::AtomicU64;

/// The words of a ring, and what is known of them for certain.
#[derive(Debug)]
pub(crate) struct Ring {
    memory: Memory,
    geometry: Geometry,
    /// Longer payloads are not believed.
    limit: u64,
}

impl Ring {
    /// The memory has to be as long as the geometry says.
    pub(crate) fn new(memory: Memory, geometry: Geometry) -> Self {
        assert!(memory.words().len() >= geometry.words(), "the memory is too short");
        Self {
            memory,
            geometry,
            limit: geometry.payload_max(),
        }
    }

    pub(crate) fn limit_payload(&mut self, limit: u64) {
        self.limit = self.limit.min(limit);
    }

    #[inline]
    pub(crate) fn geometry(&self) -> Geometry {
        self.geometry
    }

    #[inline]
    pub(crate) fn words(&self) -> &[AtomicU64] {
        self.memory.words()
    }

    #[inline]
    fn word(&self, index: usize) -> &AtomicU64 {
        &self.words()[index]
    }
}
