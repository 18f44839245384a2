//! What a writer does before it writes for the first time, or in the place of a dead one.

use super::Ring;
use super::layout::{LIMIT, word};
use super::stamp::Stamp;
use super::write::Tip;
use crate::error::Corrupt;
use crate::sync::Ordering;
use Ordering::Relaxed;

impl Ring<'_> {
    /// Finds the tip, whatever step the last writer died at, and publishes it. To be called with the
    /// lock held; doing it again changes nothing.
    ///
    /// An event is committed by its stamp alone, so that the tail goes past what is committed there.
    /// One that was only half written gets its sequence again: no hole. `head` follows from the last
    /// descriptor; `floor` and `oldest` stand, since they only rise, and before anything is
    /// overwritten.
    pub(crate) fn recover(self) -> Result<Tip, Corrupt> {
        let mut tip = self.load_tip();
        if tip.tail > LIMIT || tip.head > LIMIT {
            return Err(Corrupt::Tip);
        }
        for _ in 0..self.geometry().descriptors() {
            if self.stamp(tip.tail).load(Relaxed) != Stamp::committed(tip.tail).word() {
                break;
            }
            tip.tail += 1;
        }
        tip.head = 0;
        if let Some(last) = tip.tail.checked_sub(1) {
            let descriptor = self.descriptor(last);
            let committed = self.stamp(last).load(Relaxed) == Stamp::committed(last).word();
            if !committed || !descriptor.is_valid(self.geometry().payload_max()) {
                return Err(Corrupt::Tip);
            }
            tip.head = descriptor.end();
        }
        self.check_bounds(&tip)?;
        self.publish_tip(&tip);
        Ok(tip)
    }

    /// Counts a takeover, for readers that want to know.
    pub(crate) fn announce(self, pid: u32, now: u64) {
        self.word(word::PID).store(u64::from(pid), Relaxed);
        self.word(word::SINCE).store(now, Relaxed);
        self.word(word::EPOCH).fetch_add(1, Relaxed);
    }
}
