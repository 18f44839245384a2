//! Receiving: R1 to R5. Nothing is written, so that a read-only mapping will do.

use super::Ring;
use super::descriptor::Descriptor;
use super::layout::{LIMIT, State, WORD, word};
use super::stamp::Stamp;
use super::write::words_of;
use crate::error::Corrupt;
use crate::sync::{AtomicU64, Ordering, acquire_fence, load_acquire};
use Ordering::Relaxed;

/// What is to be seen at a position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Look {
    /// It was not published yet.
    NotReady,
    Ready(Descriptor),
    /// It is gone. Go on with this one.
    Lapped(u64),
}

impl Ring<'_> {
    /// R1 to R3
    #[inline]
    pub(crate) fn look(self, position: u64) -> Result<Look, Corrupt> {
        let wanted = Stamp::committed(position);
        let stamp = self.load_stamp(position);
        acquire_fence("read-fence-stamp");
        if stamp < wanted {
            return self.look_before(position);
        }
        if stamp > wanted || self.word(word::START).load(Relaxed) > position {
            return self.lapped(position, stamp);
        }
        let descriptor = self.descriptor(position);
        acquire_fence("read-fence-descriptor");
        let again = self.load_stamp(position);
        if again != wanted {
            return self.lapped(position, again);
        }
        if !descriptor.is_valid(self.limit) {
            return Err(Corrupt::Descriptor(position));
        }
        Ok(Look::Ready(descriptor))
    }

    /// Nothing there yet; but after a reset a reader that was behind may be at a slot that was
    /// never written again.
    #[cold]
    fn look_before(self, position: u64) -> Result<Look, Corrupt> {
        match self.word(word::START).load(Relaxed) {
            start if start > position => self.lapped(position, self.load_stamp(position)),
            _ => Ok(Look::NotReady),
        }
    }

    /// Where to go on from a position that is gone, its slot having this stamp.
    #[cold]
    fn lapped(self, position: u64, stamp: Stamp) -> Result<Look, Corrupt> {
        let descriptors = self.geometry().descriptors();
        let holds = stamp.sequence().unwrap_or(0);
        let oldest = self.word(word::OLDEST).load(Relaxed);
        let start = self.word(word::START).load(Relaxed);
        acquire_fence("bounds-load");
        let tail = self.word(word::TAIL).load(Relaxed);
        let newest = tail.saturating_add(descriptors);
        let next = (position + 1)
            .max((holds + 1).saturating_sub(descriptors))
            .max(tail.saturating_sub(descriptors))
            .max(oldest)
            .max(start);
        // A batch is written before the tail moves: at most half a ring, and half a ring again for
        // the tail of the batch before, which may not be seen yet.
        if holds >= newest || next > newest || tail > LIMIT {
            return Err(Corrupt::Sequence(position));
        }
        Ok(Look::Lapped(next))
    }

    /// The part of R4 that copies: fills `out` from byte `at` of the payload on. Whether it was
    /// whole.
    #[inline]
    pub(crate) fn copy_payload(self, descriptor: &Descriptor, at: usize, out: &mut [u8]) -> bool {
        if descriptor.is_inline() {
            out.copy_from_slice(&descriptor.inline_bytes()[at..at + out.len()]);
            return true;
        }
        // From the start of a word on.
        let skip = at % WORD as usize;
        let mut out = out;
        let mut from = descriptor.offset() + (at - skip) as u64;
        if skip != 0 && !out.is_empty() {
            let bytes = self.payload_word(from).load(Relaxed).to_ne_bytes();
            let (left, right) = out.split_at_mut((WORD as usize - skip).min(out.len()));
            left.copy_from_slice(&bytes[skip..skip + left.len()]);
            out = right;
            from += WORD;
        }
        let (ring, first) = self.payload_from(from);
        match ring.get(first..first + words_of(out.len())) {
            Some(words) => load_words(words, out),
            None => load_wrapped(ring, first, out),
        }
        !self.is_expired(descriptor)
    }

    /// The part of R4 that checks what was copied before.
    #[inline]
    pub(crate) fn is_expired(self, descriptor: &Descriptor) -> bool {
        acquire_fence("read-fence-payload");
        !descriptor.is_inline() && self.word(word::FLOOR).load(Relaxed) > descriptor.offset()
    }

    /// Where to go on from an event whose payload is gone.
    #[cold]
    pub(crate) fn expired(self, position: u64) -> Result<u64, Corrupt> {
        let stamp = self.load_stamp(position);
        match self.lapped(position, stamp)? {
            Look::Lapped(next) => Ok(next),
            _ => Ok(position + 1),
        }
    }

    fn load_stamp(self, sequence: u64) -> Stamp {
        Stamp::from_word(self.stamp(sequence).load(Relaxed))
    }

    /// The next sequence to be published. Below [`LIMIT`], whatever the word says.
    pub(crate) fn tail(self) -> u64 {
        load_acquire(self.word(word::TAIL), "tail-load").min(LIMIT)
    }

    /// The oldest event that can still be read whole.
    pub(crate) fn oldest(self) -> u64 {
        let oldest = self.word(word::OLDEST).load(Relaxed);
        let start = self.word(word::START).load(Relaxed);
        acquire_fence("bounds-load");
        let tail = self.tail();
        tail.saturating_sub(self.geometry().descriptors())
            .max(oldest)
            .max(start)
            .min(tail)
    }

    /// Where the history since the last reset starts.
    pub(crate) fn start(self) -> u64 {
        self.word(word::START).load(Relaxed).min(self.tail())
    }

    /// Whether no more will come, if nothing is there afterwards.
    pub(crate) fn state(self) -> Option<State> {
        State::from_word(load_acquire(self.word(word::STATE), "state-load"))
    }

    /// Process id of the last writer to take over, when it did, and how many have so far.
    pub(crate) fn last_writer(self) -> (u32, u64, u64) {
        let load = |at| self.word(at).load(Relaxed);
        (load(word::PID) as u32, load(word::SINCE), load(word::EPOCH))
    }
}

/// Over the end of the ring.
#[cold]
fn load_wrapped(ring: &[AtomicU64], first: usize, out: &mut [u8]) {
    let (left, right) = out.split_at_mut((ring.len() - first) * WORD as usize);
    load_words(&ring[first..], left);
    load_words(ring, right);
}

#[inline]
fn load_words(words: &[AtomicU64], out: &mut [u8]) {
    let whole = out.len() / WORD as usize;
    let mut chunks = out.chunks_exact_mut(WORD as usize);
    for (chunk, word) in (&mut chunks).zip(words) {
        chunk.copy_from_slice(&word.load(Relaxed).to_ne_bytes());
    }
    let rest = chunks.into_remainder();
    if !rest.is_empty() {
        let last = words[whole].load(Relaxed).to_ne_bytes();
        rest.copy_from_slice(&last[..rest.len()]);
    }
}
