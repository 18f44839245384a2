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

pub(super) fn runtime(workers: usize, driver: Option<Driver>) -> Runtime {
    let runtime = Builder::new_multi_thread()
        .worker_threads(workers)
        .build()
        .expect("threads");
    if let Some(driver) = driver {
        runtime.spawn(driver);
    }
    runtime
}

/// Receives so many events, or until the channel is closed.
pub(super) async fn receive<E: Payload>(mut receiver: impl Recv<E>, events: u64) -> Tally {
    let mut tally = Tally::default();
    while tally.total() < events {
        let received = receiver.recv().await;
        if !receiver.count(received, &mut tally) {
            break;
        }
    }
    tally
}

/// Runs the tasks on two workers: from when the first starts, all being there, until all end.
pub(super) fn together(driver: Option<Driver>, tasks: Vec<Task>) -> (Duration, Vec<Tally>) {
    let ready = Arc::new(Barrier::new(tasks.len()));
    runtime(2, driver).block_on(async {
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
