//! Handing a flag over: who waits for receivers to move on, and is to be woken once they have.

use super::Sequencer;
use crate::ring::attendance::Attendance;
use crate::ring::registry::{Behind, Registry};
use crate::sync::{Backoff, step};
use crate::wait::{gather, gather_one, wake_gathered};
use std::task::Waker;

/// Whom to notify once the registry is unlocked.
#[derive(Debug, Default)]
#[must_use]
pub(crate) struct Wakes {
    /// Who was granted room, if nobody else was.
    alone: Option<Waker>,
    /// Several were granted room, or somebody is told that a committing receiver is gone.
    gathered: bool,
    /// Of those, who could not be gathered yet.
    served: Vec<Waker>,
    pub(super) drained: bool,
    pub(super) counted: bool,
}

impl Wakes {
    pub(crate) fn is_empty(&self) -> bool {
        self.alone.is_none() && !self.gathered && !self.drained && !self.counted
    }

    /// Somebody was granted room.
    #[inline]
    pub(super) fn serve(&mut self, waker: Waker) {
        if self.is_empty() {
            self.alone = Some(waker);
        } else {
            self.serve_several(waker);
        }
    }

    #[cold]
    fn serve_several(&mut self, waker: Waker) {
        self.gather_alone();
        self.gather(waker);
    }

    fn gather(&mut self, waker: Waker) {
        self.gathered = true;
        self.served.extend(gather_one(waker));
    }

    fn gather_alone(&mut self) {
        if let Some(alone) = self.alone.take() {
            self.gather(alone);
        }
    }

    #[cold]
    pub(super) fn notify(&mut self, wakers: Vec<Waker>) {
        self.gathered |= !wakers.is_empty();
        self.served.extend(wakers);
    }

    pub(crate) fn merge(&mut self, mut other: Self) {
        self.gather_alone();
        other.gather_alone();
        self.gathered |= other.gathered;
        self.served.extend(other.served);
        self.drained |= other.drained;
        self.counted |= other.counted;
    }
}

impl Sequencer {
    /// A flag came off a cursor: somebody waits, and may have waited for it. The caller owes a
    /// [`wake_gathered`].
    #[cold]
    pub(crate) fn hand_over(&self) {
        let wakes = self.settle(&mut self.lock());
        self.gather(wakes);
    }

    /// The same, but who is the only one to be woken comes back: whoever holds nothing can
    /// [`wake_last`](crate::wait::wake_last) him there and then. If nobody does, the caller owes a
    /// [`wake_gathered`].
    #[cold]
    pub(crate) fn hand_over_to_one(&self) -> Option<Waker> {
        let mut wakes = self.settle(&mut self.lock());
        let alone = wakes.alone.take_if(|_| !wakes.drained);
        if alone.is_none() {
            self.gather(wakes);
        }
        alone
    }

    /// Passes a flag on, or wakes those for whom it was set (I6).
    pub(super) fn settle(&self, registry: &mut Registry) -> Wakes {
        let mut wakes = Wakes::default();
        self.serve(registry, &mut wakes);
        while let Some(&target) = registry.drains.first() {
            match self.find_behind(registry, target) {
                Some(Behind::Busy) => {
                    // Its owner would write over a flag: let those who wait look themselves.
                    wakes.drained = true;
                    break;
                }
                Some(_) => break,
                None => {
                    registry.drains.remove(&target);
                    wakes.drained = true;
                }
            }
        }
        wakes
    }

    /// A receiver that has neither received nor missed all below `target`, flagged unless busy.
    fn find_behind(&self, registry: &mut Registry, target: u64) -> Option<Behind> {
        if let Err(behind) = registry.gating.reached(target, true) {
            return Some(behind);
        }
        loop {
            match registry.lossy.reached(target, true) {
                Ok(_) => return None,
                Err(Behind::Detached(cursor)) if step("attach-detached") => {
                    // If what is retained reaches the target, the next round passes it by.
                    self.attach_oldest(registry, &cursor, true);
                }
                Err(behind) => return Some(behind),
            }
        }
    }

    /// Whether every receiver has received or missed all below `target`. With `listed`, the target
    /// is remembered if not, for [`settle`](Self::settle) to notify.
    pub(crate) fn is_drained(&self, target: u64, listed: bool) -> bool {
        let backoff = Backoff::new();
        loop {
            let mut registry = self.lock();
            match self.find_behind(&mut registry, target) {
                None => return true,
                Some(Behind::Busy) => {
                    drop(registry);
                    backoff.snooze();
                }
                Some(_) => {
                    if listed && step("note-drain") {
                        registry.drains.insert(target);
                    }
                    return false;
                }
            }
        }
    }

    /// Whether there are so many receivers. With `listed`, it is remembered if not, for the one to notify
    /// that comes or goes.
    pub(crate) fn is_attended(&self, wanted: Attendance, listed: bool) -> bool {
        let mut registry = self.lock();
        let met = wanted.is_met_by(self.receivers());
        if listed && !met && step("note-watch") {
            registry.unawaited.note(wanted);
        }
        met
    }

    /// As many receivers as somebody waits for have come.
    #[cold]
    pub(crate) fn tell_attended(&self) {
        if step("wake-attended") {
            self.counted().gather();
            wake_gathered();
        }
    }

    /// Notifies all who wait for committing receivers, or behind them, to look again. The caller owes a
    /// [`wake_gathered`].
    pub(crate) fn gather_watchers(&self) {
        let committing = self.lock().committing();
        committing.iter().for_each(|one| one.watchers().gather());
    }

    /// The caller owes a [`wake_gathered`].
    pub(crate) fn gather(&self, mut wakes: Wakes) {
        wakes.gather_alone();
        gather(wakes.served);
        if wakes.drained && step("wake-drained") {
            self.drained().gather();
        }
        if wakes.counted && step("wake-deserted") {
            self.counted().gather();
        }
    }
}
