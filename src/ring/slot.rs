//! One slot of the ring: the stamp and the value.
#![allow(unsafe_code)]

use crate::ring::sequence::StampWord;
use crate::sync::{
    AtomicU64, Backoff, Ordering, UnsafeCell, acq_rel, acquire, release, step, write_over,
};
use std::mem::needs_drop;

/// `sequence s` lives in the slot `s & mask`, lap after lap.
///
/// Aligned so that a slot with a small event is on one cache line, with one other.
#[repr(align(32))]
pub(crate) struct Slot<E> {
    /// Which lap the value is of. Written by the publisher that claimed the sequence (P7), and by
    /// receivers that register to be woken.
    stamp: AtomicU64,
    /// Written by the publisher between P4 and P7, and by whoever releases it (I1).
    value: UnsafeCell<Option<E>>,
}

// SAFETY: `&Slot` lets one thread move an `E` in or out (`E: Send`) and several read one at a time
// in place (`E: Sync`); the callers of the unsafe methods keep these apart (I1).
unsafe impl<E: Send + Sync> Sync for Slot<E> {}

impl<E> Slot<E> {
    /// How many begin in a cache line.
    pub(crate) const IN_A_LINE: usize = match size_of::<Self>() {
        0..64 => 64 / size_of::<Self>(),
        _ => 1,
    };

    /// An empty slot, as if what precedes the sequence `next` had been committed there, and read.
    pub(crate) fn new(next: u64) -> Self {
        Self {
            stamp: AtomicU64::new(StampWord::next_is(next).0),
            value: UnsafeCell::new(None),
        }
    }

    /// R1. Acquire pairs with [`commit`](Self::commit): who sees the stamp sees the value.
    #[inline]
    pub(crate) fn stamp(&self) -> StampWord {
        StampWord(self.stamp.load(acquire("stamp-load")))
    }

    /// R1 for a receiver that cannot be lapped meanwhile: whether the sequence is committed.
    #[inline]
    pub(crate) fn has(&self, sequence: u64) -> bool {
        self.stamp() >= StampWord::committed(sequence)
    }

    /// R1 for a receiver of this shard that stands in its list already: unless `sequence` is
    /// committed, the stamp comes back with the shard's WAITING bit in it, so that the commit will
    /// notify (I7).
    ///
    /// `fetch_or` against the commit's `swap`: one of them sees the other. Acquire as in
    /// [`stamp`](Self::stamp), and to see the CLOSED that precedes
    /// [`take_waiting`](Self::take_waiting). No Release: whoever takes the bit out locks the list
    /// that we stand in, after us, or we would have seen the bit gone. So it will do as well if
    /// somebody else of the shard has set the bit.
    pub(crate) fn mark(&self, sequence: u64, shard: usize) -> StampWord {
        let seen = self.stamp();
        if seen.next() > sequence || seen.is_waiting(shard) {
            return seen;
        }
        let bit = StampWord::waiting_bit(shard);
        if !step("mark-rmw") {
            self.stamp.store(seen.0 | bit, Ordering::Relaxed);
            return seen;
        }
        StampWord(self.stamp.fetch_or(bit, acquire("stamp-mark")))
    }

    /// P5: waits until the publisher that claimed the slot one lap before `sequence`, of so many slots,
    /// has committed. Acquire: its write of the value lies behind ours.
    #[inline]
    pub(crate) fn await_previous(&self, sequence: u64, slots: u64) {
        if step("await-previous")
            && self.previous().a_lap_later(slots) < StampWord::committed(sequence)
        {
            self.snooze_until(sequence - slots);
        }
    }

    #[cold]
    fn snooze_until(&self, previous: u64) {
        let backoff = Backoff::new();
        while self.previous().next() <= previous {
            backoff.snooze();
        }
    }

    #[inline]
    fn previous(&self) -> StampWord {
        StampWord(self.stamp.load(acquire("previous-load")))
    }

    /// Fetches its first cache line for a publisher that is going to write there. A hint, which reads and
    /// changes nothing.
    ///
    /// Not by `_mm_prefetch`: for a target that may lack [`prefetchw`] that fetches the line only to
    /// be read. Some of Intel's processors from before 2008 may lack it; 64-bit Windows requires it.
    ///
    /// [`prefetchw`]: https://www.felixcloutier.com/x86/prefetchw
    #[inline]
    pub(crate) fn prefetch(&self) {
        let address = std::ptr::from_ref(self).addr();
        #[cfg(all(target_arch = "x86_64", not(miri)))]
        // SAFETY: it has no effect but on the cache, and no address makes it fault.
        unsafe {
            std::arch::asm!("prefetchw [{}]", in(reg) address, options(nomem, nostack, preserves_flags));
        }
        #[cfg(not(all(target_arch = "x86_64", not(miri))))]
        let _ = address;
    }

    /// P7: publishes the value and takes out the WAITING bits, to be notified.
    ///
    /// Release publishes the value. Acquire takes over what the last receiver to drop did before
    /// [`touch`](Self::touch).
    #[inline]
    pub(crate) fn commit(&self, sequence: u64) -> StampWord {
        let committed = StampWord::committed(sequence);
        if !step("commit-rmw") {
            let seen = self.stamp();
            self.stamp.store(committed.0, release("commit-release"));
            return seen;
        }
        let ordering = acq_rel("commit-acquire", "commit-release");
        StampWord(self.stamp.swap(committed.0, ordering))
    }

    /// P7 for a later slot of a batch: a plain store, which loses the WAITING bits of those who have come
    /// there already. Whoever commits so owes them a look whether they can have.
    #[inline]
    pub(crate) fn commit_unawaited(&self, sequence: u64) {
        let committed = StampWord::committed(sequence);
        write_over(&self.stamp, committed.0, release("commit-unawaited"));
    }

    /// Takes out the WAITING bits without a commit, when the bus was closed. Release after the
    /// CLOSED in `tail`: who registers later sees it.
    #[inline]
    pub(crate) fn take_waiting(&self) -> StampWord {
        let open = !StampWord::WAITING;
        StampWord(self.stamp.fetch_and(open, release("take-waiting")))
    }

    /// Whether `sequence` is committed. If not, this was told by a read-modify-write, and the
    /// publisher that commits it later sees what we did before. Acquire as in
    /// [`stamp`](Self::stamp).
    pub(crate) fn is_committed(&self, sequence: u64) -> bool {
        self.stamp().next() == sequence + 1 || self.touch().next() == sequence + 1
    }

    fn touch(&self) -> StampWord {
        if !step("slot-touch") {
            return self.stamp();
        }
        let ordering = acq_rel("slot-touch-acquire", "slot-touch-release");
        StampWord(self.stamp.fetch_add(0, ordering))
    }

    /// Takes the value, and leaves the old one in its place, if that has to be dropped. In place, since
    /// a large one would be copied once more to be handed over.
    ///
    /// # Safety
    ///
    /// Nobody else may be reading or writing it, and all who did must lie behind this call (I1).
    #[inline]
    pub(crate) unsafe fn exchange(&self, value: &mut Option<E>) {
        self.value.with_mut(|slot| {
            // SAFETY: the pointer is the cell's own; exclusive by this function's contract.
            let slot = unsafe { &mut *slot };
            if needs_drop::<E>() {
                std::mem::swap(slot, value);
            } else {
                *slot = value.take();
            }
        });
    }

    /// Takes the value out.
    ///
    /// # Safety
    ///
    /// As for [`exchange`](Self::exchange).
    #[inline]
    pub(crate) unsafe fn take(&self) -> Option<E> {
        self.value.with_mut(|slot| {
            // SAFETY: the pointer is the cell's own; exclusive by this function's contract.
            unsafe { &mut *slot }.take()
        })
    }

    /// Whether there is a value.
    ///
    /// # Safety
    ///
    /// As for [`exchange`](Self::exchange).
    #[inline]
    pub(crate) unsafe fn is_full(&self) -> bool {
        self.value.with(|slot| {
            // SAFETY: the pointer is the cell's own; not written meanwhile by this function's contract.
            unsafe { &*slot }.is_some()
        })
    }

    /// The value in place, for as long as it stays there.
    ///
    /// # Safety
    ///
    /// The value must have been committed, and nobody may write it while it is borrowed.
    pub(crate) unsafe fn get(&self) -> &E {
        // SAFETY: the pointer is the cell's own; not written meanwhile by this function's contract.
        let value = self.value.with(|slot| unsafe { &*slot });
        unread(value.as_ref())
    }

    /// Reads the value in place.
    ///
    /// # Safety
    ///
    /// The value must have been committed, and nobody may write it before this returns or unwinds.
    #[inline]
    pub(crate) unsafe fn read<R>(&self, read: impl FnOnce(&E) -> R) -> R {
        self.value.with(|slot| {
            // SAFETY: the pointer is the cell's own; not written meanwhile by this function's
            // contract.
            let slot = unsafe { &*slot };
            read(unread(slot.as_ref()))
        })
    }
}

/// What has to be there by I1. If it is not, nothing that was read can be trusted, and the process
/// aborts. (To unwind would take room for all that is pinned: a tenth of a receive in a task.)
#[inline]
pub(crate) fn unread<T>(event: Option<T>) -> T {
    #[cold]
    extern "C" fn missing() -> ! {
        panic!("an unread event is in its slot (I1)")
    }
    event.unwrap_or_else(|| missing())
}
