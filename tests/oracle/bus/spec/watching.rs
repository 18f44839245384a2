//! Waiting for receivers, as specified: for all of them, for one to commit, or for so many to be there.

use super::state::{Attending, Draining, Leader, Mark};
use super::{Spec, wake};
use crate::bus::Outcome;
use crate::bus::script::MarkStep;
use eventring::Gone;

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
                self.watched.insert((of, target));
                self.marks[index].reaching = Some(Draining {
                    target,
                    parked: Some(waker),
                });
                return Some(Outcome::Pending);
            }
            MarkStep::Timeout(ahead) => {
                let target = target(self, ahead);
                let reached = self.reached(of, target);
                if reached.is_none() {
                    self.watched.insert((of, target));
                }
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

    /// Forgets which commits were waited for and have come, or never will: whether there were some.
    pub(super) fn settle_watched(&mut self) -> bool {
        let watched = std::mem::take(&mut self.watched);
        let before = watched.len();
        let still = watched.into_iter();
        self.watched = still
            .filter(|&(of, target)| self.reached(of, target).is_none())
            .collect();
        self.watched.len() < before
    }

    /// All who wait for receivers listen in one list, so that they all look again when one of them can
    /// go on.
    pub(super) fn wake_watchers(&mut self) {
        let woken = &mut self.woken;
        for handle in &mut self.handles {
            if let Some(draining) = &mut handle.draining {
                wake(woken, &mut draining.parked);
            }
        }
        for mark in &mut self.marks {
            if let Some(reaching) = &mut mark.reaching {
                wake(woken, &mut reaching.parked);
            }
        }
        for reader in &mut self.readers {
            if reader.leader.is_some() {
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
