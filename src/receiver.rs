//! The receiving side: the handle and its futures, thin over the reader.

use crate::error::{RecvError, TryRecvError};
use crate::ring::Kind;
use crate::strategy::Start;
use crate::subscription::{Recv, RecvMany, RecvManyWith, RecvWith, Subscription};
use std::fmt;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

/// Gets every event published since it subscribed, in order.
///
/// It is a [`Stream`](futures_core::Stream) of events: one that was lapped goes on with the oldest
/// retained event, and counts what it [`missed`](Self::missed). To be told of each gap, use
/// [`recv`](Self::recv) or [`with_lag`](Self::with_lag).
///
/// A clone stands at the same position, as a receiver of its own that has missed nothing yet.
///
/// User code runs while the receiver reads (`E::clone`, closures). If it panics, that event counts
/// as received, and the receiver goes on with the next one. It may subscribe to the bus, but not
/// wait for it to have room: a lossy receiver's publishers wait, spinning, until the code is done
/// (for a whole batch, if several events are received at once).
///
/// ```
/// use futures::StreamExt;
///
/// # futures::executor::block_on(async {
/// let bus = eventring::EventBus::new(16);
/// let mut stream = bus.subscribe();
/// bus.publish("hello").await.unwrap();
/// drop(bus);
/// while let Some(event) = stream.next().await {
///     assert_eq!(event, "hello");
/// }
/// # });
/// ```
pub struct Receiver<E>(pub(crate) Subscription<E>);

impl<E> Receiver<E> {
    /// A receiver of the same kind that starts at the next event to be published.
    ///
    /// ```
    /// let bus = eventring::EventBus::new(16);
    /// let behind = bus.subscribe();
    /// bus.try_publish("event").unwrap();
    /// assert_eq!(behind.resubscribe().len(), 0);
    /// ```
    #[must_use = "a receiver may hold publishers back"]
    pub fn resubscribe(&self) -> Self {
        let kind = self.0.reader().kind();
        Self(Subscription::new(self.0.ring(), kind, Start::Next))
    }

    /// Receives the next event, waiting for it if need be. The last receiver to want an event gets
    /// it moved rather than cloned, if it is the only one.
    ///
    /// # Errors
    ///
    /// [`RecvError::Lagged`] if this receiver is lossy and was lapped, [`RecvError::Closed`] if
    /// the bus is closed and everything in it was received.
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
    /// assert_eq!(receiver.recv().await, Ok("event"));
    /// # });
    /// ```
    pub fn recv(&mut self) -> Recv<'_, E>
    where
        E: Clone,
    {
        self.0.recv()
    }

    /// Receives the next event if it is there.
    ///
    /// # Errors
    ///
    /// [`TryRecvError::Empty`] if it is not; otherwise as [`recv`](Self::recv).
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
        Ok(self.0.try_receive()?.recv())
    }

    /// As [`recv`](Self::recv), blocking the thread instead of the task.
    ///
    /// # Errors
    ///
    /// As [`recv`](Self::recv).
    ///
    /// ```
    /// let bus = eventring::EventBus::new(16);
    /// let mut receiver = bus.subscribe();
    /// std::thread::spawn(move || bus.publish_blocking("event"));
    /// assert_eq!(receiver.recv_blocking(), Ok("event"));
    /// ```
    pub fn recv_blocking(&mut self) -> Result<E, RecvError>
    where
        E: Clone,
    {
        self.0
            .block(None, |mut pinned| pinned.recv())
            .expect("waits without a deadline")
    }

    /// As [`recv_blocking`](Self::recv_blocking), waiting for at most `timeout`.
    ///
    /// # Errors
    ///
    /// [`TryRecvError::Empty`] if nothing came in time; otherwise as [`recv`](Self::recv).
    ///
    /// ```
    /// use eventring::{EventBus, TryRecvError};
    /// use std::time::Duration;
    ///
    /// let bus = EventBus::<u32>::new(16);
    /// let mut receiver = bus.subscribe();
    /// assert_eq!(receiver.recv_timeout(Duration::from_millis(1)), Err(TryRecvError::Empty));
    /// ```
    pub fn recv_timeout(&mut self, timeout: Duration) -> Result<E, TryRecvError>
    where
        E: Clone,
    {
        let deadline = Instant::now().checked_add(timeout);
        match self.0.block(deadline, |mut pinned| pinned.recv()) {
            Some(received) => Ok(received?),
            None => Err(TryRecvError::Empty),
        }
    }

    /// Polls for the next event, for use in hand-written futures. If there is none, the waker of
    /// the last such call is woken when there is. Takes part in the task's cooperative budget.
    ///
    /// # Errors
    ///
    /// As [`recv`](Self::recv).
    ///
    /// ```
    /// # tokio_test::block_on(async {
    /// let bus = eventring::EventBus::new(16);
    /// let mut receiver = bus.subscribe();
    /// bus.publish("event").await.unwrap();
    /// let event = std::future::poll_fn(|cx| receiver.poll_recv(cx)).await;
    /// assert_eq!(event, Ok("event"));
    /// # });
    /// ```
    pub fn poll_recv(&mut self, cx: &mut Context<'_>) -> Poll<Result<E, RecvError>>
    where
        E: Clone,
    {
        self.0.poll(cx, |mut pinned| pinned.recv())
    }

    /// Receives up to `limit` events, at least one, waiting for it if need be: appends them to the
    /// vector and resolves to their number. A `limit` of 0 resolves to 0 at once.
    ///
    /// What is there is taken in one step, so this is faster than receiving one by one.
    ///
    /// # Errors
    ///
    /// As [`recv`](Self::recv); nothing is appended then.
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
    /// assert_eq!(receiver.recv_many(&mut batch, 2).await, Ok(2));
    /// assert_eq!(batch, ['a', 'b']);
    /// # });
    /// ```
    pub fn recv_many<'a>(&'a mut self, buffer: &'a mut Vec<E>, limit: usize) -> RecvMany<'a, E>
    where
        E: Clone,
    {
        self.0.recv_many(buffer, limit)
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
        let pinned = self.0.try_receive()?;
        Ok(pinned.recv_many(buffer, limit))
    }

    /// As [`recv_many`](Self::recv_many), blocking the thread instead of the task.
    ///
    /// # Errors
    ///
    /// As [`recv_many`](Self::recv_many).
    ///
    /// ```
    /// let bus = eventring::EventBus::new(16);
    /// let mut receiver = bus.subscribe();
    /// std::thread::spawn(move || bus.publish_many_blocking(&mut vec!['a', 'b']));
    /// let mut batch = Vec::new();
    /// assert_eq!(receiver.recv_many_blocking(&mut batch, 10), Ok(2));
    /// ```
    pub fn recv_many_blocking(
        &mut self,
        buffer: &mut Vec<E>,
        limit: usize,
    ) -> Result<usize, RecvError>
    where
        E: Clone,
    {
        if limit == 0 {
            return Ok(0);
        }
        self.0
            .block(None, |pinned| pinned.recv_many(buffer, limit))
            .expect("waits without a deadline")
    }

    /// Receives the next event by reference, without cloning it, waiting for it if need be.
    ///
    /// # Errors
    ///
    /// As [`recv`](Self::recv).
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
    /// assert_eq!(receiver.recv_with(|event| event.len()).await, Ok(5));
    /// # });
    /// ```
    pub fn recv_with<R, F: FnOnce(&E) -> R>(&mut self, read: F) -> RecvWith<'_, E, F> {
        self.0.recv_with(read)
    }

    /// As [`recv_with`](Self::recv_with), blocking the thread instead of the task.
    ///
    /// # Errors
    ///
    /// As [`recv`](Self::recv).
    ///
    /// ```
    /// let bus = eventring::EventBus::new(16);
    /// let mut receiver = bus.subscribe();
    /// std::thread::spawn(move || bus.publish_blocking(String::from("event")));
    /// assert_eq!(receiver.recv_with_blocking(|event| event.len()), Ok(5));
    /// ```
    pub fn recv_with_blocking<R>(&mut self, read: impl FnOnce(&E) -> R) -> Result<R, RecvError> {
        let mut read = Some(read);
        self.0
            .block(None, |mut pinned| {
                pinned.read(read.take().expect("receives once"))
            })
            .expect("waits without a deadline")
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
        self.0.try_receive().map(|mut pinned| pinned.read(read))
    }

    /// Receives up to `limit` events by reference, at least one, waiting for it if need be: calls
    /// the closure with each, and resolves to their number. A `limit` of 0 resolves to 0 at once.
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
    /// # Errors
    ///
    /// As [`recv`](Self::recv); the closure is not called then.
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
    /// assert_eq!((events, bytes), (Ok(2), 3));
    /// # });
    /// ```
    pub fn recv_many_with<F: FnMut(&E)>(
        &mut self,
        limit: usize,
        read: F,
    ) -> RecvManyWith<'_, E, F> {
        self.0.recv_many_with(limit, read)
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
    pub fn try_recv_many_with(
        &mut self,
        limit: usize,
        read: impl FnMut(&E),
    ) -> Result<usize, TryRecvError> {
        if limit == 0 {
            return Ok(0);
        }
        let pinned = self.0.try_receive()?;
        Ok(pinned.read_many(limit, read))
    }

    /// As [`recv_many_with`](Self::recv_many_with), blocking the thread instead of the task.
    ///
    /// # Errors
    ///
    /// As [`recv_many_with`](Self::recv_many_with).
    ///
    /// ```
    /// let bus = eventring::EventBus::new(16);
    /// let mut receiver = bus.subscribe();
    /// std::thread::spawn(move || bus.publish_many_blocking(&mut vec!["a", "bc"]));
    /// let mut bytes = 0;
    /// assert_eq!(receiver.recv_many_with_blocking(10, |event| bytes += event.len()), Ok(2));
    /// assert_eq!(bytes, 3);
    /// ```
    pub fn recv_many_with_blocking(
        &mut self,
        limit: usize,
        mut read: impl FnMut(&E),
    ) -> Result<usize, RecvError> {
        if limit == 0 {
            return Ok(0);
        }
        self.0
            .block(None, |pinned| pinned.read_many(limit, &mut read))
            .expect("waits without a deadline")
    }

    /// The sequence number of the next event. For a receiver that was lapped and has not been told
    /// yet, that of the first event it missed.
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

    /// How many events this receiver has missed so far by being lapped, as far as it was told.
    ///
    /// ```
    /// let bus = eventring::EventBus::new(2);
    /// let mut receiver = bus.subscribe();
    /// for event in 0..5 {
    ///     bus.try_publish(event).unwrap();
    /// }
    /// assert!(receiver.try_recv().is_err());
    /// assert_eq!(receiver.missed(), 3);
    /// ```
    pub fn missed(&self) -> u64 {
        self.0.reader().missed()
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
