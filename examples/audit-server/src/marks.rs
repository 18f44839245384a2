//! How far the audit is stored, told between the events of a viewer.

use crate::audit::Audit;
use axum::body::{Body, BodyDataStream, Bytes};
use axum::extract::State;
use axum::response::Response;
use eventring::Gone;
use futures::future::{BoxFuture, OptionFuture};
use futures::{FutureExt, StreamExt, stream};
use serde_json::json;
use std::sync::{Arc, LazyLock};
use std::time::Duration;
use tokio::time::sleep;
use uuid::Uuid;

/// What is stored within that time is told at once.
const PAUSE: Duration = Duration::from_millis(50);

/// This process: numbers that it stored are of its events, those that another one gave may be used again.
static RUN: LazyLock<Uuid> = LazyLock::new(Uuid::now_v7);

/// Adds to the events of an answer, which are told as they come, `stored`: first of all, and whenever more are
/// on disk. It has the run that this is, the number of its first event, and the one after the last on disk.
pub async fn add(State(audit): State<Arc<Audit>>, response: Response) -> Response {
    if !response.status().is_success() {
        return response;
    }
    let (parts, body) = response.into_parts();
    let marked = Marked {
        frames: body.into_data_stream(),
        ended: false,
        told: audit.stored.get(),
        storing: None,
        audit,
    };
    let first = marked.mark();
    let rest = stream::unfold(marked, |mut marked| async {
        let frame = marked.next().await?;
        Some((frame, marked))
    });
    let frames = stream::once(async { Ok(first) }).chain(rest);
    Response::from_parts(parts, Body::from_stream(frames))
}

struct Marked {
    audit: Arc<Audit>,
    /// Each is whole events.
    frames: BodyDataStream,
    ended: bool,
    /// The events before this one were told of as stored.
    told: u64,
    /// Resolves when there is more to be told.
    storing: Option<BoxFuture<'static, Result<(), Gone>>>,
}

impl Marked {
    async fn next(&mut self) -> Option<Result<Bytes, axum::Error>> {
        loop {
            // Nobody waits for the sink while everything is stored.
            if self.storing.is_none() && self.told < self.audit.bus.stats().next_sequence {
                self.storing = Some(self.more_stored());
            }
            let waits = self.storing.is_some();
            tokio::select! {
                biased;
                Some(more) = OptionFuture::from(self.storing.as_mut()), if waits => {
                    self.storing = None;
                    self.told = match more {
                        Ok(()) => self.audit.stored.get(),
                        Err(Gone) => u64::MAX, // What is left is not going to be stored.
                    };
                    if more.is_ok() {
                        return Some(Ok(self.mark()));
                    }
                }
                frame = self.frames.next(), if !self.ended => match frame {
                    Some(frame) => return Some(frame),
                    None => self.ended = true,
                },
                else => return None,
            }
        }
    }

    fn more_stored(&self) -> BoxFuture<'static, Result<(), Gone>> {
        let (stored, told) = (self.audit.stored.clone(), self.told);
        async move {
            stored.reached(told).await?;
            sleep(PAUSE).await;
            Ok(())
        }
        .boxed()
    }

    fn mark(&self) -> Bytes {
        let bus = self.audit.bus.stats();
        let first = bus.next_sequence - bus.published;
        let data = json!({ "run": *RUN, "first": first, "next": self.told });
        format!("event: stored\ndata: {data}\n\n").into()
    }
}
