//! What the tests share: a watchdog, wakers that count or misbehave, payloads that keep a ledger.
#![allow(dead_code)] // Each test crate uses a part of it.

use eventring::{EventBus, Lagged, Receiver, WaitStrategy};
use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::task::{Wake, Waker};
use std::thread;
use std::time::Duration;

/// How often to repeat something: Miri, which is slower by far, a hundredth of that.
pub(crate) const fn times(times: u64) -> u64 {
    if cfg!(miri) {
        times.div_ceil(100)
    } else {
        times
    }
}

/// Runs the test on a thread, and fails by name if it hangs. Not a measure of anything: it counts
/// its own ticks, so that it takes neither a slow machine nor a stopped process for a hang.
pub(crate) fn watched(test: impl FnOnce() + Send + 'static) {
    const TICK: Duration = Duration::from_secs(1);
    const TICKS: usize = 300;
    let name = thread::current().name().unwrap_or("test").to_owned();
    let (running, finished) = channel::<()>();
    let body = move || {
        let _running = running;
        test();
    };
    let worker = thread::Builder::new()
        .name(name.clone())
        .spawn(body)
        .unwrap();
    let ticking = || finished.recv_timeout(TICK) == Err(RecvTimeoutError::Timeout);
    if (0..TICKS).all(|_| ticking()) {
        panic!("{name} hangs: not done after {TICKS} s");
    }
    worker.join().unwrap_or_else(|panic| resume_unwind(panic));
}

/// The message of the panic that the closure ends with.
pub(crate) fn panic_of<R>(closure: impl FnOnce() -> R) -> String {
    match catch_unwind(AssertUnwindSafe(closure)) {
        Ok(_) => panic!("expected a panic"),
        Err(payload) => match payload.downcast::<&str>() {
            Ok(message) => (*message).to_owned(),
            Err(payload) => *payload.downcast::<String>().unwrap(),
        },
    }
}

pub(crate) const STRATEGIES: [WaitStrategy; 3] = [
    WaitStrategy::Block,
    WaitStrategy::Overwrite,
    WaitStrategy::DropNewest,
];

pub(crate) fn block<E>(capacity: usize) -> EventBus<E> {
    EventBus::with_strategy(capacity, WaitStrategy::Block)
}

pub(crate) fn overwrite<E>(capacity: usize) -> EventBus<E> {
    EventBus::with_strategy(capacity, WaitStrategy::Overwrite)
}

pub(crate) fn drop_newest<E>(capacity: usize) -> EventBus<E> {
    EventBus::with_strategy(capacity, WaitStrategy::DropNewest)
}

pub(crate) fn with_history<E>(
    capacity: usize,
    history: usize,
    strategy: WaitStrategy,
) -> EventBus<E> {
    EventBus::builder()
        .capacity(capacity)
        .history(history)
        .strategy(strategy)
        .build()
        .unwrap()
}

/// Publishes numbers for which there must be room.
pub(crate) fn publish_all(bus: &EventBus<u64>, numbers: impl IntoIterator<Item = u64>) {
    for number in numbers {
        bus.try_publish(number).unwrap();
    }
}

/// Receives all that is there, gaps included.
pub(crate) fn backlog<E: Clone>(receiver: &mut Receiver<E>) -> Vec<Result<E, Lagged>> {
    let mut backlog = Vec::new();
    loop {
        let before = receiver.missed();
        let received = receiver.try_recv();
        let missed = receiver.missed() - before;
        backlog.extend((missed > 0).then_some(Err(Lagged(missed))));
        match received {
            Ok(event) => backlog.push(Ok(event)),
            Err(_) => return backlog,
        }
    }
}

/// What a backlog without gaps looks like.
pub(crate) fn no_gaps(numbers: impl IntoIterator<Item = u64>) -> Vec<Result<u64, Lagged>> {
    numbers.into_iter().map(Ok).collect()
}

/// Counts how often its waker is woken, and how many wakers there are.
#[derive(Debug, Default)]
pub(crate) struct Wakes(AtomicUsize);

impl Wakes {
    pub(crate) fn new() -> (Arc<Self>, Waker) {
        let wakes = Arc::new(Self::default());
        (Arc::clone(&wakes), Waker::from(wakes))
    }

    pub(crate) fn count(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

/// A piece of user code.
pub(crate) type Hook = Box<dyn Fn() + Send + Sync>;

pub(crate) fn nothing() -> Hook {
    Box::new(|| {})
}

/// A waker that runs user code when woken, and when the last copy of it is dropped.
pub(crate) struct HookedWaker {
    on_wake: Hook,
    on_drop: Hook,
}

impl HookedWaker {
    pub(crate) fn on_wake(hook: impl Fn() + Send + Sync + 'static) -> Waker {
        Arc::new(Self {
            on_wake: Box::new(hook),
            on_drop: nothing(),
        })
        .into()
    }

    pub(crate) fn on_drop(hook: impl Fn() + Send + Sync + 'static) -> Waker {
        Arc::new(Self {
            on_wake: nothing(),
            on_drop: Box::new(hook),
        })
        .into()
    }
}

impl Wake for HookedWaker {
    fn wake(self: Arc<Self>) {
        (self.on_wake)();
    }
}

impl Drop for HookedWaker {
    fn drop(&mut self) {
        (self.on_drop)();
    }
}

/// An event that runs user code when it is cloned or dropped. Its clones are tame: the hooks speak
/// of the value that was published.
pub(crate) struct Hooked {
    pub(crate) number: u64,
    on_clone: Hook,
    on_drop: Hook,
}

impl Hooked {
    pub(crate) fn tame(number: u64) -> Self {
        Self {
            number,
            on_clone: nothing(),
            on_drop: nothing(),
        }
    }

    pub(crate) fn on_clone(number: u64, hook: impl Fn() + Send + Sync + 'static) -> Self {
        let mut event = Self::tame(number);
        event.on_clone = Box::new(hook);
        event
    }

    pub(crate) fn on_drop(number: u64, hook: impl Fn() + Send + Sync + 'static) -> Self {
        let mut event = Self::tame(number);
        event.on_drop = Box::new(hook);
        event
    }
}

impl PartialEq for Hooked {
    fn eq(&self, other: &Self) -> bool {
        self.number == other.number
    }
}

impl fmt::Debug for Hooked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Hooked({})", self.number)
    }
}

impl Clone for Hooked {
    fn clone(&self) -> Self {
        (self.on_clone)();
        Self::tame(self.number)
    }
}

impl Drop for Hooked {
    fn drop(&mut self) {
        (self.on_drop)();
    }
}

/// Makes events and knows how many of them are alive, clones included.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ledger(Arc<Counts>);

#[derive(Debug, Default)]
struct Counts {
    made: AtomicUsize,
    cloned: AtomicUsize,
    dropped: AtomicUsize,
}

impl Ledger {
    pub(crate) fn event(&self, number: u64) -> Tracked {
        self.0.made.fetch_add(1, Ordering::SeqCst);
        Tracked {
            text: number.to_string(),
            ledger: self.clone(),
        }
    }

    pub(crate) fn events(&self, numbers: impl IntoIterator<Item = u64>) -> Vec<Tracked> {
        let numbers = numbers.into_iter();
        numbers.map(|number| self.event(number)).collect()
    }

    pub(crate) fn clones(&self) -> usize {
        self.0.cloned.load(Ordering::SeqCst)
    }

    /// Made and cloned, less those dropped: negative if one was dropped twice.
    pub(crate) fn alive(&self) -> isize {
        let count = |count: &AtomicUsize| count.load(Ordering::SeqCst) as isize;
        count(&self.0.made) + count(&self.0.cloned) - count(&self.0.dropped)
    }
}

/// An event of a [`Ledger`], with its number on the heap.
#[derive(Debug)]
pub(crate) struct Tracked {
    text: String,
    ledger: Ledger,
}

impl Tracked {
    pub(crate) fn number(&self) -> u64 {
        self.text.parse().unwrap()
    }
}

impl Clone for Tracked {
    fn clone(&self) -> Self {
        self.ledger.0.cloned.fetch_add(1, Ordering::SeqCst);
        Self {
            text: self.text.clone(),
            ledger: self.ledger.clone(),
        }
    }
}

impl Drop for Tracked {
    fn drop(&mut self) {
        self.ledger.0.dropped.fetch_add(1, Ordering::SeqCst);
    }
}

/// xorshift64*: chances that a printed seed repeats.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn seeded(seed: u64) -> Self {
        Self(seed.max(1))
    }

    /// The seed is taken from the environment, or else from the standard library's hasher; it is
    /// printed, so that a failing test shows it.
    pub(crate) fn new() -> Self {
        let seed = match std::env::var("EVENTRING_SEED") {
            Ok(seed) => seed.parse().expect("EVENTRING_SEED is a number"),
            Err(_) => RandomState::new().hash_one(0),
        };
        println!("EVENTRING_SEED={seed}");
        Self::seeded(seed)
    }

    /// A generator of its own for another thread.
    pub(crate) fn fork(&mut self) -> Self {
        Self::seeded(self.next())
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    /// A number below the bound.
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        (self.next() >> 32) % bound
    }

    pub(crate) fn one_of<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len() as u64) as usize]
    }
}
