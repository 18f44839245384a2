//! The writing side.

mod claim;
mod cork;
mod shared;

pub use claim::Claim;
pub use cork::Cork;
pub use shared::SharedPublisher;

use crate::clock::{self, Clock};
use crate::error::{OpenError, PublishError};
use crate::event::Kind;
use crate::event_ring::EventRing;
use crate::lease::Lease;
use crate::ofd::Share;
use crate::protocol::layout::INLINE_MAX;
use crate::protocol::{Locked, Outgoing, Ring, State, Tip};
use std::fmt;
use std::ops::Range;
use std::time::{Duration, Instant};

/// Publishes events. Never waits for readers; one of several waits for the one that is publishing.
///
/// Dropped, it leaves the ring open: readers wait for the next writer. [`close`](Self::close) ends
/// them.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use eventring_shm::{EventRing, Kind, OpenError};
///
/// let ring = EventRing::builder().memfd("ring")?;
/// let mut publisher = ring.publisher()?;
/// assert_eq!(publisher.publish(Kind(3), b"payload")?, 0);
/// assert!(matches!(ring.publisher(), Err(OpenError::WriterExists { .. })));
/// # Ok(())
/// # }
/// ```
pub struct Publisher {
    ring: EventRing,
    lease: Lease,
    share: Share,
    /// What the ring's words say, for one that is alone; else loaded under the lock.
    tip: Tip,
    clock: Clock,
    corked: bool,
}

/// How long a writer waits for another one.
#[derive(Clone, Copy)]
enum Patience {
    Forever,
    Until(Option<Instant>),
}

/// After this long it is asked whether the one with the lock still lives.
const ASK_AFTER: Duration = Duration::from_millis(10);

impl Publisher {
    pub(crate) fn new(ring: &EventRing, share: Share) -> Result<Self, OpenError> {
        if !ring.is_writable() {
            return Err(OpenError::ReadOnly);
        }
        let lease = Lease::take(ring.file(), share, ring.writer().pid)?;
        if ring.inner().end() == Some(crate::End::Replaced) {
            return Err(OpenError::Replaced);
        }
        let mut publisher = Self {
            ring: ring.clone(),
            lease,
            share,
            tip: ring.ring().load_tip(),
            clock: Clock::default(),
            corked: false,
        };
        publisher
            .lock(Patience::Forever)
            .map_err(|error| match error {
                PublishError::Corrupt(corrupt) => OpenError::Corrupt(corrupt),
                _ => OpenError::WriterExists { pid: 0 },
            })?;
        // Whatever the last one died of, its lock may have been let go of by hand.
        let recovered = ring.ring().recover();
        if recovered.is_ok() {
            ring.ring().set_state(State::Ready);
            ring.ring().announce(std::process::id(), clock::now());
        }
        match (recovered, share) {
            (Ok(tip), Share::Exclusive) => publisher.tip = tip,
            (Ok(_), Share::Shared) => ring.ring().unlock(),
            (Err(corrupt), _) => {
                ring.ring().unlock();
                return Err(corrupt.into());
            }
        }
        // Who slept when the last one died sees what it left.
        ring.inner().bell.wake();
        Ok(publisher)
    }

    /// Publishes an event, and tells its sequence. Payloads of up to 32 bytes are the fastest.
    ///
    /// # Errors
    ///
    /// [`PublishError::TooLarge`]; one of several: [`PublishError::Closed`] if another one has closed
    /// the ring.
    #[inline]
    pub fn publish(&mut self, kind: Kind, payload: &[u8]) -> Result<u64, PublishError> {
        self.send(kind, None, payload, Patience::Forever)
    }

    /// The same, with four words that filters see without the payload. (A payload that could stand in
    /// their place does not.)
    ///
    /// # Errors
    ///
    /// As [`publish`](Self::publish).
    pub fn publish_with(
        &mut self,
        kind: Kind,
        ext: [u64; 4],
        payload: &[u8],
    ) -> Result<u64, PublishError> {
        self.send(kind, Some(ext), payload, Patience::Forever)
    }

    /// As [`publish`](Self::publish), if no other writer is publishing just now.
    ///
    /// # Errors
    ///
    /// [`PublishError::Busy`] if there is one; otherwise as [`publish`](Self::publish).
    pub fn try_publish(&mut self, kind: Kind, payload: &[u8]) -> Result<u64, PublishError> {
        self.send(kind, None, payload, Patience::Until(None))
    }

    /// As [`publish`](Self::publish), waiting at most so long for the one that is publishing: it may
    /// have been stopped.
    ///
    /// # Errors
    ///
    /// [`PublishError::Busy`] if it has not let go by then; otherwise as [`publish`](Self::publish).
    pub fn publish_timeout(
        &mut self,
        kind: Kind,
        payload: &[u8],
        timeout: Duration,
    ) -> Result<u64, PublishError> {
        let patience = match Instant::now().checked_add(timeout) {
            Some(deadline) => Patience::Until(Some(deadline)),
            None => Patience::Forever,
        };
        self.send(kind, None, payload, patience)
    }

    /// Publishes the bytes of a value.
    ///
    /// # Errors
    ///
    /// As [`publish`](Self::publish).
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use eventring_shm::{EventReader, EventRing, Kind, NextResult};
    ///
    /// let ring = EventRing::builder().memfd("ring")?;
    /// let mut reader = EventReader::new(&ring);
    /// ring.publisher()?.publish_pod(Kind(4), &[1u32, 2, 3])?;
    /// let NextResult::Ready(event) = reader.next_descriptor() else { panic!() };
    /// assert_eq!(event.payload().read_pod::<[u32; 3]>()?, Some([1, 2, 3]));
    /// # Ok(())
    /// # }
    /// ```
    pub fn publish_pod<T: bytemuck::NoUninit>(
        &mut self,
        kind: Kind,
        value: &T,
    ) -> Result<u64, PublishError> {
        self.publish(kind, bytemuck::bytes_of(value))
    }

    /// As [`publish`](Self::publish), but of a payload that is too long the start is published, marked
    /// as truncated, with its full length in `ext[0]`.
    ///
    /// # Errors
    ///
    /// As [`publish`](Self::publish), without the first.
    pub fn publish_or_truncate(&mut self, kind: Kind, payload: &[u8]) -> Result<u64, PublishError> {
        let max = self.payload_max();
        if payload.len() <= max {
            return self.publish(kind, payload);
        }
        let ext = [payload.len() as u64, 0, 0, 0];
        self.enter(Patience::Forever)?;
        let seqs = self.write([Outgoing {
            truncated: true,
            ..outgoing(kind, self.clock, Some(ext), &payload[..max])
        }]);
        self.ring_bell();
        Ok(seqs.start)
    }

    /// Publishes several events one after the other, and rings once. Tells their sequences. Those of
    /// other writers may come in between.
    ///
    /// # Errors
    ///
    /// As [`publish`](Self::publish): what comes before the one that is too large is published.
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use eventring_shm::{EventRing, Kind};
    ///
    /// let ring = EventRing::builder().memfd("ring")?;
    /// let seqs = ring.publisher()?.publish_many([(Kind(1), "a"), (Kind(2), "b")])?;
    /// assert_eq!(seqs, 0..2);
    /// # Ok(())
    /// # }
    /// ```
    pub fn publish_many<P: AsRef<[u8]>>(
        &mut self,
        events: impl IntoIterator<Item = (Kind, P)>,
    ) -> Result<Range<u64>, PublishError> {
        // It rings when it is dropped: after an error, and if the iterator panics, too.
        let mut corked = self.cork();
        let (batch_max, max) = (
            corked.ring.ring().geometry().batch_max(),
            corked.payload_max(),
        );
        let mut events = events.into_iter();
        let mut published: Option<Range<u64>> = None;
        loop {
            // User code runs with no lock held: the iterator's, and that of `as_ref`.
            let mut batch = Vec::new();
            while (batch.len() as u64) < batch_max {
                let Some(event) = events.next() else { break };
                let is_last = event.1.as_ref().len() > max;
                batch.push(event);
                if is_last {
                    break;
                }
            }
            if batch.is_empty() {
                break;
            }
            let payloads: Vec<&[u8]> = batch.iter().map(|(_, payload)| payload.as_ref()).collect();
            let fitting = payloads.iter().take_while(|payload| payload.len() <= max);
            let (fit, clock) = (fitting.count(), corked.clock);
            corked.enter(Patience::Forever)?;
            let seqs = corked.write(
                batch
                    .iter()
                    .zip(&payloads[..fit])
                    .map(|((kind, _), payload)| outgoing(*kind, clock, None, payload)),
            );
            published = Some(published.map_or(seqs.start, |range| range.start)..seqs.end);
            if let Some(payload) = payloads.get(fit) {
                let len = payload.len();
                return Err(PublishError::TooLarge { len, max });
            }
        }
        let tail = corked.ring.tail();
        Ok(published.unwrap_or(tail..tail))
    }

    /// Room for a payload of this length in the ring itself: to be filled, then committed. One of
    /// several writers keeps the others waiting meanwhile.
    ///
    /// # Errors
    ///
    /// As [`publish`](Self::publish).
    pub fn reserve(&mut self, kind: Kind, len: usize) -> Result<Claim<'_>, PublishError> {
        self.check_len(len)?;
        self.enter(Patience::Forever)?;
        Ok(Claim::new(self, kind, len))
    }

    /// While the guard lives, events are published, but nobody is woken; dropped, it rings once.
    pub fn cork(&mut self) -> Cork<'_> {
        Cork::new(self)
    }

    /// Forgets all that was published. Sequences go on; readers that were behind are told how much
    /// they lost.
    ///
    /// # Errors
    ///
    /// As [`publish`](Self::publish), without the first.
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use eventring_shm::{EventReader, EventRing, Kind, NextResult};
    ///
    /// let ring = EventRing::builder().memfd("ring")?;
    /// let mut reader = EventReader::new(&ring);
    /// let mut publisher = ring.publisher()?;
    /// publisher.publish(Kind(1), b"forgotten")?;
    /// publisher.reset()?;
    /// assert_eq!(publisher.publish(Kind(1), b"new")?, 1);
    /// assert!(matches!(reader.next_descriptor(), NextResult::Gap { missed: 1 }));
    /// assert!(matches!(reader.next_descriptor(), NextResult::Ready(event) if event.seq() == 1));
    /// # Ok(())
    /// # }
    /// ```
    pub fn reset(&mut self) -> Result<(), PublishError> {
        self.enter(Patience::Forever)?;
        self.ring.ring().reset(&mut self.tip);
        self.leave();
        Ok(())
    }

    /// Closes the ring: readers end once they have read what is there; other writers get an error. The
    /// next writer opens it again.
    pub fn close(mut self) {
        if self.enter(Patience::Forever).is_ok() {
            self.ring.ring().set_state(State::Closed);
            self.leave_quietly();
        }
        self.ring.inner().bell.wake();
    }

    /// Which clock the times of events are read from.
    pub fn set_clock(&mut self, clock: Clock) {
        self.clock = clock;
    }

    /// The ring.
    pub fn event_ring(&self) -> &EventRing {
        &self.ring
    }

    /// Bytes of the longest payload.
    pub fn payload_max(&self) -> usize {
        self.ring.ring().geometry().payload_max() as usize
    }

    fn check_len(&self, len: usize) -> Result<(), PublishError> {
        match self.payload_max() {
            max if len > max => Err(PublishError::TooLarge { len, max }),
            _ => Ok(()),
        }
    }

    #[inline(always)]
    fn send(
        &mut self,
        kind: Kind,
        ext: Option<[u64; 4]>,
        payload: &[u8],
        patience: Patience,
    ) -> Result<u64, PublishError> {
        if payload.len() > INLINE_MAX {
            self.check_len(payload.len())?;
        }
        self.enter(patience)?;
        let seqs = self.write([outgoing(kind, self.clock, ext, payload)]);
        self.ring_bell();
        Ok(seqs.start)
    }

    /// W2 to W7, for at most half a ring. Tells the sequences.
    #[inline(always)]
    fn write<'a>(&mut self, events: impl IntoIterator<Item = Outgoing<'a>>) -> Range<u64> {
        let (ring, mut tip) = (self.ring.ring(), self.tip);
        for event in events {
            ring.write(&mut tip, &event);
        }
        leave_ring(ring, &tip, self.share);
        let first = std::mem::replace(&mut self.tip, tip).tail;
        first..tip.tail
    }

    /// W1
    #[inline(always)]
    fn enter(&mut self, patience: Patience) -> Result<(), PublishError> {
        match self.share {
            Share::Exclusive => Ok(()),
            Share::Shared => {
                self.lock(patience)?;
                if self.ring.inner().end() == Some(crate::End::Closed) {
                    self.ring.ring().unlock();
                    return Err(PublishError::Closed);
                }
                Ok(())
            }
        }
    }

    /// W7, W8
    #[inline(always)]
    fn leave(&mut self) {
        self.leave_quietly();
        self.ring_bell();
    }

    #[inline(always)]
    fn leave_quietly(&mut self) {
        leave_ring(self.ring.ring(), &self.tip, self.share);
    }

    #[inline(always)]
    fn ring_bell(&self) {
        if !self.corked {
            self.ring.inner().bell.ring();
        }
    }

    /// Takes the lock, of a dead owner too, and loads the tip.
    #[inline]
    fn lock(&mut self, patience: Patience) -> Result<(), PublishError> {
        let mut locked = self.ring.ring().try_lock(self.lease.slot(), None::<&Lease>);
        if locked == Locked::Busy {
            locked = self.wait_for_lock(patience)?;
        }
        self.tip = match locked {
            Locked::Dead => self
                .ring
                .ring()
                .recover()
                .inspect_err(|_| self.ring.ring().unlock())?,
            _ => self.ring.ring().load_tip(),
        };
        Ok(())
    }

    /// Spins, gives way, sleeps: an owner that is not stopped is done in a moment.
    #[cold]
    fn wait_for_lock(&self, patience: Patience) -> Result<Locked, PublishError> {
        let started = Instant::now();
        let mut ask_at = started + ASK_AFTER;
        for attempt in 0u32.. {
            let now = Instant::now();
            let ask = now >= ask_at;
            if ask {
                ask_at = now + ASK_AFTER;
            }
            let lease = ask.then_some(&self.lease);
            let locked = self.ring.ring().try_lock(self.lease.slot(), lease);
            if locked != Locked::Busy {
                return Ok(locked);
            }
            if let Patience::Until(deadline) = patience {
                if deadline.is_none_or(|deadline| now >= deadline) {
                    return Err(PublishError::Busy);
                }
            }
            match attempt {
                0..100 => std::hint::spin_loop(),
                100..200 => std::thread::yield_now(),
                _ => std::thread::sleep(Duration::from_micros(100)),
            }
        }
        unreachable!("there is no last attempt")
    }
}

/// W7
#[inline(always)]
fn leave_ring(ring: Ring<'_>, tip: &Tip, share: Share) {
    ring.publish_tip(tip);
    if share == Share::Shared {
        ring.unlock();
    }
}

#[inline(always)]
fn outgoing(kind: Kind, clock: Clock, ext: Option<[u64; 4]>, payload: &[u8]) -> Outgoing<'_> {
    Outgoing {
        kind: kind.0,
        time: clock.read(),
        ext,
        payload,
        truncated: false,
    }
}

impl Drop for Publisher {
    fn drop(&mut self) {
        if self.share == Share::Exclusive {
            self.ring.ring().unlock();
        }
    }
}

impl fmt::Debug for Publisher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Publisher")
            .field("ring", &self.ring)
            .field("alone", &(self.share == Share::Exclusive))
            .finish_non_exhaustive()
    }
}
