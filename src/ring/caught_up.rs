//! How many receivers have come to the end of what is there: the last one releases what they left.
//!
//! It tells who is to look: to count one too many costs a look, one too few would leave values in the ring.
//! If nobody is counted who may have gone, or may go back, it tells what may be released, too: to look where
//! each of them is takes as long as receiving.

use crate::sync::{AtomicU64, Ordering, acq_rel, step};

/// Of the newest end that a receiver has come to.
#[derive(Debug)]
pub(super) struct CaughtUp {
    /// `end, modulo 2^43 | UNSURE | receivers that have come there`.
    word: AtomicU64,
    /// The whole end, if the word was not written with a newer one meanwhile: so that an end which is 2^43
    /// later is not taken for it. Relaxed: whoever has counted itself comes after who began.
    end: AtomicU64,
}

impl CaughtUp {
    /// Somebody is counted who may have gone, or may go back.
    const UNSURE: u64 = 1 << 20;
    const END: u32 = 21;
    /// So many, or more.
    const MANY: u64 = Self::UNSURE - 1;

    pub(super) fn at(end: u64) -> Self {
        Self {
            word: AtomicU64::new(end << Self::END),
            end: AtomicU64::new(end),
        }
    }

    /// One more has come to this end, `sure` if it goes only by itself, and never goes back. How many
    /// have, or 0 if one is further on: there is more to read.
    ///
    /// A read-modify-write of the same word by all of them. Release: who comes later sees the cursor of
    /// this one there, and lies behind what it has read. Acquire: this one sees those of who came before, and by
    /// [`gone`](Self::gone) that others are gone.
    pub(super) fn count(&self, end: u64, sure: bool) -> u64 {
        let unsure = if sure || !step("count-unsure") {
            0
        } else {
            Self::UNSURE
        };
        let mut word = self.word.load(Ordering::Relaxed);
        loop {
            let Some(counted) = self.counted(word, end) else {
                return 0;
            };
            let counted = counted | unsure;
            match self.exchange(word, counted) {
                Ok(()) => return Self::receivers(counted),
                Err(now) => word = now,
            }
        }
    }

    fn exchange(&self, word: u64, counted: u64) -> Result<(), u64> {
        if !step("caught-up-rmw") {
            self.word.store(counted, Ordering::Relaxed);
            return Ok(());
        }
        let both = acq_rel("caught-up-acquire", "caught-up-release");
        let exchanged = self
            .word
            .compare_exchange_weak(word, counted, both, Ordering::Relaxed);
        exchanged.map(drop)
    }

    /// By one that does not count any more, which has said so, and looks for others next: either they see
    /// that, or it sees their cursors. Who is counted may be this one.
    pub(super) fn gone(&self) {
        if step("caught-up-touch") {
            let both = acq_rel("caught-up-acquire", "caught-up-release");
            let unsure = if step("gone-unsure") { Self::UNSURE } else { 0 };
            self.word.fetch_or(unsure, both);
        }
    }

    /// Whether just these receivers, which are all, have come to this end, for the last of them, that holds the
    /// lock under which receivers go. Relaxed: it has counted itself after all others.
    pub(super) fn are_all(&self, end: u64, receivers: u64) -> bool {
        let word = self.word.load(Ordering::Relaxed);
        let all = (end << Self::END) + receivers;
        receivers < Self::MANY && word == all && self.end.load(Ordering::Relaxed) == end
    }

    fn counted(&self, word: u64, end: u64) -> Option<u64> {
        let first = (end << Self::END) + 1;
        let ahead = (first >> Self::END).wrapping_sub(word >> Self::END) << Self::END;
        match ahead as i64 {
            0 if word & Self::MANY == Self::MANY => Some(word),
            0 => Some(word + 1),
            1.. => {
                self.end.store(end, Ordering::Relaxed);
                Some(first)
            }
            _ => None,
        }
    }

    fn receivers(word: u64) -> u64 {
        match word & Self::MANY {
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
        for start in [0, 7, (1 << 43) - 2, (1 << 59) + 3] {
            let caught_up = CaughtUp::at(start);
            assert_eq!(caught_up.count(start, true), 1);
            assert_eq!(caught_up.count(start, true), 2);
            assert_eq!(
                caught_up.count(start + 3, true),
                1,
                "a new end, from {start}"
            );
            assert_eq!(caught_up.count(start + 2, true), 0, "it is behind");
            caught_up.gone();
            assert_eq!(caught_up.count(start + 3, true), 2);
        }
    }

    #[test]
    fn who_may_have_gone_or_go_back_is_not_relied_on() {
        for start in [0, 7, (1 << 43) - 2, (1 << 59) + 3] {
            let caught_up = CaughtUp::at(start);
            caught_up.count(start + 1, true);
            assert!(!caught_up.are_all(start + 1, 2));
            caught_up.count(start + 1, true);
            assert!(caught_up.are_all(start + 1, 2));
            assert!(!caught_up.are_all(start + 1 + (1 << 43), 2), "another end");
            caught_up.gone();
            assert!(!caught_up.are_all(start + 1, 2), "one has gone");
            assert_eq!(caught_up.count(start + 2, true), 1);
            assert!(caught_up.are_all(start + 2, 1), "it is not counted there");
            assert_eq!(caught_up.count(start + 2, false), 2);
            assert!(!caught_up.are_all(start + 2, 2), "one may go back");
        }
    }

    #[test]
    fn more_than_can_be_counted_are_as_many_as_any() {
        let caught_up = CaughtUp::at(5);
        let last = (0..CaughtUp::MANY).map(|_| caught_up.count(5, true)).last();
        assert_eq!(last, Some(u64::MAX));
        assert!(!caught_up.are_all(5, CaughtUp::MANY));
        assert_eq!(caught_up.count(6, true), 1);
    }
}
