//! An audit of every request to an HTTP or gRPC service, through an [`eventring`] bus.
//!
//! ```
//! use bytes::Bytes;
//! use eventring::EventBus;
//! use eventring_tower::{AuditLayer, Outcome};
//! use http::{Request, Response, request::Parts};
//! use tower::{Layer, ServiceExt, service_fn};
//!
//! # tokio_test::block_on(async {
//! let bus = EventBus::new(1024);
//! let mut events = bus.subscribe();
//! let audit = AuditLayer::new(bus, |request: &Parts| {
//!     let path = request.uri.path().to_owned();
//!     move |outcome: &Outcome| format!("{path}: {:?}", outcome.end)
//! });
//! let panics = service_fn(async |_: Request<String>| -> Result<Response<String>, ()> { panic!("on purpose") });
//!
//! let answer = audit.layer(panics).oneshot(Request::get("/a").body("".into()).unwrap()).await.unwrap();
//! assert_eq!(answer.status(), 500);
//! assert_eq!(events.recv().await.unwrap(), "/a: Panicked");
//! # });
//! ```
//!
//! * [`AuditLayer`] is for every tower service over [`http`]: axum's and tonic's alike. It takes room for a request's
//!   event before the service is called, and answers 503, or `UNAVAILABLE`, if there is none: [`Refusal`].
//! * [`Outcome`] says what became of a request, [`Moment`] when that is recorded.
//! * [`Gate`] tells who is in, and ends it in order.
//! * [`Updates`] are events for somebody who comes back: numbered, with gaps told; with the feature `axum` as
//!   server-sent events, with `ws` over a WebSocket. For tonic, they are a response stream.
//!
//! The README says what is guaranteed, and what is not.
//!
//! # Features
//!
//! * `axum`: `sse` and `LastEventId`.
//! * `ws`: `forward`, to a WebSocket of axum's.

mod body;
mod entry;
mod gate;
mod grpc;
mod id;
mod layer;
mod outcome;
mod refusal;
#[cfg(feature = "axum")]
mod resume;
#[cfg(feature = "axum")]
mod sse;
mod updates;
#[cfg(feature = "ws")]
mod ws;

pub use body::AuditBody;
pub use gate::{Gate, Waits};
pub use id::{REQUEST_ID, RequestId, SEQUENCE};
pub use layer::{AuditLayer, Audited};
pub use outcome::{End, Moment, Outcome};
pub use refusal::Refusal;
#[cfg(feature = "axum")]
pub use resume::{InvalidLastEventId, LastEventId};
#[cfg(feature = "axum")]
pub use sse::sse;
pub use updates::{Update, Updates};
#[cfg(feature = "ws")]
pub use ws::forward;

/// The examples of the README are tests too.
#[cfg(all(doctest, feature = "ws"))]
#[doc = include_str!("../README.md")]
struct Readme;
