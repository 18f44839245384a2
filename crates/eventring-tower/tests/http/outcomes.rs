//! What there is to record when the answer begins.

use crate::{Event, bus, describe, get, raw, serve, watched};
use axum::Router;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::routing;
use eventring::TryRecvError;
use eventring_tower::{AuditLayer, End, RequestId};
use std::future::pending;
use std::time::Duration;
use tokio::sync::mpsc;
use tower::{Layer, ServiceExt, service_fn};

#[tokio::test]
async fn answered() {
    watched(async {
        let (bus, mut events) = bus(4);
        let handler = async |request: Request| {
            let id = request.extensions().get::<RequestId>().unwrap();
            id.as_str().to_owned()
        };
        let app = Router::new().route("/a", routing::get(handler));
        let address = serve(app.layer(AuditLayer::new(bus, describe))).await;

        let client = reqwest::Client::new();
        let url = format!("http://{address}/a");
        let answer = client
            .get(&url)
            .header("x-request-id", "mine")
            .send()
            .await
            .unwrap();
        assert_eq!(answer.headers()["x-audit-sequence"], "100");
        assert_eq!(answer.headers()["x-request-id"], "mine");
        assert_eq!(answer.text().await.unwrap(), "mine");
        let Event { id, path, outcome } = events.recv().await.unwrap();
        assert_eq!((id.as_str(), path.as_str()), ("mine", "/a"));
        assert_eq!(outcome.end, End::Answered);
        assert_eq!((outcome.status, outcome.grpc), (Some(StatusCode::OK), None));
        assert_eq!((outcome.bytes, outcome.waited), (4, Duration::ZERO));

        // Made up, if there is none or it cannot be used.
        for unusable in ["", "\u{e9}", &"x".repeat(129)] {
            let answer = client
                .get(&url)
                .header("x-request-id", unusable)
                .send()
                .await
                .unwrap();
            let id = answer.headers()["x-request-id"]
                .to_str()
                .unwrap()
                .to_owned();
            assert_eq!(id.len(), 36, "{id}");
            assert_eq!(events.recv().await.unwrap().id.as_str(), id);
            events.commit_all();
        }
    })
    .await;
}

#[tokio::test]
async fn the_handler_says_that_it_failed() {
    watched(async {
        let (bus, mut events) = bus(4);
        let handler = async || (StatusCode::INTERNAL_SERVER_ERROR, "on purpose");
        let app = Router::new().route("/", routing::get(handler));
        let address = serve(app.layer(AuditLayer::new(bus, describe))).await;
        let answer = get(address, "/").await;
        assert_eq!(answer.headers()["x-audit-sequence"], "100");
        assert_eq!(answer.text().await.unwrap(), "on purpose");
        let outcome = events.recv().await.unwrap().outcome;
        assert_eq!(outcome.end, End::Answered);
        assert_eq!(outcome.status, Some(StatusCode::INTERNAL_SERVER_ERROR));
    })
    .await;
}

/// Axum's services have no errors; others may.
#[tokio::test]
async fn the_service_fails() {
    let (bus, mut events) = bus(4);
    let service =
        service_fn(async |_: http::Request<String>| Err::<http::Response<String>, _>("on purpose"));
    let audited = AuditLayer::new(bus, describe).layer(service);
    let failed = audited.oneshot(http::Request::new(String::new())).await;
    assert_eq!(failed.unwrap_err(), "on purpose");
    let outcome = events.try_recv().unwrap().outcome;
    assert_eq!((outcome.end, outcome.status), (End::Failed, None));
}

#[tokio::test]
async fn the_handler_panics() {
    watched(async {
        let (bus, mut events) = bus(4);
        let handler = async || -> &str { panic!("on purpose") };
        let app = Router::new().route("/", routing::get(handler));
        let address = serve(app.layer(AuditLayer::new(bus, describe))).await;
        let answer = get(address, "/").await;
        assert_eq!(answer.status(), 500);
        assert_eq!(answer.headers()["x-audit-sequence"], "100");
        assert!(answer.text().await.unwrap().contains("panicked"));
        let outcome = events.recv().await.unwrap().outcome;
        assert_eq!(outcome.end, End::Panicked);
        assert_eq!(outcome.status, Some(StatusCode::INTERNAL_SERVER_ERROR));
    })
    .await;
}

#[tokio::test]
async fn it_takes_too_long() {
    watched(async {
        let (bus, mut events) = bus(4);
        let app = Router::new().route("/", routing::get(pending::<&str>));
        let layer = AuditLayer::new(bus, describe).timeout(Duration::from_millis(1));
        let address = serve(app.layer(layer)).await;
        let answer = get(address, "/").await;
        assert_eq!(answer.status(), 408);
        assert!(answer.text().await.unwrap().contains("within 1ms"));
        let outcome = events.recv().await.unwrap().outcome;
        assert_eq!(outcome.end, End::TimedOut);
        assert_eq!(outcome.status, Some(StatusCode::REQUEST_TIMEOUT));
    })
    .await;
}

#[tokio::test]
async fn the_client_is_gone() {
    watched(async {
        let (bus, mut events) = bus(4);
        let (begun, mut begins) = mpsc::unbounded_channel();
        let handler = async move || {
            begun.send(()).unwrap();
            pending::<&str>().await
        };
        let app = Router::new().route("/", routing::get(handler));
        let layer = AuditLayer::new(bus, describe);
        let gate = layer.gate();
        let address = serve(app.layer(layer)).await;
        let connection = raw(address, "GET", "/").await;
        begins.recv().await.unwrap();
        assert_eq!(events.try_recv().err(), Some(TryRecvError::Empty));
        assert_eq!(gate.in_flight(), 1);
        drop(connection);
        let outcome = events.recv().await.unwrap().outcome;
        assert_eq!((outcome.end, outcome.status), (End::Gone, None));
        gate.finish().await;
    })
    .await;
}

#[tokio::test]
async fn it_is_aborted() {
    watched(async {
        let (bus, mut events) = bus(4);
        let (begun, mut begins) = mpsc::unbounded_channel();
        let handler = async move || {
            begun.send(()).unwrap();
            pending::<&str>().await
        };
        let app = Router::new().route("/", routing::get(handler));
        let layer = AuditLayer::new(bus, describe);
        let gate = layer.gate();
        let address = serve(app.layer(layer)).await;
        let request = tokio::spawn(async move { get(address, "/").await });
        begins.recv().await.unwrap();
        gate.abort();
        gate.finish().await;
        assert_eq!(events.try_recv().unwrap().outcome.end, End::Aborted);
        let answer = request.await.unwrap();
        assert_eq!(answer.status(), 503);
        assert_eq!(answer.headers()["x-audit-sequence"], "100");
    })
    .await;
}

/// A closure of the user's that panics costs its event, which is told and counted, and nothing else.
#[tokio::test]
async fn what_makes_the_event_panics() {
    watched(async {
        let (bus, _events) = bus(1);
        let app = Router::new().route("/", routing::get("hello"));
        let layer = AuditLayer::new(bus, |_| |_: &_| -> Event { panic!("on purpose") });
        let gate = layer.gate();
        let address = serve(app.layer(layer)).await;
        for count in 1..3 {
            let answer = get(address, "/").await;
            assert_eq!(answer.status(), 500);
            assert!(
                answer
                    .text()
                    .await
                    .unwrap()
                    .contains("could not be audited")
            );
            assert_eq!(gate.unrecorded(), count);
        }
    })
    .await;
}
