//! Receivers of topics.

use super::Topics;
use super::topic::{Lease, Topic};
use crate::bus::EventBus;
use crate::receiver::Receiver;
use crate::strategy::Start;
use std::borrow::Borrow;
use std::hash::{BuildHasher, Hash};

impl<K, E, S: BuildHasher> Topics<K, E, S> {
    /// A receiver of everything published to this key from now on, as of [`EventBus::subscribe`]. The first
    /// one of a key opens its topic.
    ///
    /// # Panics
    ///
    /// If there is no memory for a topic's bus. So do the others.
    ///
    /// ```
    /// let rooms = eventring::Topics::<String, &str>::new(16);
    /// let mut lobby = rooms.subscribe("lobby");
    /// rooms.try_publish("kitchen", "not for us").unwrap();
    /// rooms.try_publish("lobby", "for us").unwrap();
    /// assert_eq!(lobby.try_recv(), Ok("for us"));
    /// ```
    #[track_caller]
    pub fn subscribe<Q>(&self, key: &Q) -> Topic<K, E>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ToOwned<Owned = K> + ?Sized,
    {
        self.subscribe_with(key, EventBus::subscribe)
    }

    /// As of [`EventBus::subscribe_lossy`]: it never holds publishers back.
    ///
    /// ```
    /// let rooms = eventring::Topics::<String, &str>::new(16);
    /// assert!(rooms.subscribe_lossy("lobby").is_lossy());
    /// ```
    #[track_caller]
    pub fn subscribe_lossy<Q>(&self, key: &Q) -> Topic<K, E>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ToOwned<Owned = K> + ?Sized,
    {
        self.subscribe_with(key, EventBus::subscribe_lossy)
    }

    /// As of [`EventBus::subscribe_from`]: it starts in the past, as far as the topic keeps a
    /// [history](super::TopicsBuilder::history).
    ///
    /// ```
    /// use eventring::{Start, Topics};
    ///
    /// let builder = Topics::<String, &str>::builder().capacity(8);
    /// let rooms = builder.history(8).build().unwrap();
    /// let _first = rooms.subscribe("lobby");
    /// rooms.try_publish("lobby", "before").unwrap();
    /// assert_eq!(rooms.subscribe_from("lobby", Start::Oldest).try_recv(), Ok("before"));
    /// ```
    #[track_caller]
    pub fn subscribe_from<Q>(&self, key: &Q, start: Start) -> Topic<K, E>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ToOwned<Owned = K> + ?Sized,
    {
        self.subscribe_with(key, |bus| bus.subscribe_from(start))
    }

    /// As of [`EventBus::subscribe_lossy_from`]: it starts in the past, and never holds publishers back.
    ///
    /// ```
    /// use eventring::{Start, Topics};
    ///
    /// let builder = Topics::<String, &str>::builder().capacity(8);
    /// let rooms = builder.history(8).build().unwrap();
    /// let _first = rooms.subscribe("lobby");
    /// rooms.try_publish("lobby", "before").unwrap();
    /// assert_eq!(rooms.subscribe_lossy_from("lobby", Start::Last(1)).try_recv(), Ok("before"));
    /// ```
    #[track_caller]
    pub fn subscribe_lossy_from<Q>(&self, key: &Q, start: Start) -> Topic<K, E>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ToOwned<Owned = K> + ?Sized,
    {
        self.subscribe_with(key, |bus| bus.subscribe_lossy_from(start))
    }

    /// What the closure makes of the topic's bus, as a [`Topic`]: a receiver of any kind, or several. The topic
    /// is in use from before the closure is called until what it has made is dropped.
    ///
    /// ```
    /// use eventring::{Topics, WaitStrategy};
    ///
    /// let builder = Topics::<String, &str>::builder().capacity(8);
    /// let rooms = builder.strategy(WaitStrategy::Block).build().unwrap();
    /// let mut sink = rooms.subscribe_with("lobby", |bus| bus.receiver().committing().name("sink").build());
    /// rooms.try_publish("lobby", "event").unwrap();
    /// assert_eq!(sink.try_recv(), Ok("event"));
    /// sink.commit_all();
    /// ```
    #[track_caller]
    pub fn subscribe_with<Q, R>(
        &self,
        key: &Q,
        subscribe: impl FnOnce(&EventBus<E>) -> R,
    ) -> Topic<K, E, R>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ToOwned<Owned = K> + ?Sized,
    {
        let hash = self.hash(key);
        let entry = match self.map.join(hash, key) {
            Some(entry) => entry,
            None => self.map.open(hash, key),
        };
        Topic::new(Lease::new(&self.map, entry), subscribe)
    }
}

impl<K, E> Topic<K, E, Receiver<E>> {
    /// As [`Receiver::resubscribe`]: of the same topic, from the next event on.
    ///
    /// ```
    /// let rooms = eventring::Topics::<String, &str>::new(16);
    /// let behind = rooms.subscribe("lobby");
    /// rooms.try_publish("lobby", "event").unwrap();
    /// assert_eq!(behind.resubscribe().len(), 0);
    /// ```
    #[must_use = "a receiver may hold publishers back"]
    pub fn resubscribe(&self) -> Self {
        self.beside(Receiver::resubscribe)
    }
}
