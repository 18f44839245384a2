//! Telling which topics come and go.
//!
//! What changes is put into the queue of each stream while the shard is locked: so changes of one key are told in
//! their order. Keys are cloned when they are told, wakers are woken once the shard is unlocked.

use super::Topics;
use super::entry::Entry;
use super::map::Map;
use crate::sync::{Arc, AtomicBool, Mutex, Ordering, lock, step};
use crate::wait::{List, Notifier, Wait, Waiter, wake_gathered};
use futures_core::{FusedStream, Stream};
use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

impl<K, E, S> Topics<K, E, S> {
    /// A stream of the topics that come and go, in which what feeds them is started and stopped. It begins with
    /// those that there are, and ends when the topics are closed.
    ///
    /// Of each key, openings and vacancies come in turns, in their order. A topic that came and went between
    /// two polls is not told at all; one that went and came again is told as both, being another one. So what
    /// nobody polls is bounded: by the topics that there are, and those that were told and are gone.
    ///
    /// A topic that [lingers](super::TopicsBuilder::linger) is vacated when it goes.
    ///
    /// ```
    /// use eventring::{Topics, topics::Change};
    /// use futures::StreamExt;
    ///
    /// # tokio_test::block_on(async {
    /// let rooms = Topics::<String, &str>::new(16);
    /// let mut changes = rooms.changes();
    /// let lobby = rooms.subscribe("lobby");
    /// assert_eq!(changes.next().await, Some(Change::Opened("lobby".to_owned())));
    /// drop((lobby, rooms.subscribe("kitchen")));
    /// assert_eq!(changes.next().await, Some(Change::Vacated("lobby".to_owned())));
    /// # });
    /// ```
    pub fn changes(&self) -> Changes<K, E> {
        Changes {
            feed: self.map.feed(),
            map: Arc::clone(&self.map),
            waiter: Waiter::default(),
            ended: false,
        }
    }
}

/// What became of a key: see [`Topics::changes`].
///
/// ```
/// use eventring::topics::Change;
///
/// let (Change::Opened(key) | Change::Vacated(key)) = Change::Opened("lobby");
/// assert_eq!(key, "lobby");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Change<K> {
    /// Its first receiver has come.
    Opened(K),
    /// The topic is gone.
    Vacated(K),
}

/// The stream of [`Topics::changes`]. Dropped, it leaves nothing behind.
///
/// # Cancel safety
///
/// What was not polled out of it is told by the next poll.
///
/// ```
/// use eventring::{Topics, topics::Changes};
/// use futures::{FutureExt, StreamExt};
///
/// let rooms = Topics::<u32, &str>::new(16);
/// let mut changes: Changes<u32, &str> = rooms.changes();
/// assert_eq!(changes.next().now_or_never(), None);
/// rooms.close();
/// assert_eq!(changes.next().now_or_never(), Some(None));
/// ```
#[must_use = "streams do nothing unless polled"]
pub struct Changes<K, E> {
    feed: Arc<Feed<K, E>>,
    map: Arc<Map<K, E>>,
    waiter: Waiter,
    ended: bool,
}

impl<K: Clone, E> Stream for Changes<K, E> {
    type Item = Change<K>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Change<K>>> {
        let Self {
            feed,
            waiter,
            ended,
            ..
        } = &mut *self;
        let next = ready!(waiter.poll(cx, &mut Next(feed)));
        *ended = next.is_none();
        Poll::Ready(next.map(|(kind, entry)| match kind {
            Kind::Opened => Change::Opened(entry.key.clone()),
            Kind::Vacated => Change::Vacated(entry.key.clone()),
        }))
    }
}

impl<K: Clone, E> FusedStream for Changes<K, E> {
    fn is_terminated(&self) -> bool {
        self.ended
    }
}

impl<K, E> Drop for Changes<K, E> {
    fn drop(&mut self) {
        self.waiter.leave(&Next(&self.feed));
        self.map.leave_feed(&self.feed);
    }
}

// As topics.
impl<K, E> UnwindSafe for Changes<K, E> {}
impl<K, E> RefUnwindSafe for Changes<K, E> {}

impl<K, E> fmt::Debug for Changes<K, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Changes").finish_non_exhaustive()
    }
}

/// Waiting for the next change.
struct Next<'a, K, E>(&'a Feed<K, E>);

impl<K, E> Wait for Next<'_, K, E> {
    type Output = Option<(Kind, Arc<Entry<K, E>>)>;

    fn attempt(&mut self, _: bool) -> Option<Self::Output> {
        let mut queue = lock(&self.0.queue);
        match queue.pop() {
            None if queue.closed => Some(None),
            next => next.map(Some),
        }
    }

    fn list(&self, _: u64) -> List<'_> {
        List::All(&self.0.waiting)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Opened,
    Vacated,
}

/// What a stream has still to tell.
#[derive(Debug)]
pub(super) struct Feed<K, E> {
    queue: Mutex<Queue<K, E>>,
    waiting: Notifier,
}

/// Locked while the shard of what changes is.
#[derive(Debug)]
struct Queue<K, E> {
    /// By their numbers.
    changes: BTreeMap<u64, (Kind, Arc<Entry<K, E>>)>,
    /// The numbers of openings, by where the entry is.
    openings: HashMap<usize, u64>,
    noted: u64,
    /// How many shards were looked at when it began: what changes in the others is seen there.
    shards: usize,
    closed: bool,
}

impl<K, E> Queue<K, E> {
    fn push(&mut self, kind: Kind, entry: &Arc<Entry<K, E>>) {
        if kind == Kind::Opened {
            self.openings.insert(address(entry), self.noted);
        }
        self.changes.insert(self.noted, (kind, Arc::clone(entry)));
        self.noted += 1;
    }

    fn note(&mut self, kind: Kind, entry: &Arc<Entry<K, E>>) {
        let untold = match kind {
            Kind::Vacated => self.openings.remove(&address(entry)),
            Kind::Opened => None,
        };
        match untold {
            // Who vacates it has it still: nothing goes with this.
            Some(number) => drop(self.changes.remove(&number)),
            None => self.push(kind, entry),
        }
    }

    fn pop(&mut self) -> Option<(Kind, Arc<Entry<K, E>>)> {
        let (_, (kind, entry)) = self.changes.pop_first()?;
        if kind == Kind::Opened {
            self.openings.remove(&address(&entry));
        }
        Some((kind, entry))
    }
}

fn address<K, E>(entry: &Arc<Entry<K, E>>) -> usize {
    &raw const **entry as usize
}

impl<K, E> Feed<K, E> {
    fn new() -> Self {
        Self {
            queue: Mutex::new(Queue {
                changes: BTreeMap::new(),
                openings: HashMap::new(),
                noted: 0,
                shards: 0,
                closed: false,
            }),
            waiting: Notifier::new(),
        }
    }

    /// What there is in the next shard, which is locked. Who closes them all after it was finds the feed.
    pub(super) fn see_shard<'a>(
        &self,
        entries: impl Iterator<Item = &'a Arc<Entry<K, E>>>,
        closed: bool,
    ) where
        K: 'a,
        E: 'a,
    {
        let mut queue = lock(&self.queue);
        queue.shards += 1;
        queue.closed |= closed;
        entries.for_each(|entry| queue.push(Kind::Opened, entry));
    }
}

/// Those of all streams.
#[derive(Debug)]
pub(super) struct Feeds<K, E> {
    /// Whether there are any. Who changes a shard that one has seen comes after that in the shard's lock, which says
    /// so too: Relaxed.
    any: AtomicBool,
    feeds: Mutex<Vec<Arc<Feed<K, E>>>>,
}

impl<K, E> Feeds<K, E> {
    pub(super) fn new() -> Self {
        Self {
            any: AtomicBool::new(false),
            feeds: Mutex::new(Vec::new()),
        }
    }

    /// One more, which is told of changes before it looks at what there is.
    pub(super) fn add(&self, see: impl FnOnce(&Feed<K, E>)) -> Arc<Feed<K, E>> {
        let feed = Arc::new(Feed::new());
        let mut feeds = lock(&self.feeds);
        feeds.push(Arc::clone(&feed));
        self.any.store(true, Ordering::Relaxed);
        drop(feeds);
        see(&feed);
        feed
    }

    pub(super) fn remove(&self, feed: &Arc<Feed<K, E>>) {
        let mut feeds = lock(&self.feeds);
        feeds.retain(|other| !Arc::ptr_eq(other, feed));
        self.any.store(!feeds.is_empty(), Ordering::Relaxed);
    }

    /// The shard is locked. The caller owes a [`wake`](Self::wake) once it is not.
    pub(super) fn note(&self, kind: Kind, shard: usize, entry: &Arc<Entry<K, E>>) {
        if self.any.load(Ordering::Relaxed) {
            for feed in &*lock(&self.feeds) {
                let mut queue = lock(&feed.queue);
                let seen = shard < queue.shards || !step("seen-shards");
                if seen && !queue.closed {
                    queue.note(kind, entry);
                }
            }
        }
    }

    pub(super) fn wake(&self) {
        if self.any.load(Ordering::Relaxed) && step("wake-changes") {
            for feed in &*lock(&self.feeds) {
                feed.waiting.gather();
            }
            wake_gathered();
        }
    }

    /// No more is noted.
    pub(super) fn close(&self) {
        for feed in &*lock(&self.feeds) {
            lock(&feed.queue).closed = true;
        }
        self.wake();
    }
}
