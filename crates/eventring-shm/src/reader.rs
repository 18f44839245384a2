//! Reading in place: one thread, no waiting, no memory.

use crate::error::{Corrupt, Expired};
use crate::event::{Head, Kind};
use crate::event_ring::{EventRing, clamped};
use crate::protocol::{Descriptor, Look};
use eventring::Start;
use std::cell::Cell;
use std::fmt;

/// Reads events where they are, one after the other. It never waits and never allocates.
///
/// It can be lapped at any time, between looking at an event and copying its payload, too: each loss
/// is told, once, and counted.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use eventring_shm::{EventReader, EventRing, Kind, NextResult};
///
/// let ring = EventRing::builder().descriptors(2).memfd("ring")?;
/// let mut publisher = ring.publisher()?;
/// let mut reader = EventReader::new(&ring);
/// publisher.publish_many([(Kind(1), "lost"), (Kind(1), "kept"), (Kind(1), "kept")])?;
///
/// let mut kept = 0;
/// loop {
///     match reader.next_descriptor() {
///         NextResult::Ready(event) => {
///             kept += u64::from(event.payload().to_vec()? == b"kept");
///         }
///         NextResult::Gap { missed } => assert_eq!(missed, 1),
///         NextResult::NotReady | NextResult::Closed => break,
///         NextResult::Corrupt(corrupt) => return Err(corrupt.into()),
///     }
/// }
/// assert_eq!((kept, reader.missed()), (2, 1));
/// # Ok(())
/// # }
/// ```
pub struct EventReader<'ring> {
    ring: &'ring EventRing,
    position: u64,
    missed: Cell<u64>,
}

/// What comes next.
#[derive(Debug)]
pub enum NextResult<'a> {
    /// An event.
    Ready(EventDescriptor<'a>),
    /// So many events are lost; the reader has moved on to the oldest that is retained.
    Gap {
        /// How many.
        missed: u64,
    },
    /// Nothing yet.
    NotReady,
    /// Nothing, and nothing will come: the ring is closed, or another one has its name.
    Closed,
    /// There is no reading on.
    Corrupt(Corrupt),
}

impl<'ring> EventReader<'ring> {
    /// A reader at the latest event that was published: that one comes first, if there is one.
    pub fn new(ring: &'ring EventRing) -> Self {
        let position = ring.position(Start::Last(1));
        Self {
            ring,
            position,
            missed: Cell::new(0),
        }
    }

    /// The next event, if it is there. The reader is past it then, whatever is done with it.
    #[inline]
    pub fn next_descriptor(&mut self) -> NextResult<'_> {
        let seq = self.position;
        match self.look() {
            Ok(Look::Ready(descriptor)) => {
                self.position = seq + 1;
                NextResult::Ready(self.event(seq, descriptor))
            }
            Ok(Look::Lapped(next)) => {
                let missed = next - seq;
                self.position = next;
                self.missed.set(self.missed.get() + missed);
                NextResult::Gap { missed }
            }
            Ok(Look::NotReady) => NextResult::NotReady,
            Err(None) => NextResult::Closed,
            Err(Some(corrupt)) => NextResult::Corrupt(corrupt),
        }
    }

    /// The same without moving on: it may be lost when it is looked for again.
    pub fn peek_descriptor(&self) -> NextResult<'_> {
        match self.look() {
            Ok(Look::Ready(descriptor)) => NextResult::Ready(self.event(self.position, descriptor)),
            Ok(Look::Lapped(next)) => NextResult::Gap {
                missed: next - self.position,
            },
            Ok(Look::NotReady) => NextResult::NotReady,
            Err(None) => NextResult::Closed,
            Err(Some(corrupt)) => NextResult::Corrupt(corrupt),
        }
    }

    /// Goes elsewhere. What is skipped by that does not count as missed.
    pub fn seek(&mut self, start: Start) {
        self.position = clamped(self.ring.position(start));
    }

    /// Goes to the latest event that was published, as a new reader.
    pub fn reset(&mut self) {
        self.seek(Start::Last(1));
    }

    /// The sequence of the event that comes next.
    pub fn position(&self) -> u64 {
        self.position
    }

    /// How many events it was told to have missed.
    pub fn missed(&self) -> u64 {
        self.missed.get()
    }

    /// How many events are there to be read, or lost.
    pub fn len(&self) -> u64 {
        self.ring.tail().saturating_sub(self.position)
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// `Err(None)`: the end.
    #[inline]
    fn look(&self) -> Result<Look, Option<Corrupt>> {
        match self.ring.ring().look(self.position).map_err(Some)? {
            // What was published before the end is to be seen after it.
            Look::NotReady if self.ring.inner().end().is_some() => {
                match self.ring.ring().look(self.position).map_err(Some)? {
                    Look::NotReady => Err(None),
                    there => Ok(there),
                }
            }
            look => Ok(look),
        }
    }

    fn event(&self, seq: u64, descriptor: Descriptor) -> EventDescriptor<'_> {
        EventDescriptor {
            ring: self.ring,
            missed: &self.missed,
            told: Cell::new(false),
            head: Head::of(seq, &descriptor),
            descriptor,
        }
    }
}

/// An event whose payload is still in the ring.
pub struct EventDescriptor<'a> {
    ring: &'a EventRing,
    /// The reader's count.
    missed: &'a Cell<u64>,
    /// Whether it counts as missed already.
    told: Cell<bool>,
    head: Head,
    descriptor: Descriptor,
}

impl<'a> EventDescriptor<'a> {
    /// What is known of it without the payload.
    pub fn head(&self) -> Head {
        self.head
    }

    /// Its number.
    pub fn seq(&self) -> u64 {
        self.head.seq
    }

    /// Its kind.
    pub fn kind(&self) -> Kind {
        self.head.kind
    }

    /// Its payload, which may be gone by the time that it is copied.
    pub fn payload(&self) -> Payload<'_, 'a> {
        Payload(self)
    }
}

/// A payload that is still in the ring: it can only be copied out of it, since whoever publishes may
/// overwrite it. If that happened, the event counts as missed.
pub struct Payload<'e, 'a>(&'e EventDescriptor<'a>);

impl Payload<'_, '_> {
    /// Its bytes.
    pub fn len(&self) -> usize {
        self.0.head.len
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Copies it to the start of `out`, and tells its length.
    ///
    /// # Errors
    ///
    /// [`Expired`] if it is gone; what is in `out` is worth nothing then.
    ///
    /// # Panics
    ///
    /// If `out` is shorter.
    #[track_caller]
    #[inline]
    pub fn copy_to(&self, out: &mut [u8]) -> Result<usize, Expired> {
        let len = self.len();
        assert!(
            len <= out.len(),
            "{} bytes for a payload of {len}",
            out.len()
        );
        self.copy_range(0, &mut out[..len])?;
        Ok(len)
    }

    /// Fills `out` from byte `at` on.
    ///
    /// # Errors
    ///
    /// [`Expired`] if it is gone; what is in `out` is worth nothing then.
    ///
    /// # Panics
    ///
    /// If it ends before that.
    #[track_caller]
    #[inline]
    pub fn copy_range(&self, at: usize, out: &mut [u8]) -> Result<(), Expired> {
        let (len, wanted) = (self.len(), out.len());
        let fits = at.checked_add(wanted).is_some_and(|end| end <= len);
        assert!(fits, "{wanted} bytes at {at} of a payload of {len}");
        match self.0.ring.ring().copy_payload(&self.0.descriptor, at, out) {
            true => Ok(()),
            false => Err(self.expired()),
        }
    }

    /// Reads a value from its first bytes; `None` if it is shorter than that.
    ///
    /// # Errors
    ///
    /// [`Expired`] if it is gone.
    pub fn read_pod<T: bytemuck::AnyBitPattern + bytemuck::NoUninit>(
        &self,
    ) -> Result<Option<T>, Expired> {
        if self.len() < size_of::<T>() {
            return Ok(None);
        }
        let mut value = T::zeroed();
        self.copy_range(0, bytemuck::bytes_of_mut(&mut value))?;
        Ok(Some(value))
    }

    /// A copy of it.
    ///
    /// # Errors
    ///
    /// [`Expired`] if it is gone.
    pub fn to_vec(&self) -> Result<Vec<u8>, Expired> {
        let mut bytes = vec![0; self.len()];
        self.copy_range(0, &mut bytes)?;
        Ok(bytes)
    }

    /// Whether it is gone. What was copied before this said no is whole.
    pub fn is_expired(&self) -> bool {
        let expired = self.0.ring.ring().is_expired(&self.0.descriptor);
        if expired {
            self.expired();
        }
        expired
    }

    #[cold]
    fn expired(&self) -> Expired {
        if !self.0.told.replace(true) {
            self.0.missed.set(self.0.missed.get() + 1);
        }
        Expired
    }
}

impl fmt::Debug for EventReader<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventReader")
            .field("position", &self.position)
            .field("missed", &self.missed.get())
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for EventDescriptor<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("EventDescriptor").field(&self.head).finish()
    }
}

impl fmt::Debug for Payload<'_, '_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Payload")
            .field("len", &self.len())
            .finish_non_exhaustive()
    }
}
