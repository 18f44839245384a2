//! Who does the work of a round: a thread for each, or tasks on a few threads.

use crate::common::Random;
use crate::ways::Caller;
use futures::executor::block_on;
use std::thread;
use tokio::runtime::{Builder, Runtime};

pub(crate) enum Crew {
    Threads,
    Tasks(Runtime),
}

/// Waits for a work to be done, and for what came of it.
pub(crate) type Job<T> = Box<dyn FnOnce() -> T>;

impl Crew {
    pub(crate) fn of(caller: Caller, random: &mut Random) -> Self {
        match caller {
            Caller::Thread => Self::Threads,
            Caller::Task => {
                let threads = 1 + random.below(3) as usize;
                let runtime = Builder::new_multi_thread().worker_threads(threads).build();
                Self::Tasks(runtime.expect("threads can be started"))
            }
        }
    }

    pub(crate) fn spawn<T, F>(&self, work: F) -> Job<T>
    where
        T: Send + 'static,
        F: Future<Output = T> + Send + 'static,
    {
        const DONE: &str = "a panic would have ended the process";
        match self {
            Self::Threads => {
                let thread = thread::spawn(|| block_on(work));
                Box::new(|| thread.join().expect(DONE))
            }
            Self::Tasks(runtime) => {
                let (task, runtime) = (runtime.spawn(work), runtime.handle().clone());
                Box::new(move || runtime.block_on(task).expect(DONE))
            }
        }
    }
}
