//! The request's id.

use http::{HeaderMap, HeaderName, HeaderValue};
use uuid::Uuid;

/// The header of the request's id: as it came or else made up, in every answer.
///
/// ```
/// assert_eq!(eventring_tower::REQUEST_ID, "x-request-id");
/// ```
pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The header, or trailer, of the number of the request's event, in every answer that is audited.
///
/// ```
/// assert_eq!(eventring_tower::SEQUENCE, "x-audit-sequence");
/// ```
pub const SEQUENCE: HeaderName = HeaderName::from_static("x-audit-sequence");

/// Longer ones are not taken from a request.
const MAX_ID: usize = 128;

/// The id of a request, among its extensions: that of its header [`REQUEST_ID`], if this is 1 to 128 visible ASCII
/// characters, else a new UUID (version 7).
///
/// ```
/// use eventring_tower::RequestId;
///
/// async fn handler(request: http::Request<String>) -> String {
///     let id = request.extensions().get::<RequestId>().unwrap();
///     format!("this is request {}", id.as_str())
/// }
/// # let _ = handler;
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestId(HeaderValue);

impl RequestId {
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        let usable =
            |value: &&HeaderValue| (1..=MAX_ID).contains(&value.len()) && value.to_str().is_ok();
        let made_up = || {
            Uuid::now_v7()
                .to_string()
                .try_into()
                .expect("a UUID is ASCII")
        };
        let came = headers.get(REQUEST_ID).filter(usable);
        Self(came.cloned().unwrap_or_else(made_up))
    }

    /// The id as text.
    ///
    /// ```
    /// # fn of(id: &eventring_tower::RequestId) -> String {
    /// format!("request {}", id.as_str())
    /// # }
    /// ```
    pub fn as_str(&self) -> &str {
        self.0.to_str().expect("nothing else is taken")
    }
}

impl From<RequestId> for HeaderValue {
    fn from(id: RequestId) -> Self {
        id.0
    }
}
