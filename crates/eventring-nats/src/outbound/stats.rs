//! What a relay counts.

use std::sync::atomic::{AtomicU64, Ordering};

/// What a relay has done since it started: [`Outbound::stats`](crate::Outbound::stats).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// Events that are on the broker.
    pub stored: u64,
    /// Events that were sent, and are not acknowledged.
    pub in_flight: u64,
    /// Of those that are stored, how many the broker had already when they were acknowledged.
    pub duplicates: u64,
    /// Events that were skipped, because the broker does not take them.
    pub skipped: u64,
    /// How often it had to ask where to go on.
    pub resumed: u64,
    /// Connections after the first one.
    pub reconnects: u64,
    /// The last message's sequence number in the stream, as far as it is known.
    pub stream_sequence: u64,
}

/// Written by the relay's task alone.
#[derive(Debug, Default)]
pub(super) struct Counters {
    pub(super) stored: Counter,
    pub(super) in_flight: Counter,
    pub(super) duplicates: Counter,
    pub(super) skipped: Counter,
    pub(super) resumed: Counter,
    pub(super) reconnects: Counter,
    pub(super) stream_sequence: Counter,
}

impl Counters {
    pub(super) fn stats(&self) -> Stats {
        Stats {
            stored: self.stored.get(),
            in_flight: self.in_flight.get(),
            duplicates: self.duplicates.get(),
            skipped: self.skipped.get(),
            resumed: self.resumed.get(),
            reconnects: self.reconnects.get(),
            stream_sequence: self.stream_sequence.get(),
        }
    }
}

#[derive(Debug, Default)]
pub(super) struct Counter(AtomicU64);

impl Counter {
    pub(super) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    pub(super) fn set(&self, to: u64) {
        self.0.store(to, Ordering::Relaxed);
    }

    pub(super) fn add(&self, count: u64) {
        self.set(self.get() + count);
    }
}
