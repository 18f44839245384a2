//! Who is woken, and when the bell rings. (Apart from other tests of receivers: each of those that goes lets the
//! thread that wakes tasks look again, and would hide one that is left asleep.)

mod common;

use common::memory;
use eventring::Start;
use eventring_shm::{EventRing, Kind, Publisher, Receiver};
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};
use std::time::{Duration, Instant};
use tokio_test::task::Spawn;

/// Against hangs only.
const LONG: Duration = Duration::from_secs(60);

/// What the bell says: whether somebody wants to be woken, and how often it rang.
fn bell(ring: &EventRing) -> (bool, u32) {
    let (_, bell) = ring.fds();
    let bell = File::from(bell.unwrap().try_clone_to_owned().unwrap());
    let mut word = [0; 4];
    bell.read_exact_at(&mut word, 0).unwrap();
    let word = u32::from_ne_bytes(word);
    (word % 2 == 1, word / 2)
}

#[test]
fn who_rests_costs_its_writer_nothing() {
    let ring = memory(64, 4096);
    let mut publisher = ring.publisher().unwrap();
    // A writer rings when it comes.
    let (_, rang) = bell(&ring);
    let rest = Duration::from_secs(3600);
    let mut receiver = ring.subscribe(Start::Next).wake_interval(rest);

    let mut first = tokio_test::task::spawn(receiver.recv());
    assert!(first.poll().is_pending());
    assert_eq!(bell(&ring), (true, rang));
    publisher.publish(Kind(1), b"wakes").unwrap();
    assert_eq!(bell(&ring), (false, rang + 1));
    assert!(first.poll().is_ready());
    drop(first);

    let mut second = tokio_test::task::spawn(receiver.recv());
    assert!(second.poll().is_pending());
    assert_eq!(bell(&ring), (false, rang + 1));
    publisher.publish(Kind(1), b"does not").unwrap();
    assert_eq!(bell(&ring), (false, rang + 1));
    assert!(second.poll().is_ready());
}

/// A bell for each event would be a system call for each: one for all, whatever it ends with.
#[test]
fn several_events_ring_once() {
    let ring = memory(4, 4096);
    let mut publisher = ring.publisher().unwrap();
    let receiver = || tokio_test::task::spawn(ring.subscribe(Start::Next));
    let (_, rang) = bell(&ring);

    let mut corked = receiver();
    assert!(corked.poll_next().is_pending());
    let mut outer = publisher.cork();
    outer.publish(Kind(1), b"").unwrap();
    outer.cork().publish(Kind(1), b"").unwrap();
    outer.publish_many([(Kind(1), "")]).unwrap();
    assert_eq!(bell(&ring), (true, rang));
    drop(outer);
    assert_eq!(bell(&ring), (false, rang + 1));

    let mut batches = receiver();
    assert!(batches.poll_next().is_pending());
    publisher.publish_many([(Kind(1), ""); 7]).unwrap();
    assert_eq!(bell(&ring), (false, rang + 2));

    let mut too_large = receiver();
    assert!(too_large.poll_next().is_pending());
    let events = [0, 0, 0, 0, 0, 4096].map(|len| (Kind(1), vec![0; len]));
    assert!(publisher.publish_many(events).is_err());
    assert_eq!(bell(&ring), (false, rang + 3));

    let mut panics = receiver();
    assert!(panics.poll_next().is_pending());
    let events = (0..).map(|number| {
        assert!(number < 5, "no more");
        (Kind(1), "")
    });
    let publishes = AssertUnwindSafe(|| publisher.publish_many(events));
    assert!(catch_unwind(publishes).is_err());
    assert_eq!(bell(&ring), (false, rang + 4));
    assert!(panics.poll_next().is_ready());
}

/// What comes after a task has looked, and before it stands in the list, is seen by another look.
#[test]
fn who_lies_down_looks_again() {
    /// A waker that publishes when nobody has it any more.
    struct Last(Mutex<Publisher>);
    impl Wake for Last {
        fn wake(self: Arc<Self>) {}
    }
    impl Drop for Last {
        fn drop(&mut self) {
            self.0
                .get_mut()
                .unwrap()
                .publish(Kind(1), b"just now")
                .unwrap();
        }
    }
    let ring = memory(64, 4096);
    let mut publisher = ring.publisher().unwrap();
    let rest = Duration::from_secs(3600);
    let mut receiver = ring.subscribe(Start::Next).wake_interval(rest);
    let mut first = tokio_test::task::spawn(receiver.recv());
    assert!(first.poll().is_pending());
    publisher.publish(Kind(1), b"wakes").unwrap();
    while !first.is_woken() {
        std::thread::yield_now();
    }
    assert!(first.poll().is_ready());
    drop(first);

    // It rests: nobody wakes it. The list has the only one of this waker, until there is another.
    let last = Waker::from(Arc::new(Last(Mutex::new(publisher))));
    assert!(
        receiver
            .poll_recv(&mut Context::from_waker(&last))
            .is_pending()
    );
    drop(last);
    let polled = receiver.poll_recv(&mut Context::from_waker(Waker::noop()));
    assert!(matches!(polled, Poll::Ready(Some(event)) if event.payload == b"just now"));
}

/// What comes while a thread rests is received when it has rested, though nobody wakes it.
#[test]
fn a_thread_that_has_rested_looks() {
    let ring = memory(64, 4096);
    let mut publisher = ring.publisher().unwrap();
    let rest = Duration::from_millis(1);
    let mut receiver = ring.subscribe(Start::Next).wake_interval(rest);
    let (received, next) = std::sync::mpsc::channel();
    std::thread::scope(|scope| {
        scope.spawn(move || {
            for number in 0..50u64 {
                publisher.publish(Kind(1), &number.to_ne_bytes()).unwrap();
                // Against hangs: the receiver gets the end then.
                if next.recv_timeout(LONG).is_err() {
                    return publisher.close();
                }
            }
        });
        for seq in 0..50 {
            let event = receiver.recv_blocking();
            assert_eq!(event.expect("it is not left asleep").seq, seq);
            received.send(()).unwrap();
        }
    });
}

/// The same of a task, while the thread that wakes tasks sleeps for good.
#[test]
fn a_task_that_has_rested_looks() {
    let (ring, other) = (memory(64, 4096), memory(64, 4096));
    let (mut publisher, mut others) = (ring.publisher().unwrap(), other.publisher().unwrap());
    let rest = Duration::from_millis(20);
    let mut task = tokio_test::task::spawn(ring.subscribe(Start::Next).wake_interval(rest));
    let mut behind = tokio_test::task::spawn(other.subscribe(Start::Next));
    for _ in 0..10 {
        assert!(task.poll_next().is_pending());
        publisher.publish(Kind(1), b"wakes").unwrap();
        receives(&mut task);
        // The thread looks at this ring after the first: when this task is woken, it has seen that nobody stands
        // there whom it would have to wake at some time.
        assert!(behind.poll_next().is_pending());
        others.publish(Kind(1), b"wakes").unwrap();
        receives(&mut behind);
        assert!(task.poll_next().is_pending());
        publisher.publish(Kind(1), b"does not").unwrap();
        receives(&mut task);
    }
}

fn receives(task: &mut Spawn<Receiver>) {
    let started = Instant::now();
    while !task.is_woken() {
        assert!(started.elapsed() < LONG, "it is left asleep");
        std::thread::yield_now();
    }
    assert!(task.poll_next().is_ready());
}
