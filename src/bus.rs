//! The publishing side: handles and futures, thin over the ring.

use crate::cursor::Kind;
use crate::error::{BuildError, PublishError, TryPublishError};
use crate::notifier::Notifier;
use crate::receiver::Receiver;
use crate::ring::{Refusal, Ring};
use crate::strategy::{Start, WaitStrategy};
use crate::subscription::Subscription;
use crate::sync::Arc;
use crate::wait::{Wait, Waiting, block, waiting_future};
use std::collections::VecDeque;
use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

/// A broadcast channel: every receiver gets every event.
///
/// Clones are handles of the same bus; dropping the last one closes it. See the
/// [crate documentation](crate) for what is guaranteed.
///
/// ```
/// use eventring::EventBus;
///
/// # tokio_test::block_on(async {
/// let bus = EventBus::new(1024);
/// let mut receiver = bus.subscribe();
/// bus.publish("hello").await.unwrap();
/// assert_eq!(receiver.recv().await, Ok("hello"));
/// # });
/// ```
pub struct EventBus<E> {
    ring: Arc<Ring<E>>,
    strategy: WaitStrategy,
}

impl<E> EventBus<E> {
    /// A bus that holds `capacity` unread events, with [`WaitStrategy::Overwrite`].
    ///
    /// # Panics
    ///
    /// Where [`Builder::build`] gives an error: if the capacity is 0 or cannot be allocated.
    ///
    /// ```
    /// let bus = eventring::EventBus::<u32>::new(16);
    /// assert_eq!(bus.capacity(), 16);
    /// ```
    #[track_caller]
    pub fn new(capacity: usize) -> Self {
        Self::with_strategy(capacity, WaitStrategy::Overwrite)
    }

    /// A bus that holds `capacity` unread events, with the given strategy.
    ///
    /// # Panics
    ///
    /// As [`new`](Self::new).
    ///
    /// ```
    /// use eventring::{EventBus, WaitStrategy};
    ///
    /// let bus = EventBus::<u32>::with_strategy(16, WaitStrategy::Block);
    /// assert_eq!(bus.strategy(), WaitStrategy::Block);
    /// ```
    #[track_caller]
    pub fn with_strategy(capacity: usize, strategy: WaitStrategy) -> Self {
        match Self::builder()
            .capacity(capacity)
            .strategy(strategy)
            .build()
        {
            Ok(bus) => bus,
            Err(error) => panic!("{error}"),
        }
    }

    /// Builds a bus with a history, or from a configuration that may be wrong.
    ///
    /// ```
    /// use eventring::{EventBus, WaitStrategy};
    ///
    /// let bus: EventBus<String> = EventBus::builder()
    ///     .capacity(1024)
    ///     .strategy(WaitStrategy::Block)
    ///     .history(100)
    ///     .build()?;
    /// # Ok::<(), eventring::BuildError>(())
    /// ```
    pub fn builder() -> Builder<E> {
        Builder {
            capacity: 1024,
            strategy: WaitStrategy::default(),
            history: 0,
            event: PhantomData,
        }
    }

    /// Publishes an event and resolves to its sequence number, once there is room for it. With no
    /// receivers it succeeds, and the event is gone (unless the bus keeps a history).
    ///
    /// With [`Block`](WaitStrategy::Block) it waits for the gating receivers. With the other
    /// strategies it resolves at its first poll.
    ///
    /// # Errors
    ///
    /// [`PublishError::Closed`] if the bus is closed, also while waiting;
    /// [`PublishError::Dropped`] if the ring is full and the strategy is
    /// [`DropNewest`](WaitStrategy::DropNewest). Both hand the event back.
    ///
    /// # Cancel safety
    ///
    /// Dropped before it has resolved, nothing was published, and the event is dropped. So any
    /// timeout may be put around it; [`publish_many`](Self::publish_many) keeps its events.
    ///
    /// ```
    /// # tokio_test::block_on(async {
    /// let bus = eventring::EventBus::new(16);
    /// assert_eq!(bus.publish("first").await, Ok(0));
    /// assert_eq!(bus.publish("second").await, Ok(1));
    /// # });
    /// ```
    pub fn publish(&self, event: E) -> Publish<'_, E> {
        Publish(Waiting::new(Publishing {
            bus: self,
            event: Some(event),
        }))
    }

    /// Publishes an event if there is room, whatever the strategy, and returns its sequence number.
    ///
    /// # Errors
    ///
    /// [`TryPublishError::Full`] if a gating receiver still needs the slot that is next (not
    /// counted in [`stats`](Self::stats), since nothing was lost), [`TryPublishError::Closed`] if
    /// the bus is closed. Both hand the event back.
    ///
    /// ```
    /// use eventring::{EventBus, TryPublishError, WaitStrategy};
    ///
    /// let bus = EventBus::with_strategy(1, WaitStrategy::Block);
    /// let _receiver = bus.subscribe();
    /// assert_eq!(bus.try_publish('a'), Ok(0));
    /// assert_eq!(bus.try_publish('b'), Err(TryPublishError::Full('b')));
    /// ```
    #[inline]
    pub fn try_publish(&self, event: E) -> Result<u64, TryPublishError<E>> {
        match self.ring.sequencer.claim(1, false) {
            Ok(claim) => Ok(self.ring.fill(&claim, event)),
            Err(Refusal::Full) => Err(TryPublishError::Full(event)),
            Err(Refusal::Closed) => Err(TryPublishError::Closed(event)),
        }
    }

    /// As [`publish`](Self::publish), blocking the thread instead of the task.
    ///
    /// # Errors
    ///
    /// As [`publish`](Self::publish).
    ///
    /// ```
    /// let bus = eventring::EventBus::new(16);
    /// assert_eq!(bus.publish_blocking("first"), Ok(0));
    /// ```
    pub fn publish_blocking(&self, event: E) -> Result<u64, PublishError<E>> {
        let mut publishing = Publishing {
            bus: self,
            event: Some(event),
        };
        block(&mut publishing, None).expect("waits without a deadline")
    }

    /// As [`publish_blocking`](Self::publish_blocking), waiting for room for at most `timeout`.
    ///
    /// # Errors
    ///
    /// [`TryPublishError::Full`] if there was no room in time (with
    /// [`DropNewest`](WaitStrategy::DropNewest): at once, and counted as dropped),
    /// [`TryPublishError::Closed`] if the bus is closed. Both hand the event back.
    ///
    /// ```
    /// use eventring::{EventBus, TryPublishError, WaitStrategy};
    /// use std::time::Duration;
    ///
    /// let bus = EventBus::with_strategy(1, WaitStrategy::Block);
    /// let _receiver = bus.subscribe();
    /// let timeout = Duration::from_millis(1);
    /// assert_eq!(bus.publish_timeout('a', timeout), Ok(0));
    /// assert_eq!(bus.publish_timeout('b', timeout), Err(TryPublishError::Full('b')));
    /// ```
    pub fn publish_timeout(&self, event: E, timeout: Duration) -> Result<u64, TryPublishError<E>> {
        let mut publishing = Publishing {
            bus: self,
            event: Some(event),
        };
        match block(&mut publishing, Instant::now().checked_add(timeout)) {
            Some(Ok(sequence)) => Ok(sequence),
            Some(Err(PublishError::Closed(event))) => Err(TryPublishError::Closed(event)),
            Some(Err(PublishError::Dropped(event))) => Err(TryPublishError::Full(event)),
            None => Err(TryPublishError::Full(publishing.take())),
        }
    }

    /// Publishes all events of the vector, in order, in as few runs as there is room for: each run
    /// is claimed at once, so that no other publisher's events come in between.
    ///
    /// With [`Block`](WaitStrategy::Block) it waits for room as often as it takes.
    ///
    /// # Errors
    ///
    /// As [`publish`](Self::publish). What was not published is in the vector, in order; with
    /// [`DropNewest`](WaitStrategy::DropNewest) it is counted as dropped.
    ///
    /// # Cancel safety
    ///
    /// Dropped before it has resolved, what was not published is in the vector, in order. (While
    /// it waits, the vector is empty: a future that is *forgotten* keeps the rest.)
    ///
    /// ```
    /// # tokio_test::block_on(async {
    /// let bus = eventring::EventBus::new(16);
    /// let mut receiver = bus.subscribe();
    /// let mut events = vec!['a', 'b', 'c'];
    /// bus.publish_many(&mut events).await.unwrap();
    /// assert!(events.is_empty());
    /// assert_eq!(receiver.recv().await, Ok('a'));
    /// # });
    /// ```
    pub fn publish_many<'a>(&'a self, events: &'a mut Vec<E>) -> PublishMany<'a, E> {
        PublishMany(Waiting::new(PublishingMany::new(self, events)))
    }

    /// As [`publish_many`](Self::publish_many), blocking the thread instead of the task.
    ///
    /// # Errors
    ///
    /// As [`publish_many`](Self::publish_many).
    ///
    /// ```
    /// let bus = eventring::EventBus::new(16);
    /// bus.publish_many_blocking(&mut vec!['a', 'b', 'c']).unwrap();
    /// assert_eq!(bus.stats().published, 3);
    /// ```
    pub fn publish_many_blocking(&self, events: &mut Vec<E>) -> Result<(), PublishError<()>> {
        let mut publishing = PublishingMany::new(self, events);
        block(&mut publishing, None).expect("waits without a deadline")
    }

    /// Publishes as many events from the front of the vector as there is room for, and returns how
    /// many. What was not published stays in the vector, in order.
    ///
    /// # Errors
    ///
    /// [`TryPublishError::Full`] if there was no room for any, [`TryPublishError::Closed`] if the
    /// bus is closed.
    ///
    /// ```
    /// use eventring::{EventBus, WaitStrategy};
    ///
    /// let bus = EventBus::with_strategy(2, WaitStrategy::Block);
    /// let _receiver = bus.subscribe();
    /// let mut events = vec!['a', 'b', 'c'];
    /// assert_eq!(bus.try_publish_many(&mut events), Ok(2));
    /// assert_eq!(events, ['c']);
    /// ```
    pub fn try_publish_many(&self, events: &mut Vec<E>) -> Result<usize, TryPublishError<()>> {
        let before = events.len();
        let mut publishing = PublishingMany::new(self, events);
        let refusal = publishing.publish_runs(false);
        drop(publishing);
        match (before - events.len(), refusal) {
            (0, Err(Refusal::Closed)) => Err(TryPublishError::Closed(())),
            (0, Err(Refusal::Full)) => Err(TryPublishError::Full(())),
            (published, _) => Ok(published),
        }
    }

    /// A receiver of everything published from now on: gating with
    /// [`Block`](WaitStrategy::Block) and [`DropNewest`](WaitStrategy::DropNewest), lossy with
    /// [`Overwrite`](WaitStrategy::Overwrite).
    ///
    /// A gating receiver must be received from, or dropped: it holds publishers back. One that is
    /// leaked (`std::mem::forget`) holds them back for ever.
    ///
    /// ```
    /// let bus = eventring::EventBus::new(16);
    /// bus.try_publish("early").unwrap();
    /// let mut receiver = bus.subscribe();
    /// bus.try_publish("late").unwrap();
    /// assert_eq!(receiver.try_recv(), Ok("late"));
    /// ```
    pub fn subscribe(&self) -> Receiver<E> {
        self.subscribe_from(Start::Next)
    }

    /// A receiver of everything published from now on that never holds publishers back: one that
    /// falls a whole ring behind misses events, and is told how many.
    ///
    /// ```
    /// use eventring::{EventBus, TryRecvError, WaitStrategy};
    ///
    /// let bus = EventBus::with_strategy(2, WaitStrategy::Block);
    /// let mut browser = bus.subscribe_lossy();
    /// for event in 0..5 {
    ///     bus.try_publish(event).unwrap();
    /// }
    /// assert_eq!(browser.try_recv(), Err(TryRecvError::Lagged(3)));
    /// assert_eq!(browser.try_recv(), Ok(3));
    /// ```
    pub fn subscribe_lossy(&self) -> Receiver<E> {
        self.subscribe_lossy_from(Start::Next)
    }

    /// A receiver like that of [`subscribe`](Self::subscribe) that starts in the past, as far as
    /// the bus keeps a [history](Builder::history): with the snapshot and the live events in one
    /// stream, there is no gap and no duplicate in between. What is no longer kept is reported as
    /// lag by the first receive.
    ///
    /// A gating receiver holds publishers back from the present on. Until it has caught up with
    /// the moment of subscribing, it may be lapped.
    ///
    /// ```
    /// use eventring::{EventBus, Start, TryRecvError};
    ///
    /// let bus = EventBus::builder().capacity(8).history(2).build().unwrap();
    /// for event in ["a", "b", "c"] {
    ///     bus.try_publish(event).unwrap();
    /// }
    /// let mut resumed = bus.subscribe_from(Start::Sequence(0));
    /// assert_eq!(resumed.try_recv(), Err(TryRecvError::Lagged(1)));
    /// assert_eq!(resumed.try_recv(), Ok("b"));
    /// ```
    pub fn subscribe_from(&self, start: Start) -> Receiver<E> {
        let kind = match self.strategy {
            WaitStrategy::Block | WaitStrategy::DropNewest => Kind::Gating,
            WaitStrategy::Overwrite => Kind::Lossy,
        };
        self.receiver(kind, start)
    }

    /// A receiver like that of [`subscribe_lossy`](Self::subscribe_lossy) that starts in the past,
    /// as far as the bus keeps a [history](Builder::history): what is no longer kept is reported
    /// as lag, and publishers are never held back. So a page can show what just happened, and go
    /// on with what comes, beside a sink that must not lose anything.
    ///
    /// ```
    /// use eventring::{EventBus, Start, TryRecvError, WaitStrategy};
    ///
    /// let builder = EventBus::builder().capacity(2).history(2);
    /// let bus = builder.strategy(WaitStrategy::Block).build().unwrap();
    /// bus.publish_many_blocking(&mut vec!['a', 'b', 'c']).unwrap();
    /// let mut page = bus.subscribe_lossy_from(Start::Sequence(1));
    /// assert_eq!(page.try_recv(), Ok('b'));
    /// bus.publish_many_blocking(&mut vec!['d', 'e']).unwrap(); // is not held back
    /// assert_eq!(page.try_recv(), Err(TryRecvError::Lagged(1)));
    /// assert_eq!(page.try_recv(), Ok('d'));
    /// ```
    pub fn subscribe_lossy_from(&self, start: Start) -> Receiver<E> {
        self.receiver(Kind::Lossy, start)
    }

    fn receiver(&self, kind: Kind, start: Start) -> Receiver<E> {
        Receiver(Subscription::new(&self.ring, kind, start))
    }

    /// Closes the bus, for all its handles: publishing fails from now on, also for those that
    /// wait; receivers get what is in the ring, then end.
    ///
    /// ```
    /// use eventring::{EventBus, TryRecvError};
    ///
    /// let bus = EventBus::new(16);
    /// let mut receiver = bus.subscribe();
    /// bus.try_publish("last").unwrap();
    /// bus.clone().close();
    /// assert!(bus.try_publish("late").is_err());
    /// assert_eq!(receiver.try_recv(), Ok("last"));
    /// assert_eq!(receiver.try_recv(), Err(TryRecvError::Closed));
    /// ```
    pub fn close(&self) {
        self.ring.close();
    }

    /// Whether [`close`](Self::close) was called.
    ///
    /// ```
    /// let bus = eventring::EventBus::<u32>::new(16);
    /// assert!(!bus.is_closed());
    /// ```
    pub fn is_closed(&self) -> bool {
        self.ring.sequencer.tail().is_closed()
    }

    /// Resolves once every receiver that still exists has received, or missed by being lapped,
    /// everything published before this call: after [`close`](Self::close), what a graceful
    /// shutdown awaits.
    ///
    /// A receiver that nobody receives from keeps it waiting: put a timeout around it. It waits
    /// for a lossy receiver's `clone` or closure that is running (by spinning), so that it must
    /// not be polled from within one.
    ///
    /// # Cancel safety
    ///
    /// Dropping it has no effect.
    ///
    /// ```
    /// # tokio_test::block_on(async {
    /// let bus = eventring::EventBus::new(16);
    /// let mut receiver = bus.subscribe();
    /// bus.publish("last").await.unwrap();
    /// let sink = tokio::spawn(async move { while receiver.recv().await.is_ok() {} });
    /// bus.close();
    /// bus.drained().await;
    /// # sink.await.unwrap();
    /// # });
    /// ```
    pub fn drained(&self) -> Drained<'_, E> {
        Drained(Waiting::new(Draining {
            ring: &self.ring,
            target: self.ring.sequencer.tail().sequence(),
        }))
    }

    /// A handle that does not keep the bus open.
    ///
    /// ```
    /// let bus = eventring::EventBus::<u32>::new(16);
    /// let weak = bus.downgrade();
    /// assert!(weak.upgrade().is_some());
    /// drop(bus);
    /// assert!(weak.upgrade().is_none());
    /// ```
    #[must_use = "downgrading does not close anything by itself"]
    pub fn downgrade(&self) -> WeakEventBus<E> {
        WeakEventBus {
            ring: Arc::clone(&self.ring),
            strategy: self.strategy,
        }
    }

    /// How many unread events the bus holds: exactly what was asked for.
    ///
    /// ```
    /// assert_eq!(eventring::EventBus::<u32>::new(3).capacity(), 3);
    /// ```
    pub fn capacity(&self) -> usize {
        self.ring.sequencer.capacity() as usize
    }

    /// What publishers do about slow receivers.
    ///
    /// ```
    /// use eventring::{EventBus, WaitStrategy};
    ///
    /// assert_eq!(EventBus::<u32>::new(3).strategy(), WaitStrategy::Overwrite);
    /// ```
    pub fn strategy(&self) -> WaitStrategy {
        self.strategy
    }

    /// How many retained events the slowest receiver still has to receive; 0 without receivers.
    /// Looks at every receiver.
    ///
    /// ```
    /// let bus = eventring::EventBus::new(16);
    /// let _receiver = bus.subscribe();
    /// bus.try_publish("event").unwrap();
    /// assert_eq!(bus.len(), 1);
    /// ```
    pub fn len(&self) -> usize {
        self.ring.sequencer.unread() as usize
    }

    /// Whether every receiver has received everything.
    ///
    /// ```
    /// let bus = eventring::EventBus::new(16);
    /// bus.try_publish("to nobody").unwrap();
    /// assert!(bus.is_empty());
    /// ```
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many receivers there are.
    ///
    /// ```
    /// let bus = eventring::EventBus::<u32>::new(16);
    /// let receiver = bus.subscribe();
    /// let clone = receiver.clone();
    /// assert_eq!(bus.receiver_count(), 2);
    /// ```
    pub fn receiver_count(&self) -> usize {
        self.ring.sequencer.receivers()
    }

    /// Whether both are handles of the same bus.
    ///
    /// ```
    /// let bus = eventring::EventBus::<u32>::new(16);
    /// assert!(bus.same_bus(&bus.clone()));
    /// assert!(!bus.same_bus(&eventring::EventBus::new(16)));
    /// ```
    pub fn same_bus(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.ring, &other.ring)
    }

    /// What happened so far. Counting costs the hot path nothing: what is published is the tail's
    /// sequence, losses are counted where they are noticed.
    ///
    /// ```
    /// use eventring::{EventBus, PublishError, WaitStrategy};
    ///
    /// let bus = EventBus::with_strategy(1, WaitStrategy::DropNewest);
    /// let _receiver = bus.subscribe();
    /// bus.publish_blocking('a').unwrap();
    /// assert_eq!(bus.publish_blocking('b'), Err(PublishError::Dropped('b')));
    /// let stats = bus.stats();
    /// assert_eq!((stats.published, stats.dropped), (1, 1));
    /// ```
    pub fn stats(&self) -> Stats {
        let sequencer = &self.ring.sequencer;
        Stats {
            published: sequencer.tail().sequence(),
            dropped: self.ring.dropped(),
            missed: sequencer.missed(),
            receivers: sequencer.receivers(),
        }
    }
}

/// A snapshot of what a bus has counted: see [`EventBus::stats`].
///
/// ```
/// let stats = eventring::EventBus::<u32>::new(16).stats();
/// assert_eq!(stats.published, 0);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// Events published: the sequence number of the next one.
    pub published: u64,
    /// Events handed back for want of room, as [`WaitStrategy::DropNewest`] does.
    pub dropped: u64,
    /// Events missed by receivers that were lapped, summed over all receivers, as of when they
    /// were told.
    pub missed: u64,
    /// Receivers there are.
    pub receivers: usize,
}

impl<E> Clone for EventBus<E> {
    fn clone(&self) -> Self {
        self.ring.add_handle();
        Self {
            ring: Arc::clone(&self.ring),
            strategy: self.strategy,
        }
    }
}

impl<E> Drop for EventBus<E> {
    fn drop(&mut self) {
        self.ring.remove_handle();
    }
}

impl<E> fmt::Debug for EventBus<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventBus")
            .field("capacity", &self.capacity())
            .field("strategy", &self.strategy)
            .field("closed", &self.is_closed())
            .field("stats", &self.stats())
            .finish_non_exhaustive()
    }
}

/// A handle that does not keep the bus open: see [`EventBus::downgrade`].
///
/// ```
/// let bus = eventring::EventBus::<u32>::new(16);
/// let weak: eventring::WeakEventBus<u32> = bus.downgrade();
/// assert!(weak.upgrade().unwrap().same_bus(&bus));
/// ```
pub struct WeakEventBus<E> {
    ring: Arc<Ring<E>>,
    strategy: WaitStrategy,
}

impl<E> WeakEventBus<E> {
    /// A handle that does, if there still is one; one that was explicitly
    /// [closed](EventBus::close) stays closed.
    ///
    /// ```
    /// let weak = eventring::EventBus::<u32>::new(16).downgrade();
    /// assert!(weak.upgrade().is_none());
    /// ```
    #[must_use = "the upgraded handle keeps the bus open"]
    pub fn upgrade(&self) -> Option<EventBus<E>> {
        self.ring.upgrade_handle().then(|| EventBus {
            ring: Arc::clone(&self.ring),
            strategy: self.strategy,
        })
    }
}

impl<E> Clone for WeakEventBus<E> {
    fn clone(&self) -> Self {
        Self {
            ring: Arc::clone(&self.ring),
            strategy: self.strategy,
        }
    }
}

impl<E> fmt::Debug for WeakEventBus<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WeakEventBus").finish_non_exhaustive()
    }
}

/// Builds an [`EventBus`]: see [`EventBus::builder`].
///
/// ```
/// use eventring::{BuildError, EventBus};
///
/// let error = EventBus::<u32>::builder().capacity(0).build().unwrap_err();
/// assert_eq!(error, BuildError::ZeroCapacity);
/// ```
#[must_use = "a builder does nothing until `build`"]
pub struct Builder<E> {
    capacity: usize,
    strategy: WaitStrategy,
    history: usize,
    event: PhantomData<fn() -> E>,
}

impl<E> Builder<E> {
    /// How many unread events the bus holds. Default: 1024. Memory is taken for the next power of
    /// two: for each a word and an `Option<E>`, in steps of 32 bytes.
    ///
    /// ```
    /// let bus = eventring::EventBus::<u32>::builder().capacity(100).build().unwrap();
    /// assert_eq!(bus.capacity(), 100);
    /// ```
    pub fn capacity(mut self, capacity: usize) -> Self {
        self.capacity = capacity;
        self
    }

    /// What publishers do about slow receivers. Default: [`WaitStrategy::Overwrite`].
    ///
    /// ```
    /// use eventring::{EventBus, WaitStrategy};
    ///
    /// let builder = EventBus::<u32>::builder().strategy(WaitStrategy::Block);
    /// assert_eq!(builder.build().unwrap().strategy(), WaitStrategy::Block);
    /// ```
    pub fn strategy(mut self, strategy: WaitStrategy) -> Self {
        self.strategy = strategy;
        self
    }

    /// How many of the newest events are kept for [`EventBus::subscribe_from`] and
    /// [`EventBus::subscribe_lossy_from`], also when all receivers have them. Default: 0.
    ///
    /// ```
    /// use eventring::{EventBus, Start};
    ///
    /// let bus = EventBus::builder().capacity(8).history(1).build().unwrap();
    /// bus.try_publish("before").unwrap();
    /// assert_eq!(bus.subscribe_from(Start::Last(1)).try_recv(), Ok("before"));
    /// ```
    pub fn history(mut self, events: usize) -> Self {
        self.history = events;
        self
    }

    /// The bus.
    ///
    /// # Errors
    ///
    /// If the capacity is 0 or cannot be allocated, or if the history is larger than it.
    ///
    /// ```
    /// use eventring::{BuildError, EventBus};
    ///
    /// let builder = EventBus::<u32>::builder().capacity(usize::MAX);
    /// assert_eq!(builder.build().unwrap_err(), BuildError::CapacityTooLarge(usize::MAX));
    /// ```
    pub fn build(self) -> Result<EventBus<E>, BuildError> {
        let (capacity, history) = (self.capacity, self.history);
        if capacity == 0 {
            return Err(BuildError::ZeroCapacity);
        }
        if history > capacity {
            return Err(BuildError::HistoryTooLarge { history, capacity });
        }
        let ring = Ring::new(capacity, history).ok_or(BuildError::CapacityTooLarge(capacity))?;
        Ok(EventBus {
            ring: Arc::new(ring),
            strategy: self.strategy,
        })
    }
}

impl<E> fmt::Debug for Builder<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder")
            .field("capacity", &self.capacity)
            .field("strategy", &self.strategy)
            .field("history", &self.history)
            .finish()
    }
}

/// Waiting to publish one event.
struct Publishing<'a, E> {
    bus: &'a EventBus<E>,
    event: Option<E>,
}

impl<E> Publishing<'_, E> {
    fn take(&mut self) -> E {
        self.event.take().expect("polled after completion")
    }
}

impl<E> Wait for Publishing<'_, E> {
    type Output = Result<u64, PublishError<E>>;

    #[inline(always)]
    fn attempt(&mut self, listed: bool) -> Option<Self::Output> {
        let ring = &self.bus.ring;
        match ring.sequencer.claim(1, listed) {
            Ok(claim) => {
                let event = self.take();
                Some(Ok(self.bus.ring.fill(&claim, event)))
            }
            Err(Refusal::Closed) => Some(Err(PublishError::Closed(self.take()))),
            Err(Refusal::Full) if self.bus.strategy == WaitStrategy::DropNewest => {
                ring.count_dropped(1);
                Some(Err(PublishError::Dropped(self.take())))
            }
            Err(Refusal::Full) => None,
        }
    }

    fn notifier(&self, _: u64) -> &Notifier {
        self.bus.ring.sequencer.space()
    }
}

/// Waiting to publish several events. They are in the queue meanwhile, and what is left of them
/// goes back to the vector in the end, however that comes.
struct PublishingMany<'a, E> {
    bus: &'a EventBus<E>,
    vector: &'a mut Vec<E>,
    events: VecDeque<E>,
}

impl<'a, E> PublishingMany<'a, E> {
    fn new(bus: &'a EventBus<E>, vector: &'a mut Vec<E>) -> Self {
        Self {
            bus,
            events: std::mem::take(vector).into(),
            vector,
        }
    }

    /// One claim per run of slots, until nothing is left or there is no room.
    fn publish_runs(&mut self, flag: bool) -> Result<(), Refusal> {
        let ring = &self.bus.ring;
        while !self.events.is_empty() {
            let claim = ring.sequencer.claim(self.events.len() as u64, flag)?;
            ring.fill_many(&claim, &mut self.events);
        }
        Ok(())
    }
}

impl<E> Wait for PublishingMany<'_, E> {
    type Output = Result<(), PublishError<()>>;

    fn attempt(&mut self, listed: bool) -> Option<Self::Output> {
        match self.publish_runs(listed) {
            Ok(()) => Some(Ok(())),
            Err(Refusal::Closed) => Some(Err(PublishError::Closed(()))),
            Err(Refusal::Full) if self.bus.strategy == WaitStrategy::DropNewest => {
                self.bus.ring.count_dropped(self.events.len());
                Some(Err(PublishError::Dropped(())))
            }
            Err(Refusal::Full) => None,
        }
    }

    fn notifier(&self, _: u64) -> &Notifier {
        self.bus.ring.sequencer.space()
    }
}

impl<E> Drop for PublishingMany<'_, E> {
    fn drop(&mut self) {
        *self.vector = std::mem::take(&mut self.events).into();
    }
}

/// Waiting for the receivers to catch up.
struct Draining<'a, E> {
    ring: &'a Ring<E>,
    target: u64,
}

impl<E> Wait for Draining<'_, E> {
    type Output = ();

    fn attempt(&mut self, listed: bool) -> Option<()> {
        self.ring
            .sequencer
            .is_drained(self.target, listed)
            .then_some(())
    }

    fn notifier(&self, _: u64) -> &Notifier {
        self.ring.sequencer.drained()
    }
}

waiting_future! {
    /// Future of [`EventBus::publish`]: resolves to the event's sequence number. It is `Unpin`.
    ///
    /// # Panics
    ///
    /// If polled after it has resolved.
    ///
    /// # Cancel safety
    ///
    /// Dropped before it has resolved, nothing was published, and the event is dropped.
    ///
    /// ```
    /// use eventring::{EventBus, Publish, WaitStrategy};
    /// use futures::FutureExt;
    ///
    /// let bus = EventBus::with_strategy(1, WaitStrategy::Block);
    /// let mut receiver = bus.subscribe();
    /// bus.try_publish('a').unwrap();
    /// let mut waiting: Publish<'_, char> = bus.publish('b');
    /// assert_eq!((&mut waiting).now_or_never(), None);
    /// receiver.try_recv().unwrap();
    /// assert_eq!(waiting.now_or_never(), Some(Ok(1)));
    /// ```
    Publish<E>(Publishing) -> Result<u64, PublishError<E>>
}
waiting_future! {
    /// Future of [`EventBus::publish_many`]: resolves once all events are published. It is `Unpin`.
    ///
    /// # Cancel safety
    ///
    /// Dropped before it has resolved, what was not published is in the vector, in order.
    ///
    /// ```
    /// use eventring::{EventBus, WaitStrategy};
    /// use futures::FutureExt;
    ///
    /// let bus = EventBus::with_strategy(2, WaitStrategy::Block);
    /// let _receiver = bus.subscribe();
    /// let mut events = vec!['a', 'b', 'c'];
    /// let unfinished = bus.publish_many(&mut events).now_or_never();
    /// assert_eq!((unfinished, events), (None, vec!['c']));
    /// ```
    PublishMany<E>(PublishingMany) -> Result<(), PublishError<()>>
}
waiting_future! {
    /// Future of [`EventBus::drained`]: resolves to nothing. It is `Unpin`.
    ///
    /// # Cancel safety
    ///
    /// Dropping it has no effect.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// # tokio_test::block_on(async {
    /// let bus = eventring::EventBus::new(16);
    /// let stuck = bus.subscribe();
    /// bus.publish("event").await.unwrap();
    /// let in_time = tokio::time::timeout(Duration::from_millis(1), bus.drained()).await;
    /// assert!(in_time.is_err());
    /// drop(stuck);
    /// bus.drained().await;
    /// # });
    /// ```
    Drained<E>(Draining) -> ()
}
