//! What both oracles use: payloads that are counted, user code that panics when told to, and wakers
//! that count.

use std::cell::{Cell, RefCell};
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};

thread_local! {
    /// How many pieces of user code run until one panics, that one included; 0: none does.
    static FUSE: Cell<u8> = const { Cell::new(0) };
    static CLONES: Cell<usize> = const { Cell::new(0) };
}

thread_local! {
    static LOG: RefCell<Log> = const { RefCell::new(Log { dropped: Vec::new(), woken: Vec::new() }) };
}

/// What happened on this thread, in order.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Log {
    /// Payloads, by their numbers.
    pub(crate) dropped: Vec<u64>,
    /// Wakers, by theirs.
    pub(crate) woken: Vec<usize>,
}

/// What happened since the last call.
pub(crate) fn take_log() -> Log {
    LOG.take()
}

/// What user code panics with.
struct Blown;

/// Run by every clone and closure.
pub(crate) fn user_code() {
    match FUSE.get() {
        0 => {}
        1 => {
            FUSE.set(0);
            resume_unwind(Box::new(Blown)) // a panic without the hook's noise
        }
        left => FUSE.set(left - 1),
    }
}

/// Runs something of which the so-many-th piece of user code panics: `None` if it came to that.
pub(crate) fn guarded<R>(fuse: u8, run: impl FnOnce() -> R) -> Option<R> {
    FUSE.set(fuse);
    let returned = catch_unwind(AssertUnwindSafe(run));
    FUSE.set(0);
    match returned {
        Ok(returned) => Some(returned),
        Err(panic) if panic.is::<Blown>() => None,
        Err(panic) => resume_unwind(panic),
    }
}

/// How many payloads this thread has cloned.
pub(crate) fn clones() -> usize {
    CLONES.get()
}

fn count_clone() {
    user_code();
    CLONES.set(CLONES.get() + 1);
}

/// What scripts publish.
pub(crate) trait Payload: Clone {
    /// Whether it is counted while it lives, so that it has to be dropped.
    const COUNTED: bool;

    fn new(number: u64, alive: &Rc<()>) -> Self;
    fn number(&self) -> u64;
}

/// Counted while it lives, and on the heap, so that a sanitizer sees any use after that.
pub(crate) struct Counted {
    number: Box<u64>,
    alive: Rc<()>,
}

impl Payload for Counted {
    const COUNTED: bool = true;

    fn new(number: u64, alive: &Rc<()>) -> Self {
        Self {
            number: Box::new(number),
            alive: Rc::clone(alive),
        }
    }

    fn number(&self) -> u64 {
        *self.number
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        LOG.with_borrow_mut(|log| log.dropped.push(*self.number));
    }
}

impl Clone for Counted {
    fn clone(&self) -> Self {
        count_clone();
        Self::new(*self.number, &self.alive)
    }
}

/// Needs no drop: takes a shorter way through the ring.
pub(crate) struct Plain(u64);

impl Payload for Plain {
    const COUNTED: bool = false;

    fn new(number: u64, _alive: &Rc<()>) -> Self {
        Self(number)
    }

    fn number(&self) -> u64 {
        self.0
    }
}

impl Clone for Plain {
    fn clone(&self) -> Self {
        count_clone();
        Self(self.0)
    }
}

/// How many wakers scripts poll with.
pub(crate) const WAKERS: usize = 3;

struct Woken {
    number: usize,
    times: AtomicUsize,
}

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.times.fetch_add(1, Ordering::Relaxed);
        LOG.with_borrow_mut(|log| log.woken.push(self.number));
    }
}

/// Wakers that count how often they are woken.
pub(crate) struct Wakers([Arc<Woken>; WAKERS]);

impl Default for Wakers {
    fn default() -> Self {
        let waker = |number| {
            let times = AtomicUsize::new(0);
            Arc::new(Woken { number, times })
        };
        Self(std::array::from_fn(waker))
    }
}

impl Wakers {
    /// Runs something with the context of one of them.
    pub(crate) fn with<R>(&self, waker: usize, run: impl FnOnce(&mut Context<'_>) -> R) -> R {
        let waker = Waker::from(Arc::clone(&self.0[waker]));
        run(&mut Context::from_waker(&waker))
    }

    pub(crate) fn poll<R>(&self, waker: usize, future: &mut Boxed<R>) -> Poll<R> {
        self.with(waker, |cx| future.as_mut().poll(cx))
    }

    pub(crate) fn woken(&self) -> [usize; WAKERS] {
        let [first, second, third] = &self.0;
        [first, second, third].map(|one| one.times.load(Ordering::Relaxed))
    }
}

/// A future that a script goes on with, or drops.
pub(crate) type Boxed<R> = Pin<Box<dyn Future<Output = R>>>;
