//! Publishing what comes as a stream, or into a sink.

use super::EventBus;
use super::publish::Unpublished;
use crate::coop::poll_within;
use crate::error::PublishError;
use futures_core::Stream;
use futures_sink::Sink;
use pin_project_lite::pin_project;
use std::fmt;
use std::future::Future;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

impl<E> EventBus<E> {
    /// A `Sink` that publishes, with a handle of its own: for `stream.forward(bus.sink())`, and whatever
    /// else takes one. Closing it does not close the bus.
    ///
    /// ```
    /// use futures::{StreamExt, stream};
    ///
    /// # futures::executor::block_on(async {
    /// let bus = eventring::EventBus::new(16);
    /// let receiver = bus.subscribe();
    /// stream::iter(["a", "b"]).map(Ok).forward(bus.sink()).await.unwrap();
    /// drop(bus);
    /// assert_eq!(receiver.collect::<String>().await, "ab");
    /// # });
    /// ```
    pub fn sink(&self) -> BusSink<E> {
        BusSink {
            bus: self.clone(),
            unpublished: Unpublished::new(None),
        }
    }

    /// Publishes everything that the stream gives, in order, and resolves to how many events that were.
    /// It takes an event only once the one before is published, and has a handle of its own, so that it
    /// can be spawned.
    ///
    /// # Errors
    ///
    /// As [`publish`](Self::publish): at the first event that is not published, which comes back. Give it
    /// `&mut stream` to go on with the rest.
    ///
    /// # Cancel safety
    ///
    /// Dropped before it has resolved, it has taken at most one event that it has not published, which
    /// [`take_unpublished`](PublishAll::take_unpublished) hands back before.
    ///
    /// ```
    /// use futures::stream;
    ///
    /// # tokio_test::block_on(async {
    /// let bus = eventring::EventBus::new(16);
    /// let mut receiver = bus.subscribe();
    /// let pump = tokio::spawn(bus.publish_all(stream::iter(["a", "b"])));
    /// assert_eq!(receiver.recv().await, Some("a"));
    /// assert_eq!(pump.await.unwrap(), Ok(2));
    /// # });
    /// ```
    pub fn publish_all<S: Stream<Item = E>>(&self, stream: S) -> PublishAll<E, S> {
        PublishAll {
            stream,
            sink: self.sink(),
            published: 0,
        }
    }
}

/// Sink of [`EventBus::sink`]. It keeps at most one event: one for which there is no room yet. Its errors
/// hand the event back, and it can be used on after them. It is `Unpin`.
///
/// ```
/// use eventring::{EventBus, PublishError};
/// use futures::SinkExt;
///
/// # futures::executor::block_on(async {
/// let bus = EventBus::new(16);
/// let mut sink = bus.sink();
/// sink.send("event").await.unwrap();
/// bus.close();
/// assert_eq!(sink.send("late").await, Err(PublishError::Closed("late")));
/// # });
/// ```
#[must_use = "sinks do nothing unless polled"]
pub struct BusSink<E> {
    bus: EventBus<E>,
    unpublished: Unpublished<E>,
}

impl<E> BusSink<E> {
    /// The handle by which it publishes.
    ///
    /// ```
    /// let bus = eventring::EventBus::<u32>::new(16);
    /// assert!(bus.sink().get_ref().same_bus(&bus));
    /// ```
    pub fn get_ref(&self) -> &EventBus<E> {
        &self.bus
    }

    /// The event that waits for room, if any: it is not going to be published then.
    ///
    /// ```
    /// use eventring::{EventBus, WaitStrategy};
    /// use futures::{FutureExt, SinkExt};
    ///
    /// let bus = EventBus::with_strategy(1, WaitStrategy::Block);
    /// let (_receiver, mut sink) = (bus.subscribe(), bus.sink());
    /// assert_eq!(sink.send('a').now_or_never(), Some(Ok(())));
    /// assert_eq!(sink.send('b').now_or_never(), None);
    /// assert_eq!(sink.take_unpublished(), Some('b'));
    /// ```
    pub fn take_unpublished(&mut self) -> Option<E> {
        self.unpublished.leave(&self.bus)
    }

    /// Publishes the event at hand, if any, within the task's budget.
    fn poll_publish(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), PublishError<E>>> {
        let Self { bus, unpublished } = self;
        if !unpublished.is_some() {
            return Poll::Ready(Ok(()));
        }
        let claimed = ready!(poll_within(cx, |cx| unpublished.poll_claim(bus, cx)));
        Poll::Ready(unpublished.finish(bus, claimed).map(drop))
    }
}

// Nothing is pinned.
impl<E> Unpin for BusSink<E> {}

impl<E> UnwindSafe for BusSink<E> {}
impl<E> RefUnwindSafe for BusSink<E> {}

impl<E> Sink<E> for BusSink<E> {
    type Error = PublishError<E>;

    fn poll_ready(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.poll_publish(cx)
    }

    /// # Panics
    ///
    /// Without a `poll_ready` that succeeded, while another event waits.
    #[track_caller]
    fn start_send(mut self: Pin<&mut Self>, event: E) -> Result<(), Self::Error> {
        assert!(
            !self.unpublished.is_some(),
            "`start_send` without `poll_ready`"
        );
        self.unpublished = Unpublished::new(Some(event));
        Ok(())
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.poll_publish(cx)
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.poll_publish(cx)
    }
}

impl<E> Drop for BusSink<E> {
    fn drop(&mut self) {
        let unpublished = self.unpublished.leave(&self.bus);
        drop(unpublished);
    }
}

impl<E> fmt::Debug for BusSink<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BusSink")
            .field("bus", &self.bus)
            .field("waits", &self.unpublished.is_some())
            .finish()
    }
}

pin_project! {
    /// Future of [`EventBus::publish_all`]: resolves to the number of events once the stream has ended.
    /// It is `Unpin` if the stream is.
    ///
    /// # Cancel safety
    ///
    /// Dropped before it has resolved, it drops at most one event that was not published, unless
    /// [`take_unpublished`](Self::take_unpublished) has handed it back before.
    ///
    /// ```
    /// use eventring::{EventBus, WaitStrategy};
    /// use futures::{FutureExt, stream};
    ///
    /// let bus = EventBus::with_strategy(2, WaitStrategy::Block);
    /// let _receiver = bus.subscribe();
    /// let mut events = stream::iter(['a', 'b', 'c', 'd']);
    /// let mut pump = bus.publish_all(&mut events);
    /// assert_eq!((&mut pump).now_or_never(), None);
    /// assert_eq!(std::pin::Pin::new(&mut pump).take_unpublished(), Some('c'));
    /// drop(pump);
    /// assert_eq!(bus.stats().published, 2);
    /// ```
    #[must_use = "futures do nothing unless awaited"]
    pub struct PublishAll<E, S> {
        #[pin]
        stream: S,
        sink: BusSink<E>,
        published: u64,
    }
}

impl<E, S> PublishAll<E, S> {
    /// The event that was taken from the stream and waits for room, if any. Polled again, it goes on with
    /// the one after.
    ///
    /// ```
    /// use eventring::{EventBus, WaitStrategy};
    /// use futures::stream;
    /// use std::{future::ready, pin::pin};
    ///
    /// # tokio_test::block_on(async {
    /// let bus = EventBus::with_strategy(1, WaitStrategy::Block);
    /// let _stuck = bus.subscribe();
    /// let (mut pump, shutdown) = (pin!(bus.publish_all(stream::iter(['a', 'b']))), ready(()));
    /// let unpublished = tokio::select! {
    ///     biased;
    ///     _ = &mut pump => None,
    ///     () = shutdown => pump.as_mut().take_unpublished(),
    /// };
    /// assert_eq!(unpublished, Some('b'));
    /// # });
    /// ```
    pub fn take_unpublished(self: Pin<&mut Self>) -> Option<E> {
        let this = self.project();
        let unpublished = this.sink.take_unpublished();
        *this.published -= u64::from(unpublished.is_some());
        unpublished
    }
}

impl<E, S: Stream<Item = E>> Future for PublishAll<E, S> {
    type Output = Result<u64, PublishError<E>>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        loop {
            ready!(this.sink.poll_publish(cx))?;
            match ready!(this.stream.as_mut().poll_next(cx)) {
                Some(event) => Pin::new(&mut *this.sink).start_send(event)?,
                None => return Poll::Ready(Ok(*this.published)),
            }
            *this.published += 1;
        }
    }
}

impl<E, S> fmt::Debug for PublishAll<E, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PublishAll")
            .field("sink", &self.sink)
            .field("published", &self.published)
            .finish_non_exhaustive()
    }
}
