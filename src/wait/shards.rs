//! Where receivers wait for the next commit.

use super::notifier::{Notifier, Order};
use crate::sync::{OnceLock, thread_number};
use std::task::Waker;

/// How many lists a slot has, each with a bit of the word that says who waits there.
pub(crate) const SHARDS: usize = 4;

/// The shard in which who comes on this thread stands.
///
/// Each thread has one of its own, as far as they go: no other one takes the list out of its cache until all
/// in it are woken, in the order in which it polled them.
#[inline]
pub(crate) fn shard() -> u8 {
    (thread_number() % SHARDS) as u8
}

/// The lists of waiting receivers, by slot and by shard: those of a shard come with the first
/// receiver that waits in it.
///
/// All who are caught up wait at one slot, and those whom its commit has woken at the next one,
/// while the publisher may still be at it: two columns keep them apart. That other slots share a
/// column costs wake-ups for nothing, in the rare case that publishers commit out of order.
///
/// A slot has the same list in each lap: the WAITING bit may be taken out by a publisher that is
/// one lap behind what the receiver waits for.
pub(crate) struct Shards([OnceLock<Box<Shard>>; SHARDS]);

/// Lists on cache lines of their own, without asking for an alignment: see
/// [`Cursor`](crate::ring::CursorRef).
#[repr(C)]
struct Shard {
    _before: [u64; 16],
    even: Notifier,
    _between: [u64; 16],
    odd: Notifier,
    _after: [u64; 16],
}

impl Shard {
    fn new() -> Box<Self> {
        Box::new(Self {
            _before: [0; 16],
            even: Notifier::new(),
            _between: [0; 16],
            odd: Notifier::new(),
            _after: [0; 16],
        })
    }
}

impl Shards {
    #[inline]
    pub(crate) fn new() -> Self {
        Self(std::array::from_fn(|_| OnceLock::new()))
    }

    /// Where receivers of this shard wait for a commit to the slot.
    ///
    /// Who has seen a WAITING bit need not have seen the lists come, and makes sure of them, too.
    #[inline]
    pub(crate) fn list(&self, slot: usize, shard: usize) -> &Notifier {
        let shard = self.0[shard % SHARDS].get_or_init(Shard::new);
        if slot % 2 == 0 {
            &shard.even
        } else {
            &shard.odd
        }
    }

    /// Notifies those whose bits, the lowest of `waiting`, were taken out of the slot's word. The
    /// caller owes a [`wake_gathered`](super::wake_gathered).
    #[cold]
    pub(crate) fn gather(&self, slot: usize, waiting: u64) {
        for shard in (0..SHARDS).filter(|shard| waiting & (1 << shard) != 0) {
            self.list(slot, shard).gather_in(Order::Memory);
        }
    }

    /// The same, but who waits there alone comes back: whoever holds nothing can [`wake`](super::wake) him
    /// there and then.
    #[cold]
    pub(crate) fn take(&self, slot: usize, waiting: u64) -> Option<Waker> {
        if waiting.is_power_of_two() {
            let shard = waiting.trailing_zeros();
            return self.list(slot, shard as usize).take(Order::Memory);
        }
        self.gather(slot, waiting);
        None
    }

    /// The same for all, whatever they wait for.
    #[cold]
    pub(crate) fn gather_all(&self) {
        for (slot, shard) in (0..2).flat_map(|slot| (0..SHARDS).map(move |shard| (slot, shard))) {
            self.list(slot, shard).gather_in(Order::Memory);
        }
    }
}
