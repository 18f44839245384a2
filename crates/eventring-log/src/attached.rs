//! A bus whose events are stored.

use crate::stats::{Progress, Stats};
use eventring::{EventBus, Receiver, Watermark, WeakEventBus};
use std::convert::Infallible;
use std::fmt;
use std::sync::Arc;
use std::thread::JoinHandle;

/// The sink of a log, from outside: see [`Log::attach`](crate::Log::attach). Dropping it has no effect.
///
/// ```
/// # use eventring::{EventBus, WaitStrategy};
/// # use eventring_log::{Log, Options, Raw};
/// # let directory = tempfile::tempdir().unwrap();
/// # let path = directory.path().join("events.db");
/// # let log = Log::<Raw>::open(path, Options::new()).unwrap();
/// # let bus = EventBus::with_strategy(16, WaitStrategy::Block);
/// let attached = log.attach(&bus).unwrap();
/// let stored = attached.watermark();
/// bus.publish_many_blocking(&mut vec![b"one".into(), b"other".into()]).unwrap();
/// stored.reached_blocking(1).unwrap();
/// assert_eq!(attached.stats().events, 2);
/// ```
pub struct Attached<E> {
    thread: JoinHandle<()>,
    watermark: Watermark<E>,
    progress: Arc<Progress>,
    end: End,
}

/// Of a bus that is the thread's alone: nothing comes, but the end, however the thread ends. (To wait for the
/// watermark to be gone would have each commit look for who waits.)
pub(crate) type End = Receiver<Infallible>;

impl<E> Attached<E> {
    pub(crate) fn new(
        thread: JoinHandle<()>,
        watermark: Watermark<E>,
        progress: Arc<Progress>,
        end: End,
    ) -> Self {
        Self {
            thread,
            watermark,
            progress,
            end,
        }
    }

    /// How far the events are on disk: for who answers only once they are.
    ///
    /// ```
    /// # use eventring::{EventBus, WaitStrategy};
    /// # use eventring_log::{Log, Options, Raw};
    /// # let directory = tempfile::tempdir().unwrap();
    /// # let path = directory.path().join("events.db");
    /// # let log = Log::<Raw>::open(path, Options::new()).unwrap();
    /// # let bus = EventBus::with_strategy(16, WaitStrategy::Block);
    /// # let attached = log.attach(&bus).unwrap();
    /// # tokio_test::block_on(async {
    /// let sequence = bus.publish(b"event".into()).await.unwrap();
    /// attached.watermark().reached(sequence).await.unwrap();
    /// assert_eq!(log.next(), sequence + 1);
    /// # });
    /// ```
    pub fn watermark(&self) -> Watermark<E> {
        self.watermark.clone()
    }

    /// How the storing goes: what was stored, and why the next batch is not yet.
    ///
    /// ```
    /// # use eventring::{EventBus, WaitStrategy};
    /// # use eventring_log::{Log, Options, Raw};
    /// # let directory = tempfile::tempdir().unwrap();
    /// # let path = directory.path().join("events.db");
    /// # let log = Log::<Raw>::open(path, Options::new()).unwrap();
    /// # let bus = EventBus::with_strategy(16, WaitStrategy::Block);
    /// # let attached = log.attach(&bus).unwrap();
    /// if let Some(trouble) = attached.stats().trouble {
    ///     eprintln!("{trouble}, for {:?}", trouble.since.elapsed());
    /// }
    /// ```
    pub fn stats(&self) -> Stats {
        self.progress.get()
    }

    /// Resolves once the sink has ended: the bus is closed and everything is stored, unless it died.
    ///
    /// # Cancel safety
    ///
    /// Dropping it has no effect.
    ///
    /// ```
    /// # use eventring::{EventBus, WaitStrategy};
    /// # use eventring_log::{Log, Options, Raw};
    /// # let directory = tempfile::tempdir().unwrap();
    /// # let path = directory.path().join("events.db");
    /// # let log = Log::<Raw>::open(path, Options::new()).unwrap();
    /// # let bus = EventBus::with_strategy(16, WaitStrategy::Block);
    /// # let attached = log.attach(&bus).unwrap();
    /// # tokio_test::block_on(async {
    /// bus.publish(b"event".into()).await.unwrap();
    /// bus.close();
    /// attached.ended().await;
    /// assert_eq!(log.next(), 1);
    /// # });
    /// ```
    pub async fn ended(&self) {
        self.end.clone().recv().await;
    }

    /// Waits for the sink's end, as [`ended`](Self::ended), blocking the thread instead of the task.
    ///
    /// # Errors
    ///
    /// That with which the sink panicked, if it did.
    ///
    /// ```
    /// # use eventring::{EventBus, WaitStrategy};
    /// # use eventring_log::{Log, Options, Raw};
    /// # let directory = tempfile::tempdir().unwrap();
    /// # let path = directory.path().join("events.db");
    /// # let log = Log::<Raw>::open(path, Options::new()).unwrap();
    /// # let bus = EventBus::with_strategy(16, WaitStrategy::Block);
    /// # let attached = log.attach(&bus).unwrap();
    /// bus.close();
    /// attached.join().unwrap();
    /// ```
    pub fn join(self) -> std::thread::Result<()> {
        self.thread.join()
    }
}

impl<E> fmt::Debug for Attached<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Attached")
            .field("watermark", &self.watermark)
            .field("stats", &self.stats())
            .finish_non_exhaustive()
    }
}

/// What a log knows of its bus.
pub(crate) struct Attachment<E> {
    pub(crate) bus: WeakEventBus<E>,
    pub(crate) watermark: Watermark<E>,
    pub(crate) end: End,
}

impl<E> Attachment<E> {
    /// Whether its sink has not ended.
    pub(crate) fn runs(&self) -> bool {
        !self.end.is_closed()
    }

    pub(crate) fn is_of(&self, bus: &EventBus<E>) -> bool {
        let own = self.bus.upgrade();
        own.is_some_and(|own| own.same_bus(bus))
    }
}
