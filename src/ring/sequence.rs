//! Sequence arithmetic and the layouts of three words, as pure functions: no atomics here.
//!
//! A sequence is the `u64` number of an event, never reused. The narrowest word keeps 60 bits of it:
//! at one event per nanosecond they last for 36 years, and half as long from the greatest first one.

use crate::wait::SHARDS;

/// No bus starts at this sequence or above.
pub(crate) const FIRSTS: u64 = 1 << 59;

/// A bound (`limit` or `gate`) when there is no cursor to bound.
pub(crate) const NOBODY: u64 = u64::MAX;

/// The `gate` when there are lossy cursors, all of them detached: nobody needs to be evicted, but
/// somebody may re-attach in the middle of a batch that is claimed already.
pub(crate) const ONLY_DETACHED: u64 = u64::MAX - 1;

/// How many sequences from `tail` on may be claimed without a permit.
#[inline]
pub(crate) fn room(tail: u64, limit: u64) -> u64 {
    limit.saturating_sub(tail)
}

/// The oldest of the `amount` newest sequences below `tail`. With the capacity for an amount, what
/// is retained; for a tail to be claimed, the floor below which no receiver may be left.
#[inline]
pub(crate) fn oldest(tail: u64, amount: u64) -> u64 {
    tail.saturating_sub(amount)
}

/// What `tail` holds: `sequence << 3 | AWAITED | TURN | CLOSED`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct TailWord(pub(crate) u64);

impl TailWord {
    pub(crate) const CLOSED: u64 = 1;
    /// Changes when room is taken back, and says nothing else.
    pub(crate) const TURN: u64 = 2;
    /// Somebody may wait for room, or behind a committing receiver: whoever closes looks there. Never
    /// taken off.
    pub(crate) const AWAITED: u64 = 4;

    pub(crate) fn at(sequence: u64) -> Self {
        Self(sequence << 3)
    }

    /// The next sequence to claim.
    #[inline]
    pub(crate) fn sequence(self) -> u64 {
        self.0 >> 3
    }

    #[inline]
    pub(crate) fn is_closed(self) -> bool {
        self.0 & Self::CLOSED != 0
    }

    pub(crate) fn is_awaited(self) -> bool {
        self.0 & Self::AWAITED != 0
    }

    #[inline]
    pub(crate) fn advanced(self, count: u64) -> Self {
        Self(self.0 + (count << 3))
    }
}

/// What `slot.stamp` holds: `(sequence + 1) << 4 | WAITING`, one WAITING bit per shard.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct StampWord(pub(crate) u64);

impl StampWord {
    pub(crate) const WAITING: u64 = (1 << SHARDS) - 1;

    #[inline]
    pub(crate) fn committed(sequence: u64) -> Self {
        Self::next_is(sequence + 1)
    }

    #[inline]
    pub(crate) fn next_is(next: u64) -> Self {
        Self(next << SHARDS)
    }

    /// The sequence that follows the committed one; 0 while nothing was committed.
    #[inline]
    pub(crate) fn next(self) -> u64 {
        self.0 >> SHARDS
    }

    /// The same, one lap of so many slots later.
    #[inline]
    pub(crate) fn a_lap_later(self, slots: u64) -> Self {
        Self(self.0 + Self::next_is(slots).0)
    }

    #[inline]
    pub(crate) fn waiting_bit(shard: usize) -> u64 {
        1 << shard
    }

    #[inline]
    pub(crate) fn has_waiting(self) -> bool {
        self.waiting() != 0
    }

    /// The WAITING bits alone.
    #[inline]
    pub(crate) fn waiting(self) -> u64 {
        self.0 & Self::WAITING
    }

    #[inline]
    pub(crate) fn is_waiting(self, shard: usize) -> bool {
        self.0 & Self::waiting_bit(shard) != 0
    }
}

/// What a cursor holds: `sequence << 3 | OUT | FLAGGED | BUSY`, or `DETACHED`; if it commits, WATCHED for OUT, and GONE
/// for BUSY.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct CursorWord(pub(crate) u64);

impl CursorWord {
    const BUSY: u64 = 1;
    /// Of a committing cursor, which is never BUSY: its receiver is gone.
    pub(crate) const GONE: u64 = Self::BUSY;
    pub(crate) const FLAGGED: u64 = 2;
    /// Of an evictable cursor: evicted, for good.
    pub(crate) const OUT: u64 = 4;
    /// Of a committing cursor, which is never OUT: somebody waits in its list.
    pub(crate) const WATCHED: u64 = Self::OUT;
    pub(crate) const DETACHED: Self = Self(u64::MAX);

    #[inline]
    pub(crate) fn at(sequence: u64) -> Self {
        Self(sequence << 3)
    }

    #[inline]
    pub(crate) fn busy(self) -> Self {
        Self(self.0 | Self::BUSY)
    }

    #[inline]
    pub(crate) fn flagged(self) -> Self {
        Self(self.0 | Self::FLAGGED)
    }

    #[inline]
    pub(crate) fn sequence(self) -> u64 {
        debug_assert!(!self.is_detached(), "a detached cursor has no sequence");
        self.0 >> 3
    }

    #[inline]
    pub(crate) fn is_busy(self) -> bool {
        self.0 & Self::BUSY != 0
    }

    pub(crate) fn is_gone(self) -> bool {
        self.0 & Self::GONE != 0
    }

    #[inline]
    pub(crate) fn is_flagged(self) -> bool {
        self.0 & Self::FLAGGED != 0
    }

    pub(crate) fn is_out(self) -> bool {
        self.0 & Self::OUT != 0
    }

    pub(crate) fn is_watched(self) -> bool {
        self.0 & Self::WATCHED != 0
    }

    #[inline]
    pub(crate) fn is_detached(self) -> bool {
        self == Self::DETACHED
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn room_ends_at_the_limit() {
        assert_eq!(room(7, 9), 2);
        assert_eq!(room(9, 9), 0);
        assert_eq!(room(10, 9), 0, "after a claim with a permit");
    }

    #[test]
    fn the_oldest_retained_is_a_capacity_behind() {
        assert_eq!(oldest(4, 4), 0);
        assert_eq!(oldest(5, 4), 1);
        assert_eq!(oldest(2, 4), 0);
    }

    #[test]
    fn words_keep_their_parts_apart() {
        let tail = TailWord(TailWord::CLOSED | TailWord::TURN | TailWord::AWAITED).advanced(5);
        assert!(tail.is_closed() && tail.is_awaited());
        assert_eq!(tail.sequence(), 5);

        let stamp = StampWord(StampWord::committed(6).0 | StampWord::waiting_bit(2));
        assert_eq!(stamp.next(), 7);
        assert!(stamp.is_waiting(2) && !stamp.is_waiting(1) && stamp.has_waiting());

        let cursor = CursorWord::at(9).busy().flagged();
        assert_eq!(cursor.sequence(), 9);
        assert!(cursor.is_busy() && cursor.is_flagged() && !cursor.is_detached());
        assert!(!cursor.is_out() && CursorWord(cursor.0 | CursorWord::OUT).sequence() == 9);
    }
}
