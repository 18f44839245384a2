//! Numbers of receivers that somebody waits for.

use std::ops::Range;

/// How many receivers there are to be.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Attendance {
    Nobody,
    AtLeast(usize),
}

impl Attendance {
    pub(super) fn is_met_by(self, receivers: usize) -> bool {
        match self {
            Self::Nobody => receivers == 0,
            Self::AtLeast(count) => receivers >= count,
        }
    }
}

/// Those around the present one that nobody waits for.
#[derive(Debug)]
pub(super) struct Unawaited(Range<usize>);

impl Default for Unawaited {
    fn default() -> Self {
        Self(0..usize::MAX)
    }
}

impl Unawaited {
    /// Somebody waits for this, which is not so yet.
    pub(super) fn note(&mut self, awaited: Attendance) {
        match awaited {
            Attendance::Nobody => self.0.start = 1,
            Attendance::AtLeast(count) => self.0.end = self.0.end.min(count),
        }
    }

    /// There are so many now: whether somebody waits for that. Then all is forgotten, for all look again.
    #[inline]
    pub(super) fn end_with(&mut self, receivers: usize) -> bool {
        let awaited = !self.0.contains(&receivers);
        if awaited {
            *self = Self::default();
        }
        awaited
    }
}
