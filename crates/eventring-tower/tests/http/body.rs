//! Answers that are recorded at their end.

use crate::{Event, bus, describe, get, raw, serve, watched};
use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::StatusCode;
use axum::http::header::CONTENT_LENGTH;
use axum::routing;
use eventring::{Receiver, TryRecvError};
use eventring_tower::{AuditLayer, End, Moment};
use futures::stream::{self, StreamExt};
use std::io;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, BufReader};

type Chunk = Result<Bytes, io::Error>;

/// Two chunks, and what comes then.
fn chunks(then: impl stream::Stream<Item = Chunk> + Send + 'static) -> Body {
    let two = ["hello ", "world"].map(|text| Ok(Bytes::from_static(text.as_bytes())));
    Body::from_stream(stream::iter(two).chain(then))
}

fn failing() -> Body {
    chunks(stream::once(async { Err(io::Error::other("on purpose")) }))
}

fn panicking() -> Body {
    chunks(stream::once(async { panic!("on purpose") }))
}

async fn setup() -> (SocketAddr, Receiver<Event>) {
    let (bus, events) = bus(8);
    let app = Router::new()
        .route("/known", routing::get("hello world"))
        .route("/chunks", routing::get(async || chunks(stream::empty())))
        .route(
            "/declared",
            routing::get(async || ([(CONTENT_LENGTH, "11")], chunks(stream::pending()))),
        )
        .route("/nothing", routing::get(async || StatusCode::NO_CONTENT))
        .route("/endless", routing::get(async || chunks(stream::pending())))
        .route("/failing", routing::get(async || failing()))
        .route("/panicking", routing::get(async || panicking()))
        .layer(AuditLayer::new(bus, describe).moment(Moment::End));
    (serve(app).await, events)
}

#[tokio::test]
async fn all_was_sent() {
    watched(async {
        let (address, mut events) = setup().await;
        for path in ["/known", "/chunks", "/declared"] {
            let answer = get(address, path).await;
            assert_eq!(answer.text().await.unwrap(), "hello world");
            let outcome = events.recv().await.unwrap().outcome;
            assert_eq!((outcome.end, outcome.bytes), (End::Answered, 11), "{path}");
            assert_eq!(outcome.status, Some(StatusCode::OK));
        }
    })
    .await;
}

/// There is no end of a body to wait for, and so the number is in the headers.
#[tokio::test]
async fn there_is_no_body() {
    watched(async {
        let (address, mut events) = setup().await;
        let answer = get(address, "/nothing").await;
        assert_eq!(answer.headers()["x-audit-sequence"], "100");
        assert_eq!(events.recv().await.unwrap().outcome.end, End::Answered);

        let url = format!("http://{address}/chunks");
        let answer = reqwest::Client::new().head(url).send().await.unwrap();
        assert_eq!(answer.headers()["x-audit-sequence"], "101");
        let outcome = events.recv().await.unwrap().outcome;
        assert_eq!((outcome.end, outcome.bytes), (End::Answered, 0));
    })
    .await;
}

#[tokio::test]
async fn the_client_is_gone_before_its_end() {
    watched(async {
        let (address, mut events) = setup().await;
        let mut connection = BufReader::new(raw(address, "GET", "/endless").await);
        let mut line = String::new();
        while line != "world\r\n" {
            line.clear();
            connection.read_line(&mut line).await.unwrap();
        }
        assert_eq!(events.try_recv().err(), Some(TryRecvError::Empty));
        drop(connection);
        let outcome = events.recv().await.unwrap().outcome;
        assert_eq!((outcome.end, outcome.bytes), (End::Cut, 11));
        assert_eq!(outcome.status, Some(StatusCode::OK));
    })
    .await;
}

#[tokio::test]
async fn it_fails_or_panics() {
    watched(async {
        let (address, mut events) = setup().await;
        for (path, end) in [("/failing", End::Failed), ("/panicking", End::Panicked)] {
            // Its beginning may not have been sent yet.
            let url = format!("http://{address}{path}");
            let read = async { reqwest::get(url).await?.bytes().await };
            read.await.unwrap_err();
            let outcome = events.recv().await.unwrap().outcome;
            assert_eq!((outcome.end, outcome.bytes), (end, 11));
        }
    })
    .await;
}

/// The last part of it comes once the event is stored; or not at all.
#[tokio::test]
async fn durable() {
    watched(async {
        for body in [false, true] {
            let (bus, mut events) = bus(4);
            let handler = async move || match body {
                true => chunks(stream::empty()),
                false => "hello world".into(),
            };
            let layer = AuditLayer::new(bus.clone(), describe).moment(Moment::End);
            let patient = layer.clone().durable(events.watermark(), Duration::MAX);
            let impatient = layer.durable(events.watermark(), Duration::from_millis(1));
            let app = Router::new()
                .route("/patient", routing::get(handler).layer(patient))
                .route("/impatient", routing::get(handler).layer(impatient));
            let address = serve(app).await;

            let mut answer =
                tokio::spawn(async move { get(address, "/patient").await.text().await });
            assert_eq!(events.recv().await.unwrap().outcome.end, End::Answered);
            while !bus.receivers()[0].awaited {
                tokio::task::yield_now().await;
            }
            assert!(futures::poll!(&mut answer).is_pending());
            events.commit_all();
            assert_eq!(answer.await.unwrap().unwrap(), "hello world");

            let answer = get(address, "/impatient").await;
            answer.text().await.unwrap_err();
            assert_eq!(events.recv().await.unwrap().outcome.end, End::Answered);
        }
    })
    .await;
}
