//! Topics without receivers that stay for a while.

use super::entry::Entry;
use crate::sync::Arc;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// How long they stay. Times are nanoseconds since the topics were built.
#[derive(Debug)]
pub(super) struct Linger {
    nanos: u64,
    begun: Instant,
}

impl Linger {
    pub(super) fn new(time: Duration) -> Self {
        Self {
            nanos: nanos(time),
            begun: Instant::now(),
        }
    }

    pub(super) fn at(&self, instant: Instant) -> u64 {
        nanos(instant.saturating_duration_since(self.begun))
    }

    pub(super) fn now(&self) -> u64 {
        self.at(Instant::now())
    }

    /// How long one stays whose last receiver goes now.
    pub(super) fn until(&self) -> u64 {
        self.now().saturating_add(self.nanos)
    }
}

/// As many as there are in 584 years, at most.
fn nanos(time: Duration) -> u64 {
    time.as_nanos().try_into().unwrap_or(u64::MAX)
}

/// Those of a shard, by how long they stay; of one time, by where they are.
#[derive(Debug)]
pub(super) struct Idle<K, E>(BTreeMap<(u64, usize), Arc<Entry<K, E>>>);

impl<K, E> Idle<K, E> {
    pub(super) fn new() -> Self {
        Self(BTreeMap::new())
    }

    pub(super) fn add(&mut self, entry: &Arc<Entry<K, E>>, until: u64) {
        entry.stay(until);
        self.0.insert(place(entry), Arc::clone(entry));
    }

    pub(super) fn remove(&mut self, entry: &Arc<Entry<K, E>>) {
        // It is in the table, too: nothing goes with it.
        self.0.remove(&place(entry));
    }

    /// The one whose time was up first, if it is now.
    pub(super) fn pop(&mut self, now: u64) -> Option<Arc<Entry<K, E>>> {
        let first = self.0.first_entry()?;
        (first.key().0 <= now).then(|| first.remove())
    }
}

fn place<K, E>(entry: &Arc<Entry<K, E>>) -> (u64, usize) {
    (entry.stays_until(), &raw const **entry as usize)
}
