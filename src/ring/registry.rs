//! All cursors, under a lock: which is the slowest of each kind.
//!
//! Positions only grow, so that one that was seen is a lower bound for ever. The attached cursors
//! of a kind stand in a heap by the position last seen; to find out whether all have reached
//! something, only those are looked at again whose bounds are below it. Each look is paid for by
//! a receiver that has moved since, or ends the search: who looks for the slowest pays as the
//! logarithm of the number of receivers, whoever lags, and in whatever order they read.

use super::Kind;
use super::cursor::{Cursor, CursorRef, Eviction, Standing};
use super::heap::Heap;
use super::room::Room;
use super::sequence::{CursorWord, NOBODY, ONLY_DETACHED};
use super::watched::Watched;
use std::collections::BTreeSet;

/// Whose a cursor is.
#[derive(Clone, Debug)]
pub(crate) struct Owner {
    /// Counts the receivers that ever were.
    pub(crate) id: usize,
    pub(crate) kind: Kind,
    pub(crate) name: Option<Name>,
}

/// A receiver's name.
pub(crate) type Name = std::sync::Arc<str>;

/// A cursor that is registered.
#[derive(Debug)]
pub(crate) struct Member {
    pub(crate) cursor: CursorRef,
    pub(crate) owner: Owner,
    /// What its owner was told that it missed.
    pub(crate) missed: u64,
}

/// All cursors of one kind.
#[derive(Debug)]
pub(crate) struct Cursors {
    kind: Kind,
    /// By numbers, of which those who left leave theirs to others.
    members: Vec<Option<Member>>,
    vacant: Vec<usize>,
    /// Lower bounds of where the attached ones stand.
    attached: Heap,
    /// All with the same bound.
    detached: Heap,
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
            members: Vec::new(),
            vacant: Vec::new(),
            attached: Heap::default(),
            detached: Heap::default(),
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.attached.is_empty() && self.detached.is_empty()
    }

    pub(crate) fn any_detached(&self) -> bool {
        !self.detached.is_empty()
    }

    /// A cursor that stands there.
    pub(crate) fn add(&mut self, at: u64, owner: Owner) -> CursorRef {
        let cursor = self.enrol(CursorWord::at(at), owner);
        self.attached.insert(cursor.number, at);
        cursor
    }

    /// A cursor at the same place. Whoever waits for the original to move on has flagged that one.
    pub(crate) fn add_beside(&mut self, original: &Cursor, id: usize) -> CursorRef {
        let owner = Owner {
            id,
            ..self.entry(original).owner.clone()
        };
        let word = original.load();
        if !word.is_detached() {
            return self.add(word.sequence(), owner);
        }
        let cursor = self.enrol(word, owner);
        self.detached.insert(cursor.number, 0);
        cursor
    }

    fn enrol(&mut self, word: CursorWord, owner: Owner) -> CursorRef {
        let number = self.vacant.pop().unwrap_or_else(|| {
            self.members.push(None);
            self.members.len() - 1
        });
        let cursor = Cursor::new(word, number);
        self.members[number] = Some(Member {
            cursor: CursorRef::clone(&cursor),
            owner,
            missed: 0,
        });
        cursor
    }

    pub(crate) fn remove(&mut self, cursor: &Cursor) {
        let number = cursor.number;
        if cursor.load().is_detached() {
            self.detached.remove(number);
        } else {
            self.attached.remove(number);
        }
        self.members[number] = None;
        self.vacant.push(number);
    }

    /// Attaches a detached cursor.
    pub(crate) fn attach(&mut self, cursor: &Cursor, at: CursorWord) {
        self.detached.remove(cursor.number);
        self.attached.insert(cursor.number, at.sequence());
        cursor.attach(at);
    }

    fn member(&self, number: usize) -> &Cursor {
        let member = self.members[number].as_ref();
        &member.expect("who has a bound is a member").cursor
    }

    /// What there is to know of a member.
    pub(crate) fn entry(&mut self, cursor: &Cursor) -> &mut Member {
        let member = self.members[cursor.number].as_mut();
        member.expect("it is a member")
    }

    pub(crate) fn members(&self) -> impl Iterator<Item = &Member> {
        self.members.iter().flatten()
    }

    /// An attached cursor that may be below `target`.
    fn below(&self, target: u64) -> Option<&Cursor> {
        let (bound, number) = self.attached.least()?;
        (bound < target).then(|| self.member(number))
    }

    /// Where the slowest one that is attached stands.
    pub(crate) fn slowest(&mut self) -> u64 {
        while let Some((bound, number)) = self.attached.least() {
            let stands_at = self.member(number).load().sequence();
            if stands_at == bound {
                return bound;
            }
            self.attached.raise_least(stands_at);
        }
        NOBODY
    }

    /// Where the slowest one stands, if all have reached `target`. With `flag`, one that has not is
    /// left flagged, unless it is busy. A detached cursor has reached nothing.
    pub(crate) fn reached(&mut self, target: u64, flag: bool) -> Result<u64, Behind> {
        while let Some(cursor) = self.below(target) {
            let standing = match self.kind {
                Kind::Lossy => cursor.lossy_below(target, flag),
                Kind::Gating | Kind::Committing => cursor.gating_below(target, flag),
            };
            match standing {
                Standing::Reached(stands_at) => self.attached.raise_least(stands_at),
                Standing::Behind => return Err(Behind::Attached),
                Standing::Busy => return Err(Behind::Busy),
            }
        }
        match self.detached.least() {
            Some((_, number)) => {
                let member = self.members[number].as_ref();
                let cursor = &member.expect("it is detached").cursor;
                Err(Behind::Detached(CursorRef::clone(cursor)))
            }
            None => Ok(self.slowest()),
        }
    }

    /// Takes every lossy cursor below `floor` off, and notes if a flag came off with one. A
    /// lower bound of the others' positions; `None` if one is busy.
    pub(crate) fn evict(&mut self, floor: u64, flag_came_off: &mut bool) -> Option<u64> {
        while let Some(cursor) = self.below(floor) {
            let number = cursor.number;
            match cursor.evict(floor) {
                Eviction::Evicted { flagged } => {
                    *flag_came_off |= flagged;
                    self.attached.remove(number);
                    self.detached.insert(number, 0);
                }
                Eviction::Ahead(stands_at) => self.attached.raise_least(stands_at),
                Eviction::Busy => return None,
            }
        }
        Some(match self.attached.least() {
            Some((bound, _)) => bound,
            None if self.any_detached() => ONLY_DETACHED,
            None => NOBODY,
        })
    }
}

/// Everything that is behind the registry's lock. Never taken on the hot path; no user code runs
/// under it.
#[derive(Debug)]
pub(crate) struct Registry {
    pub(crate) gating: Cursors,
    pub(crate) lossy: Cursors,
    pub(super) room: Room,
    /// The sequences that somebody waits for all receivers to reach.
    pub(crate) drains: BTreeSet<u64>,
    pub(super) watched: Watched,
    /// Events that receivers were told they missed.
    pub(crate) missed: u64,
    /// No slot holds a value of a sequence below this that all have received.
    pub(crate) released: u64,
    /// The number of the next receiver, which decides its shard.
    pub(crate) subscribed: usize,
}

impl Registry {
    pub(crate) fn new(first: u64) -> Self {
        Self {
            gating: Cursors::new(Kind::Gating),
            lossy: Cursors::new(Kind::Lossy),
            room: Room::default(),
            drains: BTreeSet::new(),
            watched: Watched::default(),
            missed: 0,
            released: first,
            subscribed: 0,
        }
    }

    pub(crate) fn cursors(&mut self, kind: Kind) -> &mut Cursors {
        match kind {
            Kind::Gating | Kind::Committing => &mut self.gating,
            Kind::Lossy => &mut self.lossy,
        }
    }
}
