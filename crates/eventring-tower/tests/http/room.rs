//! Fail closed: no room, no handling; and what answers wait for.

use crate::{Event, bus, describe, get, serve, watched};
use axum::Router;
use axum::http::StatusCode;
use axum::routing;
use eventring::{EventBus, Receiver, WaitStrategy};
use eventring_tower::{AuditLayer, End, Gate};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

struct Setup {
    address: SocketAddr,
    gate: Gate<Event>,
    handled: Arc<AtomicUsize>,
}

/// A server that counts what it handles.
async fn setup(bus: EventBus<Event>, max_wait: Duration) -> Setup {
    let handled = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&handled);
    let handler = async move || {
        count.fetch_add(1, Ordering::Relaxed);
        "done"
    };
    let app = Router::new().route("/", routing::get(handler));
    let layer = AuditLayer::new(bus, describe).max_wait(max_wait);
    Setup {
        gate: layer.gate(),
        address: serve(app.layer(layer)).await,
        handled,
    }
}

impl Setup {
    async fn refused(&self, why: &str) {
        let before = self.handled.load(Ordering::Relaxed);
        let answer = get(self.address, "/").await;
        assert_eq!(answer.status(), 503);
        assert_eq!(answer.headers()["retry-after"], "1");
        assert_eq!(answer.headers()["content-type"], "application/json");
        assert!(answer.headers().contains_key("x-request-id"));
        assert!(!answer.headers().contains_key("x-audit-sequence"));
        let body: serde_json::Value = answer.json().await.unwrap();
        let error = body["error"].as_str().unwrap();
        assert!(error.contains(why), "{error}");
        assert_eq!(
            self.handled.load(Ordering::Relaxed),
            before,
            "it was handled"
        );
    }

    async fn done(&self) {
        assert_eq!(get(self.address, "/").await.text().await.unwrap(), "done");
    }
}

#[tokio::test]
async fn no_room() {
    watched(async {
        let (bus, mut events) = bus(1);
        let setup = setup(bus, Duration::from_millis(1)).await;
        setup.done().await;
        events.try_recv().unwrap();
        // It was received, and is not stored yet.
        setup
            .refused("the audit is full: the request waited 1ms")
            .await;
        assert!(events.try_recv().is_err());
        let waits = setup.gate.waits();
        assert_eq!((waits.requests, waits.refused), (1, 1));
        assert!(waits.total >= Duration::from_millis(1));

        events.commit_all();
        setup.done().await;
        assert_eq!(setup.gate.waits(), waits);
    })
    .await;
}

#[tokio::test]
async fn where_publishers_do_not_wait_requests_do_not() {
    watched(async {
        let bus = EventBus::with_strategy(1, WaitStrategy::DropNewest);
        let _events = bus.subscribe();
        let setup = setup(bus, Duration::MAX).await;
        setup.done().await;
        setup
            .refused("the audit is full: the request waited 0ns")
            .await;
        assert_eq!(setup.gate.waits().refused, 1);
    })
    .await;
}

#[tokio::test]
async fn a_request_that_waits_goes_on_when_there_is_room() {
    watched(async {
        let (bus, mut events) = bus(1);
        let setup = setup(bus.clone(), Duration::MAX).await;
        setup.done().await;
        let address = setup.address;
        let waiting = tokio::spawn(async move { get(address, "/").await.text().await.unwrap() });
        until_awaited(&bus).await;
        events.try_recv().unwrap();
        events.commit_all();
        assert_eq!(waiting.await.unwrap(), "done");
        assert!(events.recv().await.unwrap().outcome.waited > Duration::ZERO);
        assert_eq!(setup.gate.waits().requests, 1);
    })
    .await;
}

/// Comes back when somebody waits for the sink.
async fn until_awaited(bus: &EventBus<Event>) {
    while !bus.receivers()[0].awaited {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn the_audit_is_closed() {
    watched(async {
        let (bus, _events) = bus(1);
        let setup = setup(bus.clone(), Duration::MAX).await;
        setup.done().await;
        let address = setup.address;
        let waiting = tokio::spawn(async move { get(address, "/").await });
        until_awaited(&bus).await;
        setup.gate.finish().await;
        assert_eq!(waiting.await.unwrap().status(), 503);
        setup.refused("shutting down").await;
        assert_eq!(setup.handled.load(Ordering::Relaxed), 1);
    })
    .await;
}

#[tokio::test]
async fn the_bus_is_closed() {
    watched(async {
        let (bus, _events) = bus(4);
        let setup = setup(bus.clone(), Duration::MAX).await;
        bus.close();
        setup.refused("shutting down").await;
    })
    .await;
}

/// Without `finish`: who is being handled is told that there is no event of it.
#[tokio::test]
async fn the_bus_is_closed_meanwhile() {
    watched(async {
        let (bus, _events) = bus(4);
        let closing = bus.clone();
        let handler = async move || {
            closing.close();
            "done"
        };
        let app = Router::new().route("/", routing::get(handler));
        let layer = AuditLayer::new(bus, describe);
        let gate = layer.gate();
        let answer = get(serve(app.layer(layer)).await, "/").await;
        assert_eq!(answer.status(), 500);
        assert!(
            answer
                .text()
                .await
                .unwrap()
                .contains("could not be audited")
        );
        assert_eq!(gate.unrecorded(), 1);
    })
    .await;
}

async fn durable(bus: EventBus<Event>, sink: &Receiver<Event>, limit: Duration) -> SocketAddr {
    let handler = async || (StatusCode::CREATED, "done");
    let app = Router::new().route("/", routing::get(handler));
    let layer = AuditLayer::new(bus, describe).durable(sink.watermark(), limit);
    serve(app.layer(layer)).await
}

#[tokio::test]
async fn an_answer_waits_until_its_event_is_stored() {
    watched(async {
        let (bus, mut events) = bus(4);
        let address = durable(bus.clone(), &events, Duration::MAX).await;
        let request = tokio::spawn(get_created(address));
        assert_eq!(events.recv().await.unwrap().outcome.end, End::Answered);
        until_awaited(&bus).await;
        assert!(!request.is_finished());
        events.commit_all();
        assert_eq!(request.await.unwrap(), 201);
    })
    .await;
}

async fn get_created(address: SocketAddr) -> u16 {
    get(address, "/").await.status().as_u16()
}

#[tokio::test]
async fn an_answer_whose_event_is_not_stored_says_so() {
    watched(async {
        let (bus, events) = bus(4);
        let address = durable(bus, &events, Duration::from_millis(1)).await;
        let answer = get(address, "/").await;
        assert_eq!(answer.status(), 504);
        assert_eq!(answer.headers()["x-audit-sequence"], "100");
        let body = answer.text().await.unwrap();
        let says = "handled (201 Created), but its event 100 is not stored after 1ms";
        assert!(body.contains(says), "{body}");
    })
    .await;
}
