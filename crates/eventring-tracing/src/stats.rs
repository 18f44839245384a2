//! What a log counts.

/// What a log has counted so far: see [`LogBus::stats`](crate::LogBus::stats).
///
/// ```
/// use eventring_tracing::{LogBus, Sink};
/// use std::io::{self, Write};
///
/// let (log, guard) = LogBus::builder().sink(Sink::new("sink", io::sink())).start().unwrap();
/// writeln!(&log, "a record").unwrap();
/// log.flush().unwrap();
/// let stats = log.stats();
/// assert_eq!((stats.published, stats.sinks[0].written), (1, 1));
/// # drop(guard);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// Records published: what each sink got or was told that it lost, in the end.
    pub published: u64,
    /// Records that were not published, since they came from the log itself.
    pub inside: u64,
    /// Records that came when the log was closed.
    pub late: u64,
    /// Of each sink, in the order in which they were added.
    pub sinks: Vec<SinkStats>,
}

/// What a sink has done so far: `written + missed + failed + behind` is what was published.
///
/// ```
/// use eventring_tracing::{LogBus, Sink};
/// use std::io;
///
/// let sink = Sink::new("stderr", io::stderr()).lossy();
/// let (log, _guard) = LogBus::builder().sink(sink).start().unwrap();
/// let stderr = &log.stats().sinks[0];
/// assert_eq!((&*stderr.name, stderr.missed, stderr.error.as_ref()), ("stderr", 0, None));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct SinkStats {
    /// As given.
    pub name: String,
    /// Records that its writer took.
    pub written: u64,
    /// Records that it missed, being too slow.
    pub missed: u64,
    /// Records that its writer refused.
    pub failed: u64,
    /// Of those missed or failed, how many are not told in its output yet.
    pub untold: u64,
    /// Records that it has not come to.
    pub behind: u64,
    /// What the writer said last, if it was an error.
    pub error: Option<String>,
}
