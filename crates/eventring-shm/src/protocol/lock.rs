//! The lock word: who may write.
//!
//! A crash leaves the lock taken. So it names its owner, by the slot that the owner has leased, and
//! who finds it taken can ask whether that slot's lease is still held. A dead owner's lock is taken
//! over, and what was being written is recovered.

use super::Ring;
use super::layout::word;
use crate::sync::{Ordering, acquire, point, release, step};
use Ordering::Relaxed;

/// A writer's number: below [`SLOTS`].
pub(crate) type Slot = u8;

/// How many writers a ring can have at once.
pub(crate) const SLOTS: Slot = 255;

/// Who can tell whether somebody holds the lease of a slot.
pub(crate) trait Leases {
    /// Whether nobody does any more: what was written under it is all to be seen then.
    fn is_dead(&self, slot: Slot) -> bool;
}

/// The word: generation, and the owner's slot + 1 (0: nobody). The generation is another one each
/// time that the lock is taken: so a lock can be taken over only from the owner that was found dead,
/// and not from one that leased the same slot since.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Word(u64);

impl Word {
    fn owner(self) -> Option<Slot> {
        (self.0 as u8).checked_sub(1)
    }

    fn taken_by(self, slot: Slot) -> Self {
        let generation = (self.0 >> 8).wrapping_add(1);
        Self((generation << 8) | (u64::from(slot) + 1))
    }

    fn released(self) -> Self {
        Self((self.0 >> 8) << 8)
    }
}

/// How an attempt to take the lock ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Locked {
    /// It is ours, and so is what its last owner left in good order.
    Clean,
    /// It is ours, taken from a dead owner: recover first.
    Dead,
    /// A live owner has it.
    Busy,
}

impl Ring<'_> {
    /// An attempt. Only every now and then `ask` whether the owner lives: that is a system call.
    #[inline]
    pub(crate) fn try_lock(self, me: Slot, ask: Option<&impl Leases>) -> Locked {
        point("lock");
        let found = Word(self.word(word::LOCK).load(Relaxed));
        let locked = match found.owner() {
            None => Locked::Clean,
            // One with our lease died.
            Some(owner) if owner == me => Locked::Dead,
            Some(owner) => match ask {
                Some(leases) if !step("slot-lease-check") || leases.is_dead(owner) => Locked::Dead,
                _ => return Locked::Busy,
            },
        };
        let taken = found.taken_by(me);
        match self.word(word::LOCK).compare_exchange(
            found.0,
            taken.0,
            acquire("lock-take"),
            Relaxed,
        ) {
            Ok(_) => locked,
            Err(_) => Locked::Busy,
        }
    }

    /// Only the owner calls this.
    #[inline]
    pub(crate) fn unlock(self) {
        point("unlock");
        let taken = Word(self.word(word::LOCK).load(Relaxed));
        let unlocked = taken.released();
        self.word(word::LOCK)
            .store(unlocked.0, release("lock-release"));
    }
}

#[cfg(all(test, not(eventring_loom)))]
mod tests {
    use super::Word;

    #[test]
    fn the_same_owner_never_leaves_the_same_word_twice() {
        let free = Word(0);
        assert_eq!(free.owner(), None);
        let first = free.taken_by(254);
        assert_eq!(first.owner(), Some(254));
        let second = first.released().taken_by(254);
        assert_eq!((second.owner(), second == first), (Some(254), false));
        assert_eq!(first.taken_by(0).owner(), Some(0));
    }
}
