//! Events with topics, published by every process of a fleet, read by cursors that their callers own.
//!
//! ```
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use eventring_shm::topics::{NodeId, TopicBus};
//!
//! # let directory = tempfile::tempdir()?;
//! # let path = directory.path().join("fleet");
//! let bus = TopicBus::join(&path, NodeId(1))?;
//! let mut cursor = bus.cursor_from_start();
//! bus.publish("worker.booted", b"w1")?;
//! bus.publish("worker.idle", b"w1")?;
//!
//! let poll = bus.poll_topic(&mut cursor, "worker.booted");
//! assert_eq!((poll.events.len(), poll.lagged), (1, 0));
//! assert_eq!(poll.events[0].payload, b"w1");
//! assert!(bus.poll(&mut cursor).is_empty());
//! # Ok(())
//! # }
//! ```

mod frame;
mod stream;

pub use stream::TopicStream;

use crate::builder::Builder;
use crate::error::{OpenError, PublishError};
use crate::event::{ContentType, EventRef, Head, Kind, copy_into};
use crate::event_ring::{EventRing, clamped};
use crate::protocol::Look;
use crate::publisher::SharedPublisher;
use eventring::Start;
use std::fmt;
use std::path::Path;

/// Events of topics have this content type.
pub const CONTENT_TYPE: ContentType = ContentType(0x5442);
/// And this kind.
pub const KIND: Kind = Kind(1);

const SCHEMA: [u8; 32] = *b"eventring-shm topics, version 1.";

/// One process, or another part of the fleet: up to the application.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId(pub u64);

/// Which event it is: of which node, and its number among all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EventId {
    /// Who published it.
    pub node: NodeId,
    /// Its sequence.
    pub counter: u64,
}

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.node.0, self.counter)
    }
}

/// An event with its topic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopicEvent {
    /// Which one it is.
    pub id: EventId,
    /// Its topic: what is no UTF-8 is replaced.
    pub topic: String,
    /// Its payload.
    pub payload: Vec<u8>,
    /// When it was published, in milliseconds since 1970.
    pub timestamp_ms: u64,
}

/// Where a caller is. It can be copied, and kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TopicCursor(u64);

impl TopicCursor {
    /// One whose next event has this counter.
    pub fn from_counter(counter: u64) -> Self {
        Self(clamped(counter))
    }

    /// The counter of the event that comes next.
    pub fn next_counter(self) -> u64 {
        self.0
    }
}

/// What was there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[must_use = "what was polled is not polled again"]
pub struct TopicPoll {
    /// The events that were wanted, in order.
    pub events: Vec<TopicEvent>,
    /// How many were lost, of any topic, since the last poll.
    pub lagged: u64,
    /// How many were no events of topics.
    pub malformed: u64,
}

impl TopicPoll {
    /// Whether there was nothing, and nothing was lost.
    pub fn is_empty(&self) -> bool {
        self.events.is_empty() && self.lagged == 0
    }
}

/// An event was not published.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TopicError {
    /// Topic and payload are too long.
    FrameTooLarge {
        /// Bytes of the topic.
        topic_len: usize,
        /// Bytes of the payload.
        payload_len: usize,
        /// Bytes of the longest payload, with that topic.
        max_payload: usize,
    },
    /// For another reason.
    Publish(PublishError),
}

impl fmt::Display for TopicError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::FrameTooLarge {
                topic_len,
                payload_len,
                max_payload,
            } => write!(
                f,
                "a payload of {payload_len} bytes with a topic of {topic_len} does not fit: \
                 the most is {max_payload}"
            ),
            Self::Publish(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for TopicError {}

impl From<PublishError> for TopicError {
    fn from(error: PublishError) -> Self {
        Self::Publish(error)
    }
}

/// A ring of events with topics. A clone is the same node.
#[derive(Clone, Debug)]
pub struct TopicBus {
    ring: EventRing,
    publisher: SharedPublisher,
    node: NodeId,
}

impl TopicBus {
    /// Joins the bus of this name; makes it if there is none.
    ///
    /// # Errors
    ///
    /// As [`Builder::create_or_recover`] and [`EventRing::join`].
    pub fn join(path: impl AsRef<Path>, node: NodeId) -> Result<Self, OpenError> {
        Self::join_with(EventRing::builder(), path, node)
    }

    /// The same for a ring of other sizes. All who join it have to say the same.
    ///
    /// # Errors
    ///
    /// As [`join`](Self::join).
    pub fn join_with(
        builder: Builder,
        path: impl AsRef<Path>,
        node: NodeId,
    ) -> Result<Self, OpenError> {
        Self::over(
            builder
                .content_type(CONTENT_TYPE, SCHEMA)
                .create_or_recover(path)?,
            node,
        )
    }

    /// A bus without a name, for the threads of this process.
    ///
    /// # Errors
    ///
    /// If it cannot be made.
    pub fn in_memory(builder: Builder, node: NodeId) -> Result<Self, OpenError> {
        Self::over(
            builder.content_type(CONTENT_TYPE, SCHEMA).memfd("topics")?,
            node,
        )
    }

    /// The same bus for another node.
    ///
    /// # Errors
    ///
    /// As [`EventRing::join`].
    pub fn another(&self, node: NodeId) -> Result<Self, OpenError> {
        Self::over(self.ring.clone(), node)
    }

    fn over(ring: EventRing, node: NodeId) -> Result<Self, OpenError> {
        let publisher = SharedPublisher::from(ring.join()?);
        Ok(Self {
            ring,
            publisher,
            node,
        })
    }

    /// Publishes an event.
    ///
    /// # Errors
    ///
    /// [`TopicError::FrameTooLarge`]; [`TopicError::Publish`] as of
    /// [`Publisher::publish`](crate::Publisher::publish).
    pub fn publish(&self, topic: &str, payload: &[u8]) -> Result<EventId, TopicError> {
        let max_payload = self.payload_max_with(topic);
        let timestamp_ms = crate::clock::now() / 1_000_000;
        let frame = frame::encode(topic, payload, timestamp_ms)
            .filter(|_| payload.len() <= max_payload)
            .ok_or(TopicError::FrameTooLarge {
                topic_len: topic.len(),
                payload_len: payload.len(),
                max_payload,
            })?;
        let ext = [frame::topic_hash(topic.as_bytes()), self.node.0, 0, 0];
        let counter = self.publisher.lock().publish_with(KIND, ext, &frame)?;
        Ok(EventId {
            node: self.node,
            counter,
        })
    }

    /// Bytes of the longest payload, if its topic is empty.
    pub fn payload_max(&self) -> usize {
        self.payload_max_with("")
    }

    fn payload_max_with(&self, topic: &str) -> usize {
        let room = self
            .ring
            .info()
            .payload_max
            .saturating_sub(frame::HEADER + topic.len());
        room.min(usize::from(u16::MAX))
    }

    /// A cursor at the start of the history: since the ring was made, or reset. What is gone of it
    /// counts as lagged.
    pub fn cursor_from_start(&self) -> TopicCursor {
        TopicCursor(self.ring.ring().start())
    }

    /// A cursor at the next event to be published.
    pub fn cursor_at_head(&self) -> TopicCursor {
        TopicCursor(self.ring.tail())
    }

    /// All that was published since the last poll.
    pub fn poll(&self, cursor: &mut TopicCursor) -> TopicPoll {
        self.poll_wanted(cursor, |_| true, |_| true)
    }

    /// The same of one topic. The others are passed, without being copied.
    pub fn poll_topic(&self, cursor: &mut TopicCursor, topic: &str) -> TopicPoll {
        let hash = frame::topic_hash(topic.as_bytes());
        self.poll_wanted(
            cursor,
            |head| head.ext[0] == hash,
            |event| event.topic == topic,
        )
    }

    fn poll_wanted(
        &self,
        cursor: &mut TopicCursor,
        wants: impl Fn(&Head) -> bool,
        is_wanted: impl Fn(&TopicEvent) -> bool,
    ) -> TopicPoll {
        let mut poll = TopicPoll::default();
        let mut buffer = Vec::new();
        let ring = self.ring.ring();
        // Not for ever, if others publish as fast as this reads.
        let end = ring.tail();
        while cursor.0 < end {
            let seq = cursor.0;
            let next = match ring.look(seq) {
                Ok(Look::NotReady) | Err(_) => break,
                Ok(Look::Lapped(next)) => next,
                Ok(Look::Ready(descriptor)) => {
                    let head = Head::of(seq, &descriptor);
                    let payload = wants(&head).then(|| copy_into(ring, &descriptor, &mut buffer));
                    match payload {
                        Some(None) => match ring.expired(seq) {
                            Ok(next) => next,
                            Err(_) => break,
                        },
                        wanted => {
                            cursor.0 = seq + 1;
                            match wanted
                                .flatten()
                                .map(|bytes| decode(head.with_payload(bytes)))
                            {
                                Some(Some(event)) if is_wanted(&event) => poll.events.push(event),
                                Some(None) => poll.malformed += 1,
                                _ => {}
                            }
                            continue;
                        }
                    }
                }
            };
            poll.lagged += next - seq;
            cursor.0 = next;
        }
        poll
    }

    /// Forgets all that was published: who starts now starts after it, and who was behind is told how
    /// much it lost. Counters go on. Others may publish meanwhile.
    ///
    /// # Errors
    ///
    /// As [`Publisher::reset`](crate::Publisher::reset).
    pub fn reset_ring(&self) -> Result<(), PublishError> {
        self.publisher.lock().reset()
    }

    /// A stream of what comes from the cursor on.
    pub fn stream(&self, cursor: TopicCursor) -> TopicStream {
        TopicStream::new(self.ring.subscribe(Start::Sequence(cursor.0)))
    }

    /// The ring.
    pub fn event_ring(&self) -> &EventRing {
        &self.ring
    }
}

/// The event of a frame, if it is one.
pub fn decode(event: EventRef<'_>) -> Option<TopicEvent> {
    let (topic, payload, timestamp_ms) = frame::decode(event.payload)?;
    Some(TopicEvent {
        id: EventId {
            node: NodeId(event.ext[1]),
            counter: event.seq,
        },
        topic: String::from_utf8_lossy(topic).into_owned(),
        payload: payload.to_vec(),
        timestamp_ms,
    })
}
