//! Waiting for the receivers to catch up.

use super::EventBus;
use crate::ring::Ring;
use crate::wait::{List, Wait, Waiting, waiting_future};
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

impl<E> EventBus<E> {
    /// Resolves once every receiver that still exists has received, or missed by being lapped,
    /// everything published before this call: after [`close`](Self::close), what a graceful
    /// shutdown awaits.
    ///
    /// A receiver that nobody receives from keeps it waiting: put a timeout around it. It waits
    /// for a lossy receiver's `clone` or closure that is running (by spinning), so that it must
    /// not be polled from within one.
    ///
    /// # Cancel safety
    ///
    /// Dropping it has no effect.
    ///
    /// ```
    /// # tokio_test::block_on(async {
    /// let bus = eventring::EventBus::new(16);
    /// let mut receiver = bus.subscribe();
    /// bus.publish("last").await.unwrap();
    /// let sink = tokio::spawn(async move { while receiver.recv().await.is_some() {} });
    /// bus.close();
    /// bus.drained().await;
    /// # sink.await.unwrap();
    /// # });
    /// ```
    pub fn drained(&self) -> Drained<'_, E> {
        Drained(Waiting::new(Draining {
            ring: &self.ring,
            target: self.ring.sequencer.tail().sequence(),
        }))
    }
}

/// Waiting for the receivers to catch up.
struct Draining<'a, E> {
    ring: &'a Ring<E>,
    target: u64,
}

impl<E> Wait for Draining<'_, E> {
    type Output = ();

    fn attempt(&mut self, listed: bool) -> Option<()> {
        self.ring
            .sequencer
            .is_drained(self.target, listed)
            .then_some(())
    }

    fn list(&self, _: u64) -> List<'_> {
        List::All(self.ring.sequencer.drained())
    }
}

waiting_future! {
    /// Future of [`EventBus::drained`]: resolves to nothing. It is `Unpin`.
    ///
    /// # Cancel safety
    ///
    /// Dropping it has no effect.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// # tokio_test::block_on(async {
    /// let bus = eventring::EventBus::new(16);
    /// let stuck = bus.subscribe();
    /// bus.publish("event").await.unwrap();
    /// let in_time = tokio::time::timeout(Duration::from_millis(1), bus.drained()).await;
    /// assert!(in_time.is_err());
    /// drop(stuck);
    /// bus.drained().await;
    /// # });
    /// ```
    Drained<'a, E>(Waiting<Draining<'a, E>>) -> ()
}
