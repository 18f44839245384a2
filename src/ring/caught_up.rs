//! How many receivers have come to the end of what is there: the last one releases what they left.
//!
//! It tells who is to look, not what may be released: to count one too many costs a look, one too few
//! would leave values in the ring.

use crate::sync::{AtomicU64, Ordering, acq_rel, step};

/// `end, modulo 2^44 | receivers that have come there`, of the newest end that one has come to.
#[derive(Debug)]
pub(super) struct CaughtUp(AtomicU64);

impl CaughtUp {
    const COUNT: u32 = 20;
    /// So many, or more.
    const MANY: u64 = (1 << Self::COUNT) - 1;

    pub(super) fn at(end: u64) -> Self {
        Self(AtomicU64::new(end << Self::COUNT))
    }

    /// One more has come to this end. How many have, or 0 if one is further on: there is more to read.
    ///
    /// A read-modify-write of the same word by all of them. Release: who comes later sees the cursor of
    /// this one there. Acquire: this one sees those of who came before, and by [`touch`](Self::touch)
    /// that others are gone.
    pub(super) fn count(&self, end: u64) -> u64 {
        let both = acq_rel("caught-up-acquire", "caught-up-release");
        let counted = |word| Self::counted(word, end);
        if !step("caught-up-rmw") {
            let after = counted(self.0.load(Ordering::Relaxed));
            self.0.store(after.unwrap_or_default(), Ordering::Relaxed);
            return Self::receivers(after);
        }
        let before = self.0.fetch_update(both, Ordering::Relaxed, counted);
        Self::receivers(before.ok().and_then(counted))
    }

    /// By one that does not count any more, which has said so, and looks for others next: either they see
    /// that, or it sees their cursors.
    pub(super) fn touch(&self) {
        if step("caught-up-touch") {
            let both = acq_rel("caught-up-acquire", "caught-up-release");
            self.0.fetch_add(0, both);
        }
    }

    fn counted(word: u64, end: u64) -> Option<u64> {
        let first = (end << Self::COUNT) + 1;
        let ahead = (first >> Self::COUNT).wrapping_sub(word >> Self::COUNT) << Self::COUNT;
        match ahead as i64 {
            0 if word & Self::MANY == Self::MANY => Some(word),
            0 => Some(word + 1),
            1.. => Some(first),
            _ => None,
        }
    }

    fn receivers(word: Option<u64>) -> u64 {
        match word.map_or(0, |word| word & Self::MANY) {
            Self::MANY => u64::MAX,
            count => count,
        }
    }
}

#[cfg(all(test, not(eventring_loom)))]
mod tests {
    use super::*;

    #[test]
    fn counts_those_at_the_newest_end() {
        for start in [0, 7, (1 << 44) - 2, (1 << 59) + 3] {
            let caught_up = CaughtUp::at(start);
            assert_eq!(caught_up.count(start), 1);
            assert_eq!(caught_up.count(start), 2);
            assert_eq!(caught_up.count(start + 3), 1, "a new end, from {start}");
            assert_eq!(caught_up.count(start + 2), 0, "it is behind");
            caught_up.touch();
            assert_eq!(caught_up.count(start + 3), 2);
        }
    }

    #[test]
    fn more_than_can_be_counted_are_as_many_as_any() {
        let caught_up = CaughtUp::at(5);
        let last = (0..1 << CaughtUp::COUNT).map(|_| caught_up.count(5)).last();
        assert_eq!(last, Some(u64::MAX));
        assert_eq!(caught_up.count(6), 1);
    }
}
