//! Building topics.

use super::Topics;
use super::idle::Linger;
use super::map::Map;
use crate::bus::{Builder, EventBus};
use crate::error::BuildError;
use crate::strategy::WaitStrategy;
use crate::sync::Arc;
use std::fmt;
use std::hash::RandomState;
use std::time::Duration;

impl<K, E> Topics<K, E> {
    /// Builds topics, with what is to be chosen for their buses.
    ///
    /// ```
    /// use eventring::{Topics, WaitStrategy};
    ///
    /// let rooms: Topics<String, String> = Topics::builder()
    ///     .capacity(64)
    ///     .strategy(WaitStrategy::Block)
    ///     .build()?;
    /// # Ok::<(), eventring::BuildError>(())
    /// ```
    pub fn builder() -> TopicsBuilder<K, E> {
        TopicsBuilder {
            bus: EventBus::builder(),
            all: EventBus::builder(),
            linger: Duration::ZERO,
            hasher: RandomState::new(),
        }
    }
}

/// Builds [`Topics`]: see [`Topics::builder`].
///
/// ```
/// use eventring::{BuildError, Topics};
///
/// let error = Topics::<u32, &str>::builder().capacity(0).build().unwrap_err();
/// assert_eq!(error, BuildError::ZeroCapacity);
/// ```
#[must_use = "a builder does nothing until `build`"]
pub struct TopicsBuilder<K, E, S = RandomState> {
    bus: Builder<E>,
    all: Builder<(K, E)>,
    linger: Duration,
    hasher: S,
}

impl<K, E, S> TopicsBuilder<K, E, S> {
    /// How many unread events each topic's bus holds: see [`Builder::capacity`].
    ///
    /// ```
    /// let rooms = eventring::Topics::<u32, &str>::builder().capacity(3).build().unwrap();
    /// let _room = rooms.subscribe(&1);
    /// assert_eq!(rooms.get(&1).unwrap().capacity(), 3);
    /// ```
    pub fn capacity(mut self, capacity: usize) -> Self {
        self.bus = self.bus.capacity(capacity);
        self
    }

    /// What publishers do about slow receivers: see [`Builder::strategy`].
    ///
    /// ```
    /// use eventring::{Topics, TryPublishError, WaitStrategy};
    ///
    /// let builder = Topics::<u32, &str>::builder().capacity(1);
    /// let rooms = builder.strategy(WaitStrategy::Block).build().unwrap();
    /// let _room = rooms.subscribe(&1);
    /// assert_eq!(rooms.try_publish(&1, "a"), Ok(Some(0)));
    /// assert_eq!(rooms.try_publish(&1, "b"), Err(TryPublishError::Full("b")));
    /// ```
    pub fn strategy(mut self, strategy: WaitStrategy) -> Self {
        self.bus = self.bus.strategy(strategy);
        self.all = self.all.strategy(strategy);
        self
    }

    /// How many of the newest events are kept for those who come later: see [`Builder::history`].
    ///
    /// ```
    /// use eventring::{Start, Topics};
    ///
    /// let builder = Topics::<u32, &str>::builder().capacity(8);
    /// let rooms = builder.history(1).build().unwrap();
    /// let _first = rooms.subscribe(&1);
    /// rooms.try_publish(&1, "before").unwrap();
    /// assert_eq!(rooms.subscribe_from(&1, Start::Last(1)).try_recv(), Ok("before"));
    /// ```
    pub fn history(mut self, events: usize) -> Self {
        self.bus = self.bus.history(events);
        self
    }

    /// How many events those hold that receive [all](Topics::all) of them: see [`Builder::capacity`].
    /// Default: 1024.
    ///
    /// ```
    /// let builder = eventring::Topics::<u32, &str>::builder().all_capacity(64);
    /// let rooms = builder.build().unwrap();
    /// assert_eq!(rooms.all_with(|bus| bus.capacity()), 64);
    /// ```
    pub fn all_capacity(mut self, capacity: usize) -> Self {
        self.all = self.all.capacity(capacity);
        self
    }

    /// How long a topic stays when its last receiver goes: who comes within this time finds the same one, with its
    /// history, to which events are published meanwhile. Default: not at all.
    ///
    /// No timer runs: who comes later finds another topic, but it takes memory, and counts in
    /// [`len`](Topics::len), until others are subscribed to or left, or [`Topics::sweep`] is called. Each of
    /// the former takes at most two out; where neither happens often, sweep now and then. This is the only
    /// thing here that reads a clock.
    ///
    /// ```
    /// use eventring::{Start, Topics};
    /// use std::time::Duration;
    ///
    /// let builder = Topics::<u32, &str>::builder().capacity(8).history(8);
    /// let rooms = builder.linger(Duration::from_secs(60)).build().unwrap();
    /// drop(rooms.subscribe(&1));
    /// assert_eq!(rooms.try_publish(&1, "is anybody there?"), Ok(Some(0)));
    /// assert_eq!(rooms.subscribe_from(&1, Start::Oldest).try_recv(), Ok("is anybody there?"));
    /// ```
    pub fn linger(mut self, time: Duration) -> Self {
        self.linger = time;
        self
    }

    /// Hashes keys. Default: `std`'s [`RandomState`], which nobody can make collide on purpose. Where keys do
    /// not come from others, a faster one saves some of the time that a key takes.
    ///
    /// ```
    /// use std::hash::{BuildHasherDefault, DefaultHasher};
    ///
    /// type Hashing = BuildHasherDefault<DefaultHasher>;
    /// let builder = eventring::Topics::<u32, &str>::builder();
    /// let rooms = builder.hasher(Hashing::default()).build().unwrap();
    /// assert_eq!(rooms.try_publish(&1, "event"), Ok(None));
    /// ```
    pub fn hasher<H>(self, hasher: H) -> TopicsBuilder<K, E, H> {
        TopicsBuilder {
            bus: self.bus,
            all: self.all,
            linger: self.linger,
            hasher,
        }
    }

    /// The topics.
    ///
    /// # Errors
    ///
    /// As [`Builder::build`]. (If later there is no memory for a topic's bus, subscribing panics.)
    ///
    /// ```
    /// use eventring::{BuildError, Topics};
    ///
    /// let builder = Topics::<u32, &str>::builder().capacity(8).history(9);
    /// let error = builder.build().unwrap_err();
    /// assert_eq!(error, BuildError::HistoryTooLarge { history: 9, capacity: 8 });
    /// ```
    pub fn build(self) -> Result<Topics<K, E, S>, BuildError> {
        drop(self.bus.clone().build()?);
        drop(self.all.clone().build()?);
        let linger = (!self.linger.is_zero()).then(|| Linger::new(self.linger));
        Ok(Topics {
            map: Arc::new(Map::new(self.bus, self.all, linger)),
            hasher: self.hasher,
        })
    }
}

impl<K, E, S> fmt::Debug for TopicsBuilder<K, E, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TopicsBuilder")
            .field("bus", &self.bus)
            .field("all", &self.all)
            .field("linger", &self.linger)
            .finish_non_exhaustive()
    }
}
