//! The view of a receiver that tells each event's sequence number.

use crate::error::TryRecvError;
use crate::reader::Pinned;
use crate::receiver::Receiver;
use crate::subscription::Loan;
use futures_core::{FusedStream, Stream};
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

impl<E> Receiver<E> {
    /// The receiver, telling each event's sequence number with it: whatever receives an event there,
    /// receives a `(u64, E)`. Lag is filtered out and counted, and shows as a jump of the numbers.
    ///
    /// ```
    /// use futures::StreamExt;
    ///
    /// # futures::executor::block_on(async {
    /// let bus = eventring::EventBus::new(2);
    /// let events = bus.subscribe().with_sequence();
    /// bus.publish_many(&mut vec!['a', 'b', 'c']).await.unwrap();
    /// drop(bus);
    /// assert_eq!(events.collect::<Vec<_>>().await, [(1, 'b'), (2, 'c')]);
    /// # });
    /// ```
    pub fn with_sequence(self) -> WithSequence<E> {
        WithSequence(self)
    }
}

/// A [`Receiver`] that tells each event's sequence number with it: see [`Receiver::with_sequence`]. It
/// is a `Stream` of the same.
///
/// ```
/// let bus = eventring::EventBus::new(16);
/// let mut events = bus.subscribe().with_sequence();
/// bus.try_publish("event").unwrap();
/// assert_eq!(events.try_recv(), Ok((0, "event")));
/// ```
pub struct WithSequence<E>(pub(crate) Receiver<E>);

fn numbered<E: Clone>(pinned: Pinned<'_, E>) -> (u64, E) {
    (pinned.sequence(), pinned.recv())
}

impl<E> WithSequence<E> {
    /// As [`Receiver::filter_map_ref`], with the sequence number of each event.
    ///
    /// ```
    /// use futures::StreamExt;
    ///
    /// # futures::executor::block_on(async {
    /// let bus = eventring::EventBus::new(16);
    /// let audits = bus.subscribe().with_sequence().filter_map_ref(|sequence, event: &String| {
    ///     event.starts_with("audit").then_some((sequence, event.len()))
    /// });
    /// bus.publish(String::from("debug: no")).await.unwrap();
    /// bus.publish(String::from("audit: yes")).await.unwrap();
    /// drop(bus);
    /// assert_eq!(audits.collect::<Vec<_>>().await, [(1, 10)]);
    /// # });
    /// ```
    pub fn filter_map_ref<T, F: FnMut(u64, &E) -> Option<T>>(
        self,
        filter: F,
    ) -> FilterMapRefWithSequence<E, F> {
        FilterMapRefWithSequence {
            receiver: self.0,
            filter,
        }
    }
}

impl<E: Clone> WithSequence<E> {
    /// As [`Receiver::recv`], with the event's sequence number.
    ///
    /// # Cancel safety
    ///
    /// Dropped before it has resolved, nothing was received.
    ///
    /// ```
    /// # tokio_test::block_on(async {
    /// let bus = eventring::EventBus::new(16);
    /// let mut events = bus.subscribe().with_sequence();
    /// bus.publish("event").await.unwrap();
    /// assert_eq!(events.recv().await, Some((0, "event")));
    /// # });
    /// ```
    pub fn recv(&mut self) -> RecvWithSequence<'_, E> {
        RecvWithSequence(Loan::of(&mut self.0.0))
    }

    /// As [`Receiver::poll_recv`], with the event's sequence number.
    ///
    /// ```
    /// # tokio_test::block_on(async {
    /// let bus = eventring::EventBus::new(16);
    /// let mut events = bus.subscribe().with_sequence();
    /// bus.publish("event").await.unwrap();
    /// let event = std::future::poll_fn(|cx| events.poll_recv(cx)).await;
    /// assert_eq!(event, Some((0, "event")));
    /// # });
    /// ```
    pub fn poll_recv(&mut self, cx: &mut Context<'_>) -> Poll<Option<(u64, E)>> {
        self.0.0.poll_event(cx, numbered)
    }

    /// As [`Receiver::try_recv`], with the event's sequence number.
    ///
    /// # Errors
    ///
    /// As [`Receiver::try_recv`].
    ///
    /// ```
    /// let bus = eventring::EventBus::new(16);
    /// bus.try_publish("to nobody").unwrap();
    /// let mut events = bus.subscribe().with_sequence();
    /// bus.try_publish("event").unwrap();
    /// assert_eq!(events.try_recv(), Ok((1, "event")));
    /// ```
    pub fn try_recv(&mut self) -> Result<(u64, E), TryRecvError> {
        self.0.try_next(numbered)
    }

    /// As [`Receiver::recv_blocking`], with the event's sequence number.
    ///
    /// ```
    /// let bus = eventring::EventBus::new(16);
    /// let mut events = bus.subscribe().with_sequence();
    /// std::thread::spawn(move || bus.publish_blocking("event"));
    /// assert_eq!(events.recv_blocking(), Some((0, "event")));
    /// ```
    #[cfg(any(not(target_family = "wasm"), target_feature = "atomics"))]
    pub fn recv_blocking(&mut self) -> Option<(u64, E)> {
        self.0.block(numbered)
    }
}

impl<E: Clone> Stream for WithSequence<E> {
    type Item = (u64, E);

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.poll_recv(cx)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.0.0.size_hint()
    }
}

impl<E: Clone> FusedStream for WithSequence<E> {
    fn is_terminated(&self) -> bool {
        self.0.0.is_terminated()
    }
}

impl<E> Clone for WithSequence<E> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<E> fmt::Debug for WithSequence<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("WithSequence").field(&self.0).finish()
    }
}

/// Stream of [`WithSequence::filter_map_ref`]: what the closure makes of the numbers and events.
///
/// ```
/// use futures::StreamExt;
///
/// # futures::executor::block_on(async {
/// let bus = eventring::EventBus::new(4);
/// let number = |sequence, event: &&str| event.is_empty().then_some(sequence);
/// let mut empty = bus.subscribe().with_sequence().filter_map_ref(number);
/// bus.publish_many(&mut vec!["event", ""]).await.unwrap();
/// assert_eq!(empty.next().await, Some(1));
/// # });
/// ```
#[must_use = "streams do nothing unless polled"]
pub struct FilterMapRefWithSequence<E, F> {
    pub(crate) receiver: Receiver<E>,
    filter: F,
}

// Nothing is pinned: the closure is called in place.
impl<E, F> Unpin for FilterMapRefWithSequence<E, F> {}

impl<E, T, F: FnMut(u64, &E) -> Option<T>> Stream for FilterMapRefWithSequence<E, F> {
    type Item = T;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<T>> {
        let Self { receiver, filter } = &mut *self;
        loop {
            let read = receiver.0.poll_event(cx, |pinned| {
                let sequence = pinned.sequence();
                pinned.read(|event| filter(sequence, event))
            });
            match ready!(read) {
                Some(Some(item)) => return Poll::Ready(Some(item)),
                Some(None) => {}
                None => return Poll::Ready(None),
            }
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (0, self.receiver.0.size_hint().1)
    }
}

impl<E, T, F: FnMut(u64, &E) -> Option<T>> FusedStream for FilterMapRefWithSequence<E, F> {
    fn is_terminated(&self) -> bool {
        self.receiver.0.is_terminated()
    }
}

impl<E, F> fmt::Debug for FilterMapRefWithSequence<E, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FilterMapRefWithSequence")
            .field("receiver", &self.receiver)
            .finish_non_exhaustive()
    }
}

/// Future of [`WithSequence::recv`]: resolves to the next event and its sequence number, or to `None` at
/// the end. It is `Unpin`.
///
/// # Cancel safety
///
/// Dropped before it has resolved, nothing was received.
///
/// ```
/// use futures::FutureExt;
///
/// let bus = eventring::EventBus::new(1);
/// let mut events = bus.subscribe().with_sequence();
/// assert_eq!(events.recv().now_or_never(), None);
/// bus.try_publish("event").unwrap();
/// assert_eq!(events.recv().now_or_never(), Some(Some((0, "event"))));
/// ```
#[must_use = "futures do nothing unless awaited"]
pub struct RecvWithSequence<'a, E>(Loan<'a, E>);

impl<E: Clone> Future for RecvWithSequence<'_, E> {
    type Output = Option<(u64, E)>;

    #[inline(always)]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.0.poll(|receiver| receiver.poll_event(cx, numbered))
    }
}

impl<E> fmt::Debug for RecvWithSequence<'_, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RecvWithSequence").finish_non_exhaustive()
    }
}
