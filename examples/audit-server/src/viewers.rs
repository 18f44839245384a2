//! Those who look at the live page: each a lossy receiver that starts in the past.

use crate::audit::Audit;
use crate::event::AuditEvent;
use eventring::Start;
use futures::{Stream, StreamExt, stream};
use std::sync::Arc;

/// How many events somebody who comes anew sees of the past.
const RECENT: u64 = 200;

/// What a viewer is told.
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

/// What a viewer is told that goes on after event `last`, or begins with the recent ones. It ends when
/// the bus is closed and everything was sent.
pub fn join(audit: &Audit, last: Option<u64>) -> impl Stream<Item = Update> + use<> {
    // Events that were published and not stored when a server died never came to be: the
    // numbers start again below what the viewer has seen.
    let next = audit.bus.stats().next_sequence;
    let restarted = last.is_some_and(|last| last >= next);
    let start = match last {
        Some(last) if !restarted => Start::Sequence(last + 1),
        _ => Start::Last(RECENT),
    };
    let events = audit.bus.receiver().name("viewer").lossy().start(start);
    let events = events.build();
    let mut expected = events.position();
    let known = match start {
        Start::Sequence(wanted) => gap(wanted, expected), // of earlier runs, or gone from the ring
        _ => None,
    };
    let updates = events.with_sequence().flat_map(move |(sequence, event)| {
        let gap = gap(expected, sequence);
        expected = sequence + 1;
        stream::iter(gap.into_iter().chain([Update::Event(sequence, event)]))
    });
    let restart = restarted.then_some(Update::Restart);
    stream::iter(restart.into_iter().chain(known)).chain(updates)
}

fn gap(expected: u64, sequence: u64) -> Option<Update> {
    (sequence > expected).then(|| Update::Gap {
        missed: sequence - expected,
        last: sequence - 1,
    })
}
