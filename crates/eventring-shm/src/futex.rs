//! Sleeping at a word, across processes.

use crate::sync::AtomicU32;
use rustix::io::Errno;
use rustix::thread::futex::{self, Flags, Wait, WaitFlags, WaitPtr, WaitvFlags};
use rustix::time::{ClockId, Timespec, clock_gettime};
use std::time::Duration;

/// What `futex_waitv` takes at most.
pub(crate) const WAITV_MAX: usize = 128;

/// Sleeps while the word is `expected`, at most for `timeout`. May return for no reason.
pub(crate) fn wait(word: &AtomicU32, expected: u32, timeout: Option<Duration>) {
    let timeout = timeout.map(timespec);
    // Woken, changed, interrupted, timed out: the caller looks again in any case.
    let _ = futex::wait(word, Flags::empty(), expected, timeout.as_ref());
}

pub(crate) fn wake_all(word: &AtomicU32) {
    // It fails only if the word is not mapped, and then nobody sleeps there.
    let _ = futex::wake(word, Flags::empty(), i32::MAX as u32);
}

/// Sleeps while all words are what is expected of them, at most for `timeout`. `false` if this kernel
/// cannot (before 5.16, or where a sandbox forbids it).
pub(crate) fn wait_any(words: &[(&AtomicU32, u32)], timeout: Option<Duration>) -> bool {
    let waits: Vec<Wait> = words
        .iter()
        .map(|(word, expected)| {
            let mut wait = Wait::new();
            wait.val = u64::from(*expected);
            wait.uaddr = WaitPtr::new(word.as_ptr().cast());
            wait.flags = WaitFlags::SIZE_U32;
            wait
        })
        .collect();
    let deadline = timeout.map(|timeout| {
        let now = clock_gettime(ClockId::Monotonic);
        now + timespec(timeout)
    });
    let waited = futex::waitv(
        &waits,
        WaitvFlags::empty(),
        deadline.as_ref(),
        ClockId::Monotonic,
    );
    !matches!(waited, Err(Errno::NOSYS | Errno::PERM))
}

fn timespec(duration: Duration) -> Timespec {
    Timespec {
        tv_sec: duration.as_secs().min(i64::MAX as u64 / 4) as i64,
        tv_nsec: i64::from(duration.subsec_nanos()),
    }
}
