//! What a relay counts.

use crate::counters::counters;
#[cfg(feature = "metrics")]
use crate::metrics::{Kind, Metric};

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

counters! {
    stored in_flight duplicates skipped resumed reconnects stream_sequence
}

#[cfg(feature = "metrics")]
pub(super) const METRICS: &[Metric<Stats>] = &[
    Metric {
        name: "eventring_nats_outbound_stored_total",
        kind: Kind::Counter,
        text: "Events that are on the broker.",
        value: |stats| stats.stored,
    },
    Metric {
        name: "eventring_nats_outbound_in_flight",
        kind: Kind::Gauge,
        text: "Events that were sent and are not acknowledged.",
        value: |stats| stats.in_flight,
    },
    Metric {
        name: "eventring_nats_outbound_duplicates_total",
        kind: Kind::Counter,
        text: "Events that the broker had already when it acknowledged them.",
        value: |stats| stats.duplicates,
    },
    Metric {
        name: "eventring_nats_outbound_skipped_total",
        kind: Kind::Counter,
        text: "Events that the broker does not take.",
        value: |stats| stats.skipped,
    },
    Metric {
        name: "eventring_nats_outbound_resumed_total",
        kind: Kind::Counter,
        text: "Times that the relay asked where to go on.",
        value: |stats| stats.resumed,
    },
    Metric {
        name: "eventring_nats_outbound_reconnects_total",
        kind: Kind::Counter,
        text: "Connections after the first one.",
        value: |stats| stats.reconnects,
    },
];
