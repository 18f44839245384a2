//! The view of a receiver that tells of each gap in its place.

use crate::error::{Lagged, TryRecvError};
use crate::future::RecvWithLag;
use crate::outcome::{self, RecvError};
use crate::receiver::Receiver;
use crate::subscription::Subscription;
use futures_core::{FusedStream, Stream};
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

impl<E> Receiver<E> {
    /// The receiver, telling of each gap in its place instead of filtering lag out: whatever receives an
    /// event there, receives a `Result<E, Lagged>`. Loops go on past a gap, as all others do.
    ///
    /// ```
    /// use eventring::{EventBus, Lagged};
    ///
    /// # tokio_test::block_on(async {
    /// let bus = EventBus::new(2);
    /// let mut events = bus.subscribe().with_lag();
    /// bus.publish_many(&mut vec!['a', 'b', 'c']).await.unwrap();
    /// drop(bus);
    /// let mut text = String::new();
    /// while let Some(event) = events.recv().await {
    ///     match event {
    ///         Ok(event) => text.push(event),
    ///         Err(Lagged(missed)) => text += &format!("({missed} missed)"),
    ///     }
    /// }
    /// assert_eq!(text, "(1 missed)bc");
    /// # });
    /// ```
    pub fn with_lag(self) -> WithLag<E> {
        WithLag(self)
    }
}

/// A [`Receiver`] that tells of each gap in its place: see [`Receiver::with_lag`]. It is a `Stream` of the
/// same.
///
/// By reference and in batches it is received from by the [receiver itself](Self::get_mut): what that one
/// [`missed`](Receiver::missed) since the last receive is the gap in front of this one.
///
/// ```
/// use eventring::{EventBus, Lagged};
/// use futures::StreamExt;
///
/// # futures::executor::block_on(async {
/// let bus = EventBus::new(2);
/// let mut stream = bus.subscribe().with_lag();
/// bus.publish_many(&mut vec!['a', 'b', 'c', 'd']).await.unwrap();
/// assert_eq!(stream.next().await, Some(Err(Lagged(2))));
/// assert_eq!(stream.next().await, Some(Ok('c')));
/// # });
/// ```
pub struct WithLag<E>(pub(crate) Receiver<E>);

/// Polls for the next event or gap. `None`: the end.
#[inline(always)]
pub(crate) fn poll<E: Clone>(
    subscription: &mut Subscription<E>,
    cx: &mut Context<'_>,
) -> Poll<Option<Result<E, Lagged>>> {
    subscription.poll(cx, |pinned| pinned.recv()).map(told)
}

fn told<E>(received: Result<E, RecvError>) -> Option<Result<E, Lagged>> {
    match received {
        Ok(event) => Some(Ok(event)),
        Err(RecvError::Lagged(missed)) => Some(Err(Lagged(missed))),
        Err(RecvError::Closed) => None,
    }
}

impl<E: Clone> WithLag<E> {
    /// Receives the next event or gap, waiting for it if need be. `None`: the bus is closed and everything
    /// in it was received.
    ///
    /// # Cancel safety
    ///
    /// Dropped before it has resolved, nothing was received.
    ///
    /// ```
    /// use eventring::{EventBus, Lagged};
    ///
    /// # tokio_test::block_on(async {
    /// let bus = EventBus::new(1);
    /// let mut events = bus.subscribe().with_lag();
    /// bus.publish_many(&mut vec!['a', 'b']).await.unwrap();
    /// assert_eq!(events.recv().await, Some(Err(Lagged(1))));
    /// assert_eq!(events.recv().await, Some(Ok('b')));
    /// # });
    /// ```
    pub fn recv(&mut self) -> RecvWithLag<'_, E> {
        RecvWithLag::new(&mut self.0.0)
    }

    /// Polls for the next event or gap, for use in hand-written futures: as
    /// [`Receiver::poll_recv`].
    ///
    /// ```
    /// # tokio_test::block_on(async {
    /// let bus = eventring::EventBus::new(1);
    /// let mut events = bus.subscribe().with_lag();
    /// bus.publish("event").await.unwrap();
    /// let event = std::future::poll_fn(|cx| events.poll_recv(cx)).await;
    /// assert_eq!(event, Some(Ok("event")));
    /// # });
    /// ```
    pub fn poll_recv(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<E, Lagged>>> {
        poll(&mut self.0.0, cx)
    }

    /// Receives the next event or gap if it is there.
    ///
    /// # Errors
    ///
    /// As [`Receiver::try_recv`].
    ///
    /// ```
    /// use eventring::{EventBus, Lagged};
    ///
    /// let bus = EventBus::new(1);
    /// let mut events = bus.subscribe().with_lag();
    /// bus.try_publish('a').unwrap();
    /// bus.try_publish('b').unwrap();
    /// let mut seen = Vec::new();
    /// while let Ok(event) = events.try_recv() {
    ///     seen.push(event);
    /// }
    /// assert_eq!(seen, [Err(Lagged(1)), Ok('b')]);
    /// ```
    #[inline]
    pub fn try_recv(&mut self) -> Result<Result<E, Lagged>, TryRecvError> {
        match self.0.0.try_receive() {
            Ok(pinned) => Ok(Ok(pinned.recv())),
            Err(outcome::TryRecvError::Lagged(missed)) => Ok(Err(Lagged(missed))),
            Err(outcome::TryRecvError::Empty) => Err(TryRecvError::Empty),
            Err(outcome::TryRecvError::Closed) => Err(TryRecvError::Closed),
        }
    }
}

#[cfg(any(not(target_family = "wasm"), target_feature = "atomics"))]
mod blocking {
    use super::{WithLag, told};
    use crate::error::{Lagged, RecvTimeoutError};
    use crate::wait::Limit;
    use std::time::Duration;

    impl<E: Clone> WithLag<E> {
        /// As [`recv`](Self::recv), blocking the thread instead of the task.
        ///
        /// ```
        /// let bus = eventring::EventBus::new(1);
        /// let mut events = bus.subscribe().with_lag();
        /// std::thread::spawn(move || bus.publish_blocking("event"));
        /// assert_eq!(events.recv_blocking(), Some(Ok("event")));
        /// ```
        pub fn recv_blocking(&mut self) -> Option<Result<E, Lagged>> {
            self.block(Limit::Unlimited)
                .expect("waits without a deadline")
        }

        /// As [`recv_blocking`](Self::recv_blocking), waiting for at most `timeout`.
        ///
        /// # Errors
        ///
        /// As [`Receiver::recv_timeout`](crate::Receiver::recv_timeout).
        ///
        /// ```
        /// use eventring::{EventBus, RecvTimeoutError};
        /// use std::time::Duration;
        ///
        /// let mut events = EventBus::<u32>::new(1).subscribe().with_lag();
        /// let received = events.recv_timeout(Duration::from_millis(1));
        /// assert_eq!(received, Err(RecvTimeoutError::Closed));
        /// ```
        pub fn recv_timeout(
            &mut self,
            timeout: Duration,
        ) -> Result<Result<E, Lagged>, RecvTimeoutError> {
            match self.block(Limit::Timeout(timeout)) {
                Some(received) => received.ok_or(RecvTimeoutError::Closed),
                None => Err(RecvTimeoutError::Timeout),
            }
        }

        fn block(&mut self, mut limit: Limit) -> Option<Option<Result<E, Lagged>>> {
            let received = self.0.0.block(&mut limit, |pinned| pinned.recv());
            received.map(told)
        }
    }
}

impl<E: Clone> Stream for WithLag<E> {
    type Item = Result<E, Lagged>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.poll_recv(cx)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.0.0.size_hint()
    }
}

impl<E: Clone> FusedStream for WithLag<E> {
    fn is_terminated(&self) -> bool {
        self.0.0.is_terminated()
    }
}

impl<E> Clone for WithLag<E> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<E> fmt::Debug for WithLag<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("WithLag").field(&self.0).finish()
    }
}
