//! All cursors, under a lock: which is the slowest of each kind.
//!
//! Positions only grow, so that one that was seen is a lower bound for ever. The attached cursors
//! of a kind stand in a heap by the position last seen; to find out whether all have reached
//! something, only those are looked at again whose bounds are below it. Each look is paid for by
//! a receiver that has moved since, or ends the search: who looks for the slowest pays as the
//! logarithm of the number of receivers, whoever lags, and in whatever order they read.

use super::Kind;
use super::attendance::Unawaited;
use super::crowd::Crowd;
use super::cursor::{Cursor, CursorRef, Eviction, Name, Owner, Standing};
use super::room::Room;
use super::sequence::{CursorWord, NOBODY, ONLY_DETACHED};
use std::collections::BTreeSet;

/// All cursors of one kind.
#[derive(Debug)]
pub(crate) struct Cursors {
    kind: Kind,
    members: Members,
}

/// One is known without being kept account of.
#[derive(Debug)]
enum Members {
    Sole(Option<CursorRef>),
    /// There have been several.
    Crowd(Box<Crowd>),
}

/// Why a target is not reached.
pub(crate) enum Behind {
    /// By somebody who was flagged, if that was asked for.
    Attached,
    /// By somebody who owns only what is retained, and cannot be flagged until attached.
    Detached(CursorRef),
    /// By somebody who is reading right now, and could not be flagged.
    Busy,
}

impl Cursors {
    fn new(kind: Kind) -> Self {
        Self {
            kind,
            members: Members::Sole(None),
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        match &self.members {
            Members::Sole(sole) => sole.is_none(),
            Members::Crowd(crowd) => crowd.is_empty(),
        }
    }

    pub(crate) fn has_detached(&self) -> bool {
        match &self.members {
            Members::Sole(sole) => sole.as_ref().is_some_and(|sole| sole.load().is_detached()),
            Members::Crowd(crowd) => crowd.has_detached(),
        }
    }

    fn any_detached(&mut self) -> Option<CursorRef> {
        match &mut self.members {
            Members::Sole(sole) => sole
                .as_ref()
                .filter(|sole| sole.load().is_detached())
                .cloned(),
            Members::Crowd(crowd) => crowd.any_detached(),
        }
    }

    /// A cursor that stands there.
    pub(crate) fn add(&mut self, at: u64, owner: Owner, name: Option<Name>) -> CursorRef {
        self.enrol(CursorWord::at(at), owner, name)
    }

    /// A cursor at the same place. Whoever waits for the original to move on has flagged that one.
    pub(crate) fn add_beside(&mut self, original: &Cursor, owner: Owner) -> CursorRef {
        let (word, name) = (original.load(), original.name.clone());
        if word.is_detached() {
            self.enrol(word, owner, name)
        } else {
            self.add(word.sequence(), owner, name)
        }
    }

    fn enrol(&mut self, word: CursorWord, owner: Owner, name: Option<Name>) -> CursorRef {
        let sole = match &mut self.members {
            Members::Crowd(crowd) => return crowd.add(word, owner, name),
            Members::Sole(sole) => sole,
        };
        let Some(first) = sole.take() else {
            return CursorRef::clone(sole.insert(Cursor::new(word, 0, owner, name)));
        };
        let mut crowd = Box::new(Crowd::of(first));
        let cursor = crowd.add(word, owner, name);
        self.members = Members::Crowd(crowd);
        cursor
    }

    pub(crate) fn remove(&mut self, cursor: &Cursor) {
        match &mut self.members {
            Members::Sole(sole) => *sole = None,
            Members::Crowd(crowd) => crowd.remove(cursor),
        }
    }

    /// Attaches a detached cursor.
    pub(crate) fn attach(&mut self, cursor: &Cursor, at: CursorWord) {
        if let Members::Crowd(crowd) = &mut self.members {
            crowd.attach(cursor, at.sequence());
        }
        cursor.attach(at);
    }

    pub(crate) fn members(&self) -> impl Iterator<Item = &CursorRef> {
        let (sole, crowd) = match &self.members {
            Members::Sole(sole) => (sole.as_ref(), None),
            Members::Crowd(crowd) => (None, Some(crowd.members())),
        };
        sole.into_iter().chain(crowd.into_iter().flatten())
    }

    /// The evictable one with this number among all receivers that ever were.
    pub(super) fn evictable(&self, id: usize) -> Option<CursorRef> {
        let mut members = self.members();
        let found = members.find(|one| one.owner.id == id && one.owner.kind == Kind::Evictable)?;
        Some(CursorRef::clone(found))
    }

    /// An attached one, and a bound of where it stands that is no greater than that of any other.
    fn least(&self) -> Option<(u64, &CursorRef)> {
        match &self.members {
            Members::Sole(sole) => {
                let sole = sole.as_ref()?;
                let word = sole.load();
                (!word.is_detached()).then(|| (word.sequence(), sole))
            }
            Members::Crowd(crowd) => crowd.least(),
        }
    }

    fn raise_least(&mut self, bound: u64) {
        if let Members::Crowd(crowd) = &mut self.members {
            crowd.raise_least(bound);
        }
    }

    /// An attached cursor that may be below `target`.
    fn below(&self, target: u64) -> Option<&Cursor> {
        let (bound, cursor) = self.least()?;
        (bound < target).then_some(cursor)
    }

    /// Where the slowest one that is attached stands.
    pub(crate) fn slowest(&mut self) -> u64 {
        while let Some((bound, cursor)) = self.least() {
            let stands_at = cursor.load().sequence();
            if stands_at == bound {
                return bound;
            }
            self.raise_least(stands_at);
        }
        NOBODY
    }

    /// Where the slowest one stands, if all have reached `target`. With `flag`, one that has not is
    /// left flagged, unless it is busy. A detached cursor has reached nothing.
    #[inline]
    pub(crate) fn reached(&mut self, target: u64, flag: bool) -> Result<u64, Behind> {
        match (self.kind, &self.members) {
            (Kind::Gating, Members::Sole(Some(sole))) => match sole.gating_below(target, flag) {
                Standing::Reached(stands_at) => Ok(stands_at),
                _ => Err(Behind::Attached),
            },
            _ => self.reached_by_all(target, flag),
        }
    }

    fn reached_by_all(&mut self, target: u64, flag: bool) -> Result<u64, Behind> {
        while let Some(cursor) = self.below(target) {
            let standing = match self.kind {
                Kind::Lossy => cursor.lossy_below(target, flag),
                _ => cursor.gating_below(target, flag),
            };
            match standing {
                Standing::Reached(stands_at) => self.raise_least(stands_at),
                Standing::Behind => return Err(Behind::Attached),
                Standing::Busy => return Err(Behind::Busy),
            }
        }
        match self.any_detached() {
            Some(cursor) => Err(Behind::Detached(cursor)),
            None => Ok(self.slowest()),
        }
    }

    /// Where the slowest of the others stands, if none is detached.
    fn slowest_but(&mut self, own: &Cursor) -> Option<u64> {
        match &mut self.members {
            Members::Sole(_) => Some(NOBODY),
            Members::Crowd(crowd) => crowd.slowest_but(own),
        }
    }

    /// Where the slowest one stands, if all have reached `target`, as in [`reached`](Self::reached), but by
    /// a look at each of them: the bounds stay as low as they are.
    pub(crate) fn least_of_all(&self, target: u64) -> Option<u64> {
        self.members().try_fold(NOBODY, |least, cursor| {
            let word = cursor.load();
            let reached = !word.is_detached() && word.sequence() >= target;
            reached.then(|| least.min(word.sequence()))
        })
    }

    /// Takes every lossy cursor below `floor` off, and notes if a flag came off with one. A
    /// lower bound of the others' positions; `None` if one is busy.
    pub(crate) fn evict(&mut self, floor: u64, flag_came_off: &mut bool) -> Option<u64> {
        let sole = match &mut self.members {
            Members::Crowd(crowd) => return crowd.evict(floor, flag_came_off),
            Members::Sole(sole) => sole,
        };
        match sole {
            None => Some(NOBODY),
            Some(sole) if sole.load().is_detached() => Some(ONLY_DETACHED),
            Some(sole) => match sole.evict(floor) {
                Eviction::Evicted { flagged } => {
                    *flag_came_off |= flagged;
                    Some(ONLY_DETACHED)
                }
                Eviction::Ahead(stands_at) => Some(stands_at),
                Eviction::Busy => None,
            },
        }
    }
}

/// Everything that is behind the registry's lock. Never taken on the hot path; no user code runs
/// under it.
#[derive(Debug)]
#[repr(C)]
pub(crate) struct Registry {
    /// First, beside the lock: whoever waits for room, or grants some, takes the lock for just that.
    pub(super) room: Room,
    pub(crate) gating: Cursors,
    pub(crate) lossy: Cursors,
    /// The sequences that somebody waits for all receivers to reach.
    pub(super) drains: BTreeSet<u64>,
    pub(super) unawaited: Unawaited,
    /// Events that receivers were told they missed.
    pub(crate) missed: u64,
    /// No gating receiver has started further on. `None` if one has come since `limit` was raised.
    pub(super) read_from: Option<u64>,
    /// No slot holds a value of a sequence below this that all have received.
    pub(crate) released: u64,
    /// How many receivers there ever were.
    pub(crate) subscribed: usize,
}

impl Registry {
    #[inline]
    pub(crate) fn new(first: u64) -> Self {
        Self {
            room: Room::default(),
            gating: Cursors::new(Kind::Gating),
            lossy: Cursors::new(Kind::Lossy),
            drains: BTreeSet::new(),
            unawaited: Unawaited::default(),
            missed: 0,
            read_from: None,
            released: first,
            subscribed: 0,
        }
    }

    /// The end, for a newcomer that starts there, if values may have been left below.
    pub(super) fn caught_up(&self, start: u64, end: u64) -> Option<u64> {
        (start == end && self.released < end).then_some(end)
    }

    /// Where the slowest of the other receivers stands, for one that asks. `None` if it is not attached
    /// itself, or one of them is detached.
    pub(super) fn slowest_but(&mut self, own: &Cursor, kind: Kind) -> Option<u64> {
        let word = own.load();
        if word.is_detached() || (kind == Kind::Evictable && word.is_out()) {
            return None;
        }
        let (own_kind, other) = match kind {
            Kind::Lossy => (&mut self.lossy, &mut self.gating),
            _ => (&mut self.gating, &mut self.lossy),
        };
        Some(
            own_kind
                .slowest_but(own)?
                .min(other.reached(0, false).ok()?),
        )
    }

    /// Those of the committing receivers.
    pub(super) fn committing(&self) -> Vec<CursorRef> {
        if self.gating.is_empty() {
            return Vec::new();
        }
        let commits = |cursor: &&CursorRef| cursor.owner.kind == Kind::Committing;
        self.gating
            .members()
            .filter(commits)
            .map(CursorRef::clone)
            .collect()
    }

    pub(crate) fn cursors(&mut self, kind: Kind) -> &mut Cursors {
        match kind {
            Kind::Lossy => &mut self.lossy,
            _ => &mut self.gating,
        }
    }
}
