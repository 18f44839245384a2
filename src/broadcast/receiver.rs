//! The receiving side.

use super::channel::Channel;
use super::error::{RecvError, TryRecvError};
use super::reader::{Batch, Reader, Receive};
use crate::coop::Budget;
use crate::sync::Arc;
use crate::wait::Waiter;
#[cfg(any(not(target_family = "wasm"), target_feature = "atomics"))]
use crate::wait::block;
use std::fmt;
use std::future::Future;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

/// The receiving half of [`channel`](super::channel()): gets every value sent since it subscribed,
/// in order, or is told how many it missed.
///
/// Beyond tokio's it is a [`Stream`](futures_core::Stream) as
/// [`BroadcastStream`](super::BroadcastStream) is one, and can be cloned: a clone stands at the
/// same position.
///
/// `T::clone` runs under the lock of its value: it may subscribe to the channel and send to it, but must
/// not receive that same value, nor lap it. If it panics, that value counts as received.
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
pub struct Receiver<T> {
    reader: Reader<T>,
    waiter: Waiter,
    /// A unit for each value, as tokio's.
    budget: Budget<1>,
    /// It has reported that the channel is closed and empty.
    ended: bool,
}

impl<T> Receiver<T> {
    #[track_caller]
    pub(super) fn subscribe(channel: &Arc<Channel<T>>) -> Self {
        Self::of(Reader::subscribe(channel))
    }

    pub(super) fn first(channel: &Arc<Channel<T>>) -> Self {
        Self::of(Reader::first(channel))
    }

    fn of(reader: Reader<T>) -> Self {
        Self {
            reader,
            waiter: Waiter::default(),
            budget: Budget::new(),
            ended: false,
        }
    }

    fn channel(&self) -> &Arc<Channel<T>> {
        self.reader.channel()
    }

    pub(super) fn has_ended(&self) -> bool {
        self.ended
    }

    #[inline(always)]
    fn poll<R>(
        &mut self,
        cx: &mut Context<'_>,
        receive: impl FnMut(&mut Batch<'_, T>) -> R,
    ) -> Poll<Result<R, RecvError>> {
        let Self {
            reader,
            waiter,
            budget,
            ended,
        } = self;
        let unit = ready!(budget.poll_unit(cx));
        let received = waiter.poll(cx, &mut Receive { reader, receive });
        budget.settle(unit, received.is_ready());
        *ended |= matches!(received, Poll::Ready(Err(RecvError::Closed)));
        received
    }

    /// Gives up a wait.
    fn cancel(&mut self) {
        let Self { reader, waiter, .. } = self;
        let receive = |_: &mut Batch<'_, T>| ();
        waiter.leave(&Receive { reader, receive });
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
        self.reader.len()
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
        Arc::ptr_eq(self.channel(), other.channel())
    }

    /// How many senders there are.
    ///
    /// ```
    /// let (sender, receiver) = eventring::broadcast::channel::<u32>(16);
    /// let _clone = sender.clone();
    /// assert_eq!(receiver.sender_strong_count(), 2);
    /// ```
    pub fn sender_strong_count(&self) -> usize {
        self.channel().senders.count()
    }

    /// How many weak senders there are.
    ///
    /// ```
    /// let (sender, receiver) = eventring::broadcast::channel::<u32>(16);
    /// let _weak = sender.downgrade();
    /// assert_eq!(receiver.sender_weak_count(), 1);
    /// ```
    pub fn sender_weak_count(&self) -> usize {
        self.channel().weak_senders.count()
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
        self.channel().is_closed()
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
        Self::subscribe(self.channel())
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
        let receive = |batch: &mut Batch<'_, T>| batch.first(T::clone);
        Receiving::new(self, receive).await
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
        self.reader.try_receive(|batch| batch.first(T::clone))
    }

    /// As [`recv`](Self::recv), blocking the thread instead of the task. For use outside of
    /// asynchronous code.
    ///
    /// # Errors
    ///
    /// As [`recv`](Self::recv).
    ///
    /// # Panics
    ///
    /// If the thread drives tasks of tokio's, as tokio's own (with the feature `tokio`).
    ///
    /// ```
    /// let (sender, mut receiver) = eventring::broadcast::channel(16);
    /// std::thread::spawn(move || sender.send("value"));
    /// assert_eq!(receiver.blocking_recv(), Ok("value"));
    /// ```
    #[cfg(any(not(target_family = "wasm"), target_feature = "atomics"))]
    #[track_caller]
    pub fn blocking_recv(&mut self) -> Result<T, RecvError> {
        may_block();
        let receive = |batch: &mut Batch<'_, T>| batch.first(T::clone);
        let reader = &mut self.reader;
        block(&mut Receive { reader, receive })
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
        self.poll(cx, |batch| batch.first(T::clone))
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
        let receive =
            |batch: &mut Batch<'_, T>| batch.many(limit, |value| buffer.push(value.clone()));
        Receiving::new(self, receive).await
    }
}

impl<T> Clone for Receiver<T> {
    fn clone(&self) -> Self {
        Self::of(self.reader.duplicate())
    }
}

impl<T> Drop for Receiver<T> {
    fn drop(&mut self) {
        self.cancel();
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

/// A receiver that is lent to a future. If that goes while it waits, so does its waker, and its place
/// in the list.
struct Receiving<'a, T, F> {
    receiver: &'a mut Receiver<T>,
    receive: F,
    waiting: bool,
}

impl<'a, T, R, F: FnMut(&mut Batch<'_, T>) -> R> Receiving<'a, T, F> {
    fn new(receiver: &'a mut Receiver<T>, receive: F) -> Self {
        Self {
            receiver,
            receive,
            waiting: false,
        }
    }
}

// Nothing is pinned: the closure is only called.
impl<T, F> Unpin for Receiving<'_, T, F> {}

impl<T, R, F: FnMut(&mut Batch<'_, T>) -> R> Future for Receiving<'_, T, F> {
    type Output = Result<R, RecvError>;

    #[inline(always)]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Self {
            receiver,
            receive,
            waiting,
        } = &mut *self;
        let received = receiver.poll(cx, receive);
        *waiting = received.is_pending();
        received
    }
}

impl<T, F> Drop for Receiving<'_, T, F> {
    #[inline]
    fn drop(&mut self) {
        if self.waiting {
            self.receiver.cancel();
        }
    }
}

/// Panics, with tokio's text and at the caller, where a thread drives tasks: tokio knows.
#[cfg(any(not(target_family = "wasm"), target_feature = "atomics"))]
#[cfg(all(feature = "tokio", not(eventring_loom)))]
#[track_caller]
fn may_block() {
    drop(tokio::sync::Mutex::const_new(()).blocking_lock());
}

#[cfg(any(not(target_family = "wasm"), target_feature = "atomics"))]
#[cfg(any(not(feature = "tokio"), eventring_loom))]
fn may_block() {}
