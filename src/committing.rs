//! Receivers that say themselves what is done.

use crate::bus::EventBus;
use crate::receiver::Receiver;
use crate::ring::Kind;
use crate::subscription::Subscription;

impl<E> EventBus<E> {
    /// A gating receiver that says itself what it is done with: publishers overwrite an event when it is
    /// [committed](Receiver::commit), rather than when it is received. So a sink that fails, or is
    /// restarted, has lost nothing: it [rewinds](Receiver::rewind), and gets again what it had not stored.
    ///
    /// It receives in every way there is, and in batches that are not cloned
    /// ([`recv_batch`](Receiver::recv_batch)). A capacity of events after the last one that is committed, it
    /// holds publishers back. [`drained`](Self::drained), [`len`](Self::len) and the room there is go by
    /// what is committed. Nothing is moved out of the bus for it, and a dropped receiver gives up what it
    /// did not commit.
    ///
    /// # Panics
    ///
    /// If the bus [overwrites](crate::WaitStrategy::Overwrite) what is not received.
    ///
    /// ```
    /// use eventring::{EventBus, TryPublishError, WaitStrategy};
    ///
    /// let bus = EventBus::with_strategy(1, WaitStrategy::Block);
    /// let mut sink = bus.subscribe_committing();
    /// bus.try_publish("event").unwrap();
    /// assert_eq!(sink.try_recv(), Ok("event"));
    /// assert_eq!(bus.try_publish("next"), Err(TryPublishError::Full("next")));
    /// sink.rewind(); // it could not be stored
    /// assert_eq!(sink.try_recv(), Ok("event"));
    /// sink.commit_all();
    /// assert_eq!(bus.try_publish("next"), Ok(1));
    /// ```
    #[track_caller]
    pub fn subscribe_committing(&self) -> Receiver<E> {
        self.receiver().committing().build()
    }
}

impl<E> Receiver<E> {
    /// Commits what was received of the events before the sequence number `upto`, which is at most
    /// [`position`](Self::position): they are done, and make room for others. What is committed stays so.
    ///
    /// # Panics
    ///
    /// If an event before `upto` was not received, or if the receiver is not
    /// [committing](EventBus::subscribe_committing).
    ///
    /// ```
    /// use eventring::{EventBus, WaitStrategy};
    ///
    /// let bus = EventBus::with_strategy(4, WaitStrategy::Block);
    /// let mut sink = bus.subscribe_committing();
    /// bus.publish_many_blocking(&mut vec!['a', 'b', 'c']).unwrap();
    /// assert_eq!(sink.try_iter().count(), 3);
    /// sink.commit(2);
    /// sink.rewind();
    /// assert_eq!(sink.try_recv(), Ok('c'));
    /// ```
    #[track_caller]
    pub fn commit(&mut self, upto: u64) {
        let reader = self.committing().reader_mut();
        let position = reader.position();
        assert!(
            upto <= position,
            "{upto} is not received: the position is {position}"
        );
        reader.commit(upto);
    }

    /// Commits all that was received.
    ///
    /// # Panics
    ///
    /// If the receiver is not [committing](EventBus::subscribe_committing).
    ///
    /// ```
    /// use eventring::{EventBus, WaitStrategy};
    ///
    /// let bus = EventBus::with_strategy(4, WaitStrategy::Block);
    /// let mut sink = bus.subscribe_committing();
    /// bus.try_publish("event").unwrap();
    /// sink.try_recv().unwrap();
    /// assert_eq!(bus.len(), 1);
    /// sink.commit_all();
    /// assert_eq!(bus.len(), 0);
    /// ```
    #[track_caller]
    pub fn commit_all(&mut self) {
        self.commit(self.position());
    }

    /// Goes back to the first event that is not committed, which is received next.
    ///
    /// # Panics
    ///
    /// If the receiver is not [committing](EventBus::subscribe_committing).
    ///
    /// ```
    /// use eventring::{EventBus, WaitStrategy};
    ///
    /// let bus = EventBus::with_strategy(4, WaitStrategy::Block);
    /// let mut sink = bus.subscribe_committing();
    /// bus.try_publish("event").unwrap();
    /// assert_eq!(sink.try_recv(), Ok("event"));
    /// sink.rewind();
    /// assert_eq!(sink.try_recv(), Ok("event"));
    /// ```
    #[track_caller]
    pub fn rewind(&mut self) {
        self.committing().rewind();
    }

    /// The sequence number before which all events are committed: of a receiver that is not
    /// [committing](EventBus::subscribe_committing), its [`position`](Self::position).
    ///
    /// ```
    /// use eventring::{EventBus, WaitStrategy};
    ///
    /// let bus = EventBus::with_strategy(4, WaitStrategy::Block);
    /// let mut sink = bus.subscribe_committing();
    /// bus.try_publish("event").unwrap();
    /// sink.try_recv().unwrap();
    /// assert_eq!((sink.committed(), sink.position()), (0, 1));
    /// ```
    pub fn committed(&self) -> u64 {
        self.0.reader().committed()
    }

    #[track_caller]
    pub(crate) fn committing(&mut self) -> &mut Subscription<E> {
        self.assert_commits();
        &mut self.0
    }

    #[track_caller]
    pub(crate) fn assert_commits(&self) {
        assert!(
            self.0.reader().kind() == Kind::Committing,
            "the receiver does not commit: see EventBus::subscribe_committing"
        );
    }
}
