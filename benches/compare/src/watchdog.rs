//! An event that never arrives is an error, not a program that hangs.

use std::process::exit;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

/// A repetition takes less than a second, and a busy machine has to be very busy for this.
const PATIENCE: u32 = 180;

/// What runs, and since how many seconds.
#[derive(Clone)]
pub(crate) struct Watchdog(Arc<Mutex<(String, u32)>>);

impl Watchdog {
    /// Ends the process if something runs for too long. Seconds are counted one by one: a process
    /// that is stopped meanwhile is not ended for it.
    pub(crate) fn start() -> Self {
        let watchdog = Self(Arc::default());
        let watching = watchdog.clone();
        thread::spawn(move || {
            loop {
                thread::sleep(Duration::from_secs(1));
                let mut running = watching.running();
                running.1 += 1;
                if running.1 > PATIENCE {
                    let name = &running.0;
                    eprintln!("\nerror: {name}: not everything arrived within {PATIENCE} s");
                    exit(1);
                }
            }
        });
        watchdog
    }

    /// Something else runs from now on.
    pub(crate) fn watch(&self, name: &str) {
        *self.running() = (name.to_owned(), 0);
    }

    fn running(&self) -> std::sync::MutexGuard<'_, (String, u32)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
