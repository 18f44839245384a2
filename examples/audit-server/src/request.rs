//! What a request says about itself.

use crate::event::AuditEvent;
use crate::layer::REQUEST_ID;
use crate::problem::Problem;
use axum::extract::Request;
use axum::http::{HeaderName, StatusCode};
use std::time::{SystemTime, UNIX_EPOCH};
use uuid::Uuid;

/// Who makes the request.
pub const ACTOR: HeaderName = HeaderName::from_static("x-actor");

/// Bounds on what one event takes of memory and of the table.
const MAX_HEADER: usize = 128;
const MAX_PATH: usize = 8192;

/// The event of a request, as far as it is known, and what is wrong with the request, if anything.
pub struct Described {
    pub event: AuditEvent,
    pub fault: Option<Problem>,
}

pub fn describe(request: &Request) -> Described {
    let mut fault = None;
    let mut header = |name: &HeaderName, absent: &dyn Fn() -> String| {
        let Some(value) = request.headers().get(name) else {
            return absent();
        };
        match value.to_str() {
            Ok(value) if (1..=MAX_HEADER).contains(&value.len()) => value.to_owned(),
            _ => {
                fault = Some(Problem::new(
                    StatusCode::BAD_REQUEST,
                    format!("header {name} must be 1 to {MAX_HEADER} visible ASCII characters"),
                ));
                absent()
            }
        }
    };
    let actor = header(&ACTOR, &|| "anonymous".to_owned());
    let request_id = header(&REQUEST_ID, &|| Uuid::now_v7().to_string());
    let mut path = request.uri().path();
    if path.len() > MAX_PATH {
        fault = Some(Problem::new(
            StatusCode::URI_TOO_LONG,
            format!("the path must be no longer than {MAX_PATH} characters"),
        ));
        path = &path[..MAX_PATH]; // A request's path is ASCII.
    }
    let event = AuditEvent {
        time_ms: now_ms(),
        request_id,
        actor,
        method: request.method().to_string(),
        path: path.to_owned(),
        status: 0,
        latency_us: 0,
        bytes: 0,
    };
    Described { event, fault }
}

fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| since.as_millis() as u64)
}
