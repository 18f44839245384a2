//! What there is to know of a receiver, and of a handle with its futures.

use crate::bus::script::Way;
use eventring::ReceiverKind;

#[derive(Clone, Default)]
pub(in crate::bus) struct Reader {
    /// Counts the receivers that ever were.
    pub(in crate::bus) id: u64,
    pub(super) name: Option<&'static str>,
    /// The committing receiver that it stays behind.
    pub(super) leader: Option<u64>,
    pub(in crate::bus) gating: bool,
    pub(in crate::bus) position: u64,
    /// It gates at what is committed.
    pub(in crate::bus) committing: bool,
    pub(in crate::bus) committed: u64,
    pub(super) evictable: bool,
    /// It was, and here.
    pub(super) evicted: Option<u64>,
    /// The first sequence that was kept when it subscribed.
    pub(super) kept: u64,
    /// What was the present when it subscribed: if gating, it cannot be lapped from there on.
    pub(super) subscribed: u64,
    pub(in crate::bus) missed: u64,
    /// It has left values in the ring, for others, since it last found nothing there.
    pub(super) left_values: bool,
    /// No other one needs what lies below, as far as it knows.
    pub(super) sole_until: u64,
    /// The end at which it last found nothing more, or came.
    pub(super) end: Option<u64>,
    /// It waits, with this waker.
    pub(in crate::bus) parked: Option<usize>,
    /// For the event of this number.
    pub(super) parked_at: u64,
    /// A future has it.
    pub(in crate::bus) lent: Option<Way>,
    /// A poll has told that this is the end.
    pub(in crate::bus) ended: bool,
}

/// One handle of the bus, and the futures made of it.
#[derive(Default)]
pub(in crate::bus) struct Handle {
    pub(in crate::bus) publishing: Option<Publishing>,
    pub(in crate::bus) draining: Option<Draining>,
    pub(super) attending: Option<Attending>,
}

pub(in crate::bus) struct Publishing {
    pub(in crate::bus) events: Vec<u64>,
    pub(in crate::bus) many: bool,
    /// It reserves room first, and holds it for a while.
    pub(in crate::bus) reserves: bool,
    pub(in crate::bus) holds: bool,
    pub(in crate::bus) ticket: u64,
    /// How much room it was given.
    pub(in crate::bus) granted: Option<usize>,
    pub(in crate::bus) parked: Option<usize>,
}

pub(in crate::bus) struct Draining {
    pub(in crate::bus) target: u64,
    pub(in crate::bus) parked: Option<usize>,
}

/// What waits for so many receivers, or for none to be left.
pub(super) struct Attending {
    pub(super) wanted: Option<usize>,
    pub(super) parked: Option<usize>,
}

/// The watermark of a committing receiver, and the future made of it.
pub(in crate::bus) struct Mark {
    pub(super) of: u64,
    pub(super) reaching: Option<Draining>,
}

/// What others see of a committing receiver.
#[derive(Clone, Copy)]
pub(super) struct Leader {
    pub(super) committed: u64,
    pub(super) gone: bool,
}

impl Reader {
    pub(super) fn kind(&self) -> ReceiverKind {
        match (self.committing, self.gating) {
            (true, _) => ReceiverKind::Committing,
            _ if self.evictable => ReceiverKind::Evictable,
            (false, true) => ReceiverKind::Gating,
            (false, false) => ReceiverKind::Lossy,
        }
    }

    /// The sequence that it goes on with, if all from `retained` on is there.
    pub(super) fn next(&self, retained: u64) -> u64 {
        self.position.max(self.kept).max(retained)
    }

    /// The first sequence that it may still want.
    pub(super) fn wants(&self, retained: u64) -> u64 {
        match self.committing {
            true => self.committed,
            false => self.next(retained),
        }
    }

    pub(super) fn holds(&self) -> Option<u64> {
        match self.committing {
            true => Some(self.committed),
            false => self.gating.then_some(self.position.max(self.subscribed)),
        }
    }
}
