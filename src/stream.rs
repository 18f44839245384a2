//! Receivers as streams.

use crate::error::{Lagged, RecvError};
use crate::receiver::Receiver;
use futures_core::{FusedStream, Stream};
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

impl<E: Clone> Stream for Receiver<E> {
    type Item = E;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<E>> {
        loop {
            match ready!(self.poll_recv(cx)) {
                Ok(event) => return Poll::Ready(Some(event)),
                Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => return Poll::Ready(None),
            }
        }
    }
}

impl<E: Clone> FusedStream for Receiver<E> {
    fn is_terminated(&self) -> bool {
        self.0.is_terminated()
    }
}

/// Stream of [`Receiver::with_lag`].
#[must_use = "streams do nothing unless polled"]
pub struct WithLag<E>(pub(crate) Receiver<E>);

impl<E: Clone> Stream for WithLag<E> {
    type Item = Result<E, Lagged>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        Poll::Ready(match ready!(self.0.poll_recv(cx)) {
            Ok(event) => Some(Ok(event)),
            Err(RecvError::Lagged(missed)) => Some(Err(Lagged(missed))),
            Err(RecvError::Closed) => None,
        })
    }
}

impl<E: Clone> FusedStream for WithLag<E> {
    fn is_terminated(&self) -> bool {
        self.0.0.is_terminated()
    }
}

impl<E> fmt::Debug for WithLag<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("WithLag").field(&self.0).finish()
    }
}

/// Stream of [`Receiver::filter_map_ref`].
#[must_use = "streams do nothing unless polled"]
pub struct FilterMapRef<E, F> {
    pub(crate) receiver: Receiver<E>,
    pub(crate) filter: F,
}

// Nothing is pinned: the closure is called in place.
impl<E, F> Unpin for FilterMapRef<E, F> {}

impl<E, T, F: FnMut(&E) -> Option<T>> Stream for FilterMapRef<E, F> {
    type Item = T;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<T>> {
        let Self { receiver, filter } = &mut *self;
        loop {
            match ready!(receiver.0.poll(cx, |mut pinned| pinned.read(&mut *filter))) {
                Ok(Some(item)) => return Poll::Ready(Some(item)),
                Ok(None) | Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => return Poll::Ready(None),
            }
        }
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
    ($name:ident<E $(, $filter:ident)?>, $field:tt) => {
        impl<E $(, $filter)?> $name<E $(, $filter)?> {
            /// The receiver, to ask for its position or how much it missed.
            ///
            /// ```
            /// # use eventring::EventBus;
            /// let bus = EventBus::<u32>::new(16);
            /// assert_eq!(bus.subscribe().with_lag().get_ref().missed(), 0);
            /// ```
            pub fn get_ref(&self) -> &Receiver<E> {
                &self.$field
            }

            /// The receiver, to receive from it in another way in between.
            ///
            /// ```
            /// # use eventring::EventBus;
            /// let bus = EventBus::<u32>::new(16);
            /// assert!(bus.subscribe().with_lag().get_mut().try_recv().is_err());
            /// ```
            pub fn get_mut(&mut self) -> &mut Receiver<E> {
                &mut self.$field
            }

            /// The receiver, no longer wrapped. Nothing is lost by that.
            ///
            /// ```
            /// # use eventring::EventBus;
            /// let bus = EventBus::<u32>::new(16);
            /// let receiver = bus.subscribe();
            /// assert_eq!(receiver.with_lag().into_inner().position(), 0);
            /// ```
            pub fn into_inner(self) -> Receiver<E> {
                self.$field
            }
        }
    };
}

holds_receiver!(WithLag<E>, 0);
holds_receiver!(FilterMapRef<E, F>, receiver);
