//! One receiver's word, and the registry of all.
//!
//! The word is the second of the three in `ring.rs`: its owner pins and advances it, publishers
//! evict and flag it. Whoever is not the owner holds the registry's lock while writing it.

use super::sequence::{CursorWord, NOBODY, ONLY_DETACHED};
use crate::sync::{Arc, AtomicU64, AtomicUsize, Ordering, acquire, release, step};
use std::collections::BTreeSet;

/// How a receiver and the publishers stand to each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Holds publishers back: they may not lap it.
    Gating,
    /// May be lapped, and is told then how much it missed.
    Lossy,
}

/// A receiver's position, on cache lines of its own.
///
/// Padded on both sides rather than aligned: receivers come and go, and aligned allocations are
/// several times slower.
#[derive(Debug)]
#[repr(C)]
pub(crate) struct Cursor {
    _before: [u64; 14], // and the two counts of the `Arc`
    word: AtomicU64,
    /// Where the registry keeps it; read and written under the registry's lock only.
    index: AtomicUsize,
    _after: [u64; 16],
}

pub(crate) type CursorRef = Arc<Cursor>;

/// What came of an attempt to evict a lossy cursor.
enum Eviction {
    /// It was below the floor, and is detached now.
    Evicted { flagged: bool },
    /// It was detached already.
    Detached,
    /// It stands at this sequence, not below the floor.
    Ahead(u64),
    /// It is below the floor and reading right now.
    Busy,
}

/// Where a cursor stands, seen from somebody who waits for it to reach a target.
pub(crate) enum Standing {
    Reached,
    /// Below, and flagged if that was asked for.
    Behind,
    /// Below, detached: it owns only what is retained.
    Detached,
    /// Below, and reading right now, so that it cannot be flagged.
    Busy,
}

impl Cursor {
    pub(crate) fn new(word: CursorWord) -> CursorRef {
        Arc::new(Self {
            _before: [0; 14],
            word: AtomicU64::new(word.0),
            index: AtomicUsize::new(usize::MAX),
            _after: [0; 16],
        })
    }

    /// A cursor at the same place, under the registry's lock. Whoever waits for the original to
    /// move on has flagged that one.
    pub(crate) fn duplicate(&self) -> CursorRef {
        let word = self.load();
        Self::new(if word.is_detached() {
            word
        } else {
            CursorWord::at(word.sequence())
        })
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
        !word.is_detached() && word.sequence() == sequence
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

    /// R4 for a gating receiver: moves on, and tells whether a publisher had flagged the cursor.
    ///
    /// Release pairs with [`load`](Self::load). A swap, so that a flag set before it is seen and
    /// one set after it meets the new position; what the flag's setter knew comes by the
    /// registry's lock, which both take.
    #[inline]
    pub(crate) fn advance(&self, next: u64) -> bool {
        let next = CursorWord::at(next).0;
        if !step("advance-rmw") {
            let seen = self.load();
            self.word.store(next, release("cursor-advance"));
            return seen.is_flagged();
        }
        CursorWord(self.word.swap(next, release("cursor-advance"))).is_flagged()
    }

    /// Attaches a detached cursor, under the registry's lock: its owner's pins fail until then,
    /// and those that come later do not expect this position. Relaxed: others look under the lock.
    pub(crate) fn attach(&self, at: CursorWord) {
        self.word.store(at.0, Ordering::Relaxed);
    }

    /// P4: takes a lossy cursor off if it is below `floor`.
    ///
    /// Acquire as in [`load`](Self::load): it may have read the slot's earlier laps.
    fn evict(&self, floor: u64) -> Eviction {
        loop {
            let word = self.load();
            if word.is_detached() {
                return Eviction::Detached;
            }
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

    /// Flags a gating cursor that still is below `target`, and tells whether it is.
    ///
    /// `fetch_or` against the owner's `swap`: either the owner sees the flag and hands it on, or
    /// the position that comes back is the new one. Relaxed: nothing is read or overwritten by
    /// this; who acts on the position loads it again.
    fn flag_below(&self, target: u64) -> bool {
        if self.load().sequence() >= target {
            return false;
        }
        let flagged = CursorWord(self.word.fetch_or(CursorWord::FLAGGED, Ordering::Relaxed));
        flagged.sequence() < target || !step("flag-check")
    }

    /// Where a lossy cursor stands. One that is below the target is flagged, unless it is busy:
    /// its owner would write over the flag.
    fn flag_lossy_below(&self, target: u64) -> Standing {
        loop {
            let word = self.load();
            if word.is_detached() {
                return Standing::Detached;
            }
            if word.sequence() >= target {
                return Standing::Reached;
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

/// All cursors of one kind. The first is the last known laggard: a full ring looks there first.
#[derive(Debug, Default)]
pub(crate) struct Cursors(Vec<CursorRef>);

impl Cursors {
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &CursorRef> {
        self.0.iter()
    }

    pub(crate) fn push(&mut self, cursor: CursorRef) {
        cursor.index.store(self.0.len(), Ordering::Relaxed);
        self.0.push(cursor);
    }

    pub(crate) fn remove(&mut self, cursor: &Cursor) {
        let index = cursor.index.load(Ordering::Relaxed);
        self.0.swap_remove(index);
        self.renumber(index);
    }

    fn renumber(&self, index: usize) {
        if let Some(cursor) = self.0.get(index) {
            cursor.index.store(index, Ordering::Relaxed);
        }
    }

    fn put_first(&mut self, index: usize) {
        self.0.swap(0, index);
        self.renumber(0);
        self.renumber(index);
    }

    /// A lower bound of all positions if each of them has reached `target`; else `None`, and the
    /// laggard stands first. A detached cursor has reached nothing. With `flag`, for gating
    /// cursors only, the laggard is left flagged.
    pub(crate) fn reached(&mut self, target: u64, flag: bool) -> Option<u64> {
        let mut bound = NOBODY;
        for index in 0..self.0.len() {
            let cursor = &self.0[index];
            let word = if flag && cursor.flag_below(target) {
                None
            } else {
                Some(cursor.load()).filter(|word| !word.is_detached())
            };
            match word.map(CursorWord::sequence) {
                Some(sequence) if sequence >= target => bound = bound.min(sequence),
                _ => {
                    self.put_first(index);
                    return None;
                }
            }
        }
        Some(bound)
    }

    /// Takes every lossy cursor below `floor` off, and notes if a flag came off with one. A
    /// lower bound of the others' positions; `None` if one is busy.
    pub(crate) fn evict(&self, floor: u64, flag_came_off: &mut bool) -> Option<u64> {
        let mut bound = if self.0.is_empty() {
            NOBODY
        } else {
            ONLY_DETACHED
        };
        for cursor in &self.0 {
            match cursor.evict(floor) {
                Eviction::Evicted { flagged } => *flag_came_off |= flagged,
                Eviction::Detached => {}
                Eviction::Ahead(sequence) => bound = bound.min(sequence),
                Eviction::Busy => return None,
            }
        }
        Some(bound)
    }

    /// The first lossy cursor that is below `target`, flagged if possible, and where it stands.
    pub(crate) fn flag_lossy(&mut self, target: u64) -> Option<(Standing, &CursorRef)> {
        let (index, standing) =
            (0..self.0.len()).find_map(|index| match self.0[index].flag_lossy_below(target) {
                Standing::Reached => None,
                standing => Some((index, standing)),
            })?;
        self.put_first(index);
        Some((standing, &self.0[0]))
    }
}

/// Everything that is behind the registry's lock. Never taken on the hot path; no user code runs
/// under it.
#[derive(Debug, Default)]
pub(crate) struct Registry {
    pub(crate) gating: Cursors,
    pub(crate) lossy: Cursors,
    /// The sequences that somebody waits for all receivers to reach.
    pub(crate) drains: BTreeSet<u64>,
    /// Events that receivers were told they missed.
    pub(crate) missed: u64,
    /// No slot holds a value of a sequence below this that all have received.
    pub(crate) released: u64,
    /// The number of the next receiver, which decides its shard.
    pub(crate) subscribed: usize,
}

impl Registry {
    pub(crate) fn cursors(&mut self, kind: Kind) -> &mut Cursors {
        match kind {
            Kind::Gating => &mut self.gating,
            Kind::Lossy => &mut self.lossy,
        }
    }
}
