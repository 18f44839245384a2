//! A topic, as the table knows it.

use crate::bus::EventBus;
use crate::sync::{AtomicU64, AtomicUsize, Ordering};

/// In this order, beside the counts of its `Arc`: what publishing touches.
#[derive(Debug)]
#[repr(C)]
pub(super) struct Entry<K, E> {
    pub(super) bus: EventBus<E>,
    pub(super) key: K,
    pub(super) hash: u64,
    pub(super) members: Members,
    /// While it has none: how long it stays. Written and read under the shard's exclusive lock.
    idle_until: AtomicU64,
}

impl<K, E> Entry<K, E> {
    /// With its first member.
    pub(super) fn new(key: K, hash: u64, bus: EventBus<E>) -> Self {
        Self {
            key,
            hash,
            bus,
            members: Members(AtomicUsize::new(1)),
            idle_until: AtomicU64::new(0),
        }
    }

    pub(super) fn stay(&self, until: u64) {
        self.idle_until.store(until, Ordering::Relaxed);
    }

    pub(super) fn stays_until(&self) -> u64 {
        self.idle_until.load(Ordering::Relaxed)
    }
}

/// How many receivers a topic has. Becomes 0, and leaves it, under the shard's exclusive lock alone.
#[derive(Debug)]
pub(super) struct Members(AtomicUsize);

impl Members {
    /// Whether there is none, under the exclusive lock.
    pub(super) fn is_empty(&self) -> bool {
        self.0.load(Ordering::Relaxed) == 0
    }

    /// One more, made from one, or under the exclusive lock.
    pub(super) fn add(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    /// One more, if there are some.
    pub(super) fn join(&self) -> bool {
        let join = |members| (members > 0).then_some(members + 1);
        let joined = self
            .0
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, join);
        joined.is_ok()
    }

    /// One less, if others remain.
    pub(super) fn part(&self) -> bool {
        let part = |members| (members > 1).then_some(members - 1);
        let parted = self
            .0
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, part);
        parted.is_ok()
    }

    /// One less. Whether it was the last.
    pub(super) fn remove(&self) -> bool {
        self.0.fetch_sub(1, Ordering::Relaxed) == 1
    }
}
