//! Cursors of which there are several: a heap, so that it need not be asked of all who is the slowest.

use super::cursor::{Cursor, CursorRef, Eviction, Name, Owner};
use super::heap::Heap;
use super::sequence::{CursorWord, NOBODY, ONLY_DETACHED};

/// Cursors by numbers, of which those who left leave theirs to others.
#[derive(Debug)]
pub(super) struct Crowd {
    members: Vec<Option<CursorRef>>,
    vacant: Vec<usize>,
    /// Lower bounds of where the attached ones stand.
    attached: Heap,
    /// How many are detached.
    detached: usize,
    /// All of these, and some that are attached again or have left, each once: receivers that are lapped
    /// at every turn come and go, and stay where they are here.
    once_detached: Vec<usize>,
    /// Whether a number is among these.
    listed: Vec<bool>,
}

impl Crowd {
    /// Of the one that there has been, which has the first number.
    pub(super) fn of(first: CursorRef) -> Self {
        let mut crowd = Self {
            members: Vec::new(),
            vacant: Vec::new(),
            attached: Heap::default(),
            detached: 0,
            once_detached: Vec::new(),
            listed: Vec::new(),
        };
        crowd.place(&first, first.load());
        crowd.members.push(Some(first));
        crowd
    }

    pub(super) fn is_empty(&self) -> bool {
        self.attached.is_empty() && self.detached == 0
    }

    #[inline(always)]
    pub(super) fn add(&mut self, word: CursorWord, owner: Owner, name: Option<Name>) -> CursorRef {
        let number = self.vacant.pop().unwrap_or_else(|| {
            self.members.push(None);
            self.members.len() - 1
        });
        let cursor = Cursor::new(word, number, owner, name);
        self.place(&cursor, word);
        self.members[number] = Some(CursorRef::clone(&cursor));
        cursor
    }

    fn place(&mut self, cursor: &Cursor, word: CursorWord) {
        if word.is_detached() {
            self.list_detached(cursor.number);
        } else {
            self.attached.insert(cursor.number, word.sequence());
        }
    }

    fn list_detached(&mut self, number: usize) {
        self.detached += 1;
        if self.listed.len() <= number {
            self.listed.resize(number + 1, false);
        }
        if !std::mem::replace(&mut self.listed[number], true) {
            self.once_detached.push(number);
        }
    }

    pub(super) fn remove(&mut self, cursor: &Cursor) {
        let number = cursor.number;
        if cursor.load().is_detached() {
            self.detached -= 1;
        } else {
            self.attached.remove(number);
        }
        self.members[number] = None;
        self.vacant.push(number);
    }

    /// One that is detached is going to be attached here.
    pub(super) fn attach(&mut self, cursor: &Cursor, at: u64) {
        self.detached -= 1;
        self.attached.insert(cursor.number, at);
    }

    /// Detaches every lossy one below `floor`: see [`Cursors::evict`](super::registry::Cursors::evict).
    pub(super) fn evict(&mut self, floor: u64, flag_came_off: &mut bool) -> Option<u64> {
        while let Some((bound, number)) = self.attached.least() {
            if bound >= floor {
                return Some(bound);
            }
            match self.member(number).evict(floor) {
                Eviction::Evicted { flagged } => {
                    *flag_came_off |= flagged;
                    self.attached.remove_least();
                    self.list_detached(number);
                }
                Eviction::Ahead(stands_at) => self.attached.raise_least(stands_at),
                Eviction::Busy => return None,
            }
        }
        Some(match self.has_detached() {
            true => ONLY_DETACHED,
            false => NOBODY,
        })
    }

    /// An attached one, and a bound of where it stands that is no greater than that of any other.
    pub(super) fn least(&self) -> Option<(u64, &CursorRef)> {
        let (bound, number) = self.attached.least()?;
        Some((bound, self.member(number)))
    }

    /// Where the slowest of the others stands, if none is detached.
    pub(super) fn slowest_but(&mut self, own: &Cursor) -> Option<u64> {
        if self.has_detached() {
            return None;
        }
        loop {
            let least = self.attached.least()?;
            let other = match least.1 == own.number {
                true => self.attached.second(),
                false => Some(least),
            };
            let Some((bound, member)) = other else {
                return Some(NOBODY);
            };
            let stands_at = self.member(member).load().sequence();
            if stands_at == bound {
                return Some(bound);
            }
            self.attached.raise(member, stands_at);
        }
    }

    pub(super) fn raise_least(&mut self, bound: u64) {
        self.attached.raise_least(bound);
    }

    pub(super) fn has_detached(&self) -> bool {
        self.detached > 0
    }

    /// One that is detached. Each look at another one is paid for by a detachment before.
    pub(super) fn any_detached(&mut self) -> Option<CursorRef> {
        while self.has_detached() {
            let number = *self.once_detached.last()?;
            match &self.members[number] {
                Some(cursor) if cursor.load().is_detached() => {
                    return Some(CursorRef::clone(cursor));
                }
                _ => {
                    self.listed[number] = false;
                    self.once_detached.pop();
                }
            }
        }
        None
    }

    pub(super) fn members(&self) -> impl Iterator<Item = &CursorRef> {
        self.members.iter().flatten()
    }

    fn member(&self, number: usize) -> &CursorRef {
        let member = self.members[number].as_ref();
        member.expect("who has a bound is a member")
    }
}
