//! Waiting for receivers, as specified: for all of them, for one to commit, or for so many to be there.

use super::state::{Attending, Draining, Leader, Mark};
use super::{Spec, wake};
use crate::bus::Outcome;
use crate::bus::script::MarkStep;
use eventring::Gone;
use std::collections::BTreeMap;

impl Spec {
    /// Which receivers commit.
    pub(in crate::bus) fn committing(&self) -> Vec<usize> {
        let readers = self.readers.iter().enumerate();
        let committing = readers.filter(|(_, reader)| reader.committing);
        committing.map(|(index, _)| index).collect()
    }

    pub(in crate::bus) fn take_watermark(&mut self, reader: usize) {
        self.cancel(reader);
        self.marks.push(Mark {
            of: self.readers[reader].id,
            reaching: None,
        });
    }

    /// What there is to see of the committing receiver with this number.
    pub(super) fn watermark(&self, id: u64) -> Leader {
        match self.readers.iter().find(|reader| reader.id == id) {
            Some(reader) => Leader {
                committed: reader.committed,
                gone: false,
            },
            None => Leader {
                committed: self.gone[&id],
                gone: true,
            },
        }
    }

    /// Whether all below the target is committed there; `None`: not yet.
    fn reached(&self, of: u64, target: u64) -> Option<Result<(), Gone>> {
        match self.watermark(of) {
            Leader { committed, .. } if committed >= target => Some(Ok(())),
            Leader { gone: true, .. } => Some(Err(Gone)),
            _ => None,
        }
    }

    /// As `on_handle`.
    pub(in crate::bus) fn on_mark(&mut self, index: usize, step: MarkStep) -> Option<Outcome> {
        let of = self.marks[index].of;
        let target = |spec: &Self, ahead: u64| spec.watermark(of).committed + ahead + 1;
        match step {
            MarkStep::Reached(ahead, waker) => {
                let reaching = self.marks[index].reaching.take();
                let target = reaching.map_or_else(|| target(self, ahead), |one| one.target);
                if let Some(reached) = self.reached(of, target) {
                    return Some(Outcome::Reached(reached));
                }
                self.marks[index].reaching = Some(Draining {
                    target,
                    parked: Some(waker),
                });
                return Some(Outcome::Pending);
            }
            MarkStep::Timeout(ahead) => {
                let target = target(self, ahead);
                let reached = self.reached(of, target);
                return Some(reached.map_or(Outcome::Pending, Outcome::Reached));
            }
            MarkStep::Blocking(ahead) => {
                return self.reached(of, target(self, ahead)).map(Outcome::Reached);
            }
            MarkStep::CancelReached => self.marks[index].reaching = None,
            MarkStep::Clone => self.marks.push(Mark { of, reaching: None }),
            MarkStep::Drop => drop(self.marks.remove(index)),
        }
        Some(Outcome::Done)
    }

    /// All who wait for all receivers listen in one list, so that they all look again when one of them can
    /// go on.
    pub(super) fn wake_drains(&mut self) {
        let drains = self.handles.iter_mut();
        for draining in drains.filter_map(|handle| handle.draining.as_mut()) {
            wake(&mut self.woken, &mut draining.parked);
        }
    }

    /// Who waits for a committing receiver is woken when what it waits for is committed, or never will be.
    pub(super) fn wake_reached(&mut self) {
        let marks = self.marks.iter().map(|mark| mark.of);
        let all = marks.chain(self.readers.iter().filter_map(|reader| reader.leader));
        let seen: BTreeMap<_, _> = all.map(|of| (of, self.watermark(of))).collect();
        self.wake_watchers(|of, target| seen[&of].gone || seen[&of].committed >= target);
    }

    /// Of those who wait for committing receivers, or behind them, these.
    pub(super) fn wake_watchers(&mut self, which: impl Fn(u64, u64) -> bool) {
        let woken = &mut self.woken;
        for mark in &mut self.marks {
            let reaching = mark.reaching.as_mut();
            if let Some(reaching) = reaching.filter(|one| which(mark.of, one.target)) {
                wake(woken, &mut reaching.parked);
            }
        }
        for reader in &mut self.readers {
            let target = reader.parked_at + 1;
            if reader.leader.is_some_and(|leader| which(leader, target)) {
                wake(woken, &mut reader.parked);
            }
        }
    }

    fn is_attended(&self, wanted: Option<usize>) -> bool {
        match wanted {
            Some(count) => self.attached().count() >= count,
            None => self.attached().count() == 0,
        }
    }

    pub(super) fn poll_attended(
        &mut self,
        index: usize,
        wanted: Option<usize>,
        waker: usize,
    ) -> Outcome {
        let attending = self.handles[index].attending.take();
        let wanted = attending.map_or(wanted, |attending| attending.wanted);
        if self.is_attended(wanted) {
            return Outcome::Done;
        }
        self.attended.push(wanted);
        self.handles[index].attending = Some(Attending {
            wanted,
            parked: Some(waker),
        });
        Outcome::Pending
    }

    /// There is one receiver more, or less.
    pub(super) fn counted(&mut self) {
        if self.attended.iter().any(|&wanted| self.is_attended(wanted)) {
            self.attended.clear();
            for handle in &mut self.handles {
                if let Some(attending) = &mut handle.attending {
                    wake(&mut self.woken, &mut attending.parked);
                }
            }
        }
    }
}
