//! Model checking of the handshakes, on the real code. Each model names the bug it would catch.
//!
//! `RUSTFLAGS="--cfg eventring_loom" cargo test --profile loom --test loom`
//!
//! loom runs every interleaving of a model's threads, with every value that each load may see.
//! Besides the assertions it reports two threads touching a slot's value at once, and a thread
//! that nobody wakes (as a deadlock). Loops are bounded: a fixed number of attempts while others
//! run, the rest after joining them.
//!
//! A line `Kills:` names orderings and steps that a model is known to need: see `.ci/weaken`.
#![cfg(eventring_loom)]

mod attendance;
mod batch;
mod behind;
mod broadcast_channel;
mod close;
mod commit;
mod evict;
mod overwrite;
mod permit;
mod publish;
mod receive;
mod release;
mod subscribe;
mod topics;
mod watermark;

use eventring::stream::WithLag;
use eventring::{EventBus, Lagged, Receiver, Start, TryRecvError, WaitStrategy, broadcast};
use loom::model::Builder;
use loom::sync::atomic::Ordering::Relaxed;
use loom::thread;
use std::future::Future as _;
use std::sync::Arc;

/// What models publish: plain numbers, or [`Counted`] ones where dropping them matters.
trait Event: Clone + Send + Sync + 'static {
    fn new(number: u64, token: &Arc<()>) -> Self;
    fn number(&self) -> u64;
}

impl Event for u64 {
    fn new(number: u64, _token: &Arc<()>) -> Self {
        number
    }

    fn number(&self) -> u64 {
        *self
    }
}

/// A payload that has to be dropped, and can be counted: all share one token.
#[derive(Clone, Debug)]
struct Counted {
    number: u64,
    _token: Arc<()>,
}

impl Event for Counted {
    fn new(number: u64, token: &Arc<()>) -> Self {
        Self {
            number,
            _token: Arc::clone(token),
        }
    }

    fn number(&self) -> u64 {
        self.number
    }
}

/// A bus together with the token of its events.
struct Model<E> {
    bus: EventBus<E>,
    token: Arc<()>,
}

impl<E> Clone for Model<E> {
    fn clone(&self) -> Self {
        Self {
            bus: self.bus.clone(),
            token: Arc::clone(&self.token),
        }
    }
}

impl<E: Event> Model<E> {
    fn of(bus: EventBus<E>) -> Self {
        Self {
            bus,
            token: Arc::new(()),
        }
    }

    fn event(&self, number: u64) -> E {
        E::new(number, &self.token)
    }

    /// Publishes without waiting, if there is room.
    fn try_publish(&self, number: u64) -> bool {
        self.bus.try_publish(self.event(number)).is_ok()
    }

    /// Publishes without waiting: there is room, or no gating receiver.
    fn publish(&self, number: u64) {
        self.bus.try_publish(self.event(number)).unwrap();
    }

    fn publish_blocking(&self, number: u64) {
        self.bus.publish_blocking(self.event(number)).unwrap();
    }

    /// Publishes these in one claim: there is room.
    fn publish_many(&self, numbers: std::ops::Range<u64>) {
        let mut events = numbers.map(|number| self.event(number)).collect();
        self.bus.try_publish_many(&mut events).unwrap();
    }

    fn spawn(&self, run: impl FnOnce(Self) + 'static) -> thread::JoinHandle<()> {
        self.spawn_returning(run)
    }

    fn spawn_returning<R: 'static>(
        &self,
        run: impl FnOnce(Self) -> R + 'static,
    ) -> thread::JoinHandle<R> {
        let model = self.clone();
        thread::spawn(move || run(model))
    }

    fn drained(&self) {
        loom::future::block_on(self.bus.drained());
    }

    /// How many events are alive, in the ring or elsewhere, this being the only model left.
    fn alive(&self) -> usize {
        Arc::strong_count(&self.token) - 1
    }
}

/// A model of numbers.
fn numbers(capacity: usize, strategy: WaitStrategy) -> Model<u64> {
    Model::of(EventBus::with_strategy(capacity, strategy))
}

/// A model of counted events.
fn counted(capacity: usize, strategy: WaitStrategy) -> Model<Counted> {
    Model::of(EventBus::with_strategy(capacity, strategy))
}

/// A model of numbers with a history.
fn history(capacity: usize, strategy: WaitStrategy, history: usize) -> Model<u64> {
    let builder = EventBus::builder().capacity(capacity).strategy(strategy);
    Model::of(builder.history(history).build().unwrap())
}

/// What a receiver got, and what it was told that it missed.
#[derive(Debug, Default)]
struct Account {
    received: Vec<u64>,
    missed: u64,
    ended: bool,
}

impl Account {
    /// One attempt to receive.
    fn attempt(&mut self, receiver: &mut WithLag<impl Event>) -> bool {
        match receiver.try_recv() {
            Ok(Ok(event)) => self.received.push(event.number()),
            Ok(Err(Lagged(lag))) => self.lag(lag),
            Err(TryRecvError::Empty) => return false,
            Err(TryRecvError::Closed) => {
                self.ended = true;
                return false;
            }
        }
        true
    }

    fn lag(&mut self, missed: u64) {
        assert!(missed > 0, "a lag of nothing");
        self.missed += missed;
    }

    /// Receives what is there.
    fn drain(&mut self, receiver: &mut WithLag<impl Event>) {
        while self.attempt(receiver) {}
    }

    /// Waits for one event, or for news of a lag.
    fn wait(&mut self, receiver: &mut WithLag<impl Event>) {
        match receiver.recv_blocking() {
            Some(Ok(event)) => self.received.push(event.number()),
            Some(Err(Lagged(lag))) => self.lag(lag),
            None => self.ended = true,
        }
    }

    fn total(&self) -> u64 {
        self.received.len() as u64 + self.missed
    }

    /// All was received or reported as missed; of one publisher, in order.
    fn assert(&self, published: u64) {
        assert_eq!(self.total(), published, "{self:?}");
    }

    fn assert_in_order(&self, published: u64) {
        self.assert(published);
        assert!(self.received.is_sorted(), "{self:?}");
    }
}

/// Attempts while the others run, then joins them, then the rest.
fn receive_beside(
    receiver: &mut WithLag<impl Event>,
    attempts: usize,
    others: impl IntoIterator<Item = thread::JoinHandle<()>>,
) -> Account {
    let mut account = Account::default();
    for _ in 0..attempts {
        account.attempt(receiver);
    }
    for other in others {
        other.join().unwrap();
    }
    account.drain(receiver);
    account
}

/// For models whose full state space takes minutes: all interleavings with up to this many
/// preemptions, which is where concurrency bugs live (Musuvathi and Qadeer, PLDI 2007).
fn bounded(preemptions: usize, model: impl Fn() + Sync + Send + 'static) {
    let mut builder = Builder::new();
    builder.preemption_bound = Some(preemptions);
    builder.max_branches = 10_000;
    builder.check(model);
}
