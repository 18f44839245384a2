//! The permits that are out. They are granted and given back under the registry's lock, and used without.

use crate::sync::{AtomicU64, Ordering, acquire, release, step};

/// What there is of permits: `out << 17 | being used << 1 | AWAITED`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct PermitsWord(u64);

impl PermitsWord {
    /// Somebody waits for one to be used, rather than for a receiver.
    const AWAITED: u64 = 1;
    const USED: u64 = 2;
    const OUT: u64 = 1 << 17;

    /// Sequences that were granted, and neither claimed nor given back.
    #[inline]
    pub(super) fn out(self) -> u64 {
        self.0 / Self::OUT
    }

    /// Somebody is between the claim and the count, or near it.
    fn is_being_used(self) -> bool {
        self.0 % Self::OUT >= Self::USED
    }

    /// So many more.
    #[inline]
    pub(super) fn grant(&mut self, count: u64) {
        self.0 += count * Self::OUT;
    }

    fn is_awaited(self) -> bool {
        self.0 & Self::AWAITED != 0
    }
}

#[derive(Debug)]
pub(super) struct Permits(AtomicU64);

impl Permits {
    pub(super) fn new() -> Self {
        Self(AtomicU64::new(0))
    }

    /// What is out, before a look at the tail.
    ///
    /// Acquire pairs with [`end_use`](Self::end_use): who does not count a permit any more sees its claim
    /// in the tail.
    #[inline]
    pub(super) fn load(&self) -> PermitsWord {
        PermitsWord(self.0.load(acquire("permits-load")))
    }

    pub(super) fn grant(&self, count: u64) {
        self.add(count * PermitsWord::OUT, Ordering::Relaxed);
    }

    pub(super) fn give_back(&self, count: u64) {
        let less = (count * PermitsWord::OUT).wrapping_neg();
        self.add(less, Ordering::Relaxed);
    }

    /// Before a claim with permits, which releases this.
    #[inline]
    pub(super) fn begin_use(&self) {
        self.add(PermitsWord::USED, Ordering::Relaxed);
    }

    /// After it: so many are out no more. Whether somebody waits for that.
    #[inline]
    pub(super) fn end_use(&self, count: u64) -> bool {
        let begun = if step("permit-begin") {
            PermitsWord::USED
        } else {
            0
        };
        let less = (count * PermitsWord::OUT + begun).wrapping_neg();
        self.add(less, release("permit-used")).is_awaited()
    }

    /// Whether what was found by this count holds: nobody has used a permit since, or is about to. With
    /// `awaited`, who uses one after that is told that somebody waits for it.
    ///
    /// Relaxed: who has seen a claim in the tail sees the use that it belongs to begun.
    pub(super) fn are_still(&self, counted: PermitsWord, awaited: bool) -> bool {
        let now = if awaited && step("permits-awaited") {
            self.0.fetch_or(PermitsWord::AWAITED, Ordering::Relaxed)
        } else {
            self.0.load(Ordering::Relaxed)
        };
        !step("permits-again") || (now == counted.0 && !counted.is_being_used())
    }

    /// Nobody waits for one to be used, unless he says so again.
    #[inline]
    pub(super) fn unawait(&self) {
        if self.load().is_awaited() {
            self.0.fetch_and(!PermitsWord::AWAITED, Ordering::Relaxed);
        }
    }

    #[inline]
    fn add(&self, amount: u64, ordering: Ordering) -> PermitsWord {
        if !step("permits-rmw") {
            let seen = self.0.load(Ordering::Relaxed);
            self.0.store(seen.wrapping_add(amount), ordering);
            return PermitsWord(seen);
        }
        PermitsWord(self.0.fetch_add(amount, ordering))
    }
}
