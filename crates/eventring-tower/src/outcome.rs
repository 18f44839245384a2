//! What became of a request, and when that is said.

use http::StatusCode;
use std::time::Duration;

/// What became of a request: what its event is made of, besides the request itself.
///
/// ```
/// use eventring_tower::{End, Outcome};
///
/// /// As web servers log it: 499 if the client was gone before it was answered.
/// fn logged(outcome: &Outcome) -> u16 {
///     match outcome.status {
///         Some(status) => status.as_u16(),
///         None if outcome.end == End::Gone => 499,
///         None => 500,
///     }
/// }
/// # let _ = logged;
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Outcome {
    /// How it ended.
    pub end: End,
    /// The answer's status. `None` if there is no answer: the client was gone, or the service failed.
    pub status: Option<StatusCode>,
    /// The code of a gRPC answer, from its trailers or its headers. `None` if it named none (yet), or is no gRPC.
    pub grpc: Option<i32>,
    /// Of the answer's body: what was sent or, of an answer recorded as it begins, what it says that it has (0 if it
    /// does not say).
    pub bytes: u64,
    /// How long the request waited for room.
    pub waited: Duration,
    /// From the request's arrival to what is recorded, the waiting included.
    pub latency: Duration,
}

/// How a request ended.
///
/// ```
/// use eventring_tower::End;
///
/// assert_ne!(End::Gone, End::Cut); // before there was an answer, and within it
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum End {
    /// Answered, with whatever status.
    Answered,
    /// The service returned an error rather than an answer, or its answer's body did.
    Failed,
    /// The service panicked, or its answer's body did.
    Panicked,
    /// It took longer than [`AuditLayer::timeout`](crate::AuditLayer::timeout).
    TimedOut,
    /// [`Gate::abort`](crate::Gate::abort) ended it.
    Aborted,
    /// It was dropped before it was answered: the client is gone.
    Gone,
    /// Its answer was dropped before its end: the client is gone.
    Cut,
}

/// When the event of a request is published: [`AuditLayer::moment`](crate::AuditLayer::moment). Until then, the
/// request holds a place in the ring.
///
/// ```
/// use eventring_tower::Moment;
///
/// assert_eq!(Moment::default(), Moment::Code);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Moment {
    /// When the answer begins. Its headers tell the event's number; what becomes of its body, and the code of most
    /// gRPC answers, is not recorded.
    Head,
    /// When the code of a gRPC answer is known, which is at its end if it has a body: the number is in its trailers
    /// then. Any other answer as with [`Head`](Self::Head).
    #[default]
    Code,
    /// At the end of the answer's body, of gRPC or not. The number is in the headers if there is no body, else in the
    /// trailers if there are any.
    End,
}
