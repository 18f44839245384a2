//! Events for somebody who may be slow, or come back.

use eventring::stream::WithSequence;
use eventring::{Receiver, Start};
use futures_core::Stream;
use std::collections::VecDeque;
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

/// What somebody is told who follows a bus.
///
/// ```
/// use eventring_tower::Update;
///
/// fn line(update: Update<String>) -> String {
///     match update {
///         Update::Event(number, event) => format!("{number}: {event}"),
///         Update::Gap { missed, last } => format!("{missed} events are missing, up to {last}"),
///         Update::Restart => "the numbers start over".to_owned(),
///     }
/// }
/// # let _ = line;
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Update<E> {
    /// An event, with its number.
    Event(u64, E),
    /// Some are missing here.
    Gap {
        /// How many.
        missed: u64,
        /// The number of the last one of them.
        last: u64,
    },
    /// The numbers that follow were used before: whoever asked to go on has seen events that were never stored, and
    /// were lost when the server died.
    Restart,
}

/// A receiver's events, with gaps told in their place: a stream, which ends with the bus. It makes no difference
/// whether events were missed before this began, or since it is slow.
///
/// ```
/// use eventring::EventBus;
/// use eventring_tower::{Update, Updates};
/// use futures::StreamExt;
///
/// # tokio_test::block_on(async {
/// let bus = EventBus::new(2);
/// let mut updates = Updates::from(bus.subscribe_lossy());
/// for event in ["a", "b", "c"] {
///     bus.publish(event).await.unwrap();
/// }
/// assert_eq!(updates.next().await, Some(Update::Gap { missed: 1, last: 0 }));
/// assert_eq!(updates.next().await, Some(Update::Event(1, "b")));
/// # });
/// ```
#[must_use = "streams do nothing unless polled"]
pub struct Updates<E> {
    events: WithSequence<E>,
    /// The number of the next event, if none is missed.
    expected: u64,
    /// What is to be told first.
    next: VecDeque<Update<E>>,
}

impl<E> Updates<E> {
    /// What somebody is told who has seen the event of the number `last`, and goes on; or who comes anew, if there is
    /// no such number or the bus has not got there yet ([`Update::Restart`]).
    ///
    /// ```
    /// use eventring::{EventBus, Start};
    /// use eventring_tower::{Update, Updates};
    /// use futures::StreamExt;
    ///
    /// # tokio_test::block_on(async {
    /// let bus = EventBus::builder().capacity(8).history(8).build().unwrap();
    /// for event in ["a", "b", "c"] {
    ///     bus.publish(event).await.unwrap();
    /// }
    /// let receive = |start| bus.subscribe_lossy_from(start);
    /// let mut back = Updates::resume(Some(1), Start::Last(10), receive);
    /// assert_eq!(back.next().await, Some(Update::Event(2, "c")));
    /// let mut anew = Updates::resume(None, Start::Last(10), receive);
    /// assert_eq!(anew.next().await, Some(Update::Event(0, "a")));
    /// # });
    /// ```
    pub fn resume(last: Option<u64>, anew: Start, receive: impl Fn(Start) -> Receiver<E>) -> Self {
        let Some(last) = last else {
            return receive(anew).into();
        };
        if let Some(wanted) = last.checked_add(1) {
            let receiver = receive(Start::Sequence(wanted));
            // Below it, if nothing of this number was published yet.
            let position = receiver.position();
            if position >= wanted {
                let mut updates = Self::from(receiver);
                updates.next.extend(gap(wanted, position));
                return updates;
            }
        }
        let mut updates = Self::from(receive(anew));
        updates.next.push_back(Update::Restart);
        updates
    }
}

impl<E> From<Receiver<E>> for Updates<E> {
    fn from(receiver: Receiver<E>) -> Self {
        Self {
            expected: receiver.position(),
            events: receiver.with_sequence(),
            next: VecDeque::new(),
        }
    }
}

fn gap<E>(expected: u64, sequence: u64) -> Option<Update<E>> {
    (sequence > expected).then(|| Update::Gap {
        missed: sequence - expected,
        last: sequence - 1,
    })
}

impl<E: Clone> Stream for Updates<E> {
    type Item = Update<E>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Update<E>>> {
        if self.next.is_empty() {
            let Some((sequence, event)) = ready!(self.events.poll_recv(cx)) else {
                return Poll::Ready(None);
            };
            let gap = gap(self.expected, sequence);
            self.expected = sequence + 1;
            self.next.extend(gap);
            self.next.push_back(Update::Event(sequence, event));
        }
        Poll::Ready(self.next.pop_front())
    }
}

// Nothing is pinned.
impl<E> Unpin for Updates<E> {}

impl<E> fmt::Debug for Updates<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Updates")
            .field("events", &self.events)
            .finish_non_exhaustive()
    }
}
