//! One slot of the channel: its state, and under that the value.
#![allow(unsafe_code)]

use super::words::{Sequence, StateWord};
use crate::sync::{AtomicU64, Backoff, Ordering, UnsafeCell, acquire, release, step};
use std::cmp::Ordering as Is;
use std::mem::{MaybeUninit, needs_drop};

/// Aligned as allocators align anyway: to ask for more makes small channels slower to make.
#[repr(align(16))]
pub(super) struct Slot<T> {
    state: AtomicU64,
    /// There while somebody needs it (I2). Read and written by whoever has locked the state, and by
    /// the publisher that claimed the next lap once the value is taken (I1).
    value: UnsafeCell<MaybeUninit<T>>,
}

// SAFETY: `value` is accessed by one thread at a time, each after the one before (I1), which moves
// `T` from thread to thread (`T: Send`) and never shares it.
unsafe impl<T: Send> Sync for Slot<T> {}

impl<T> Slot<T> {
    /// As if a value of this sequence had been there.
    #[inline]
    pub(super) fn new(sequence: Sequence) -> Self {
        Self {
            state: AtomicU64::new(StateWord::new(sequence, 0).0),
            value: UnsafeCell::new(MaybeUninit::uninit()),
        }
    }

    /// Acquire pairs with [`store`](Self::store): who sees a state sees what was done under the lock
    /// before it, and of a newer one's publisher the claim (R2).
    #[inline]
    fn state(&self) -> StateWord {
        StateWord(self.state.load(acquire("slot-load")))
    }

    /// Unlocks. Release pairs with [`state`](Self::state) and [`try_lock`](Self::try_lock).
    #[inline]
    fn store(&self, state: StateWord, label: &str) {
        self.state.store(state.0, release(label));
    }

    /// Acquire: whoever had the lock before lies behind us. Weakened, a store.
    #[inline]
    fn try_lock(&self, state: StateWord) -> bool {
        if !step("slot-lock") {
            self.state.store(state.locked().0, Ordering::Relaxed);
            return true;
        }
        let locked = acquire("lock-acquire");
        self.state
            .compare_exchange(state.0, state.locked().0, locked, Ordering::Relaxed)
            .is_ok()
    }

    /// S2 to S4, for who alone claimed `sequence`, for so many receivers. Waits for the lap `before`
    /// to be committed, and for a receiver that reads it right now. The old value comes back.
    ///
    /// # Safety
    ///
    /// Nobody else calls this for the same sequence and slot, and `before` is one lap before it.
    #[inline]
    pub(super) unsafe fn publish(
        &self,
        before: Sequence,
        sequence: Sequence,
        value: T,
        receivers: u64,
    ) -> Option<T> {
        let is_needed = self.lock_for_next(before);
        let old = self.value.with_mut(|held| {
            // SAFETY: the pointer is the cell's own. Locked, or of a lap that nobody looks for any
            // more: who would needs to have been counted (I1).
            let held = unsafe { &mut *held };
            // SAFETY: what is needed is there (I2); it is overwritten right now.
            let old = (is_needed && needs_drop::<T>()).then(|| unsafe { held.assume_init_read() });
            held.write(value);
            old
        });
        self.store(StateWord::new(sequence, receivers), "commit-store");
        old
    }

    /// S2. A lap that is taken needs no lock: those who could lock it have received it, or left.
    /// Whether the value is needed still.
    #[inline]
    fn lock_for_next(&self, before: Sequence) -> bool {
        let attempt = || {
            let state = self.state();
            if state == StateWord::new(before, 0) {
                return Some(false);
            }
            let is_free = state.sequence() == before && !state.is_locked();
            (is_free && self.try_lock(state)).then_some(true)
        };
        if !step("await-lap") {
            return false;
        }
        let backoff = Backoff::new();
        loop {
            match attempt() {
                Some(needed) => return needed,
                None => backoff.snooze(),
            }
        }
    }

    /// R1: locks the slot for somebody who is counted among those who need the value of `sequence`.
    /// Else tells how what is there stands to it.
    #[inline]
    pub(super) fn lock(&self, sequence: Sequence) -> Result<Locked<'_, T>, Is> {
        let state = self.state();
        match state.sequence().compare(sequence) {
            Is::Equal if !state.is_locked() && self.try_lock(state) => {
                Ok(Locked { slot: self, state })
            }
            Is::Equal => self.lock_later(sequence),
            other => Err(other),
        }
    }

    /// The same, if it is locked by somebody else.
    #[cold]
    fn lock_later(&self, sequence: Sequence) -> Result<Locked<'_, T>, Is> {
        let backoff = Backoff::new();
        loop {
            let state = self.state();
            match state.sequence().compare(sequence) {
                Is::Equal if !state.is_locked() && self.try_lock(state) => {
                    return Ok(Locked { slot: self, state });
                }
                Is::Equal => backoff.snooze(),
                other => return Err(other),
            }
        }
    }

    /// The same for who knows that the sequence is claimed, and waits for its commit. `None` if it is
    /// overwritten.
    pub(super) fn lock_committed(&self, sequence: Sequence) -> Option<Locked<'_, T>> {
        let backoff = Backoff::new();
        loop {
            match self.lock(sequence) {
                Ok(locked) => return Some(locked),
                Err(Is::Less) if step("await-commit") => backoff.snooze(),
                Err(_) => return None,
            }
        }
    }

    /// Whether somebody needs the value of a sequence that is claimed.
    pub(super) fn is_needed(&self, sequence: Sequence) -> bool {
        let state = self.state();
        match state.sequence().compare(sequence) {
            Is::Less => true,
            Is::Equal => !state.is_taken(),
            Is::Greater => false,
        }
    }
}

impl<T> Drop for Slot<T> {
    fn drop(&mut self) {
        if needs_drop::<T>() && !self.state().is_taken() {
            self.value.with_mut(|held| {
                // SAFETY: the pointer is the cell's own; nobody else is left, and what is needed is
                // there (I2).
                unsafe { held.cast::<T>().drop_in_place() }
            });
        }
    }
}

/// A slot whose value nobody else looks at. Dropped, one less needs it, and the last one drops it,
/// once it is unlocked.
pub(super) struct Locked<'a, T> {
    slot: &'a Slot<T>,
    /// Before it was locked.
    state: StateWord,
}

impl<T> Locked<'_, T> {
    /// R3.
    #[inline]
    pub(super) fn read<R>(&self, read: impl FnOnce(&T) -> R) -> R {
        self.slot.value.with(|held| {
            // SAFETY: the pointer is the cell's own; locked (I1), and what is needed is there (I2):
            // by the one who locked it, who is counted.
            read(unsafe { &*held.cast::<T>() })
        })
    }

    /// One more needs it.
    pub(super) fn share(self) {
        self.slot.store(self.state.with_one(), "share-store");
        std::mem::forget(self);
    }
}

impl<T> Drop for Locked<'_, T> {
    /// R4.
    #[inline]
    fn drop(&mut self) {
        let state = self.state.without_one();
        let value = (state.is_taken() && needs_drop::<T>()).then(|| {
            self.slot.value.with_mut(|held| {
                // SAFETY: as in `read`; nobody needs it any more, so it is not looked at again.
                unsafe { held.cast::<T>().read() }
            })
        });
        self.slot.store(state, "unlock-store");
        drop(value);
    }
}
