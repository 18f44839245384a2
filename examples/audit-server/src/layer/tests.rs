//! What an event has of a request. That there is one of each, whatever becomes of it, is tested where the layer is.

use super::*;
use crate::audit::bus;
use crate::event::AuditEvent;
use axum::body::Body;
use axum::extract::Request;
use axum::http::Response;
use axum::routing::get;
use clap::Parser;
use eventring::{Receiver, TryRecvError};
use futures::poll;
use std::future::{pending, ready};
use std::pin::pin;
use std::sync::Arc;
use tower::ServiceExt;

struct Setup {
    api: Router,
    events: Receiver<Arc<AuditEvent>>,
}

/// A service behind the layer, and the sink.
fn setup(api: Router) -> Setup {
    let bus = bus(100, 4).unwrap();
    let events = bus.subscribe_committing();
    let audit = Audit::new(bus, events.watermark());
    let args = Args::parse_from(["audit-server"]);
    Setup {
        api: audited(api, &audit, &args),
        events,
    }
}

impl Setup {
    async fn send(&self, request: Request) -> Response<Body> {
        let answered = self.api.clone().oneshot(request).await;
        answered.unwrap_or_else(|never| match never {})
    }

    /// The one event there is.
    fn event(&mut self) -> Arc<AuditEvent> {
        let event = self.events.try_recv().unwrap();
        assert_eq!(self.events.try_recv(), Err(TryRecvError::Empty));
        event
    }
}

#[tokio::test]
async fn of_one_that_is_answered() {
    let mut setup = setup(Router::new().route("/a", get(|| ready("hello"))));
    let request = Request::get("/a?b=c").header("x-actor", "me");
    let response = setup.send(request.body(Body::empty()).unwrap()).await;
    assert_eq!(response.headers()["x-audit-sequence"], "100");
    let event = setup.event();
    assert_eq!((event.status, event.bytes), (200, 5));
    assert_eq!(
        (&*event.method, &*event.path, &*event.actor),
        ("GET", "/a", "me")
    );
    assert_eq!(response.headers()["x-request-id"], *event.request_id);
}

#[tokio::test]
async fn of_one_whose_client_goes_away() {
    let mut setup = setup(Router::new().route("/", get(pending::<&str>)));
    {
        let mut request = pin!(setup.send(Request::default()));
        assert!(poll!(&mut request).is_pending());
    }
    assert_eq!(setup.event().status, 499);
}

#[tokio::test]
async fn of_one_that_is_wrong() {
    let handler = async || -> &str { unreachable!("it is not handled") };
    let mut setup = setup(Router::new().route("/", get(handler)).fallback(handler));
    for (path, actor, id, status) in [
        ("/", "", "id", 400),
        ("/", "me", "", 400),
        (&*format!("/{}", "p".repeat(9000)), "me", "id", 414),
    ] {
        let request = Request::get(path)
            .header("x-actor", actor)
            .header("x-request-id", id);
        let response = setup.send(request.body(Body::empty()).unwrap()).await;
        assert_eq!(response.status(), status);
        let event = setup.event();
        assert_eq!(event.status, status);
        assert_eq!(
            &*event.actor,
            if actor.is_empty() { "anonymous" } else { actor }
        );
        assert_eq!(response.headers()["x-request-id"], *event.request_id);
        assert_eq!(event.path, path[..path.len().min(8192)]);
    }
}
