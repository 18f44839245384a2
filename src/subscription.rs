//! A reader and its waiting: what the receivers of both surfaces are made of.

use crate::coop::Budget;
use crate::error::{RecvError, TryRecvError};
use crate::reader::{Pinned, Reader, Receive};
use crate::ring::{Kind, Ring};
use crate::strategy::Start;
use crate::sync::Arc;
use crate::wait::{Waiter, block};
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Instant;

pub(crate) struct Subscription<E> {
    reader: Reader<E>,
    waiter: Waiter,
    budget: Budget,
    /// It has reported that the bus is closed and drained.
    ended: bool,
}

impl<E> Subscription<E> {
    pub(crate) fn new(ring: &Arc<Ring<E>>, kind: Kind, start: Start) -> Self {
        Self::of(Reader::new(ring, kind, start))
    }

    fn of(reader: Reader<E>) -> Self {
        Self {
            reader,
            waiter: Waiter::default(),
            budget: Budget::new(),
            ended: false,
        }
    }

    pub(crate) fn reader(&self) -> &Reader<E> {
        &self.reader
    }

    pub(crate) fn ring(&self) -> &Arc<Ring<E>> {
        self.reader.ring()
    }

    /// How many events are there to be received or missed.
    pub(crate) fn len(&self) -> usize {
        let tail = self.ring().sequencer.tail().sequence();
        (tail - self.reader.position()) as usize
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.ring().sequencer.tail().is_closed()
    }

    /// Whether the end was reached: the bus is closed, everything in it was received, and this
    /// receiver has said so.
    pub(crate) fn is_terminated(&self) -> bool {
        self.ended
    }

    #[inline]
    pub(crate) fn try_receive(&mut self) -> Result<Pinned<'_, E>, TryRecvError> {
        self.reader.pin(false)
    }

    #[inline(always)]
    pub(crate) fn poll<R>(
        &mut self,
        cx: &mut Context<'_>,
        receive: impl FnMut(Pinned<'_, E>) -> R,
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
        if matches!(received, Poll::Ready(Err(RecvError::Closed))) {
            *ended = true;
        }
        received
    }

    pub(crate) fn block<R>(
        &mut self,
        deadline: Option<Instant>,
        receive: impl FnMut(Pinned<'_, E>) -> R,
    ) -> Option<Result<R, RecvError>> {
        let reader = &mut self.reader;
        block(&mut Receive { reader, receive }, deadline)
    }

    /// Gives up a wait.
    fn cancel(&mut self) {
        let Self { reader, waiter, .. } = self;
        let receive = |_: Pinned<'_, E>| ();
        waiter.cancel(&Receive { reader, receive });
    }

    pub(crate) fn recv(&mut self) -> Recv<'_, E> {
        Recv(Loan::of(self))
    }

    pub(crate) fn recv_many<'a>(
        &'a mut self,
        buffer: &'a mut Vec<E>,
        limit: usize,
    ) -> RecvMany<'a, E> {
        RecvMany {
            loan: Loan::of(self),
            buffer,
            limit,
        }
    }

    pub(crate) fn recv_with<R, F: FnOnce(&E) -> R>(&mut self, read: F) -> RecvWith<'_, E, F> {
        RecvWith {
            loan: Loan::of(self),
            read: Some(read),
        }
    }

    pub(crate) fn recv_many_with<F: FnMut(&E)>(
        &mut self,
        limit: usize,
        read: F,
    ) -> RecvManyWith<'_, E, F> {
        RecvManyWith {
            loan: Loan::of(self),
            limit,
            read,
        }
    }
}

impl<E> Drop for Subscription<E> {
    fn drop(&mut self) {
        self.cancel();
    }
}

impl<E> Clone for Subscription<E> {
    fn clone(&self) -> Self {
        Self::of(self.reader.duplicate())
    }
}

/// A subscription that is lent to a future. If that goes while it waits, so does its waker, and
/// its place in the slot's list.
struct Loan<'a, E> {
    subscription: &'a mut Subscription<E>,
    waiting: bool,
}

impl<'a, E> Loan<'a, E> {
    fn of(subscription: &'a mut Subscription<E>) -> Self {
        Self {
            subscription,
            waiting: false,
        }
    }

    #[inline(always)]
    fn poll<R>(
        &mut self,
        cx: &mut Context<'_>,
        receive: impl FnMut(Pinned<'_, E>) -> R,
    ) -> Poll<Result<R, RecvError>> {
        let received = self.subscription.poll(cx, receive);
        self.waiting = received.is_pending();
        received
    }
}

impl<E> Drop for Loan<'_, E> {
    #[inline]
    fn drop(&mut self) {
        if self.waiting {
            self.subscription.cancel();
        }
    }
}

/// Future of [`Receiver::recv`](crate::Receiver::recv): resolves to the next event. It is `Unpin`.
///
/// # Cancel safety
///
/// Dropped before it has resolved, nothing was received.
///
/// ```
/// use eventring::EventBus;
/// use futures::future::{Either, select};
///
/// # futures::executor::block_on(async {
/// let (urgent, normal) = (EventBus::<&str>::new(4), EventBus::new(4));
/// let (mut first, mut second) = (urgent.subscribe(), normal.subscribe());
/// normal.publish("event").await.unwrap();
/// let Either::Right((event, _cancelled)) = select(first.recv(), second.recv()).await else {
///     panic!("nothing urgent was published");
/// };
/// assert_eq!(event, Ok("event"));
/// # });
/// ```
#[must_use = "futures do nothing unless awaited"]
pub struct Recv<'a, E>(Loan<'a, E>);

impl<E: Clone> Future for Recv<'_, E> {
    type Output = Result<E, RecvError>;

    #[inline(always)]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.0.poll(cx, |mut pinned| pinned.recv())
    }
}

impl<E> fmt::Debug for Recv<'_, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recv").finish_non_exhaustive()
    }
}

/// Future of [`Receiver::recv_many`](crate::Receiver::recv_many): resolves to the number of events
/// that it appended. It is `Unpin`.
///
/// # Cancel safety
///
/// Dropped before it has resolved, nothing was received.
///
/// ```
/// # futures::executor::block_on(async {
/// let bus = eventring::EventBus::new(4);
/// let mut receiver = bus.subscribe();
/// bus.publish_many(&mut vec!['a', 'b', 'c']).await.unwrap();
/// drop(bus);
/// let (mut batch, mut batches) = (Vec::new(), Vec::new());
/// while let Ok(events) = receiver.recv_many(&mut batch, 2).await {
///     batches.push(events);
///     batch.clear();
/// }
/// assert_eq!(batches, [2, 1]);
/// # });
/// ```
#[must_use = "futures do nothing unless awaited"]
pub struct RecvMany<'a, E> {
    loan: Loan<'a, E>,
    buffer: &'a mut Vec<E>,
    limit: usize,
}

impl<E: Clone> Future for RecvMany<'_, E> {
    type Output = Result<usize, RecvError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        if this.limit == 0 {
            return Poll::Ready(Ok(0));
        }
        this.loan
            .poll(cx, |pinned| pinned.recv_many(this.buffer, this.limit))
    }
}

impl<E> fmt::Debug for RecvMany<'_, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RecvMany")
            .field("limit", &self.limit)
            .finish_non_exhaustive()
    }
}

/// Future of [`Receiver::recv_with`](crate::Receiver::recv_with): resolves to what the closure
/// returns. It is `Unpin`, whatever the closure is.
///
/// # Panics
///
/// If polled after it has resolved, and there is an event.
///
/// # Cancel safety
///
/// Dropped before it has resolved, nothing was received and the closure was not called.
///
/// ```
/// # futures::executor::block_on(async {
/// let bus = eventring::EventBus::new(4);
/// let mut receiver = bus.subscribe();
/// bus.publish(vec![1, 2, 3]).await.unwrap();
/// let mut sum = 0;
/// let add = |event: &Vec<i32>| sum += event.iter().sum::<i32>();
/// receiver.recv_with(add).await.unwrap();
/// assert_eq!(sum, 6);
/// # });
/// ```
#[must_use = "futures do nothing unless awaited"]
pub struct RecvWith<'a, E, F> {
    loan: Loan<'a, E>,
    read: Option<F>,
}

// Nothing is pinned: the closure is moved out to be called.
impl<E, F> Unpin for RecvWith<'_, E, F> {}

impl<E, R, F: FnOnce(&E) -> R> Future for RecvWith<'_, E, F> {
    type Output = Result<R, RecvError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Self { loan, read } = &mut *self;
        loan.poll(cx, |mut pinned| {
            let read = read.take().expect("polled after completion");
            pinned.read(read)
        })
    }
}

impl<E, F> fmt::Debug for RecvWith<'_, E, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RecvWith").finish_non_exhaustive()
    }
}

/// Future of [`Receiver::recv_many_with`](crate::Receiver::recv_many_with): resolves to the number
/// of events that the closure was called with. It is `Unpin`, whatever the closure is.
///
/// # Cancel safety
///
/// Dropped before it has resolved, nothing was received and the closure was not called.
///
/// ```
/// # futures::executor::block_on(async {
/// let bus = eventring::EventBus::new(4);
/// let mut receiver = bus.subscribe();
/// bus.publish_many(&mut vec!['a', 'b', 'c']).await.unwrap();
/// drop(bus);
/// let mut text = String::new();
/// while receiver.recv_many_with(2, |event| text.push(*event)).await.is_ok() {
///     text.push(';');
/// }
/// assert_eq!(text, "ab;c;");
/// # });
/// ```
#[must_use = "futures do nothing unless awaited"]
pub struct RecvManyWith<'a, E, F> {
    loan: Loan<'a, E>,
    limit: usize,
    read: F,
}

// Nothing is pinned: the closure is only called.
impl<E, F> Unpin for RecvManyWith<'_, E, F> {}

impl<E, F: FnMut(&E)> Future for RecvManyWith<'_, E, F> {
    type Output = Result<usize, RecvError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Self { loan, limit, read } = &mut *self;
        if *limit == 0 {
            return Poll::Ready(Ok(0));
        }
        loan.poll(cx, |pinned| pinned.read_many(*limit, &mut *read))
    }
}

impl<E, F> fmt::Debug for RecvManyWith<'_, E, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RecvManyWith")
            .field("limit", &self.limit)
            .finish_non_exhaustive()
    }
}
