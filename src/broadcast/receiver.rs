//! The receiving side.

use super::error::{RecvError, TryRecvError};
use crate::ring::{Kind, Ring};
use crate::strategy::Start;
use crate::subscription::{Loan, Subscription};
use crate::sync::Arc;
#[cfg(any(not(target_family = "wasm"), target_feature = "atomics"))]
use crate::wait::Limit;
use std::fmt;
use std::future::poll_fn;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::task::{Context, Poll};

/// The receiving half of [`channel`](super::channel): gets every value sent since it subscribed,
/// in order, or is told how many it missed.
///
/// Beyond tokio's it is a [`Stream`](futures_core::Stream) as
/// [`BroadcastStream`](super::BroadcastStream) is one, and can be cloned: a clone stands at the
/// same position.
///
/// `T::clone` may subscribe to the channel, but must not send to it: the sender that laps this
/// receiver waits, spinning, until the value is cloned. If it panics, that value counts as received.
///
/// ```
/// use eventring::broadcast;
///
/// # tokio_test::block_on(async {
/// let (sender, mut receiver) = broadcast::channel(16);
/// sender.send("hello").unwrap();
/// drop(sender);
/// while let Ok(value) = receiver.recv().await {
///     assert_eq!(value, "hello");
/// }
/// # });
/// ```
pub struct Receiver<T>(pub(super) Subscription<T>);

impl<T> Receiver<T> {
    pub(super) fn subscribe(ring: &Arc<Ring<T>>) -> Self {
        Self(Subscription::new(ring, Kind::Lossy, Start::Next))
    }

    /// How many values were sent that this receiver has not received yet, including those that it
    /// turns out to have missed: it may exceed the capacity.
    ///
    /// ```
    /// let (sender, receiver) = eventring::broadcast::channel(1);
    /// sender.send('a').unwrap();
    /// sender.send('b').unwrap();
    /// assert_eq!(receiver.len(), 2);
    /// ```
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is nothing to be received now.
    ///
    /// ```
    /// let (_sender, receiver) = eventring::broadcast::channel::<u32>(16);
    /// assert!(receiver.is_empty());
    /// ```
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether both receive from the same channel.
    ///
    /// ```
    /// let (sender, receiver) = eventring::broadcast::channel::<u32>(16);
    /// assert!(receiver.same_channel(&sender.subscribe()));
    /// ```
    pub fn same_channel(&self, other: &Self) -> bool {
        Arc::ptr_eq(self.0.ring(), other.0.ring())
    }

    /// How many senders there are.
    ///
    /// ```
    /// let (sender, receiver) = eventring::broadcast::channel::<u32>(16);
    /// let _clone = sender.clone();
    /// assert_eq!(receiver.sender_strong_count(), 2);
    /// ```
    pub fn sender_strong_count(&self) -> usize {
        self.0.ring().handles()
    }

    /// How many weak senders there are.
    ///
    /// ```
    /// let (sender, receiver) = eventring::broadcast::channel::<u32>(16);
    /// let _weak = sender.downgrade();
    /// assert_eq!(receiver.sender_weak_count(), 1);
    /// ```
    pub fn sender_weak_count(&self) -> usize {
        self.0.ring().weak_handles()
    }

    /// Whether there is no sender any more. What was sent can still be received.
    ///
    /// ```
    /// let (sender, mut receiver) = eventring::broadcast::channel(16);
    /// sender.send("last").unwrap();
    /// drop(sender);
    /// assert!(receiver.is_closed());
    /// assert_eq!(receiver.try_recv(), Ok("last"));
    /// ```
    pub fn is_closed(&self) -> bool {
        self.0.is_closed()
    }
}

impl<T: Clone> Receiver<T> {
    /// A receiver of every value sent from now on, whatever this one has still to receive.
    ///
    /// ```
    /// let (sender, behind) = eventring::broadcast::channel(16);
    /// sender.send("early").unwrap();
    /// let mut fresh = behind.resubscribe();
    /// sender.send("late").unwrap();
    /// assert_eq!(fresh.try_recv(), Ok("late"));
    /// ```
    pub fn resubscribe(&self) -> Self {
        Self::subscribe(self.0.ring())
    }

    /// Receives the next value, waiting for it if need be.
    ///
    /// # Errors
    ///
    /// [`RecvError::Lagged`] if this receiver fell more than the capacity behind: it goes on with
    /// the oldest retained value. [`RecvError::Closed`] if there is no sender any more and
    /// everything was received.
    ///
    /// # Cancel safety
    ///
    /// Dropped before it has resolved, nothing was received.
    ///
    /// ```
    /// use eventring::broadcast::{self, error::RecvError};
    ///
    /// # tokio_test::block_on(async {
    /// let (sender, mut receiver) = broadcast::channel(2);
    /// for value in 0..5 {
    ///     sender.send(value).unwrap();
    /// }
    /// assert_eq!(receiver.recv().await, Err(RecvError::Lagged(3)));
    /// assert_eq!(receiver.recv().await, Ok(3));
    /// # });
    /// ```
    pub async fn recv(&mut self) -> Result<T, RecvError> {
        let mut loan = Loan::of(&mut self.0);
        let received =
            poll_fn(|cx| loan.poll(|receiver| receiver.poll(cx, |mut pinned| pinned.recv())));
        Ok(received.await?)
    }

    /// Receives the next value if it is there.
    ///
    /// # Errors
    ///
    /// [`TryRecvError::Empty`] if it is not; otherwise as [`recv`](Self::recv).
    ///
    /// ```
    /// use eventring::broadcast::{self, error::TryRecvError};
    ///
    /// let (sender, mut receiver) = broadcast::channel(16);
    /// assert_eq!(receiver.try_recv(), Err(TryRecvError::Empty));
    /// sender.send("value").unwrap();
    /// assert_eq!(receiver.try_recv(), Ok("value"));
    /// ```
    #[inline]
    pub fn try_recv(&mut self) -> Result<T, TryRecvError> {
        Ok(self.0.try_receive()?.recv())
    }

    /// As [`recv`](Self::recv), blocking the thread instead of the task. For use outside of
    /// asynchronous code.
    ///
    /// # Errors
    ///
    /// As [`recv`](Self::recv).
    ///
    /// ```
    /// let (sender, mut receiver) = eventring::broadcast::channel(16);
    /// std::thread::spawn(move || sender.send("value"));
    /// assert_eq!(receiver.blocking_recv(), Ok("value"));
    /// ```
    #[cfg(any(not(target_family = "wasm"), target_feature = "atomics"))]
    pub fn blocking_recv(&mut self) -> Result<T, RecvError> {
        let received = self
            .0
            .block(&mut Limit::Unlimited, |mut pinned| pinned.recv());
        Ok(received.expect("waits without a deadline")?)
    }

    /// Polls for the next value, for use in hand-written futures. If there is none, the waker of
    /// the last such call is woken when there is. Takes part in the task's cooperative budget.
    ///
    /// # Errors
    ///
    /// As [`recv`](Self::recv).
    ///
    /// ```
    /// # tokio_test::block_on(async {
    /// let (sender, mut receiver) = eventring::broadcast::channel(16);
    /// sender.send("value").unwrap();
    /// let value = std::future::poll_fn(|cx| receiver.poll_recv(cx)).await;
    /// assert_eq!(value, Ok("value"));
    /// # });
    /// ```
    pub fn poll_recv(&mut self, cx: &mut Context<'_>) -> Poll<Result<T, RecvError>> {
        let received = self.0.poll(cx, |mut pinned| pinned.recv());
        received.map_err(RecvError::from)
    }

    /// Receives up to `limit` values, at least one, waiting for it if need be: appends them to the
    /// vector and resolves to their number. A `limit` of 0 resolves to 0 at once.
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
    /// let (sender, mut receiver) = eventring::broadcast::channel(16);
    /// for value in ['a', 'b', 'c'] {
    ///     sender.send(value).unwrap();
    /// }
    /// let mut batch = Vec::new();
    /// assert_eq!(receiver.recv_many(&mut batch, 2).await, Ok(2));
    /// assert_eq!(batch, ['a', 'b']);
    /// # });
    /// ```
    pub async fn recv_many(
        &mut self,
        buffer: &mut Vec<T>,
        limit: usize,
    ) -> Result<usize, RecvError> {
        if limit == 0 {
            return Ok(0);
        }
        let mut loan = Loan::of(&mut self.0);
        let receive = |cx: &mut Context<'_>| {
            loan.poll(|receiver| receiver.poll(cx, |pinned| pinned.recv_many(buffer, limit)))
        };
        Ok(poll_fn(receive).await?)
    }
}

impl<T> Clone for Receiver<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T> fmt::Debug for Receiver<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("broadcast::Receiver")
    }
}

// As tokio's (without its feature `parking_lot`): a panic in `T::clone` leaves the receiver past that value, and nothing else.
impl<T> UnwindSafe for Receiver<T> {}
impl<T> RefUnwindSafe for Receiver<T> {}
