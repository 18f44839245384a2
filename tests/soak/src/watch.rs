//! Ends the soak when a check fails or nothing moves any more, and says how to repeat that.

use std::panic;
use std::process::exit;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

/// A round takes milliseconds; under a sanitizer, seconds.
const PATIENCE: u64 = 300;

static ROUNDS: AtomicU64 = AtomicU64::new(0);
static SCENE: Mutex<String> = Mutex::new(String::new());

/// Starts to watch. A panic anywhere ends the process: others may wait for whom it hit.
pub(crate) fn start() {
    let report = panic::take_hook();
    panic::set_hook(Box::new(move |panic| {
        report(panic);
        fail("a check failed");
    }));
    thread::spawn(watch);
}

/// Counts its own ticks rather than the clock's: while the process is stopped, nothing hangs.
fn watch() {
    let (mut rounds, mut ticks) = (0, 0);
    while ticks < PATIENCE {
        thread::sleep(Duration::from_secs(1));
        let now = ROUNDS.load(Ordering::Relaxed);
        ticks = if now == rounds { ticks + 1 } else { 0 };
        rounds = now;
    }
    fail("hangs");
}

/// A round begins.
pub(crate) fn next(seed: u64, scene: String) {
    ROUNDS.fetch_add(1, Ordering::Relaxed);
    *SCENE.lock().expect("nobody panics with it") = format!("--seed {seed} begins with {scene}");
}

fn fail(what: &str) -> ! {
    let scene = SCENE.lock().expect("nobody panics with it");
    eprintln!("soak: {what}: {scene}");
    exit(1);
}
