//! From a bus to a stream.

mod broker;
mod builder;
mod relay;
mod stats;

pub use builder::OutboundBuilder;
pub use stats::Stats;

use async_nats::jetstream::Context;
use eventring::{Receiver, Watermark};
use relay::Relay;
use stats::Counters;
use std::fmt;
use std::panic::resume_unwind;
use std::sync::Arc;
use std::time::Duration;
use tokio::select;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep_until};
use tracing::Instrument;

/// A relay from a bus to a stream: a task that owns a committing receiver, and commits what the broker has
/// acknowledged.
///
/// If it is dropped, the task goes on until the bus is closed and everything is stored.
///
/// ```no_run
/// use eventring_nats::{End, Outbound};
/// use std::time::Duration;
///
/// async fn until_stopped(relay: Outbound<String>, stop: impl Future<Output = ()>) {
///     tokio::select! {
///         () = relay.ended() => {}
///         () = stop => {}
///     }
///     let stopped = relay.stop(Duration::from_secs(10)).await;
///     match stopped.end {
///         End::Complete => {}
///         end => eprintln!("{end:?}: {} events are left", stopped.left()),
///     }
/// }
/// ```
pub struct Outbound<E> {
    stored: Watermark<E>,
    counters: Arc<Counters>,
    orders: watch::Sender<Order>,
    task: JoinHandle<Stopped<E>>,
}

/// To store what is in the bus, until then. Default: everything, for ever.
#[derive(Clone, Copy, Default)]
struct Order {
    stop: bool,
    deadline: Option<Instant>,
}

impl<E> Outbound<E> {
    /// A relay that stores the events as messages of this stream, from a source of this name. A source is
    /// one process, or one bus of it: it has a subject for itself.
    ///
    /// ```no_run
    /// # fn example(jetstream: async_nats::jetstream::Context) {
    /// use eventring_nats::Outbound;
    ///
    /// let relay = Outbound::<String>::builder(jetstream, "AUDIT", "api-1");
    /// # }
    /// ```
    pub fn builder(
        context: Context,
        stream: impl Into<String>,
        source: impl Into<String>,
    ) -> OutboundBuilder<E> {
        OutboundBuilder::new(context, stream.into(), source.into())
    }

    /// What is on the broker: [`reached`](Watermark::reached) waits for an event. Events that were
    /// [skipped](Reject::Skip) count too.
    ///
    /// ```no_run
    /// # async fn example(relay: &eventring_nats::Outbound<String>, sequence: u64) {
    /// match relay.stored().reached(sequence).await {
    ///     Ok(()) => println!("{sequence} is on the broker"),
    ///     Err(_) => eprintln!("the relay has ended before"),
    /// }
    /// # }
    /// ```
    pub fn stored(&self) -> &Watermark<E> {
        &self.stored
    }

    /// What it has done so far.
    ///
    /// ```no_run
    /// # fn example(relay: &eventring_nats::Outbound<String>) {
    /// let stats = relay.stats();
    /// println!("{} stored, {} in flight", stats.stored, stats.in_flight);
    /// # }
    /// ```
    pub fn stats(&self) -> Stats {
        self.counters.stats()
    }

    /// What it counts, to be [recorded](crate::Metrics::record) under this name for the recorder that is installed
    /// with the [`metrics`] facade. Needs the feature `metrics`.
    ///
    /// ```no_run
    /// # fn example(relay: &eventring_nats::Outbound<String>) {
    /// let mut metrics = relay.metrics("audit");
    /// metrics.record();
    /// # }
    /// ```
    #[cfg(feature = "metrics")]
    pub fn metrics(&self, relay: impl Into<String>) -> crate::Metrics {
        let counters = Arc::clone(&self.counters);
        let label = ("relay", relay.into());
        crate::Metrics::new(label, stats::METRICS, move || counters.stats())
    }

    /// Resolves when the relay has ended: [`join`](Self::join) says why.
    ///
    /// # Cancel safety
    ///
    /// Dropping it has no effect.
    ///
    /// ```no_run
    /// # async fn example(relay: eventring_nats::Outbound<String>) {
    /// relay.ended().await;
    /// eprintln!("{:?}", relay.join().await.end);
    /// # }
    /// ```
    pub async fn ended(&self) {
        self.orders.closed().await;
    }

    /// Waits until it ends by itself: because the bus is closed and everything is stored, or by
    /// [`End::Fenced`], [`End::Rejected`] or [`End::Disconnected`].
    ///
    /// # Panics
    ///
    /// If a function of the builder did.
    ///
    /// # Cancel safety
    ///
    /// As if the relay was dropped.
    ///
    /// ```no_run
    /// # async fn example(bus: eventring::EventBus<String>, relay: eventring_nats::Outbound<String>) {
    /// bus.close();
    /// assert_eq!(relay.join().await.end, eventring_nats::End::Complete);
    /// # }
    /// ```
    pub async fn join(self) -> Stopped<E> {
        match self.task.await {
            Ok(stopped) => stopped,
            Err(error) => match error.try_into_panic() {
                Ok(payload) => resume_unwind(payload),
                Err(error) => panic!("the runtime is shut down: {error}"),
            },
        }
    }

    /// Stores what is in the bus now, for at most this time. Then it ends, and says what is left.
    ///
    /// # Panics
    ///
    /// As [`join`](Self::join).
    ///
    /// # Cancel safety
    ///
    /// The relay ends all the same.
    ///
    /// ```no_run
    /// # use std::time::Duration;
    /// # async fn example(relay: eventring_nats::Outbound<String>) {
    /// let stopped = relay.stop(Duration::from_secs(5)).await;
    /// println!("{} are left", stopped.left());
    /// # }
    /// ```
    pub async fn stop(self, timeout: Duration) -> Stopped<E> {
        self.orders.send_replace(Order {
            stop: true,
            deadline: Instant::now().checked_add(timeout),
        });
        self.join().await
    }

    fn start(relay: Relay<E>) -> Self
    where
        E: Send + Sync + 'static,
    {
        let (orders, ordered) = watch::channel(Order::default());
        let span = tracing::info_span!("relay", subject = %relay.broker.subject);
        Self {
            stored: relay.receiver.watermark(),
            counters: Arc::clone(&relay.counters),
            orders,
            task: tokio::spawn(run(relay, ordered).instrument(span)),
        }
    }
}

async fn run<E: Send + Sync>(mut relay: Relay<E>, orders: watch::Receiver<Order>) -> Stopped<E> {
    let end = select! {
        end = relay.run(orders.clone()) => end,
        () = late(orders) => End::Late,
    };
    tracing::info!(?end, stored = relay.receiver.committed(), "relay ends");
    relay.stopped(end)
}

async fn late(mut orders: watch::Receiver<Order>) {
    let ordered = orders.wait_for(|order| order.stop).await;
    match ordered.ok().and_then(|order| order.deadline) {
        Some(deadline) => sleep_until(deadline).await,
        None => std::future::pending().await,
    }
}

impl<E> fmt::Debug for Outbound<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outbound")
            .field("stored", &self.stored.get())
            .field("stats", &self.stats())
            .finish_non_exhaustive()
    }
}

/// Why a relay has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum End {
    /// Everything is stored: the bus is closed, or the relay was stopped.
    Complete,
    /// It was stopped, and the time was not enough.
    Late,
    /// A relay of the same name has started after this one, and has taken over.
    Fenced,
    /// The broker does not take the next event, and [`on_reject`](OutboundBuilder::on_reject) said to stop.
    Rejected(Rejection),
    /// The client is drained, or has given up to reconnect.
    Disconnected,
}

/// Why the broker does not take an event, now or ever.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Rejection {
    /// It is larger than a message of the stream, or of the server, may be.
    TooLarge,
    /// The stream is full, and discards what is new.
    Full,
}

/// What to do about an event that the broker does not take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reject {
    /// Try again, after a while: all events after it wait.
    Retry,
    /// Go on without it.
    Skip,
    /// End the relay by [`End::Rejected`].
    Stop,
}

/// What a relay that has ended leaves.
#[derive(Debug)]
pub struct Stopped<E> {
    /// Why it has ended.
    pub end: End,
    /// With what it has not stored: it is the next that this receives. Publishers are held up by it, until
    /// it is dropped, or another relay [goes on](OutboundBuilder::resume) with it.
    pub receiver: Receiver<E>,
    since: u64,
}

impl<E> Stopped<E> {
    /// The sequence number before which everything is on the broker.
    ///
    /// ```no_run
    /// # fn example(stopped: eventring_nats::Stopped<String>) {
    /// println!("the broker has all before {}", stopped.stored());
    /// # }
    /// ```
    pub fn stored(&self) -> u64 {
        self.receiver.committed()
    }

    /// How many events are in the bus that are not known to be on the broker.
    ///
    /// ```no_run
    /// # fn example(mut stopped: eventring_nats::Stopped<String>) {
    /// eprintln!("{} are not stored, as far as is known:", stopped.left());
    /// while let Ok(event) = stopped.receiver.try_recv() {
    ///     eprintln!("{event}");
    /// }
    /// # }
    /// ```
    pub fn left(&self) -> u64 {
        self.receiver.len() as u64
    }
}
