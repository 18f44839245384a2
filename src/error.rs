//! What can go wrong. Errors of publishing hand the event back and need no `E: Debug`.

use std::error::Error;
use std::fmt;

/// Error of the publishing methods that wait as the strategy says. It hands back the event; those
/// that publish many leave what was not published in the caller's vector, and hand back `()`.
///
/// ```
/// use eventring::{EventBus, PublishError, WaitStrategy};
///
/// let bus = EventBus::with_strategy(1, WaitStrategy::DropNewest);
/// let _receiver = bus.subscribe();
/// let mut events = vec!['a', 'b', 'c'];
/// let error = bus.publish_many_blocking(&mut events).unwrap_err();
/// assert_eq!(error, PublishError::Dropped(()));
/// assert_eq!(events, ['b', 'c']);
/// ```
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum PublishError<E> {
    /// The bus is closed.
    Closed(E),
    /// The ring is full and the strategy is [`DropNewest`](crate::WaitStrategy::DropNewest).
    Dropped(E),
}

/// Error of the publishing methods that do not wait, or not for ever. It hands back what
/// [`PublishError`] does.
///
/// ```
/// use eventring::{EventBus, TryPublishError, WaitStrategy};
///
/// let bus = EventBus::with_strategy(1, WaitStrategy::Block);
/// let mut receiver = bus.subscribe();
/// bus.try_publish('a').unwrap();
/// let Err(TryPublishError::Full(event)) = bus.try_publish('b') else {
///     panic!("'a' was not received yet");
/// };
/// receiver.try_recv().unwrap();
/// assert_eq!(bus.try_publish(event), Ok(1));
/// ```
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum TryPublishError<E> {
    /// A gating receiver still needs the slot that is next.
    Full(E),
    /// The bus is closed.
    Closed(E),
}

impl<E> PublishError<E> {
    /// The event that was not published.
    ///
    /// ```
    /// use eventring::EventBus;
    ///
    /// let bus = EventBus::new(4);
    /// bus.close();
    /// assert_eq!(bus.publish_blocking("late").unwrap_err().into_event(), "late");
    /// ```
    pub fn into_event(self) -> E {
        match self {
            Self::Closed(event) | Self::Dropped(event) => event,
        }
    }
}

impl<E> TryPublishError<E> {
    /// The event that was not published.
    ///
    /// ```
    /// use eventring::EventBus;
    ///
    /// let bus = EventBus::new(4);
    /// bus.close();
    /// assert_eq!(bus.try_publish("late").unwrap_err().into_event(), "late");
    /// ```
    pub fn into_event(self) -> E {
        match self {
            Self::Full(event) | Self::Closed(event) => event,
        }
    }
}

impl<E> fmt::Debug for PublishError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Closed(_) => "Closed(..)",
            Self::Dropped(_) => "Dropped(..)",
        })
    }
}

impl<E> fmt::Debug for TryPublishError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Full(_) => "Full(..)",
            Self::Closed(_) => "Closed(..)",
        })
    }
}

impl<E> fmt::Display for PublishError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Closed(_) => CLOSED,
            Self::Dropped(_) => "event dropped: a receiver is a whole ring behind",
        })
    }
}

impl<E> fmt::Display for TryPublishError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Full(_) => "bus full: a receiver is a whole ring behind",
            Self::Closed(_) => CLOSED,
        })
    }
}

impl<E> Error for PublishError<E> {}
impl<E> Error for TryPublishError<E> {}

const CLOSED: &str = "bus closed";

/// Error of the receiving methods that do not wait.
///
/// ```
/// use eventring::{EventBus, TryRecvError};
///
/// let bus = EventBus::<u32>::new(4);
/// let mut receiver = bus.subscribe();
/// assert_eq!(receiver.try_recv(), Err(TryRecvError::Empty)); // so far
/// bus.close();
/// assert_eq!(receiver.try_recv(), Err(TryRecvError::Closed)); // for ever
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TryRecvError {
    /// Nothing is there to be received now.
    Empty,
    /// The bus is closed and everything in it was received.
    Closed,
}

/// Error of [`Receiver::recv_timeout`](crate::Receiver::recv_timeout).
///
/// ```
/// use eventring::{EventBus, RecvTimeoutError};
/// use std::time::Duration;
///
/// let bus = EventBus::<u32>::new(4);
/// let (mut receiver, short) = (bus.subscribe(), Duration::from_millis(1));
/// assert_eq!(receiver.recv_timeout(short), Err(RecvTimeoutError::Timeout)); // so far
/// bus.close();
/// assert_eq!(receiver.recv_timeout(short), Err(RecvTimeoutError::Closed)); // for ever
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecvTimeoutError {
    /// Nothing came in time.
    Timeout,
    /// The bus is closed and everything in it was received.
    Closed,
}

/// A gap: this many events were missed. What a receiver [`with_lag`](crate::Receiver::with_lag) has in
/// the place of an event.
///
/// ```
/// use eventring::Lagged;
///
/// assert_eq!(Lagged(3).to_string(), "receiver lagged by 3");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Lagged(pub u64);

/// A committing receiver went before it had committed what was waited for: error of
/// [`Watermark::reached`](crate::Watermark::reached).
///
/// ```
/// assert_eq!(eventring::Gone.to_string(), "the receiver is gone, and has not committed it");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gone;

impl fmt::Display for Gone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the receiver is gone, and has not committed it")
    }
}

impl fmt::Display for TryRecvError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Empty => "bus empty",
            Self::Closed => CLOSED,
        })
    }
}

impl fmt::Display for RecvTimeoutError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Timeout => "no event in time",
            Self::Closed => CLOSED,
        })
    }
}

impl fmt::Display for Lagged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "receiver lagged by {}", self.0)
    }
}

impl Error for TryRecvError {}
impl Error for RecvTimeoutError {}
impl Error for Lagged {}
impl Error for Gone {}

/// Why a bus cannot be built, and what to change: error of
/// [`Builder::build`](crate::Builder::build), text of the panic of
/// [`EventBus::new`](crate::EventBus::new).
///
/// ```
/// use eventring::{BuildError, EventBus};
///
/// let builder = EventBus::<u32>::builder().capacity(8).history(9);
/// let error = builder.build().unwrap_err();
/// assert!(matches!(error, BuildError::HistoryTooLarge { history: 9, capacity: 8 }));
/// assert!(error.to_string().ends_with("ask for less history or more capacity"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum BuildError {
    /// A bus holds at least one event.
    ZeroCapacity,
    /// This many slots cannot be allocated.
    CapacityTooLarge(usize),
    /// The history is kept in the ring, so that it cannot be larger than the capacity.
    HistoryTooLarge {
        /// The history asked for.
        history: usize,
        /// The capacity asked for.
        capacity: usize,
    },
    /// Sequence numbers from this one on would not last.
    FirstTooLarge(u64),
}

impl fmt::Display for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ZeroCapacity => f.write_str("capacity is 0: a bus must hold at least 1 event"),
            Self::CapacityTooLarge(capacity) => write!(
                f,
                "capacity is {capacity}: memory for that many slots cannot be allocated, ask for fewer"
            ),
            Self::HistoryTooLarge { history, capacity } => write!(
                f,
                "history is {history}, larger than the capacity of {capacity}: ask for less history or more capacity"
            ),
            Self::FirstTooLarge(first) => write!(
                f,
                "first sequence is {first}: sequences have 60 bits, start below 2^59"
            ),
        }
    }
}

impl Error for BuildError {}
