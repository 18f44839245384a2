//! `/events`: the audit as server-sent events.
//!
//! `id:` is the event's number, so that a browser that comes back says where it was. Besides
//! events there are `gap`, with how many this viewer missed, and `restart`.

use crate::audit::Audit;
use crate::event::Numbered;
use crate::problem::Problem;
use crate::viewers::{self, Update};
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Sse;
use axum::response::sse::{Event, KeepAlive};
use futures::{Stream, StreamExt};
use serde_json::json;
use std::sync::Arc;

pub async fn events(
    State(audit): State<Arc<Audit>>,
    headers: HeaderMap,
) -> Result<Sse<impl Stream<Item = Result<Event, axum::Error>>>, Problem> {
    let updates = viewers::join(&audit, last_event_id(&headers)?);
    Ok(Sse::new(updates.map(encode)).keep_alive(KeepAlive::default()))
}

fn last_event_id(headers: &HeaderMap) -> Result<Option<u64>, Problem> {
    let Some(value) = headers.get("last-event-id") else {
        return Ok(None);
    };
    let number = value.to_str().ok().and_then(|text| text.parse().ok());
    number.map(Some).ok_or_else(|| {
        Problem::new(
            StatusCode::BAD_REQUEST,
            format!("Last-Event-ID must be the number of an event, and is {value:?}"),
        )
    })
}

fn encode(update: Update) -> Result<Event, axum::Error> {
    match update {
        Update::Event(sequence, event) => {
            Event::default()
                .id(sequence.to_string())
                .json_data(Numbered {
                    sequence,
                    event: &event,
                })
        }
        // With the id of the last one missed: who comes back after it is not told again.
        Update::Gap { missed, last } => Event::default()
            .event("gap")
            .id(last.to_string())
            .json_data(json!({ "missed": missed, "last": last })),
        Update::Restart => Event::default().event("restart").json_data(json!({})),
    }
}
