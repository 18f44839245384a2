//! A WebSocket's client that may be gone. The connection is in memory, so that time, which is paused, passes when
//! everybody waits for it.

use crate::watched;
use axum::Router;
use axum::extract::ws::{Message, WebSocketUpgrade};
use axum::routing;
use axum::serve::Listener;
use eventring::EventBus;
use eventring_tower::forward;
use futures::StreamExt;
use std::future::{pending, ready};
use std::io;
use tokio::io::{DuplexStream, duplex};
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_tungstenite::{WebSocketStream, client_async, tungstenite};

/// Its one connection, then none.
struct Once(Option<DuplexStream>);

impl Listener for Once {
    type Io = DuplexStream;
    type Addr = ();

    async fn accept(&mut self) -> (DuplexStream, ()) {
        match self.0.take() {
            Some(stream) => (stream, ()),
            None => pending().await,
        }
    }

    fn local_addr(&self) -> io::Result<()> {
        Ok(())
    }
}

/// How the server's side ends.
type End = Result<(), axum::Error>;

/// A client of a bus of texts, to which 1 KiB can be on the way.
async fn connect(bus: &EventBus<String>) -> (WebSocketStream<DuplexStream>, mpsc::Receiver<End>) {
    let (client, server) = duplex(1024);
    let (ended, end) = mpsc::channel(1);
    let bus = bus.clone();
    let socket = move |upgrade: WebSocketUpgrade| {
        let (receiver, ended) = (bus.subscribe_lossy(), ended.clone());
        let message = |_, event: &String| Message::from(event.as_str());
        let serve = move |socket| async move {
            let end = forward(socket, receiver, message).await;
            ended.send(end).await.unwrap();
        };
        ready(upgrade.on_upgrade(serve))
    };
    let app = Router::new().route("/socket", routing::any(socket));
    tokio::spawn(axum::serve(Once(Some(server)), app).into_future());
    let (socket, _) = client_async("ws://server/socket", client).await.unwrap();
    (socket, end)
}

#[tokio::test(start_paused = true)]
async fn one_who_answers_stays() {
    watched(async {
        let bus = EventBus::new(4);
        let (mut socket, mut end) = connect(&bus).await;
        let start = Instant::now();
        for pings in 1..=5 {
            let heard = socket.next().await.unwrap().unwrap();
            assert!(matches!(heard, tungstenite::Message::Ping(_)), "{heard:?}");
            assert_eq!(start.elapsed().as_secs(), 15 * pings);
        }
        bus.try_publish("still here".to_owned()).unwrap();
        let heard = socket.next().await.unwrap().unwrap();
        assert_eq!(heard.into_text().unwrap(), "still here");
        assert!(end.try_recv().is_err(), "it has ended");
    })
    .await;
}

/// A client that does nothing, to which this is sent, is taken for gone after so many seconds.
async fn is_gone_after(seconds: u64, sent: Option<String>, why: &str) {
    watched(async {
        let bus = EventBus::new(4);
        let (_silent, mut end) = connect(&bus).await;
        let start = Instant::now();
        if let Some(event) = sent {
            bus.try_publish(event).unwrap();
        }
        let error = end.recv().await.unwrap().unwrap_err();
        assert_eq!(error.to_string(), why);
        assert_eq!(start.elapsed().as_secs(), seconds);
        bus.deserted().await;
    })
    .await;
}

/// The first ping is to be answered when the second is due.
#[tokio::test(start_paused = true)]
async fn one_who_does_not_answer_is_gone() {
    is_gone_after(30, None, "the client does not answer").await;
}

#[tokio::test(start_paused = true)]
async fn one_who_does_not_read_is_gone() {
    is_gone_after(15, Some("x".repeat(1 << 20)), "the client does not read").await;
}
