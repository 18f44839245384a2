//! Where receivers wait for the next commit.

use super::Notifier;
use crossbeam_utils::CachePadded;

/// How many lists a slot has, each with a bit of the word that says who waits there.
pub(crate) const SHARDS: usize = 4;

/// The lists of waiting receivers, by slot and by shard.
///
/// All who are caught up wait at one slot, and those whom its commit has woken at the next one,
/// while the publisher may still be at it: two columns keep them apart. That other slots share a
/// column costs wake-ups for nothing, in the rare case that publishers commit out of order.
///
/// A slot has the same list in each lap: the WAITING bit may be taken out by a publisher that is
/// one lap behind what the receiver waits for.
pub(crate) struct Shards([[CachePadded<Notifier>; SHARDS]; 2]);

impl Shards {
    pub(crate) fn new() -> Self {
        let notifier = |_| CachePadded::new(Notifier::new());
        Self(std::array::from_fn(|_| std::array::from_fn(notifier)))
    }

    /// Where receivers of this shard wait for a commit to the slot.
    pub(crate) fn list(&self, slot: usize, shard: usize) -> &Notifier {
        &self.0[slot % 2][shard]
    }

    /// Notifies those whose bits, the lowest of `waiting`, were taken out of the slot's word. The
    /// caller owes a [`wake_gathered`](super::wake_gathered).
    #[cold]
    pub(crate) fn gather(&self, slot: usize, waiting: u64) {
        for shard in (0..SHARDS).filter(|shard| waiting & (1 << shard) != 0) {
            self.list(slot, shard).gather();
        }
    }
}
