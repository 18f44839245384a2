//! How the storing goes, for those who watch.

use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How the storing goes: see [`Attached::stats`](crate::Attached::stats).
///
/// ```
/// let stats = eventring_log::Stats::default();
/// assert!(stats.trouble.is_none());
/// ```
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Stats {
    /// Events stored, by this sink.
    pub events: u64,
    /// The bytes that they are.
    pub bytes: u64,
    /// The transactions that they were stored in.
    pub batches: u64,
    /// How often a batch could not be stored, and was tried again.
    pub retries: u64,
    /// Why the batch at hand is not stored yet, if it was tried.
    pub trouble: Option<Trouble>,
}

/// Why events are not stored, so far.
///
/// ```
/// # let directory = tempfile::tempdir().unwrap();
/// # let path = directory.path().join("events.db");
/// use eventring_log::{Log, Options, Raw, Trouble};
///
/// let options = Options::new().on_trouble(|trouble: &Trouble| eprintln!("{trouble}"));
/// let log = Log::<Raw>::open(path, options).unwrap();
/// # let _ = log;
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Trouble {
    /// What the store or the encoding said last.
    pub error: String,
    /// How many events wait to be stored at once. The bus may hold more.
    pub events: usize,
    /// How often it was tried.
    pub attempts: u32,
    /// Since when.
    pub since: Instant,
    /// After what time it is tried again.
    pub pause: Duration,
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { error, events, .. } = self;
        write!(f, "{events} events wait to be stored: {error}")
    }
}

/// What the sink writes down, and others look at.
#[derive(Default)]
pub(crate) struct Progress(Mutex<Stats>);

impl Progress {
    pub(crate) fn get(&self) -> Stats {
        self.lock().clone()
    }

    pub(crate) fn stored(&self, events: usize, bytes: usize) {
        let mut stats = self.lock();
        stats.events += events as u64;
        stats.bytes += bytes as u64;
        stats.batches += 1;
        stats.trouble = None;
    }

    pub(crate) fn not_stored(&self, error: String, events: usize, pause: Duration) -> Trouble {
        let mut stats = self.lock();
        let before = stats.trouble.take();
        let trouble = Trouble {
            error,
            events,
            attempts: before.as_ref().map_or(0, |one| one.attempts) + 1,
            since: before.map_or_else(Instant::now, |one| one.since),
            pause,
        };
        stats.retries += 1;
        stats.trouble = Some(trouble.clone());
        trouble
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Stats> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
