//! Receivers of a bus.

use super::EventBus;
use crate::receiver::Receiver;
use crate::strategy::Start;
use crate::watermark::Watermark;

impl<E> EventBus<E> {
    /// A receiver of everything published from now on: gating with
    /// [`Block`](crate::WaitStrategy::Block) and [`DropNewest`](crate::WaitStrategy::DropNewest), lossy with
    /// [`Overwrite`](crate::WaitStrategy::Overwrite).
    ///
    /// A gating receiver must be received from, or dropped: once it is a whole ring behind, it holds
    /// publishers back, and so keeps new events from *all* receivers. One that is leaked
    /// (`std::mem::forget`) holds them back for ever. Who may be slow and may miss events (a page, a
    /// gauge, a cache that can be cleared) takes [`subscribe_lossy`](Self::subscribe_lossy); a sink that
    /// may be slow for a while takes a larger ring and receives in batches; a publisher that must not
    /// wait takes [`try_publish`](Self::try_publish), a timeout, or
    /// [`DropNewest`](crate::WaitStrategy::DropNewest).
    ///
    /// A late subscriber that wants the past: [`subscribe_from`](Self::subscribe_from). All that there is to
    /// choose: [`receiver`](Self::receiver).
    ///
    /// ```
    /// let bus = eventring::EventBus::new(16);
    /// bus.try_publish("early").unwrap();
    /// let mut receiver = bus.subscribe();
    /// bus.try_publish("late").unwrap();
    /// assert_eq!(receiver.try_recv(), Ok("late"));
    /// ```
    pub fn subscribe(&self) -> Receiver<E> {
        self.subscribe_from(Start::Next)
    }

    /// A receiver of everything published from now on that never holds publishers back: one that
    /// falls a whole ring behind misses events, and counts them.
    ///
    /// ```
    /// use eventring::{EventBus, WaitStrategy};
    ///
    /// let bus = EventBus::with_strategy(2, WaitStrategy::Block);
    /// let mut browser = bus.subscribe_lossy();
    /// for event in 0..5 {
    ///     bus.try_publish(event).unwrap();
    /// }
    /// assert_eq!(browser.try_recv(), Ok(3));
    /// assert_eq!(browser.missed(), 3);
    /// ```
    pub fn subscribe_lossy(&self) -> Receiver<E> {
        self.subscribe_lossy_from(Start::Next)
    }

    /// A receiver like that of [`subscribe`](Self::subscribe) that starts in the past, as far as
    /// the bus keeps a [history](crate::Builder::history): with the snapshot and the live events in one
    /// stream, there is no gap and no duplicate in between. What is no longer kept counts as missed,
    /// and is told [`with_lag`](Receiver::with_lag).
    ///
    /// A gating receiver holds publishers back from the present on. Until it has caught up with
    /// the moment of subscribing, it may be lapped.
    ///
    /// ```
    /// use eventring::{EventBus, Lagged, Start};
    ///
    /// let bus = EventBus::builder().capacity(8).history(2).build().unwrap();
    /// for event in ["a", "b", "c"] {
    ///     bus.try_publish(event).unwrap();
    /// }
    /// let mut resumed = bus.subscribe_from(Start::Sequence(0)).with_lag();
    /// assert_eq!(resumed.try_recv(), Ok(Err(Lagged(1))));
    /// assert_eq!(resumed.try_recv(), Ok(Ok("b")));
    /// ```
    pub fn subscribe_from(&self, start: Start) -> Receiver<E> {
        self.receiver().start(start).build()
    }

    /// A receiver like that of [`subscribe_lossy`](Self::subscribe_lossy) that starts in the past,
    /// as far as the bus keeps a [history](crate::Builder::history): what is no longer kept counts as
    /// missed, and publishers are never held back. So a page can show what just happened, and go
    /// on with what comes, beside a sink that must not lose anything.
    ///
    /// ```
    /// use eventring::{EventBus, Start, WaitStrategy};
    ///
    /// let builder = EventBus::builder().capacity(2).history(2);
    /// let bus = builder.strategy(WaitStrategy::Block).build().unwrap();
    /// bus.publish_many_blocking(&mut vec!['a', 'b', 'c']).unwrap();
    /// let mut page = bus.subscribe_lossy_from(Start::Sequence(1));
    /// assert_eq!(page.try_recv(), Ok('b'));
    /// bus.publish_many_blocking(&mut vec!['d', 'e']).unwrap(); // is not held back
    /// assert_eq!((page.try_recv(), page.missed()), (Ok('d'), 1));
    /// ```
    pub fn subscribe_lossy_from(&self, start: Start) -> Receiver<E> {
        self.receiver().lossy().start(start).build()
    }

    /// A receiver like that of [`subscribe`](Self::subscribe) that stays behind a committing one: it
    /// receives only what that has committed, and starts there. So who reads what a journal has stored
    /// never comes before it. When that receiver is gone, this one ends after what it has committed.
    ///
    /// # Panics
    ///
    /// If the watermark is of another bus.
    ///
    /// ```
    /// use eventring::{EventBus, TryRecvError, WaitStrategy};
    ///
    /// let bus = EventBus::with_strategy(16, WaitStrategy::Block);
    /// let mut journal = bus.subscribe_committing();
    /// let mut page = bus.subscribe_behind(&journal.watermark());
    /// bus.try_publish("event").unwrap();
    /// assert_eq!(page.try_recv(), Err(TryRecvError::Empty));
    /// journal.try_recv_batch(64).unwrap().commit();
    /// assert_eq!(page.try_recv(), Ok("event"));
    /// drop(journal);
    /// assert_eq!(page.try_recv(), Err(TryRecvError::Closed));
    /// ```
    #[track_caller]
    pub fn subscribe_behind(&self, watermark: &Watermark<E>) -> Receiver<E> {
        self.receiver().behind(watermark).build()
    }
}
