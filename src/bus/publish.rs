//! Publishing: at once, or once there is room.

use super::EventBus;
use crate::coop::poll_within;
use crate::error::{PublishError, TryPublishError};
use crate::ring::{Batch, Claim, Place, Refusal, Wants};
use crate::strategy::WaitStrategy;
use crate::wait::waiting_future;
#[cfg(any(not(target_family = "wasm"), target_feature = "atomics"))]
use crate::wait::{Limit, block_on};
use std::fmt;
use std::future::Future;
#[cfg(any(not(target_family = "wasm"), target_feature = "atomics"))]
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
#[cfg(any(not(target_family = "wasm"), target_feature = "atomics"))]
use std::time::Duration;

impl<E> EventBus<E> {
    /// Publishes an event and resolves to its sequence number, once there is room for it. With no
    /// receivers it succeeds, and the event is gone (unless the bus keeps a history).
    ///
    /// With [`Block`](WaitStrategy::Block) it waits for the gating receivers, and is served in turn:
    /// room is given to those who wait in the order in which they came. With the other
    /// strategies it resolves at once, but that it takes part in the task's cooperative budget: a
    /// task that does nothing but publish lets others run now and then. A task that reads from this bus
    /// too must not wait for room without reading: it would wait for itself (the
    /// [cookbook](crate::docs::cookbook#a-task-that-publishes-to-the-bus-that-it-reads-from) shows how).
    ///
    /// # Errors
    ///
    /// [`PublishError::Closed`] if the bus is closed, also while waiting;
    /// [`PublishError::Dropped`] if the ring is full and the strategy is
    /// [`DropNewest`](WaitStrategy::DropNewest). Both hand the event back.
    ///
    /// # Cancel safety
    ///
    /// Dropped before it has resolved, nothing was published, and the event is dropped; its turn goes
    /// to the next one. So any timeout may be put around it;
    /// [`publish_many`](Self::publish_many) keeps its events. (One that is *forgotten* while it waits
    /// keeps its turn, and the place that it is given, for ever.)
    ///
    /// ```
    /// # tokio_test::block_on(async {
    /// let bus = eventring::EventBus::new(16);
    /// assert_eq!(bus.publish("first").await, Ok(0));
    /// assert_eq!(bus.publish("second").await, Ok(1));
    /// # });
    /// ```
    pub fn publish(&self, event: E) -> Publish<'_, E> {
        Publish {
            bus: self,
            unpublished: Unpublished::new(Some(event)),
        }
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
        match self.ring.sequencer.claim(1) {
            Ok(claim) => Ok(self.ring.fill(&claim, &mut Some(event))),
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
    #[cfg(any(not(target_family = "wasm"), target_feature = "atomics"))]
    pub fn publish_blocking(&self, event: E) -> Result<u64, PublishError<E>> {
        self.publish(event)
            .block(&mut Limit::Unlimited)
            .expect("waits without a deadline")
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
    #[cfg(any(not(target_family = "wasm"), target_feature = "atomics"))]
    pub fn publish_timeout(&self, event: E, timeout: Duration) -> Result<u64, TryPublishError<E>> {
        let mut publish = self.publish(event);
        match publish.block(&mut Limit::Timeout(timeout)) {
            Some(Ok(sequence)) => Ok(sequence),
            Some(Err(PublishError::Closed(event))) => Err(TryPublishError::Closed(event)),
            Some(Err(PublishError::Dropped(event))) => Err(TryPublishError::Full(event)),
            None => {
                let event = publish.unpublished.leave(self);
                Err(TryPublishError::Full(event.expect("was not published")))
            }
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
    /// assert_eq!(receiver.recv().await, Some('a'));
    /// # });
    /// ```
    pub fn publish_many<'a>(&'a self, events: &'a mut Vec<E>) -> PublishMany<'a, E> {
        PublishMany(PublishingMany::new(self, events))
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
    #[cfg(any(not(target_family = "wasm"), target_feature = "atomics"))]
    pub fn publish_many_blocking(&self, events: &mut Vec<E>) -> Result<(), PublishError<()>> {
        let mut publishing = PublishingMany::new(self, events);
        block_on(&mut publishing, &mut Limit::Unlimited).expect("waits without a deadline")
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
        let refusal = publishing.publish_runs();
        drop(publishing);
        match (before - events.len(), refusal) {
            (0, Err(Refusal::Closed)) => Err(TryPublishError::Closed(())),
            (0, Err(Refusal::Full)) => Err(TryPublishError::Full(())),
            (published, _) => Ok(published),
        }
    }
}

/// An event that may have to wait for room. Whoever is done with it [leaves](Self::leave).
///
/// What is waited for is the claim, which is small: the event stays where it is until then, and goes from
/// there into its slot. (Without optimisation each function that has it in its result copies it.)
pub(super) struct Unpublished<E> {
    event: Option<E>,
    place: Place,
}

impl<E> Unpublished<E> {
    pub(super) fn new(event: Option<E>) -> Self {
        Self {
            event,
            place: Place::default(),
        }
    }

    /// Whether it is there still.
    pub(super) fn is_some(&self) -> bool {
        self.event.is_some()
    }

    /// Claims, or is refused by the strategy. `None`: it may have to wait.
    #[inline(always)]
    fn try_claim(&self, bus: &EventBus<E>) -> Option<Result<Claim, Refusal>> {
        let sequencer = &bus.ring.sequencer;
        match bus.strategy {
            WaitStrategy::DropNewest => Some(sequencer.claim(1)),
            _ => sequencer.claim_within(1),
        }
    }

    /// Once ready, it has to be [finished](Self::finish): a claim must be filled.
    #[inline(always)]
    pub(super) fn poll_claim(
        &mut self,
        bus: &EventBus<E>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Claim, Refusal>> {
        // Not after a claim, which would never be committed.
        assert!(self.event.is_some(), "polled after completion");
        if !self.place.is_taken() {
            if let Some(claimed) = self.try_claim(bus) {
                return Poll::Ready(claimed);
            }
        }
        let sequencer = &bus.ring.sequencer;
        sequencer.poll_claim(&mut self.place, cx.waker(), Wants::ONE)
    }

    #[inline(always)]
    pub(super) fn finish(
        &mut self,
        bus: &EventBus<E>,
        claimed: Result<Claim, Refusal>,
    ) -> Result<u64, PublishError<E>> {
        match claimed {
            Ok(claim) => Ok(bus.ring.fill(&claim, &mut self.event)),
            Err(refusal) => Err(self.refused(bus, refusal)),
        }
    }

    #[cold]
    fn refused(&mut self, bus: &EventBus<E>, refusal: Refusal) -> PublishError<E> {
        let event = self.event.take().expect("it is there until it is finished");
        match refusal {
            Refusal::Closed => PublishError::Closed(event),
            Refusal::Full => {
                bus.ring.count_dropped(1);
                PublishError::Dropped(event)
            }
        }
    }

    /// Gives its turn up. The event comes back, if it is there still.
    #[inline]
    pub(super) fn leave(&mut self, bus: &EventBus<E>) -> Option<E> {
        bus.ring.sequencer.leave(&mut self.place);
        self.event.take()
    }
}

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
/// use eventring::{EventBus, WaitStrategy, future::Publish};
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
#[must_use = "futures do nothing unless awaited"]
pub struct Publish<'a, E> {
    bus: &'a EventBus<E>,
    unpublished: Unpublished<E>,
}

impl<E> Publish<'_, E> {
    #[cfg(any(not(target_family = "wasm"), target_feature = "atomics"))]
    fn block(&mut self, limit: &mut Limit) -> Option<Result<u64, PublishError<E>>> {
        let Self { bus, unpublished } = self;
        let claimed = match unpublished.try_claim(bus) {
            Some(claimed) => claimed,
            None => block_on(&mut poll_fn(|cx| unpublished.poll_claim(bus, cx)), limit)?,
        };
        Some(unpublished.finish(bus, claimed))
    }
}

// Nothing is pinned.
impl<E> Unpin for Publish<'_, E> {}

impl<E> Future for Publish<'_, E> {
    type Output = Result<u64, PublishError<E>>;

    #[inline(always)]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Self { bus, unpublished } = &mut *self;
        let claimed = ready!(poll_within(cx, |cx| unpublished.poll_claim(bus, cx)));
        Poll::Ready(unpublished.finish(bus, claimed))
    }
}

impl<E> Drop for Publish<'_, E> {
    #[inline]
    fn drop(&mut self) {
        let unpublished = self.unpublished.leave(self.bus);
        drop(unpublished);
    }
}

impl<E> fmt::Debug for Publish<'_, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Publish").finish_non_exhaustive()
    }
}

/// Waiting to publish several events. They are in the batch meanwhile, and what is left of them
/// goes back to the vector in the end, however that comes.
struct PublishingMany<'a, E> {
    bus: &'a EventBus<E>,
    vector: &'a mut Vec<E>,
    events: Batch<E>,
    place: Place,
}

impl<'a, E> PublishingMany<'a, E> {
    fn new(bus: &'a EventBus<E>, vector: &'a mut Vec<E>) -> Self {
        Self {
            bus,
            events: Batch::of(vector),
            vector,
            place: Place::default(),
        }
    }

    /// One claim per run of slots, until nothing is left or there is no room.
    fn publish_runs(&mut self) -> Result<(), Refusal> {
        let ring = &self.bus.ring;
        while !self.events.is_empty() {
            let claim = ring.sequencer.claim(self.events.len() as u64)?;
            ring.fill_many(&claim, &mut self.events);
        }
        Ok(())
    }
}

// Nothing is pinned.
impl<E> Unpin for PublishingMany<'_, E> {}

impl<E> Future for PublishingMany<'_, E> {
    type Output = Result<(), PublishError<()>>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let ring = &self.bus.ring;
        loop {
            if !self.place.is_taken() {
                match self.publish_runs() {
                    Ok(()) => return Poll::Ready(Ok(())),
                    Err(Refusal::Closed) => return Poll::Ready(Err(PublishError::Closed(()))),
                    Err(Refusal::Full) if self.bus.strategy == WaitStrategy::DropNewest => {
                        ring.count_dropped(self.events.len());
                        return Poll::Ready(Err(PublishError::Dropped(())));
                    }
                    Err(Refusal::Full) => {}
                }
            }
            let most = self.events.len() as u64;
            let wants = Wants { least: 1, most };
            match ready!(
                ring.sequencer
                    .poll_claim(&mut self.place, cx.waker(), wants)
            ) {
                Ok(claim) => ring.fill_many(&claim, &mut self.events),
                Err(_) => return Poll::Ready(Err(PublishError::Closed(()))),
            }
        }
    }
}

impl<E> Drop for PublishingMany<'_, E> {
    fn drop(&mut self) {
        *self.vector = std::mem::take(&mut self.events).into_vec();
        self.bus.ring.sequencer.leave(&mut self.place);
    }
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
    PublishMany<'a, E>(PublishingMany<'a, E>) -> Result<(), PublishError<()>>
}
