//! What a publisher does about slow receivers, and where a new receiver starts.

/// What a publisher does when a receiver is slow.
///
/// It decides two things: which kind of receiver [`EventBus::subscribe`] makes, and what
/// [`EventBus::publish`] does when a gating receiver still needs the slot that is next.
/// [`EventBus::subscribe_lossy`] adds a receiver that never holds publishers back, on any bus.
///
/// ```
/// use eventring::{EventBus, TryPublishError, WaitStrategy};
///
/// let bus = EventBus::with_strategy(1, WaitStrategy::Block);
/// let _audit = bus.subscribe();
/// bus.try_publish("one").unwrap();
/// assert_eq!(bus.try_publish("two"), Err(TryPublishError::Full("two")));
/// ```
///
/// [`EventBus::subscribe`]: crate::EventBus::subscribe
/// [`EventBus::subscribe_lossy`]: crate::EventBus::subscribe_lossy
/// [`EventBus::publish`]: crate::EventBus::publish
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum WaitStrategy {
    /// The publisher waits until there is room: nothing is lost. Receivers are gating.
    Block,
    /// The publisher never waits: the oldest event makes room, and a receiver that had not read it
    /// counts it as missed. Receivers are lossy.
    #[default]
    Overwrite,
    /// The publisher never waits: the new event is handed back, and counted. Receivers are gating.
    DropNewest,
}

/// Where a receiver of [`EventBus::subscribe_from`] or [`EventBus::subscribe_lossy_from`] starts.
///
/// What the bus no longer keeps counts as missed. A bus keeps the newest
/// [`history`] events for late subscribers, none by default.
///
/// ```
/// use eventring::{EventBus, Start};
///
/// let bus = EventBus::builder().capacity(8).history(2).build().unwrap();
/// for event in ["a", "b", "c"] {
///     bus.try_publish(event).unwrap();
/// }
/// let mut late = bus.subscribe_from(Start::Oldest);
/// assert_eq!(late.try_recv(), Ok("b"));
/// ```
///
/// [`EventBus::subscribe_from`]: crate::EventBus::subscribe_from
/// [`EventBus::subscribe_lossy_from`]: crate::EventBus::subscribe_lossy_from
/// [`history`]: crate::Builder::history
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Start {
    /// The next event to be published.
    Next,
    /// The oldest event of the history. Never lags.
    Oldest,
    /// This many events back, or the first one if fewer were published.
    Last(u64),
    /// The event of this sequence number; the next one if it was not published yet.
    Sequence(u64),
}

/// How a receiver and the publishers stand to each other.
///
/// ```
/// use eventring::{EventBus, ReceiverKind, WaitStrategy};
///
/// let bus = EventBus::<u32>::with_strategy(16, WaitStrategy::Block);
/// let page = bus.subscribe_lossy();
/// assert_eq!(bus.receivers()[0].kind, ReceiverKind::Lossy);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ReceiverKind {
    /// Holds publishers back: they may not lap it.
    Gating,
    /// May be lapped, and is told then how much it missed.
    Lossy,
    /// Gates, and says itself what it is done with.
    Committing,
    /// Gates, until it is [evicted](crate::EventBus::evict).
    Evictable,
}
