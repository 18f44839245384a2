//! Where somebody goes on who comes back.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use std::fmt;

/// The number of the last event that somebody has seen: the header `Last-Event-ID`, as browsers send it for
/// server-sent events, else the query's `last-event-id`, for those who open WebSockets. `None` if there is neither.
///
/// ```
/// use eventring_tower::LastEventId;
///
/// async fn handler(LastEventId(last): LastEventId) -> String {
///     format!("{last:?}")
/// }
/// # let _: axum::Router = axum::Router::new().route("/", axum::routing::get(handler));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LastEventId(pub Option<u64>);

impl<S: Sync> FromRequestParts<S> for LastEventId {
    type Rejection = InvalidLastEventId;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, InvalidLastEventId> {
        let header = parts
            .headers
            .get("last-event-id")
            .map(|value| value.as_bytes());
        let mut query = parts.uri.query().unwrap_or_default().split('&');
        let query = query.find_map(|pair| pair.strip_prefix("last-event-id="));
        let Some(value) = header.or(query.map(str::as_bytes)) else {
            return Ok(Self(None));
        };
        let number = std::str::from_utf8(value)
            .ok()
            .and_then(|text| text.parse().ok());
        number.map(Some).map(Self).ok_or(InvalidLastEventId)
    }
}

/// The answer if a [`LastEventId`] is no number: 400, with a body `{"error": "…"}` of these words.
///
/// ```
/// let words = eventring_tower::InvalidLastEventId.to_string();
/// assert_eq!(words, "Last-Event-ID must be the number of an event");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidLastEventId;

impl fmt::Display for InvalidLastEventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Last-Event-ID must be the number of an event")
    }
}

impl std::error::Error for InvalidLastEventId {}

impl IntoResponse for InvalidLastEventId {
    fn into_response(self) -> Response {
        let body = format!(r#"{{"error":"{self}"}}"#);
        let json = [(header::CONTENT_TYPE, "application/json")];
        (StatusCode::BAD_REQUEST, json, body).into_response()
    }
}
