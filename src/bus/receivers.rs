//! Who is there.

use super::EventBus;
use crate::ring::{CursorRef, Sequencer};
use crate::strategy::ReceiverKind;
use std::sync::Arc;

impl<E> EventBus<E> {
    /// The receivers there are, in the order in which they came: what a page of statistics lists, and
    /// whoever wants to know who holds the publishers up. It locks what subscribing locks, for the time of
    /// some steps for each of them.
    ///
    /// ```
    /// use eventring::{EventBus, WaitStrategy};
    ///
    /// let bus = EventBus::with_strategy(16, WaitStrategy::Block);
    /// let _sink = bus.receiver().name("sink").build();
    /// bus.try_publish("event").unwrap();
    /// let slowest = bus.receivers().into_iter().max_by_key(|receiver| receiver.behind).unwrap();
    /// assert_eq!((slowest.name.as_deref(), slowest.behind), (Some("sink"), 1));
    /// ```
    pub fn receivers(&self) -> Vec<ReceiverInfo> {
        ReceiverInfo::of_all(&self.ring.sequencer)
    }
}

impl ReceiverInfo {
    pub(super) fn of_all(sequencer: &Sequencer) -> Vec<Self> {
        let registry = sequencer.lock();
        let tail = sequencer.tail().sequence();
        let info = |cursor: &CursorRef| Self::of(cursor, tail, sequencer.capacity());
        let cursors = registry.gating.members().chain(registry.lossy.members());
        let mut receivers: Vec<_> = cursors.map(info).collect();
        drop(registry);
        // One that still reads the past is there twice; the sort is stable.
        receivers.sort_by_key(|one| one.id);
        receivers.dedup_by(|past, anchored| {
            let same = past.id == anchored.id;
            if same {
                anchored.reads_past(past);
            }
            same
        });
        receivers
    }
}

impl<E> EventBus<E> {
    /// Evicts a receiver that was built to be [evictable](crate::ReceiverBuilder::evictable): it holds
    /// nobody back any more, as if it were dropped. The receiver is told by its end: what it has not
    /// received it does not get, and [`Receiver::evicted`](crate::Receiver::evicted) tells from where on. If
    /// it is just reading (`E::clone`, a closure), it is evicted when that is done; this does not wait for
    /// it.
    ///
    /// Whether there is such a receiver, and it was not evicted before. It locks what subscribing locks, for
    /// a step for each receiver.
    ///
    /// When that is to be is up to you: who holds others up is in [`receivers`](Self::receivers), and the
    /// [cookbook](crate::docs::cookbook) has a publisher whose patience ends.
    ///
    /// ```
    /// use eventring::{EventBus, TryPublishError, WaitStrategy};
    ///
    /// let bus = EventBus::with_strategy(1, WaitStrategy::Block);
    /// let stuck = bus.receiver().evictable().build();
    /// bus.try_publish("one").unwrap();
    /// assert_eq!(bus.try_publish("two"), Err(TryPublishError::Full("two")));
    ///
    /// let slowest = bus.receivers().into_iter().max_by_key(|one| one.behind).unwrap();
    /// assert!(bus.evict(slowest.id));
    /// bus.try_publish("two").unwrap();
    /// assert_eq!((stuck.evicted(), bus.receiver_count()), (Some(0), 0));
    /// ```
    pub fn evict(&self, id: u64) -> bool {
        usize::try_from(id).is_ok_and(|number| self.ring.evict(number))
    }
}

/// What a bus knows of a receiver: see [`EventBus::receivers`].
///
/// ```
/// let bus = eventring::EventBus::<u32>::new(16);
/// let _receivers = [bus.subscribe(), bus.subscribe()];
/// let [first, second] = &bus.receivers()[..] else {
///     panic!("there are two");
/// };
/// assert!(first.id < second.id && first.name.is_none());
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ReceiverInfo {
    /// Counts the receivers that ever were on this bus.
    pub id: u64,
    /// As given by [`name`](crate::ReceiverBuilder::name).
    pub name: Option<Arc<str>>,
    /// How it and the publishers stand to each other.
    pub kind: ReceiverKind,
    /// The sequence number of the event that it receives next; of a committing one, that it commits next.
    pub position: u64,
    /// How many events have been published from there on.
    pub behind: u64,
    /// How many events it was told that it missed.
    pub missed: u64,
    /// Whether somebody waits for it to go on: a publisher, [`EventBus::drained`], or who waits for its
    /// [`Watermark`](crate::Watermark). If several hold a publisher up, this is told of one at a time.
    pub awaited: bool,
}

impl ReceiverInfo {
    fn of(cursor: &CursorRef, tail: u64, capacity: u64) -> Self {
        let word = cursor.load();
        let (position, awaited) = if word.is_detached() {
            (tail.saturating_sub(capacity), false) // where it goes on
        } else {
            let watched = cursor.owner.kind == ReceiverKind::Committing && word.is_watched();
            (word.sequence().min(tail), word.is_flagged() || watched)
        };
        Self {
            id: cursor.owner.id as u64,
            name: cursor.name.as_deref().cloned(),
            kind: cursor.owner.kind,
            position,
            behind: tail - position,
            missed: cursor.missed(),
            awaited,
        }
    }

    /// A gating one that reads the past through a lossy cursor.
    fn reads_past(&mut self, past: &Self) {
        self.position = past.position;
        self.behind = past.behind;
        self.missed += past.missed;
        self.awaited |= past.awaited;
    }
}
