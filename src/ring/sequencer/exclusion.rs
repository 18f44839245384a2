//! Shutting publishers out of what is to be released.

use super::Sequencer;
use crate::ring::registry::Registry;
use crate::ring::sequence::{NOBODY, oldest};
use crate::sync::{Ordering, release};
use std::ops::Range;

/// Sequences that only the holder of the registry's lock may touch.
#[derive(Debug)]
pub(crate) struct Exclusion {
    pub(crate) range: Range<u64>,
    /// The gate as it was.
    gate: u64,
}

/// How far the receivers are, as far as who releases knows.
#[derive(Clone, Copy)]
pub(crate) enum Past {
    /// All have come to this end.
    All(u64),
    /// All have probably: each cursor is looked at, which takes less if none is behind, and more if one is.
    Likely,
    Unknown,
}

impl Sequencer {
    /// Shuts publishers out of what all have received and nobody released yet, for as long as the
    /// registry is locked, and says which sequences that is. `ring` is the number of slots.
    ///
    /// Lowering `gate` before the `touch` makes every later claim that comes near wait for the
    /// lock in [`evict`](Self::evict); what was claimed before is left alone.
    pub(crate) fn exclude(
        &self,
        registry: &mut Registry,
        ring: u64,
        past: Past,
    ) -> Option<Exclusion> {
        let from = registry.released;
        // With no receivers the `touch` below must not be left out: a publisher whose claim comes
        // before it has its slot touched as well, and sees at its commit that nobody is left.
        let mut read = NOBODY;
        if self.receivers() > 0 {
            if oldest(self.tail.load().sequence(), self.history) <= from {
                return None;
            }
            let cursors = [&mut registry.gating, &mut registry.lossy];
            match past {
                Past::All(end) => read = end,
                Past::Likely => {
                    for cursors in cursors {
                        read = read.min(cursors.least_of_all(from + 1)?);
                    }
                }
                Past::Unknown => {
                    for cursors in cursors {
                        read = read.min(cursors.reached(from + 1, false).ok()?);
                    }
                }
            }
            if read <= from {
                return None;
            }
        }
        let gate = self.bounds.gate.load(Ordering::Relaxed);
        Self::lower(&self.bounds.gate, from, "exclude-gate");
        let tail = self.tail.touch("exclude-touch").sequence();
        Some(Exclusion {
            range: from.max(oldest(tail, ring))..oldest(tail, self.history).min(read),
            gate,
        })
    }

    /// Lets publishers in again, all below `released` being released.
    pub(crate) fn readmit(&self, registry: &mut Registry, exclusion: &Exclusion, released: u64) {
        registry.released = released;
        self.bounds
            .gate
            .store(exclusion.gate, release("gate-readmit"));
    }
}
