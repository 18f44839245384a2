//! What a feed counts.

use crate::counters::counters;
#[cfg(feature = "metrics")]
use crate::metrics::{Kind, Metric};

/// What a feed has done so far: see [`Inbound::stats`](super::Inbound::stats).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// Events that were published.
    pub published: u64,
    /// Messages that were acknowledged.
    pub acknowledged: u64,
    /// Messages that came again after they were received, and were not published again.
    pub redelivered: u64,
    /// Messages that were left out, since they are from a [source that is skipped](super::InboundBuilder::skip_source).
    pub own: u64,
    /// Messages that could not be decoded, and were [skipped](super::Undecoded::Skip).
    pub undecoded: u64,
    /// Times that the broker was told to go on waiting for the acknowledgement of a message.
    pub in_progress: u64,
    /// Messages that were read from the stream, since their delivery was lost, or went to a process that
    /// has died.
    pub reread: u64,
    /// Times that pulling began again: after a connection was lost, or a heartbeat missed.
    pub pulls: u64,
    /// Messages that are received, and not acknowledged.
    pub held: u64,
    /// The sequence number, in the stream, of the message published last. 0: none.
    pub stream_sequence: u64,
}

counters! {
    published acknowledged redelivered own undecoded in_progress reread pulls held stream_sequence
}

#[cfg(feature = "metrics")]
pub(super) const METRICS: &[Metric<Stats>] = &[
    Metric {
        name: "eventring_nats_inbound_published_total",
        kind: Kind::Counter,
        text: "Events published on the bus.",
        value: |stats| stats.published,
    },
    Metric {
        name: "eventring_nats_inbound_acknowledged_total",
        kind: Kind::Counter,
        text: "Messages acknowledged.",
        value: |stats| stats.acknowledged,
    },
    Metric {
        name: "eventring_nats_inbound_redelivered_total",
        kind: Kind::Counter,
        text: "Messages that came again.",
        value: |stats| stats.redelivered,
    },
    Metric {
        name: "eventring_nats_inbound_undecoded_total",
        kind: Kind::Counter,
        text: "Messages that could not be decoded, and were skipped.",
        value: |stats| stats.undecoded,
    },
    Metric {
        name: "eventring_nats_inbound_reread_total",
        kind: Kind::Counter,
        text: "Messages read from the stream, since their delivery was lost.",
        value: |stats| stats.reread,
    },
    Metric {
        name: "eventring_nats_inbound_pulls_total",
        kind: Kind::Counter,
        text: "Times that pulling began.",
        value: |stats| stats.pulls,
    },
    Metric {
        name: "eventring_nats_inbound_held",
        kind: Kind::Gauge,
        text: "Messages that are received and not acknowledged.",
        value: |stats| stats.held,
    },
];
