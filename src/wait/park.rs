//! Threads that wait: as tasks do, with a waker that unparks them.

use super::{Wait, Waiting};
use crate::sync::{Parker, Unparker, const_thread_local};
use std::cell::RefCell;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::time::{Duration, Instant};

#[derive(Debug)]
struct Parked {
    parker: Parker,
    waker: Waker,
}

#[derive(Debug)]
struct Unpark(Unparker);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.0.unpark();
    }
}

impl Parked {
    fn new() -> Self {
        let parker = Parker::new();
        let unpark = Unpark(parker.unparker().clone());
        Self {
            parker,
            waker: Waker::from(Arc::new(unpark)),
        }
    }

    /// A wake-up that comes after a poll is not slept through: the parker keeps it.
    fn block_on<F: Future + Unpin>(&self, future: &mut F, limit: &mut Limit) -> Option<F::Output> {
        let cx = &mut Context::from_waker(&self.waker);
        loop {
            if let Poll::Ready(output) = Pin::new(&mut *future).poll(cx) {
                return Some(output);
            }
            match limit.deadline() {
                None => self.parker.park(),
                Some(deadline) if Instant::now() < deadline => self.parker.park_deadline(deadline),
                Some(_) => return None,
            }
        }
    }
}

const_thread_local! {
    /// This thread's, unless it is in use: user code that is called while a thread waits may have
    /// to wait too.
    static PARKED: RefCell<Option<Parked>> = RefCell::new(None);
}

/// How long to wait at most. The clock is read only by who has to wait.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Limit {
    Unlimited,
    Timeout(Duration),
    Deadline(Instant),
}

impl Limit {
    fn deadline(&mut self) -> Option<Instant> {
        if let Self::Timeout(timeout) = *self {
            let deadline = Instant::now().checked_add(timeout);
            *self = deadline.map_or(Self::Unlimited, Self::Deadline);
        }
        match *self {
            Self::Deadline(deadline) => Some(deadline),
            Self::Unlimited | Self::Timeout(_) => None,
        }
    }
}

/// Blocks the thread until the attempt succeeds.
pub(crate) fn block<W: Wait>(wait: &mut W) -> W::Output {
    block_within(wait, &mut Limit::Unlimited).expect("waits without a deadline")
}

/// The same, at most until the limit has passed (`None`).
pub(crate) fn block_within<W: Wait>(wait: &mut W, limit: &mut Limit) -> Option<W::Output> {
    if let Some(output) = wait.attempt(false) {
        return Some(output);
    }
    block_on(&mut Waiting::new(wait), limit)
}

/// Blocks the thread until the future resolves, at most until the limit has passed (`None`).
pub(crate) fn block_on<F: Future + Unpin>(future: &mut F, limit: &mut Limit) -> Option<F::Output> {
    with_parked(|parked| parked.block_on(future, limit))
}

fn with_parked<R>(run: impl FnOnce(&mut Parked) -> R) -> R {
    let kept = PARKED.try_with(|parked| parked.borrow_mut().take());
    let mut parked = kept.ok().flatten().unwrap_or_else(Parked::new);
    let output = run(&mut parked);
    let _ = PARKED.try_with(|kept| kept.replace(Some(parked)));
    output
}
