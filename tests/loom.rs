//! Model checking of the handshakes, on the real code. Each model names the bug it would catch.
//!
//! `RUSTFLAGS="--cfg loom" cargo test --profile loom --test loom`
//!
//! loom runs every interleaving of a model's threads, with every value that each load may see.
//! Besides the assertions it reports two threads touching a slot's value at once, and a thread
//! that nobody wakes (as a deadlock). Loops are bounded: a fixed number of attempts while others
//! run, the rest after joining them.
//!
//! A line `Kills:` names orderings and steps that a model is known to need: see `.ci/weaken`.
#![cfg(loom)]

use eventring::{EventBus, Receiver, RecvError, Start, TryRecvError, WaitStrategy, broadcast};
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
        let model = self.clone();
        thread::spawn(move || run(model))
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
    fn attempt(&mut self, receiver: &mut Receiver<impl Event>) -> bool {
        match receiver.try_recv() {
            Ok(event) => self.received.push(event.number()),
            Err(TryRecvError::Lagged(lag)) => self.lag(lag),
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
    fn drain(&mut self, receiver: &mut Receiver<impl Event>) {
        while self.attempt(receiver) {}
    }

    /// Waits for one event, or for news of a lag.
    fn wait(&mut self, receiver: &mut Receiver<impl Event>) {
        match receiver.recv_blocking() {
            Ok(event) => self.received.push(event.number()),
            Err(RecvError::Lagged(lag)) => self.lag(lag),
            Err(RecvError::Closed) => self.ended = true,
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
    receiver: &mut Receiver<impl Event>,
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

// ---- claim, commit, pin, evict, re-attach ----

/// Catches: not evicting, or not waiting for a busy receiver (P4); an unchecked pin (R2); Release
/// or Acquire missing at P7, R1 or R4; re-attaching without lowering the gate, or by a plain load.
#[test]
fn overwrite_one_publisher() {
    loom::model(|| {
        let model = numbers(1, WaitStrategy::Overwrite);
        let mut receiver = model.bus.subscribe();
        let publisher = model.spawn(|model| {
            for number in 0..3 {
                model.publish(number);
            }
        });
        let account = receive_beside(&mut receiver, 2, [publisher]);
        account.assert_in_order(3);
        assert_eq!(model.bus.stats().missed, account.missed);
    });
}

/// Catches: a publisher that fills a slot whose former publisher has not committed (P5); a claim
/// that two publishers win (P3).
#[test]
fn overwrite_two_publishers() {
    bounded(3, || {
        let model = numbers(1, WaitStrategy::Overwrite);
        let mut receiver = model.bus.subscribe();
        let publishers = [0, 1].map(|number| {
            model.spawn(move |model| {
                model.publish(number);
                model.publish(number);
            })
        });
        receive_beside(&mut receiver, 2, publishers).assert(4);
    });
}

/// Catches: evicting just one of several, or leaving `gate` above one that stays.
#[test]
fn overwrite_two_receivers() {
    bounded(3, || {
        let model = numbers(1, WaitStrategy::Overwrite);
        let mut receivers = [model.bus.subscribe(), model.bus.subscribe()];
        let publisher = model.spawn(|model| {
            model.publish(0);
            model.publish(1);
        });
        let [first, second] = &mut receivers;
        let mut other = Account::default();
        other.attempt(second);
        receive_beside(first, 1, [publisher]).assert_in_order(2);
        other.drain(second);
        other.assert_in_order(2);
    });
}

/// Catches: a bound that one publisher raises without Release, or another uses without Acquire:
/// the other one overwrites what it has not seen read.
#[test]
fn hold_raised_by_one_used_by_another() {
    loom::model(|| {
        let model = numbers(1, WaitStrategy::Block);
        let mut receiver = model.bus.subscribe();
        model.publish(0);
        let publishers = [1, 2].map(|number| {
            model.spawn(move |model| {
                model.try_publish(number);
            })
        });
        let account = receive_beside(&mut receiver, 1, publishers);
        account.assert(model.bus.stats().published);
    });
}

/// Catches: the same for `gate`. (Two events are read at once, so that the bound leaps by two and
/// the second publisher has nothing to evict.)
///
/// Kills: `claim-rmw`, `claim-won`, `gate-after-claim`, `gate-load`, `gate-raise`, `reattach-gate`,
/// `reattach-touch`.
#[test]
fn gate_raised_by_one_used_by_another() {
    bounded(1, || {
        let model = numbers(2, WaitStrategy::Overwrite);
        let mut receiver = model.bus.subscribe();
        model.publish_many(0..2);
        let publishers = [2, 3].map(|number| model.spawn(move |model| model.publish(number)));
        let mut account = Account::default();
        match receiver.try_recv_many(&mut account.received, 2) {
            Err(TryRecvError::Lagged(lag)) => account.lag(lag),
            received => assert!(received.is_ok()),
        }
        for publisher in publishers {
            publisher.join().unwrap();
        }
        account.drain(&mut receiver);
        account.assert(4);
    });
}

/// Catches: bounds mixed up between the kinds; a lossy receiver that holds publishers back.
#[test]
fn gating_and_lossy_together() {
    bounded(3, || {
        let model = numbers(1, WaitStrategy::Block);
        let mut gating = model.bus.subscribe();
        let mut lossy = model.bus.subscribe_lossy();
        let publisher = model.spawn(|model| {
            model.publish_blocking(0);
            model.publish_blocking(1);
        });
        let reader = thread::spawn(move || {
            let mut account = Account::default();
            account.wait(&mut gating);
            account.wait(&mut gating);
            assert_eq!(account.received, [0, 1]);
        });
        receive_beside(&mut lossy, 1, [publisher, reader]).assert_in_order(2);
    });
}

// ---- subscribing ----

/// Catches: attaching by a plain load of the tail, or lowering the bound after it: a publisher
/// laps the newcomer without evicting it.
///
/// Kills: `subscribe-gate`, `subscribe-touch`, `tail-touch`.
#[test]
fn subscribe_lossy_in_a_burst() {
    loom::model(|| {
        let model = numbers(1, WaitStrategy::Overwrite);
        let publisher = model.spawn(|model| {
            for number in 0..3 {
                model.publish(number);
            }
        });
        let mut receiver = model.bus.subscribe();
        let start = receiver.position();
        receive_beside(&mut receiver, 1, [publisher]).assert_in_order(3 - start);
    });
}

/// Catches: the same for a gating receiver: it would lose an event.
///
/// Kills: `check-hold`, `subscribe-hold`.
#[test]
fn subscribe_gating_in_a_burst() {
    loom::model(|| {
        let model = numbers(1, WaitStrategy::Block);
        let publisher = model.spawn(|model| {
            for number in 0..3 {
                model.try_publish(number);
            }
        });
        let mut receiver = model.bus.subscribe();
        let start = receiver.position();
        let account = receive_beside(&mut receiver, 1, [publisher]);
        account.assert_in_order(model.bus.stats().published - start);
        assert_eq!(account.missed, 0);
    });
}

/// Catches: a publisher that learns of the tail (P1), but not of the bound that was lowered before
/// the tail got there: it laps a gating newcomer.
///
/// Kills: `claim-lost`.
#[test]
fn subscribe_gating_between_two_publishers() {
    bounded(3, || {
        let model = numbers(1, WaitStrategy::Block);
        let publishers = [0, 1].map(|number| {
            model.spawn(move |model| {
                model.try_publish(number);
            })
        });
        let mut receiver = model.bus.subscribe();
        let start = receiver.position();
        let account = receive_beside(&mut receiver, 0, publishers);
        account.assert(model.bus.stats().published - start);
        assert_eq!(account.missed, 0);
    });
}

/// Catches: a publisher that loses a claim (P3), and does not see the bound that was lowered before
/// the winner's.
#[test]
fn subscribe_gating_and_publish() {
    loom::model(|| {
        let model = numbers(1, WaitStrategy::Block);
        let publisher = model.spawn(|model| {
            model.try_publish(0);
        });
        let mut receiver = model.bus.subscribe();
        let start = receiver.position();
        model.try_publish(1);
        publisher.join().unwrap();
        let mut account = Account::default();
        account.drain(&mut receiver);
        account.assert(model.bus.stats().published - start);
        assert_eq!(account.missed, 0);
    });
}

/// Catches: a bound that is lowered without Release: a publisher that sees it has not seen what it
/// was raised by, and overwrites what it has not seen read.
///
/// Kills: `hold-load`, `hold-raise`.
#[test]
fn subscribe_again_while_another_publishes() {
    loom::model(|| {
        let model = numbers(2, WaitStrategy::Block);
        let mut receiver = model.bus.subscribe();
        model.publish_many(0..2);
        let publisher = model.spawn(|model| {
            model.try_publish(3);
        });
        let mut account = Account::default();
        account.drain(&mut receiver);
        drop(receiver);
        model.try_publish(2);
        let _again = model.bus.subscribe();
        publisher.join().unwrap();
    });
}

/// Catches: a clone that is not bounded, or does not inherit a pending lag.
#[test]
fn clone_in_a_burst() {
    loom::model(|| {
        let model = numbers(1, WaitStrategy::Overwrite);
        let receiver = model.bus.subscribe();
        let publisher = model.spawn(|model| {
            model.publish(0);
            model.publish(1);
        });
        let mut clone = receiver.clone();
        receive_beside(&mut clone, 1, [publisher]).assert_in_order(2);
    });
}

/// Catches: history overwritten under a receiver that starts in it; a gap or a duplicate between
/// the past and the present.
#[test]
fn history_lossy_while_lapped() {
    loom::model(|| {
        let model = history(2, WaitStrategy::Overwrite, 1);
        model.publish(0);
        let publisher = model.spawn(|model| {
            model.publish(1);
            model.publish(2);
        });
        let mut receiver = model.bus.subscribe_from(Start::Last(1));
        let start = receiver.position();
        receive_beside(&mut receiver, 1, [publisher]).assert_in_order(3 - start);
    });
}

/// Catches: a gating receiver that loses an event on its way from the past to the present.
///
/// Kills: `gate-clear`, `leave-past`, `present-anchor`.
#[test]
fn history_gating_while_lapped() {
    bounded(3, || {
        let model = history(1, WaitStrategy::Block, 1);
        model.publish(0);
        let publisher = model.spawn(|model| {
            for number in 1..4 {
                model.try_publish(number);
            }
        });
        let mut receiver = model.bus.subscribe_from(Start::Oldest);
        let start = receiver.position();
        let account = receive_beside(&mut receiver, 2, [publisher]);
        account.assert_in_order(model.bus.stats().published - start);
        assert!(
            account.missed <= 1,
            "only the past may be lapped: {account:?}"
        );
        // Nobody is left in the past.
        drained(&model);
    });
}

/// Catches: a batch received across the end of the past: the gating cursor stays behind, and the
/// publisher waits for a receiver that waits for it.
///
/// Kills: `batch-to-anchor`.
#[test]
fn history_gating_in_batches() {
    bounded(2, || {
        let model = history(2, WaitStrategy::Block, 1);
        model.publish(0);
        let mut receiver = model.bus.subscribe_from(Start::Oldest);
        model.publish(1);
        let publisher = model.spawn(|model| {
            model.publish_blocking(2);
            model.publish_blocking(3);
        });
        let mut account = Account::default();
        while account.total() < 4 {
            let received = receiver.recv_many(&mut account.received, 4);
            if let Err(RecvError::Lagged(lag)) = loom::future::block_on(received) {
                account.lag(lag);
            }
        }
        publisher.join().unwrap();
        account.assert_in_order(4);
    });
}

// ---- waiting to receive ----

/// Catches: registering by load and store; sleeping although the stamp shows the event; a commit
/// that loses WAITING bits (P7 as load and store).
///
/// Kills: `list-before-mark`, `mark-rmw`, `notify-waiting`, `stamp-mark`.
#[test]
fn wait_for_an_event() {
    loom::model(|| {
        let model = numbers(1, WaitStrategy::Overwrite);
        let mut receiver = model.bus.subscribe();
        let publisher = model.spawn(|model| {
            model.publish(0);
        });
        let mut account = Account::default();
        account.wait(&mut receiver);
        publisher.join().unwrap();
        assert_eq!(account.received, [0]);
    });
}

/// Catches: a receiver that relies on another one's WAITING bit after that was taken out.
#[test]
fn wait_for_an_event_in_one_shard() {
    bounded(2, || {
        let model = numbers(1, WaitStrategy::Overwrite);
        // Receivers are dealt to four shards in turn: the first and the fifth share one.
        let mut receivers: Vec<_> = (0..5).map(|_| model.bus.subscribe()).collect();
        let mut last = receivers.remove(4);
        let mut first = receivers.remove(0);
        let other = thread::spawn(move || Account::default().wait(&mut last));
        let publisher = model.spawn(|model| {
            model.publish(0);
        });
        Account::default().wait(&mut first);
        other.join().unwrap();
        publisher.join().unwrap();
    });
}

/// Catches: a list of waiting receivers that is not the same in each lap. A lapped receiver waits
/// for the second event while the first is not committed yet, and its bit is taken out with that.
///
/// Kills: `unlist-notified`.
#[test]
fn wait_for_an_event_a_lap_later() {
    bounded(2, || {
        let model = numbers(1, WaitStrategy::Overwrite);
        let mut receiver = model.bus.subscribe();
        let publishers = [0, 1].map(|number| model.spawn(move |model| model.publish(number)));
        let mut account = Account::default();
        while account.total() < 2 {
            account.wait(&mut receiver);
        }
        for publisher in publishers {
            publisher.join().unwrap();
        }
    });
}

/// Catches: a waker lost between its list and the list of those to wake.
#[test]
fn await_an_event() {
    loom::model(|| {
        let model = numbers(1, WaitStrategy::Overwrite);
        let mut receiver = model.bus.subscribe();
        let publisher = model.spawn(|model| {
            model.publish(0);
        });
        let event = loom::future::block_on(receiver.recv()).unwrap();
        publisher.join().unwrap();
        assert_eq!(event, 0);
    });
}

/// Catches: a listener that is kept for the next future although its notification is spent.
#[test]
fn await_an_event_again_after_cancelling() {
    bounded(2, || {
        let model = numbers(2, WaitStrategy::Overwrite);
        let mut receiver = model.bus.subscribe();
        let publisher = model.spawn(|model| {
            model.publish(0);
            model.publish(1);
        });
        let mut received = Vec::new();
        let polled_once = loom::future::block_on(std::future::poll_fn(|cx| {
            std::task::Poll::Ready(std::pin::pin!(receiver.recv()).poll(cx))
        }));
        if let std::task::Poll::Ready(event) = polled_once {
            received.push(event.unwrap());
        }
        while received.len() < 2 {
            let event = loom::future::block_on(receiver.recv()).unwrap();
            received.push(event);
        }
        publisher.join().unwrap();
        assert_eq!(received, [0, 1]);
    });
}

/// A waker that counts nothing but its owners.
struct Idle;

impl std::task::Wake for Idle {
    fn wake(self: Arc<Self>) {}
}

/// Catches: a waiter that stays in its list when it gives up, and its waker with it.
///
/// Kills: `leave-list`.
#[test]
fn cancelled_while_a_publisher_commits() {
    loom::model(|| {
        let model = numbers(1, WaitStrategy::Overwrite);
        let mut receiver = model.bus.subscribe();
        let publisher = model.spawn(|model| model.publish(0));
        let idle = Arc::new(Idle);
        let waker = idle.clone().into();
        let cx = &mut std::task::Context::from_waker(&waker);
        // For the only event, or for one that never comes.
        while std::pin::pin!(receiver.recv()).poll(cx).is_ready() {}
        drop(waker);
        publisher.join().unwrap();
        assert_eq!(Arc::strong_count(&idle), 1, "the waker is gone");
    });
}

// ---- waiting to publish ----

/// Catches: no FLAGGED hand-over; a flag that is not checked again after it was set; a bound that
/// is stored but not notified.
///
/// Kills: `advance-rmw`, `cursor-advance`, `flag-check`, `flag-laggard`, `hand-over`, `wake-space`.
#[test]
fn blocked_publisher_one_receiver() {
    loom::model(|| {
        let model = numbers(1, WaitStrategy::Block);
        let mut receiver = model.bus.subscribe();
        model.publish(0);
        let publisher = model.spawn(|model| model.publish_blocking(1));
        let mut account = Account::default();
        account.wait(&mut receiver);
        publisher.join().unwrap();
        account.drain(&mut receiver);
        assert_eq!(account.received, [0, 1]);
    });
}

/// Catches: a flag that is not passed on to the next laggard.
///
/// Kills: `pass-flag-on`.
#[test]
fn blocked_publisher_two_receivers() {
    bounded(3, || {
        let model = numbers(1, WaitStrategy::Block);
        let mut receivers = [model.bus.subscribe(), model.bus.subscribe()];
        model.publish(0);
        let publisher = model.spawn(|model| model.publish_blocking(1));
        let [first, mut second] = receivers;
        receivers = {
            let other = thread::spawn(move || {
                Account::default().wait(&mut second);
                second
            });
            let mut first = first;
            Account::default().wait(&mut first);
            [first, other.join().unwrap()]
        };
        publisher.join().unwrap();
        for receiver in &mut receivers {
            let mut account = Account::default();
            account.drain(receiver);
            assert_eq!(account.received, [1]);
        }
    });
}

/// Catches: the same with a longer chain.
#[test]
fn blocked_publisher_three_receivers() {
    bounded(2, || {
        let model = numbers(1, WaitStrategy::Block);
        let receivers = [(); 3].map(|()| model.bus.subscribe());
        model.publish(0);
        let others = receivers.map(|mut receiver| {
            thread::spawn(move || {
                Account::default().wait(&mut receiver);
                receiver
            })
        });
        model.publish_blocking(1);
        for other in others {
            let mut account = Account::default();
            account.drain(&mut other.join().unwrap());
            assert_eq!(account.received, [1]);
        }
    });
}

/// Catches: a flagged receiver that takes its flag with it when it is dropped.
///
/// Kills: `removed-flag`.
#[test]
fn blocked_publisher_receiver_drops() {
    loom::model(|| {
        let model = numbers(1, WaitStrategy::Block);
        let flagged = model.bus.subscribe();
        let mut other = model.bus.subscribe();
        model.publish(0);
        let publisher = model.spawn(|model| model.publish_blocking(1));
        let mut account = Account::default();
        account.attempt(&mut other);
        drop(flagged);
        publisher.join().unwrap();
        account.drain(&mut other);
        assert_eq!(account.received, [0, 1]);
    });
}

/// Catches: a hand-over that compares with the bound as it was rather than with the present tail:
/// a `try_publish` takes part of the room, and the sleeping publisher sleeps on.
///
/// Kills: `present-tail`.
#[test]
fn blocked_publisher_part_of_the_room_taken() {
    bounded(3, || {
        let model = numbers(2, WaitStrategy::Block);
        let mut receiver = model.bus.subscribe();
        model.publish(0);
        model.publish(1);
        let publishers = [
            model.spawn(|model| model.publish_blocking(2)),
            model.spawn(|model| {
                model.try_publish(3);
            }),
        ];
        // Both at once: the other publisher comes between the step and the hand-over, raises the
        // bound by two, and leaves room for one.
        let mut account = Account::default();
        let received = receiver.try_recv_many(&mut account.received, 2);
        assert_eq!(received, Ok(2));
        for publisher in publishers {
            publisher.join().unwrap();
        }
        account.drain(&mut receiver);
        account.assert(model.bus.stats().published);
    });
}

/// Catches: room that only one of several sleeping publishers hears of.
///
/// Kills: `hold-settle`.
#[test]
fn blocked_publishers_two_asleep() {
    bounded(1, || {
        let model = numbers(1, WaitStrategy::Block);
        let mut receiver = model.bus.subscribe();
        model.publish(0);
        let publishers =
            [1, 2].map(|number| model.spawn(move |model| model.publish_blocking(number)));
        let mut account = Account::default();
        for _ in 0..3 {
            account.wait(&mut receiver);
        }
        for publisher in publishers {
            publisher.join().unwrap();
        }
        account.assert(3);
    });
}

/// Catches: a cancelled publisher that leaves a hole, or takes a wake-up with it.
#[test]
fn blocked_publisher_cancelled() {
    bounded(2, || {
        let model = numbers(1, WaitStrategy::Block);
        let mut receiver = model.bus.subscribe();
        model.publish(0);
        let cancelled = model.spawn(|model| {
            let _ = loom::future::block_on(std::future::poll_fn(|cx| {
                let mut publish = std::pin::pin!(model.bus.publish(model.event(1)));
                std::task::Poll::Ready(publish.as_mut().poll(cx).map(drop))
            }));
        });
        let publisher = model.spawn(|model| model.publish_blocking(2));
        let mut account = Account::default();
        account.wait(&mut receiver);
        account.wait(&mut receiver);
        cancelled.join().unwrap();
        account.drain(&mut receiver);
        // The cancelled one may have got through; what is left then is for the other.
        publisher.join().unwrap();
        account.drain(&mut receiver);
        account.assert(model.bus.stats().published);
    });
}

// ---- batches ----
//
// Of numbers: what need not be dropped is committed by plain stores where that will do.

/// Catches: a batch committed from the front, or whose first slot loses its WAITING bits.
///
/// Kills: `batch-reverse`.
#[test]
fn batch_with_a_waiting_receiver() {
    loom::model(|| {
        let bus = EventBus::<u64>::with_strategy(2, WaitStrategy::Block);
        let mut receiver = bus.subscribe();
        let publisher = thread::spawn(move || bus.try_publish_many(&mut vec![0, 1]).unwrap());
        assert_eq!(receiver.recv_blocking(), Ok(0));
        assert_eq!(receiver.recv_blocking(), Ok(1));
        assert_eq!(publisher.join().unwrap(), 2);
    });
}

/// Catches: a batch that does not evict up to its last sequence; a pin of several that protects
/// just the first.
///
/// Kills: `cursor-load`, `cursor-unpin`, `evict-busy`, `evict-lapped`, `evict-rmw`, `pin-rmw`.
#[test]
fn batch_with_a_lapped_receiver() {
    loom::model(|| {
        let bus = EventBus::<u64>::new(2);
        let mut receiver = bus.subscribe();
        bus.try_publish_many(&mut vec![0, 1]).unwrap();
        let publisher = thread::spawn(move || bus.try_publish_many(&mut vec![2, 3]).unwrap());
        let mut received = Vec::new();
        let mut missed = 0;
        if let Err(TryRecvError::Lagged(lag)) = receiver.try_recv_many(&mut received, 2) {
            missed += lag;
        }
        publisher.join().unwrap();
        loop {
            match receiver.try_recv_many(&mut received, 4) {
                Err(TryRecvError::Lagged(lag)) => missed += lag,
                Err(_) => break,
                Ok(_) => {}
            }
        }
        assert_eq!(received.len() as u64 + missed, 4);
        assert!(received.is_sorted(), "{received:?}");
    });
}

/// Catches: a batch that commits later slots by plain stores while a lapped receiver waits in the
/// middle of it, where re-attaching has put it: its WAITING bit would be lost.
///
/// Kills: `batch-lossy`.
#[test]
fn batch_with_a_receiver_reattached_in_its_middle() {
    bounded(2, || {
        // Four slots for three events, so that the fifth event's slot is free.
        let model = numbers(3, WaitStrategy::Overwrite);
        let mut receiver = model.bus.subscribe();
        model.publish(0);
        let batch = model.spawn(|model| model.publish_many(1..4));
        model.publish(4);
        let mut account = Account::default();
        while account.total() < 5 {
            account.wait(&mut receiver);
        }
        batch.join().unwrap();
        account.assert(5);
    });
}

/// Catches: the same for a receiver that starts there, in the history.
///
/// Kills: `batch-history`.
#[test]
fn batch_with_a_receiver_that_starts_in_its_middle() {
    bounded(2, || {
        let model = history(2, WaitStrategy::Block, 1);
        let batch = model.spawn(|model| model.publish_many(0..2));
        let mut receiver = model.bus.subscribe_from(Start::Oldest);
        let start = receiver.position();
        let mut account = Account::default();
        while account.total() < 2 - start {
            account.wait(&mut receiver);
        }
        batch.join().unwrap();
        account.assert_in_order(2 - start);
    });
}

/// Catches: the same for one that asks for a past which is not kept, and must not wait there.
///
/// Kills: `claimed-for-others`, `commit-release`, `commit-rmw`, `stamp-load`.
#[test]
fn batch_with_a_receiver_that_asks_for_its_middle() {
    bounded(2, || {
        let model = numbers(2, WaitStrategy::Block);
        let batch = model.spawn(|model| model.publish_many(0..2));
        let mut receiver = model.bus.subscribe_from(Start::Sequence(1));
        let start = receiver.position();
        let mut account = Account::default();
        while account.total() < 2 - start {
            account.wait(&mut receiver);
        }
        batch.join().unwrap();
        account.assert_in_order(2 - start);
    });
}

/// Catches: the plain store of a later slot without Release: who overwrites that slot has not seen
/// the first one, and so not the batch's write.
///
/// Kills: `await-previous`, `commit-unawaited`, `previous-load`.
#[test]
fn batch_overwritten_by_two_publishers() {
    bounded(2, || {
        let model = numbers(2, WaitStrategy::Overwrite);
        let batch = model.spawn(|model| model.publish_many(0..2));
        let other = model.spawn(|model| model.publish(2));
        model.publish(3);
        batch.join().unwrap();
        other.join().unwrap();
        assert_eq!(model.bus.stats().published, 4);
    });
}

// ---- releasing values ----

/// Catches: a value released while a publisher overwrites it, or left behind when all have it.
#[test]
fn release_lossy_while_publishing() {
    bounded(3, || {
        let model = counted(1, WaitStrategy::Overwrite);
        let mut receivers = [model.bus.subscribe(), model.bus.subscribe()];
        let publisher = model.spawn(|model| {
            model.publish(0);
            model.publish(1);
        });
        let [first, second] = &mut receivers;
        let mut accounts = [Account::default(), Account::default()];
        accounts[0].drain(first);
        accounts[1].drain(second);
        publisher.join().unwrap();
        accounts[0].drain(first);
        accounts[1].drain(second);
        for account in accounts {
            account.assert_in_order(2);
        }
        assert_eq!(model.alive(), 0, "all have received all");
    });
}

/// Catches: the same against `hold`.
///
/// Kills: `exclude-gate`, `gate-readmit`.
#[test]
fn release_gating_while_publishing() {
    bounded(3, || {
        let model = counted(1, WaitStrategy::Block);
        let mut receivers = [model.bus.subscribe(), model.bus.subscribe()];
        let publisher = model.spawn(|model| {
            model.publish_blocking(0);
            model.publish_blocking(1);
        });
        let mut accounts = [Account::default(), Account::default()];
        for (account, receiver) in accounts.iter_mut().zip(&mut receivers) {
            account.wait(receiver);
            account.attempt(receiver);
        }
        publisher.join().unwrap();
        for (account, receiver) in accounts.iter_mut().zip(&mut receivers) {
            account.drain(receiver);
            assert_eq!(account.received, [0, 1]);
        }
        assert_eq!(model.alive(), 0, "all have received all");
    });
}

/// Catches: two receivers that get to the end at once, each leaving the release to the other.
///
/// Kills: `only-receiver`, `release-on-empty`.
#[test]
fn release_by_the_last_to_catch_up() {
    loom::model(|| {
        let model = counted(1, WaitStrategy::Overwrite);
        let mut receivers = [model.bus.subscribe(), model.bus.subscribe()];
        model.publish(0);
        let [first, mut second] = receivers;
        let other = thread::spawn(move || {
            Account::default().drain(&mut second);
            second
        });
        let mut first = first;
        Account::default().drain(&mut first);
        receivers = [first, other.join().unwrap()];
        assert_eq!(model.alive(), 0);
        drop(receivers);
    });
}

/// Catches: a value that is committed just after the last receiver dropped, and stays behind.
///
/// Kills: `exclude-touch`, `release-after-commit`, `release-committed`, `release-on-drop`,
/// `slot-touch`, `slot-touch-acquire`, `slot-touch-release`.
#[test]
fn last_receiver_drops_while_a_publisher_commits() {
    loom::model(|| {
        let model = counted(2, WaitStrategy::Overwrite);
        let receiver = model.bus.subscribe();
        model.publish(0);
        let publisher = model.spawn(|model| {
            model.publish(1);
        });
        drop(receiver);
        publisher.join().unwrap();
        assert_eq!(model.alive(), 0, "nobody can receive it");
    });
}

/// Catches: the same for a batch, and for two publishers that find nobody.
///
/// Kills: `batch-drops`, `bound-lower`.
#[test]
fn last_receiver_drops_while_publishers_commit() {
    bounded(2, || {
        let model = counted(2, WaitStrategy::Overwrite);
        let receiver = model.bus.subscribe();
        let publishers = [
            model.spawn(|model| model.publish_many(0..2)),
            model.spawn(|model| {
                model.publish(2);
            }),
        ];
        drop(receiver);
        for publisher in publishers {
            publisher.join().unwrap();
        }
        assert_eq!(model.alive(), 0, "nobody can receive them");
    });
}

/// Catches: a value that is claimed with no receiver, committed with one, and stays behind since
/// that one starts after it.
///
/// Kills: `release-on-arrival`.
#[test]
fn first_receiver_comes_while_a_publisher_commits() {
    loom::model(|| {
        let model = counted(2, WaitStrategy::Overwrite);
        let publisher = model.spawn(|model| {
            model.publish(0);
        });
        let mut receiver = model.bus.subscribe();
        publisher.join().unwrap();
        let received = receiver.try_recv().is_ok();
        assert_eq!(model.alive(), 0, "received: {received}");
    });
}

/// Catches: a value moved out by the only receiver while one that just dropped still clones it.
///
/// Kills: `receivers-load`, `receivers-shrink`.
#[test]
fn move_out_while_the_other_receiver_drops() {
    loom::model(|| {
        let model = counted(1, WaitStrategy::Overwrite);
        let mut receiver = model.bus.subscribe();
        let mut other = model.bus.subscribe();
        model.publish(0);
        let dropping = thread::spawn(move || {
            Account::default().attempt(&mut other);
            drop(other);
        });
        let mut account = Account::default();
        account.drain(&mut receiver);
        dropping.join().unwrap();
        assert_eq!(account.received, [0]);
        account.drain(&mut receiver);
        assert_eq!(model.alive(), 0);
    });
}

/// Catches: a value moved out under a receiver that just subscribed.
#[test]
fn move_out_while_another_subscribes() {
    bounded(2, || {
        let model = counted(2, WaitStrategy::Block);
        let mut receiver = model.bus.subscribe();
        let publisher = model.spawn(|model| {
            model.publish_blocking(0);
            model.publish_blocking(1);
        });
        let newcomer = model.spawn(|model| {
            let mut newcomer = model.bus.subscribe();
            let start = newcomer.position();
            let mut account = Account::default();
            account.attempt(&mut newcomer);
            assert!(account.received.iter().all(|number| *number == start));
        });
        receive_beside(&mut receiver, 1, [publisher, newcomer]).assert_in_order(2);
    });
}

// ---- closing, draining, handles ----

/// Catches: a receiver that registers just as the bus is closed, and sleeps for ever.
///
/// Kills: `close-notify`, `take-waiting`.
#[test]
fn close_while_a_receiver_registers() {
    loom::model(|| {
        let model = numbers(1, WaitStrategy::Overwrite);
        let mut receiver = model.bus.subscribe();
        let closer = model.spawn(|model| model.bus.close());
        assert_eq!(receiver.recv_blocking().unwrap_err(), RecvError::Closed);
        closer.join().unwrap();
    });
}

/// Catches: an event published before the close that a receiver does not get before it ends.
///
/// Kills: `close-rmw`.
#[test]
fn close_after_an_event() {
    bounded(2, || {
        let model = numbers(2, WaitStrategy::Overwrite);
        let mut receiver = model.bus.subscribe();
        let publisher = model.spawn(|model| {
            model.try_publish(0);
        });
        let closer = model.spawn(|model| model.bus.close());
        let mut account = Account::default();
        while !account.ended {
            account.wait(&mut receiver);
        }
        publisher.join().unwrap();
        closer.join().unwrap();
        account.assert_in_order(model.bus.stats().published);
    });
}

/// Catches: a close without Release, or a tail read without Acquire: who learns of the end must see
/// what was done before it.
///
/// Kills: `tail-close`, `tail-load`.
#[test]
fn close_shows_what_was_done_before() {
    loom::model(|| {
        let model = numbers(1, WaitStrategy::Overwrite);
        let mut receiver = model.bus.subscribe();
        let done = loom::sync::Arc::new(loom::sync::atomic::AtomicUsize::new(0));
        let closer = {
            let (model, done) = (model.clone(), done.clone());
            thread::spawn(move || {
                done.store(1, Relaxed);
                model.bus.close();
            })
        };
        if receiver.try_recv() == Err(TryRecvError::Closed) {
            assert_eq!(done.load(Relaxed), 1);
        }
        closer.join().unwrap();
    });
}

/// Catches: a receiver that does not know of the end, after a publisher beside it was refused.
///
/// Kills: `closing-first`.
#[test]
fn close_refuses_before_it_ends() {
    loom::model(|| {
        let model = numbers(1, WaitStrategy::Overwrite);
        let mut receiver = model.bus.subscribe();
        let closer = model.spawn(|model| model.bus.close());
        if model.bus.is_closed() {
            assert_eq!(receiver.try_recv(), Err(TryRecvError::Closed));
        }
        closer.join().unwrap();
    });
}

/// Catches: a publisher that goes to sleep just as the bus is closed.
///
/// Kills: `close-space`, `closed-refuses`.
#[test]
fn close_while_a_publisher_waits() {
    loom::model(|| {
        let model = numbers(1, WaitStrategy::Block);
        let _receiver = model.bus.subscribe();
        model.publish(0);
        let closer = model.spawn(|model| model.bus.close());
        let event = model.event(1);
        assert!(model.bus.publish_blocking(event).is_err());
        closer.join().unwrap();
    });
}

/// Catches: two last handles of which neither closes, or an upgrade from nothing.
///
/// Kills: `last-handle`, `upgrade-check`.
#[test]
fn weak_handle_while_the_last_one_drops() {
    loom::model(|| {
        let bus = EventBus::<u64>::new(1);
        let mut receiver = bus.subscribe();
        let weak = bus.downgrade();
        let dropping = thread::spawn(move || drop(bus));
        if let Some(bus) = weak.upgrade() {
            assert_eq!(
                bus.try_publish(0),
                Ok(0),
                "an upgraded handle keeps it open"
            );
            assert_eq!(receiver.try_recv(), Ok(0));
        }
        dropping.join().unwrap();
        assert!(weak.upgrade().is_none());
        assert_eq!(receiver.try_recv(), Err(TryRecvError::Closed));
    });
}

/// Catches: a count of handles that shows one gone, but not what was done by it.
///
/// Kills: `handle-drop`, `handles-load`.
#[test]
fn handles_show_what_was_done_before() {
    loom::model(|| {
        let (sender, _receiver) = broadcast::channel::<u64>(1);
        let other = sender.clone();
        let done = loom::sync::Arc::new(loom::sync::atomic::AtomicUsize::new(0));
        let dropping = {
            let done = done.clone();
            thread::spawn(move || {
                done.store(1, Relaxed);
                drop(other);
            })
        };
        if sender.strong_count() == 1 {
            assert_eq!(done.load(Relaxed), 1);
        }
        dropping.join().unwrap();
    });
}

/// Catches: the same for weak handles.
///
/// Kills: `weak-handle-drop`, `weak-handles-load`.
#[test]
fn weak_handles_show_what_was_done_before() {
    loom::model(|| {
        let (sender, _receiver) = broadcast::channel::<u64>(1);
        let weak = sender.downgrade();
        let done = loom::sync::Arc::new(loom::sync::atomic::AtomicUsize::new(0));
        let dropping = {
            let done = done.clone();
            thread::spawn(move || {
                done.store(1, Relaxed);
                drop(weak);
            })
        };
        if sender.weak_count() == 0 {
            assert_eq!(done.load(Relaxed), 1);
        }
        dropping.join().unwrap();
    });
}

fn drained(model: &Model<u64>) {
    loom::future::block_on(model.bus.drained());
}

/// Catches: a drain that is not notified by the gating receiver it waits for.
#[test]
fn drain_gating() {
    loom::model(|| {
        let model = numbers(2, WaitStrategy::Block);
        let mut receiver = model.bus.subscribe();
        model.publish_many(0..2);
        let reader = thread::spawn(move || {
            let mut account = Account::default();
            account.drain(&mut receiver);
            (receiver, account)
        });
        drained(&model);
        let (_receiver, account) = reader.join().unwrap();
        assert_eq!(account.received, [0, 1]);
    });
}

/// Catches: a flag that a lossy receiver writes over at R4; a drain that is not passed on.
///
/// Kills: `flag-busy`, `flag-lossy`, `keep-flag`, `note-drain`, `pin-flagged`, `wake-drained`.
#[test]
fn drain_lossy() {
    bounded(2, || {
        let model = numbers(1, WaitStrategy::Overwrite);
        let receivers = [model.bus.subscribe(), model.bus.subscribe()];
        model.publish(0);
        let readers = receivers.map(|mut receiver| {
            thread::spawn(move || {
                let mut account = Account::default();
                account.drain(&mut receiver);
                assert_eq!(account.received, [0]);
                receiver
            })
        });
        drained(&model);
        for reader in readers {
            reader.join().unwrap();
        }
    });
}

/// Catches: a drain that does not hear of the eviction that settles it, or of the drop.
///
/// Kills: `attach-detached`, `evicted-flag`.
#[test]
fn drain_while_lapped_or_dropped() {
    bounded(3, || {
        let model = numbers(1, WaitStrategy::Overwrite);
        let lapped = model.bus.subscribe();
        let dropped = model.bus.subscribe();
        model.publish(0);
        let publisher = model.spawn(|model| {
            model.publish(1);
        });
        let dropping = thread::spawn(move || drop(dropped));
        drained(&model);
        publisher.join().unwrap();
        dropping.join().unwrap();
        drop(lapped);
    });
}

// ---- tokio's shape over the same ring ----

/// Catches: somebody who waits for the last receiver to go, and is not notified, or before the count
/// is zero.
///
/// Kills: `wake-deserted`.
#[test]
fn closed_while_the_last_receivers_drop() {
    bounded(2, || {
        let (sender, receiver) = broadcast::channel::<u64>(1);
        let droppings = [sender.subscribe(), receiver].map(|one| thread::spawn(move || drop(one)));
        loom::future::block_on(sender.closed());
        assert_eq!(sender.receiver_count(), 0);
        for dropping in droppings {
            dropping.join().unwrap();
        }
    });
}

/// Catches: somebody who is told that the last receiver is gone before its values are.
///
/// Kills: `told-after-release`.
#[test]
fn closed_after_the_values_are_released() {
    bounded(2, || {
        let token = Arc::new(());
        let (sender, receiver) = broadcast::channel(1);
        sender.send(Counted::new(0, &token)).unwrap();
        let dropping = thread::spawn(move || drop(receiver));
        let mut closed = std::pin::pin!(sender.closed());
        let mut told = false;
        loom::future::block_on(std::future::poll_fn(|cx| {
            // Not at the first poll: then it may find the count at zero before it is told.
            let polled = closed.as_mut().poll(cx);
            if polled.is_ready() && told {
                assert_eq!(Arc::strong_count(&token), 1, "the values are released");
            }
            told = true;
            polled
        }));
        dropping.join().unwrap();
    });
}

/// Catches: a value that was sent to nobody and stays, or that is neither handed back nor dropped;
/// a send that fails although there is a receiver.
///
/// Kills: `commit-acquire`, `count-arrivals`, `count-before-touch`.
#[test]
fn send_while_receivers_come_and_go() {
    bounded(2, || {
        let token = Arc::new(());
        let (sender, receiver) = broadcast::channel(1);
        let others = sender.clone();
        let coming = thread::spawn(move || {
            drop(receiver);
            others.subscribe()
        });
        let sent = sender.send(Counted::new(0, &token));
        if let Ok(receivers) = &sent {
            assert_eq!(*receivers, 1);
        }
        drop(sent);
        let mut receiver = coming.join().unwrap();
        let received = receiver.try_recv().is_ok();
        assert!(sender.is_empty() && receiver.is_empty(), "{received}");
        assert_eq!(Arc::strong_count(&token), 1, "nobody owns it any more");
    });
}
