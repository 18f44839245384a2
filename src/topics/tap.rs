//! All that is published, to whatever key, in one order.

use super::Topics;
use super::pattern::{Pattern, PatternError};
use crate::bus::{EventBus, OwnedPermit};
use crate::receiver::Receiver;
use futures_core::{FusedStream, Stream};
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

/// A bus beside the topics. An event is published to it first, so that nobody receives, or answers, what is not
/// in it.
pub(super) struct Tap<K, E> {
    pub(super) bus: EventBus<(K, E)>,
    copy: fn(&E) -> E,
}

impl<K, E> Tap<K, E> {
    pub(super) fn new(bus: EventBus<(K, E)>, copy: fn(&E) -> E) -> Self {
        Self { bus, copy }
    }

    pub(super) fn is_received(&self) -> bool {
        self.bus.receiver_count() > 0 && !self.bus.is_closed()
    }

    pub(super) fn close(&self) {
        self.bus.close();
    }

    /// For the event of a key, for which there is room now.
    pub(super) fn seat(&self, key: K, permit: OwnedPermit<(K, E)>) -> Seat<K, E> {
        Seat {
            key,
            permit,
            copy: self.copy,
        }
    }
}

/// Room in the tap.
pub(super) struct Seat<K, E> {
    key: K,
    permit: OwnedPermit<(K, E)>,
    copy: fn(&E) -> E,
}

impl<K, E> Seat<K, E> {
    pub(super) fn publish(self, event: &E) {
        let copy = (self.copy)(event);
        // If it is closed, nobody wants to know any more.
        let _closed = self.permit.publish((self.key, copy));
    }
}

impl<K, E, S> Topics<K, E, S> {
    /// A receiver of everything that is published from now on, whatever the key, in one order: an audit's tap. It
    /// gets what is published to keys that nobody else receives, too.
    ///
    /// It is of a bus of its own, with the topics' strategy and a
    /// [capacity](super::TopicsBuilder::all_capacity) of its own: one that gates holds all publishers back. An
    /// event is in it before anybody receives it from its topic, and those who publish one after the other find
    /// their events there in that order; events of one topic that are published at the same time may come in one order
    /// here and in another one there. What is refused because the topics are just being closed may be in it.
    ///
    /// Nobody pays for it but those who publish while it is received: these clone the event.
    ///
    /// ```
    /// # tokio_test::block_on(async {
    /// let rooms = eventring::Topics::<String, &str>::new(16);
    /// let mut audit = rooms.all();
    /// rooms.publish("lobby", "hello").await.unwrap();
    /// assert_eq!(audit.recv().await, Some(("lobby".to_owned(), "hello")));
    /// # });
    /// ```
    #[track_caller]
    pub fn all(&self) -> Receiver<(K, E)>
    where
        E: Clone,
    {
        self.all_with(EventBus::subscribe)
    }

    /// What the closure makes of the bus that has everything: a receiver of any kind, see [`all`](Self::all).
    ///
    /// ```
    /// use eventring::{Topics, WaitStrategy};
    ///
    /// let builder = Topics::<String, &str>::builder().strategy(WaitStrategy::Block);
    /// let rooms = builder.build().unwrap();
    /// let mut sink = rooms.all_with(|bus| bus.receiver().committing().name("audit").build());
    /// rooms.try_publish("lobby", "hello").unwrap();
    /// assert_eq!(sink.try_recv(), Ok(("lobby".to_owned(), "hello")));
    /// sink.commit_all();
    /// ```
    #[track_caller]
    pub fn all_with<R>(&self, subscribe: impl FnOnce(&EventBus<(K, E)>) -> R) -> R
    where
        E: Clone,
    {
        let tap = self.map.tap(E::clone);
        subscribe(&tap.bus)
    }

    /// The events of all keys that match a pattern, with their keys. Keys are dotted, as NATS's subjects:
    /// `prices.eur.usd`. In a pattern, `*` stands for one token, and `>`, at the end, for all that follow, at
    /// least one.
    ///
    /// It looks at everything there is ([`all`](Self::all)), by reference: what does not match is not cloned.
    /// Where it gates, it holds back publishers to all keys.
    ///
    /// # Errors
    ///
    /// If the pattern has an empty token, a wildcard that is a part of one, or `>` before the end.
    ///
    /// ```
    /// use futures::StreamExt;
    ///
    /// # tokio_test::block_on(async {
    /// let prices = eventring::Topics::<String, f64>::new(16);
    /// let mut dollars = prices.subscribe_matching("prices.*.usd").unwrap();
    /// prices.publish("prices.eur.chf", 0.93).await.unwrap();
    /// prices.publish("prices.eur.usd", 1.16).await.unwrap();
    /// assert_eq!(dollars.next().await, Some(("prices.eur.usd".to_owned(), 1.16)));
    /// # });
    /// ```
    #[track_caller]
    pub fn subscribe_matching(&self, pattern: &str) -> Result<Matching<K, E>, PatternError>
    where
        K: AsRef<str>,
        E: Clone,
    {
        let pattern = Pattern::new(pattern)?;
        let receiver = self.all();
        Ok(Matching { receiver, pattern })
    }
}

/// The stream of [`Topics::subscribe_matching`].
///
/// ```
/// use eventring::{Topics, topics::Matching};
///
/// let prices = Topics::<String, f64>::new(16);
/// let all: Matching<String, f64> = prices.subscribe_matching(">").unwrap();
/// ```
#[must_use = "streams do nothing unless polled"]
pub struct Matching<K, E> {
    receiver: Receiver<(K, E)>,
    pattern: Pattern,
}

impl<K, E> Matching<K, E> {
    /// The receiver of everything, to ask for its position or how much it missed.
    ///
    /// ```
    /// let prices = eventring::Topics::<String, f64>::new(16);
    /// let all = prices.subscribe_matching(">").unwrap();
    /// assert_eq!(all.get_ref().missed(), 0);
    /// ```
    pub fn get_ref(&self) -> &Receiver<(K, E)> {
        &self.receiver
    }
}

impl<K: AsRef<str> + Clone, E: Clone> Stream for Matching<K, E> {
    type Item = (K, E);

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<(K, E)>> {
        let Self { receiver, pattern } = &mut *self;
        let matching = |all: &(K, E)| pattern.matches(all.0.as_ref()).then(|| all.clone());
        receiver.poll_filter_map(cx, matching)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (0, self.receiver.size_hint().1)
    }
}

impl<K: AsRef<str> + Clone, E: Clone> FusedStream for Matching<K, E> {
    fn is_terminated(&self) -> bool {
        self.receiver.is_terminated()
    }
}

impl<K, E> fmt::Debug for Matching<K, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Matching")
            .field("receiver", &self.receiver)
            .field("pattern", &self.pattern)
            .finish()
    }
}

impl<K, E> fmt::Debug for Tap<K, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tap")
            .field("bus", &self.bus)
            .finish_non_exhaustive()
    }
}
