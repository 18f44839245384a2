//! The sink: a committing receiver on a thread of its own, one transaction for each batch.

use crate::encoding::Encoding;
use crate::error::BoxError;
use crate::log::Shared;
use crate::stats::Progress;
use crate::store::{Entry, Store};
use crate::wait::until;
use eventring::{Receiver, WeakEventBus};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

/// Whatever is wrong with the store, it may be mended while the ring holds: it is tried again for ever,
/// first after this time, then after twice as long, up to ...
const FIRST_PAUSE: Duration = Duration::from_millis(10);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

pub(crate) struct Sink<C: Encoding, S> {
    pub(crate) shared: Arc<Shared<C, S>>,
    pub(crate) receiver: Receiver<C::Event>,
    pub(crate) progress: Arc<Progress>,
    /// The most events of a batch: no more than the bus holds.
    pub(crate) limit: usize,
}

/// Events that are taken from the bus, and not stored yet.
#[derive(Default)]
struct Batch {
    entries: Vec<Entry>,
    /// Why the event after them is not among them.
    failed: Option<BoxError>,
}

impl<C: Encoding, S: Store> Sink<C, S> {
    /// Until the bus is closed and all of it is stored.
    pub(crate) fn run(mut self, bus: WeakEventBus<C::Event>) {
        // Dropped before the receiver is.
        let _fail_closed = FailClosed(bus);
        while let Some(batch) = self.take() {
            if !batch.entries.is_empty() {
                self.store(&batch.entries);
                self.receiver.commit(self.shared.next());
            }
            if let Some(error) = batch.failed {
                self.receiver.rewind();
                if batch.entries.is_empty() {
                    self.pause(&error, 1);
                }
            }
        }
    }

    /// A batch: as many events as are wanted, or as come in time, or as can be encoded. `None`: the end.
    fn take(&mut self) -> Option<Batch> {
        let Self {
            shared,
            receiver,
            limit,
            ..
        } = self;
        let mut head = *shared.head();
        assert_eq!(receiver.position(), head.next, "the numbers go on");
        let mut batch = Batch::default();
        let mut encode = |event: &C::Event| {
            if batch.failed.is_some() {
                return;
            }
            match shared.encoding.encode(event) {
                Ok(bytes) => {
                    let sequence = head.next;
                    head = shared.after(head, &bytes);
                    let hash = shared.chained.then_some(head.hash);
                    let entry = Entry {
                        sequence,
                        bytes,
                        hash,
                    };
                    batch.entries.push(entry);
                }
                Err(error) => batch.failed = Some(error),
            }
        };
        receiver.recv_with_blocking(&mut encode)?;
        let deadline = Instant::now().checked_add(shared.options.max_age);
        let mut left = *limit - 1;
        while left > 0 {
            let more = match deadline {
                Some(deadline) => {
                    until(deadline, receiver.recv_many_with(left, &mut encode)).unwrap_or_default()
                }
                None => receiver.recv_many_with_blocking(left, &mut encode),
            };
            if more == 0 {
                break;
            }
            left -= more;
        }
        Some(batch)
    }

    /// Stores them, however long it takes.
    fn store(&self, entries: &[Entry]) {
        let mut left = entries;
        while let Err(error) = self.shared.append(left) {
            // It may have come when they were stored, and they cannot be a second time.
            left = &left[self.shared.already_stored(left)..];
            if left.is_empty() {
                break;
            }
            self.pause(&error, left.len());
        }
        let bytes = entries.iter().map(|entry| entry.bytes.len()).sum();
        self.progress.stored(entries.len(), bytes);
    }

    /// Tells that so many events wait, and lets some time pass.
    fn pause(&self, error: &BoxError, events: usize) {
        let before = self.progress.get().trouble;
        let pause = before.map_or(FIRST_PAUSE, |one| LONGEST_PAUSE.min(2 * one.pause));
        let trouble = self.progress.not_stored(error.to_string(), events, pause);
        (self.shared.options.on_trouble)(&trouble);
        thread::sleep(pause);
    }
}

/// Where the sink dies by a panic, nothing more is published: it would be lost.
struct FailClosed<E>(WeakEventBus<E>);

impl<E> Drop for FailClosed<E> {
    fn drop(&mut self) {
        if thread::panicking()
            && let Some(bus) = self.0.upgrade()
        {
            bus.close();
        }
    }
}
