//! Whatever becomes of a request, there is one event of it.

use super::*;
use crate::event::AuditEvent;
use axum::body::Body;
use eventring::{Receiver, TryRecvError};
use futures::poll;
use std::future::{pending, ready};
use std::pin::pin;
use tower::{ServiceExt, service_fn};

struct Setup {
    layer: AuditLayer,
    events: Receiver<Arc<AuditEvent>>,
}

fn setup(request_timeout: Duration) -> Setup {
    let (audit, events) = Audit::with_sink(100, 4, Duration::ZERO);
    let layer = AuditLayer {
        audit: Arc::new(audit),
        durable: false,
        request_timeout,
        abort: CancellationToken::new(),
    };
    Setup { layer, events }
}

impl Setup {
    /// Sends a request to a service behind the layer.
    fn send<F>(
        &self,
        answer: impl Fn() -> F + Clone + Send + 'static,
    ) -> BoxFuture<'static, Response>
    where
        F: Future<Output = Response> + Send + 'static,
    {
        let service = service_fn(move |_: Request| answer().map(Ok));
        let request = Request::new(Body::empty());
        let answered = self.layer.layer(service).oneshot(request);
        Box::pin(answered.map(|Ok(response)| response))
    }

    /// The one event there is.
    fn event(&mut self) -> Arc<AuditEvent> {
        let event = self.events.try_recv().unwrap();
        assert_eq!(self.events.try_recv(), Err(TryRecvError::Empty));
        event
    }
}

#[tokio::test]
async fn an_answer_has_the_number_of_its_event() {
    let mut setup = setup(Duration::MAX);
    let response = setup.send(|| ready("hello".into_response())).await;
    assert_eq!(response.headers()[SEQUENCE], "100");
    let event = setup.event();
    assert_eq!((event.status, event.bytes), (200, 5));
    assert_eq!(response.headers()[REQUEST_ID], *event.request_id);
}

#[tokio::test]
async fn a_handler_that_panics() {
    let mut setup = setup(Duration::MAX);
    let response = setup.send(|| async { panic!("on purpose") }).await;
    assert_eq!(response.status(), 500);
    assert_eq!(setup.event().status, 500);
}

#[tokio::test]
async fn a_client_that_goes_away() {
    let mut setup = setup(Duration::MAX);
    {
        let mut request = pin!(setup.send(pending));
        assert!(poll!(&mut request).is_pending());
        assert_eq!(setup.layer.audit.in_flight(), 1);
    }
    assert_eq!(setup.layer.audit.in_flight(), 0);
    assert_eq!(setup.event().status, 499);
}

#[tokio::test]
async fn a_request_that_takes_too_long() {
    let mut setup = setup(Duration::from_millis(1));
    let response = setup.send(pending).await;
    assert_eq!(response.status(), 408);
    assert_eq!(setup.event().status, 408);
}

#[tokio::test]
async fn without_room_the_handler_is_not_called() {
    let mut setup = setup(Duration::MAX);
    for _ in 0..4 {
        setup.send(|| ready("ok".into_response())).await;
        setup.events.try_recv().unwrap();
    }
    // They were received, and are not stored yet.
    let handler = || -> futures::future::Ready<Response> { panic!("called") };
    let response = setup.send(handler).await;
    assert_eq!(response.status(), 503);
    assert_eq!(response.headers()["retry-after"], "1");
    assert_eq!(setup.events.try_recv(), Err(TryRecvError::Empty));

    setup.events.commit(101);
    setup.send(|| ready("ok".into_response())).await;
    assert_eq!(setup.event().status, 200);
}

#[tokio::test]
async fn a_durable_answer_waits_until_its_event_is_stored() {
    let mut setup = setup(Duration::MAX);
    setup.layer.durable = true;
    // `max_wait` is 0 here: the wait is looked at by itself.
    let audit = Arc::clone(&setup.layer.audit);
    let mut stored = pin!(audit.stored.reached(100));
    assert!(poll!(&mut stored).is_pending());
    let response = setup.send(|| ready("ok".into_response())).await;
    assert_eq!(response.status(), 504);
    assert_eq!(setup.event().status, 200);
    assert!(poll!(&mut stored).is_pending());
    setup.events.commit_all();
    assert_eq!(poll!(&mut stored), Poll::Ready(Ok(())));
}
