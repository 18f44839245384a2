//! Sequences that wrap, and the layouts of the two words, as pure functions: no atomics here.

use std::cmp::Ordering;

/// The number of a value, modulo 2^41.
///
/// What lies up to 2^39 before another one is older, everything else newer. So a receiver is told
/// exactly what it missed for up to 3 × 2^39 values, 1.9 days at ten million a second; beyond that the
/// count is short by 2^41, and nothing else is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Sequence(pub(super) u64);

impl Sequence {
    const BITS: u32 = 41;
    const MASK: u64 = (1 << Self::BITS) - 1;
    const OLDER: u64 = 1 << 39;

    /// Of a channel's first value. Every channel wraps after two, so that what is wrong about that
    /// would show at once.
    pub(super) const FIRST: Self = Self(Self::MASK - 1);

    #[inline]
    pub(super) fn plus(self, values: u64) -> Self {
        Self(self.0.wrapping_add(values) & Self::MASK)
    }

    #[inline]
    pub(super) fn minus(self, values: u64) -> Self {
        Self(self.0.wrapping_sub(values) & Self::MASK)
    }

    /// How many values come before this one, from the earlier one on.
    #[inline]
    pub(super) fn since(self, earlier: Self) -> u64 {
        self.minus(earlier.0).0
    }

    /// How it stands to the sequence that somebody looks for.
    #[inline]
    pub(super) fn compare(self, wanted: Self) -> Ordering {
        match wanted.since(self) {
            0 => Ordering::Equal,
            1..Self::OLDER => Ordering::Less,
            _ => Ordering::Greater,
        }
    }

    /// Its slot among so many, which are a power of two.
    #[inline]
    pub(super) fn slot(self, slots: u64) -> usize {
        (self.0 & (slots - 1)) as usize
    }

    /// The last sequence before [`FIRST`](Self::FIRST) that has this slot.
    pub(super) fn before_first(slot: usize, slots: u64) -> Self {
        let oldest = Self::FIRST.0 - slots;
        Self(oldest + ((slot as u64).wrapping_sub(oldest) & (slots - 1)))
    }
}

/// What the tail holds: `sequence << 23 | receivers << 3 | WATCHED | WAITING | CLOSED`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TailWord(pub(super) u64);

impl TailWord {
    pub(super) const CLOSED: u64 = 1;
    pub(super) const WAITING: u64 = 2;
    pub(super) const WATCHED: u64 = 4;
    /// One receiver.
    pub(super) const RECEIVER: u64 = 8;
    pub(super) const MAX_RECEIVERS: u64 = (1 << 20) - 1;
    const SEQUENCE: u32 = 23;

    pub(super) const FIRST: Self = Self(Sequence::FIRST.0 << Self::SEQUENCE);

    /// The next sequence to claim.
    #[inline]
    pub(super) fn sequence(self) -> Sequence {
        Sequence(self.0 >> Self::SEQUENCE)
    }

    #[inline]
    pub(super) fn receivers(self) -> u64 {
        (self.0 / Self::RECEIVER) & Self::MAX_RECEIVERS
    }

    #[inline]
    pub(super) fn is_waiting(self) -> bool {
        self.0 & Self::WAITING != 0
    }

    #[inline]
    pub(super) fn is_watched(self) -> bool {
        self.0 & Self::WATCHED != 0
    }

    #[inline]
    pub(super) fn is_closed(self) -> bool {
        self.0 & Self::CLOSED != 0
    }

    /// One sequence further on, and nobody waits.
    #[inline]
    pub(super) fn claimed(self) -> Self {
        Self(self.0.wrapping_add(1 << Self::SEQUENCE) & !Self::WAITING)
    }
}

/// What a slot's state holds: `sequence << 23 | remaining << 1 | LOCKED`.
///
/// `remaining` is how many receivers still need the value. It may be more than there are receivers:
/// one that leaves is gone from the tail before it has paid, and somebody else may come meanwhile. So
/// it has two bits more than their number, for three million threads that do that at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct StateWord(pub(super) u64);

impl StateWord {
    const LOCKED: u64 = 1;
    const ONE: u64 = 2;
    const REMAINING: u64 = (Self::ONE << 22) - Self::ONE;
    const SEQUENCE: u32 = 23;

    /// The value of this sequence, which so many need, or which is gone if nobody does.
    #[inline]
    pub(super) fn new(sequence: Sequence, remaining: u64) -> Self {
        Self((sequence.0 << Self::SEQUENCE) | (remaining * Self::ONE))
    }

    #[inline]
    pub(super) fn locked(self) -> Self {
        Self(self.0 | Self::LOCKED)
    }

    #[inline]
    pub(super) fn is_locked(self) -> bool {
        self.0 & Self::LOCKED != 0
    }

    #[inline]
    pub(super) fn sequence(self) -> Sequence {
        Sequence(self.0 >> Self::SEQUENCE)
    }

    /// Nobody needs the value any more, and it is gone.
    #[inline]
    pub(super) fn is_taken(self) -> bool {
        self.0 & Self::REMAINING == 0
    }

    /// One less needs it.
    #[inline]
    pub(super) fn without_one(self) -> Self {
        Self(self.0 - Self::ONE)
    }

    /// One more needs it.
    #[inline]
    pub(super) fn with_one(self) -> Self {
        Self(self.0 + Self::ONE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sequences_wrap() {
        let first = Sequence::FIRST;
        let later = first.plus(3);
        assert_eq!(later.0, 1);
        assert_eq!((later.since(first), later.minus(3)), (3, first));
        assert_eq!(first.compare(later), Ordering::Less);
        assert_eq!(later.compare(first), Ordering::Greater);
        assert_eq!(
            first.plus(Sequence::OLDER * 3).compare(first),
            Ordering::Greater
        );
    }

    #[test]
    fn slots_begin_one_lap_before_the_first() {
        for slots in [1, 2, 8] {
            for slot in 0..slots as usize {
                let before = Sequence::before_first(slot, slots);
                assert_eq!(before.slot(slots), slot);
                assert!((1..=slots).contains(&Sequence::FIRST.since(before)));
            }
        }
    }

    #[test]
    fn words_keep_their_parts_apart() {
        let tail = TailWord((TailWord::FIRST.0 + 5 * TailWord::RECEIVER) | TailWord::WAITING);
        assert_eq!(
            (tail.receivers(), tail.is_waiting(), tail.is_closed()),
            (5, true, false)
        );
        let tail = TailWord(tail.0 | TailWord::CLOSED)
            .claimed()
            .claimed()
            .claimed();
        assert_eq!(tail.sequence(), Sequence::FIRST.plus(3));
        assert_eq!(
            (tail.receivers(), tail.is_waiting(), tail.is_closed()),
            (5, false, true)
        );

        let most = 4 * TailWord::MAX_RECEIVERS;
        let state = StateWord::new(Sequence::FIRST, most).locked();
        assert_eq!(
            (state.sequence(), state.is_locked()),
            (Sequence::FIRST, true)
        );
        let (one, taken) = (
            StateWord::new(Sequence::FIRST, 1),
            StateWord::new(Sequence::FIRST, 0),
        );
        assert_eq!((one.without_one(), taken.with_one()), (taken, one));
        assert!(taken.locked().is_taken() && !one.is_taken() && !state.is_taken());
    }
}
