//! A receiver of a topic, which keeps it.

use super::entry::Entry;
use super::map::Map;
use crate::lag::WithLag;
use crate::numbered::WithSequence;
use crate::receiver::Receiver;
use crate::stream::FilterMapRef;
use crate::sync::Arc;
use futures_core::{FusedStream, Stream};
use std::fmt;
use std::ops::{Deref, DerefMut};
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::pin::Pin;
use std::task::{Context, Poll};

/// A [`Receiver`] of one topic: see [`Topics::subscribe`](super::Topics::subscribe). Whatever a receiver can do,
/// it can (`Deref`, and it is a `Stream`), and it knows its key.
///
/// While there is one, the topic is in use; the last one to be dropped removes it. What is made of one
/// ([`with_lag`](Self::with_lag), [`map_receiver`](Self::map_receiver)) is a `Topic` too, of that view.
///
/// ```
/// use eventring::{Topic, Topics};
/// use futures::StreamExt;
///
/// # futures::executor::block_on(async {
/// let rooms = Topics::new(16);
/// let mut lobby: Topic<String, &str> = rooms.subscribe("lobby");
/// rooms.publish("lobby", "hello").await.unwrap();
/// assert_eq!((lobby.len(), lobby.next().await), (1, Some("hello")));
/// # });
/// ```
pub struct Topic<K, E, R = Receiver<E>> {
    /// Goes first, so that who finds the topic gone finds its receiver gone too.
    receiver: R,
    lease: Lease<K, E>,
}

/// Counted in a topic while it lives.
pub(super) struct Lease<K, E> {
    map: Arc<Map<K, E>>,
    entry: Arc<Entry<K, E>>,
}

impl<K, E> Lease<K, E> {
    /// The entry has counted it in.
    pub(super) fn new(map: &Arc<Map<K, E>>, entry: Arc<Entry<K, E>>) -> Self {
        Self {
            map: Arc::clone(map),
            entry,
        }
    }
}

impl<K, E> Clone for Lease<K, E> {
    fn clone(&self) -> Self {
        self.entry.members.add();
        Self::new(&self.map, Arc::clone(&self.entry))
    }
}

impl<K, E> Drop for Lease<K, E> {
    fn drop(&mut self) {
        self.map.leave(&self.entry);
    }
}

impl<K, E, R> Topic<K, E, R> {
    #[track_caller]
    pub(super) fn new(
        lease: Lease<K, E>,
        subscribe: impl FnOnce(&crate::EventBus<E>) -> R,
    ) -> Self {
        let receiver = subscribe(&lease.entry.bus);
        Self { receiver, lease }
    }

    /// Another one of the same topic.
    pub(super) fn beside<T>(&self, make: impl FnOnce(&R) -> T) -> Topic<K, E, T> {
        let lease = self.lease.clone();
        let receiver = make(&self.receiver);
        Topic { receiver, lease }
    }

    /// The key of the topic.
    ///
    /// ```
    /// let prices = eventring::Topics::<u32, f64>::new(16);
    /// assert_eq!(prices.subscribe(&7).key(), &7);
    /// ```
    pub fn key(&self) -> &K {
        &self.lease.entry.key
    }

    /// What the closure makes of the receiver, as a receiver of the same topic.
    ///
    /// ```
    /// use futures::StreamExt;
    ///
    /// # futures::executor::block_on(async {
    /// let rooms = eventring::Topics::<String, &str>::new(16);
    /// let mut lengths = rooms.subscribe("lobby").map_receiver(|room| room.map(str::len));
    /// rooms.publish("lobby", "hello").await.unwrap();
    /// assert_eq!(lengths.key(), "lobby");
    /// assert_eq!(lengths.next().await, Some(5));
    /// # });
    /// ```
    pub fn map_receiver<T>(self, map: impl FnOnce(R) -> T) -> Topic<K, E, T> {
        let Self { receiver, lease } = self;
        let receiver = map(receiver);
        Topic { receiver, lease }
    }
}

impl<K, E> Topic<K, E, Receiver<E>> {
    /// As [`Receiver::with_lag`].
    ///
    /// ```
    /// use eventring::{Lagged, Topics};
    ///
    /// let rooms = Topics::<String, &str>::new(1);
    /// let mut lobby = rooms.subscribe("lobby").with_lag();
    /// rooms.try_publish("lobby", "missed").unwrap();
    /// rooms.try_publish("lobby", "event").unwrap();
    /// assert_eq!(lobby.try_recv(), Ok(Err(Lagged(1))));
    /// ```
    pub fn with_lag(self) -> Topic<K, E, WithLag<E>> {
        self.map_receiver(Receiver::with_lag)
    }

    /// As [`Receiver::with_sequence`].
    ///
    /// ```
    /// let rooms = eventring::Topics::<String, &str>::new(16);
    /// let mut lobby = rooms.subscribe("lobby").with_sequence();
    /// rooms.try_publish("lobby", "event").unwrap();
    /// assert_eq!(lobby.try_recv(), Ok((0, "event")));
    /// ```
    pub fn with_sequence(self) -> Topic<K, E, WithSequence<E>> {
        self.map_receiver(Receiver::with_sequence)
    }

    /// As [`Receiver::filter_map_ref`].
    ///
    /// ```
    /// use futures::StreamExt;
    ///
    /// # futures::executor::block_on(async {
    /// let rooms = eventring::Topics::<String, String>::new(16);
    /// let mut lengths = rooms.subscribe("lobby").filter_map_ref(|text| Some(text.len()));
    /// rooms.publish("lobby", "hello".to_owned()).await.unwrap();
    /// assert_eq!(lengths.next().await, Some(5));
    /// # });
    /// ```
    pub fn filter_map_ref<T, F: FnMut(&E) -> Option<T>>(
        self,
        filter: F,
    ) -> Topic<K, E, FilterMapRef<E, F>> {
        self.map_receiver(|receiver| receiver.filter_map_ref(filter))
    }
}

impl<K, E, R> Deref for Topic<K, E, R> {
    type Target = R;

    fn deref(&self) -> &R {
        &self.receiver
    }
}

impl<K, E, R> DerefMut for Topic<K, E, R> {
    fn deref_mut(&mut self) -> &mut R {
        &mut self.receiver
    }
}

impl<K, E, R: Clone> Clone for Topic<K, E, R> {
    fn clone(&self) -> Self {
        self.beside(R::clone)
    }
}

impl<K, E, R: Stream + Unpin> Stream for Topic<K, E, R> {
    type Item = R::Item;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<R::Item>> {
        Pin::new(&mut self.receiver).poll_next(cx)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.receiver.size_hint()
    }
}

impl<K, E, R: FusedStream + Unpin> FusedStream for Topic<K, E, R> {
    fn is_terminated(&self) -> bool {
        self.receiver.is_terminated()
    }
}

impl<K: fmt::Debug, E, R: fmt::Debug> fmt::Debug for Topic<K, E, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Topic")
            .field("key", self.key())
            .field("receiver", &self.receiver)
            .finish()
    }
}

// As a receiver.
impl<K, E, R: UnwindSafe> UnwindSafe for Topic<K, E, R> {}
impl<K, E, R: RefUnwindSafe> RefUnwindSafe for Topic<K, E, R> {}
