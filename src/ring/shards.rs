//! Where receivers wait for the next commit.

use crate::notifier::Notifier;
use crate::ring::sequence::StampWord;
use crossbeam_utils::CachePadded;

/// The lists of waiting receivers, by slot and by shard.
///
/// All who are caught up wait at one slot, and those whom its commit has woken at the next one,
/// while the publisher may still be at it: two columns keep them apart. That other slots share a
/// column costs wake-ups for nothing, in the rare case that publishers commit out of order.
///
/// A slot has the same list in each lap: the WAITING bit may be taken out by a publisher that is
/// one lap behind what the receiver waits for.
pub(crate) struct Shards([[CachePadded<Notifier>; StampWord::SHARDS]; 2]);

impl Shards {
    pub(crate) fn new() -> Self {
        let notifier = |_| CachePadded::new(Notifier::new());
        Self(std::array::from_fn(|_| std::array::from_fn(notifier)))
    }

    /// Where receivers of this shard wait for a commit to the slot.
    pub(crate) fn list(&self, slot: usize, shard: usize) -> &Notifier {
        &self.0[slot % 2][shard]
    }

    /// Notifies those whose bits were taken out of the slot's stamp. The caller owes a
    /// [`wake_gathered`](crate::notifier::wake_gathered).
    #[cold]
    pub(crate) fn gather(&self, slot: usize, old: StampWord) {
        for shard in (0..StampWord::SHARDS).filter(|&shard| old.is_waiting(shard)) {
            self.list(slot, shard).gather();
        }
    }
}
