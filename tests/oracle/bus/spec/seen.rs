//! What can be seen of a bus, as specified.

use super::Spec;
use super::state::Reader;
use crate::bus::{BusSeen, ReaderSeen, Seen};

impl Spec {
    pub(in crate::bus) fn seen(&self) -> Seen {
        let bus = BusSeen {
            published: self.log.len() as u64,
            next_sequence: self.tail(),
            dropped: self.dropped,
            missed: self.missed,
            receivers: self.readers.len(),
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
            len: (self.tail() - reader.position) as usize,
            missed: reader.missed,
            lossy: !reader.gating,
            closed: self.closed,
            ended: reader.ended,
        };
        let readers = self.readers.iter();
        Seen {
            bus: (!self.handles.is_empty()).then_some(bus),
            readers: readers
                .map(|one| one.lent.is_none().then(|| reader(one)))
                .collect(),
            woken: self.woken,
            clones: self.clones,
        }
    }

    /// How many values have to be alive, and how many may be. All that wait to be published, or
    /// that somebody can still get, have to; the others are released when a receiver finds nothing
    /// more, has come past another 64 events, or goes.
    pub(in crate::bus) fn alive(&self) -> (usize, usize) {
        let handles = self.handles.len() + self.weak_handles + self.readers.len();
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
