//! The receiving side: the handle, thin over the reader.

#[cfg(any(not(target_family = "wasm"), target_feature = "atomics"))]
mod blocking;

use crate::error::TryRecvError;
use crate::future::{Recv, RecvMany, RecvManyWith, RecvWith};
use crate::outcome;
use crate::reader::Pinned;
use crate::ring::Kind;
use crate::subscription::Subscription;
use std::fmt;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::task::{Context, Poll};

/// Gets every event published since it subscribed, in order.
///
/// Lag never ends a loop, nor shows in one: a receiver that was lapped goes on with the oldest retained
/// event, and counts what it [`missed`](Self::missed). Who wants to be told of each gap in its place uses
/// [`with_lag`](Self::with_lag). Every loop ends when the bus is closed and everything in it was received:
///
/// | | one | many at once (0: the end) | by reference | many by reference (0: the end) |
/// |---|---|---|---|---|
/// | a task waits | [`recv`](Self::recv), or as a [`Stream`](futures_core::Stream) | [`recv_many`](Self::recv_many) | [`recv_with`](Self::recv_with) | [`recv_many_with`](Self::recv_many_with) |
/// | a thread waits | [`recv_blocking`](Self::recv_blocking), [`blocking_iter`](Self::blocking_iter) | [`recv_many_blocking`](Self::recv_many_blocking) | [`recv_with_blocking`](Self::recv_with_blocking) | [`recv_many_with_blocking`](Self::recv_many_with_blocking) |
/// | a thread waits, not for ever | [`recv_timeout`](Self::recv_timeout) | | | |
/// | nobody waits | [`try_recv`](Self::try_recv), [`try_iter`](Self::try_iter) | [`try_recv_many`](Self::try_recv_many) | [`try_recv_with`](Self::try_recv_with) | [`try_recv_many_with`](Self::try_recv_many_with) |
/// | a hand-written future | [`poll_recv`](Self::poll_recv) | | | |
///
/// By reference nothing is cloned; many at once take one step for all that is there. Which *kind* of
/// receiver suits a sink, a page or a cache, and what a slow one does to the others, is said at
/// [`EventBus::subscribe`](crate::EventBus::subscribe).
///
/// A clone stands at the same position, as a receiver of its own that has missed nothing yet.
///
/// User code runs while the receiver reads (`E::clone`, closures). If it panics, that event counts
/// as received, and the receiver goes on with the next one. It may subscribe to the bus, but not
/// wait for it to have room: a lossy receiver's publishers wait, spinning, until the code is done
/// (for a whole batch, if several events are received at once).
///
/// ```
/// # futures::executor::block_on(async {
/// let bus = eventring::EventBus::new(2);
/// let mut receiver = bus.subscribe();
/// bus.publish_many(&mut vec!['a', 'b', 'c']).await.unwrap();
/// drop(bus);
/// let mut text = String::new();
/// while let Some(event) = receiver.recv().await {
///     text.push(event);
/// }
/// assert_eq!((text.as_str(), receiver.missed()), ("bc", 1));
/// # });
/// ```
pub struct Receiver<E>(pub(crate) Subscription<E>);

impl<E> Receiver<E> {
    /// A receiver of the same kind that starts at the next event to be published. One that stands where
    /// this one does: `clone`.
    ///
    /// ```
    /// let bus = eventring::EventBus::new(16);
    /// let behind = bus.subscribe();
    /// bus.try_publish("event").unwrap();
    /// assert_eq!(behind.resubscribe().len(), 0);
    /// ```
    #[must_use = "a receiver may hold publishers back"]
    pub fn resubscribe(&self) -> Self {
        Self(Subscription::new(self.0.ring(), self.0.reader().wanted()))
    }

    /// Receives the next event, waiting for it if need be. `None`: the bus is closed and everything in
    /// it was received. The last receiver to want an event gets it moved rather than cloned, if it is
    /// the only one.
    ///
    /// With combinators: the receiver is a `Stream` of the same. If events are large or of no interest
    /// mostly: [`recv_with`](Self::recv_with). If they come in bursts: [`recv_many`](Self::recv_many).
    ///
    /// # Cancel safety
    ///
    /// Dropped before it has resolved, nothing was received.
    ///
    /// ```
    /// # tokio_test::block_on(async {
    /// let bus = eventring::EventBus::new(16);
    /// let mut receiver = bus.subscribe();
    /// bus.publish("event").await.unwrap();
    /// drop(bus);
    /// assert_eq!(receiver.recv().await, Some("event"));
    /// assert_eq!(receiver.recv().await, None);
    /// # });
    /// ```
    pub fn recv(&mut self) -> Recv<'_, E>
    where
        E: Clone,
    {
        Recv::new(&mut self.0)
    }

    /// Receives the next event if it is there. All that are there: [`try_iter`](Self::try_iter) or
    /// [`try_recv_many`](Self::try_recv_many).
    ///
    /// # Errors
    ///
    /// [`TryRecvError::Empty`] if nothing is there so far, [`TryRecvError::Closed`] if nothing is going
    /// to be.
    ///
    /// ```
    /// use eventring::{EventBus, TryRecvError};
    ///
    /// let mut receiver = EventBus::<u32>::new(16).subscribe();
    /// assert_eq!(receiver.try_recv(), Err(TryRecvError::Closed));
    /// ```
    #[inline]
    pub fn try_recv(&mut self) -> Result<E, TryRecvError>
    where
        E: Clone,
    {
        self.try_next(|pinned| pinned.recv())
    }

    /// Receives the next event that is there, past any gap.
    #[inline(always)]
    pub(crate) fn try_next<R>(
        &mut self,
        receive: impl FnOnce(Pinned<'_, E>) -> R,
    ) -> Result<R, TryRecvError> {
        loop {
            match self.0.try_receive() {
                Ok(pinned) => return Ok(receive(pinned)),
                Err(outcome::TryRecvError::Lagged(_)) => {}
                Err(outcome::TryRecvError::Empty) => return Err(TryRecvError::Empty),
                Err(outcome::TryRecvError::Closed) => return Err(TryRecvError::Closed),
            }
        }
    }

    /// Polls for the next event, for use in hand-written futures. If there is none, the waker of
    /// the last such call is woken when there is. Takes part in the task's cooperative budget.
    ///
    /// ```
    /// # tokio_test::block_on(async {
    /// let bus = eventring::EventBus::new(16);
    /// let mut receiver = bus.subscribe();
    /// bus.publish("event").await.unwrap();
    /// let event = std::future::poll_fn(|cx| receiver.poll_recv(cx)).await;
    /// assert_eq!(event, Some("event"));
    /// # });
    /// ```
    pub fn poll_recv(&mut self, cx: &mut Context<'_>) -> Poll<Option<E>>
    where
        E: Clone,
    {
        self.0.poll_next(cx)
    }

    /// Receives up to `limit` events, at least one, waiting for it if need be: appends them to the
    /// vector and resolves to their number. 0 is the end, unless the `limit` is 0.
    ///
    /// What is there is taken in one step, so this is faster than receiving one by one. If the events
    /// need not be kept, [`recv_many_with`](Self::recv_many_with) is faster still.
    ///
    /// # Cancel safety
    ///
    /// Dropped before it has resolved, nothing was received.
    ///
    /// ```
    /// # tokio_test::block_on(async {
    /// let bus = eventring::EventBus::new(16);
    /// let mut receiver = bus.subscribe();
    /// bus.publish_many(&mut vec!['a', 'b', 'c']).await.unwrap();
    /// let mut batch = Vec::new();
    /// assert_eq!(receiver.recv_many(&mut batch, 2).await, 2);
    /// assert_eq!(batch, ['a', 'b']);
    /// # });
    /// ```
    pub fn recv_many<'a>(&'a mut self, buffer: &'a mut Vec<E>, limit: usize) -> RecvMany<'a, E>
    where
        E: Clone,
    {
        RecvMany::new(&mut self.0, buffer, limit)
    }

    /// As [`recv_many`](Self::recv_many), if there is an event now.
    ///
    /// # Errors
    ///
    /// As [`try_recv`](Self::try_recv); nothing is appended then.
    ///
    /// ```
    /// let bus = eventring::EventBus::new(16);
    /// let mut receiver = bus.subscribe();
    /// bus.try_publish('a').unwrap();
    /// let mut batch = Vec::new();
    /// assert_eq!(receiver.try_recv_many(&mut batch, 10), Ok(1));
    /// ```
    pub fn try_recv_many(
        &mut self,
        buffer: &mut Vec<E>,
        limit: usize,
    ) -> Result<usize, TryRecvError>
    where
        E: Clone,
    {
        if limit == 0 {
            return Ok(0);
        }
        self.try_next(|pinned| pinned.recv_many(buffer, limit))
    }

    /// Receives the next event by reference, without cloning it, waiting for it if need be. `None`: the
    /// end, as with [`recv`](Self::recv).
    ///
    /// # Cancel safety
    ///
    /// Dropped before it has resolved, nothing was received and the closure was not called.
    ///
    /// ```
    /// # tokio_test::block_on(async {
    /// let bus = eventring::EventBus::new(16);
    /// let mut receiver = bus.subscribe();
    /// bus.publish(String::from("event")).await.unwrap();
    /// assert_eq!(receiver.recv_with(|event| event.len()).await, Some(5));
    /// # });
    /// ```
    pub fn recv_with<R, F: FnOnce(&E) -> R>(&mut self, read: F) -> RecvWith<'_, E, F> {
        RecvWith::new(&mut self.0, read)
    }

    /// Receives the next event by reference, without cloning it, if it is there.
    ///
    /// # Errors
    ///
    /// As [`try_recv`](Self::try_recv).
    ///
    /// ```
    /// let bus = eventring::EventBus::new(16);
    /// let mut receiver = bus.subscribe();
    /// bus.try_publish(String::from("event")).unwrap();
    /// assert_eq!(receiver.try_recv_with(|event| event.len()), Ok(5));
    /// ```
    pub fn try_recv_with<R>(&mut self, read: impl FnOnce(&E) -> R) -> Result<R, TryRecvError> {
        self.try_next(|pinned| pinned.read(read))
    }

    /// Receives up to `limit` events by reference, at least one, waiting for it if need be: calls
    /// the closure with each, and resolves to their number. 0 is the end, unless the `limit` is 0.
    ///
    /// This is the fastest way to receive: nothing is cloned, and what is there is taken in one
    /// step. Among several receivers of events with memory of their own, to clone each in here and
    /// to be done with it at once is faster than [`recv_many`](Self::recv_many) too: an allocator
    /// likes best to give out again what was freed last.
    ///
    /// A gating receiver makes room for publishers once the whole batch is read. Events that have to
    /// be dropped stay in the bus until their last receiver finds it empty, or until they are
    /// overwritten.
    ///
    /// # Cancel safety
    ///
    /// Dropped before it has resolved, nothing was received and the closure was not called.
    ///
    /// ```
    /// # tokio_test::block_on(async {
    /// let bus = eventring::EventBus::new(16);
    /// let mut receiver = bus.subscribe();
    /// bus.publish_many(&mut vec!["a", "bc", "def"]).await.unwrap();
    /// let mut bytes = 0;
    /// let events = receiver.recv_many_with(2, |event| bytes += event.len()).await;
    /// assert_eq!((events, bytes), (2, 3));
    /// # });
    /// ```
    pub fn recv_many_with<F: FnMut(&E)>(
        &mut self,
        limit: usize,
        read: F,
    ) -> RecvManyWith<'_, E, F> {
        RecvManyWith::new(&mut self.0, limit, read)
    }

    /// As [`recv_many_with`](Self::recv_many_with), if there is an event now.
    ///
    /// # Errors
    ///
    /// As [`try_recv`](Self::try_recv); the closure is not called then.
    ///
    /// ```
    /// let bus = eventring::EventBus::new(16);
    /// let mut receiver = bus.subscribe();
    /// bus.try_publish("event").unwrap();
    /// let mut bytes = 0;
    /// assert_eq!(receiver.try_recv_many_with(10, |event| bytes += event.len()), Ok(1));
    /// assert_eq!(bytes, 5);
    /// ```
    #[inline]
    pub fn try_recv_many_with(
        &mut self,
        limit: usize,
        read: impl FnMut(&E),
    ) -> Result<usize, TryRecvError> {
        if limit == 0 {
            return Ok(0);
        }
        self.try_next(|pinned| pinned.read_many(limit, read))
    }

    /// The sequence number of the next event. For a receiver that was lapped and has not received since,
    /// that of the first event it missed.
    ///
    /// ```
    /// let bus = eventring::EventBus::new(16);
    /// bus.try_publish("event").unwrap();
    /// assert_eq!(bus.subscribe().position(), 1);
    /// ```
    pub fn position(&self) -> u64 {
        self.0.reader().position()
    }

    /// How many events were published that this receiver has not received yet, including those
    /// that it turns out to have missed: it may exceed the capacity.
    ///
    /// ```
    /// let bus = eventring::EventBus::new(16);
    /// let receiver = bus.subscribe();
    /// bus.try_publish("event").unwrap();
    /// assert_eq!(receiver.len(), 1);
    /// ```
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is nothing to be received now.
    ///
    /// ```
    /// let bus = eventring::EventBus::<u32>::new(16);
    /// assert!(bus.subscribe().is_empty());
    /// ```
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether the bus is closed, so that nothing follows what is in it now.
    ///
    /// ```
    /// let bus = eventring::EventBus::<u32>::new(16);
    /// let receiver = bus.subscribe();
    /// drop(bus);
    /// assert!(receiver.is_closed());
    /// ```
    pub fn is_closed(&self) -> bool {
        self.0.is_closed()
    }

    /// How many events this receiver has missed so far by being lapped. It is counted when it receives
    /// the event after the gap, so that the difference between two receives is just the gap between them,
    /// also in front of a batch.
    ///
    /// ```
    /// let bus = eventring::EventBus::new(2);
    /// let mut receiver = bus.subscribe();
    /// for event in 0..5 {
    ///     bus.try_publish(event).unwrap();
    /// }
    /// assert_eq!(receiver.missed(), 0);
    /// assert_eq!(receiver.try_recv(), Ok(3));
    /// assert_eq!(receiver.missed(), 3);
    /// ```
    pub fn missed(&self) -> u64 {
        self.0.reader().missed()
    }

    /// The sequence number of the first event that it did not get, if it was
    /// [evicted](crate::EventBus::evict): what is there then is the end, as if the bus were closed. A clone
    /// has been evicted, too; [`resubscribe`](Self::resubscribe) comes back.
    ///
    /// ```
    /// use eventring::{EventBus, WaitStrategy};
    ///
    /// let bus = EventBus::with_strategy(16, WaitStrategy::Block);
    /// let mut viewer = bus.receiver().evictable().build();
    /// bus.publish_many_blocking(&mut vec!['a', 'b']).unwrap();
    /// assert_eq!(viewer.recv_blocking(), Some('a'));
    /// bus.evict(bus.receivers()[0].id);
    /// assert_eq!((viewer.recv_blocking(), viewer.evicted()), (None, Some(1)));
    /// assert_eq!(viewer.resubscribe().evicted(), None);
    /// ```
    pub fn evicted(&self) -> Option<u64> {
        self.0.reader().evicted()
    }

    /// Whether this receiver may be lapped, rather than hold publishers back.
    ///
    /// ```
    /// use eventring::{EventBus, WaitStrategy};
    ///
    /// let bus = EventBus::<u32>::with_strategy(16, WaitStrategy::Block);
    /// assert!(!bus.subscribe().is_lossy());
    /// assert!(bus.subscribe_lossy().is_lossy());
    /// ```
    pub fn is_lossy(&self) -> bool {
        self.0.reader().kind() == Kind::Lossy
    }
}

impl<E> Clone for Receiver<E> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<E> fmt::Debug for Receiver<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Receiver")
            .field("position", &self.position())
            .field("len", &self.len())
            .field("missed", &self.missed())
            .field("lossy", &self.is_lossy())
            .finish_non_exhaustive()
    }
}

// A panic in user code leaves the receiver past that event, and nothing else.
impl<E> UnwindSafe for Receiver<E> {}
impl<E> RefUnwindSafe for Receiver<E> {}
