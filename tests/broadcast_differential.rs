//! `eventring::broadcast` and `tokio::sync::broadcast` do the same, whatever the script.
//!
//! proptest draws a script of operations (send, subscribe, resubscribe, receive by every method,
//! drop any handle, weak handles, poll with one of several wakers, close by dropping), which is
//! run against both. After every operation the results, the error texts, all lengths and counts,
//! and which wakers were woken must be the same. So must the number of values alive, wherever the
//! documentation does not say that ours are released later. A script that fails is shrunk and
//! printed, and its seed is kept in `tests/broadcast_differential.seeds`, to be run first ever after.
//!
//! `PROPTEST_CASES=1000000 cargo test --release --test broadcast_differential` looks further.
#![cfg(not(loom))]
// A receiver is lent to one future, and until that is gone only asked by `try_borrow`.
#![allow(clippy::await_holding_refcell_ref)]

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::{Config, FileFailurePersistence};
use std::cell::{Cell, RefCell};
use std::fmt::Debug;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};

/// One step of a script. The numbers choose among the handles there are, modulo their number.
#[derive(Clone, Copy, Debug)]
enum Step {
    Send(usize),
    Subscribe(usize),
    CloneSender(usize),
    DropSender(usize),
    Downgrade(usize),
    CloneWeak(usize),
    Upgrade(usize),
    DropWeak(usize),
    /// Polls `closed()` of a sender, going on with the future that it has, with one of the wakers.
    PollClosed(usize, usize),
    CancelClosed(usize),
    Resubscribe(usize),
    DropReceiver(usize),
    TryRecv(usize, Cloning),
    /// Polls `recv()` of a receiver, going on with the future that it has, with one of the wakers.
    PollRecv(usize, usize, Cloning),
    CancelRecv(usize),
    /// If that does not block.
    BlockingRecv(usize, Cloning),
    /// Receives with every receiver until there is nothing left.
    Drain,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cloning {
    Works,
    Panics,
}

fn step() -> impl Strategy<Value = Step> {
    let any = || 0..6usize;
    let waker = || 0..WAKERS;
    let cloning = || prop_oneof![7 => Just(Cloning::Works), 1 => Just(Cloning::Panics)];
    prop_oneof![
        12 => any().prop_map(Step::Send),
        2 => any().prop_map(Step::Subscribe),
        1 => any().prop_map(Step::CloneSender),
        1 => any().prop_map(Step::DropSender),
        1 => any().prop_map(Step::Downgrade),
        1 => any().prop_map(Step::CloneWeak),
        1 => any().prop_map(Step::Upgrade),
        1 => any().prop_map(Step::DropWeak),
        2 => (any(), waker()).prop_map(|(sender, waker)| Step::PollClosed(sender, waker)),
        1 => any().prop_map(Step::CancelClosed),
        1 => any().prop_map(Step::Resubscribe),
        2 => any().prop_map(Step::DropReceiver),
        6 => (any(), cloning()).prop_map(|(receiver, cloning)| Step::TryRecv(receiver, cloning)),
        8 => (any(), waker(), cloning())
            .prop_map(|(receiver, waker, cloning)| Step::PollRecv(receiver, waker, cloning)),
        1 => any().prop_map(Step::CancelRecv),
        2 => (any(), cloning())
            .prop_map(|(receiver, cloning)| Step::BlockingRecv(receiver, cloning)),
        1 => Just(Step::Drain),
    ]
}

const WAKERS: usize = 3;

#[derive(Default)]
struct Woken(AtomicUsize);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

thread_local! {
    static CLONE_PANICS: Cell<bool> = const { Cell::new(false) };
}

fn clone_may_panic() {
    if CLONE_PANICS.replace(false) {
        resume_unwind(Box::new("clone")); // a panic without the hook's noise
    }
}

/// What scripts send.
trait Payload: Clone {
    /// Whether the only receiver gets the value itself from us, so that no clone can panic.
    const MOVES: bool;

    fn new(number: usize, alive: &Rc<()>) -> Self;
    fn number(&self) -> usize;
}

/// Counted while it lives.
struct Counted {
    number: usize,
    alive: Rc<()>,
}

impl Payload for Counted {
    const MOVES: bool = true;

    fn new(number: usize, alive: &Rc<()>) -> Self {
        let alive = Rc::clone(alive);
        Self { number, alive }
    }

    fn number(&self) -> usize {
        self.number
    }
}

impl Clone for Counted {
    fn clone(&self) -> Self {
        clone_may_panic();
        Self::new(self.number, &self.alive)
    }
}

/// Needs no drop.
struct Plain(usize);

impl Payload for Plain {
    const MOVES: bool = false;

    fn new(number: usize, _alive: &Rc<()>) -> Self {
        Self(number)
    }

    fn number(&self) -> usize {
        self.0
    }
}

impl Clone for Plain {
    fn clone(&self) -> Self {
        clone_may_panic();
        Self(self.0)
    }
}

/// What can be seen after one step.
#[derive(Debug, PartialEq, Eq)]
struct Seen {
    result: String,
    /// Of every sender, weak sender and receiver.
    handles: Vec<String>,
    woken: Vec<usize>,
}

/// How many values are alive after one step.
#[derive(Clone, Copy, Debug)]
struct Alive {
    values: usize,
    /// No receiver is left, or each has found that there is nothing more.
    settled: bool,
}

/// What a future is polled to: done, or not yet.
type Boxed<R> = Pin<Box<dyn Future<Output = R>>>;

fn poll<R>(future: &mut Boxed<R>, woken: &Arc<Woken>) -> Poll<R> {
    let waker = Waker::from(Arc::clone(woken));
    future.as_mut().poll(&mut Context::from_waker(&waker))
}

/// The handle that a step means, if there is one.
fn choose<H>(handles: &mut [H], number: usize) -> Option<&mut H> {
    let count = handles.len();
    (count > 0).then(|| &mut handles[number % count])
}

fn remove<H>(handles: &mut Vec<H>, number: usize) -> Option<H> {
    (!handles.is_empty()).then(|| handles.remove(number % handles.len()))
}

/// An error by its variant and its text.
fn failed<E: Debug + std::error::Error>(error: E) -> String {
    format!("{error:?}: {error}")
}

/// Runs a script against one implementation.
macro_rules! runner {
    ($name:ident, $broadcast:path) => {
        mod $name {
            use super::*;
            use $broadcast as broadcast;

            /// A handle is shared with the future that was made of it, if any.
            struct Sending<T> {
                sender: Rc<broadcast::Sender<T>>,
                closed: Option<Boxed<()>>,
            }

            struct Receiving<T> {
                receiver: Rc<RefCell<broadcast::Receiver<T>>>,
                recv: Option<Boxed<Result<T, broadcast::error::RecvError>>>,
                /// It has found that there was nothing more, and nothing was sent since.
                settled: bool,
            }

            struct Run<T> {
                senders: Vec<Sending<T>>,
                weak: Vec<broadcast::WeakSender<T>>,
                receivers: Vec<Receiving<T>>,
                woken: Vec<Arc<Woken>>,
                alive: Rc<()>,
                sent: usize,
            }

            pub(super) fn run<T: Payload + 'static>(
                capacity: usize,
                script: &[Step],
            ) -> (Vec<Seen>, Vec<Alive>) {
                let (sender, receiver) = broadcast::channel(capacity);
                let mut run = Run::<T> {
                    senders: Vec::new(),
                    weak: Vec::new(),
                    receivers: Vec::new(),
                    woken: (0..WAKERS).map(|_| Arc::default()).collect(),
                    alive: Rc::new(()),
                    sent: 0,
                };
                run.add_sender(sender);
                run.add_receiver(receiver);
                let mut seen = Vec::new();
                let mut alive = Vec::new();
                for step in script {
                    let result = run.step(*step);
                    seen.push(run.seen(result));
                    alive.push(run.alive());
                }
                let token = Rc::clone(&run.alive);
                drop(run);
                assert_eq!(
                    Rc::strong_count(&token),
                    1,
                    "all values are dropped in the end"
                );
                (seen, alive)
            }

            impl<T: Payload + 'static> Run<T> {
                fn add_sender(&mut self, sender: broadcast::Sender<T>) -> String {
                    self.senders.push(Sending {
                        sender: Rc::new(sender),
                        closed: None,
                    });
                    String::new()
                }

                fn add_receiver(&mut self, receiver: broadcast::Receiver<T>) -> String {
                    self.receivers.push(Receiving {
                        receiver: Rc::new(RefCell::new(receiver)),
                        recv: None,
                        settled: true,
                    });
                    String::new()
                }

                /// What comes of it, for comparison. A step that means no handle does nothing.
                fn step(&mut self, step: Step) -> String {
                    self.try_step(step).unwrap_or_default()
                }

                fn try_step(&mut self, step: Step) -> Option<String> {
                    Some(match step {
                        Step::Send(number) => {
                            let value = T::new(self.sent, &self.alive);
                            let sent = choose(&mut self.senders, number)?.sender.send(value);
                            match sent {
                                Ok(receivers) => {
                                    self.sent += 1;
                                    for receiving in &mut self.receivers {
                                        receiving.settled = false;
                                    }
                                    format!("to {receivers}")
                                }
                                Err(error) => format!("{error} {}", error.0.number()),
                            }
                        }
                        Step::Subscribe(number) => {
                            let receiver = choose(&mut self.senders, number)?.sender.subscribe();
                            self.add_receiver(receiver)
                        }
                        Step::CloneSender(number) => {
                            let sender = choose(&mut self.senders, number)?.sender.as_ref().clone();
                            self.add_sender(sender)
                        }
                        Step::DropSender(number) => {
                            drop(remove(&mut self.senders, number)?);
                            String::new()
                        }
                        Step::Downgrade(number) => {
                            let weak = choose(&mut self.senders, number)?.sender.downgrade();
                            self.weak.push(weak);
                            String::new()
                        }
                        Step::CloneWeak(number) => {
                            let weak = choose(&mut self.weak, number)?.clone();
                            self.weak.push(weak);
                            String::new()
                        }
                        Step::Upgrade(number) => match choose(&mut self.weak, number)?.upgrade() {
                            Some(sender) => self.add_sender(sender),
                            None => String::from("none"),
                        },
                        Step::DropWeak(number) => {
                            drop(remove(&mut self.weak, number)?);
                            String::new()
                        }
                        Step::PollClosed(number, waker) => {
                            let sending = choose(&mut self.senders, number)?;
                            let closed = sending.closed.get_or_insert_with(|| {
                                let sender = Rc::clone(&sending.sender);
                                Box::pin(async move { sender.closed().await })
                            });
                            let polled = poll(closed, &self.woken[waker]);
                            if polled.is_ready() {
                                sending.closed = None;
                            }
                            format!("{polled:?}")
                        }
                        Step::CancelClosed(number) => {
                            choose(&mut self.senders, number)?.closed = None;
                            String::new()
                        }
                        Step::Resubscribe(number) => {
                            let receiving = choose(&mut self.receivers, number)?;
                            // Asking it takes a reference, which its future has.
                            receiving.recv = None;
                            let receiver = receiving.receiver.borrow().resubscribe();
                            self.add_receiver(receiver)
                        }
                        Step::DropReceiver(number) => {
                            let Receiving { receiver, recv, .. } =
                                remove(&mut self.receivers, number)?;
                            drop(recv);
                            drop(receiver);
                            String::new()
                        }
                        Step::TryRecv(number, cloning) => {
                            let cloning = self.cloning(cloning);
                            let receiving = choose(&mut self.receivers, number)?;
                            receiving.recv = None;
                            receiving.try_recv(cloning)
                        }
                        Step::PollRecv(number, waker, cloning) => {
                            let cloning = self.cloning(cloning);
                            let receiving = choose(&mut self.receivers, number)?;
                            let recv = receiving.recv.get_or_insert_with(|| {
                                let receiver = Rc::clone(&receiving.receiver);
                                Box::pin(async move { receiver.borrow_mut().recv().await })
                            });
                            let polled = guarded(cloning, || poll(recv, &self.woken[waker]));
                            if !matches!(polled, Some(Poll::Pending)) {
                                receiving.recv = None;
                            }
                            match polled {
                                Some(Poll::Pending) => {
                                    receiving.settled = true;
                                    String::from("pending")
                                }
                                Some(Poll::Ready(received)) => receiving.received(received),
                                None => String::from("panicked"),
                            }
                        }
                        Step::CancelRecv(number) => {
                            choose(&mut self.receivers, number)?.recv = None;
                            String::new()
                        }
                        Step::BlockingRecv(number, cloning) => {
                            let cloning = self.cloning(cloning);
                            let receiving = choose(&mut self.receivers, number)?;
                            receiving.recv = None;
                            let receiver = Rc::clone(&receiving.receiver);
                            let mut receiver = receiver.borrow_mut();
                            if receiver.is_empty() && !receiver.is_closed() {
                                return None;
                            }
                            match guarded(cloning, || receiver.blocking_recv()) {
                                Some(received) => receiving.received(received),
                                None => String::from("panicked"),
                            }
                        }
                        Step::Drain => {
                            let mut all = String::new();
                            for receiving in &mut self.receivers {
                                receiving.recv = None;
                                while !receiving.settled {
                                    all += &receiving.try_recv(Cloning::Works);
                                    all += ", ";
                                }
                            }
                            all
                        }
                    })
                }

                /// A clone can only panic where there is one.
                fn cloning(&self, cloning: Cloning) -> Cloning {
                    if T::MOVES && self.receivers.len() == 1 {
                        Cloning::Works
                    } else {
                        cloning
                    }
                }

                fn seen(&self, result: String) -> Seen {
                    let mut handles = Vec::new();
                    for Sending { sender, .. } in &self.senders {
                        handles.push(format!(
                            "{sender:?} of {} and {} to {}: {}, {}",
                            sender.strong_count(),
                            sender.weak_count(),
                            sender.receiver_count(),
                            sender.len(),
                            sender.is_empty(),
                        ));
                    }
                    for weak in &self.weak {
                        let counts = (weak.strong_count(), weak.weak_count());
                        handles.push(format!("{weak:?} of {counts:?}"));
                    }
                    for receiving in &self.receivers {
                        // One that is receiving is lent to its future.
                        handles.push(match receiving.receiver.try_borrow() {
                            Ok(receiver) => format!(
                                "{receiver:?} from {} and {}: {}, {}, {}",
                                receiver.sender_strong_count(),
                                receiver.sender_weak_count(),
                                receiver.len(),
                                receiver.is_empty(),
                                receiver.is_closed(),
                            ),
                            Err(_) => String::from("receiving"),
                        });
                    }
                    let woken = self.woken.iter().map(|one| one.0.load(Ordering::Relaxed));
                    Seen {
                        result,
                        handles,
                        woken: woken.collect(),
                    }
                }

                fn alive(&self) -> Alive {
                    Alive {
                        values: Rc::strong_count(&self.alive) - 1,
                        settled: self.receivers.iter().all(|receiving| receiving.settled),
                    }
                }
            }

            impl<T: Payload> Receiving<T> {
                fn try_recv(&mut self, cloning: Cloning) -> String {
                    use broadcast::error::TryRecvError::{Closed, Empty};
                    let received = guarded(cloning, || self.receiver.borrow_mut().try_recv());
                    match received {
                        None => String::from("panicked"),
                        Some(Ok(value)) => value.number().to_string(),
                        Some(Err(error)) => {
                            self.settled |= matches!(error, Empty | Closed);
                            failed(error)
                        }
                    }
                }

                fn received(&mut self, received: Result<T, broadcast::error::RecvError>) -> String {
                    match received {
                        Ok(value) => value.number().to_string(),
                        Err(error) => {
                            self.settled |= matches!(error, broadcast::error::RecvError::Closed);
                            failed(error)
                        }
                    }
                }
            }
        }
    };
}

/// Runs something that clones: `None` if that panicked, as asked for.
fn guarded<R>(cloning: Cloning, run: impl FnOnce() -> R) -> Option<R> {
    CLONE_PANICS.set(cloning == Cloning::Panics);
    let returned = catch_unwind(AssertUnwindSafe(run)).ok();
    CLONE_PANICS.set(false);
    returned
}

runner!(tokios, tokio::sync::broadcast);
runner!(ours, eventring::broadcast);

/// Runs a script against both, and compares step by step.
fn compare<T: Payload + 'static>(capacity: usize, script: &[Step]) {
    let (tokio_saw, tokio_alive) = tokios::run::<T>(capacity, script);
    let (we_saw, our_alive) = ours::run::<T>(capacity, script);
    let retained = capacity.next_power_of_two();
    for (index, step) in script.iter().enumerate() {
        assert_eq!(
            we_saw[index], tokio_saw[index],
            "step {index}, {step:?}: ours, tokio's"
        );
        let (ours, tokios) = (our_alive[index], tokio_alive[index]);
        let context = format!("step {index}, {step:?}: ours {ours:?}, tokio's {tokios:?}");
        assert!(ours.values >= tokios.values, "{context}");
        assert!(ours.values <= retained, "{context}");
        if ours.settled {
            assert_eq!(ours.values, tokios.values, "{context}");
        }
    }
}

proptest! {
    #![proptest_config(Config {
        cases: 20_000,
        failure_persistence: Some(Box::new(FileFailurePersistence::Direct(
            "tests/broadcast_differential.seeds",
        ))),
        max_shrink_iters: 100_000,
        ..Config::default()
    })]

    /// Values that are counted while they live.
    #[test]
    fn counted_values(capacity in 1..=9usize, script in vec(step(), 0..60)) {
        compare::<Counted>(capacity, &script);
    }

    /// Values that need no drop take a shorter way through the ring.
    #[test]
    fn plain_values(capacity in 1..=9usize, script in vec(step(), 0..60)) {
        compare::<Plain>(capacity, &script);
    }
}
