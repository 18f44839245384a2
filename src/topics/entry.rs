//! A topic, as the table knows it.

use crate::bus::EventBus;
use crate::sync::{AtomicUsize, Ordering};

#[derive(Debug)]
pub(super) struct Entry<K, E> {
    pub(super) key: K,
    pub(super) hash: u64,
    pub(super) bus: EventBus<E>,
    pub(super) members: Members,
}

/// How many receivers a topic has. Becomes 0, and leaves it, under the shard's exclusive lock alone.
#[derive(Debug)]
pub(super) struct Members(AtomicUsize);

impl Members {
    pub(super) fn new(members: usize) -> Self {
        Self(AtomicUsize::new(members))
    }

    /// One more, made from one, or under the exclusive lock. How many there were.
    pub(super) fn add(&self) -> usize {
        self.0.fetch_add(1, Ordering::Relaxed)
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
