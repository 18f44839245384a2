//! What a request says about itself.

use crate::event::AuditEvent;
use crate::problem::Problem;
use axum::extract::Request;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, StatusCode};
use eventring_tower::{Outcome, REQUEST_ID, RequestId};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

/// Who makes the request.
const ACTOR: HeaderName = HeaderName::from_static("x-actor");

/// Bounds on what one event takes of memory and of the table.
const MAX_HEADER: usize = 128;
const MAX_PATH: usize = 8192;

/// The status recorded of a request whose client went away before it was answered.
const CLIENT_GONE: u16 = 499;

/// The event of a request, once it is known what became of it.
pub fn describe(
    request: &Parts,
) -> impl FnOnce(&Outcome) -> Arc<AuditEvent> + Send + 'static + use<> {
    let id = request
        .extensions
        .get::<RequestId>()
        .expect("the layer has put it there");
    let path = request.uri.path();
    let event = AuditEvent {
        time_ms: now_ms(),
        request_id: id.as_str().to_owned(),
        actor: usable(&request.headers, &ACTOR)
            .flatten()
            .unwrap_or("anonymous")
            .to_owned(),
        method: request.method.to_string(),
        path: path[..path.len().min(MAX_PATH)].to_owned(), // It is ASCII.
        status: CLIENT_GONE,
        latency_us: 0,
        bytes: 0,
    };
    move |outcome| {
        metrics::histogram!("http_request_seconds").record(outcome.latency);
        Arc::new(AuditEvent {
            status: outcome
                .status
                .map_or(event.status, |status| status.as_u16()),
            latency_us: outcome.latency.as_micros() as u64,
            bytes: outcome.bytes,
            ..event
        })
    }
}

/// Refuses a request that has something wrong with it.
pub async fn check(request: Request) -> Result<Request, Problem> {
    if request.uri().path().len() > MAX_PATH {
        return Err(Problem::new(
            StatusCode::URI_TOO_LONG,
            format!("the path must be no longer than {MAX_PATH} characters"),
        ));
    }
    for name in [ACTOR, REQUEST_ID] {
        if usable(request.headers(), &name).is_none() {
            return Err(Problem::new(
                StatusCode::BAD_REQUEST,
                format!("header {name} must be 1 to {MAX_HEADER} visible ASCII characters"),
            ));
        }
    }
    Ok(request)
}

/// The header, if there is one; `None` if it cannot be used.
fn usable<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<Option<&'a str>> {
    let Some(value) = headers.get(name) else {
        return Some(None);
    };
    let value = value.to_str().ok()?;
    (1..=MAX_HEADER)
        .contains(&value.len())
        .then_some(Some(value))
}

fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| since.as_millis() as u64)
}
