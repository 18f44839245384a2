//! A real server of axum's: whatever becomes of a request, there is one event of it.

mod body;
mod example;
mod gone;
mod live;
mod outcomes;
mod room;

use axum::Router;
use eventring::{EventBus, Receiver, WaitStrategy};
use eventring_tower::{Outcome, RequestId};
use http::request::Parts;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};

/// Runs the test, and fails if it hangs. Not a measure of anything.
async fn watched<T>(test: impl Future<Output = T>) -> T {
    let limit = Duration::from_secs(120);
    tokio::time::timeout(limit, test)
        .await
        .expect("the test hangs")
}

/// What is recorded here.
#[derive(Clone, Debug)]
struct Event {
    id: RequestId,
    path: String,
    outcome: Outcome,
}

/// A bus on which an event takes room until it is committed.
fn bus(capacity: usize) -> (EventBus<Event>, Receiver<Event>) {
    let bus = EventBus::builder()
        .capacity(capacity)
        .strategy(WaitStrategy::Block)
        .first(100)
        .build()
        .unwrap();
    let sink = bus.subscribe_committing();
    (bus, sink)
}

fn describe(request: &Parts) -> impl FnOnce(&Outcome) -> Event + Send + 'static + use<> {
    let id = request.extensions.get::<RequestId>().unwrap().clone();
    let path = request.uri.path().to_owned();
    move |outcome| Event {
        id,
        path,
        outcome: outcome.clone(),
    }
}

async fn serve(app: Router) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(axum::serve(listener, app).into_future());
    address
}

async fn get(address: SocketAddr, path: &str) -> reqwest::Response {
    reqwest::get(format!("http://{address}{path}"))
        .await
        .unwrap()
}

/// A request on a connection of its own, which ends when this is dropped.
async fn raw(address: SocketAddr, method: &str, path: &str) -> TcpStream {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!("{method} {path} HTTP/1.1\r\nHost: here\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    stream
}
