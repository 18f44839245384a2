//! A committing receiver: what it has read is its own until it says so.

use super::Reader;
use crate::ring::{CursorRef, KEPT, Kind};
use crate::sync::step;
use crate::wait::wake_gathered;
use std::mem::needs_drop;
use std::ops::Range;

impl<E> Reader<E> {
    /// The first sequence that publishers may not overwrite.
    pub(crate) fn committed(&self) -> u64 {
        match self.place.kind {
            Kind::Committing => self.place.cursor.committed(),
            _ => self.place.position,
        }
    }

    pub(crate) fn cursor(&self) -> &CursorRef {
        &self.place.cursor
    }

    /// The first event that it did not get, if it was evicted.
    pub(crate) fn evicted(&self) -> Option<u64> {
        match self.place.kind {
            Kind::Evictable => self.place.cursor.evicted(),
            _ => None,
        }
    }

    /// The first sequence that it may not read yet, whether it is there or not.
    pub(crate) fn horizon(&self) -> u64 {
        self.place.horizon()
    }

    /// R4 of a committing receiver, for all below `upto` that was not committed yet.
    pub(crate) fn commit(&mut self, upto: u64) {
        let Self { ring, place } = self;
        let from = place.cursor.committed();
        if upto <= from {
            return;
        }
        let before = place.cursor.advance(upto);
        place.left_values |= needs_drop::<E>() && step("release-committed-values");
        if before.is_watched() {
            place.cursor.tell_watchers(upto);
        }
        if before.is_flagged() {
            place.moved_on(ring, true);
        } else if before.is_watched() {
            wake_gathered();
        }
        if (from ^ upto) / KEPT != 0 {
            place.release(ring);
        }
    }

    /// Goes back to what is not committed. Whether there was something.
    pub(crate) fn rewind(&mut self) -> bool {
        let committed = self.committed();
        let place = &mut self.place;
        let rewinds = committed < place.position;
        if rewinds {
            place.position = committed;
            place.waited = committed;
        }
        rewinds
    }

    /// Up to `limit` events from the position on, as many as are there: of a committing receiver.
    pub(crate) fn hold(&mut self, limit: usize) -> Held<'_, E> {
        assert_eq!(self.place.kind, Kind::Committing, "others hold nothing");
        let first = self.place.position;
        let end = first.saturating_add(limit as u64).min(self.horizon());
        // Nothing, as long as it was not told yet that what it asked for is gone.
        let end = if self.committed() <= first {
            end
        } else {
            first
        };
        let there = |sequence: &u64| self.ring.slot(*sequence).stamp().next() == sequence + 1;
        let count = (first..end).take_while(there).count();
        Held {
            sequences: first..first + count as u64,
            reader: self,
        }
    }
}

/// Events that are there (R1), and that the receiver, being borrowed, does not commit.
pub(crate) struct Held<'a, E> {
    reader: &'a mut Reader<E>,
    sequences: Range<u64>,
}

impl<E> Held<'_, E> {
    pub(crate) fn sequences(&self) -> Range<u64> {
        self.sequences.clone()
    }

    #[allow(unsafe_code)]
    pub(crate) fn get(&self, sequence: u64) -> &E {
        assert!(self.sequences.contains(&sequence), "not held");
        // SAFETY: the stamp showed the value (R1). The cursor of a committing receiver is at or below
        // it, and stays there while the receiver is borrowed: no publisher overwrites it, nor is it
        // released (I2, I3). Nor is it moved out: not by this receiver, and who does that is alone, or has
        // seen this one's cursor past it.
        unsafe { self.reader.ring.slot(sequence).get() }
    }

    /// Moves past them, and commits.
    pub(crate) fn commit(self) {
        let Self { reader, sequences } = self;
        reader.place.position = sequences.end;
        reader.commit(sequences.end);
    }
}
