//! One receiver's word.
//!
//! It is the third one in `ring.rs`: its owner pins and advances it, publishers evict and
//! flag it. Whoever is not the owner holds the registry's lock while writing it.

use super::Kind;
use super::sequence::CursorWord;
use crate::sync::{Arc, AtomicU64, Ordering, acquire, release, step};
use crate::wait::Targets;
use std::mem::MaybeUninit;
use std::task::Waker;

/// Whose a cursor is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Owner {
    /// Counts the receivers that ever were.
    pub(crate) id: usize,
    pub(crate) kind: Kind,
}

/// A receiver's name. Few have one: a pointer of one word.
pub(crate) type Name = Box<std::sync::Arc<str>>;

/// A receiver's position, and what there is to know of it.
///
/// The word has a cache line of its own, wherever one begins, with what is seldom written, and no other
/// receiver's is in the line beside that. Padded rather than aligned: receivers come and go, and aligned
/// allocations are several times slower.
#[derive(Debug)]
#[repr(C)]
pub(crate) struct Cursor {
    // And before it, in the same allocation, the two counts of the `Arc`.
    pub(crate) owner: Owner,
    /// The registry knows it by this.
    pub(super) number: usize,
    /// Its receiver's, which keeps it when it is evicted.
    pub(crate) name: Option<Name>,
    /// Who waits for it, if it commits.
    watchers: Option<Box<Targets>>,
    missed: AtomicU64,
    word: AtomicU64,
    _after: [MaybeUninit<u64>; 7],
}

pub(crate) type CursorRef = Arc<Cursor>;

/// What came of an attempt to evict a lossy cursor.
pub(super) enum Eviction {
    /// It was below the floor, and is detached now.
    Evicted { flagged: bool },
    /// It stands at this sequence, not below the floor.
    Ahead(u64),
    /// It is below the floor and reading right now.
    Busy,
}

/// Where a cursor stands, seen from somebody who waits for it to reach a target.
pub(super) enum Standing {
    /// At this sequence, not below.
    Reached(u64),
    /// Below, and flagged if that was asked for.
    Behind,
    /// Below, and reading right now, so that it cannot be flagged.
    Busy,
}

impl Cursor {
    #[inline(always)]
    pub(super) fn new(
        word: CursorWord,
        number: usize,
        owner: Owner,
        name: Option<Name>,
    ) -> CursorRef {
        Arc::new(Self {
            owner,
            number,
            name,
            watchers: (owner.kind == Kind::Committing).then(Box::default),
            missed: AtomicU64::new(0),
            word: AtomicU64::new(word.0),
            _after: [MaybeUninit::uninit(); 7],
        })
    }

    /// How many events its owner was told that it missed. A statistic: Relaxed.
    pub(crate) fn missed(&self) -> u64 {
        self.missed.load(Ordering::Relaxed)
    }

    /// Counts some more, under the registry's lock.
    pub(super) fn count_missed(&self, missed: u64) {
        let missed = self.missed() + missed;
        self.missed.store(missed, Ordering::Relaxed);
    }

    /// Where it stands, for somebody under the registry's lock.
    ///
    /// Acquire pairs with the Release in [`advance`](Self::advance) and [`unpin`](Self::unpin):
    /// all that the receiver read before lies behind whoever overwrites it, or raises a bound by
    /// it. Weaker, a publisher would overwrite a value that is being cloned.
    pub(crate) fn load(&self) -> CursorWord {
        CursorWord(self.word.load(acquire("cursor-load")))
    }

    /// Whether it is where its owner, who asks, left it. Relaxed: if not, the lock comes next.
    pub(crate) fn is_at(&self, sequence: u64) -> bool {
        let word = CursorWord(self.word.load(Ordering::Relaxed));
        word.flagged() == CursorWord::at(sequence).flagged()
    }

    /// Where an evictable receiver, which asks, was evicted. Relaxed: it reads nothing any more.
    pub(crate) fn evicted(&self) -> Option<u64> {
        let word = CursorWord(self.word.load(Ordering::Relaxed));
        word.is_out().then(|| word.sequence())
    }

    /// Where a committing receiver, which asks, has put it. Relaxed: nobody else moves it.
    pub(crate) fn committed(&self) -> u64 {
        CursorWord(self.word.load(Ordering::Relaxed)).sequence()
    }

    /// Where a committing receiver stands, for who follows it, and whether it is gone.
    ///
    /// Acquire pairs with the Release in [`advance`](Self::advance): who sees something committed sees
    /// what was done with it before.
    pub(crate) fn watermark(&self) -> CursorWord {
        CursorWord(self.word.load(acquire("watermark-load")))
    }

    /// Where those stand who wait for this committing receiver, or behind it.
    pub(crate) fn watchers(&self) -> &Targets {
        self.watchers.as_deref().expect("it commits")
    }

    /// Somebody stands in the list of those who wait for it: its next commit is to look there. What the
    /// word was before.
    ///
    /// `fetch_or` against the owner's `swap`: one of them sees the other. Acquire as in
    /// [`watermark`](Self::watermark). No Release: whoever takes WATCHED off locks the list that we stand
    /// in, after us, or we would have seen it gone. So it will do as well if somebody else has set it.
    pub(super) fn mark_watched(&self) -> CursorWord {
        let ordering = acquire("watch-mark");
        CursorWord(self.word.fetch_or(CursorWord::WATCHED, ordering))
    }

    /// Its committing receiver goes. Those who waited for it. Relaxed: what it has done was released by its
    /// last commit.
    pub(super) fn leave(&self) -> Vec<Waker> {
        if !step("mark-gone") {
            return Vec::new();
        }
        let before = CursorWord(self.word.fetch_or(CursorWord::GONE, Ordering::Relaxed));
        if !before.is_watched() || !step("tell-gone") {
            return Vec::new();
        }
        self.watchers().take()
    }

    /// R2: keeps publishers off the slots from `sequence` on. `Some(flagged)` if pinned; `None` if
    /// the cursor was taken away from there.
    ///
    /// Relaxed suffices: pin and evict are settled by the word's modification order alone. What is
    /// read while pinned was published by the stamp (R1), and is given back by `unpin`.
    #[inline]
    pub(crate) fn pin(&self, sequence: u64) -> Option<bool> {
        let plain = CursorWord::at(sequence);
        match self.exchange(plain, plain.busy(), "pin-rmw") {
            Ok(()) => Some(false),
            Err(found) if step("pin-flagged") && found == plain.flagged() => {
                let pinned = self.exchange(found, found.busy(), "pin-rmw");
                pinned.is_ok().then_some(true)
            }
            Err(_) => None,
        }
    }

    /// Weakened, a plain store.
    #[inline]
    fn exchange(&self, old: CursorWord, new: CursorWord, label: &str) -> Result<(), CursorWord> {
        if !step(label) {
            self.word.store(new.0, Ordering::Relaxed);
            return Ok(());
        }
        self.word
            .compare_exchange(old.0, new.0, Ordering::Relaxed, Ordering::Relaxed)
            .map(|_| ())
            .map_err(CursorWord)
    }

    /// R4 for a lossy receiver: while BUSY nobody else writes the word (I4), so a store will do.
    /// Release pairs with [`load`](Self::load).
    #[inline]
    pub(crate) fn unpin(&self, next: u64) {
        self.word
            .store(CursorWord::at(next).0, release("cursor-unpin"));
    }

    /// R4 for a gating receiver: moves on, and tells what the word was: whether a publisher had flagged
    /// it, or somebody had evicted the receiver.
    ///
    /// Release pairs with [`load`](Self::load). A swap, so that a flag set before it is seen and
    /// one set after it meets the new position; what the flag's setter knew comes by the
    /// registry's lock, which both take.
    #[inline]
    pub(crate) fn advance(&self, next: u64) -> CursorWord {
        let next = CursorWord::at(next).0;
        if !step("advance-rmw") {
            let seen = self.load();
            self.word.store(next, release("cursor-advance"));
            return seen;
        }
        CursorWord(self.word.swap(next, release("cursor-advance")))
    }

    /// Evicts an evictable receiver, and flags the cursor, if that is to be. What the word was.
    ///
    /// A read-modify-write against those of R2 and R4: a pin that comes later fails, and who is pinned
    /// finds OUT in what it writes over. Relaxed, as the pin: who takes the cursor off loads it again.
    pub(super) fn oust(&self, flagged: bool) -> CursorWord {
        let flag = if flagged { CursorWord::FLAGGED } else { 0 };
        if !step("oust-rmw") {
            let seen = self.load();
            let out = seen.0 | flag | CursorWord::OUT;
            self.word.store(out, Ordering::Relaxed);
            return seen;
        }
        let out = flag | CursorWord::OUT;
        CursorWord(self.word.fetch_or(out, Ordering::Relaxed))
    }

    /// Attaches a detached cursor, under the registry's lock: its owner's pins fail until then,
    /// and those that come later do not expect this position. Relaxed: others look under the lock.
    pub(super) fn attach(&self, at: CursorWord) {
        self.word.store(at.0, Ordering::Relaxed);
    }

    /// P4: takes a lossy cursor off if it is below `floor`.
    ///
    /// Acquire as in [`load`](Self::load): it may have read the slot's earlier laps.
    pub(super) fn evict(&self, floor: u64) -> Eviction {
        loop {
            let word = self.load();
            if word.sequence() >= floor {
                return Eviction::Ahead(word.sequence());
            }
            if word.is_busy() && step("evict-busy") {
                return Eviction::Busy;
            }
            let evicted = self.exchange(word, CursorWord::DETACHED, "evict-rmw");
            if evicted.is_ok() {
                return Eviction::Evicted {
                    flagged: word.is_flagged(),
                };
            }
        }
    }

    /// Where a gating cursor stands. With `flag`, one that is below the target is flagged.
    ///
    /// `fetch_or` against the owner's `swap`: either the owner sees the flag and hands it on, or
    /// the position that comes back is the new one. Relaxed: nothing is read or overwritten by
    /// this; who acts on the position loads it again.
    pub(super) fn gating_below(&self, target: u64, flag: bool) -> Standing {
        let mut word = self.load();
        if word.sequence() < target && flag {
            let flagged = self.word.fetch_or(CursorWord::FLAGGED, Ordering::Relaxed);
            if CursorWord(flagged).sequence() >= target && step("flag-check") {
                word = self.load();
            }
        }
        if word.sequence() < target {
            Standing::Behind
        } else {
            Standing::Reached(word.sequence())
        }
    }

    /// Where an attached lossy cursor stands. One that is below the target is flagged, unless it is
    /// busy: its owner would write over the flag.
    pub(super) fn lossy_below(&self, target: u64, flag: bool) -> Standing {
        loop {
            let word = self.load();
            if word.sequence() >= target {
                return Standing::Reached(word.sequence());
            }
            if !flag {
                return Standing::Behind;
            }
            if word.is_busy() && step("flag-busy") {
                return Standing::Busy;
            }
            let flagged = word.flagged();
            if word.is_flagged() || self.exchange(word, flagged, "flag-lossy").is_ok() {
                return Standing::Behind;
            }
        }
    }
}
