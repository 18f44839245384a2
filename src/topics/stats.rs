//! What topics count.

use super::Topics;
use crate::bus::{EventBus, Stats};
use crate::sync::{AtomicU64, Ordering};

impl<K, E, S> Topics<K, E, S> {
    /// What happened so far, of the topics that there are and of those that are gone. It looks at each one.
    ///
    /// ```
    /// let rooms = eventring::Topics::<u32, &str>::new(16);
    /// let guests = [rooms.subscribe(&1), rooms.subscribe(&1), rooms.subscribe(&2)];
    /// rooms.try_publish(&1, "event").unwrap();
    /// rooms.try_publish(&3, "for nobody").unwrap();
    /// let stats = rooms.stats();
    /// assert_eq!((stats.topics, stats.receivers, stats.published), (2, 3, 1));
    /// drop(guests);
    /// assert_eq!((rooms.stats().topics, rooms.stats().published), (0, 1));
    /// ```
    pub fn stats(&self) -> TopicsStats {
        let gone = &self.map.gone;
        let mut stats = TopicsStats {
            opened: gone.topics.load(Ordering::Relaxed),
            published: gone.published.load(Ordering::Relaxed),
            dropped: gone.dropped.load(Ordering::Relaxed),
            missed: gone.missed.load(Ordering::Relaxed),
            ..TopicsStats::default()
        };
        self.map.for_each(|entry| {
            let bus = entry.bus.stats();
            stats.topics += 1;
            stats.opened += 1;
            stats.receivers += bus.receivers;
            stats.published += bus.published;
            stats.dropped += bus.dropped;
            stats.missed += bus.missed;
        });
        stats
    }
}

/// A snapshot of what topics have counted: see [`Topics::stats`]. What goes while it is taken may be in it twice or
/// not at all.
///
/// ```
/// let stats = eventring::Topics::<u32, &str>::new(16).stats();
/// assert_eq!(stats.opened, 0);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct TopicsStats {
    /// Topics there are.
    pub topics: usize,
    /// Receivers there are.
    pub receivers: usize,
    /// Topics there ever were.
    pub opened: u64,
    /// Events published to topics in use.
    pub published: u64,
    /// Events handed back for want of room: see [`Stats::dropped`].
    pub dropped: u64,
    /// Events missed by receivers that were lapped: see [`Stats::missed`].
    pub missed: u64,
}

/// What the topics that are gone have counted.
#[derive(Debug)]
pub(super) struct Gone {
    topics: AtomicU64,
    published: AtomicU64,
    dropped: AtomicU64,
    missed: AtomicU64,
}

impl Default for Gone {
    fn default() -> Self {
        Self {
            topics: AtomicU64::new(0),
            published: AtomicU64::new(0),
            dropped: AtomicU64::new(0),
            missed: AtomicU64::new(0),
        }
    }
}

impl Gone {
    /// The bus is closed.
    pub(super) fn count<E>(&self, bus: &EventBus<E>) {
        let Stats {
            published,
            dropped,
            missed,
            ..
        } = bus.stats();
        let counts = [
            (&self.topics, 1),
            (&self.published, published),
            (&self.dropped, dropped),
            (&self.missed, missed),
        ];
        for (total, count) in counts {
            if count > 0 {
                total.fetch_add(count, Ordering::Relaxed);
            }
        }
    }
}
