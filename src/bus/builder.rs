//! Building a bus.

use super::EventBus;
use crate::error::BuildError;
use crate::ring::{FIRSTS, Ring};
use crate::strategy::WaitStrategy;
use std::fmt;
use std::marker::PhantomData;

impl<E> EventBus<E> {
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
            first: 0,
            event: PhantomData,
        }
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
    first: u64,
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

    /// The sequence number of the first event, so that numbers go on where those of an earlier bus
    /// ended. Default: 0.
    ///
    /// ```
    /// let stored = 41; // the last one, in some database
    /// let bus = eventring::EventBus::builder().first(stored + 1).build().unwrap();
    /// assert_eq!(bus.try_publish("event"), Ok(42));
    /// ```
    pub fn first(mut self, sequence: u64) -> Self {
        self.first = sequence;
        self
    }

    /// The bus.
    ///
    /// # Errors
    ///
    /// If the capacity is 0 or cannot be allocated, if the history is larger than it, or if the first
    /// sequence number is not below 2^59.
    ///
    /// ```
    /// use eventring::{BuildError, EventBus};
    ///
    /// let builder = EventBus::<u32>::builder().capacity(usize::MAX);
    /// assert_eq!(builder.build().unwrap_err(), BuildError::CapacityTooLarge(usize::MAX));
    /// ```
    pub fn build(self) -> Result<EventBus<E>, BuildError> {
        let (capacity, history, first) = (self.capacity, self.history, self.first);
        if capacity == 0 {
            return Err(BuildError::ZeroCapacity);
        }
        if history > capacity {
            return Err(BuildError::HistoryTooLarge { history, capacity });
        }
        if first >= FIRSTS {
            return Err(BuildError::FirstTooLarge(first));
        }
        let ring = Ring::new(capacity, history, first);
        let ring = ring.ok_or(BuildError::CapacityTooLarge(capacity))?;
        Ok(EventBus {
            ring,
            strategy: self.strategy,
        })
    }
}

impl<E> Clone for Builder<E> {
    fn clone(&self) -> Self {
        Self { ..*self }
    }
}

impl<E> fmt::Debug for Builder<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder")
            .field("capacity", &self.capacity)
            .field("strategy", &self.strategy)
            .field("history", &self.history)
            .field("first", &self.first)
            .finish()
    }
}
