//! What a relay is to do.

use super::broker::{self, Broker};
use super::relay::{Relay, Settings, State};
use super::stats::Counters;
use super::{Outbound, Reject, Rejection, Stopped};
use crate::error::StartError;
use crate::identity::Origin;
use crate::stream::Place;
use async_nats::jetstream::Context;
use async_nats::jetstream::stream::Config;
use eventring::Receiver;
use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

pub(super) type Encode<E> = Box<dyn FnMut(&E, &mut Vec<u8>) + Send>;
pub(super) type OnReject<E> = Box<dyn FnMut(&E, Rejection) -> Reject + Send>;

/// Builds an [`Outbound`] relay: [`Outbound::builder`].
///
/// ```no_run
/// use async_nats::jetstream::stream::Config;
/// use eventring::{EventBus, WaitStrategy};
/// use eventring_nats::{Outbound, Reject, Rejection, StartError};
/// use std::time::Duration;
///
/// # async fn example(jetstream: async_nats::jetstream::Context) -> Result<(), StartError> {
/// let last = 41; // of the log that is before the bus
/// let bus = EventBus::builder().strategy(WaitStrategy::Block).first(last + 1);
/// let bus = bus.build().unwrap();
/// let relay = Outbound::builder(jetstream, "ORDERS", "api-1")
///     .create(Config {
///         subjects: vec!["orders.>".into()],
///         num_replicas: 3,
///         ..Config::default()
///     })
///     .continued()
///     .in_flight(256)
///     .ack_timeout(Duration::from_secs(2))
///     .on_reject(|event: &String, why| match why {
///         Rejection::Full => Reject::Retry,
///         _ => {
///             eprintln!("not sent: {} bytes", event.len());
///             Reject::Skip
///         }
///     })
///     .encode(|event, out| out.extend_from_slice(event.as_bytes()))
///     .start(bus.subscribe_committing())
///     .await?;
/// # Ok(())
/// # }
/// ```
#[must_use = "it does nothing until it is started"]
pub struct OutboundBuilder<E, C = ()> {
    place: Place,
    settings: Settings,
    since: Option<u64>,
    encode: C,
    on_reject: OnReject<E>,
}

impl<E> OutboundBuilder<E> {
    pub(super) fn new(context: Context, stream: String, source: String) -> Self {
        let subjects = vec![format!("{}.>", stream.to_lowercase())];
        Self {
            place: Place {
                context,
                config: Config {
                    name: stream,
                    subjects,
                    ..Config::default()
                },
                in_memory: false,
                source,
                subject: None,
            },
            settings: Settings {
                in_flight: 1024,
                ack_timeout: Duration::from_secs(5),
                backoff: (Duration::from_millis(10), Duration::from_secs(5)),
            },
            since: None,
            encode: (),
            on_reject: Box::new(|_, why| match why {
                Rejection::Full => Reject::Retry,
                Rejection::TooLarge => Reject::Stop,
            }),
        }
    }

    /// How an event becomes a message's payload: appended to the bytes, which are none. It has to be told.
    ///
    /// A relay whose function panics is gone, with its receiver.
    ///
    /// ```no_run
    /// # use eventring_nats::Outbound;
    /// # fn example(jetstream: async_nats::jetstream::Context) {
    /// let relay = Outbound::<String>::builder(jetstream, "AUDIT", "api-1")
    ///     .encode(|event, out| out.extend_from_slice(event.as_bytes()));
    /// # }
    /// ```
    pub fn encode<C>(self, encode: C) -> OutboundBuilder<E, C>
    where
        C: FnMut(&E, &mut Vec<u8>) + Send + 'static,
    {
        let Self {
            place,
            settings,
            since,
            encode: (),
            on_reject,
        } = self;
        OutboundBuilder {
            place,
            settings,
            since,
            encode,
            on_reject,
        }
    }
}

impl<E, C> OutboundBuilder<E, C> {
    /// The subject of all messages, which nobody else may write to. Default: the stream's name in lower
    /// case, a dot, and the source.
    ///
    /// ```no_run
    /// # use eventring_nats::Outbound;
    /// # fn example(jetstream: async_nats::jetstream::Context) {
    /// let relay = Outbound::<String>::builder(jetstream, "AUDIT", "api-1").subject("audit.eu.api-1");
    /// # }
    /// ```
    pub fn subject(mut self, subject: impl Into<String>) -> Self {
        self.place.subject = Some(subject.into());
        self
    }

    /// How the stream is made if there is none: limits, replicas. Default: no limits, in files, one
    /// replica, for all subjects that begin with its name in lower case. The name is the one that was
    /// given before.
    ///
    /// ```no_run
    /// # use eventring_nats::Outbound;
    /// # fn example(jetstream: async_nats::jetstream::Context) {
    /// use async_nats::jetstream::stream::Config;
    ///
    /// let relay = Outbound::<String>::builder(jetstream, "AUDIT", "api-1").create(Config {
    ///     subjects: vec!["audit.>".into()],
    ///     num_replicas: 3,
    ///     ..Config::default()
    /// });
    /// # }
    /// ```
    pub fn create(mut self, config: Config) -> Self {
        self.place.config = Config {
            name: self.place.config.name,
            ..config
        };
        self
    }

    /// A stream may be in the broker's memory only: restarted, it has lost what it had acknowledged.
    ///
    /// ```no_run
    /// # use eventring_nats::Outbound;
    /// # fn example(jetstream: async_nats::jetstream::Context) {
    /// let relay = Outbound::<String>::builder(jetstream, "AUDIT", "api-1").allow_memory();
    /// # }
    /// ```
    pub fn allow_memory(mut self) -> Self {
        self.place.in_memory = true;
        self
    }

    /// The bus's numbers go on where those of an earlier run ended
    /// ([`first`](eventring::Builder::first)), as those of a log do: events that the stream has by
    /// their numbers are not sent again. Otherwise the numbers of each run are its own.
    ///
    /// ```no_run
    /// # use eventring_nats::Outbound;
    /// # fn example(jetstream: async_nats::jetstream::Context) {
    /// let relay = Outbound::<String>::builder(jetstream, "AUDIT", "api-1").continued();
    /// # }
    /// ```
    pub fn continued(mut self) -> Self {
        self.since = Some(0);
        self
    }

    /// The number after that of the last event of this source that the stream has, which is made if there is
    /// none; 0 if it has no event. There the bus of a [continued](Self::continued) relay has to begin, at the
    /// latest, if what feeds it has kept all that is stored.
    ///
    /// # Errors
    ///
    /// As [`start`](Self::start).
    ///
    /// # Cancel safety
    ///
    /// The stream may have been made.
    ///
    /// ```no_run
    /// # use eventring_nats::{Outbound, StartError};
    /// # async fn example(jetstream: async_nats::jetstream::Context, log: Vec<String>) -> Result<(), StartError> {
    /// use eventring::{EventBus, WaitStrategy};
    ///
    /// let relay = Outbound::builder(jetstream, "AUDIT", "api-1")
    ///     .encode(|event: &String, out| out.extend_from_slice(event.as_bytes()))
    ///     .continued();
    /// let next = relay.next().await?;
    /// let bus = EventBus::builder().strategy(WaitStrategy::Block).first(next).build().unwrap();
    /// let relay = relay.start(bus.subscribe_committing()).await?;
    /// for event in log.into_iter().skip(next as usize) {
    ///     bus.publish(event).await.unwrap();
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn next(&self) -> impl Future<Output = Result<u64, StartError>> + Send + use<E, C> {
        let (place, limit) = (self.place.clone(), self.settings.ack_timeout);
        async move {
            let (stream, subject) = place.open().await?;
            let last = broker::last(&stream, &subject, limit).await;
            let last = last.map_err(StartError::broker)?;
            let origin = last.as_ref().and_then(|last| Origin::of(&last.headers));
            let own = origin.filter(|origin| origin.source == place.source);
            Ok(own.map_or(0, |own| own.sequence + 1))
        }
    }

    /// How many events are sent before the first of them is acknowledged, at most. Default: 1024. More
    /// than the bus's capacity does nothing.
    ///
    /// # Panics
    ///
    /// If it is 0.
    ///
    /// ```no_run
    /// # use eventring_nats::Outbound;
    /// # fn example(jetstream: async_nats::jetstream::Context) {
    /// let relay = Outbound::<String>::builder(jetstream, "AUDIT", "api-1").in_flight(256);
    /// # }
    /// ```
    #[track_caller]
    pub fn in_flight(mut self, events: usize) -> Self {
        assert!(events > 0, "nothing can be sent");
        self.settings.in_flight = events as u64;
        self
    }

    /// How long to wait for an acknowledgement, before it is asked where to go on. Default: 5 s.
    ///
    /// ```no_run
    /// # use eventring_nats::Outbound;
    /// # fn example(jetstream: async_nats::jetstream::Context) {
    /// use std::time::Duration;
    ///
    /// let relay = Outbound::<String>::builder(jetstream, "AUDIT", "api-1")
    ///     .ack_timeout(Duration::from_secs(2));
    /// # }
    /// ```
    pub fn ack_timeout(mut self, timeout: Duration) -> Self {
        self.settings.ack_timeout = timeout;
        self
    }

    /// How long to wait after a failure that follows another: at first, and at most; it is doubled in
    /// between. Default: 10 ms and 5 s. It is tried again for ever.
    ///
    /// ```no_run
    /// # use eventring_nats::Outbound;
    /// # fn example(jetstream: async_nats::jetstream::Context) {
    /// use std::time::Duration;
    ///
    /// let relay = Outbound::<String>::builder(jetstream, "AUDIT", "api-1")
    ///     .backoff(Duration::from_millis(50), Duration::from_secs(1));
    /// # }
    /// ```
    pub fn backoff(mut self, shortest: Duration, longest: Duration) -> Self {
        self.settings.backoff = (shortest, longest);
        self
    }

    /// What to do about an event that the broker does not take. Default: a stream that is full is tried
    /// again, and what is too large ends the relay.
    ///
    /// ```no_run
    /// # use eventring_nats::Outbound;
    /// # fn example(jetstream: async_nats::jetstream::Context) {
    /// use eventring_nats::Reject;
    ///
    /// let relay = Outbound::<String>::builder(jetstream, "AUDIT", "api-1").on_reject(|event, why| {
    ///     eprintln!("{why:?}: {event}");
    ///     Reject::Skip
    /// });
    /// # }
    /// ```
    pub fn on_reject(
        mut self,
        decide: impl FnMut(&E, Rejection) -> Reject + Send + 'static,
    ) -> Self {
        self.on_reject = Box::new(decide);
        self
    }
}

impl<E, C> OutboundBuilder<E, C>
where
    E: Send + Sync + 'static,
    C: FnMut(&E, &mut Vec<u8>) + Send + 'static,
{
    /// Makes the stream if there is none, finds out where to go on, and starts a task on tokio's runtime.
    ///
    /// Relays of the same source that were started before, here or elsewhere, end as soon as this one has
    /// stored an event ([`End::Fenced`](super::End::Fenced)).
    ///
    /// # Errors
    ///
    /// [`StartError`]. The receiver is dropped then: to try again with the same events, clone it before.
    ///
    /// # Panics
    ///
    /// If the receiver is not [committing](eventring::EventBus::subscribe_committing), or outside of a
    /// tokio runtime.
    ///
    /// ```no_run
    /// # use eventring_nats::{Outbound, StartError};
    /// # async fn example(jetstream: async_nats::jetstream::Context) -> Result<(), StartError> {
    /// use eventring::{EventBus, WaitStrategy};
    ///
    /// let bus = EventBus::with_strategy(1024, WaitStrategy::Block);
    /// let relay = Outbound::builder(jetstream, "AUDIT", "api-1")
    ///     .encode(|event: &String, out| out.extend_from_slice(event.as_bytes()))
    ///     .start(bus.subscribe_committing())
    ///     .await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn start(self, receiver: Receiver<E>) -> Result<Outbound<E>, StartError> {
        let Self {
            place, settings, ..
        } = self;
        let (stream, subject) = place.open().await?;
        let client = place.context.client();
        let inbox = client.new_inbox();
        let acks = client.subscribe(format!("{inbox}.>")).await;
        let mut broker = Broker {
            acks: acks.map_err(StartError::broker)?,
            client,
            stream,
            subject: subject.into(),
            source: place.source,
            epoch: 0,
            inbox,
        };
        let last = broker.last(settings.ack_timeout).await;
        let last = last.map_err(StartError::broker)?;
        let before = last.as_ref().and_then(|last| Origin::of(&last.headers));
        broker.epoch = epoch_after(before.map_or(0, |before| before.epoch));
        let mut relay = Relay {
            receiver,
            encode: Box::new(self.encode),
            on_reject: self.on_reject,
            counters: Arc::new(Counters::default()),
            since: self.since.unwrap_or(broker.epoch),
            window: settings.in_flight,
            state: State::new(&broker),
            broker,
            settings,
        };
        relay.take_up(last.as_ref()).expect("it is the latest");
        Ok(Outbound::start(relay))
    }

    /// [Starts](Self::start) a relay that goes on where another one was stopped, of the same stream and
    /// source.
    ///
    /// # Errors
    ///
    /// As [`start`](Self::start).
    ///
    /// # Panics
    ///
    /// As [`start`](Self::start).
    ///
    /// ```no_run
    /// # use eventring_nats::{Outbound, Stopped, StartError};
    /// # use async_nats::jetstream::Context;
    /// async fn go_on(other: Context, stopped: Stopped<String>) -> Result<(), StartError> {
    ///     let relay = Outbound::builder(other, "AUDIT", "api-1")
    ///         .encode(|event: &String, out| out.extend_from_slice(event.as_bytes()))
    ///         .resume(stopped)
    ///         .await?;
    ///     relay.join().await;
    ///     Ok(())
    /// }
    /// ```
    pub async fn resume(mut self, stopped: Stopped<E>) -> Result<Outbound<E>, StartError> {
        self.since = Some(stopped.since);
        self.start(stopped.receiver).await
    }
}

/// The time in nanoseconds, unless the clock is behind the run before: then a number that no other run is
/// likely to choose, too.
fn epoch_after(before: u64) -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let now = now.map_or(0, |since| since.as_nanos() as u64);
    if now > before {
        now
    } else {
        before + 1 + RandomState::new().hash_one(now) % (1 << 20)
    }
}

impl<E, C> fmt::Debug for OutboundBuilder<E, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OutboundBuilder")
            .field("stream", &self.place.config.name)
            .field("source", &self.place.source)
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}
