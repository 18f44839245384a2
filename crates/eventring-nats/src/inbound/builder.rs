//! How a feed is to be, and where it begins.

use super::feed::{Feed, Hook};
use super::order::Order;
use super::source::Source;
use super::stats::Counters;
use super::{Delivered, Inbound, Undecodable, Undecoded};
use async_nats::jetstream::Context;
use async_nats::jetstream::consumer::pull::Config;
use async_nats::jetstream::consumer::{AckPolicy, Consumer, DeliverPolicy};
use async_nats::jetstream::context::ConsumerInfoErrorKind;
use async_nats::jetstream::message::StreamMessage;
use async_nats::jetstream::stream::{ConsumerErrorKind, Stream};
use async_nats::jetstream::{ErrorCode, consumer};
use eventring::{EventBus, WaitStrategy, Watermark};
use std::collections::VecDeque;
use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

/// A feed that is to be started: see [`Inbound::builder`].
pub struct InboundBuilder<B> {
    context: Context,
    stream: String,
    durable: String,
    filter: String,
    start: Start,
    ack: Ack<B>,
    in_flight: u32,
    ack_wait: Duration,
    skipped_source: Option<String>,
    hook: Hook,
}

/// When a message is acknowledged: what a process that dies has not acknowledged, the next one gets again.
#[derive(Debug)]
pub enum Ack<B> {
    /// When it is published. What the ring holds is lost with the process.
    Published,
    /// When the receiver that this is the watermark of, one of the bus, has committed it.
    Committed(Watermark<B>),
}

/// With which message of the stream a feed begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Start {
    /// A new consumer: with the next message that is stored. One that is there: where it has come to.
    New,
    /// A new consumer: with the first message of this sequence number or a later one. One that is there:
    /// where it has come to.
    Sequence(u64),
    /// A new consumer: with the first message that was stored then or later. One that is there: where it
    /// has come to.
    Time(SystemTime),
    /// After the message of this sequence number, whatever was acknowledged: for a sink that has stored
    /// the number together with the event. The consumer is made anew, and a feed that has it elsewhere ends.
    After(u64),
}

impl<B> InboundBuilder<B> {
    pub(super) fn new(context: Context, stream: String, durable: String) -> Self {
        Self {
            context,
            stream,
            durable,
            filter: ">".into(),
            start: Start::Sequence(1),
            ack: Ack::Published,
            in_flight: 1024,
            ack_wait: Duration::from_secs(5),
            skipped_source: None,
            hook: Box::new(|_| Undecoded::Stop),
        }
    }

    /// Which subjects it is for. Default: all of the stream.
    ///
    /// ```no_run
    /// # use eventring_nats::inbound::{Delivered, Inbound};
    /// # fn example(jetstream: async_nats::jetstream::Context) {
    /// let feed = Inbound::builder::<Delivered<String>>(jetstream, "AUDIT", "search").filter("audit.*.orders");
    /// # }
    /// ```
    pub fn filter(mut self, subjects: impl Into<String>) -> Self {
        self.filter = subjects.into();
        self
    }

    /// Where it begins. Default: with the first message that the stream has.
    ///
    /// ```no_run
    /// # use eventring_nats::inbound::{Delivered, Inbound};
    /// # fn example(jetstream: async_nats::jetstream::Context) {
    /// use eventring_nats::inbound::Start;
    ///
    /// let feed = Inbound::builder::<Delivered<String>>(jetstream, "AUDIT", "search").from(Start::New);
    /// # }
    /// ```
    pub fn from(mut self, start: Start) -> Self {
        self.start = start;
        self
    }

    /// When a message is acknowledged. Default: when it is published.
    ///
    /// ```no_run
    /// # use eventring_nats::inbound::{Delivered, Inbound};
    /// # fn example(jetstream: async_nats::jetstream::Context) {
    /// use eventring::{EventBus, WaitStrategy};
    /// use eventring_nats::inbound::Ack;
    ///
    /// let bus = EventBus::<Delivered<String>>::with_strategy(1024, WaitStrategy::Block);
    /// let sink = bus.subscribe_committing();
    /// let feed = Inbound::builder(jetstream, "AUDIT", "search").ack(Ack::Committed(sink.watermark()));
    /// # }
    /// ```
    pub fn ack(mut self, ack: Ack<B>) -> Self {
        self.ack = ack;
        self
    }

    /// How many messages the broker sends ahead of their acknowledgements, at least 1. Default: 1024. With
    /// [`Ack::Committed`], a sink cannot have more before it commits.
    ///
    /// ```no_run
    /// # use eventring_nats::inbound::{Delivered, Inbound};
    /// # fn example(jetstream: async_nats::jetstream::Context) {
    /// let feed = Inbound::builder::<Delivered<String>>(jetstream, "AUDIT", "search").in_flight(256);
    /// # }
    /// ```
    pub fn in_flight(mut self, messages: u32) -> Self {
        self.in_flight = messages.max(1);
        self
    }

    /// How long the broker waits for the acknowledgement of a message, before it sends it again. While the
    /// feed lives, it asks for more time as long as it needs. Default: 5 s.
    ///
    /// ```no_run
    /// # use eventring_nats::inbound::{Delivered, Inbound};
    /// # fn example(jetstream: async_nats::jetstream::Context) {
    /// use std::time::Duration;
    ///
    /// let feed = Inbound::builder::<Delivered<String>>(jetstream, "AUDIT", "search")
    ///     .ack_wait(Duration::from_secs(30));
    /// # }
    /// ```
    pub fn ack_wait(mut self, time: Duration) -> Self {
        self.ack_wait = time;
        self
    }

    /// Leaves out what an [`Outbound`](crate::Outbound) of this source has published, so that a process
    /// does not get its own events back.
    ///
    /// ```no_run
    /// # use eventring_nats::inbound::{Delivered, Inbound};
    /// # fn example(jetstream: async_nats::jetstream::Context) {
    /// let feed = Inbound::builder::<Delivered<String>>(jetstream, "AUDIT", "search").skip_source("api-1");
    /// # }
    /// ```
    pub fn skip_source(mut self, source: impl Into<String>) -> Self {
        self.skipped_source = Some(source.into());
        self
    }

    /// What to do about a message that cannot be decoded. Default: stop.
    ///
    /// ```no_run
    /// # use eventring_nats::inbound::{Delivered, Inbound};
    /// # fn example(jetstream: async_nats::jetstream::Context) {
    /// use eventring_nats::inbound::Undecoded;
    ///
    /// let feed = Inbound::builder::<Delivered<String>>(jetstream, "AUDIT", "search")
    ///     .on_undecodable(|undecodable| {
    ///         eprintln!("{}: {}", undecodable.message.sequence, undecodable.error);
    ///         Undecoded::Skip
    ///     });
    /// # }
    /// ```
    pub fn on_undecodable(
        mut self,
        hook: impl FnMut(&Undecodable<'_>) -> Undecoded + Send + 'static,
    ) -> Self {
        self.hook = Box::new(hook);
        self
    }

    /// Starts it: every message is decoded, and published as a [`Delivered`], or what that becomes. The bus
    /// holds the feed back as it would any publisher.
    ///
    /// # Errors
    ///
    /// If the stream is not there, if there is a consumer of the name that is not like this, if the bus
    /// [drops](WaitStrategy::DropNewest) what it has no room for, or if the broker does not answer.
    ///
    /// # Cancel safety
    ///
    /// The consumer may have been made.
    ///
    /// ```no_run
    /// # use eventring_nats::inbound::{Delivered, Inbound, StartError};
    /// # async fn example(jetstream: async_nats::jetstream::Context) -> Result<(), StartError> {
    /// use eventring::{EventBus, WaitStrategy};
    ///
    /// let bus = EventBus::<Delivered<String>>::with_strategy(1024, WaitStrategy::Block);
    /// let mut receiver = bus.subscribe();
    /// let feed = Inbound::builder(jetstream, "AUDIT", "search")
    ///     .start(bus, |message| String::from_utf8(message.payload.to_vec()))
    ///     .await?;
    /// while let Some(delivered) = receiver.recv().await {
    ///     println!("{}", delivered.event);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub async fn start<E, X>(
        self,
        bus: EventBus<B>,
        mut decode: impl FnMut(&StreamMessage) -> Result<E, X> + Send + 'static,
    ) -> Result<Inbound, StartError>
    where
        B: From<Delivered<E>> + Send + Sync + 'static,
        E: 'static,
        X: Into<Box<dyn Error + Send + Sync>>,
    {
        if bus.strategy() == WaitStrategy::DropNewest {
            return Err(StartError::Unfit("the bus drops what it has no room for"));
        }
        let stream = self.context.get_stream(&self.stream).await;
        let stream = stream.map_err(StartError::broker)?;
        let consumer = self.open(&stream).await?;
        let info = consumer.cached_info();
        let delivered = info.delivered.stream_sequence;
        let done = match (self.start, info.num_ack_pending) {
            (Start::After(sequence), _) => sequence,
            (_, 0) => delivered,
            _ => info.ack_floor.stream_sequence,
        };
        let order = Order::new(done, delivered, info.delivered.consumer_sequence);
        Ok(Inbound::start(Feed {
            client: self.context.client(),
            source: Source::new(self.context.client(), stream, consumer, self.filter),
            bus,
            sink: match self.ack {
                Ack::Published => None,
                Ack::Committed(watermark) => Some(watermark),
            },
            decode: move |message: &StreamMessage| decode(message).map_err(Into::into),
            hook: self.hook,
            skipped_source: self.skipped_source,
            ack_wait: self.ack_wait,
            order,
            decoded: None,
            uncommitted: VecDeque::new(),
            left: 0,
            acknowledged: None,
            answers: Vec::new(),
            counters: Arc::new(Counters::default()),
            name: "".into(),
        }))
    }

    async fn open(&self, stream: &Stream) -> Result<Consumer<Config>, StartError> {
        let deliver_policy = match self.start {
            Start::New => DeliverPolicy::New,
            Start::Sequence(sequence) => from(sequence),
            Start::Time(time) => DeliverPolicy::ByStartTime {
                start_time: time.into(),
            },
            Start::After(sequence) => from(sequence.saturating_add(1)),
        };
        let mut config = Config {
            durable_name: Some(self.durable.clone()),
            deliver_policy,
            // An acknowledgement speaks for one message, which this process has: never for one that went to
            // another process, or was lost on its way.
            ack_policy: AckPolicy::Explicit,
            ack_wait: self.ack_wait,
            max_ack_pending: self.in_flight.into(),
            filter_subject: if self.filter == ">" {
                String::new()
            } else {
                self.filter.clone()
            },
            ..Config::default()
        };
        if let Start::After(_) = self.start {
            let deleted = stream.delete_consumer(&self.durable).await;
            if let Err(error) = deleted
                && !is_missing(&error.kind())
            {
                return Err(StartError::broker(error));
            }
        } else {
            match stream.consumer_info(&self.durable).await {
                Ok(info) => {
                    fit(&info.config, &config)?;
                    config.deliver_policy = info.config.deliver_policy;
                }
                Err(error) if error.kind() == ConsumerInfoErrorKind::NotFound => {}
                Err(error) => return Err(StartError::broker(error)),
            }
        }
        stream
            .create_consumer(config)
            .await
            .map_err(StartError::broker)
    }
}

fn from(sequence: u64) -> DeliverPolicy {
    match sequence {
        0 | 1 => DeliverPolicy::All,
        start_sequence => DeliverPolicy::ByStartSequence { start_sequence },
    }
}

fn is_missing(kind: &ConsumerErrorKind) -> bool {
    matches!(kind, ConsumerErrorKind::JetStream(error)
        if error.error_code() == ErrorCode::CONSUMER_NOT_FOUND)
}

fn fit(there: &consumer::Config, wanted: &Config) -> Result<(), StartError> {
    let unfit = if there.deliver_subject.is_some() {
        "the consumer is not one to pull from"
    } else if there.ack_policy != AckPolicy::Explicit {
        "the consumer does not acknowledge one by one"
    } else if there.filter_subject != wanted.filter_subject {
        "the consumer is for other subjects"
    } else if there.max_deliver > 0 {
        "the consumer gives up on a message"
    } else {
        return Ok(());
    };
    Err(StartError::Unfit(unfit))
}

impl<B> fmt::Debug for InboundBuilder<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InboundBuilder")
            .field("stream", &self.stream)
            .field("durable", &self.durable)
            .field("filter", &self.filter)
            .field("start", &self.start)
            .field("in_flight", &self.in_flight)
            .field("ack_wait", &self.ack_wait)
            .finish_non_exhaustive()
    }
}

/// Why a feed was not started.
#[derive(Debug)]
#[non_exhaustive]
pub enum StartError {
    /// The bus or the consumer cannot keep what is promised: it says why.
    Unfit(&'static str),
    /// The broker could not be asked, or has no such stream, or refused to make the consumer.
    Broker(async_nats::Error),
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unfit(why) => f.write_str(why),
            Self::Broker(error) => write!(f, "the broker: {error}"),
        }
    }
}

impl Error for StartError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Unfit(_) => None,
            Self::Broker(error) => Some(&**error),
        }
    }
}

impl StartError {
    fn broker(error: impl Into<async_nats::Error>) -> Self {
        Self::Broker(error.into())
    }
}
