//! Waiting for the last receiver to go.

use super::EventBus;
use crate::ring::Ring;
use crate::wait::{Notifier, Wait, Waiting, waiting_future};
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
        Deserted(Waiting::new(Deserting(&self.ring)))
    }
}

/// Waiting for the last receiver to go.
struct Deserting<'a, E>(&'a Ring<E>);

impl<E> Wait for Deserting<'_, E> {
    type Output = ();

    fn attempt(&mut self, listed: bool) -> Option<()> {
        self.0.sequencer.is_deserted(listed).then_some(())
    }

    fn notifier(&self, _: u64) -> &Notifier {
        self.0.sequencer.deserted()
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
    Deserted<'a, E>(Waiting<Deserting<'a, E>>) -> ()
}
