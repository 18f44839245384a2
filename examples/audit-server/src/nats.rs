//! The audit, sent on to a stream of NATS JetStream: what is on disk, in its order, each event once.
//!
//! The disk is the buffer: nobody waits for the broker. What is stored is copied to a bus of its own, which
//! begins where the stream ends, and from which a relay sends it. After a restart, too: the stream says where
//! to go on, and what is before the ring is read from the disk.

use crate::event::{AuditEvent, Numbered};
use anyhow::{Context, bail};
use async_nats::{ConnectOptions, ServerAddr, jetstream};
use eventring::{EventBus, Start, WaitStrategy};
use eventring_log::{Error, Json, Log, Subscription};
use eventring_nats::{End, Outbound, StartError};
use futures::StreamExt;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

const STREAM: &str = "AUDIT";
/// Between two attempts of what has failed.
const PAUSE: Duration = Duration::from_secs(1);

type Event = Arc<AuditEvent>;
type Copies = EventBus<(u64, Event)>;

/// Where the audit is sent from, and to.
pub struct Route {
    pub log: Log<Json<Event>>,
    pub bus: EventBus<Event>,
    pub server: ServerAddr,
    /// The name that the stream has for this audit.
    pub source: String,
}

/// The task that does it.
pub struct Sending(JoinHandle<()>);

impl Sending {
    /// Begins, whether the broker is there or not. Ends when the bus is closed and everything is sent.
    pub fn start(route: Route) -> Self {
        Self(tokio::spawn(async move {
            if let Err(error) = send(&route).await {
                tracing::error!("the audit is no longer sent on: {error:#}");
            }
        }))
    }

    /// Once the audit is closed: what is not sent within this time, the next run sends.
    pub async fn finish(self, limit: Duration) {
        let Self(mut task) = self;
        if timeout(limit, &mut task).await.is_err() {
            tracing::warn!("not all of the audit is sent on: the next run goes on with it");
            task.abort();
        }
    }
}

async fn send(route: &Route) -> anyhow::Result<()> {
    let options = ConnectOptions::new().retry_on_initial_connect();
    let client = options.connect(route.server.clone()).await?;
    let context = jetstream::new(client);
    let (events, copies, relay) = loop {
        match route.begin(&context).await {
            Err(error) if is_passing(&error) => tracing::warn!("{error:#}; again in {PAUSE:?}"),
            begun => break begun?,
        }
        sleep(PAUSE).await;
    };
    let copied = tokio::select! {
        copied = copy(events, &copies) => copied,
        () = relay.ended() => Ok(()),
    };
    copies.close();
    let end = relay.join().await.end;
    copied?;
    match end {
        End::Complete => Ok(()),
        End::Fenced => bail!("another server sends its own by the same name: see --nats-source"),
        end => bail!("the relay has ended: {end:?}"),
    }
}

fn is_passing(error: &anyhow::Error) -> bool {
    matches!(error.downcast_ref(), Some(StartError::Broker(_)))
}

impl Route {
    /// What is to be copied, where to, and what sends it.
    async fn begin(
        &self,
        context: &jetstream::Context,
    ) -> anyhow::Result<(Subscription<Json<Event>>, Copies, Outbound<(u64, Event)>)> {
        let relay = Outbound::builder(context.clone(), STREAM, &self.source)
            .continued()
            .encode(|(sequence, event): &(u64, Event), out| {
                let event = Numbered {
                    sequence: *sequence,
                    event,
                };
                serde_json::to_writer(out, &event).expect("it can be written");
            });
        let next = relay.next().await?;
        if next > self.log.next() {
            bail!(
                "the stream has more events of {} than the database: it is that of another one, see --nats-source",
                self.source
            );
        }
        let events = self
            .log
            .subscribe_stored(&self.bus, Start::Sequence(next))?;
        let first = events.position();
        if next < first {
            tracing::error!(
                "events {next} to {} are trimmed, and cannot be sent on",
                first - 1
            );
        }
        let copies = EventBus::builder()
            .capacity(self.bus.capacity())
            .strategy(WaitStrategy::Block)
            .first(first)
            .build()?;
        let relay = relay.start(copies.subscribe_committing()).await?;
        tracing::info!(
            "the audit is sent on as {}, from event {first} on",
            self.source
        );
        Ok((events, copies, relay))
    }
}

/// Until the audit's end.
async fn copy(mut events: Subscription<Json<Event>>, copies: &Copies) -> anyhow::Result<()> {
    while let Some(event) = events.next().await {
        match event {
            Ok(event) => {
                copies.publish(event).await?;
            }
            Err(error @ Error::Store(_)) => {
                tracing::warn!("{error}; again in {PAUSE:?}");
                sleep(PAUSE).await;
            }
            Err(error) => return Err(error).context("the next event cannot be sent"),
        }
    }
    Ok(())
}
