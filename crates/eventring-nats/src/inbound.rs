//! From a stream into a bus.

mod builder;
mod feed;
mod order;
mod origin;
mod source;
mod stats;

pub use builder::{Ack, InboundBuilder, Start, StartError};
pub use origin::Origin;
pub use stats::Stats;

use async_nats::jetstream::Context;
use async_nats::jetstream::message::StreamMessage;
use feed::Feed;
use stats::Counters;
use std::error::Error;
use std::fmt;
use std::panic::resume_unwind;
use std::sync::Arc;
use std::time::Duration;
use tokio::select;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tracing::Instrument;

/// A feed from a stream into a bus: a task that pulls from a durable consumer, publishes every message in
/// the order of the stream, and [acknowledges](Ack) it when the bus, or a sink, has it.
///
/// If it is dropped, the task goes on until it ends by itself. It keeps the bus open.
///
/// ```no_run
/// use eventring::{EventBus, WaitStrategy};
/// use eventring_nats::inbound::{Ack, Delivered, Inbound};
/// use std::time::Duration;
///
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let client = async_nats::connect("localhost").await?;
/// let jetstream = async_nats::jetstream::new(client);
///
/// let bus = EventBus::<Delivered<String>>::with_strategy(1024, WaitStrategy::Block);
/// let mut sink = bus.subscribe_committing();
/// let feed = Inbound::builder(jetstream, "AUDIT", "search")
///     .filter("audit.*.orders")
///     .ack(Ack::Committed(sink.watermark()))
///     .start(bus, |message| String::from_utf8(message.payload.to_vec()))
///     .await?;
///
/// while let Some(batch) = sink.recv_batch(64).await {
///     for (_, delivered) in batch.iter() {
///         println!("{}: {}", delivered.stream_sequence, delivered.event);
///     }
///     batch.commit(); // the broker is told
/// }
/// let stopped = feed.stop(Duration::from_secs(5)).await;
/// # Ok(())
/// # }
/// ```
pub struct Inbound {
    counters: Arc<Counters>,
    stop: watch::Sender<bool>,
    deadline: watch::Sender<Option<Duration>>,
    task: JoinHandle<Stopped>,
}

/// An event of a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivered<E> {
    /// Its sequence number in the stream: larger than that of the event before, by more than one if others
    /// are not for this feed.
    pub stream_sequence: u64,
    /// Who has published it, if that was an [`Outbound`](crate::Outbound).
    pub origin: Option<Origin>,
    /// What its message was decoded to.
    pub event: E,
}

impl Inbound {
    /// A feed from this stream, by a durable consumer of this name, which is made if it is not there. A
    /// consumer is for one process at a time.
    ///
    /// ```no_run
    /// # fn example(jetstream: async_nats::jetstream::Context) {
    /// use eventring_nats::inbound::{Delivered, Inbound};
    ///
    /// let feed = Inbound::builder::<Delivered<String>>(jetstream, "AUDIT", "search");
    /// # }
    /// ```
    pub fn builder<B>(
        context: Context,
        stream: impl Into<String>,
        durable: impl Into<String>,
    ) -> InboundBuilder<B> {
        InboundBuilder::new(context, stream.into(), durable.into())
    }

    /// What it has done so far.
    ///
    /// ```no_run
    /// # fn example(feed: &eventring_nats::Inbound) {
    /// let stats = feed.stats();
    /// println!("{} published, up to {}", stats.published, stats.stream_sequence);
    /// # }
    /// ```
    pub fn stats(&self) -> Stats {
        self.counters.stats()
    }

    /// What it counts, to be [recorded](crate::Metrics::record) under this name for the recorder that is installed
    /// with the [`metrics`] facade. Needs the feature `metrics`.
    ///
    /// ```no_run
    /// # fn example(feed: &eventring_nats::Inbound) {
    /// let mut metrics = feed.metrics("search");
    /// metrics.record();
    /// # }
    /// ```
    #[cfg(feature = "metrics")]
    pub fn metrics(&self, feed: impl Into<String>) -> crate::Metrics {
        let counters = Arc::clone(&self.counters);
        let label = ("feed", feed.into());
        crate::Metrics::new(label, stats::METRICS, move || counters.stats())
    }

    /// Resolves when the feed has ended: [`join`](Self::join) says why.
    ///
    /// # Cancel safety
    ///
    /// Dropping it has no effect.
    ///
    /// ```no_run
    /// # async fn example(feed: eventring_nats::Inbound) {
    /// feed.ended().await;
    /// eprintln!("{}", feed.join().await.end);
    /// # }
    /// ```
    pub async fn ended(&self) {
        self.stop.closed().await;
    }

    /// Waits until it ends by itself.
    ///
    /// # Panics
    ///
    /// If a function of the builder did.
    ///
    /// # Cancel safety
    ///
    /// As if the feed was dropped.
    ///
    /// ```no_run
    /// # async fn example(feed: eventring_nats::Inbound) {
    /// let stopped = feed.join().await;
    /// eprintln!("{}; {} come again", stopped.end, stopped.left);
    /// # }
    /// ```
    pub async fn join(self) -> Stopped {
        match self.task.await {
            Ok(stopped) => stopped,
            Err(error) => match error.try_into_panic() {
                Ok(payload) => resume_unwind(payload),
                Err(error) => panic!("the runtime is shut down: {error}"),
            },
        }
    }

    /// Publishes nothing more, acknowledges what is published, waiting for a sink to
    /// [commit](Ack::Committed) for at most this time, and ends.
    ///
    /// # Panics
    ///
    /// As [`join`](Self::join).
    ///
    /// # Cancel safety
    ///
    /// The feed ends all the same.
    ///
    /// ```no_run
    /// # use std::time::Duration;
    /// # async fn example(feed: eventring_nats::Inbound) {
    /// let stopped = feed.stop(Duration::from_secs(5)).await;
    /// println!("{} come again", stopped.left);
    /// # }
    /// ```
    pub async fn stop(self, timeout: Duration) -> Stopped {
        self.deadline.send_replace(Some(timeout));
        self.stop.send_replace(true);
        self.join().await
    }

    fn start<B, E, D>(mut feed: Feed<B, D>) -> Self
    where
        B: From<Delivered<E>> + Send + Sync + 'static,
        E: 'static,
        D: FnMut(&StreamMessage) -> Result<E, Box<dyn Error + Send + Sync>> + Send + 'static,
    {
        let (stop, stopped) = watch::channel(false);
        let (deadline, limit) = watch::channel(None);
        let counters = Arc::clone(&feed.counters);
        let span = feed.source.span();
        let run = async move {
            let end = select! {
                end = feed.run(stopped) => end,
                () = late(limit) => End::Late,
            };
            let left = feed.unacknowledged();
            tracing::info!(%end, left, published = feed.counters.stats().published, "feed ends");
            Stopped { end, left }
        };
        let task = tokio::spawn(run.instrument(span));
        Self {
            counters,
            stop,
            deadline,
            task,
        }
    }
}

async fn late(mut limit: watch::Receiver<Option<Duration>>) {
    let limit = limit
        .wait_for(Option::is_some)
        .await
        .ok()
        .and_then(|limit| *limit);
    let _ = timeout(limit.unwrap_or(Duration::MAX), std::future::pending::<()>()).await;
}

impl fmt::Debug for Inbound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inbound")
            .field("stats", &self.stats())
            .finish_non_exhaustive()
    }
}

/// What a feed that has ended leaves.
#[derive(Debug)]
pub struct Stopped {
    /// Why it has ended.
    pub end: End,
    /// How many events are published and not acknowledged: they come again, to the next feed.
    pub left: usize,
}

/// Why a feed has ended.
#[derive(Debug)]
#[non_exhaustive]
pub enum End {
    /// It was stopped, and what is published is acknowledged.
    Stopped,
    /// It was stopped, and the time was not enough.
    Late,
    /// The bus is closed.
    BusClosed,
    /// The sink that had to [commit](Ack::Committed) is gone.
    SinkGone,
    /// The consumer was deleted, or made anew by somebody else.
    ConsumerDeleted,
    /// The stream was deleted.
    StreamDeleted,
    /// A message could not be decoded, and [`on_undecodable`](InboundBuilder::on_undecodable) did not say
    /// to skip it. It is not acknowledged.
    Undecodable {
        /// The message's sequence number in the stream.
        stream_sequence: u64,
        /// What the decoder said.
        error: Box<dyn Error + Send + Sync>,
    },
    /// The client is drained, or has given up to reconnect.
    Disconnected,
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Stopped => "it was stopped",
            Self::Late => "it was stopped, and not everything was committed in time",
            Self::BusClosed => "the bus is closed",
            Self::SinkGone => "the sink that had to commit is gone",
            Self::ConsumerDeleted => "the consumer was deleted",
            Self::StreamDeleted => "the stream was deleted",
            Self::Undecodable {
                stream_sequence,
                error,
            } => {
                return write!(f, "message {stream_sequence} cannot be decoded: {error}");
            }
            Self::Disconnected => "the client was closed",
        })
    }
}

/// A message that could not be decoded.
#[derive(Debug)]
pub struct Undecodable<'a> {
    /// The message.
    pub message: &'a StreamMessage,
    /// What the decoder said.
    pub error: &'a (dyn Error + Send + Sync + 'static),
}

/// What to do about a message that cannot be decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Undecoded {
    /// Go on without it. The broker is told not to deliver it again, and counts it as terminated.
    Skip,
    /// End the feed by [`End::Undecodable`].
    Stop,
}
