//! What time an event is of.

use rustix::time::{ClockId, clock_gettime};

/// Which clock the time of an event is read from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Clock {
    /// To the nanosecond. Reading it takes about as long as the rest of a short publish.
    #[default]
    Precise,
    /// As of the kernel's last tick, one to four milliseconds ago at most: hardly costs anything.
    Coarse,
    /// None: the time of all events is 0.
    Off,
}

impl Clock {
    /// Nanoseconds since 1970.
    #[inline]
    pub(crate) fn read(self) -> u64 {
        match self {
            Self::Precise => now(),
            Self::Coarse => nanoseconds(ClockId::RealtimeCoarse),
            Self::Off => 0,
        }
    }
}

pub(crate) fn now() -> u64 {
    nanoseconds(ClockId::Realtime)
}

fn nanoseconds(clock: ClockId) -> u64 {
    let now = clock_gettime(clock);
    (now.tv_sec as u64)
        .wrapping_mul(1_000_000_000)
        .wrapping_add(now.tv_nsec as u64)
}
