//! What others see of a committing receiver.

use crate::error::Gone;
use crate::receiver::Receiver;
use crate::ring::{CursorRef, Ring, Watch};
use crate::sync::Arc;
#[cfg(any(not(target_family = "wasm"), target_feature = "atomics"))]
use crate::wait::{Limit, block, block_within};
use crate::wait::{List, Wait, Waiting, waiting_future};
use std::fmt;
use std::future::Future;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::pin::Pin;
use std::task::{Context, Poll};
#[cfg(any(not(target_family = "wasm"), target_feature = "atomics"))]
use std::time::Duration;

impl<E> Receiver<E> {
    /// What others see of what this receiver has committed.
    ///
    /// # Panics
    ///
    /// If the receiver is not [committing](crate::EventBus::subscribe_committing).
    ///
    /// ```
    /// use eventring::{EventBus, WaitStrategy};
    ///
    /// # tokio_test::block_on(async {
    /// let bus = EventBus::with_strategy(16, WaitStrategy::Block);
    /// let mut sink = bus.subscribe_committing();
    /// let stored = sink.watermark();
    /// tokio::spawn(async move {
    ///     while let Some(batch) = sink.recv_batch(64).await {
    ///         batch.commit(); // once it is stored
    ///     }
    /// });
    /// let sequence = bus.publish("event").await.unwrap();
    /// stored.reached(sequence).await.unwrap(); // now it can be answered
    /// # });
    /// ```
    #[track_caller]
    pub fn watermark(&self) -> Watermark<E> {
        self.assert_commits();
        let reader = self.0.reader();
        Watermark {
            ring: Arc::clone(reader.ring()),
            cursor: CursorRef::clone(reader.cursor()),
        }
    }
}

/// How far a committing receiver has come: see [`Receiver::watermark`]. It keeps neither the bus open nor
/// the receiver alive.
///
/// ```
/// use eventring::{EventBus, Gone, WaitStrategy};
///
/// let bus = EventBus::with_strategy(16, WaitStrategy::Block);
/// let mut sink = bus.subscribe_committing();
/// let stored = sink.watermark();
/// let sequence = bus.publish_blocking("event").unwrap();
/// assert_eq!(stored.get(), 0);
/// drop(sink);
/// assert_eq!(stored.reached_blocking(sequence), Err(Gone));
/// ```
pub struct Watermark<E> {
    pub(crate) ring: Arc<Ring<E>>,
    pub(crate) cursor: CursorRef,
}

impl<E> Watermark<E> {
    /// The sequence number before which all events are committed, or were when the receiver went.
    ///
    /// ```
    /// # use eventring::{EventBus, WaitStrategy};
    /// let bus = EventBus::with_strategy(16, WaitStrategy::Block);
    /// let mut sink = bus.subscribe_committing();
    /// let stored = sink.watermark();
    /// bus.try_publish("event").unwrap();
    /// sink.try_recv_batch(1).unwrap().commit();
    /// assert_eq!(stored.get(), 1);
    /// ```
    pub fn get(&self) -> u64 {
        self.cursor.watermark().sequence()
    }

    /// Resolves once the event of this sequence number is committed. What the receiver did before it
    /// committed the event is seen then.
    ///
    /// An event that is not published is not going to be committed: it is waited for until the receiver
    /// is gone.
    ///
    /// # Errors
    ///
    /// [`Gone`] if the receiver goes before that.
    ///
    /// # Cancel safety
    ///
    /// Dropping it has no effect.
    ///
    /// ```
    /// # tokio_test::block_on(async {
    /// # use eventring::{EventBus, WaitStrategy};
    /// let bus = EventBus::with_strategy(16, WaitStrategy::Block);
    /// let mut sink = bus.subscribe_committing();
    /// let stored = sink.watermark();
    /// let sequence = bus.publish("event").await.unwrap();
    /// sink.recv_batch(1).await.unwrap().commit();
    /// assert_eq!(stored.reached(sequence).await, Ok(()));
    /// # });
    /// ```
    pub fn reached(&self, sequence: u64) -> Reached<'_, E> {
        Reached(Waiting::new(self.reaching(sequence)))
    }

    /// As [`reached`](Self::reached), blocking the thread instead of the task.
    ///
    /// # Errors
    ///
    /// As [`reached`](Self::reached).
    ///
    /// ```
    /// # use eventring::{EventBus, WaitStrategy};
    /// let bus = EventBus::with_strategy(16, WaitStrategy::Block);
    /// let mut sink = bus.subscribe_committing();
    /// let stored = sink.watermark();
    /// let sequence = bus.publish_blocking("event").unwrap();
    /// let sink = std::thread::spawn(move || sink.recv_batch_blocking(1).unwrap().commit());
    /// assert_eq!(stored.reached_blocking(sequence), Ok(()));
    /// # sink.join().unwrap();
    /// ```
    #[cfg(any(not(target_family = "wasm"), target_feature = "atomics"))]
    pub fn reached_blocking(&self, sequence: u64) -> Result<(), Gone> {
        block(&mut self.reaching(sequence))
    }

    /// As [`reached_blocking`](Self::reached_blocking), waiting for at most `timeout`: `None` if it was
    /// not enough. A task puts its runtime's timeout around [`reached`](Self::reached).
    ///
    /// ```
    /// # use eventring::{EventBus, WaitStrategy};
    /// # use std::time::Duration;
    /// let bus = EventBus::with_strategy(16, WaitStrategy::Block);
    /// let mut sink = bus.subscribe_committing();
    /// let stored = sink.watermark();
    /// let sequence = bus.publish_blocking("event").unwrap();
    /// assert_eq!(stored.reached_timeout(sequence, Duration::from_millis(1)), None);
    /// ```
    #[cfg(any(not(target_family = "wasm"), target_feature = "atomics"))]
    #[must_use = "it may not be reached"]
    pub fn reached_timeout(&self, sequence: u64, timeout: Duration) -> Option<Result<(), Gone>> {
        block_within(&mut self.reaching(sequence), &mut Limit::Timeout(timeout))
    }

    fn reaching(&self, sequence: u64) -> Reaching<'_, E> {
        Reaching {
            watermark: self,
            sequence,
        }
    }
}

impl<E> Clone for Watermark<E> {
    fn clone(&self) -> Self {
        Self {
            ring: Arc::clone(&self.ring),
            cursor: CursorRef::clone(&self.cursor),
        }
    }
}

impl<E> fmt::Debug for Watermark<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Watermark").field(&self.get()).finish()
    }
}

// No user code runs by it.
impl<E> UnwindSafe for Watermark<E> {}
impl<E> RefUnwindSafe for Watermark<E> {}

/// Waiting for a committing receiver.
struct Reaching<'a, E> {
    watermark: &'a Watermark<E>,
    sequence: u64,
}

impl<E> Wait for Reaching<'_, E> {
    type Output = Result<(), Gone>;

    fn key(&self) -> u64 {
        self.sequence
    }

    fn attempt(&mut self, listed: bool) -> Option<Self::Output> {
        let target = self.sequence.saturating_add(1);
        match self.watermark.cursor.watch(target, listed) {
            Watch::Reached => Some(Ok(())),
            Watch::Gone => Some(Err(Gone)),
            Watch::Behind => None,
        }
    }

    fn list(&self, _: u64) -> List<'_> {
        List::Each(self.watermark.cursor.watchers())
    }
}

waiting_future! {
    /// Future of [`Watermark::reached`]: resolves once the event is committed, or its receiver
    /// [gone](Gone). It is `Unpin`.
    ///
    /// # Cancel safety
    ///
    /// Dropping it has no effect.
    ///
    /// ```
    /// use eventring::{EventBus, Gone, WaitStrategy};
    /// use futures::FutureExt;
    ///
    /// let bus = EventBus::<u32>::with_strategy(16, WaitStrategy::Block);
    /// let mut sink = bus.subscribe_committing();
    /// let stored = sink.watermark();
    /// let mut reached = stored.reached(0);
    /// assert_eq!((&mut reached).now_or_never(), None);
    /// drop(sink);
    /// assert_eq!(reached.now_or_never(), Some(Err(Gone)));
    /// ```
    Reached<'a, E>(Waiting<Reaching<'a, E>>) -> Result<(), Gone>
}
