//! Starting a log.

use crate::error::StartError;
use crate::guard::Guard;
use crate::log::{LogBus, Shared};
use crate::output::Output;
use crate::progress::Progress;
use crate::sink::{Policy, Sink};
use crate::worker::{Worker, subscribe};
use eventring::{EventBus, Start, WaitStrategy};
use std::collections::HashSet;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

/// What there is to choose about a log: see [`LogBus::builder`].
///
/// ```
/// use eventring_tracing::{LogBus, Sink};
/// use std::io;
///
/// let builder = LogBus::builder().capacity(1024).sink(Sink::new("stderr", io::stderr()).lossy());
/// let (log, guard) = builder.start().unwrap();
/// # let _ = (log, guard);
/// ```
#[derive(Debug)]
#[must_use = "a builder does nothing until `start`"]
pub struct Builder {
    capacity: usize,
    drain: Duration,
    sinks: Vec<Sink>,
}

impl Builder {
    pub(crate) fn new() -> Self {
        Self {
            capacity: 8192,
            drain: Duration::from_secs(5),
            sinks: Vec::new(),
        }
    }

    /// How many records a sink may be behind before it holds up who logs, or misses some. Default: 8192. With a
    /// sink that blocks for a time, so many records stay in memory.
    ///
    /// ```
    /// let builder = eventring_tracing::LogBus::builder().capacity(100_000);
    /// # let _ = builder;
    /// ```
    pub fn capacity(mut self, records: usize) -> Self {
        self.capacity = records;
        self
    }

    /// How long the guard waits for the sinks when it is dropped. Default: 5 seconds.
    ///
    /// ```
    /// # use std::time::Duration;
    /// let builder = eventring_tracing::LogBus::builder().drain(Duration::from_secs(30));
    /// # let _ = builder;
    /// ```
    pub fn drain(mut self, limit: Duration) -> Self {
        self.drain = limit;
        self
    }

    /// One more sink: each gets all records. Their names differ.
    ///
    /// ```
    /// use eventring_tracing::Sink;
    ///
    /// let builder = eventring_tracing::LogBus::builder().sink(Sink::new("stderr", std::io::stderr()));
    /// # let _ = builder;
    /// ```
    pub fn sink(mut self, sink: Sink) -> Self {
        self.sinks.push(sink);
        self
    }

    /// Starts a thread for each sink, and returns the log's handle, and the guard that ends it.
    ///
    /// # Errors
    ///
    /// If the capacity is 0 or cannot be allocated, if two sinks have the same name, or if a thread cannot be
    /// started.
    ///
    /// ```
    /// let (log, guard) = eventring_tracing::LogBus::builder().start().unwrap();
    /// let tail = log.tail(); // the only one who gets something here
    /// # let _ = (tail, guard);
    /// ```
    pub fn start(self) -> Result<(LogBus, Guard), StartError> {
        let mut names = HashSet::new();
        if let Some(twice) = self.sinks.iter().find(|sink| !names.insert(&sink.name)) {
            return Err(StartError::Name(twice.name.clone()));
        }
        let mut patience: Vec<_> = self.sinks.iter().filter_map(Sink::patience).collect();
        patience.sort();
        // What an evicted sink finds when it comes back.
        let history = if patience.is_empty() {
            0
        } else {
            self.capacity
        };
        let bus = EventBus::builder()
            .capacity(self.capacity)
            .strategy(WaitStrategy::Block)
            .history(history);
        let bus = bus.build().map_err(StartError::Bus)?;
        let sinks = self.sinks.iter();
        let sinks = sinks.map(|sink| Arc::new(Progress::new(sink.name.clone())));
        let log = LogBus(Arc::new(Shared::new(bus, patience, sinks.collect())));
        // Also if not all of them start: it ends those that do.
        let mut guard = Guard::new(log.clone(), self.drain);
        for (sink, progress) in self.sinks.into_iter().zip(log.sinks()) {
            let worker = Worker {
                bus: log.bus().clone(),
                receiver: subscribe(log.bus(), &sink.name, sink.policy, Start::Next),
                policy: sink.policy,
                limit: sink.batch,
                progress: Arc::clone(progress),
                output: Output::new(sink),
            };
            let thread = thread::Builder::new().name(format!("log-{}", progress.name));
            let thread = thread.spawn(|| worker.run());
            guard.threads.push(thread.map_err(StartError::Thread)?);
        }
        Ok((log, guard))
    }
}

impl Sink {
    fn patience(&self) -> Option<(Duration, String)> {
        match self.policy {
            Policy::BlockFor(patience) => Some((patience, self.name.clone())),
            _ => None,
        }
    }
}
