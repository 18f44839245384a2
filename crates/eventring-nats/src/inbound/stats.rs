//! What a feed counts.

use std::sync::atomic::{AtomicU64, Ordering};

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

macro_rules! counters {
    ($($name:ident)*) => {
        #[derive(Debug, Default)]
        pub(super) struct Counters {
            $(pub(super) $name: Counter,)*
        }

        impl Counters {
            pub(super) fn stats(&self) -> Stats {
                Stats { $($name: self.$name.0.load(Ordering::Relaxed),)* }
            }
        }
    };
}

counters! {
    published acknowledged redelivered own undecoded in_progress reread pulls held stream_sequence
}

/// Written by the feed's task alone.
#[derive(Debug, Default)]
pub(super) struct Counter(AtomicU64);

impl Counter {
    pub(super) fn add(&self, more: u64) {
        self.0.fetch_add(more, Ordering::Relaxed);
    }

    pub(super) fn set(&self, value: u64) {
        self.0.store(value, Ordering::Relaxed);
    }
}
