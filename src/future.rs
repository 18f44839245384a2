//! The futures of the methods that wait, to be named where one has to be stored. All are `Unpin`, but
//! for [`PublishAll`] of a stream that is not.

pub use crate::batch::RecvBatch;
pub use crate::bus::{
    Deserted, Drained, Publish, PublishAll, PublishMany, ReceiversAtLeast, Reserve, ReserveMany,
};
pub use crate::numbered::RecvWithSequence;
pub use crate::watermark::Reached;

use crate::error::Lagged;
use crate::lag;
use crate::subscription::{Loan, Subscription};
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

/// Future of [`Receiver::recv`](crate::Receiver::recv): resolves to the next event, or to `None` at the
/// end. It is `Unpin`.
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
/// assert_eq!(event, Some("event"));
/// # });
/// ```
#[must_use = "futures do nothing unless awaited"]
pub struct Recv<'a, E>(Loan<'a, E>);

impl<'a, E> Recv<'a, E> {
    pub(crate) fn new(subscription: &'a mut Subscription<E>) -> Self {
        Self(Loan::of(subscription))
    }
}

impl<E: Clone> Future for Recv<'_, E> {
    type Output = Option<E>;

    #[inline(always)]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.0.poll(|receiver| receiver.poll_next(cx))
    }
}

impl<E> fmt::Debug for Recv<'_, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recv").finish_non_exhaustive()
    }
}

/// Future of [`WithLag::recv`](crate::stream::WithLag::recv): resolves to the next event or gap, or to
/// `None` at the end. It is `Unpin`.
///
/// # Cancel safety
///
/// Dropped before it has resolved, nothing was received.
///
/// ```
/// use eventring::{EventBus, Lagged};
/// use futures::FutureExt;
///
/// let bus = EventBus::new(1);
/// let mut events = bus.subscribe().with_lag();
/// assert_eq!(events.recv().now_or_never(), None);
/// bus.publish_many_blocking(&mut vec!['a', 'b']).unwrap();
/// assert_eq!(events.recv().now_or_never(), Some(Some(Err(Lagged(1)))));
/// ```
#[must_use = "futures do nothing unless awaited"]
pub struct RecvWithLag<'a, E>(Loan<'a, E>);

impl<'a, E> RecvWithLag<'a, E> {
    pub(crate) fn new(subscription: &'a mut Subscription<E>) -> Self {
        Self(Loan::of(subscription))
    }
}

impl<E: Clone> Future for RecvWithLag<'_, E> {
    type Output = Option<Result<E, Lagged>>;

    #[inline(always)]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.0.poll(|receiver| lag::poll(receiver, cx))
    }
}

impl<E> fmt::Debug for RecvWithLag<'_, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RecvWithLag").finish_non_exhaustive()
    }
}

/// Future of [`Receiver::recv_many`](crate::Receiver::recv_many): resolves to the number of events
/// that it appended, 0 at the end. It is `Unpin`.
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
/// while receiver.recv_many(&mut batch, 2).await > 0 {
///     batches.push(batch.drain(..).collect::<String>());
/// }
/// assert_eq!(batches, ["ab", "c"]);
/// # });
/// ```
#[must_use = "futures do nothing unless awaited"]
pub struct RecvMany<'a, E> {
    loan: Loan<'a, E>,
    buffer: &'a mut Vec<E>,
    limit: usize,
}

impl<'a, E> RecvMany<'a, E> {
    pub(crate) fn new(
        subscription: &'a mut Subscription<E>,
        buffer: &'a mut Vec<E>,
        limit: usize,
    ) -> Self {
        Self {
            loan: Loan::of(subscription),
            buffer,
            limit,
        }
    }
}

impl<E: Clone> Future for RecvMany<'_, E> {
    type Output = usize;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Self {
            loan,
            buffer,
            limit,
        } = &mut *self;
        if *limit == 0 {
            return Poll::Ready(0);
        }
        loan.poll(|receiver| receiver.poll_event(cx, |pinned| pinned.recv_many(buffer, *limit)))
            .map(Option::unwrap_or_default)
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
/// returns, or to `None` at the end. It is `Unpin`, whatever the closure is.
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

impl<'a, E, F> RecvWith<'a, E, F> {
    pub(crate) fn new(subscription: &'a mut Subscription<E>, read: F) -> Self {
        Self {
            loan: Loan::of(subscription),
            read: Some(read),
        }
    }
}

// Nothing is pinned: the closure is moved out to be called.
impl<E, F> Unpin for RecvWith<'_, E, F> {}

impl<E, R, F: FnOnce(&E) -> R> Future for RecvWith<'_, E, F> {
    type Output = Option<R>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Self { loan, read } = &mut *self;
        loan.poll(|receiver| {
            receiver.poll_event(cx, |pinned| {
                let read = read.take().expect("polled after completion");
                pinned.read(read)
            })
        })
    }
}

impl<E, F> fmt::Debug for RecvWith<'_, E, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RecvWith").finish_non_exhaustive()
    }
}

/// Future of [`Receiver::recv_many_with`](crate::Receiver::recv_many_with): resolves to the number
/// of events that the closure was called with, 0 at the end. It is `Unpin`, whatever the closure is.
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
/// while receiver.recv_many_with(2, |event| text.push(*event)).await > 0 {
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

impl<'a, E, F> RecvManyWith<'a, E, F> {
    pub(crate) fn new(subscription: &'a mut Subscription<E>, limit: usize, read: F) -> Self {
        Self {
            loan: Loan::of(subscription),
            limit,
            read,
        }
    }
}

// Nothing is pinned: the closure is only called.
impl<E, F> Unpin for RecvManyWith<'_, E, F> {}

impl<E, F: FnMut(&E)> Future for RecvManyWith<'_, E, F> {
    type Output = usize;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Self { loan, limit, read } = &mut *self;
        if *limit == 0 {
            return Poll::Ready(0);
        }
        loan.poll(|receiver| receiver.poll_event(cx, |pinned| pinned.read_many(*limit, &mut *read)))
            .map(Option::unwrap_or_default)
    }
}

impl<E, F> fmt::Debug for RecvManyWith<'_, E, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RecvManyWith")
            .field("limit", &self.limit)
            .finish_non_exhaustive()
    }
}
