//! The audit sink: a committing receiver on a thread of its own, one transaction for each batch.

use crate::event::AuditEvent;
use crate::store::Store;
use backon::{BlockingRetryable, ExponentialBuilder};
use eventring::Receiver;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;
use tokio::sync::oneshot;

/// The most events in one transaction.
const BATCH: usize = 1024;

/// How the storing goes, for those who watch.
#[derive(Default)]
pub struct Progress {
    pub batches: AtomicU64,
    pub retries: AtomicU64,
    /// Why the batch at hand is not stored yet.
    trouble: Mutex<Option<String>>,
}

impl Progress {
    pub fn trouble(&self) -> Option<String> {
        self.lock().clone()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<String>> {
        self.trouble.lock().expect("nothing panics under the lock")
    }
}

/// Starts the sink. What comes back resolves when it has stored everything and the bus is closed;
/// to an error if its thread ended otherwise.
pub fn start(
    receiver: Receiver<Arc<AuditEvent>>,
    store: Store,
    progress: Arc<Progress>,
) -> io::Result<oneshot::Receiver<()>> {
    let (ending, ended) = oneshot::channel();
    let body = move || {
        run(receiver, store, &progress);
        // Nobody may be waiting any more.
        let _ = ending.send(());
    };
    thread::Builder::new()
        .name("audit-sink".into())
        .spawn(body)?;
    Ok(ended)
}

fn run(mut receiver: Receiver<Arc<AuditEvent>>, mut store: Store, progress: &Progress) {
    while let Some(batch) = receiver.recv_batch_blocking(BATCH) {
        (|| store.append(&batch))
            .retry(backoff())
            .sleep(thread::sleep)
            .notify(|error, pause| {
                tracing::warn!(
                    "{} events wait to be stored: {error}; again in {pause:?}",
                    batch.len()
                );
                progress.retries.fetch_add(1, Ordering::Relaxed);
                *progress.lock() = Some(error.to_string());
            })
            .call()
            .expect("it is tried again for ever");
        progress.batches.fetch_add(1, Ordering::Relaxed);
        *progress.lock() = None;
        batch.commit();
    }
}

/// Whatever is wrong with the database, it may be mended while the ring holds.
fn backoff() -> ExponentialBuilder {
    ExponentialBuilder::default()
        .with_min_delay(Duration::from_millis(10))
        .with_max_delay(Duration::from_secs(1))
        .without_max_times()
}
