//! A sink's thread.

use crate::inside::Inside;
use crate::log::Record;
use crate::output::Output;
use crate::progress::Progress;
use crate::sink::Policy;
use eventring::{EventBus, Receiver, RecvTimeoutError, Start};
use std::sync::Arc;
use std::time::Duration;

/// After what time a writer that fails is tried again, if nothing comes meanwhile.
const RETRY: Duration = Duration::from_secs(1);

pub(crate) struct Worker {
    pub(crate) bus: EventBus<Record>,
    pub(crate) receiver: Receiver<Record>,
    pub(crate) output: Output,
    pub(crate) progress: Arc<Progress>,
    pub(crate) policy: Policy,
    /// The most records of a batch.
    pub(crate) limit: usize,
}

/// However the thread ends.
struct End(Arc<Progress>);

impl Drop for End {
    fn drop(&mut self) {
        self.0.end();
    }
}

enum Received {
    /// The output has a batch.
    Batch,
    /// Nothing came in time, or it was evicted.
    Nothing,
    End,
}

/// A receiver of this kind, with the name of its sink.
pub(crate) fn subscribe(
    bus: &EventBus<Record>,
    name: &str,
    policy: Policy,
    start: Start,
) -> Receiver<Record> {
    let receiver = bus.receiver().name(name).start(start);
    match policy {
        Policy::Block => receiver.build(),
        Policy::BlockFor(_) => receiver.evictable().build(),
        Policy::Lossy => receiver.lossy().build(),
    }
}

impl Worker {
    /// Until the log is closed and all of it is written, or lost.
    pub(crate) fn run(mut self) {
        let _inside = Inside::enter();
        let _end = End(Arc::clone(&self.progress));
        loop {
            match self.receive() {
                Received::Batch => self.output.write(),
                Received::Nothing => drop(self.output.settle()),
                Received::End => break,
            }
            let flushes = self.receiver.is_empty() || self.progress.is_awaited();
            if flushes {
                self.output.flush();
            }
            let position = flushes.then(|| self.receiver.position());
            self.progress.update(position, self.output.state());
        }
        let position = Some(self.receiver.position());
        self.progress.update(position, self.output.finish());
    }

    fn receive(&mut self) -> Received {
        let Self {
            receiver, output, ..
        } = self;
        let before = receiver.missed();
        let records = if output.in_trouble() {
            match receiver.recv_timeout(RETRY) {
                Ok(record) => {
                    output.push(&record);
                    1
                }
                Err(RecvTimeoutError::Timeout) => return Received::Nothing,
                Err(RecvTimeoutError::Closed) => 0,
            }
        } else {
            receiver.recv_many_with_blocking(self.limit, |record| output.push(record))
        };
        output.missed(receiver.missed() - before);
        if records > 0 {
            return Received::Batch;
        }
        if receiver.evicted().is_none() {
            return Received::End;
        }
        // Comes back: who logs waits for it again. Not from where it was evicted on, since it may not have
        // heard of a gap before that.
        let next = Start::Sequence(receiver.position());
        *receiver = subscribe(&self.bus, &self.progress.name, self.policy, next);
        Received::Nothing
    }
}
