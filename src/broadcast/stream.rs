//! Receivers as streams.

use super::error::{BroadcastStreamRecvError, RecvError};
use super::receiver::Receiver;
use futures_core::{FusedStream, Stream};
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

impl<T: Clone> Stream for Receiver<T> {
    type Item = Result<T, BroadcastStreamRecvError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        Poll::Ready(match ready!(self.poll_recv(cx)) {
            Ok(value) => Some(Ok(value)),
            Err(RecvError::Lagged(missed)) => Some(Err(BroadcastStreamRecvError::Lagged(missed))),
            Err(RecvError::Closed) => None,
        })
    }
}

impl<T: Clone> FusedStream for Receiver<T> {
    fn is_terminated(&self) -> bool {
        self.has_ended()
    }
}

/// A stream in the shape of `tokio_stream::wrappers::BroadcastStream`: values, and gaps in their
/// places.
///
/// Nothing is boxed. The receiver can be had back, and nothing is lost by that.
///
/// ```
/// use eventring::broadcast::{self, BroadcastStream, error::BroadcastStreamRecvError};
/// use futures::StreamExt;
///
/// # futures::executor::block_on(async {
/// let (sender, receiver) = broadcast::channel(1);
/// sender.send('a').unwrap();
/// sender.send('b').unwrap();
/// drop(sender);
/// let items: Vec<_> = BroadcastStream::new(receiver).collect().await;
/// assert_eq!(items, [Err(BroadcastStreamRecvError::Lagged(1)), Ok('b')]);
/// # });
/// ```
#[must_use = "streams do nothing unless polled"]
pub struct BroadcastStream<T>(Receiver<T>);

impl<T> BroadcastStream<T> {
    /// The receiver as a stream.
    ///
    /// ```
    /// use eventring::broadcast::{self, BroadcastStream};
    ///
    /// let (_sender, receiver) = broadcast::channel::<u32>(16);
    /// let _stream = BroadcastStream::new(receiver);
    /// ```
    pub fn new(receiver: Receiver<T>) -> Self {
        Self(receiver)
    }

    /// The receiver, no longer wrapped.
    ///
    /// ```
    /// use eventring::broadcast::{self, BroadcastStream};
    ///
    /// let (sender, receiver) = broadcast::channel(16);
    /// let stream = BroadcastStream::new(receiver);
    /// sender.send("value").unwrap();
    /// assert_eq!(stream.into_inner().try_recv(), Ok("value"));
    /// ```
    pub fn into_inner(self) -> Receiver<T> {
        self.0
    }
}

impl<T> AsRef<Receiver<T>> for BroadcastStream<T> {
    fn as_ref(&self) -> &Receiver<T> {
        &self.0
    }
}

impl<T> AsMut<Receiver<T>> for BroadcastStream<T> {
    fn as_mut(&mut self) -> &mut Receiver<T> {
        &mut self.0
    }
}

impl<T> From<Receiver<T>> for BroadcastStream<T> {
    fn from(receiver: Receiver<T>) -> Self {
        Self::new(receiver)
    }
}

impl<T: Clone> Stream for BroadcastStream<T> {
    type Item = Result<T, BroadcastStreamRecvError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        Pin::new(&mut self.0).poll_next(cx)
    }
}

impl<T: Clone> FusedStream for BroadcastStream<T> {
    fn is_terminated(&self) -> bool {
        self.0.has_ended()
    }
}

impl<T> fmt::Debug for BroadcastStream<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BroadcastStream").finish()
    }
}
