//! How far a sink is, for those who wait for it.

use crate::error::Behind;
use crate::stats::SinkStats;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

/// What a sink's output counts.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Counts {
    pub(crate) written: u64,
    pub(crate) missed: u64,
    pub(crate) failed: u64,
    pub(crate) untold: u64,
}

pub(crate) struct Progress {
    pub(crate) name: String,
    state: Mutex<State>,
    moved: Condvar,
    /// Those who wait for it to move.
    awaited: AtomicUsize,
}

#[derive(Default)]
struct State {
    /// The record that it comes to next, all before being written and flushed, or lost.
    position: u64,
    ended: bool,
    counts: Counts,
    error: Option<String>,
}

/// What is waited for.
#[derive(Clone, Copy)]
pub(crate) enum Goal {
    /// All records before this one.
    Position(u64),
    /// That, and its end.
    End(u64),
}

impl Progress {
    pub(crate) fn new(name: String) -> Self {
        Self {
            name,
            state: Mutex::default(),
            moved: Condvar::new(),
            awaited: AtomicUsize::new(0),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether somebody waits, and so it is to flush. Who comes too late for this one is seen after the next
    /// batch: there is one, or else it flushes anyhow.
    pub(crate) fn is_awaited(&self) -> bool {
        self.awaited.load(Ordering::Relaxed) > 0
    }

    /// The sink came so far, and has flushed if there is a position.
    pub(crate) fn update(&self, position: Option<u64>, (counts, error): (Counts, Option<String>)) {
        let mut state = self.lock();
        (state.counts, state.error) = (counts, error);
        if let Some(position) = position {
            state.position = position;
            drop(state);
            self.moved.notify_all();
        }
    }

    pub(crate) fn end(&self) {
        self.lock().ended = true;
        self.moved.notify_all();
    }

    /// Waits for it until then, if there is such a time. What is not as it should be in the end.
    pub(crate) fn wait(&self, goal: Goal, deadline: Option<Instant>) -> Option<Behind> {
        let mut state = self.lock();
        self.awaited.fetch_add(1, Ordering::Relaxed);
        let (Goal::Position(target) | Goal::End(target)) = goal;
        loop {
            let reached =
                state.ended || (matches!(goal, Goal::Position(_)) && state.position >= target);
            let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
            if reached || left.is_some_and(|left| left.is_zero()) {
                break;
            }
            state = match left {
                Some(left) => {
                    let woken = self.moved.wait_timeout(state, left);
                    woken.unwrap_or_else(PoisonError::into_inner).0
                }
                None => {
                    let woken = self.moved.wait(state);
                    woken.unwrap_or_else(PoisonError::into_inner)
                }
            };
        }
        self.awaited.fetch_sub(1, Ordering::Relaxed);
        let records = target.saturating_sub(state.position);
        let Counts { untold, .. } = state.counts;
        let is_well = records + untold == 0 && state.error.is_none();
        (!is_well).then(|| Behind {
            sink: self.name.clone(),
            records,
            untold,
            error: state.error.clone(),
        })
    }

    pub(crate) fn stats(&self, published: u64) -> SinkStats {
        let State { counts, error, .. } = &*self.lock();
        SinkStats {
            name: self.name.clone(),
            written: counts.written,
            missed: counts.missed,
            failed: counts.failed,
            untold: counts.untold,
            behind: published.saturating_sub(counts.written + counts.missed + counts.failed),
            error: error.clone(),
        }
    }
}
