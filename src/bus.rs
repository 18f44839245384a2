//! The handle of a bus: what there is to ask of it. What is done by it stands in a file each.

mod attendance;
mod builder;
mod drained;
#[cfg(all(feature = "metrics", not(eventring_loom)))]
mod metrics;
mod publish;
mod receiver_builder;
mod receivers;
mod reserve;
mod sink;
mod stats;
mod subscribe;
mod weak;

pub use attendance::{Deserted, ReceiversAtLeast};
pub use builder::Builder;
pub use drained::Drained;
#[cfg(all(feature = "metrics", not(eventring_loom)))]
pub use metrics::BusMetrics;
pub use publish::{Publish, PublishMany};
pub use receiver_builder::ReceiverBuilder;
pub use receivers::ReceiverInfo;
pub use reserve::{OwnedPermit, Permit, Permits, Reserve, ReserveMany};
pub use sink::{BusSink, PublishAll};
pub use stats::Stats;
pub use weak::WeakEventBus;

use crate::ring::Ring;
use crate::strategy::WaitStrategy;
use crate::sync::{Arc, step};
use std::fmt;
use std::panic::{RefUnwindSafe, UnwindSafe};

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
/// assert_eq!(receiver.recv().await, Some("hello"));
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
}

impl<E> Clone for EventBus<E> {
    fn clone(&self) -> Self {
        self.ring.handles.add();
        Self {
            ring: Arc::clone(&self.ring),
            strategy: self.strategy,
        }
    }
}

impl<E> Drop for EventBus<E> {
    fn drop(&mut self) {
        // Alone, it takes everything along.
        if Arc::strong_count(&self.ring) == 1 {
            self.ring.end();
        } else if self.ring.handles.remove() && step("last-handle") {
            self.ring.close();
        }
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

// What panics is user code, which runs with nothing held and nothing half-done.
impl<E> UnwindSafe for EventBus<E> {}
impl<E> RefUnwindSafe for EventBus<E> {}
