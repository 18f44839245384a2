//! The tower layer: one event for each request.

use crate::audit::{Audit, NoRoom};
use crate::problem::Problem;
use crate::request::{Described, describe};
use axum::extract::Request;
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use futures::FutureExt;
use futures::future::BoxFuture;
use std::convert::Infallible;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tower::{Layer, Service};

/// The number of the event in the audit, in every audited answer.
pub const SEQUENCE: HeaderName = HeaderName::from_static("x-audit-sequence");
/// The request's id, as it came or else made up, in every answer.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Audits the requests to a service.
#[derive(Clone)]
pub struct AuditLayer {
    pub audit: Arc<Audit>,
    /// Answer only once the event is stored.
    pub durable: bool,
    pub request_timeout: Duration,
    /// Ends the requests that are still being handled.
    pub abort: CancellationToken,
}

impl<S> Layer<S> for AuditLayer {
    type Service = Audited<S>;

    fn layer(&self, inner: S) -> Audited<S> {
        Audited {
            layer: self.clone(),
            inner,
        }
    }
}

/// Service of [`AuditLayer`].
#[derive(Clone)]
pub struct Audited<S> {
    layer: AuditLayer,
    inner: S,
}

impl<S> Service<Request> for Audited<S>
where
    S: Service<Request, Response = Response, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send,
{
    type Response = Response;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response, Infallible>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        // The clone may not be ready; the one that was polled is.
        let clone = self.inner.clone();
        let inner = std::mem::replace(&mut self.inner, clone);
        let layer = self.layer.clone();
        Box::pin(async move { Ok(layer.respond(request, inner).await) })
    }
}

impl AuditLayer {
    async fn respond<S>(self, request: Request, inner: S) -> Response
    where
        S: Service<Request, Response = Response, Error = Infallible>,
    {
        let arrived = Instant::now();
        let Described { event, fault } = describe(&request);
        let id = HeaderValue::from_str(&event.request_id);
        let mut response = match self.audit.open(event, arrived).await {
            Err(no_room) => self.refusal(no_room),
            Ok(entry) => {
                // From here to `close` nothing may be lost: a dropped `entry` publishes too.
                let response = match fault {
                    Some(fault) => fault.into_response(),
                    None => self.handle(request, inner).await,
                };
                let bytes = axum::body::HttpBody::size_hint(response.body()).exact();
                let sequence = entry.close(response.status().as_u16(), bytes.unwrap_or(0));
                self.acknowledge(response, sequence).await
            }
        };
        if let Ok(id) = id {
            response.headers_mut().insert(REQUEST_ID, id);
        }
        response
    }

    fn refusal(&self, no_room: NoRoom) -> Response {
        match no_room {
            NoRoom::Full => Problem::unavailable(format!(
                "the audit is full: the request waited {:?} for room in it, and was not carried \
                 out; try again later",
                self.audit.max_wait
            )),
            NoRoom::Closed => {
                Problem::unavailable("the server is shutting down; the request was not carried out")
            }
        }
        .into_response()
    }

    /// What the service answers, or what there is to say if it does not.
    async fn handle<S>(&self, request: Request, mut inner: S) -> Response
    where
        S: Service<Request, Response = Response, Error = Infallible>,
    {
        let handling = AssertUnwindSafe(inner.call(request)).catch_unwind();
        let limited = timeout(self.request_timeout, handling);
        let Some(in_time) = self.abort.run_until_cancelled(limited).await else {
            return Problem::unavailable(
                "the server is shutting down, and did not wait any longer",
            )
            .into_response();
        };
        match in_time {
            Ok(Ok(Ok(response))) => response,
            Ok(Ok(Err(never))) => match never {},
            Ok(Err(_panic)) => Problem::new(
                StatusCode::INTERNAL_SERVER_ERROR,
                "the request's handler panicked",
            )
            .into_response(),
            Err(_) => Problem::new(
                StatusCode::REQUEST_TIMEOUT,
                format!("the request did not end within {:?}", self.request_timeout),
            )
            .into_response(),
        }
    }

    /// The answer, once it may be given.
    async fn acknowledge(&self, mut response: Response, sequence: Option<u64>) -> Response {
        let Some(sequence) = sequence else {
            return Problem::new(
                StatusCode::INTERNAL_SERVER_ERROR,
                "the request was handled, but could not be audited",
            )
            .into_response();
        };
        let max_wait = self.audit.max_wait;
        if self.durable
            && !matches!(
                timeout(max_wait, self.audit.stored.reached(sequence)).await,
                Ok(Ok(()))
            )
        {
            response = Problem::new(
                StatusCode::GATEWAY_TIMEOUT,
                format!(
                    "the request was handled ({}), but event {sequence} is not on disk after \
                     {max_wait:?}; it will be once the database takes it",
                    response.status()
                ),
            )
            .into_response();
        }
        response.headers_mut().insert(SEQUENCE, sequence.into());
        response
    }
}

#[cfg(test)]
mod tests;
