//! Points between two steps of the protocol at which a writer can be made to die: in a model by
//! unwinding (nothing in `protocol` undoes anything when it is dropped), in a test of processes by
//! `abort` or SIGSTOP. A normal build has none.

/// A writer may die here, just before the step of this name.
#[cfg(not(any(eventring_loom, feature = "faults")))]
#[inline(always)]
pub(crate) const fn point(_step: &str) {}

#[cfg(all(feature = "faults", not(eventring_loom)))]
pub(crate) use faults::point;

#[cfg(eventring_loom)]
pub(crate) use model::{crash_at, is_crash, point};

/// Tells a process to die or to stop at a step of the protocol.
#[cfg(all(feature = "faults", not(eventring_loom)))]
pub mod faults {
    use std::sync::Mutex;
    use std::sync::atomic::{AtomicBool, Ordering};

    /// What to do at the step.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub enum Fault {
        /// End the process at once, as by `kill -9`.
        Abort,
        /// Stop it, as by SIGSTOP, until it gets SIGCONT.
        Stop,
    }

    static ARMED: AtomicBool = AtomicBool::new(false);
    static FAULT: Mutex<Option<(String, u64, Fault)>> = Mutex::new(None);

    /// The steps at which a writer can fail, in the order in which a publish takes them.
    pub const STEPS: [&str; 12] = [
        "lock",
        "oldest",
        "floor",
        "open",
        "payload",
        "descriptor",
        "commit",
        "tail",
        "head",
        "unlock",
        "bell",
        "wake",
    ];

    /// From now on, fails when `step` is reached for the `nth` time (0: the next one).
    pub fn arm(step: &str, nth: u64, fault: Fault) {
        *FAULT.lock().expect("no panic under this lock") = Some((step.to_owned(), nth, fault));
        ARMED.store(true, Ordering::Relaxed);
    }

    pub(crate) fn point(step: &str) {
        if ARMED.load(Ordering::Relaxed) && is_due(step) {
            ARMED.store(false, Ordering::Relaxed);
            let fault = FAULT.lock().expect("no panic under this lock").take();
            match fault {
                Some((_, _, Fault::Abort)) => std::process::abort(),
                Some((_, _, Fault::Stop)) => stop(),
                None => {}
            }
        }
    }

    fn stop() {
        let me = rustix::process::getpid();
        rustix::process::kill_process(me, rustix::process::Signal::STOP)
            .expect("a process may signal itself");
        // Another thread may be the one that gets the signal: this one must not go on meanwhile.
        std::thread::sleep(std::time::Duration::from_millis(100));
    }

    fn is_due(step: &str) -> bool {
        let mut fault = FAULT.lock().expect("no panic under this lock");
        match fault.as_mut() {
            Some((armed, left, _)) if armed == step => match left.checked_sub(1) {
                Some(less) => {
                    *left = less;
                    false
                }
                None => true,
            },
            _ => false,
        }
    }
}

#[cfg(eventring_loom)]
mod model {
    use std::cell::Cell;

    loom::thread_local! {
        static LEFT: Cell<Option<usize>> = Cell::new(None);
    }

    struct Crash;

    /// This thread of the model dies at the `nth` point from now on.
    pub(crate) fn crash_at(nth: usize) {
        LEFT.with(|left| left.set(Some(nth)));
    }

    /// Whether that is why a thread panicked.
    pub(crate) fn is_crash(panic: &(dyn std::any::Any + Send)) -> bool {
        panic.is::<Crash>()
    }

    pub(crate) fn point(_step: &str) {
        LEFT.with(|left| match left.get() {
            Some(0) => {
                left.set(None);
                // No message, no hook: a model dies thousands of times.
                std::panic::resume_unwind(Box::new(Crash));
            }
            Some(more) => left.set(Some(more - 1)),
            None => {}
        });
    }
}
