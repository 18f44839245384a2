//! Committing cursors that somebody waits for, and up to where.

use super::cursor::{CursorRef, Standing};
use crate::sync::{Arc, step};
use std::collections::BTreeSet;

/// All of them are flagged, or are just handing over (I6).
#[derive(Debug, Default)]
pub(super) struct Watched(Vec<(CursorRef, BTreeSet<u64>)>);

/// What came of a wait for a committing receiver.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Watch {
    Reached,
    Behind,
    /// It went before that.
    Gone,
}

impl Watch {
    /// Whether it has committed all below `target`. One that has not is flagged, unless it is gone.
    pub(super) fn of(cursor: &CursorRef, target: u64) -> Self {
        match cursor.gating_below(target, step("flag-watched")) {
            Standing::Reached(_) => Self::Reached,
            _ if cursor.load().is_gone() => Self::Gone,
            _ => Self::Behind,
        }
    }
}

impl Watched {
    /// Somebody waits for a flagged cursor to reach `target`.
    pub(super) fn note(&mut self, cursor: &CursorRef, target: u64) {
        match self.0.iter_mut().find(|(one, _)| Arc::ptr_eq(one, cursor)) {
            Some((_, targets)) => drop(targets.insert(target)),
            None => self.0.push((CursorRef::clone(cursor), [target].into())),
        }
    }

    /// A flag came off: forgets what is reached, or never will be, and flags the others again. Whether
    /// there was something to be forgotten.
    pub(super) fn settle(&mut self) -> bool {
        let mut forgotten = false;
        self.0.retain_mut(|(cursor, targets)| {
            while let Some(&target) = targets.first() {
                match Watch::of(cursor, target) {
                    Watch::Behind => return true,
                    Watch::Reached => drop(targets.pop_first()),
                    Watch::Gone => targets.clear(),
                }
                forgotten = true;
            }
            false
        });
        forgotten
    }

    /// Forgets all. Whether there was something.
    pub(super) fn dismiss(&mut self) -> bool {
        !std::mem::take(&mut self.0).is_empty()
    }
}
