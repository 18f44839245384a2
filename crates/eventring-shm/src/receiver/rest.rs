//! How often a receiver lets itself be woken.

use std::time::{Duration, Instant};

/// Counts from when a receiver was woken that had marked the bell. Until the interval is over it does not
/// mark it again, and so costs its writer nothing.
#[derive(Debug, Default)]
pub(super) struct Rest {
    pub(super) interval: Duration,
    marked: bool,
    woken: Option<Instant>,
}

impl Rest {
    /// The receiver goes to sleep, with the bell marked or not.
    pub(super) fn falls_asleep(&mut self, marked: bool) {
        self.marked = marked;
    }

    /// It looks again, for whatever reason.
    pub(super) fn is_awake(&mut self) {
        if std::mem::take(&mut self.marked) && !self.interval.is_zero() {
            self.woken = Some(Instant::now());
        }
    }

    /// When it may mark the bell again, if not now.
    pub(super) fn until(&mut self) -> Option<Instant> {
        let until = self.woken?.checked_add(self.interval);
        let rests = until.filter(|until| *until > Instant::now());
        if rests.is_none() {
            self.woken = None;
        }
        rests
    }
}
