//! Where each word is, and how big a ring may be. `format.md` tells it to other languages.

/// Bytes of a shared word.
pub(crate) const WORD: u64 = 8;
/// Each part of the file starts at a multiple of this.
pub(crate) const PAGE: u64 = 4096;

/// The real layout, or one with as few words as the protocol allows: models look at all that each
/// load may see.
const fn unless_model(real: usize, model: usize) -> usize {
    if cfg!(eventring_loom) { model } else { real }
}

/// Words of `ext` in a descriptor.
pub(crate) const EXT_WORDS: usize = unless_model(4, 1);
/// Payloads up to this many bytes may stand in the descriptor, in the place of `ext`.
pub(crate) const INLINE_MAX: usize = EXT_WORDS * 8;

/// Control words, by their index in the file. Each group has its own pair of cache lines.
pub(crate) mod word {
    use super::unless_model;

    /// A: the next sequence to publish.
    pub(crate) const TAIL: usize = unless_model(32, 0);
    /// A: bytes of payload published so far.
    pub(crate) const HEAD: usize = TAIL + 1;
    /// A: how many writers have taken over so far.
    pub(crate) const EPOCH: usize = TAIL + 2;
    /// A: process id of the last writer to take over.
    pub(crate) const PID: usize = TAIL + 3;
    /// A: when it did, in nanoseconds since 1970.
    pub(crate) const SINCE: usize = TAIL + 4;
    /// B: the payload offset from which on all is whole.
    pub(crate) const FLOOR: usize = unless_model(48, 5);
    /// B: the oldest sequence whose payload is whole.
    pub(crate) const OLDEST: usize = FLOOR + 1;
    /// B: where the history since the last reset starts.
    pub(crate) const START: usize = FLOOR + 2;
    /// B: a [`State`](super::State). Who finds nothing looks there, as often as it can: so it is not in
    /// the line that each event writes.
    pub(crate) const STATE: usize = FLOOR + 3;
    /// C: who may write.
    pub(crate) const LOCK: usize = unless_model(64, 9);
}

/// Words before the descriptors: one page.
pub(crate) const HEADER_WORDS: usize = unless_model((PAGE / WORD) as usize, 10);

/// Words of a descriptor: one cache line.
pub(crate) const DESCRIPTOR_WORDS: usize = 4 + EXT_WORDS;

/// Sequences and payload offsets stay below this: nothing that is computed from them overflows.
pub(crate) const LIMIT: u64 = 1 << 62;

/// What a ring is doing, in its `STATE` word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    Ready,
    Closed,
    Replaced,
}

impl State {
    pub(crate) fn from_word(word: u64) -> Option<Self> {
        match word {
            0 => Some(Self::Ready),
            1 => Some(Self::Closed),
            2 => Some(Self::Replaced),
            _ => None,
        }
    }

    pub(crate) fn word(self) -> u64 {
        match self {
            Self::Ready => 0,
            Self::Closed => 1,
            Self::Replaced => 2,
        }
    }
}

/// How many descriptors and how many bytes of payload: checked once, then the source of all masks
/// and bounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Geometry {
    descriptors: u64,
    payload: u64,
    /// Follows from these.
    payload_word: usize,
}

impl Geometry {
    /// Both are powers of two: descriptors from 2, payload from four words.
    pub(crate) fn new(descriptors: u64, payload: u64) -> Option<Self> {
        let valid = (2..=1 << 32).contains(&descriptors)
            && (4 * WORD..=1 << 40).contains(&payload)
            && descriptors.is_power_of_two()
            && payload.is_power_of_two();
        let page = unless_model((PAGE / WORD) as usize, 1);
        valid.then(|| Self {
            descriptors,
            payload,
            payload_word: HEADER_WORDS
                + (descriptors as usize * DESCRIPTOR_WORDS).next_multiple_of(page),
        })
    }

    pub(crate) fn descriptors(self) -> u64 {
        self.descriptors
    }

    pub(crate) fn payload(self) -> u64 {
        self.payload
    }

    /// The longest payload: a quarter, so that a reader has time for what is in the ring.
    pub(crate) fn payload_max(self) -> u64 {
        self.payload / 4
    }

    /// The most events of one batch.
    pub(crate) fn batch_max(self) -> u64 {
        self.descriptors / 2
    }

    /// The floor is a multiple of this.
    pub(crate) fn step(self) -> u64 {
        (self.payload / 64).max(WORD)
    }

    /// Index of the descriptor's first word.
    #[inline]
    pub(crate) fn descriptor_word(self, sequence: u64) -> usize {
        // In 32 bits, so that the compiler sees that the rest does not overflow.
        let slot = sequence as u32 & (self.descriptors - 1) as u32;
        HEADER_WORDS + slot as usize * DESCRIPTOR_WORDS
    }

    /// Index of the payload's first word.
    #[inline]
    pub(crate) fn payload_word(self) -> usize {
        self.payload_word
    }

    /// Words of the whole file.
    pub(crate) fn words(self) -> usize {
        self.payload_word() + (self.payload / WORD) as usize
    }
}

/// The bytes that a payload of this length takes.
#[inline]
pub(crate) fn rounded(len: u64) -> u64 {
    len.next_multiple_of(WORD)
}
