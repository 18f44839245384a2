//! Waiting until a ring of some name is there.

use crate::error::OpenError;
use crate::event_ring::EventRing;
use rustix::event::{PollFd, PollFlags, poll};
use rustix::fs::inotify::{self, CreateFlags, WatchFlags};
use rustix::time::Timespec;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Poll, Waker};
use std::time::{Duration, Instant};

/// So often a thread looks whether anybody still wants to know.
const LOOK: Duration = Duration::from_millis(100);

impl EventRing {
    /// Opens a ring to read from it, as soon as a writer has made it.
    ///
    /// # Errors
    ///
    /// As [`open`](Self::open), but not for want of a ring.
    ///
    /// # Cancel safety
    ///
    /// Dropped before it has resolved, nothing was opened.
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let directory = tempfile::tempdir()?;
    /// # let path = directory.path().join("ring");
    /// use eventring_shm::EventRing;
    ///
    /// let later = std::thread::spawn({
    ///     let path = path.clone();
    ///     move || EventRing::builder().create(path).map(drop)
    /// });
    /// let ring = tokio_test::block_on(EventRing::wait_for(&path))?;
    /// assert_eq!(ring.tail(), 0);
    /// # later.join().unwrap()?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn wait_for(path: impl AsRef<Path>) -> Result<Self, OpenError> {
        let shared = Arc::new(Shared::default());
        let _cancel = Cancel(Arc::clone(&shared));
        match Self::open(&path) {
            Err(error) if error.is_not_found() || matches!(error, OpenError::Unfinished) => {}
            opened => return opened,
        }
        let path = path.as_ref().to_owned();
        let watch = Arc::clone(&shared);
        std::thread::Builder::new()
            .name("eventring-wait".into())
            .spawn(move || watch.run(&path))
            .map_err(|error| OpenError::io("wait for", error))?;
        std::future::poll_fn(|cx| {
            // Cloned and dropped with no lock held: that is user code.
            let waker = cx.waker().clone();
            let mut state = shared.lock();
            match state.opened.take() {
                Some(opened) => Poll::Ready(opened),
                None => {
                    let old = state.waker.replace(waker);
                    drop(state);
                    drop(old);
                    Poll::Pending
                }
            }
        })
        .await
    }

    /// The same, blocking the thread instead of the task, for at most `timeout`.
    ///
    /// # Errors
    ///
    /// As [`open`](Self::open), for want of a ring only if there is none in time.
    pub fn wait_for_blocking(
        path: impl AsRef<Path>,
        timeout: Option<Duration>,
    ) -> Result<Self, OpenError> {
        let deadline = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        let over = || deadline.is_some_and(|deadline| Instant::now() >= deadline);
        open_when_there(path.as_ref(), over)
    }
}

/// Opens it when it is there; whatever there is once `over` says so.
fn open_when_there(path: &Path, over: impl Fn() -> bool) -> Result<EventRing, OpenError> {
    let changes = inotify::init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK)
        .map_err(|error| OpenError::io("watch for", error))?;
    let events = WatchFlags::CREATE | WatchFlags::MOVED_TO | WatchFlags::ATTRIB;
    inotify::add_watch(&changes, directory(path), events)
        .map_err(|error| OpenError::io("watch for", error))?;
    loop {
        // Watched since before: what comes later is told.
        match EventRing::open(path) {
            Err(error) if error.is_not_found() || matches!(error, OpenError::Unfinished) => {
                if over() {
                    return Err(error);
                }
            }
            opened => return opened,
        }
        let timeout = Timespec {
            tv_sec: 0,
            tv_nsec: i64::from(LOOK.subsec_nanos()),
        };
        // Interrupted or not: it is looked again.
        let _ = poll(&mut [PollFd::new(&changes, PollFlags::IN)], Some(&timeout));
        while matches!(rustix::io::read(&changes, &mut [0; 4096]), Ok(read) if read > 0) {}
    }
}

fn directory(path: &Path) -> PathBuf {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
        _ => PathBuf::from("."),
    }
}

/// What a task that waits and its thread have in common.
#[derive(Default)]
struct Shared {
    cancelled: AtomicBool,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    opened: Option<Result<EventRing, OpenError>>,
    waker: Option<Waker>,
}

impl Shared {
    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn run(&self, path: &Path) {
        let opened = open_when_there(path, || self.cancelled.load(Ordering::Relaxed));
        let mut state = self.lock();
        state.opened = Some(opened);
        let waker = state.waker.take();
        drop(state);
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

/// Tells the thread that nobody waits any more.
struct Cancel(Arc<Shared>);

impl Drop for Cancel {
    fn drop(&mut self) {
        self.0.cancelled.store(true, Ordering::Relaxed);
    }
}
