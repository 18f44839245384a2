//! A receiver with all that there is to choose.

use super::EventBus;
use crate::receiver::Receiver;
use crate::ring::{CursorRef, Kind, Wanted};
use crate::strategy::{Start, WaitStrategy};
use crate::subscription::Subscription;
use crate::sync::Arc;
use crate::watermark::Watermark;
use std::fmt;

impl<E> EventBus<E> {
    /// Builds a receiver of any kind, with any start, behind another one or not. As it stands, it is that
    /// of [`subscribe`](Self::subscribe).
    ///
    /// ```
    /// use eventring::{EventBus, Start, WaitStrategy};
    ///
    /// let builder = EventBus::builder().capacity(16).history(4);
    /// let bus = builder.strategy(WaitStrategy::Block).build().unwrap();
    /// bus.try_publish("event").unwrap();
    /// let mut sink = bus.receiver().committing().start(Start::Oldest).build();
    /// assert_eq!(sink.try_recv(), Ok("event"));
    /// ```
    pub fn receiver(&self) -> ReceiverBuilder<'_, E> {
        ReceiverBuilder {
            bus: self,
            wanted: Wanted {
                kind: match self.strategy {
                    WaitStrategy::Block | WaitStrategy::DropNewest => Kind::Gating,
                    WaitStrategy::Overwrite => Kind::Lossy,
                },
                start: Start::Next,
                leader: None,
                name: None,
            },
        }
    }
}

/// Builds a [`Receiver`]: see [`EventBus::receiver`].
///
/// ```
/// # let bus = eventring::EventBus::<u32>::new(16);
/// let receiver = bus.receiver().lossy().build();
/// assert!(receiver.is_lossy());
/// ```
#[must_use = "a builder does nothing until `build`"]
pub struct ReceiverBuilder<'a, E> {
    bus: &'a EventBus<E>,
    wanted: Wanted,
}

impl<E> ReceiverBuilder<'_, E> {
    /// It never holds publishers back: see [`EventBus::subscribe_lossy`].
    ///
    /// ```
    /// # use eventring::{EventBus, WaitStrategy};
    /// let bus = EventBus::<u32>::with_strategy(1, WaitStrategy::Block);
    /// let _page = bus.receiver().lossy().build();
    /// bus.publish_many_blocking(&mut vec![1, 2, 3]).unwrap();
    /// ```
    pub fn lossy(mut self) -> Self {
        self.wanted.kind = Kind::Lossy;
        self
    }

    /// It says itself what it is done with: see [`EventBus::subscribe_committing`]. One that starts in the
    /// past holds publishers back from there on.
    ///
    /// # Panics
    ///
    /// If the bus [overwrites](WaitStrategy::Overwrite) what is not received.
    ///
    /// ```
    /// # use eventring::{EventBus, WaitStrategy};
    /// let bus = EventBus::<u32>::with_strategy(1, WaitStrategy::Block);
    /// let mut sink = bus.receiver().committing().build();
    /// sink.commit_all();
    /// ```
    #[track_caller]
    pub fn committing(self) -> Self {
        self.gating(Kind::Committing)
    }

    /// It holds publishers back, until it is [evicted](EventBus::evict). A receive costs it what one costs
    /// a lossy receiver. One that starts in the past holds publishers back from there on.
    ///
    /// # Panics
    ///
    /// If the bus [overwrites](WaitStrategy::Overwrite) what is not received.
    ///
    /// ```
    /// # use eventring::{EventBus, TryRecvError, WaitStrategy};
    /// let bus = EventBus::with_strategy(1, WaitStrategy::Block);
    /// let mut viewer = bus.receiver().evictable().build();
    /// bus.try_publish("event").unwrap();
    /// bus.evict(bus.receivers()[0].id);
    /// assert_eq!(viewer.try_recv(), Err(TryRecvError::Closed));
    /// assert_eq!(viewer.evicted(), Some(0));
    /// ```
    #[track_caller]
    pub fn evictable(self) -> Self {
        self.gating(Kind::Evictable)
    }

    #[track_caller]
    fn gating(mut self, kind: Kind) -> Self {
        assert!(
            self.bus.strategy != WaitStrategy::Overwrite,
            "on a bus that overwrites what is not received no receiver holds publishers back"
        );
        self.wanted.kind = kind;
        self
    }

    /// Where it starts: see [`EventBus::subscribe_from`]. Default: [`Start::Next`].
    ///
    /// ```
    /// # use eventring::{EventBus, Start};
    /// let bus = EventBus::builder().capacity(4).history(4).build().unwrap();
    /// bus.try_publish("event").unwrap();
    /// assert_eq!(bus.receiver().start(Start::Last(1)).build().try_recv(), Ok("event"));
    /// ```
    pub fn start(mut self, start: Start) -> Self {
        self.wanted.start = start;
        self
    }

    /// It receives only what another one has committed: see [`EventBus::subscribe_behind`]. What is next,
    /// or last, is so seen from there.
    ///
    /// # Panics
    ///
    /// If the watermark is of another bus.
    ///
    /// ```
    /// # use eventring::{EventBus, WaitStrategy};
    /// let bus = EventBus::with_strategy(4, WaitStrategy::Block);
    /// let journal = bus.subscribe_committing();
    /// bus.try_publish("event").unwrap();
    /// let mut page = bus.receiver().lossy().behind(&journal.watermark()).build();
    /// assert!((page.position(), page.try_recv().is_err()) == (0, true));
    /// ```
    #[track_caller]
    pub fn behind(mut self, watermark: &Watermark<E>) -> Self {
        assert!(
            Arc::ptr_eq(&self.bus.ring, &watermark.ring),
            "the watermark is of another bus"
        );
        self.wanted.leader = Some(CursorRef::clone(&watermark.cursor));
        self
    }

    /// What [`EventBus::receivers`] calls it, and its clones.
    ///
    /// ```
    /// # let bus = eventring::EventBus::<u32>::new(16);
    /// let _sink = bus.receiver().name("sink").build();
    /// assert_eq!(bus.receivers()[0].name.as_deref(), Some("sink"));
    /// ```
    pub fn name(mut self, name: &str) -> Self {
        self.wanted.name = Some(Box::new(name.into()));
        self
    }

    /// The receiver.
    ///
    /// ```
    /// # let bus = eventring::EventBus::<u32>::new(16);
    /// let receiver = bus.receiver().build();
    /// assert_eq!(bus.receiver_count(), 1);
    /// ```
    pub fn build(self) -> Receiver<E> {
        Receiver(Subscription::new(&self.bus.ring, self.wanted))
    }
}

impl<E> fmt::Debug for ReceiverBuilder<'_, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReceiverBuilder")
            .field("kind", &self.wanted.kind)
            .field("start", &self.wanted.start)
            .field("behind", &self.wanted.leader.is_some())
            .field("name", &self.wanted.name)
            .finish()
    }
}
