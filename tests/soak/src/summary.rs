//! What has happened in all rounds, and whether memory stayed flat.

use std::fmt;

/// Rounds until the memory in use has settled: lazily made things are there.
const WARM_UP: u64 = 50;
/// By how many bytes it may differ later: what the progress bar and the watchdog happen to hold.
const SLACK: usize = 16 << 10;

#[derive(Debug, Default)]
pub(crate) struct Summary {
    pub(crate) rounds: u64,
    pub(crate) as_tasks: u64,
    pub(crate) buses: Tally,
    pub(crate) channels: Tally,
    pub(crate) topics: Tally,
    /// Bytes in use after the rounds of the warm-up at most, and after the last round.
    settled: usize,
    last: usize,
}

/// What has happened on the buses, on the channels, or on topics.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) rounds: u64,
    pub(crate) published: u64,
    pub(crate) received: u64,
    pub(crate) missed: u64,
    pub(crate) handed_back: u64,
    pub(crate) came_and_went: u64,
    pub(crate) evicted: u64,
    /// For a commit, and it came.
    pub(crate) waited: u64,
}

impl Summary {
    /// After a round, with the bytes that are in use.
    pub(crate) fn settle(&mut self, bytes: usize) {
        self.rounds += 1;
        self.last = bytes;
        if self.rounds <= WARM_UP {
            self.settled = self.settled.max(bytes);
        } else {
            let limit = self.settled + SLACK;
            assert!(bytes <= limit, "{bytes} bytes in use, {limit} allowed");
        }
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} rounds, {} events published, {} handed back; received {}, missed {}; \
             {} receivers came and went, {} were evicted; {} waits for a commit",
            self.rounds,
            self.published,
            self.handed_back,
            self.received,
            self.missed,
            self.came_and_went,
            self.evicted,
            self.waited
        )
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "rounds: {}, {} by tasks", self.rounds, self.as_tasks)?;
        writeln!(f, "EventBus: {}", self.buses)?;
        writeln!(f, "broadcast: {}", self.channels)?;
        writeln!(f, "Topics: {}", self.topics)?;
        match self.rounds {
            0..=WARM_UP => writeln!(f, "memory: fewer than {WARM_UP} rounds tell nothing"),
            _ => writeln!(
                f,
                "memory: {} bytes in use after {WARM_UP} rounds at most, {} after the last",
                self.settled, self.last
            ),
        }
    }
}
