//! Publishing to topics.

use super::Topics;
use super::entry::Entry;
use super::map::{Closed, Map};
use super::tap::{Seat, Tap};
use crate::bus::{EventBus, OwnedPermit};
use crate::coop::poll_within;
use crate::error::{PublishError, TryPublishError};
use crate::sync::{Arc, step};
#[cfg(any(not(target_family = "wasm"), target_feature = "atomics"))]
use crate::wait::{Limit, block_on};
use std::borrow::Borrow;
use std::collections::VecDeque;
use std::fmt;
use std::future::poll_fn;
use std::hash::{BuildHasher, Hash};
use std::task::Poll;
#[cfg(any(not(target_family = "wasm"), target_feature = "atomics"))]
use std::{
    future::Future,
    pin::{Pin, pin},
};

impl<K, E, S: BuildHasher> Topics<K, E, S> {
    /// Publishes an event to a key, as [`EventBus::publish`] does, and resolves to its sequence number there; to
    /// `None` if nobody receives that key: then the event is dropped, and nothing is left behind.
    ///
    /// If all receivers go while it waits for room, or before, it looks again: others may have come. If the topic
    /// lingers, it is published to its history.
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
        Q: Hash + Eq + ToOwned<Owned = K> + ?Sized,
    {
        if let Some(tap) = self.map.tapped() {
            return self.publish_tapped(tap, key, event).await;
        }
        let mut route = self.route(key);
        let publish = async |bus: &EventBus<E>, event| bus.publish(event).await;
        route.attempt_waiting(event, publish).await
    }

    /// What has no receivers is published to the tap alone.
    async fn publish_tapped<Q>(
        &self,
        tap: &Tap<K, E>,
        key: &Q,
        event: E,
    ) -> Result<Option<u64>, PublishError<E>>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ToOwned<Owned = K> + ?Sized,
    {
        match self.reserve(key).await {
            Ok(Some(permit)) => self
                .redeem(key, permit, event)
                .map_err(PublishError::Closed),
            Ok(None) => match tap.bus.publish((key.to_owned(), event)).await {
                Ok(_) => Ok(None),
                Err(PublishError::Closed((_, event))) => Err(PublishError::Closed(event)),
                Err(PublishError::Dropped((_, event))) => Err(PublishError::Dropped(event)),
            },
            Err(PublishError::Closed(())) => Err(PublishError::Closed(event)),
            Err(PublishError::Dropped(())) => Err(PublishError::Dropped(event)),
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
        Q: Hash + Eq + ToOwned<Owned = K> + ?Sized,
    {
        match self.map.tapped() {
            None => self.route(key).attempt(event, EventBus::try_publish),
            Some(tap) => self.try_publish_tapped(tap, key, event),
        }
    }

    #[cold]
    fn try_publish_tapped<Q>(
        &self,
        tap: &Tap<K, E>,
        key: &Q,
        event: E,
    ) -> Result<Option<u64>, TryPublishError<E>>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ToOwned<Owned = K> + ?Sized,
    {
        match self.try_reserve(key) {
            Ok(Some(permit)) => {
                let redeemed = self.redeem(key, permit, event);
                redeemed.map_err(TryPublishError::Closed)
            }
            Ok(None) => match tap.bus.try_publish((key.to_owned(), event)) {
                Ok(_) => Ok(None),
                Err(TryPublishError::Closed((_, event))) => Err(TryPublishError::Closed(event)),
                Err(TryPublishError::Full((_, event))) => Err(TryPublishError::Full(event)),
            },
            Err(TryPublishError::Closed(())) => Err(TryPublishError::Closed(event)),
            Err(TryPublishError::Full(())) => Err(TryPublishError::Full(event)),
        }
    }

    /// Publishes by a permit. If the topic is gone since, there was a moment without receivers; if not, it is
    /// closed.
    fn redeem<Q>(&self, key: &Q, permit: TopicPermit<K, E>, event: E) -> Result<Option<u64>, E>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let mut route = self.route(key);
        route.entry = Some(Arc::clone(&permit.entry));
        match permit.redeem(event) {
            Ok(sequence) => Ok(Some(sequence)),
            Err(error) if route.next().is_err() => Err(error.into_event()),
            Err(_) => Ok(None),
        }
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
        Q: Hash + Eq + ToOwned<Owned = K> + ?Sized,
    {
        match self.map.tapped() {
            None => self.route(key).attempt(event, EventBus::publish_blocking),
            Some(tap) => block(pin!(self.publish_tapped(tap, key, event))),
        }
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
        Q: Hash + Eq + ToOwned<Owned = K> + ?Sized,
    {
        let published = match self.map.tapped() {
            Some(tap) => self.publish_many_tapped(tap, key, events).await?,
            None => {
                let mut route = self.route(key);
                loop {
                    let Some(bus) = route.next_waiting().await? else {
                        break None;
                    };
                    match bus.publish_many(events).await.map_err(Refused::reopen) {
                        Ok(()) => break Some(()),
                        Err(Ok(())) => {}
                        Err(Err(error)) => return Err(error),
                    }
                }
            }
        };
        if published.is_none() {
            events.clear();
        }
        Ok(published.is_some())
    }

    /// One after the other, each in its turn in the tap.
    async fn publish_many_tapped<Q>(
        &self,
        tap: &Tap<K, E>,
        key: &Q,
        events: &mut Vec<E>,
    ) -> Result<Option<()>, PublishError<()>>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ToOwned<Owned = K> + ?Sized,
    {
        let mut rest = Rest {
            events: std::mem::take(events).into(),
            vector: events,
        };
        let mut heard = Some(());
        while !rest.events.is_empty() {
            let mut next = || rest.events.pop_front().expect("there is one more");
            if let Some(permit) = self.reserve(key).await? {
                let redeemed = self.redeem(key, permit, next());
                heard = match redeemed {
                    Ok(sequence) => sequence.map(|_| ()),
                    Err(event) => {
                        rest.events.push_front(event);
                        return Err(PublishError::Closed(()));
                    }
                };
            } else {
                let permit = tap.bus.reserve().await?;
                let closed = permit.publish((key.to_owned(), next()));
                heard = None;
                if let Err(closed) = closed {
                    rest.events.push_front(closed.into_event().1);
                    return Err(PublishError::Closed(()));
                }
            }
        }
        Ok(heard)
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
        Q: Hash + Eq + ToOwned<Owned = K> + ?Sized,
    {
        if self.map.tapped().is_some() {
            return block(pin!(self.publish_many(key, events)));
        }
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
        Q: Hash + Eq + ToOwned<Owned = K> + ?Sized,
    {
        let mut route = self.route(key);
        let reserve = async |bus: &EventBus<E>, ()| bus.clone().reserve_owned().await;
        let Some(permit) = route.attempt_waiting((), reserve).await? else {
            return Ok(None);
        };
        let seat = match self.map.tapped() {
            None => None,
            Some(tap) => {
                let permit = tap.bus.clone().reserve_owned().await?;
                Some(tap.seat(key.to_owned(), permit))
            }
        };
        Ok(Some(route.permit(permit, seat)))
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
        Q: Hash + Eq + ToOwned<Owned = K> + ?Sized,
    {
        let mut route = self.route(key);
        let reserve = |bus: &EventBus<E>, ()| Ok(bus.try_reserve()?.into_owned());
        let Some(permit) = route.attempt((), reserve)? else {
            return Ok(None);
        };
        let seat = match self.map.tapped() {
            None => None,
            Some(tap) => {
                let permit = tap.bus.try_reserve()?.into_owned();
                Some(tap.seat(key.to_owned(), permit))
            }
        };
        Ok(Some(route.permit(permit, seat)))
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
        Q: Hash + Eq + ToOwned<Owned = K> + ?Sized,
    {
        block(pin!(self.reserve(key)))
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

#[cfg(any(not(target_family = "wasm"), target_feature = "atomics"))]
fn block<T>(mut future: Pin<&mut impl Future<Output = T>>) -> T {
    block_on(&mut future, &mut Limit::Unlimited).expect("waits without a deadline")
}

/// What is left of the events, for who gives up.
struct Rest<'a, E> {
    events: VecDeque<E>,
    vector: &'a mut Vec<E>,
}

impl<E> Drop for Rest<'_, E> {
    fn drop(&mut self) {
        *self.vector = std::mem::take(&mut self.events).into();
    }
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
        let mut found = self.map.find(self.hash, self.key)?;
        if let (Some(same), Some(entry)) = (&found, &self.entry) {
            if Arc::ptr_eq(same, entry) {
                if !self.map.expel(same) {
                    return Err(Closed); // not gone, but closed by somebody
                }
                found = self.map.find(self.hash, self.key)?;
            }
        }
        self.entry = found;
        Ok(self.entry.as_ref().map(|entry| &entry.bus))
    }

    /// Publishing to nobody takes part in the task's budget, too.
    async fn next_waiting(&mut self) -> Result<Option<&EventBus<E>>, Closed> {
        let next = self.next()?;
        if next.is_none() {
            poll_fn(|cx| poll_within(cx, |_| Poll::Ready(()))).await;
        }
        Ok(next)
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

    /// The same, waiting.
    async fn attempt_waiting<T, R, X: Refused<T>>(
        &mut self,
        mut what: T,
        mut publish: impl AsyncFnMut(&EventBus<E>, T) -> Result<R, X>,
    ) -> Result<Option<R>, X> {
        loop {
            let bus = match self.next_waiting().await {
                Ok(Some(bus)) => bus,
                Ok(None) => return Ok(None),
                Err(Closed) => return Err(X::closed(what)),
            };
            what = match publish(bus, what).await.map_err(X::reopen) {
                Ok(published) => return Ok(Some(published)),
                Err(Ok(what)) => what,
                Err(Err(error)) => return Err(error),
            };
        }
    }

    fn permit(&mut self, permit: OwnedPermit<E>, seat: Option<Seat<K, E>>) -> TopicPermit<K, E> {
        let entry = self.entry.take().expect("the permit is of its bus");
        TopicPermit {
            permit,
            entry,
            seat,
        }
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

impl From<Closed> for PublishError<()> {
    fn from(_: Closed) -> Self {
        Self::Closed(())
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
    /// Room in the tap, too.
    seat: Option<Seat<K, E>>,
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
        if self.entry.bus.is_closed() {
            return Err(PublishError::Closed(event));
        }
        self.redeem(event)
    }

    /// What is refused now is in the tap.
    fn redeem(self, event: E) -> Result<u64, PublishError<E>> {
        if let Some(seat) = self.seat.filter(|_| step("tap-seat")) {
            seat.publish(&event);
        }
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
