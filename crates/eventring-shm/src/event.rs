//! Events, as they are published and received.

use crate::protocol::layout::EXT_WORDS;
use crate::protocol::{Descriptor, Ext, Ring};

/// What kind of event it is: up to the application.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Kind(pub u16);

/// What type the events of a ring are of: up to the application. 0: not said.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ContentType(pub u16);

/// What the events of a ring are, known to both sides at compile time.
///
/// ```
/// use eventring_shm::{ContentType, EventRing, Kind, Schema};
///
/// struct Trades;
///
/// impl Schema for Trades {
///     const CONTENT_TYPE: ContentType = ContentType(7);
///     const HASH: [u8; 32] = *b"trades, version 1 of the schema.";
///     const NAMES: &'static [&'static str] = &["opened", "traded", "closed"];
/// }
///
/// # fn main() -> Result<(), eventring_shm::OpenError> {
/// let ring = EventRing::builder().schema::<Trades>().memfd("trades")?;
/// ring.check_schema::<Trades>()?;
/// assert_eq!(Trades::name(Kind(1)), Some("traded"));
/// assert_eq!(Trades::name(Kind(3)), None);
/// # Ok(())
/// # }
/// ```
pub trait Schema {
    /// The type.
    const CONTENT_TYPE: ContentType;
    /// Changes whenever the events do.
    const HASH: [u8; 32];
    /// The names of the kinds, from 0 on.
    const NAMES: &'static [&'static str] = &[];

    /// The name of a kind, if it has one.
    fn name(kind: Kind) -> Option<&'static str> {
        Self::NAMES.get(usize::from(kind.0)).copied()
    }
}

/// An event that was received, with memory of its own.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Event {
    /// Its number: from 0, never reused.
    pub seq: u64,
    /// Its kind.
    pub kind: Kind,
    /// When it was published, in nanoseconds since 1970; 0 if the publisher has no clock.
    pub time: u64,
    /// What the publisher added; zeros if nothing.
    pub ext: [u64; 4],
    /// Whether the payload is only the start of one that was too long.
    pub truncated: bool,
    /// Its payload.
    pub payload: Vec<u8>,
}

impl Event {
    /// The same event, borrowed.
    pub fn borrow(&self) -> EventRef<'_> {
        let Self {
            seq,
            kind,
            time,
            ext,
            truncated,
            ref payload,
        } = *self;
        EventRef {
            seq,
            kind,
            time,
            ext,
            truncated,
            payload,
        }
    }
}

/// An event in a receiver's buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct EventRef<'a> {
    /// Its number: from 0, never reused.
    pub seq: u64,
    /// Its kind.
    pub kind: Kind,
    /// When it was published, in nanoseconds since 1970; 0 if the publisher has no clock.
    pub time: u64,
    /// What the publisher added; zeros if nothing.
    pub ext: [u64; 4],
    /// Whether the payload is only the start of one that was too long.
    pub truncated: bool,
    /// Its payload.
    pub payload: &'a [u8],
}

impl EventRef<'_> {
    /// The same event with memory of its own.
    pub fn to_event(&self) -> Event {
        let Self {
            seq,
            kind,
            time,
            ext,
            truncated,
            payload,
        } = *self;
        Event {
            seq,
            kind,
            time,
            ext,
            truncated,
            payload: payload.to_vec(),
        }
    }
}

/// What is known of an event before its payload is copied, for filters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Head {
    /// Its number: from 0, never reused.
    pub seq: u64,
    /// Its kind.
    pub kind: Kind,
    /// When it was published, in nanoseconds since 1970; 0 if the publisher has no clock.
    pub time: u64,
    /// What the publisher added; zeros if nothing.
    pub ext: [u64; 4],
    /// Whether the payload is only the start of one that was too long.
    pub truncated: bool,
    /// Bytes of its payload.
    pub len: usize,
}

impl Head {
    pub(crate) fn of(seq: u64, descriptor: &Descriptor) -> Self {
        Self {
            seq,
            kind: Kind(descriptor.kind),
            time: descriptor.time,
            ext: ext(descriptor.ext()),
            truncated: descriptor.is_truncated(),
            len: descriptor.len() as usize,
        }
    }

    pub(crate) fn with_payload(self, payload: &[u8]) -> EventRef<'_> {
        let Self {
            seq,
            kind,
            time,
            ext,
            truncated,
            len: _,
        } = self;
        EventRef {
            seq,
            kind,
            time,
            ext,
            truncated,
            payload,
        }
    }
}

/// Only in models is it any shorter.
fn ext(words: Ext) -> [u64; 4] {
    let mut ext = [0; 4];
    ext[..EXT_WORDS].copy_from_slice(&words);
    ext
}

/// Copies a payload into the buffer, in the place of what is there. `None` if it is gone; the buffer
/// grows up to the longest payload that was seen, and is not cleared in between.
pub(crate) fn copy_into<'a>(
    ring: Ring<'_>,
    descriptor: &Descriptor,
    buffer: &'a mut Vec<u8>,
) -> Option<&'a [u8]> {
    let len = descriptor.len() as usize;
    if buffer.len() < len {
        buffer.resize(len, 0);
    }
    let payload = &mut buffer[..len];
    ring.copy_payload(descriptor, 0, payload).then_some(payload)
}
