//! Receiving in batches that are not cloned, and stay in the ring until they are committed.

use crate::error::TryRecvError;
use crate::reader::Held;
use crate::receiver::Receiver;
use crate::subscription::Subscription;
use std::fmt;
use std::future::Future;
use std::ops::Range;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

impl<E> Receiver<E> {
    /// Waits for up to `limit` events, at least one, and borrows them from the bus: nothing is cloned,
    /// and they may be kept over an `.await`. `None`: the bus is closed and everything in it was received.
    ///
    /// They are received and committed by [`Batch::commit`], together with all that was received before;
    /// if the batch is dropped, also by a panic, the next one begins with the same event. A batch of a
    /// `limit` of 0 is empty, and there at once.
    ///
    /// # Panics
    ///
    /// If the receiver is not [committing](crate::EventBus::subscribe_committing).
    ///
    /// # Cancel safety
    ///
    /// Dropped before it has resolved, nothing was received.
    ///
    /// ```
    /// use eventring::{EventBus, WaitStrategy};
    ///
    /// # async fn store(_: &str) {}
    /// # tokio_test::block_on(async {
    /// let bus = EventBus::with_strategy(16, WaitStrategy::Block);
    /// let mut sink = bus.subscribe_committing();
    /// bus.publish(String::from("event")).await.unwrap();
    /// bus.close();
    /// while let Some(batch) = sink.recv_batch(64).await {
    ///     for (_sequence, event) in &batch {
    ///         store(event).await;
    ///     }
    ///     batch.commit();
    /// }
    /// bus.drained().await; // everything is stored
    /// # });
    /// ```
    #[track_caller]
    pub fn recv_batch(&mut self, limit: usize) -> RecvBatch<'_, E> {
        RecvBatch {
            subscription: Some(self.committing()),
            limit,
        }
    }

    /// As [`recv_batch`](Self::recv_batch), if there is an event now.
    ///
    /// # Errors
    ///
    /// As [`try_recv`](Self::try_recv).
    ///
    /// # Panics
    ///
    /// As [`recv_batch`](Self::recv_batch).
    ///
    /// ```
    /// use eventring::{EventBus, WaitStrategy};
    ///
    /// let bus = EventBus::with_strategy(16, WaitStrategy::Block);
    /// let mut sink = bus.subscribe_committing();
    /// bus.try_publish("event").unwrap();
    /// drop(sink.try_recv_batch(10).unwrap()); // is received again
    /// let batch = sink.try_recv_batch(10).unwrap();
    /// assert_eq!(batch.iter().collect::<Vec<_>>(), [(0, &"event")]);
    /// batch.commit();
    /// assert!(sink.try_recv_batch(10).is_err());
    /// ```
    #[track_caller]
    pub fn try_recv_batch(&mut self, limit: usize) -> Result<Batch<'_, E>, TryRecvError> {
        self.committing();
        if limit > 0 {
            self.try_next(|_| ())?;
        }
        Ok(Batch(self.0.reader_mut().hold(limit)))
    }

    /// As [`recv_batch`](Self::recv_batch), blocking the thread instead of the task.
    ///
    /// # Panics
    ///
    /// As [`recv_batch`](Self::recv_batch).
    ///
    /// ```
    /// use eventring::{EventBus, WaitStrategy};
    ///
    /// let bus = EventBus::with_strategy(16, WaitStrategy::Block);
    /// let mut sink = bus.subscribe_committing();
    /// std::thread::spawn(move || bus.publish_many_blocking(&mut vec!['a', 'b']));
    /// assert_eq!(sink.recv_batch_blocking(10).map(|batch| batch.len()), Some(2));
    /// ```
    #[cfg(any(not(target_family = "wasm"), target_feature = "atomics"))]
    #[track_caller]
    pub fn recv_batch_blocking(&mut self, limit: usize) -> Option<Batch<'_, E>> {
        self.committing();
        if limit > 0 {
            self.block(|_| ())?;
        }
        Some(Batch(self.0.reader_mut().hold(limit)))
    }
}

/// Events that a committing receiver has borrowed from the bus: see [`Receiver::recv_batch`].
///
/// ```
/// use eventring::{EventBus, WaitStrategy};
///
/// let bus = EventBus::with_strategy(4, WaitStrategy::Block);
/// let mut sink = bus.subscribe_committing();
/// bus.publish_many_blocking(&mut vec!["a", "bc"]).unwrap();
/// let batch = sink.try_recv_batch(10).unwrap();
/// assert_eq!(batch.iter().map(|(_, event)| event.len()).sum::<usize>(), 3);
/// batch.commit();
/// assert!(bus.is_empty());
/// ```
#[must_use = "dropped, it is received again"]
pub struct Batch<'a, E>(Held<'a, E>);

impl<'a, E> Batch<'a, E> {
    /// The events with their sequence numbers.
    ///
    /// ```
    /// # use eventring::{EventBus, WaitStrategy};
    /// # let bus = EventBus::with_strategy(4, WaitStrategy::Block);
    /// # let mut sink = bus.subscribe_committing();
    /// bus.try_publish("event").unwrap();
    /// let batch = sink.try_recv_batch(10).unwrap();
    /// assert_eq!(batch.iter().next(), Some((0, &"event")));
    /// ```
    pub fn iter(&self) -> BatchIter<'_, E> {
        BatchIter {
            held: &self.0,
            sequences: self.0.sequences(),
        }
    }

    /// How many events there are: at least one, unless none were asked for.
    ///
    /// ```
    /// # use eventring::{EventBus, WaitStrategy};
    /// # let bus = EventBus::with_strategy(4, WaitStrategy::Block);
    /// # let mut sink = bus.subscribe_committing();
    /// bus.publish_many_blocking(&mut vec!['a', 'b', 'c']).unwrap();
    /// assert_eq!(sink.try_recv_batch(2).unwrap().len(), 2);
    /// ```
    pub fn len(&self) -> usize {
        let sequences = self.0.sequences();
        (sequences.end - sequences.start) as usize
    }

    /// Whether none were asked for.
    ///
    /// ```
    /// # use eventring::{EventBus, WaitStrategy};
    /// # let bus = EventBus::<u32>::with_strategy(4, WaitStrategy::Block);
    /// assert!(bus.subscribe_committing().try_recv_batch(0).unwrap().is_empty());
    /// ```
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The sequence numbers of the events.
    ///
    /// ```
    /// # use eventring::{EventBus, WaitStrategy};
    /// # let bus = EventBus::with_strategy(4, WaitStrategy::Block);
    /// # let mut sink = bus.subscribe_committing();
    /// bus.publish_many_blocking(&mut vec!['a', 'b', 'c']).unwrap();
    /// assert_eq!(sink.try_recv_batch(2).unwrap().sequences(), 0..2);
    /// ```
    pub fn sequences(&self) -> Range<u64> {
        self.0.sequences()
    }

    /// Receives them, and [commits](Receiver::commit) all that was received.
    ///
    /// ```
    /// # use eventring::{EventBus, WaitStrategy};
    /// # let bus = EventBus::with_strategy(4, WaitStrategy::Block);
    /// # let mut sink = bus.subscribe_committing();
    /// bus.publish_many_blocking(&mut vec!['a', 'b', 'c']).unwrap();
    /// sink.try_recv_batch(2).unwrap().commit();
    /// assert_eq!(sink.committed(), 2);
    /// ```
    pub fn commit(self) {
        self.0.commit();
    }
}

impl<'a, E> IntoIterator for &'a Batch<'_, E> {
    type Item = (u64, &'a E);
    type IntoIter = BatchIter<'a, E>;

    fn into_iter(self) -> BatchIter<'a, E> {
        self.iter()
    }
}

impl<E: fmt::Debug> fmt::Debug for Batch<'_, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self).finish()
    }
}

/// Iterator of [`Batch::iter`]: the events and their sequence numbers.
///
/// ```
/// use eventring::iter::BatchIter;
///
/// fn longest(events: BatchIter<'_, String>) -> Option<u64> {
///     let longest = events.max_by_key(|(_, event)| event.len());
///     longest.map(|(sequence, _)| sequence)
/// }
///
/// let bus = eventring::EventBus::with_strategy(4, eventring::WaitStrategy::Block);
/// let mut sink = bus.subscribe_committing();
/// bus.try_publish(String::from("event")).unwrap();
/// assert_eq!(longest(sink.try_recv_batch(10).unwrap().iter()), Some(0));
/// ```
#[must_use = "iterators do nothing unless advanced"]
pub struct BatchIter<'a, E> {
    held: &'a Held<'a, E>,
    sequences: Range<u64>,
}

impl<'a, E> Iterator for BatchIter<'a, E> {
    type Item = (u64, &'a E);

    fn next(&mut self) -> Option<Self::Item> {
        let sequence = self.sequences.next()?;
        Some((sequence, self.held.get(sequence)))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = (self.sequences.end - self.sequences.start) as usize;
        (left, Some(left))
    }
}

impl<E> ExactSizeIterator for BatchIter<'_, E> {}

impl<E> DoubleEndedIterator for BatchIter<'_, E> {
    fn next_back(&mut self) -> Option<Self::Item> {
        let sequence = self.sequences.next_back()?;
        Some((sequence, self.held.get(sequence)))
    }
}

impl<E> Clone for BatchIter<'_, E> {
    fn clone(&self) -> Self {
        Self {
            held: self.held,
            sequences: self.sequences.clone(),
        }
    }
}

impl<E> fmt::Debug for BatchIter<'_, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("BatchIter").field(&self.sequences).finish()
    }
}

/// Future of [`Receiver::recv_batch`]: resolves to a [`Batch`], or to `None` at the end. It is `Unpin`.
///
/// # Panics
///
/// If polled after it has resolved.
///
/// # Cancel safety
///
/// Dropped before it has resolved, nothing was received.
///
/// ```
/// use eventring::{EventBus, WaitStrategy};
/// use futures::FutureExt;
///
/// let bus = EventBus::with_strategy(4, WaitStrategy::Block);
/// let mut sink = bus.subscribe_committing();
/// assert!(sink.recv_batch(2).now_or_never().is_none());
/// bus.publish_many_blocking(&mut vec!['a', 'b', 'c']).unwrap();
/// let batch = sink.recv_batch(2).now_or_never().unwrap().unwrap();
/// assert_eq!(batch.sequences(), 0..2);
/// ```
#[must_use = "futures do nothing unless awaited"]
pub struct RecvBatch<'a, E> {
    /// Until it has resolved.
    subscription: Option<&'a mut Subscription<E>>,
    limit: usize,
}

impl<'a, E> Future for RecvBatch<'a, E> {
    type Output = Option<Batch<'a, E>>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let limit = self.limit;
        let subscription = &mut self.subscription;
        let polled = subscription.as_mut().expect("polled after completion");
        let there = if limit > 0 {
            ready!(polled.poll_event(cx, |_| ()))
        } else {
            Some(())
        };
        let subscription = subscription.take();
        Poll::Ready(there.and(subscription.map(|one| Batch(one.reader_mut().hold(limit)))))
    }
}

impl<E> Drop for RecvBatch<'_, E> {
    fn drop(&mut self) {
        if let Some(subscription) = &mut self.subscription {
            subscription.cancel();
        }
    }
}

impl<E> fmt::Debug for RecvBatch<'_, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RecvBatch")
            .field("limit", &self.limit)
            .finish_non_exhaustive()
    }
}
