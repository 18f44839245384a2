//! Receivers as streams, and a bus as a sink. A [`Receiver`] is a `Stream` by itself.

pub use crate::bus::BusSink;
pub use crate::lag::WithLag;
pub use crate::numbered::{FilterMapRefWithSequence, WithSequence};
pub use crate::typed::Typed;

use crate::receiver::Receiver;
use futures_core::{FusedStream, Stream};
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

impl<E> Receiver<E> {
    /// A stream of what the closure makes of the events: it sees each by reference, so that events
    /// of no interest are never cloned. Lag is filtered out, but counted, as by the receiver.
    ///
    /// ```
    /// use futures::StreamExt;
    ///
    /// # futures::executor::block_on(async {
    /// let bus = eventring::EventBus::new(16);
    /// let lengths = bus.subscribe().filter_map_ref(|event: &String| {
    ///     event.starts_with("audit").then_some(event.len())
    /// });
    /// bus.publish(String::from("debug: no")).await.unwrap();
    /// bus.publish(String::from("audit: yes")).await.unwrap();
    /// drop(bus);
    /// assert_eq!(lengths.collect::<Vec<_>>().await, [10]);
    /// # });
    /// ```
    pub fn filter_map_ref<T, F: FnMut(&E) -> Option<T>>(self, filter: F) -> FilterMapRef<E, F> {
        FilterMapRef {
            receiver: self,
            filter,
        }
    }
}

impl<E: Clone> Stream for Receiver<E> {
    type Item = E;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<E>> {
        self.poll_recv(cx)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.0.size_hint()
    }
}

impl<E: Clone> FusedStream for Receiver<E> {
    fn is_terminated(&self) -> bool {
        self.0.is_terminated()
    }
}

/// Stream of [`Receiver::filter_map_ref`]: what the closure makes of the events. With a function
/// in place of the closure, the type can be written down.
///
/// ```
/// use eventring::{EventBus, stream::FilterMapRef};
/// use futures::StreamExt;
///
/// struct Numbers(FilterMapRef<String, fn(&String) -> Option<u32>>);
///
/// # futures::executor::block_on(async {
/// let bus = EventBus::new(4);
/// let mut numbers = Numbers(bus.subscribe().filter_map_ref(|event| event.parse().ok()));
/// bus.publish("seven".to_owned()).await.unwrap();
/// bus.publish("8".to_owned()).await.unwrap();
/// assert_eq!(numbers.0.next().await, Some(8));
/// # });
/// ```
#[must_use = "streams do nothing unless polled"]
pub struct FilterMapRef<E, F> {
    pub(crate) receiver: Receiver<E>,
    pub(crate) filter: F,
}

// Nothing is pinned: the closure is called in place.
impl<E, F> Unpin for FilterMapRef<E, F> {}

impl<E> Receiver<E> {
    #[inline]
    pub(crate) fn poll_filter_map<T>(
        &mut self,
        cx: &mut Context<'_>,
        mut filter: impl FnMut(&E) -> Option<T>,
    ) -> Poll<Option<T>> {
        loop {
            let read = self.0.poll_event(cx, |pinned| pinned.read(&mut filter));
            match ready!(read) {
                Some(Some(item)) => return Poll::Ready(Some(item)),
                Some(None) => {}
                None => return Poll::Ready(None),
            }
        }
    }
}

impl<E, T, F: FnMut(&E) -> Option<T>> Stream for FilterMapRef<E, F> {
    type Item = T;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<T>> {
        let Self { receiver, filter } = &mut *self;
        receiver.poll_filter_map(cx, filter)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (0, self.receiver.0.size_hint().1)
    }
}

impl<E, T, F: FnMut(&E) -> Option<T>> FusedStream for FilterMapRef<E, F> {
    fn is_terminated(&self) -> bool {
        self.receiver.0.is_terminated()
    }
}

impl<E, F> fmt::Debug for FilterMapRef<E, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FilterMapRef")
            .field("receiver", &self.receiver)
            .finish_non_exhaustive()
    }
}

macro_rules! holds_receiver {
    ($name:ident<E $(, $filter:ident)?>, $field:tt, $made:literal) => {
        impl<E $(, $filter)?> $name<E $(, $filter)?> {
            /// The receiver, to ask for its position or how much it missed.
            ///
            /// ```
            /// # let bus = eventring::EventBus::<u32>::new(16);
            #[doc = concat!("let stream = bus.subscribe().", $made, ";")]
            /// assert_eq!(stream.get_ref().missed(), 0);
            /// ```
            pub fn get_ref(&self) -> &Receiver<E> {
                &self.$field
            }

            /// The receiver, to receive from it in another way in between.
            ///
            /// ```
            /// # let bus = eventring::EventBus::<u32>::new(16);
            #[doc = concat!("let mut stream = bus.subscribe().", $made, ";")]
            /// bus.try_publish(7).unwrap();
            /// assert_eq!(stream.get_mut().try_recv(), Ok(7));
            /// ```
            pub fn get_mut(&mut self) -> &mut Receiver<E> {
                &mut self.$field
            }

            /// The receiver, no longer wrapped. Nothing is lost by that.
            ///
            /// ```
            /// # let bus = eventring::EventBus::<u32>::new(16);
            #[doc = concat!("let stream = bus.subscribe().", $made, ";")]
            /// bus.try_publish(7).unwrap();
            /// assert_eq!(stream.into_inner().len(), 1);
            /// ```
            pub fn into_inner(self) -> Receiver<E> {
                self.$field
            }
        }
    };
}

holds_receiver!(WithLag<E>, 0, "with_lag()");
holds_receiver!(WithSequence<E>, 0, "with_sequence()");
holds_receiver!(
    FilterMapRefWithSequence<E, F>,
    receiver,
    "with_sequence().filter_map_ref(|_, event| event.checked_sub(5))"
);
holds_receiver!(
    FilterMapRef<E, F>,
    receiver,
    "filter_map_ref(|event| event.checked_sub(5))"
);
