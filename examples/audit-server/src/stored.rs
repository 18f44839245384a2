//! `/stored`: what is on disk, in pages, from the newest one back.

use crate::event::{AuditEvent, Numbered};
use crate::problem::Problem;
use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use eventring_log::{Error, Log};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;

const LIMIT: u64 = 100;
const MAX_LIMIT: u64 = 500;

/// Pages that are read at a time; the others wait. Each takes a thread, and a connection to the database.
const READERS: usize = 4;

pub type AuditLog = Log<eventring_log::Json<Arc<AuditEvent>>>;

/// Reads the log, for everybody who asks.
#[derive(Clone)]
pub struct Reader {
    log: AuditLog,
    turns: Arc<Semaphore>,
}

/// Of what is stored, the last events before this one, at most so many.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wanted {
    before: Option<u64>,
    limit: Option<u64>,
}

#[derive(Serialize)]
struct Page<'a> {
    /// The first event that is there, and the one after the last.
    first: u64,
    next: u64,
    /// Upwards. A number that is left out is not in the log, though it should be.
    events: Vec<Numbered<'a>>,
}

impl Reader {
    pub fn new(log: AuditLog) -> Self {
        let turns = Arc::new(Semaphore::new(READERS));
        Self { log, turns }
    }
}

pub async fn page(
    State(reader): State<Reader>,
    wanted: Result<Query<Wanted>, QueryRejection>,
) -> Result<Response, Problem> {
    let Query(Wanted { before, limit }) = wanted?;
    let limit = limit.unwrap_or(LIMIT);
    if !(1..=MAX_LIMIT).contains(&limit) {
        return Err(Problem::new(
            StatusCode::BAD_REQUEST,
            format!("limit must be 1 to {MAX_LIMIT}, and is {limit}"),
        ));
    }
    let Reader { log, turns } = reader;
    let turn = turns.acquire_owned().await.expect("it is never closed");
    let read = spawn_blocking(move || {
        let _turn = turn;
        read(&log, before.unwrap_or(u64::MAX), limit)
    });
    Ok(read.await.expect("reading does not panic")?)
}

fn read(log: &AuditLog, before: u64, limit: u64) -> Result<Response, Error> {
    let extent = log.extent()?;
    let (first, next) = (extent.anchor.next, extent.head.next);
    let before = before.min(next);
    let from = before.saturating_sub(limit).max(first);
    let stored: Vec<_> = log.read(from..before).collect::<Result<_, _>>()?;
    let events = stored.iter().map(|(sequence, event)| Numbered {
        sequence: *sequence,
        event,
    });
    let events = events.collect();
    let page = Page {
        first,
        next,
        events,
    };
    Ok(Json(page).into_response())
}

impl From<QueryRejection> for Problem {
    fn from(rejection: QueryRejection) -> Self {
        Self::new(rejection.status(), rejection.body_text())
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        match error {
            Error::Store(_) => Self::unavailable(format!("{error}; try again later")),
            error => Self::new(StatusCode::INTERNAL_SERVER_ERROR, error.to_string()),
        }
    }
}
