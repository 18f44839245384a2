//! Publishing: W1 to W7. What comes here holds the lock, and has checked the length.

use super::Ring;
use super::descriptor::{Descriptor, Ext};
use super::layout::{DESCRIPTOR_WORDS, INLINE_MAX, State, WORD, rounded, word};
use super::stamp::Stamp;
use crate::error::Corrupt;
use crate::sync::{AtomicU64, Ordering, point, release, release_fence, step};
use Ordering::Relaxed;

/// What its only writer knows of a ring: the words of the same names. (Exclusive writers keep it,
/// others load it whenever they have got the lock.)
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Tip {
    pub(crate) tail: u64,
    pub(crate) head: u64,
    floor: u64,
    oldest: u64,
}

/// An event to be published.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Outgoing<'a> {
    pub(crate) kind: u16,
    pub(crate) time: u64,
    /// Takes the place where a short payload could stand.
    pub(crate) ext: Option<Ext>,
    pub(crate) payload: &'a [u8],
    /// It is not all of it.
    pub(crate) truncated: bool,
}

impl Ring<'_> {
    /// The tip as the last writer left it.
    pub(crate) fn load_tip(self) -> Tip {
        Tip {
            tail: self.word(word::TAIL).load(Relaxed),
            head: self.word(word::HEAD).load(Relaxed),
            floor: self.word(word::FLOOR).load(Relaxed),
            oldest: self.word(word::OLDEST).load(Relaxed),
        }
    }

    /// Lets a ring that was never written start with this sequence.
    #[cfg(not(eventring_loom))]
    pub(crate) fn begin_at(self, sequence: u64) -> Tip {
        for at in [word::TAIL, word::OLDEST, word::START] {
            self.word(at).store(sequence, Relaxed);
        }
        self.load_tip()
    }

    /// Whether floor and oldest can be those of this tip.
    pub(super) fn check_bounds(self, tip: &Tip) -> Result<(), Corrupt> {
        let holds = tip.head.checked_sub(tip.floor);
        match holds.is_some_and(|bytes| bytes <= self.geometry().payload())
            && tip.oldest <= tip.tail
        {
            true => Ok(()),
            false => Err(Corrupt::Tip),
        }
    }

    /// W2 to W6: the event can be read. W7 has to follow.
    #[inline(always)]
    pub(crate) fn write(self, tip: &mut Tip, event: &Outgoing<'_>) -> u64 {
        let Outgoing {
            kind,
            time,
            ext,
            payload,
            truncated,
        } = *event;
        if ext.is_none() && payload.len() <= INLINE_MAX {
            self.make_room(tip, 0);
            let descriptor = Descriptor::inline(kind, payload, time, tip.head);
            self.commit(tip, &descriptor)
        } else {
            self.make_room(tip, payload.len() as u64);
            point("payload");
            self.store_payload(tip.head, payload);
            let len = payload.len() as u32;
            let ext = ext.unwrap_or_default();
            let descriptor = Descriptor::outside(kind, len, time, tip.head, ext);
            self.commit(tip, &descriptor.truncated(truncated))
        }
    }

    /// W2 and W3, for a payload of this length outside the descriptor.
    #[inline(always)]
    pub(crate) fn make_room(self, tip: &mut Tip, len: u64) {
        let end = tip.head + rounded(len);
        if end - tip.floor > self.geometry().payload() {
            *tip = self.raise_floor(*tip, end - self.geometry().payload());
        }
        release_fence("room-fence");
    }

    /// W2. (By value, so that elsewhere the tip stays in registers.)
    #[cold]
    fn raise_floor(self, tip: Tip, least: u64) -> Tip {
        let floor = least.next_multiple_of(self.geometry().step());
        // What the slots no longer hold need not be looked at.
        let mut oldest = tip
            .oldest
            .max((tip.tail + 1).saturating_sub(self.geometry().descriptors()));
        while oldest < tip.tail && self.load_offset(oldest) < floor {
            oldest += 1;
        }
        point("oldest");
        self.word(word::OLDEST)
            .store(oldest, release("oldest-raise"));
        point("floor");
        if step("floor-raise") {
            self.word(word::FLOOR).store(floor, Relaxed);
        }
        Tip {
            floor,
            oldest,
            ..tip
        }
    }

    /// W5 and W6.
    #[inline(always)]
    pub(crate) fn commit(self, tip: &mut Tip, descriptor: &Descriptor) -> u64 {
        let sequence = tip.tail;
        let words = self.descriptor_words(sequence);
        point("open");
        if step("stamp-open") {
            words[0].store(Stamp::open(sequence).word(), Relaxed);
        }
        release_fence("stamp-fence");
        point("descriptor");
        for (word, value) in words[1..].iter().zip(descriptor.words()) {
            word.store(value, Relaxed);
        }
        point("commit");
        words[0].store(Stamp::committed(sequence).word(), release("stamp-commit"));
        tip.tail = sequence + 1;
        tip.head = descriptor.end();
        sequence
    }

    /// W7
    #[inline(always)]
    pub(crate) fn publish_tip(self, tip: &Tip) {
        point("tail");
        self.word(word::TAIL).store(tip.tail, release("tail-store"));
        point("head");
        self.word(word::HEAD).store(tip.head, Relaxed);
    }

    /// Copies into the payload ring, in at most two runs, the last word padded with zeros.
    #[inline(always)]
    fn store_payload(self, offset: u64, bytes: &[u8]) {
        let (ring, first) = self.payload_from(offset);
        match ring.get(first..first + words_of(bytes.len())) {
            Some(words) => store_words(words, bytes),
            None => store_wrapped(ring, first, bytes),
        }
    }

    /// Stores bytes somewhere into a payload that is being written, leaving the others alone.
    pub(crate) fn patch_payload(self, offset: u64, bytes: &[u8]) {
        let first = offset / WORD * WORD;
        let skip = (offset - first) as usize;
        let (start, rest) = bytes.split_at(bytes.len().min((WORD as usize - skip) % WORD as usize));
        let mut next = first;
        if !start.is_empty() {
            self.patch_word(first, skip, start);
            next += WORD;
        }
        let whole = rest.len() / WORD as usize * WORD as usize;
        self.store_payload(next, &rest[..whole]);
        if whole < rest.len() {
            self.patch_word(next + whole as u64, 0, &rest[whole..]);
        }
    }

    fn patch_word(self, offset: u64, at: usize, bytes: &[u8]) {
        let word = self.payload_word(offset);
        let mut whole = word.load(Relaxed).to_ne_bytes();
        whole[at..at + bytes.len()].copy_from_slice(bytes);
        word.store(u64::from_ne_bytes(whole), Relaxed);
    }

    /// The last word of a payload that is filled bit by bit has zeros after its end.
    pub(crate) fn pad_payload(self, offset: u64, len: u64) {
        if len % WORD != 0 {
            let last = self.payload_word(offset + len / WORD * WORD);
            last.store(0, Relaxed);
        }
    }

    /// Forgets all events. Sequences go on; who was behind is told of what it lost.
    pub(crate) fn reset(self, tip: &mut Tip) {
        (tip.floor, tip.oldest) = (tip.head, tip.tail);
        self.word(word::START)
            .store(tip.tail, release("start-raise"));
        self.word(word::OLDEST)
            .store(tip.tail, release("oldest-raise"));
        self.word(word::FLOOR).store(tip.head, Relaxed);
    }

    pub(crate) fn set_state(self, state: State) {
        self.word(word::STATE)
            .store(state.word(), release("state-store"));
    }
}

/// Over the end of the ring.
#[cold]
fn store_wrapped(ring: &[AtomicU64], first: usize, bytes: &[u8]) {
    let (left, right) = bytes.split_at((ring.len() - first) * WORD as usize);
    store_words(&ring[first..], left);
    store_words(ring, right);
}

#[inline(always)]
fn store_words(words: &[AtomicU64], bytes: &[u8]) {
    let mut chunks = bytes.chunks_exact(WORD as usize);
    for (word, chunk) in words.iter().zip(&mut chunks) {
        word.store(
            u64::from_ne_bytes(chunk.try_into().expect("a word")),
            Relaxed,
        );
    }
    let rest = chunks.remainder();
    if !rest.is_empty() {
        let mut padded = [0; WORD as usize];
        padded[..rest.len()].copy_from_slice(rest);
        words[bytes.len() / WORD as usize].store(u64::from_ne_bytes(padded), Relaxed);
    }
}

/// Every part of the protocol that is about a single descriptor.
impl<'a> Ring<'a> {
    #[inline(always)]
    pub(super) fn descriptor_words(self, sequence: u64) -> &'a [AtomicU64] {
        let at = self.geometry().descriptor_word(sequence);
        &self.words()[at..at + DESCRIPTOR_WORDS]
    }

    #[inline(always)]
    pub(super) fn stamp(self, sequence: u64) -> &'a AtomicU64 {
        &self.descriptor_words(sequence)[0]
    }

    /// Of a payload, as the writer has stored it.
    fn load_offset(self, sequence: u64) -> u64 {
        self.descriptor_words(sequence)[1 + Descriptor::OFFSET].load(Relaxed)
    }

    /// The words as they are. (For readers they are only worth something if the stamp is the same
    /// before and after; a writer is the only one to change them.)
    #[inline]
    pub(super) fn descriptor(self, sequence: u64) -> Descriptor {
        let words = &self.descriptor_words(sequence)[1..];
        let mut values = [0; DESCRIPTOR_WORDS - 1];
        for (value, word) in values.iter_mut().zip(words) {
            *value = word.load(Relaxed);
        }
        Descriptor::from_words(values)
    }

    /// The words of all payloads, and which of them is at `offset`.
    #[inline(always)]
    pub(super) fn payload_from(self, offset: u64) -> (&'a [AtomicU64], usize) {
        let ring = &self.words()[self.geometry().payload_word()..];
        let first = (offset & (self.geometry().payload() - 1)) / WORD;
        (ring, first as usize)
    }

    pub(super) fn payload_word(self, offset: u64) -> &'a AtomicU64 {
        let (ring, first) = self.payload_from(offset);
        &ring[first]
    }
}

/// How many words so many bytes take.
#[inline(always)]
pub(super) fn words_of(len: usize) -> usize {
    len.div_ceil(WORD as usize)
}
