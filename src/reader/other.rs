//! How those read that commit, or stay behind one that does (R1, R2, R4).

use super::Place;
use crate::outcome::TryRecvError;
use crate::ring::{Kind, Ring, Sequencer, Watch};
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
        if step("behind-leader") {
            self.follow(&ring.sequencer, listed)?;
        }
        let pinned = match self.kind {
            Kind::Gating => Some(false),
            // Above it, if it asked for what was gone.
            Kind::Committing => (self.cursor.committed() <= self.position).then_some(false),
            Kind::Lossy => self.cursor.pin(self.position),
        };
        pinned.ok_or_else(|| self.lagged(&ring.sequencer))
    }

    /// R4.
    #[cold]
    #[inline(never)]
    pub(super) fn unpin_other(&mut self, next: u64, flagged: bool) -> bool {
        match self.kind {
            Kind::Gating => self.cursor.advance(next),
            Kind::Committing => !step("read-uncommitted") && self.cursor.advance(next),
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
        let stands = match self.kind {
            Kind::Committing => self.cursor.committed() <= self.position,
            Kind::Gating | Kind::Lossy => self.cursor.is_at(self.position),
        };
        if !stands && step("claimed-for-others") {
            return Err(self.lagged(&ring.sequencer));
        }
        if self.leader.is_some() {
            match self.follow(&ring.sequencer, listed) {
                Err(TryRecvError::Empty) => {}
                come => return come,
            }
        }
        Err(self.end(ring))
    }

    /// Whether the leader, if there is one, has committed the next event. If so, it is there.
    #[cold]
    pub(super) fn follow(&self, sequencer: &Sequencer, listed: bool) -> Result<(), TryRecvError> {
        let Some(leader) = &self.leader else {
            return Ok(());
        };
        match sequencer.watch(leader, self.position + 1, listed) {
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
