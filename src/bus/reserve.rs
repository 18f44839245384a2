//! Room for an event that is not known yet.

use super::EventBus;
use crate::error::{PublishError, TryPublishError};
use crate::ring::{Place, Refusal, Wants};
use crate::strategy::WaitStrategy;
use crate::wait::waiting_future;
#[cfg(any(not(target_family = "wasm"), target_feature = "atomics"))]
use crate::wait::{Limit, block_on};
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

impl<E> EventBus<E> {
    /// Takes room for one event, once there is some: what it publishes may be found out after that,
    /// knowing that it will not have to wait. At most [`capacity`](Self::capacity) permits are out
    /// at a time.
    ///
    /// With [`Block`](WaitStrategy::Block), who waits for room, to publish or for a permit, is
    /// served in the order in which they came.
    ///
    /// # Errors
    ///
    /// As [`publish`](Self::publish), without an event.
    ///
    /// # Cancel safety
    ///
    /// Dropped before it has resolved, nothing is taken, and its turn goes to the next one.
    ///
    /// ```
    /// # tokio_test::block_on(async {
    /// use eventring::{EventBus, WaitStrategy};
    ///
    /// let jobs = EventBus::with_strategy(16, WaitStrategy::Block);
    /// let mut worker = jobs.subscribe();
    /// let permit = jobs.reserve().await.unwrap();
    /// let job = 7; // what is taken from elsewhere only if there is room for it here
    /// permit.publish(job).unwrap();
    /// assert_eq!(worker.try_recv(), Ok(7));
    /// # });
    /// ```
    pub fn reserve(&self) -> Reserve<'_, E> {
        Reserve(Reserving::new(self, 1, one))
    }

    /// Takes room for one event if there is some that nobody waits for, whatever the strategy.
    ///
    /// # Errors
    ///
    /// As [`try_publish`](Self::try_publish), without an event.
    ///
    /// ```
    /// use eventring::{EventBus, TryPublishError, WaitStrategy};
    ///
    /// let bus = EventBus::with_strategy(1, WaitStrategy::Block);
    /// let _receiver = bus.subscribe();
    /// let permit = bus.try_reserve().unwrap();
    /// assert_eq!(bus.try_publish('a'), Err(TryPublishError::Full('a')));
    /// drop(permit);
    /// assert_eq!(bus.try_publish('a'), Ok(0));
    /// ```
    pub fn try_reserve(&self) -> Result<Permit<'_, E>, TryPublishError<()>> {
        match self.ring.sequencer.reserve(Wants::ONE) {
            Ok(_) => Ok(Permit { bus: self }),
            Err(Refusal::Full) => Err(TryPublishError::Full(())),
            Err(Refusal::Closed) => Err(TryPublishError::Closed(())),
        }
    }

    /// As [`reserve`](Self::reserve), blocking the thread instead of the task.
    ///
    /// # Errors
    ///
    /// As [`reserve`](Self::reserve).
    ///
    /// ```
    /// let bus = eventring::EventBus::new(16);
    /// assert_eq!(bus.reserve_blocking().unwrap().publish("event"), Ok(0));
    /// ```
    #[cfg(any(not(target_family = "wasm"), target_feature = "atomics"))]
    pub fn reserve_blocking(&self) -> Result<Permit<'_, E>, PublishError<()>> {
        let mut reserving = Reserving::new(self, 1, one);
        block_on(&mut reserving, &mut Limit::Unlimited).expect("waits without a deadline")
    }

    /// Takes room for `events` at once, as soon as there is room for all of them.
    ///
    /// # Errors
    ///
    /// As [`reserve`](Self::reserve).
    ///
    /// # Panics
    ///
    /// If that is more than the [`capacity`](Self::capacity): it would never come.
    ///
    /// # Cancel safety
    ///
    /// As [`reserve`](Self::reserve).
    ///
    /// ```
    /// # tokio_test::block_on(async {
    /// let bus = eventring::EventBus::new(16);
    /// for (permit, event) in bus.reserve_many(2).await.unwrap().zip(["a", "b"]) {
    ///     permit.publish(event).unwrap();
    /// }
    /// assert_eq!(bus.stats().published, 2);
    /// # });
    /// ```
    #[track_caller]
    pub fn reserve_many(&self, events: usize) -> ReserveMany<'_, E> {
        assert!(
            events <= self.capacity(),
            "{events} permits can never be had of a bus with capacity {}",
            self.capacity()
        );
        ReserveMany(Reserving::new(self, events as u64, several))
    }

    /// As [`reserve`](Self::reserve), for a permit that keeps the handle: to be taken into a task.
    ///
    /// # Errors
    ///
    /// As [`reserve`](Self::reserve).
    ///
    /// # Cancel safety
    ///
    /// As [`reserve`](Self::reserve); the handle is dropped.
    ///
    /// ```
    /// # tokio_test::block_on(async {
    /// let bus = eventring::EventBus::new(16);
    /// let mut receiver = bus.subscribe();
    /// let permit = bus.clone().reserve_owned().await.unwrap();
    /// tokio::spawn(async move { permit.publish("from a task") });
    /// assert_eq!(receiver.recv_with(|event| event.len()).await.unwrap(), 11);
    /// # });
    /// ```
    pub async fn reserve_owned(self) -> Result<OwnedPermit<E>, PublishError<()>> {
        std::mem::forget(self.reserve().await?);
        Ok(OwnedPermit { bus: Some(self) })
    }
}

/// Room for one event: see [`EventBus::reserve`]. Dropped, it is given back.
///
/// ```
/// use eventring::{EventBus, Permit, PublishError};
///
/// let bus = EventBus::new(16);
/// let permit: Permit<'_, &str> = bus.try_reserve().unwrap();
/// bus.close();
/// assert_eq!(permit.publish("late"), Err(PublishError::Closed("late")));
/// ```
#[must_use = "a permit holds room back from others"]
pub struct Permit<'a, E> {
    bus: &'a EventBus<E>,
}

impl<E> Permit<'_, E> {
    /// Publishes at once, and returns the sequence number.
    ///
    /// # Errors
    ///
    /// Only [`PublishError::Closed`], which hands the event back: a permit does not keep the bus
    /// open.
    ///
    /// ```
    /// let bus = eventring::EventBus::new(16);
    /// let permit = bus.try_reserve().unwrap();
    /// assert_eq!(permit.publish("event"), Ok(0));
    /// ```
    pub fn publish(self, event: E) -> Result<u64, PublishError<E>> {
        let bus = self.bus;
        std::mem::forget(self);
        bus.publish_reserved(event)
    }

    /// With a handle of its own.
    pub(crate) fn into_owned(self) -> OwnedPermit<E> {
        let bus = Some(self.bus.clone());
        std::mem::forget(self);
        OwnedPermit { bus }
    }
}

impl<E> Drop for Permit<'_, E> {
    fn drop(&mut self) {
        self.bus.ring.sequencer.give_back(1);
    }
}

impl<E> EventBus<E> {
    fn publish_reserved(&self, event: E) -> Result<u64, PublishError<E>> {
        match self.ring.sequencer.claim_reserved(1) {
            Ok(claim) => Ok(self.ring.fill(&claim, &mut Some(event))),
            Err(_) => Err(PublishError::Closed(event)),
        }
    }
}

impl<E> fmt::Debug for Permit<'_, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Permit").finish_non_exhaustive()
    }
}

/// A permit that keeps a handle: see [`EventBus::reserve_owned`]. Dropped, it is given back.
///
/// ```
/// # tokio_test::block_on(async {
/// use eventring::{EventBus, OwnedPermit};
///
/// let permit: OwnedPermit<&str> = EventBus::new(16).reserve_owned().await.unwrap();
/// assert_eq!(permit.publish("event"), Ok(0));
/// # });
/// ```
#[must_use = "a permit holds room back from others"]
pub struct OwnedPermit<E> {
    /// Until it is used.
    bus: Option<EventBus<E>>,
}

impl<E> OwnedPermit<E> {
    /// As [`Permit::publish`].
    ///
    /// # Errors
    ///
    /// As [`Permit::publish`].
    ///
    /// ```
    /// # tokio_test::block_on(async {
    /// let bus = eventring::EventBus::new(16);
    /// let permit = bus.clone().reserve_owned().await.unwrap();
    /// assert_eq!(permit.publish("event"), Ok(0));
    /// # });
    /// ```
    pub fn publish(mut self, event: E) -> Result<u64, PublishError<E>> {
        let bus = self.bus.take().expect("a permit is used once");
        bus.publish_reserved(event)
    }
}

impl<E> Drop for OwnedPermit<E> {
    fn drop(&mut self) {
        if let Some(bus) = &self.bus {
            bus.ring.sequencer.give_back(1);
        }
    }
}

impl<E> fmt::Debug for OwnedPermit<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OwnedPermit").finish_non_exhaustive()
    }
}

/// Several permits, one after the other: see [`EventBus::reserve_many`]. What is left of them is
/// given back when this is dropped.
///
/// ```
/// # tokio_test::block_on(async {
/// let bus = eventring::EventBus::<u32>::new(16);
/// let permits: eventring::Permits<'_, u32> = bus.reserve_many(3).await.unwrap();
/// assert_eq!(permits.len(), 3);
/// # });
/// ```
#[must_use = "permits hold room back from others"]
pub struct Permits<'a, E> {
    bus: &'a EventBus<E>,
    left: u64,
}

impl<'a, E> Iterator for Permits<'a, E> {
    type Item = Permit<'a, E>;

    fn next(&mut self) -> Option<Permit<'a, E>> {
        self.left = self.left.checked_sub(1)?;
        Some(Permit { bus: self.bus })
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left as usize, Some(self.left as usize))
    }
}

impl<E> ExactSizeIterator for Permits<'_, E> {}

impl<E> Drop for Permits<'_, E> {
    fn drop(&mut self) {
        if self.left > 0 {
            self.bus.ring.sequencer.give_back(self.left);
        }
    }
}

impl<E> fmt::Debug for Permits<'_, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Permits")
            .field("left", &self.left)
            .finish_non_exhaustive()
    }
}

fn one<E>(bus: &EventBus<E>, _: u64) -> Permit<'_, E> {
    Permit { bus }
}

fn several<E>(bus: &EventBus<E>, left: u64) -> Permits<'_, E> {
    Permits { bus, left }
}

/// Waiting for so much room.
struct Reserving<'a, E, P> {
    bus: &'a EventBus<E>,
    wants: Wants,
    place: Place,
    /// What is made of it.
    permit: fn(&'a EventBus<E>, u64) -> P,
}

impl<'a, E, P> Reserving<'a, E, P> {
    fn new(bus: &'a EventBus<E>, events: u64, permit: fn(&'a EventBus<E>, u64) -> P) -> Self {
        Self {
            bus,
            permit,
            wants: Wants {
                least: events,
                most: events,
            },
            place: Place::default(),
        }
    }
}

impl<E, P> Future for Reserving<'_, E, P> {
    type Output = Result<P, PublishError<()>>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Self {
            bus,
            wants,
            place,
            permit,
        } = &mut *self;
        let sequencer = &bus.ring.sequencer;
        let reserved = match bus.strategy {
            WaitStrategy::DropNewest => sequencer.reserve(*wants),
            _ => ready!(sequencer.poll_reserve(place, cx.waker(), *wants)),
        };
        Poll::Ready(match reserved {
            Ok(reserved) => Ok(permit(bus, reserved)),
            Err(Refusal::Closed) => Err(PublishError::Closed(())),
            Err(Refusal::Full) => Err(PublishError::Dropped(())),
        })
    }
}

impl<E, P> Drop for Reserving<'_, E, P> {
    fn drop(&mut self) {
        self.bus.ring.sequencer.leave(&mut self.place);
    }
}

waiting_future! {
    /// Future of [`EventBus::reserve`]: resolves to a permit. It is `Unpin`.
    ///
    /// # Cancel safety
    ///
    /// Dropped before it has resolved, nothing is taken, and its turn goes to the next one.
    ///
    /// ```
    /// use eventring::{EventBus, WaitStrategy};
    /// use futures::FutureExt;
    ///
    /// let bus = EventBus::<u32>::with_strategy(1, WaitStrategy::Block);
    /// let _receiver = bus.subscribe();
    /// let permit = bus.try_reserve().unwrap();
    /// let mut waiting = bus.reserve();
    /// assert!((&mut waiting).now_or_never().is_none());
    /// drop(permit);
    /// assert!(waiting.now_or_never().unwrap().is_ok());
    /// ```
    Reserve<'a, E>(Reserving<'a, E, Permit<'a, E>>) -> Result<Permit<'a, E>, PublishError<()>>
}
waiting_future! {
    /// Future of [`EventBus::reserve_many`]: resolves to so many permits. It is `Unpin`.
    ///
    /// # Cancel safety
    ///
    /// As [`Reserve`].
    ///
    /// ```
    /// use eventring::{EventBus, WaitStrategy};
    /// use futures::FutureExt;
    ///
    /// let bus = EventBus::with_strategy(2, WaitStrategy::Block);
    /// let mut receiver = bus.subscribe();
    /// bus.try_publish('a').unwrap();
    /// let mut waiting = bus.reserve_many(2);
    /// assert!((&mut waiting).now_or_never().is_none());
    /// receiver.try_recv().unwrap();
    /// assert_eq!(waiting.now_or_never().unwrap().unwrap().len(), 2);
    /// ```
    ReserveMany<'a, E>(Reserving<'a, E, Permits<'a, E>>) -> Result<Permits<'a, E>, PublishError<()>>
}
