//! Waiting to receive.

use super::*;

/// Catches: registering by load and store; sleeping although the stamp shows the event; a commit
/// that loses WAITING bits (P7 as load and store).
///
/// Kills: `list-before-mark`, `mark-rmw`, `notify-waiting`, `stamp-mark`.
#[test]
fn wait_for_an_event() {
    loom::model(|| {
        let model = numbers(1, WaitStrategy::Overwrite);
        let mut receiver = model.bus.subscribe().with_lag();
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
        let [mut one, mut other] = [(); 2].map(|()| model.bus.subscribe().with_lag());
        // The first thread to wait has a shard of its own, the next two share one.
        assert!(!poll_once(&mut model.bus.subscribe(), &Arc::default()));
        let one = thread::spawn(move || Account::default().wait(&mut one));
        let other = thread::spawn(move || Account::default().wait(&mut other));
        model.publish(0);
        one.join().unwrap();
        other.join().unwrap();
    });
}

/// Catches: a receiver that comes to another thread, and takes a place there that is not its own.
///
/// Kills: `choose-once`.
#[test]
fn wait_for_an_event_on_another_thread_than_before() {
    bounded(2, || {
        let model = numbers(1, WaitStrategy::Overwrite);
        let [mut one, mut other] = [(); 2].map(|()| model.bus.subscribe());
        let woken: [_; 3] = std::array::from_fn(|_| Arc::new(Woken::default()));
        assert!(!poll_once(&mut one, &woken[0]));
        let wakers = woken.clone();
        let receivers = thread::spawn(move || {
            let polled = poll_once(&mut other, &wakers[1]);
            (polled || poll_once(&mut one, &wakers[2]), one, other)
        });
        model.publish(0);
        let (polled, ..) = receivers.join().unwrap();
        let woken = woken.map(|one| one.0.load(Relaxed));
        assert!(polled || woken == [false, true, true], "{woken:?}");
    });
}

/// A waker that says whether it was used.
#[derive(Default)]
struct Woken(std::sync::atomic::AtomicBool);

impl std::task::Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Relaxed);
    }
}

/// Whether there was an event. If not, it goes on waiting.
fn poll_once(receiver: &mut Receiver<u64>, woken: &Arc<Woken>) -> bool {
    let waker = Arc::clone(woken).into();
    let cx = &mut std::task::Context::from_waker(&waker);
    receiver.poll_recv(cx).is_ready()
}

/// Catches: a receiver that sleeps unlisted after it gave way to a publisher that was still waking
/// another one.
#[test]
fn wait_for_an_event_while_another_receiver_is_woken() {
    bounded(2, || {
        let model = numbers(2, WaitStrategy::Overwrite);
        let [mut one, mut other] = [(); 2].map(|()| model.bus.subscribe().with_lag());
        let publisher = model.spawn(|model| {
            model.publish(0);
            model.publish(1);
        });
        let other = thread::spawn(move || receive_two(&mut other));
        assert_eq!(receive_two(&mut one), [0, 1]);
        assert_eq!(other.join().unwrap(), [0, 1]);
        publisher.join().unwrap();
    });
}

/// Waits for two events, one at a time.
fn receive_two(receiver: &mut WithLag<u64>) -> Vec<u64> {
    let mut account = Account::default();
    while account.total() < 2 {
        account.wait(receiver);
    }
    account.received
}

/// Catches: a list of waiting receivers that is not the same in each lap. A lapped receiver waits
/// for the second event while the first is not committed yet, and its bit is taken out with that.
///
/// Kills: `unlist-notified`.
#[test]
fn wait_for_an_event_a_lap_later() {
    bounded(2, || {
        let model = numbers(1, WaitStrategy::Overwrite);
        let mut receiver = model.bus.subscribe().with_lag();
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
        let mut receiver = model.bus.subscribe().with_lag();
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
