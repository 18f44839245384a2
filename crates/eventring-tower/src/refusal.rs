//! The answers that the layer gives itself.

use crate::body::AuditBody;
use crate::grpc;
use bytes::Bytes;
use http::header::{CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderMap, HeaderValue, Response, StatusCode};
use std::error::Error;
use std::fmt;
use std::time::Duration;

/// Why the layer answers, rather than the service: with a status or a gRPC code, and a body `{"error": "…"}`, or the
/// gRPC message, of these words.
///
/// ```
/// use eventring_tower::Refusal;
/// use std::time::Duration;
///
/// let refusal = Refusal::Full { waited: Duration::from_millis(50) };
/// assert_eq!((refusal.status().as_u16(), refusal.grpc_code()), (503, 14));
/// assert!(refusal.to_string().starts_with("the audit is full: the request waited 50ms for room"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refusal {
    /// There was no room in the ring for so long: 503, `UNAVAILABLE`. The service was not called.
    Full {
        /// [`AuditLayer::max_wait`](crate::AuditLayer::max_wait), or none if the bus's publishers do not wait.
        waited: Duration,
    },
    /// The audit, or its bus, is closed: 503, `UNAVAILABLE`. The service was not called.
    Closed,
    /// The service panicked: 500, `INTERNAL`.
    Panicked,
    /// The service took longer than that: 408, `DEADLINE_EXCEEDED`.
    TimedOut(Duration),
    /// [`Gate::abort`](crate::Gate::abort) was called: 503, `UNAVAILABLE`.
    Aborted,
    /// The service has answered, but the bus was closed meanwhile, or the closure that makes the event panicked:
    /// 500, `INTERNAL`.
    NotRecorded,
    /// The service has answered, but its event is not stored in time: 504, `DEADLINE_EXCEEDED`.
    NotStored {
        /// The event's number.
        sequence: u64,
        /// The service's answer.
        status: StatusCode,
        /// The limit of [`AuditLayer::durable`](crate::AuditLayer::durable).
        waited: Duration,
    },
}

impl Refusal {
    /// The HTTP status of the answer.
    ///
    /// ```
    /// assert_eq!(eventring_tower::Refusal::Closed.status(), 503);
    /// ```
    pub fn status(&self) -> StatusCode {
        match self {
            Self::Full { .. } | Self::Closed | Self::Aborted => StatusCode::SERVICE_UNAVAILABLE,
            Self::Panicked | Self::NotRecorded => StatusCode::INTERNAL_SERVER_ERROR,
            Self::TimedOut(_) => StatusCode::REQUEST_TIMEOUT,
            Self::NotStored { .. } => StatusCode::GATEWAY_TIMEOUT,
        }
    }

    /// The code of the answer to a gRPC request.
    ///
    /// ```
    /// assert_eq!(eventring_tower::Refusal::Panicked.grpc_code(), 13);
    /// ```
    pub fn grpc_code(&self) -> i32 {
        match self {
            Self::Full { .. } | Self::Closed | Self::Aborted => 14,
            Self::Panicked | Self::NotRecorded => 13,
            Self::TimedOut(_) | Self::NotStored { .. } => 4,
        }
    }

    pub(crate) fn answer<B>(&self, grpc: bool) -> Response<AuditBody<B>> {
        let message = self.to_string();
        if grpc {
            let mut response = Response::new(AuditBody::text(Bytes::new()));
            *response.headers_mut() = grpc::trailers_only(self.grpc_code(), &message);
            return response;
        }
        // Nothing in these words has to be escaped.
        let body = format!(r#"{{"error":"{message}"}}"#);
        let mut response = Response::new(AuditBody::text(body.into()));
        *response.status_mut() = self.status();
        let json = HeaderValue::from_static("application/json");
        response.headers_mut().insert(CONTENT_TYPE, json);
        if self.status() == StatusCode::SERVICE_UNAVAILABLE {
            let second = HeaderValue::from_static("1");
            response.headers_mut().insert(RETRY_AFTER, second);
        }
        response
    }

    pub(crate) fn trailers(&self) -> HeaderMap {
        grpc::status(self.grpc_code(), &self.to_string())
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Full { waited } => write!(
                f,
                "the audit is full: the request waited {waited:?} for room in it, and was not carried out; \
                 try again later"
            ),
            Self::Closed => f.write_str(
                "the audit is closed, as when the server is shutting down: the request was not carried out",
            ),
            Self::Panicked => f.write_str("the request's handler panicked"),
            Self::TimedOut(limit) => write!(f, "the request did not end within {limit:?}"),
            Self::Aborted => f.write_str("the server is shutting down, and did not wait any longer"),
            Self::NotRecorded => f.write_str("the request was handled, but could not be audited"),
            Self::NotStored {
                sequence,
                status,
                waited,
            } => write!(
                f,
                "the request was handled ({status}), but its event {sequence} is not stored after {waited:?}"
            ),
        }
    }
}

impl Error for Refusal {}
