//! `/events`: the audit as server-sent events, for those who look at the live page: each a lossy receiver that
//! starts in the past.

use crate::audit::Audit;
use crate::event::Numbered;
use axum::extract::State;
use axum::response::IntoResponse;
use axum::response::sse::Event;
use eventring::Start;
use eventring_tower::{LastEventId, Updates, sse};
use std::sync::Arc;

/// How many events somebody who comes anew sees of the past.
const RECENT: u64 = 200;

pub async fn events(
    State(audit): State<Arc<Audit>>,
    LastEventId(last): LastEventId,
) -> impl IntoResponse {
    let viewer = |start| {
        audit
            .bus
            .receiver()
            .name("viewer")
            .lossy()
            .start(start)
            .build()
    };
    let updates = Updates::resume(last, Start::Last(RECENT), viewer);
    sse(updates, |sequence, event| {
        Event::default().json_data(Numbered { sequence, event })
    })
}
