//! `/stats`: what the audit has counted.

use crate::audit::Audit;
use crate::sink::Progress;
use crate::viewers::{Viewers, ViewersStats};
use axum::Json;
use axum::extract::State;
use serde::Serialize;
use std::sync::Arc;
use std::sync::atomic::Ordering;

#[derive(Serialize)]
pub struct Stats {
    /// Events published since the server started, and of these the ones on disk.
    pub published: u64,
    pub stored: u64,
    /// The number that the next event gets in the audit.
    pub next_sequence: u64,
    pub ring: RingStats,
    pub waiting: WaitingStats,
    pub sink: SinkStats,
    pub viewers: ViewersStats,
}

/// Places in the audit.
#[derive(Serialize)]
pub struct RingStats {
    pub capacity: usize,
    pub in_flight: usize,
    pub not_stored: u64,
    /// The part of the places that is taken.
    pub fill: f64,
}

/// Requests that had to wait for a place.
#[derive(Serialize)]
pub struct WaitingStats {
    pub requests: u64,
    pub seconds: f64,
    pub refused: u64,
}

#[derive(Serialize)]
pub struct SinkStats {
    pub batches: u64,
    pub retries: u64,
    /// Why the batch at hand is not stored yet, if it had to be tried again.
    pub trouble: Option<String>,
}

/// Where the counts are.
#[derive(Clone)]
pub struct Sources {
    pub audit: Arc<Audit>,
    pub progress: Arc<Progress>,
    pub viewers: Arc<Viewers>,
}

impl Sources {
    pub fn snapshot(&self) -> Stats {
        let audit = &self.audit;
        // In this order: what is stored was published before.
        let stored = audit.stored() - audit.first;
        let published = audit.bus.stats().published;
        let capacity = audit.bus.capacity();
        let waits = audit.places.waits();
        Stats {
            published,
            stored,
            next_sequence: audit.first + published,
            ring: RingStats {
                capacity,
                in_flight: audit.in_flight(),
                not_stored: published - stored,
                fill: 1.0 - audit.places.free() as f64 / capacity as f64,
            },
            waiting: WaitingStats {
                requests: waits.requests,
                seconds: waits.total.as_secs_f64(),
                refused: waits.refused,
            },
            sink: SinkStats {
                batches: self.progress.batches.load(Ordering::Relaxed),
                retries: self.progress.retries.load(Ordering::Relaxed),
                trouble: self.progress.trouble(),
            },
            viewers: self.viewers.stats(),
        }
    }
}

pub async fn stats(State(sources): State<Sources>) -> Json<Stats> {
    Json(sources.snapshot())
}
