//! How those read that commit, can be evicted, or stay behind one that commits (R1, R2, R4).

use super::Place;
use crate::outcome::TryRecvError;
use crate::ring::{Kind, Ring, Watch};
use crate::sync::step;

impl Place {
    /// R2, the event being there, once the leader has committed it: whether the cursor was flagged.
    #[cold]
    #[inline(never)]
    pub(super) fn pin_other<E>(
        &mut self,
        ring: &Ring<E>,
        listed: bool,
    ) -> Result<bool, TryRecvError> {
        if !self.stands() {
            return Err(self.lagged(&ring.sequencer));
        }
        if step("behind-leader") {
            self.follow(listed)?;
        }
        let pinned = match self.kind {
            Kind::Gating | Kind::Committing => Some(false),
            Kind::Lossy | Kind::Evictable => self.cursor.pin(self.position),
        };
        pinned.ok_or_else(|| self.lagged(&ring.sequencer))
    }

    /// Whether the cursor is where it was left. It is above that if what it asked for was gone.
    fn stands(&self) -> bool {
        match self.kind {
            Kind::Committing => self.cursor.committed() <= self.position,
            _ => self.cursor.is_at(self.position),
        }
    }

    /// R4.
    #[cold]
    #[inline(never)]
    pub(super) fn unpin_other<E>(&mut self, ring: &Ring<E>, next: u64, flagged: bool) -> bool {
        match self.kind {
            Kind::Gating => self.cursor.advance(next).is_flagged(),
            Kind::Committing => !step("read-uncommitted") && self.cursor.advance(next).is_flagged(),
            Kind::Evictable => {
                let before = self.cursor.advance(next);
                let flagged = before.is_flagged();
                let ousted = before.is_out() && step("oust-reader");
                // With the cursor goes its flag, unless somebody was faster.
                let registry = || ring.sequencer.lock();
                !(ousted && ring.oust(registry(), &self.cursor, flagged)) && flagged
            }
            Kind::Lossy => {
                self.cursor.unpin(next);
                flagged && step("keep-flag")
            }
        }
    }

    /// Nothing there: was what it asked for gone already, or has the leader committed it meanwhile, so
    /// that it is there?
    #[cold]
    pub(super) fn come_late<E>(
        &mut self,
        ring: &Ring<E>,
        listed: bool,
    ) -> Result<(), TryRecvError> {
        if !self.stands() && step("claimed-for-others") {
            return Err(self.lagged(&ring.sequencer));
        }
        if self.leader.is_some() {
            match self.follow(listed) {
                Err(TryRecvError::Empty) => {}
                come => return come,
            }
        }
        Err(self.end(ring))
    }

    /// Whether the leader, if there is one, has committed the next event. If so, it is there.
    #[cold]
    pub(super) fn follow(&self, listed: bool) -> Result<(), TryRecvError> {
        let Some(leader) = &self.leader else {
            return Ok(());
        };
        match leader.watch(self.position + 1, listed) {
            Watch::Reached => Ok(()),
            Watch::Behind => Err(TryRecvError::Empty),
            Watch::Gone => Err(TryRecvError::Closed),
        }
    }

    /// The first sequence that it may not read yet, whether it is there or not.
    pub(super) fn horizon(&self) -> u64 {
        let leader = self.leader.as_ref();
        leader.map_or(u64::MAX, |leader| leader.watermark().sequence())
    }
}
