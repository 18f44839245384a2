//! Runtimes, and tasks that start together.

use crate::channel::{Driver, Recv};
use crate::payload::Payload;
use crate::tally::Tally;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::Barrier;
use tokio::task::JoinSet;

/// A sender's ends in nothing, a receiver's in what it got.
pub(super) type Task = Pin<Box<dyn Future<Output = Option<Tally>> + Send>>;

/// Who runs the tasks.
#[derive(Clone, Copy)]
pub(super) enum Workers {
    /// So many threads.
    Threads(usize),
    /// The thread that waits for them: a current-thread runtime.
    Current,
}

pub(super) const TWO: Workers = Workers::Threads(2);

/// What a group's variant is called when its tasks are on [`Workers::Current`].
pub(super) const ON_CURRENT: &str = "current-thread";

pub(super) fn runtime(workers: Workers, driver: Option<Driver>) -> Runtime {
    let runtime = match workers {
        Workers::Threads(count) => Builder::new_multi_thread().worker_threads(count).build(),
        Workers::Current => Builder::new_current_thread().build(),
    };
    let runtime = runtime.expect("threads");
    if let Some(driver) = driver {
        runtime.spawn(driver);
    }
    runtime
}

/// Receives so many events, or until the channel is closed.
pub(super) async fn receive<E: Payload>(mut receiver: impl Recv<E>, events: u64) -> Tally {
    let mut tally = Tally::default();
    receive_until(&mut receiver, &mut tally, events).await;
    tally
}

/// Receives until there were so many events in all, or the channel is closed.
pub(super) async fn receive_until<E: Payload>(
    receiver: &mut impl Recv<E>,
    tally: &mut Tally,
    events: u64,
) {
    while tally.total() < events {
        let received = receiver.recv().await;
        if !receiver.count(received, tally) {
            break;
        }
    }
}

/// Runs the tasks: from when the first starts, all being there, until all end.
pub(super) fn together(
    workers: Workers,
    driver: Option<Driver>,
    tasks: Vec<Task>,
) -> (Duration, Vec<Tally>) {
    let ready = Arc::new(Barrier::new(tasks.len()));
    runtime(workers, driver).block_on(async {
        let mut running = JoinSet::new();
        for task in tasks {
            let ready = Arc::clone(&ready);
            running.spawn(async move {
                ready.wait().await;
                let start = Instant::now();
                let tally = task.await;
                (start, Instant::now(), tally)
            });
        }
        let ended = running.join_all().await;
        let start = ended.iter().map(|task| task.0).min().expect("tasks");
        let end = ended.iter().map(|task| task.1).max().expect("tasks");
        (
            end - start,
            ended.into_iter().filter_map(|task| task.2).collect(),
        )
    })
}
