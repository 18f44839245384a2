//! The handle of a log.

use crate::builder::Builder;
use crate::error::Unwritten;
use crate::inside::Inside;
use crate::progress::{Goal, Progress};
use crate::stats::Stats;
use eventring::{EventBus, Receiver, TryPublishError};
use std::fmt;
use std::io::{self, ErrorKind, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::fmt::format::{DefaultFields, Format};

/// How long a record waits at least before it looks again who holds it up.
const LEAST_WAIT: Duration = Duration::from_millis(10);

/// What was logged, as it goes to the sinks: a line, mostly.
pub type Record = Arc<[u8]>;

/// A log that goes through a bus: see the [crate's page](crate). A handle: clones are of the same log.
///
/// It is a `MakeWriter` for the `fmt` layer of `tracing-subscriber`, and its reference a writer, each write of
/// which is a record (`write!` makes one of all its parts). Publishing is blocking, as the sinks have it.
///
/// ```
/// use eventring_tracing::{LogBus, Sink};
/// use std::io;
/// use tracing_subscriber::prelude::*;
///
/// let (log, guard) = LogBus::builder().sink(Sink::new("stderr", io::stderr())).start().unwrap();
/// let layer = tracing_subscriber::fmt::layer().compact().with_writer(log.clone());
/// # let _default =
/// tracing_subscriber::registry().with(layer).set_default(); // or `init`
/// tracing::info!("hello");
/// # drop(guard);
/// ```
#[derive(Clone)]
pub struct LogBus(pub(crate) Arc<Shared>);

pub(crate) struct Shared {
    bus: EventBus<Record>,
    /// Of those who block for a time, how long, shortest first, and their names.
    patience: Vec<(Duration, String)>,
    sinks: Vec<Arc<Progress>>,
    inside: AtomicU64,
    late: AtomicU64,
}

impl Shared {
    pub(crate) fn new(
        bus: EventBus<Record>,
        patience: Vec<(Duration, String)>,
        sinks: Vec<Arc<Progress>>,
    ) -> Self {
        Self {
            bus,
            patience,
            sinks,
            inside: AtomicU64::new(0),
            late: AtomicU64::new(0),
        }
    }
}

impl LogBus {
    /// A log without sinks, so far.
    ///
    /// ```
    /// use eventring_tracing::{LogBus, Sink};
    ///
    /// let (log, guard) = LogBus::builder().sink(Sink::new("stderr", std::io::stderr())).start().unwrap();
    /// # let _ = (log, guard);
    /// ```
    pub fn builder() -> Builder {
        Builder::new()
    }

    /// The `fmt` layer that writes here, without colours. It can be configured on, filtered, and is one of many
    /// if need be; for colours or JSON make your own, `with_writer(log.clone())`.
    ///
    /// ```
    /// use eventring_tracing::LogBus;
    /// use tracing_subscriber::prelude::*;
    ///
    /// let (log, guard) = LogBus::builder().start().unwrap();
    /// let mut tail = log.tail();
    /// let layer = log.layer().without_time().with_target(false);
    /// let _default = tracing_subscriber::registry().with(layer).set_default();
    /// tracing::warn!(disk = "full", "careful");
    /// assert_eq!(&*tail.recv_blocking().unwrap(), b" WARN careful disk=\"full\"\n");
    /// # drop(guard);
    /// ```
    pub fn layer<S>(&self) -> tracing_subscriber::fmt::Layer<S, DefaultFields, Format, Self> {
        tracing_subscriber::fmt::layer()
            .with_ansi(false)
            .with_writer(self.clone())
    }

    /// All records from now on, lossy: for a page, a test, a stream over HTTP. It receives in every way that a
    /// [`Receiver`] does; `with_lag` tells what it missed.
    ///
    /// ```
    /// use std::io::Write;
    ///
    /// let (log, guard) = eventring_tracing::LogBus::builder().start().unwrap();
    /// let mut tail = log.tail();
    /// writeln!(&log, "a record").unwrap();
    /// drop(guard);
    /// assert_eq!(tail.recv_blocking().as_deref(), Some(&b"a record\n"[..]));
    /// assert_eq!(tail.recv_blocking(), None);
    /// ```
    pub fn tail(&self) -> Receiver<Record> {
        self.bus().receiver().name("tail").lossy().build()
    }

    /// Waits until every sink has written what was logged before, or told that it lost it, and has flushed
    /// its writer. However long that takes: a sink that is stuck keeps it waiting.
    ///
    /// # Errors
    ///
    /// The sinks whose writers fail, so that something is not written or not told so far. From a thread of
    /// the log itself: all that are behind, at once.
    ///
    /// ```
    /// use eventring_tracing::{LogBus, Sink};
    /// use std::fs;
    /// use std::io::Write;
    ///
    /// # let directory = tempfile::tempdir().unwrap();
    /// # let path = directory.path().join("app.log");
    /// let file = fs::File::create(&path).unwrap();
    /// let (log, guard) = LogBus::builder().sink(Sink::new("file", file)).start().unwrap();
    /// writeln!(&log, "a record").unwrap();
    /// log.flush().unwrap();
    /// assert_eq!(fs::read_to_string(path).unwrap(), "a record\n");
    /// # drop(guard);
    /// ```
    pub fn flush(&self) -> Result<(), Unwritten> {
        self.flush_until(None)
    }

    /// As [`flush`](Self::flush), waiting for at most `limit`.
    ///
    /// # Errors
    ///
    /// As [`flush`](Self::flush), and the sinks that were not done in time.
    ///
    /// ```
    /// use eventring_tracing::{LogBus, Sink};
    /// use std::time::Duration;
    ///
    /// let (log, guard) = LogBus::builder().sink(Sink::new("sink", std::io::sink())).start().unwrap();
    /// log.flush_timeout(Duration::from_secs(1)).unwrap();
    /// # drop(guard);
    /// ```
    pub fn flush_timeout(&self, limit: Duration) -> Result<(), Unwritten> {
        self.flush_until(Instant::now().checked_add(limit))
    }

    fn flush_until(&self, deadline: Option<Instant>) -> Result<(), Unwritten> {
        let deadline = match Inside::is_here() {
            true => Some(Instant::now()),
            false => deadline,
        };
        let published = self.bus().stats().next_sequence;
        self.wait(Goal::Position(published), deadline)
    }

    pub(crate) fn wait(&self, goal: Goal, deadline: Option<Instant>) -> Result<(), Unwritten> {
        let sinks = self.sinks().iter();
        let sinks: Vec<_> = sinks.filter_map(|sink| sink.wait(goal, deadline)).collect();
        match sinks.is_empty() {
            true => Ok(()),
            false => Err(Unwritten { sinks }),
        }
    }

    /// What was counted so far. A sink's counts are those of when its last batch was done.
    ///
    /// ```
    /// let (log, guard) = eventring_tracing::LogBus::builder().start().unwrap();
    /// assert_eq!(log.stats().published, 0);
    /// # drop(guard);
    /// ```
    pub fn stats(&self) -> Stats {
        let published = self.bus().stats().published;
        Stats {
            published,
            inside: self.0.inside.load(Ordering::Relaxed),
            late: self.0.late.load(Ordering::Relaxed),
            sinks: self
                .sinks()
                .iter()
                .map(|sink| sink.stats(published))
                .collect(),
        }
    }

    pub(crate) fn bus(&self) -> &EventBus<Record> {
        &self.0.bus
    }

    pub(crate) fn sinks(&self) -> &[Arc<Progress>] {
        &self.0.sinks
    }

    /// Whether there is a log to publish to.
    fn publish(&self, record: &[u8]) -> bool {
        let Some(_inside) = Inside::enter() else {
            self.0.inside.fetch_add(1, Ordering::Relaxed);
            return true;
        };
        let published = match self.0.patience[..] {
            [] => self.bus().publish_blocking(record.into()).is_ok(),
            _ => self.publish_patiently(record.into()),
        };
        if !published {
            self.0.late.fetch_add(1, Ordering::Relaxed);
        }
        published
    }

    /// Waits for each sink as long as it may, then evicts it.
    fn publish_patiently(&self, record: Record) -> bool {
        let mut refused = match self.bus().try_publish(record) {
            Ok(_) => return true,
            Err(refused) => refused,
        };
        let started = Instant::now();
        loop {
            let record = match refused {
                TryPublishError::Full(record) => record,
                TryPublishError::Closed(_) => return false,
            };
            let waited = started.elapsed();
            let patience = self.0.patience.iter();
            let (gone, left): (Vec<_>, Vec<_>) = patience.partition(|(time, _)| *time <= waited);
            self.evict(&gone);
            let wait = match (left.first(), gone.last()) {
                (Some((time, _)), _) => *time - waited,
                // They hold nobody up, unless one comes back while a sink that blocks does.
                (None, Some((time, _))) => (*time).max(LEAST_WAIT),
                (None, None) => unreachable!("there is patience"),
            };
            refused = match self.bus().publish_timeout(record, wait) {
                Ok(_) => return true,
                Err(refused) => refused,
            };
        }
    }

    /// Of these sinks, evicts those that hold others up.
    fn evict(&self, sinks: &[&(Duration, String)]) {
        if sinks.is_empty() {
            return;
        }
        let capacity = self.bus().capacity() as u64;
        for receiver in self.bus().receivers() {
            let is_named =
                |(_, name): &&(Duration, String)| receiver.name.as_deref() == Some(&**name);
            if receiver.behind >= capacity && sinks.iter().any(is_named) {
                self.bus().evict(receiver.id);
            }
        }
    }
}

impl<'a> MakeWriter<'a> for LogBus {
    type Writer = &'a Self;

    fn make_writer(&'a self) -> &'a Self {
        self
    }
}

impl Write for &LogBus {
    fn write(&mut self, record: &[u8]) -> io::Result<usize> {
        match record.is_empty() || self.publish(record) {
            true => Ok(record.len()),
            false => Err(io::Error::new(ErrorKind::BrokenPipe, "the log is closed")),
        }
    }

    fn write_fmt(&mut self, record: fmt::Arguments<'_>) -> io::Result<()> {
        self.write_all(record.to_string().as_bytes())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl fmt::Debug for LogBus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("LogBus").field(&self.stats()).finish()
    }
}
