//! What is recorded of a request.

use serde::{Deserialize, Serialize};

/// The event of one request. Its sequence number is not in it: the bus gives that when the event
/// is published, and receivers know it by their position.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AuditEvent {
    /// When the request came: milliseconds since 1970, UTC.
    pub time_ms: u64,
    pub request_id: String,
    pub actor: String,
    pub method: String,
    pub path: String,
    pub status: u16,
    /// From the request's arrival to its answer, in microseconds.
    pub latency_us: u64,
    /// Of the answer's body.
    pub bytes: u64,
}

/// An event with its number in the audit.
#[derive(Serialize)]
pub struct Numbered<'a> {
    pub sequence: u64,
    #[serde(flatten)]
    pub event: &'a AuditEvent,
}
