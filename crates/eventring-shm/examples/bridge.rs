//! From a ring to browsers: one receiver, which sleeps until it is woken, publishes into an
//! [`EventBus`], and each browser has a lossy receiver of that, as server-sent events.
//!
//! ```sh
//! cargo run --release -p eventring-shm --example ticker
//! cargo run --release -p eventring-shm --example bridge
//! curl -N http://127.0.0.1:3000/events
//! ```

use axum::Router;
use axum::extract::State;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::routing::get;
use clap::Parser;
use eventring::{EventBus, Start};
use eventring_shm::{End, EventRing, resolve};
use futures::{Stream, StreamExt};
use std::convert::Infallible;
use std::path::PathBuf;
use std::sync::Arc;

#[derive(Parser)]
struct Arguments {
    /// The ring; waited for if there is none
    #[arg(long, default_value = "ticker")]
    name: PathBuf,
    /// Where to listen
    #[arg(long, default_value = "127.0.0.1:3000")]
    listen: String,
}

/// Shared by all browsers.
type Shared = EventBus<Arc<eventring_shm::Event>>;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments = Arguments::parse();
    let bus: Shared = EventBus::new(1024);
    let routes = Router::new()
        .route("/events", get(events))
        .with_state(bus.clone());
    let listener = tokio::net::TcpListener::bind(&arguments.listen).await?;
    println!("listening on http://{}/events", listener.local_addr()?);
    let server = tokio::spawn(async move { axum::serve(listener, routes).await });
    pump(&arguments.name, &bus).await?;
    bus.close();
    server.abort();
    Ok(())
}

/// Until the ring is closed. A new ring of that name is as good as the old one.
async fn pump(name: &std::path::Path, bus: &Shared) -> Result<(), Box<dyn std::error::Error>> {
    let ring = EventRing::wait_for(resolve(name)).await?;
    let mut receiver = ring.subscribe(Start::Next);
    loop {
        while let Some(event) = receiver.recv().await {
            bus.publish(Arc::new(event)).await?;
        }
        match receiver.end() {
            Some(End::Replaced) => receiver.reattach().await?,
            Some(End::Closed) | None => return Ok(()),
            Some(end) => return Err(end.into()),
        }
    }
}

async fn events(State(bus): State<Shared>) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let stream = bus.subscribe_lossy().map(|event| {
        let text = String::from_utf8_lossy(&event.payload).into_owned();
        Ok(Event::default()
            .id(event.seq.to_string())
            .data(text.replace(['\n', '\r'], " ")))
    });
    Sse::new(stream).keep_alive(KeepAlive::default())
}
