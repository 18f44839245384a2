//! The event of a request that is being handled.

use crate::gate::Gate;
use crate::outcome::{End, Outcome};
use eventring::OwnedPermit;
use http::StatusCode;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};
use tokio_util::task::task_tracker::TaskTrackerToken;

/// Room for the event of a request, which is published when this is dropped, if not before.
pub(crate) struct Entry<E, D: FnOnce(&Outcome) -> E> {
    unpublished: Option<(OwnedPermit<E>, D)>,
    /// What to record if it is dropped now.
    outcome: Outcome,
    arrived: Instant,
    gate: Gate<E>,
    _token: TaskTrackerToken,
}

impl<E, D: FnOnce(&Outcome) -> E> Entry<E, D> {
    pub(crate) fn new(
        gate: Gate<E>,
        permit: OwnedPermit<E>,
        describe: D,
        arrived: Instant,
        waited: Duration,
        token: TaskTrackerToken,
    ) -> Self {
        Self {
            unpublished: Some((permit, describe)),
            outcome: Outcome {
                end: End::Gone,
                status: None,
                grpc: None,
                bytes: 0,
                waited,
                latency: Duration::ZERO,
            },
            arrived,
            gate,
            _token: token,
        }
    }

    /// The answer begins: dropped from now on, it was cut.
    pub(crate) fn begin(&mut self, status: StatusCode) {
        self.outcome.end = End::Cut;
        self.outcome.status = Some(status);
    }

    /// So many more bytes of the answer; how many these are together.
    pub(crate) fn sent(&mut self, bytes: u64) -> u64 {
        self.outcome.bytes += bytes;
        self.outcome.bytes
    }

    /// Publishes the event; its number, or `None` if it could not be published.
    pub(crate) fn close(mut self, end: End, grpc: Option<i32>) -> Option<u64> {
        self.outcome.end = end;
        self.outcome.grpc = grpc;
        self.publish()
    }

    fn publish(&mut self) -> Option<u64> {
        let (permit, describe) = self.unpublished.take()?;
        self.outcome.latency = self.arrived.elapsed();
        let event = catch_unwind(AssertUnwindSafe(|| describe(&self.outcome)));
        let sequence = event.ok().and_then(|event| permit.publish(event).ok());
        if sequence.is_none() {
            self.gate.not_recorded();
        }
        sequence
    }
}

impl<E, D: FnOnce(&Outcome) -> E> Drop for Entry<E, D> {
    fn drop(&mut self) {
        self.publish();
    }
}
