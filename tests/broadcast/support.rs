//! Wakers that count, payloads that misbehave.

use std::cell::Cell;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};

/// How often each waker made of it was woken.
#[derive(Default)]
pub(crate) struct Woken(AtomicUsize);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

impl Woken {
    pub(crate) fn new() -> Arc<Self> {
        Arc::default()
    }

    pub(crate) fn count(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }

    pub(crate) fn poll<F: Future>(self: &Arc<Self>, future: Pin<&mut F>) -> Poll<F::Output> {
        let waker = Waker::from(Arc::clone(self));
        future.poll(&mut Context::from_waker(&waker))
    }
}

/// Runs a closure when it is dropped: a waker, or a payload.
pub(crate) struct OnDrop(Mutex<Option<Box<dyn FnOnce() + Send>>>);

impl OnDrop {
    pub(crate) fn new(run: impl FnOnce() + Send + 'static) -> Self {
        Self(Mutex::new(Some(Box::new(run))))
    }
}

impl Drop for OnDrop {
    fn drop(&mut self) {
        let run = self.0.get_mut().unwrap().take();
        if let Some(run) = run {
            run();
        }
    }
}

impl Wake for OnDrop {
    fn wake(self: Arc<Self>) {}
}

/// A payload that is counted while it lives, by the other owners of its token.
#[derive(Clone, Debug)]
pub(crate) struct Counted {
    pub(crate) number: u32,
    _token: Arc<()>,
}

impl Counted {
    pub(crate) fn new(number: u32, token: &Arc<()>) -> Self {
        Self {
            number,
            _token: Arc::clone(token),
        }
    }
}

/// How many [`Counted`] of this token are alive.
pub(crate) fn alive(token: &Arc<()>) -> usize {
    Arc::strong_count(token) - 1
}

thread_local! {
    static CLONE_PANICS: Cell<bool> = const { Cell::new(false) };
}

/// A payload whose next clone on this thread panics if that was asked for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Fragile(pub(crate) u32);

impl Fragile {
    /// Runs the closure, in which the first clone panics, and tells whether one did.
    pub(crate) fn clone_panics<R>(run: impl FnOnce() -> R) -> Option<R> {
        CLONE_PANICS.set(true);
        let returned = catch_unwind(AssertUnwindSafe(run)).ok();
        CLONE_PANICS.set(false);
        returned
    }
}

impl Clone for Fragile {
    fn clone(&self) -> Self {
        if CLONE_PANICS.replace(false) {
            resume_unwind(Box::new("clone")); // a panic without the hook's noise
        }
        Self(self.0)
    }
}

/// The panic hook is the process's: one test at a time may change it.
pub(crate) static HOOK: Mutex<()> = Mutex::new(());

pub(crate) fn pin_poll_once<F: Future>(future: F) -> Poll<F::Output> {
    pin!(future).poll(&mut Context::from_waker(Waker::noop()))
}

pub(crate) fn poll_dyn<T>(
    recv: &mut Pin<Box<impl Future<Output = T> + ?Sized>>,
    waker: &Waker,
) -> Poll<T> {
    recv.as_mut().poll(&mut Context::from_waker(waker))
}
