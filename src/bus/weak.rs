//! Handles that do not keep the bus open.

use super::EventBus;
use crate::ring::Ring;
use crate::strategy::WaitStrategy;
use crate::sync::Arc;
use std::fmt;
use std::panic::{RefUnwindSafe, UnwindSafe};

impl<E> EventBus<E> {
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
        self.ring.handles.upgrade().then(|| EventBus {
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

impl<E> UnwindSafe for WeakEventBus<E> {}
impl<E> RefUnwindSafe for WeakEventBus<E> {}
