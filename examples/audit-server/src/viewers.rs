//! Those who look at the live page: each a lossy receiver that starts in the past.

use crate::audit::Audit;
use crate::event::AuditEvent;
use eventring::stream::WithLag;
use eventring::{Lagged, Start};
use serde::Serialize;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

/// How many events somebody who comes anew sees of the past.
const RECENT: u64 = 200;

pub struct Viewers {
    audit: Arc<Audit>,
    all: Mutex<All>,
}

#[derive(Default)]
struct All {
    came: u64,
    missed_by_gone: u64,
    present: BTreeMap<u64, Arc<Counts>>,
}

/// One viewer's counts, written by it alone. Statistics: Relaxed.
#[derive(Default)]
struct Counts {
    sent: AtomicU64,
    missed: AtomicU64,
    /// The number of the event that it is sent next.
    next: AtomicU64,
}

/// The viewers in `/stats`.
#[derive(Serialize)]
pub struct ViewersStats {
    pub present: Vec<ViewerStats>,
    pub missed_by_gone: u64,
}

/// One of them.
#[derive(Serialize)]
pub struct ViewerStats {
    pub id: u64,
    pub sent: u64,
    pub missed: u64,
    /// Events that it has not been sent, including those that it may turn out to have missed.
    pub behind: u64,
}

impl Viewers {
    pub fn new(audit: Arc<Audit>) -> Self {
        Self {
            audit,
            all: Mutex::default(),
        }
    }

    /// A viewer that goes on after event `last`, or begins with the recent ones.
    pub fn join(self: &Arc<Self>, last: Option<u64>) -> Viewer {
        let next = self.audit.next();
        let recent = self.audit.first.max(next.saturating_sub(RECENT));
        // Events that were published and not stored when a server died never came to be: the
        // numbers start again below what the viewer has seen.
        let is_ahead = |last| last >= next;
        let expected = match last {
            Some(last) if !is_ahead(last) => last + 1,
            _ => recent,
        };
        let first = Start::Sequence(expected.saturating_sub(self.audit.first));
        let events = self.audit.bus.subscribe_lossy_from(first).with_lag();
        let counts = Arc::new(Counts::default());
        counts.next.store(expected, Ordering::Relaxed);
        let mut all = lock(&self.all);
        let id = all.came;
        all.came += 1;
        all.present.insert(id, Arc::clone(&counts));
        Viewer {
            id,
            events,
            expected,
            restarted: last.is_some_and(is_ahead),
            counts,
            viewers: Arc::clone(self),
        }
    }

    pub fn stats(&self) -> ViewersStats {
        let next = self.audit.next();
        let load = |count: &AtomicU64| count.load(Ordering::Relaxed);
        let line = |(&id, counts): (&u64, &Arc<Counts>)| ViewerStats {
            id,
            sent: load(&counts.sent),
            missed: load(&counts.missed),
            behind: next.saturating_sub(load(&counts.next)),
        };
        let all = lock(&self.all);
        ViewersStats {
            present: all.present.iter().map(line).collect(),
            missed_by_gone: all.missed_by_gone,
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().expect("nothing panics under the lock")
}

/// What a viewer is told.
#[derive(Debug, PartialEq)]
pub enum Update {
    Event(u64, Arc<AuditEvent>),
    /// It has missed that many, up to the event of the number `last`.
    Gap {
        missed: u64,
        last: u64,
    },
    /// The server was restarted, and the numbers that follow were used before.
    Restart,
}

pub struct Viewer {
    id: u64,
    events: WithLag<Arc<AuditEvent>>,
    /// The number of the event to be sent next: newer ones show a gap.
    expected: u64,
    restarted: bool,
    counts: Arc<Counts>,
    viewers: Arc<Viewers>,
}

impl Viewer {
    /// What comes next; `None` when the bus is closed and everything was sent.
    pub async fn next(&mut self) -> Option<Update> {
        if std::mem::take(&mut self.restarted) {
            return Some(Update::Restart);
        }
        loop {
            let number = self.viewers.audit.first + self.events.get_ref().position();
            if number > self.expected {
                let missed = number - self.expected;
                self.counts.missed.fetch_add(missed, Ordering::Relaxed);
                self.move_to(number);
                return Some(Update::Gap {
                    missed,
                    last: number - 1,
                });
            }
            match self.events.recv().await {
                Some(Ok(event)) => {
                    self.counts.sent.fetch_add(1, Ordering::Relaxed);
                    self.move_to(number + 1);
                    return Some(Update::Event(number, event));
                }
                Some(Err(Lagged(_))) => {} // Its position has moved.
                None => return None,
            }
        }
    }

    fn move_to(&mut self, number: u64) {
        self.expected = number;
        self.counts.next.store(number, Ordering::Relaxed);
    }
}

impl Drop for Viewer {
    fn drop(&mut self) {
        let mut all = lock(&self.viewers.all);
        all.present.remove(&self.id);
        all.missed_by_gone += self.counts.missed.load(Ordering::Relaxed);
    }
}
