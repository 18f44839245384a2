//! What a descriptor says of its event.

use super::layout::{EXT_WORDS, INLINE_MAX, LIMIT, WORD, rounded};

/// The payload stands in the descriptor.
const INLINE: u16 = 1;
/// The event stands for one that could not be published: its payload is what fitted.
const TRUNCATED: u16 = 2;

/// The words of a descriptor, after its stamp.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Descriptor {
    pub(crate) kind: u16,
    flags: u16,
    len: u32,
    pub(crate) time: u64,
    offset: u64,
    tail: [u64; EXT_WORDS],
}

impl Descriptor {
    /// Which of its words is the offset.
    pub(crate) const OFFSET: usize = 2;

    /// Of an event whose payload starts at `offset`.
    #[inline(always)]
    pub(crate) fn outside(kind: u16, len: u32, time: u64, offset: u64, ext: Ext) -> Self {
        let (flags, tail) = (0, ext);
        Self {
            kind,
            flags,
            len,
            time,
            offset,
            tail,
        }
    }

    /// Of an event whose payload fits into the descriptor. `head` is what was published so far.
    #[inline(always)]
    pub(crate) fn inline(kind: u16, payload: &[u8], time: u64, head: u64) -> Self {
        let mut bytes = [0; INLINE_MAX];
        bytes[..payload.len()].copy_from_slice(payload);
        let mut tail = [0; EXT_WORDS];
        for (word, bytes) in tail.iter_mut().zip(bytes.chunks_exact(WORD as usize)) {
            *word = u64::from_ne_bytes(bytes.try_into().expect("a word"));
        }
        let (flags, len) = (INLINE, payload.len() as u32);
        Self {
            kind,
            flags,
            len,
            time,
            offset: head,
            tail,
        }
    }

    pub(crate) fn truncated(mut self, truncated: bool) -> Self {
        self.flags |= if truncated { TRUNCATED } else { 0 };
        self
    }

    #[inline(always)]
    pub(crate) fn words(&self) -> [u64; 3 + EXT_WORDS] {
        let mut words = [0; 3 + EXT_WORDS];
        words[0] = u64::from(self.kind) | u64::from(self.flags) << 16 | u64::from(self.len) << 32;
        words[1] = self.time;
        words[Self::OFFSET] = self.offset;
        words[3..].copy_from_slice(&self.tail);
        words
    }

    #[inline(always)]
    pub(crate) fn from_words(words: [u64; 3 + EXT_WORDS]) -> Self {
        let mut tail = [0; EXT_WORDS];
        tail.copy_from_slice(&words[3..]);
        Self {
            kind: words[0] as u16,
            flags: (words[0] >> 16) as u16,
            len: (words[0] >> 32) as u32,
            time: words[1],
            offset: words[Self::OFFSET],
            tail,
        }
    }

    /// R3: nothing that is computed from it leaves the ring.
    pub(crate) fn is_valid(&self, payload_max: u64) -> bool {
        let longest = if self.is_inline() {
            INLINE_MAX as u64
        } else {
            payload_max
        };
        self.len() <= longest && self.offset < LIMIT && self.offset % WORD == 0
    }

    pub(crate) fn is_inline(&self) -> bool {
        self.flags & INLINE != 0
    }

    pub(crate) fn is_truncated(&self) -> bool {
        self.flags & TRUNCATED != 0
    }

    pub(crate) fn len(&self) -> u64 {
        u64::from(self.len)
    }

    /// Where the payload starts, of all bytes ever published.
    pub(crate) fn offset(&self) -> u64 {
        self.offset
    }

    /// Where the next event's payload starts.
    #[inline(always)]
    pub(crate) fn end(&self) -> u64 {
        if self.is_inline() {
            self.offset
        } else {
            self.offset + rounded(self.len())
        }
    }

    /// What the publisher added to the event; zeros if its payload stands there.
    pub(crate) fn ext(&self) -> Ext {
        if self.is_inline() {
            [0; EXT_WORDS]
        } else {
            self.tail
        }
    }

    /// The bytes of a payload that stands here.
    pub(crate) fn inline_bytes(&self) -> [u8; INLINE_MAX] {
        let mut bytes = [0; INLINE_MAX];
        for (bytes, word) in bytes.chunks_exact_mut(WORD as usize).zip(self.tail) {
            bytes.copy_from_slice(&word.to_ne_bytes());
        }
        bytes
    }
}

/// What a publisher may add to an event, as readers see it without its payload.
pub(crate) type Ext = [u64; EXT_WORDS];

#[cfg(all(test, not(eventring_loom)))]
mod tests {
    use super::Descriptor;

    #[test]
    fn words_and_back() {
        let outside = Descriptor::outside(7, 100, 5, 64, [1, 2, 3, 4]).truncated(true);
        assert_eq!(Descriptor::from_words(outside.words()), outside);
        assert_eq!((outside.end(), outside.ext()), (168, [1, 2, 3, 4]));

        let inline = Descriptor::inline(u16::MAX, b"nine bytes", u64::MAX, 64);
        assert_eq!(Descriptor::from_words(inline.words()), inline);
        assert_eq!((inline.end(), inline.ext()), (64, [0; 4]));
        assert_eq!(inline.inline_bytes()[..10], *b"nine bytes");
    }
}
