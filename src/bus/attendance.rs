//! Waiting for receivers to come, and for the last one to go.

use super::EventBus;
use crate::ring::{Attendance, Ring};
use crate::wait::{List, Wait, Waiting, waiting_future};
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

impl<E> EventBus<E> {
    /// Resolves when there is no receiver (any more): what a source awaits that need not go on for
    /// nobody. Who waited for that is woken once the events that only the last one still needed are
    /// dropped.
    ///
    /// Somebody may subscribe before it is polled again: then it goes on waiting.
    ///
    /// # Cancel safety
    ///
    /// Dropping it has no effect.
    ///
    /// ```
    /// # tokio_test::block_on(async {
    /// let bus = eventring::EventBus::new(16);
    /// let mut page = bus.subscribe();
    /// let viewer = tokio::spawn(async move { page.recv().await });
    /// bus.publish("event").await.unwrap();
    /// bus.deserted().await;
    /// assert_eq!(bus.receiver_count(), 0);
    /// # viewer.await.unwrap().unwrap();
    /// # });
    /// ```
    pub fn deserted(&self) -> Deserted<'_, E> {
        Deserted(Waiting::new(Attending {
            ring: &self.ring,
            wanted: Attendance::Nobody,
        }))
    }

    /// Resolves when there are so many receivers, of whatever kind, clones included: what a source awaits
    /// that has nothing to say before somebody listens. Those who are counted get all that is published
    /// afterwards.
    ///
    /// Some may go before it is polled again: then it goes on waiting. So it does when the bus is
    /// closed, for receivers may still come for its history.
    ///
    /// # Cancel safety
    ///
    /// Dropping it has no effect.
    ///
    /// ```
    /// # tokio_test::block_on(async {
    /// let bus = eventring::EventBus::new(16);
    /// let source = bus.clone();
    /// let task = tokio::spawn(async move {
    ///     source.receivers_at_least(1).await;
    ///     source.publish("first").await.unwrap();
    /// });
    /// let mut receiver = bus.subscribe();
    /// assert_eq!(receiver.recv().await, Some("first"));
    /// # task.await.unwrap();
    /// # });
    /// ```
    pub fn receivers_at_least(&self, count: usize) -> ReceiversAtLeast<'_, E> {
        ReceiversAtLeast(Waiting::new(Attending {
            ring: &self.ring,
            wanted: Attendance::AtLeast(count),
        }))
    }
}

/// Waiting for a number of receivers.
struct Attending<'a, E> {
    ring: &'a Ring<E>,
    wanted: Attendance,
}

impl<E> Wait for Attending<'_, E> {
    type Output = ();

    fn attempt(&mut self, listed: bool) -> Option<()> {
        let sequencer = &self.ring.sequencer;
        sequencer.is_attended(self.wanted, listed).then_some(())
    }

    fn list(&self, _: u64) -> List<'_> {
        List::All(self.ring.sequencer.counted())
    }
}

waiting_future! {
    /// Future of [`EventBus::deserted`]: resolves to nothing. It is `Unpin`.
    ///
    /// # Cancel safety
    ///
    /// Dropping it has no effect.
    ///
    /// ```
    /// use futures::FutureExt;
    ///
    /// let bus = eventring::EventBus::<u32>::new(16);
    /// let receiver = bus.subscribe();
    /// let mut deserted = bus.deserted();
    /// assert_eq!((&mut deserted).now_or_never(), None);
    /// drop(receiver);
    /// assert_eq!(deserted.now_or_never(), Some(()));
    /// ```
    Deserted<'a, E>(Waiting<Attending<'a, E>>) -> ()
}

waiting_future! {
    /// Future of [`EventBus::receivers_at_least`]: resolves to nothing. It is `Unpin`.
    ///
    /// # Cancel safety
    ///
    /// Dropping it has no effect.
    ///
    /// ```
    /// use futures::FutureExt;
    ///
    /// let bus = eventring::EventBus::<u32>::new(16);
    /// let receiver = bus.subscribe();
    /// let mut two = bus.receivers_at_least(2);
    /// assert_eq!((&mut two).now_or_never(), None);
    /// let clone = receiver.clone();
    /// assert_eq!(two.now_or_never(), Some(()));
    /// ```
    ReceiversAtLeast<'a, E>(Waiting<Attending<'a, E>>) -> ()
}
