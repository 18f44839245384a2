//! What can be seen of a bus, as specified.

use super::Spec;
use super::state::Reader;
use crate::bus::{BusSeen, InfoSeen, ReaderSeen, Seen};

impl Spec {
    pub(in crate::bus) fn seen(&self) -> Seen {
        let bus = BusSeen {
            published: self.log.len() as u64,
            next_sequence: self.tail(),
            dropped: self.dropped,
            missed: self.missed,
            waiting: match self.closed {
                true => 0,
                false => self
                    .publishing()
                    .filter(|one| one.granted.is_none())
                    .count(),
            },
            receivers: self.infos(),
            len: (self.tail() - self.slowest()) as usize,
            closed: self.closed,
        };
        let reader = |reader: &Reader| ReaderSeen {
            position: reader.position,
            committed: if reader.committing {
                reader.committed
            } else {
                reader.position
            },
            len: match reader.evicted {
                Some(_) => 0,
                None => (self.tail() - reader.position) as usize,
            },
            hint: self.hint(reader),
            missed: reader.missed,
            lossy: !reader.gating,
            evicted: reader.evicted,
            closed: self.closed,
            ended: reader.ended,
        };
        let readers = self.readers.iter();
        Seen {
            bus: (!self.handles.is_empty()).then_some(bus),
            readers: readers
                .map(|one| one.lent.is_none().then(|| reader(one)))
                .collect(),
            marks: self
                .marks
                .iter()
                .map(|one| self.watermark(one.of).committed)
                .collect(),
            woken: self.woken,
            clones: self.clones,
        }
    }

    /// Everybody, in the order in which they came.
    fn infos(&self) -> Vec<InfoSeen> {
        let (tail, retained) = (self.tail(), self.newest(self.setup.capacity));
        let info = |reader: &Reader| InfoSeen {
            id: reader.id,
            name: reader.name.map(str::to_owned),
            kind: reader.kind(),
            position: reader.wants(retained),
            behind: tail - reader.wants(retained),
            missed: reader.missed,
        };
        let mut infos: Vec<_> = self.attached().map(info).collect();
        infos.sort_by_key(|one| one.id);
        infos
    }

    /// How many events it gets at least, if it can be said, and at most.
    fn hint(&self, reader: &Reader) -> (usize, Option<usize>) {
        if reader.evicted.is_some() {
            return (0, Some(0));
        }
        let sure = self.horizon(reader).saturating_sub(reader.position);
        let most = (self.tail() - reader.position) as usize;
        let least = match reader.evictable {
            true => 0,
            false => (sure as usize).min(self.setup.capacity),
        };
        (least, self.closed.then_some(most))
    }

    /// If a publisher waits, and only for receivers: which of them.
    pub(in crate::bus) fn holding_up(&self) -> Option<Vec<u64>> {
        let waits = self.publishing().any(|one| one.granted.is_none());
        if self.closed || !waits || self.reserved() > 0 {
            return None;
        }
        let slowest = self.attached().filter_map(Reader::holds).min()?;
        let slowest = self.attached().filter(|one| one.holds() == Some(slowest));
        Some(slowest.map(|one| one.id).collect())
    }

    /// How many values have to be alive, and how many may be. All that wait to be published, or
    /// that somebody can still get, have to; the others are released when the last receiver
    /// finds nothing more, when one has come past another 64 events, or goes.
    pub(in crate::bus) fn alive(&self) -> (usize, usize) {
        let handles =
            self.handles.len() + self.weak_handles + self.readers.len() + self.marks.len();
        if !self.counted || handles == 0 {
            return (0, 0); // the ring is gone with its last handle
        }
        let publishing = self
            .handles
            .iter()
            .filter_map(|one| one.publishing.as_ref());
        let waiting: usize = publishing.map(|one| one.events.len()).sum();
        let needed = self.slowest().min(self.newest(self.setup.history));
        let needed = (self.tail() - needed) as usize;
        (needed + waiting, self.stored.len() + waiting)
    }
}
