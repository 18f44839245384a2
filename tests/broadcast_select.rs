//! tokio #5923: receivers on threads and runtimes of their own, each with a timer around `recv`,
//! parked again as fast as they are woken, made one `send` quadratic in their number.
//!
//! What is counted is wake-ups and polls, not time: `--nocapture` prints them.
#![cfg(not(eventring_loom))]

mod common;

use common::{times, watched};
use eventring::broadcast::error::RecvError;
use eventring::broadcast::{Receiver, channel};
use std::cell::Cell;
use std::future::{Future as _, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

thread_local! {
    /// How often this thread has woken somebody.
    static WOKEN: Cell<u64> = const { Cell::new(0) };
}

/// A waker that counts, for the thread that wakes and for the task that is woken.
struct Counted {
    task: Waker,
    woken: AtomicU64,
}

impl Wake for Counted {
    fn wake(self: Arc<Self>) {
        WOKEN.set(WOKEN.get() + 1);
        self.woken.fetch_add(1, Ordering::SeqCst);
        self.task.wake_by_ref();
    }
}

/// What one receiver has gone through.
#[derive(Default)]
struct Account {
    received: u64,
    timeouts: u64,
    /// Of its `recv`.
    polls: u64,
    /// Of its task, by its `recv`.
    woken: u64,
}

impl Account {
    /// Receives until the channel is closed, giving up each time that the timer is first. Adds one
    /// to `parked` once it waits for the next value.
    async fn of(mut receiver: Receiver<u64>, parked: &AtomicU64) -> Self {
        let mut account = Self::default();
        let counted = poll_fn(|cx| {
            Poll::Ready(Arc::new(Counted {
                task: cx.waker().clone(),
                woken: AtomicU64::new(0),
            }))
        });
        let counted = counted.await;
        let waker = Waker::from(Arc::clone(&counted));
        let mut waits_for = None;
        loop {
            let mut recv = pin!(receiver.recv());
            let counted = poll_fn(|_| {
                account.polls += 1;
                let received = recv.as_mut().poll(&mut Context::from_waker(&waker));
                let next = Some(account.received);
                if received.is_pending() && std::mem::replace(&mut waits_for, next) != next {
                    parked.fetch_add(1, Ordering::SeqCst);
                }
                received
            });
            tokio::select! {
                received = counted => match received {
                    Ok(value) => {
                        assert_eq!(value, account.received);
                        account.received += 1;
                    }
                    Err(error) => {
                        assert_eq!(error, RecvError::Closed);
                        break;
                    }
                },
                () = tokio::time::sleep(Duration::from_millis(1)) => account.timeouts += 1,
            }
        }
        account.woken = counted.woken.load(Ordering::SeqCst);
        account
    }

    fn blocking(receiver: Receiver<u64>, parked: &AtomicU64) -> Self {
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = runtime.enable_time().build().unwrap();
        runtime.block_on(Self::of(receiver, parked))
    }

    /// How often it has called `recv`, the last time included, which told it of the end.
    fn calls(&self) -> u64 {
        self.received + self.timeouts + 1
    }
}

/// How often this thread wakes somebody in the course of it.
fn woken_by(run: impl FnOnce()) -> u64 {
    let before = WOKEN.get();
    run();
    WOKEN.get() - before
}

/// The work is in proportion to receivers and values: with all receivers parked, and parking again
/// meanwhile, a `send` wakes each of them once at most, and nothing else does; and a receiver is polled no more often
/// than it calls `recv`, with a timer that wakes it once at most, and is woken by it.
fn proportionate(receivers: u64, values: u64) {
    let (sender, first) = channel(16);
    let mut all = vec![first];
    all.resize_with(receivers as usize, || sender.subscribe());
    let parked = AtomicU64::new(0);
    let (woken, accounts) = std::thread::scope(|scope| {
        let threads = all.into_iter().map(|receiver| {
            let parked = &parked;
            scope.spawn(move || Account::blocking(receiver, parked))
        });
        let threads: Vec<_> = threads.collect();
        let mut woken = 0;
        let mut sender = Some(sender);
        for value in 0..=values {
            while parked.load(Ordering::SeqCst) < (value + 1) * receivers {
                std::thread::yield_now();
            }
            let by_this = woken_by(|| match &sender {
                Some(sender) if value < values => drop(sender.send(value)),
                _ => sender = None,
            });
            assert!(by_this <= receivers, "{by_this} wake-ups by one call");
            woken += by_this;
        }
        let threads = threads.into_iter();
        let accounts: Vec<_> = threads.map(|thread| thread.join().unwrap()).collect();
        (woken, accounts)
    });
    for account in &accounts {
        assert_eq!(account.received, values);
        let (polls, woken, calls) = (account.polls, account.woken, account.calls());
        assert!(woken <= values + 1, "{woken} wake-ups of one receiver");
        assert!(polls <= 2 * calls + woken, "{polls} polls");
    }
    let sum = |count: fn(&Account) -> u64| accounts.iter().map(count).sum::<u64>();
    println!(
        "{receivers} receivers, {values} values: {woken} wake-ups, {} polls, {} timeouts",
        sum(|account| account.polls),
        sum(|account| account.timeouts),
    );
}

#[test]
fn many_receivers_on_their_own_runtimes() {
    watched(|| {
        for receivers in [8, 16, 32, 64] {
            proportionate(receivers, times(200));
        }
    });
}
