//! What there is to choose.

use crate::stats::Trouble;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// What there is to choose about a [`Log`](crate::Log).
///
/// ```
/// use eventring_log::Options;
/// use std::time::Duration;
///
/// let options = Options::new().chained().batch(256).max_age(Duration::from_millis(5));
/// # let _ = options;
/// ```
#[derive(Clone)]
#[must_use = "options do nothing until a log is opened with them"]
pub struct Options {
    pub(crate) chained: bool,
    pub(crate) read_only: bool,
    pub(crate) batch: usize,
    pub(crate) max_age: Duration,
    pub(crate) on_trouble: Arc<dyn Fn(&Trouble) + Send + Sync>,
}

impl Options {
    /// Without hashes, batches of up to 1024 events, each stored as soon as the one before it is.
    ///
    /// ```
    /// # let _ =
    /// eventring_log::Options::new()
    /// # ;
    /// ```
    pub fn new() -> Self {
        Self {
            chained: false,
            read_only: false,
            batch: 1024,
            max_age: Duration::ZERO,
            on_trouble: Arc::new(|_| ()),
        }
    }

    /// With a hash for each event, over all that went before, so that it shows if any of it was changed: see
    /// [`Log::verify`](crate::Log::verify). It is chosen when a log is made; one that has hashes keeps them.
    ///
    /// ```
    /// use eventring_log::{Log, Options, Raw};
    ///
    /// # let directory = tempfile::tempdir().unwrap();
    /// # let path = directory.path().join("events.db");
    /// let log = Log::<Raw>::open(path, Options::new().chained()).unwrap();
    /// assert!(log.extent().unwrap().chained);
    /// ```
    pub fn chained(mut self) -> Self {
        self.chained = true;
        self
    }

    /// Only to read: a log that is there, also while another process writes it.
    ///
    /// ```
    /// use eventring_log::{Log, Options, Raw};
    ///
    /// # let directory = tempfile::tempdir().unwrap();
    /// # let path = directory.path().join("events.db");
    /// let log = Log::<Raw>::open(&path, Options::new()).unwrap();
    /// let reader = Log::<Raw>::open(&path, Options::new().read_only()).unwrap();
    /// # let _ = (log, reader);
    /// ```
    pub fn read_only(mut self) -> Self {
        self.read_only = true;
        self
    }

    /// The most events that are stored at once, in one transaction. Default: 1024.
    ///
    /// # Panics
    ///
    /// If it is 0.
    ///
    /// ```
    /// # let _ =
    /// eventring_log::Options::new().batch(100)
    /// # ;
    /// ```
    #[track_caller]
    pub fn batch(mut self, events: usize) -> Self {
        assert!(events > 0, "a batch has at least 1 event");
        self.batch = events;
        self
    }

    /// How long an event waits for others to be stored with it, from when the sink takes it (which is not
    /// before the batch in front of it is stored). Longer: fewer writes to the disk; shorter: sooner there.
    /// Default: not at all; what comes while a batch is being stored is the next one.
    ///
    /// ```
    /// # let _ =
    /// eventring_log::Options::new().max_age(std::time::Duration::from_millis(10))
    /// # ;
    /// ```
    pub fn max_age(mut self, age: Duration) -> Self {
        self.max_age = age;
        self
    }

    /// Called by the sink's thread each time a batch could not be stored: to log it, or to raise an alarm.
    /// [`Attached::stats`](crate::Attached::stats) tells of it too.
    ///
    /// ```
    /// # let _ =
    /// eventring_log::Options::new().on_trouble(|trouble| eprintln!("{trouble}"))
    /// # ;
    /// ```
    pub fn on_trouble(mut self, told: impl Fn(&Trouble) + Send + Sync + 'static) -> Self {
        self.on_trouble = Arc::new(told);
        self
    }
}

impl Default for Options {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options")
            .field("chained", &self.chained)
            .field("read_only", &self.read_only)
            .field("batch", &self.batch)
            .field("max_age", &self.max_age)
            .finish_non_exhaustive()
    }
}
