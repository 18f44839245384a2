//! Publishing to topics.

use super::Topics;
use super::entry::Entry;
use super::map::{Closed, Map};
#[cfg(any(not(target_family = "wasm"), target_feature = "atomics"))]
use crate::bus::Permit;
use crate::bus::{EventBus, OwnedPermit};
use crate::coop::poll_within;
use crate::error::{PublishError, TryPublishError};
use crate::sync::{Arc, step};
use std::borrow::Borrow;
use std::fmt;
use std::future::poll_fn;
use std::hash::{BuildHasher, Hash};
use std::task::Poll;

impl<K, E, S: BuildHasher> Topics<K, E, S> {
    /// Publishes an event to a key, as [`EventBus::publish`] does, and resolves to its sequence number there; to
    /// `None` if nobody receives that key: then the event is dropped, and nothing is left behind.
    ///
    /// If all receivers go while it waits for room, or before, it looks again: others may have come.
    ///
    /// # Errors
    ///
    /// [`PublishError::Closed`] if the topics are closed, or this one's bus; [`PublishError::Dropped`] as
    /// of a bus. Both hand the event back.
    ///
    /// # Cancel safety
    ///
    /// Dropped before it has resolved, nothing was published, and the event is dropped.
    ///
    /// ```
    /// # tokio_test::block_on(async {
    /// let rooms = eventring::Topics::<String, &str>::new(16);
    /// let _lobby = rooms.subscribe("lobby");
    /// assert_eq!(rooms.publish("lobby", "hello").await, Ok(Some(0)));
    /// assert_eq!(rooms.publish("kitchen", "anybody?").await, Ok(None));
    /// # });
    /// ```
    pub async fn publish<Q>(&self, key: &Q, event: E) -> Result<Option<u64>, PublishError<E>>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let mut route = self.route(key);
        let mut event = event;
        loop {
            let bus = match route.next() {
                Ok(Some(bus)) => bus,
                Ok(None) => return to_nobody().await,
                Err(Closed) => return Err(PublishError::Closed(event)),
            };
            let published = bus.publish(event).await;
            event = match published.map_err(Refused::reopen) {
                Ok(sequence) => return Ok(Some(sequence)),
                Err(Ok(event)) => event,
                Err(Err(error)) => return Err(error),
            };
        }
    }

    /// Publishes an event to a key if there is room, whatever the strategy. `None`: nobody receives that key.
    ///
    /// # Errors
    ///
    /// As [`EventBus::try_publish`]. They hand the event back.
    ///
    /// ```
    /// let rooms = eventring::Topics::<String, &str>::new(16);
    /// let _lobby = rooms.subscribe("lobby");
    /// assert_eq!(rooms.try_publish("lobby", "hello"), Ok(Some(0)));
    /// assert_eq!(rooms.try_publish("kitchen", "anybody?"), Ok(None));
    /// ```
    #[inline]
    pub fn try_publish<Q>(&self, key: &Q, event: E) -> Result<Option<u64>, TryPublishError<E>>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        self.route(key).attempt(event, EventBus::try_publish)
    }

    /// As [`publish`](Self::publish), blocking the thread instead of the task.
    ///
    /// # Errors
    ///
    /// As [`publish`](Self::publish).
    ///
    /// ```
    /// let rooms = eventring::Topics::<String, &str>::new(16);
    /// let _lobby = rooms.subscribe("lobby");
    /// assert_eq!(rooms.publish_blocking("lobby", "hello"), Ok(Some(0)));
    /// ```
    #[cfg(any(not(target_family = "wasm"), target_feature = "atomics"))]
    pub fn publish_blocking<Q>(&self, key: &Q, event: E) -> Result<Option<u64>, PublishError<E>>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        self.route(key).attempt(event, EventBus::publish_blocking)
    }

    /// Publishes all events of the vector to a key, in order, as [`EventBus::publish_many`] does. `false`: nobody
    /// receives that key, or not any more; what was left is dropped.
    ///
    /// # Errors
    ///
    /// As [`publish`](Self::publish). What was not published is in the vector.
    ///
    /// # Cancel safety
    ///
    /// Dropped before it has resolved, what was not published is in the vector, in order.
    ///
    /// ```
    /// # tokio_test::block_on(async {
    /// let rooms = eventring::Topics::<String, char>::new(16);
    /// let lobby = rooms.subscribe("lobby");
    /// assert_eq!(rooms.publish_many("lobby", &mut vec!['a', 'b']).await, Ok(true));
    /// assert_eq!(lobby.len(), 2);
    /// # });
    /// ```
    pub async fn publish_many<Q>(
        &self,
        key: &Q,
        events: &mut Vec<E>,
    ) -> Result<bool, PublishError<()>>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let mut route = self.route(key);
        loop {
            let bus = match route.next() {
                Ok(Some(bus)) => bus,
                Ok(None) => {
                    events.clear();
                    return to_nobody::<(), _>().await.map(|_| false);
                }
                Err(Closed) => return Err(PublishError::Closed(())),
            };
            let published = bus.publish_many(events).await;
            match published.map_err(Refused::reopen) {
                Ok(()) => return Ok(true),
                Err(Ok(())) => {}
                Err(Err(error)) => return Err(error),
            }
        }
    }

    /// As [`publish_many`](Self::publish_many), blocking the thread instead of the task.
    ///
    /// # Errors
    ///
    /// As [`publish_many`](Self::publish_many).
    ///
    /// ```
    /// let rooms = eventring::Topics::<String, char>::new(16);
    /// let lobby = rooms.subscribe("lobby");
    /// rooms.publish_many_blocking("lobby", &mut vec!['a', 'b']).unwrap();
    /// assert_eq!(lobby.len(), 2);
    /// ```
    #[cfg(any(not(target_family = "wasm"), target_feature = "atomics"))]
    pub fn publish_many_blocking<Q>(
        &self,
        key: &Q,
        events: &mut Vec<E>,
    ) -> Result<bool, PublishError<()>>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let mut route = self.route(key);
        let published = route.attempt((), |bus, ()| bus.publish_many_blocking(events))?;
        if published.is_none() {
            events.clear();
        }
        Ok(published.is_some())
    }

    /// Takes room for one event in a topic, as [`EventBus::reserve`] does. `None`: nobody receives that key.
    ///
    /// # Errors
    ///
    /// As [`publish`](Self::publish), without an event.
    ///
    /// # Cancel safety
    ///
    /// Dropped before it has resolved, nothing is taken.
    ///
    /// ```
    /// # tokio_test::block_on(async {
    /// let rooms = eventring::Topics::<String, &str>::new(16);
    /// let mut lobby = rooms.subscribe("lobby");
    /// let permit = rooms.reserve("lobby").await.unwrap().expect("somebody is there");
    /// permit.publish("hello").unwrap();
    /// assert_eq!(lobby.recv().await, Some("hello"));
    /// # });
    /// ```
    pub async fn reserve<Q>(&self, key: &Q) -> Result<Option<TopicPermit<K, E>>, PublishError<()>>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let mut route = self.route(key);
        loop {
            let bus = match route.next() {
                Ok(Some(bus)) => bus.clone(),
                Ok(None) => return to_nobody().await,
                Err(Closed) => return Err(PublishError::Closed(())),
            };
            match bus.reserve_owned().await.map_err(Refused::reopen) {
                Ok(permit) => return Ok(Some(route.permit(permit))),
                Err(Ok(())) => {}
                Err(Err(error)) => return Err(error),
            }
        }
    }

    /// Takes room for one event in a topic if there is some that nobody waits for. `None`: nobody receives
    /// that key.
    ///
    /// # Errors
    ///
    /// As [`try_publish`](Self::try_publish), without an event.
    ///
    /// ```
    /// let rooms = eventring::Topics::<String, &str>::new(16);
    /// assert!(rooms.try_reserve("lobby").unwrap().is_none());
    /// let _lobby = rooms.subscribe("lobby");
    /// let permit = rooms.try_reserve("lobby").unwrap().unwrap();
    /// assert_eq!(permit.publish("hello"), Ok(0));
    /// ```
    pub fn try_reserve<Q>(&self, key: &Q) -> Result<Option<TopicPermit<K, E>>, TryPublishError<()>>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let mut route = self.route(key);
        let permit = route.attempt((), |bus, ()| Ok(bus.try_reserve()?.into_owned()))?;
        Ok(permit.map(|permit| route.permit(permit)))
    }

    /// As [`reserve`](Self::reserve), blocking the thread instead of the task.
    ///
    /// # Errors
    ///
    /// As [`reserve`](Self::reserve).
    ///
    /// ```
    /// let rooms = eventring::Topics::<String, &str>::new(16);
    /// let _lobby = rooms.subscribe("lobby");
    /// let permit = rooms.reserve_blocking("lobby").unwrap().unwrap();
    /// assert_eq!(permit.publish("hello"), Ok(0));
    /// ```
    #[cfg(any(not(target_family = "wasm"), target_feature = "atomics"))]
    pub fn reserve_blocking<Q>(
        &self,
        key: &Q,
    ) -> Result<Option<TopicPermit<K, E>>, PublishError<()>>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let mut route = self.route(key);
        let permit = route.attempt((), |bus, ()| bus.reserve_blocking().map(Permit::into_owned))?;
        Ok(permit.map(|permit| route.permit(permit)))
    }

    fn route<'a, Q>(&'a self, key: &'a Q) -> Route<'a, K, E, Q>
    where
        Q: Hash + ?Sized,
    {
        Route {
            map: &self.map,
            hash: self.hash(key),
            key,
            entry: None,
        }
    }
}

/// Publishing to nobody takes part in the task's budget, too.
async fn to_nobody<T, X>() -> Result<Option<T>, X> {
    poll_fn(|cx| poll_within(cx, |_| Poll::Ready(Ok(None)))).await
}

/// T1: the way to a key's topic.
struct Route<'a, K, E, Q: ?Sized> {
    map: &'a Map<K, E>,
    hash: u64,
    key: &'a Q,
    /// What was found there last.
    entry: Option<Arc<Entry<K, E>>>,
}

impl<K: Borrow<Q>, E, Q: Eq + ?Sized> Route<'_, K, E, Q> {
    /// The bus of the topic, if there is one, for who was told that the former one is closed.
    #[inline]
    fn next(&mut self) -> Result<Option<&EventBus<E>>, Closed> {
        let found = self.map.find(self.hash, self.key)?;
        if let (Some(found), Some(entry)) = (&found, &self.entry) {
            if Arc::ptr_eq(found, entry) {
                return Err(Closed); // not gone, but closed by somebody
            }
        }
        self.entry = found;
        Ok(self.entry.as_ref().map(|entry| &entry.bus))
    }

    /// Attempts it with one topic after the other, as long as the one before is gone.
    #[inline]
    fn attempt<T, R, X: Refused<T>>(
        &mut self,
        mut what: T,
        mut publish: impl FnMut(&EventBus<E>, T) -> Result<R, X>,
    ) -> Result<Option<R>, X> {
        loop {
            let bus = match self.next() {
                Ok(Some(bus)) => bus,
                Ok(None) => return Ok(None),
                Err(Closed) => return Err(X::closed(what)),
            };
            what = match publish(bus, what).map_err(X::reopen) {
                Ok(published) => return Ok(Some(published)),
                Err(Ok(what)) => what,
                Err(Err(error)) => return Err(error),
            };
        }
    }

    fn permit(&mut self, permit: OwnedPermit<E>) -> TopicPermit<K, E> {
        let entry = self.entry.take().expect("the permit is of its bus");
        TopicPermit { permit, entry }
    }
}

/// Why something was not published.
trait Refused<T>: Sized {
    fn closed(what: T) -> Self;

    /// What was not published because the bus is closed, which may mean that the topic is gone.
    fn reopen(self) -> Result<T, Self>;
}

impl<T> Refused<T> for PublishError<T> {
    fn closed(what: T) -> Self {
        Self::Closed(what)
    }

    fn reopen(self) -> Result<T, Self> {
        match self {
            Self::Closed(what) if step("publish-anew") => Ok(what),
            other => Err(other),
        }
    }
}

impl<T> Refused<T> for TryPublishError<T> {
    fn closed(what: T) -> Self {
        Self::Closed(what)
    }

    fn reopen(self) -> Result<T, Self> {
        match self {
            Self::Closed(what) if step("publish-anew") => Ok(what),
            other => Err(other),
        }
    }
}

/// Room for one event in a topic: see [`Topics::reserve`]. It does not keep the topic.
///
/// ```
/// use eventring::{PublishError, Topics};
///
/// let rooms = Topics::<String, &str>::new(16);
/// let lobby = rooms.subscribe("lobby");
/// let permit = rooms.try_reserve("lobby").unwrap().unwrap();
/// drop(lobby);
/// assert_eq!(permit.publish("too late"), Err(PublishError::Closed("too late")));
/// ```
#[must_use = "a permit holds room back from others"]
pub struct TopicPermit<K, E> {
    permit: OwnedPermit<E>,
    entry: Arc<Entry<K, E>>,
}

impl<K, E> TopicPermit<K, E> {
    /// The key of the topic.
    ///
    /// ```
    /// let rooms = eventring::Topics::<u32, &str>::new(16);
    /// let _room = rooms.subscribe(&7);
    /// assert_eq!(rooms.try_reserve(&7).unwrap().unwrap().key(), &7);
    /// ```
    pub fn key(&self) -> &K {
        &self.entry.key
    }

    /// Publishes at once, and returns the sequence number.
    ///
    /// # Errors
    ///
    /// Only [`PublishError::Closed`], which hands the event back: all who received the topic are gone since, or
    /// the topics are closed.
    ///
    /// ```
    /// let rooms = eventring::Topics::<u32, &str>::new(16);
    /// let _room = rooms.subscribe(&7);
    /// let permit = rooms.try_reserve(&7).unwrap().unwrap();
    /// assert_eq!(permit.publish("event"), Ok(0));
    /// ```
    pub fn publish(self, event: E) -> Result<u64, PublishError<E>> {
        self.permit.publish(event)
    }
}

impl<K: fmt::Debug, E> fmt::Debug for TopicPermit<K, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TopicPermit")
            .field("key", self.key())
            .finish_non_exhaustive()
    }
}
