//! `/stats`: what the audit has counted.

use crate::audit::Audit;
use crate::event::AuditEvent;
use axum::Json;
use axum::extract::State;
use eventring::{ReceiverInfo, ReceiverKind};
use eventring_log::Attached;
use serde::Serialize;
use std::sync::Arc;

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
    /// Events missed by slow viewers, of those too that have gone.
    pub missed: u64,
    pub receivers: Vec<ReceiverStats>,
}

/// Room in the audit.
#[derive(Serialize)]
pub struct RingStats {
    pub capacity: usize,
    pub in_flight: usize,
    pub not_stored: u64,
    /// The part of it that is taken.
    pub fill: f64,
}

/// Requests that had to wait for room.
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

/// The sink, or a viewer.
#[derive(Serialize)]
pub struct ReceiverStats {
    pub id: u64,
    pub name: Option<Arc<str>>,
    pub kind: &'static str,
    /// The number of the event that it is to store, or to be sent, next.
    pub position: u64,
    /// Events from there on. A viewer is at most the ring's capacity behind: what is overwritten, it has
    /// missed, and is counted there when it is told.
    pub behind: u64,
    pub missed: u64,
    /// Whether a request, an answer or a viewer's mark waits for it to go on.
    pub awaited: bool,
}

impl From<ReceiverInfo> for ReceiverStats {
    fn from(info: ReceiverInfo) -> Self {
        Self {
            id: info.id,
            name: info.name,
            kind: match info.kind {
                ReceiverKind::Lossy => "lossy",
                ReceiverKind::Committing => "committing",
                _ => "gating",
            },
            position: info.position,
            behind: info.behind,
            missed: info.missed,
            awaited: info.awaited,
        }
    }
}

/// Where the counts are.
#[derive(Clone)]
pub struct Sources {
    pub audit: Arc<Audit>,
    pub attached: Arc<Attached<Arc<AuditEvent>>>,
}

impl Sources {
    pub fn snapshot(&self) -> Stats {
        let audit = &self.audit;
        // In this order: what is stored was published before.
        let stored = audit.stored.get();
        let bus = audit.bus.stats();
        let not_stored = bus.next_sequence - stored;
        let in_flight = audit.gate.in_flight();
        let capacity = audit.bus.capacity();
        // Those who wait are in flight too, and have no room.
        let taken = capacity.min(in_flight + not_stored as usize);
        let waits = audit.gate.waits();
        let storing = self.attached.stats();
        Stats {
            published: bus.published,
            stored: bus.published - not_stored,
            next_sequence: bus.next_sequence,
            ring: RingStats {
                capacity,
                in_flight,
                not_stored,
                fill: taken as f64 / capacity as f64,
            },
            waiting: WaitingStats {
                requests: waits.requests,
                seconds: waits.total.as_secs_f64(),
                refused: waits.refused,
            },
            sink: SinkStats {
                batches: storing.batches,
                retries: storing.retries,
                trouble: storing.trouble.map(|trouble| trouble.error),
            },
            missed: bus.missed,
            receivers: audit.bus.receivers().into_iter().map(Into::into).collect(),
        }
    }
}

pub async fn stats(State(sources): State<Sources>) -> Json<Stats> {
    Json(sources.snapshot())
}
