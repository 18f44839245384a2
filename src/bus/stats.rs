//! What a bus counts.

use super::EventBus;
use crate::ring::Ring;

impl<E> EventBus<E> {
    /// What happened so far. Counting costs the hot path nothing: what is published follows
    /// from the next sequence, losses are counted where they are noticed.
    ///
    /// ```
    /// use eventring::{EventBus, PublishError, WaitStrategy};
    ///
    /// let bus = EventBus::with_strategy(1, WaitStrategy::DropNewest);
    /// let _receiver = bus.subscribe();
    /// bus.publish_blocking('a').unwrap();
    /// assert_eq!(bus.publish_blocking('b'), Err(PublishError::Dropped('b')));
    /// let stats = bus.stats();
    /// assert_eq!((stats.published, stats.dropped), (1, 1));
    /// ```
    pub fn stats(&self) -> Stats {
        Stats::of(&self.ring)
    }
}

impl Stats {
    pub(super) fn of<E>(ring: &Ring<E>) -> Self {
        let sequencer = &ring.sequencer;
        let next_sequence = sequencer.tail().sequence();
        let (missed, waiting) = sequencer.missed_and_waiting();
        Self {
            published: next_sequence - sequencer.first(),
            next_sequence,
            dropped: ring.dropped(),
            missed,
            receivers: sequencer.receivers(),
            waiting,
        }
    }
}

/// A snapshot of what a bus has counted: see [`EventBus::stats`].
///
/// ```
/// let stats = eventring::EventBus::<u32>::new(16).stats();
/// assert_eq!(stats.published, 0);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// Events published.
    pub published: u64,
    /// The sequence number of the next event: as `published`, on from
    /// [`Builder::first`](crate::Builder::first).
    pub next_sequence: u64,
    /// Events handed back for want of room, as [`DropNewest`](crate::WaitStrategy::DropNewest) does.
    pub dropped: u64,
    /// Events missed by receivers that were lapped, summed over all receivers, as of when they
    /// were told.
    pub missed: u64,
    /// Receivers there are.
    pub receivers: usize,
    /// Those who wait for room, to publish or for a permit.
    pub waiting: usize,
}
