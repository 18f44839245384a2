//! A bus for each key that is in use, and none for those that are not: [`Topics`].
//!
//! # How it is kept
//!
//! A topic is an entry of a table: its key, its bus, and how many receivers it has. The tables are sharded by
//! the key's hash, each behind a lock of its own.
//!
//! * **T1** To publish, find the entry under the shard's shared lock, unlock, and publish to its bus. If that
//!   is closed, look again: the topic may be gone, or another one may have come.
//! * **T2** To subscribe to a topic that has receivers, count one more under the shared lock; unlock, and
//!   subscribe to its bus.
//! * **T3** Otherwise make an entry, with nothing locked; then look again under the exclusive lock, and count
//!   one more in the entry found, or put the new one in. One that lingers, and whose time is not up, is no longer
//!   idle then.
//! * **T4** A receiver that goes leaves its bus, then counts itself out: the last one under the exclusive lock,
//!   where it takes the entry out of the table, so that whoever subscribes comes before that, and is
//!   counted, or finds nothing, and makes another one. Once unlocked, the bus is closed. If topics linger,
//!   it puts the entry among the idle ones of its shard instead.
//! * **T5** Closing marks each shard under its exclusive lock, so that nothing is put in after that; once
//!   unlocked, what was found there is closed. Then the tap is.
//! * **T6** To sweep, take those idle ones out of the table whose time is up, one at a time, under the
//!   exclusive lock; once unlocked, close them.
//! * **T7** While somebody receives the tap, take room in the topic, then in the tap; publish to the tap, then to the
//!   topic. To nobody, publish to the tap alone.
//!
//! The count becomes 0, and leaves it, only under the exclusive lock, so that Relaxed will do for it. What comes and
//! goes is noted for the streams of changes under it, too. No lock of a shard is held while somebody waits, while an event or a key is cloned or dropped, or a waker is woken;
//! only keys are compared under it.

mod builder;
mod changes;
mod entry;
mod idle;
mod map;
mod pattern;
mod publish;
mod stats;
mod subscribe;
mod tap;
mod topic;

pub use builder::TopicsBuilder;
pub use changes::{Change, Changes};
pub use pattern::PatternError;
pub use publish::TopicPermit;
pub use stats::TopicsStats;
pub use tap::Matching;
pub use topic::Topic;

use crate::bus::EventBus;
use crate::sync::{Arc, step};
use map::Map;
use std::borrow::Borrow;
use std::fmt;
use std::hash::{BuildHasher, Hash, RandomState};
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::time::Instant;

/// A bus for each key that is in use: rooms of a chat, symbols of a ticker, tenants, documents.
///
/// The first receiver of a key [opens](Self::subscribe) its topic, the last one to be dropped removes it. To
/// publish to a key that nobody receives costs a look into the table, and leaves nothing behind. Clones are
/// handles of the same topics; dropping the last one closes them all.
///
/// Keys are given by reference, borrowed if they can be (`&str` for `String`). While a key is hashed nothing is
/// locked; while keys are compared (`Eq`), the lock of a shard of the table is held, so that this must not use
/// the same topics. No other user code runs under it.
///
/// A topic that is opened again is another bus: its sequence numbers start anew; unless it
/// [lingers](TopicsBuilder::linger) for a while, with its history.
///
/// Besides: what comes and goes, to start and stop what feeds it ([`changes`](Self::changes)); everything in one
/// order, for an audit ([`all`](Self::all)); and of that what matches a pattern
/// ([`subscribe_matching`](Self::subscribe_matching)).
///
/// ```
/// use eventring::Topics;
///
/// # tokio_test::block_on(async {
/// let rooms: Topics<String, &str> = Topics::new(16);
/// assert_eq!(rooms.publish("lobby", "anybody?").await, Ok(None));
///
/// let mut lobby = rooms.subscribe("lobby");
/// assert_eq!(rooms.publish("lobby", "hello").await, Ok(Some(0)));
/// assert_eq!(lobby.key(), "lobby");
/// assert_eq!(lobby.recv().await, Some("hello"));
///
/// drop(lobby);
/// assert_eq!(rooms.len(), 0);
/// # });
/// ```
pub struct Topics<K, E, S = RandomState> {
    map: Arc<Map<K, E>>,
    hasher: S,
}

impl<K, E> Topics<K, E> {
    /// Topics whose buses hold `capacity` unread events each, with
    /// [`WaitStrategy::Overwrite`](crate::WaitStrategy::Overwrite).
    ///
    /// # Panics
    ///
    /// As [`EventBus::new`].
    ///
    /// ```
    /// let prices = eventring::Topics::<u32, f64>::new(16);
    /// assert!(prices.is_empty());
    /// ```
    #[track_caller]
    pub fn new(capacity: usize) -> Self {
        match Self::builder().capacity(capacity).build() {
            Ok(topics) => topics,
            Err(error) => panic!("{error}"),
        }
    }
}

impl<K, E, S: BuildHasher> Topics<K, E, S> {
    /// A handle of the topic's bus, if the topic is in use: for all that a bus can do.
    ///
    /// The handle does not keep the topic: when the last [`Topic`] is dropped, the bus is closed, also for those
    /// who have subscribed to it by such a handle. Closing it ends the topic for those who receive it; it stays
    /// closed until they are gone.
    ///
    /// ```
    /// let rooms = eventring::Topics::<String, &str>::new(16);
    /// assert!(rooms.get("lobby").is_none());
    /// let lobby = rooms.subscribe("lobby");
    /// let bus = rooms.get("lobby").unwrap();
    /// assert_eq!(bus.receiver_count(), 1);
    /// drop(lobby);
    /// assert!(bus.is_closed());
    /// ```
    pub fn get<Q>(&self, key: &Q) -> Option<EventBus<E>>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let entry = self.map.get(self.hash(key), key)?;
        Some(entry.bus.clone())
    }

    fn hash<Q: Hash + ?Sized>(&self, key: &Q) -> u64 {
        self.hasher.hash_one(key)
    }
}

impl<K, E, S> Topics<K, E, S> {
    /// How many topics there are.
    ///
    /// ```
    /// let rooms = eventring::Topics::<String, &str>::new(16);
    /// let [_a, _b] = ["lobby", "kitchen"].map(|key| rooms.subscribe(key));
    /// assert_eq!(rooms.len(), 2);
    /// ```
    pub fn len(&self) -> usize {
        self.map.len()
    }

    /// Whether there is none.
    ///
    /// ```
    /// assert!(eventring::Topics::<u32, &str>::new(16).is_empty());
    /// ```
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The keys of all topics there are, in no order. What comes or goes meanwhile may be among them or not.
    ///
    /// ```
    /// let rooms = eventring::Topics::<String, &str>::new(16);
    /// let _lobby = rooms.subscribe("lobby");
    /// assert_eq!(rooms.keys(), ["lobby"]);
    /// ```
    pub fn keys(&self) -> Vec<K>
    where
        K: Clone,
    {
        let mut keys = Vec::new();
        self.for_each(|key, _| keys.push(key.clone()));
        keys
    }

    /// Calls the closure for each topic there is, with nothing locked: it may use the topics. What comes or
    /// goes meanwhile may be among them or not.
    ///
    /// ```
    /// let rooms = eventring::Topics::<String, &str>::new(16);
    /// let _guests = [rooms.subscribe("lobby"), rooms.subscribe("lobby")];
    /// rooms.for_each(|room, bus| assert_eq!((room.as_str(), bus.receiver_count()), ("lobby", 2)));
    /// ```
    pub fn for_each(&self, mut call: impl FnMut(&K, &EventBus<E>)) {
        self.map.for_each(|entry| call(&entry.key, &entry.bus));
    }

    /// Lets go of all topics without receivers that have [lingered](TopicsBuilder::linger) long enough.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// let builder = eventring::Topics::<u32, &str>::builder();
    /// let rooms = builder.linger(Duration::from_secs(60)).build().unwrap();
    /// drop(rooms.subscribe(&1));
    /// rooms.sweep();
    /// assert_eq!(rooms.len(), 1);
    /// ```
    pub fn sweep(&self) {
        self.map.sweep(None);
    }

    /// As [`sweep`](Self::sweep), as if it were that time already, or still.
    ///
    /// ```
    /// use std::time::{Duration, Instant};
    ///
    /// let builder = eventring::Topics::<u32, &str>::builder();
    /// let rooms = builder.linger(Duration::from_secs(60)).build().unwrap();
    /// drop(rooms.subscribe(&1));
    /// rooms.sweep_at(Instant::now() + Duration::from_secs(60));
    /// assert!(rooms.is_empty());
    /// ```
    pub fn sweep_at(&self, time: Instant) {
        self.map.sweep(Some(time));
    }

    /// Closes all topics, for all handles: publishing fails from now on, receivers get what is there, then
    /// end, as do those who come later.
    ///
    /// ```
    /// use eventring::{Topics, TryPublishError, TryRecvError};
    ///
    /// let rooms = Topics::<String, &str>::new(16);
    /// let mut lobby = rooms.subscribe("lobby");
    /// rooms.try_publish("lobby", "last").unwrap();
    /// rooms.close();
    /// assert_eq!(rooms.try_publish("lobby", "late"), Err(TryPublishError::Closed("late")));
    /// assert_eq!(lobby.try_recv(), Ok("last"));
    /// assert_eq!(lobby.try_recv(), Err(TryRecvError::Closed));
    /// assert_eq!(rooms.subscribe("lobby").try_recv(), Err(TryRecvError::Closed));
    /// ```
    pub fn close(&self) {
        self.map.close();
    }
}

impl<K, E, S: Clone> Clone for Topics<K, E, S> {
    fn clone(&self) -> Self {
        let hasher = self.hasher.clone();
        self.map.handles.add();
        Self {
            map: Arc::clone(&self.map),
            hasher,
        }
    }
}

impl<K, E, S> Drop for Topics<K, E, S> {
    fn drop(&mut self) {
        if self.map.handles.remove() && step("last-handle") {
            self.map.close();
        }
    }
}

impl<K, E, S> fmt::Debug for Topics<K, E, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Topics")
            .field("stats", &self.stats())
            .finish_non_exhaustive()
    }
}

// As a bus.
impl<K, E, S> UnwindSafe for Topics<K, E, S> {}
impl<K, E, S> RefUnwindSafe for Topics<K, E, S> {}
