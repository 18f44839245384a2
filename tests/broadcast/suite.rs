// Included twice, with `broadcast` being one and the other implementation. The numbers are those of
// the behaviours that a ring easily gets wrong; `#` are tokio's own issues.

use crate::common::watched;
use crate::support::{Counted, Fragile, HOOK, OnDrop, Woken, alive};
use broadcast::error::{RecvError, SendError, TryRecvError};
use broadcast::{Receiver, Sender, WeakSender, channel};
use std::future::Future;
use std::panic::catch_unwind;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

// ---- the items ----

/// Not `Clone`, not `Debug`.
struct Opaque;

#[test]
fn signatures() {
    let _: fn(usize) -> (Sender<u8>, Receiver<u8>) = channel;

    let _: fn(usize) -> Sender<Opaque> = Sender::new;
    let _: fn(&Sender<Opaque>, Opaque) -> Result<usize, SendError<Opaque>> = Sender::send;
    let _: fn(&Sender<Opaque>) -> Receiver<Opaque> = Sender::subscribe;
    let _: fn(&Sender<Opaque>) -> WeakSender<Opaque> = Sender::downgrade;
    let _: fn(&Sender<Opaque>) -> usize = Sender::len;
    let _: fn(&Sender<Opaque>) -> bool = Sender::is_empty;
    let _: fn(&Sender<Opaque>) -> usize = Sender::receiver_count;
    let _: fn(&Sender<Opaque>, &Sender<Opaque>) -> bool = Sender::same_channel;
    let _: fn(&Sender<Opaque>) -> usize = Sender::strong_count;
    let _: fn(&Sender<Opaque>) -> usize = Sender::weak_count;

    let _: fn(&WeakSender<Opaque>) -> Option<Sender<Opaque>> = WeakSender::upgrade;
    let _: fn(&WeakSender<Opaque>) -> usize = WeakSender::strong_count;
    let _: fn(&WeakSender<Opaque>) -> usize = WeakSender::weak_count;

    let _: fn(&Receiver<Opaque>) -> usize = Receiver::len;
    let _: fn(&Receiver<Opaque>) -> bool = Receiver::is_empty;
    let _: fn(&Receiver<Opaque>) -> bool = Receiver::is_closed;
    let _: fn(&Receiver<Opaque>, &Receiver<Opaque>) -> bool = Receiver::same_channel;
    let _: fn(&Receiver<Opaque>) -> usize = Receiver::sender_strong_count;
    let _: fn(&Receiver<Opaque>) -> usize = Receiver::sender_weak_count;

    let _: fn(&Receiver<u8>) -> Receiver<u8> = Receiver::resubscribe;
    let _: fn(&mut Receiver<u8>) -> Result<u8, TryRecvError> = Receiver::try_recv;
    let _: fn(&mut Receiver<u8>) -> Result<u8, RecvError> = Receiver::blocking_recv;

    fn output<F: Future<Output = O>, O>(_: F) {}
    let (sender, mut receiver) = channel::<u8>(1);
    output::<_, Result<u8, RecvError>>(receiver.recv());
    output::<_, ()>(sender.closed());

    fn cloned<C: Clone>() {}
    cloned::<Sender<Opaque>>();
    cloned::<WeakSender<Opaque>>();
}

#[test]
#[deny(unfulfilled_lint_expectations)]
fn must_use() {
    let sender = Sender::<Opaque>::new(1);
    #[expect(unused_must_use)]
    {
        sender.downgrade();
    }
    let weak = sender.downgrade();
    #[expect(unused_must_use)]
    {
        weak.upgrade();
    }
}

/// The errors live in `broadcast::error` only: elsewhere these names would be ambiguous.
#[test]
fn error_names() {
    mod names {
        pub(super) type SendError = u8;
        pub(super) type RecvError = u8;
        pub(super) type TryRecvError = u8;
    }
    #[allow(unused_imports)] // all but the names looked for
    use broadcast::*;
    use names::*;
    let _: (SendError, RecvError, TryRecvError) = (0, 0, 0);
}

trait Otherwise {
    const SEND: bool = false;
    const SYNC: bool = false;
}
impl<H> Otherwise for H {}
struct Is<H>(std::marker::PhantomData<H>);
#[allow(dead_code)] // which of them is meant depends on the bounds
impl<H: Send> Is<H> {
    const SEND: bool = true;
}
#[allow(dead_code)]
impl<H: Sync> Is<H> {
    const SYNC: bool = true;
}

#[test]
fn auto_traits() {
    fn all<H: Send + Sync + Unpin>() {}
    all::<Sender<u8>>();
    all::<WeakSender<u8>>();
    all::<Receiver<u8>>();
    fn unpin<H: Unpin>() {}
    unpin::<Sender<Rc<std::marker::PhantomPinned>>>();
    unpin::<WeakSender<Rc<std::marker::PhantomPinned>>>();
    unpin::<Receiver<Rc<std::marker::PhantomPinned>>>();

    const {
        assert!(!Is::<Sender<Rc<u8>>>::SEND && !Is::<Sender<Rc<u8>>>::SYNC);
        assert!(!Is::<WeakSender<Rc<u8>>>::SEND && !Is::<WeakSender<Rc<u8>>>::SYNC);
        assert!(!Is::<Receiver<Rc<u8>>>::SEND && !Is::<Receiver<Rc<u8>>>::SYNC);
        assert!(Is::<Sender<u8>>::SEND && Is::<Sender<u8>>::SYNC);
    }

    fn future<F: Send + Sync>(_: F) {}
    let (sender, mut receiver) = channel::<u8>(1);
    future(receiver.recv());
    future(sender.closed());
}

#[test]
fn errors() {
    fn value<E: std::error::Error + Clone + PartialEq + Eq + Send + Sync + 'static>(
        error: E,
        display: &str,
        debug: &str,
    ) {
        assert!(error.clone() == error);
        assert_eq!(error.to_string(), display);
        assert_eq!(format!("{error:?}"), debug);
        assert!(error.source().is_none());
    }
    value(RecvError::Closed, "channel closed", "Closed");
    value(RecvError::Lagged(7), "channel lagged by 7", "Lagged(7)");
    value(TryRecvError::Empty, "channel empty", "Empty");
    value(TryRecvError::Closed, "channel closed", "Closed");
    value(TryRecvError::Lagged(7), "channel lagged by 7", "Lagged(7)");

    fn error<E: std::error::Error>(error: &E) -> String {
        error.to_string()
    }
    assert_eq!(error(&SendError("value")), "channel closed");
    assert_eq!(format!("{:?}", SendError("value")), "SendError(\"value\")");
    assert_eq!(SendError(Opaque).to_string(), "channel closed");

    // Exhaustive.
    match RecvError::Closed {
        RecvError::Closed | RecvError::Lagged(_) => {}
    }
    match TryRecvError::Empty {
        TryRecvError::Empty | TryRecvError::Closed | TryRecvError::Lagged(_) => {}
    }
}

#[test]
fn debug_names() {
    let (sender, receiver) = channel::<u8>(1);
    assert_eq!(format!("{sender:?}"), "broadcast::Sender");
    assert_eq!(format!("{:?}", sender.downgrade()), "broadcast::WeakSender");
    assert_eq!(format!("{receiver:?}"), "broadcast::Receiver");
    assert_eq!(format!("{receiver:#?}"), "broadcast::Receiver");
}

/// 14: text, and the caller's location.
#[test]
fn capacity_panics() {
    let _alone = HOOK
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner);
    type Panicked = Arc<Mutex<Vec<(String, String, u32)>>>;
    let panicked = Panicked::default();
    let log = Arc::clone(&panicked);
    let this = std::thread::current().id();
    let before = std::panic::take_hook();
    let before = Arc::new(before);
    let others = Arc::clone(&before);
    std::panic::set_hook(Box::new(move |info| {
        if std::thread::current().id() != this {
            return others(info);
        }
        let location = info.location().unwrap();
        let text = info
            .payload()
            .downcast_ref::<String>()
            .cloned()
            .or_else(|| {
                info.payload()
                    .downcast_ref::<&str>()
                    .map(|text| text.to_string())
            });
        log.lock()
            .unwrap()
            .push((text.unwrap(), location.file().to_string(), location.line()));
    }));

    let first = line!() + 1;
    let zero = catch_unwind(|| channel::<u8>(0)).is_err();
    let sender_zero = catch_unwind(|| Sender::<u8>::new(0)).is_err();
    let large = catch_unwind(|| channel::<u8>(1 + (usize::MAX >> 1))).is_err();
    let sender_large = catch_unwind(|| Sender::<u8>::new(usize::MAX)).is_err();
    std::panic::set_hook(Box::new(move |info| before(info)));

    assert!(zero && sender_zero && large && sender_large);
    let panicked = panicked.lock().unwrap();
    let texts = [
        "broadcast channel capacity cannot be zero",
        "broadcast channel capacity exceeded `usize::MAX / 2`",
    ];
    for (index, (text, file, line)) in panicked.iter().enumerate() {
        assert_eq!(text, texts[index / 2]);
        assert!(file.ends_with("suite.rs"), "{file}");
        assert_eq!(*line, first + index as u32);
    }
    assert_eq!(panicked.len(), 4);
}

#[test]
fn counts_and_handles() {
    let (sender, receiver) = channel::<u8>(1);
    assert_eq!((sender.strong_count(), sender.weak_count()), (1, 0));
    let weak = sender.downgrade();
    let weaker = weak.clone();
    let clone = sender.clone();
    assert_eq!((sender.strong_count(), sender.weak_count()), (2, 2));
    assert_eq!((weak.strong_count(), weak.weak_count()), (2, 2));
    assert_eq!(receiver.sender_strong_count(), 2);
    assert_eq!(receiver.sender_weak_count(), 2);
    drop(weaker);
    let upgraded = weak.upgrade().unwrap();
    assert_eq!((weak.strong_count(), weak.weak_count()), (3, 1));
    assert!(upgraded.same_channel(&sender));

    let (other, other_receiver) = channel::<u8>(1);
    assert!(!other.same_channel(&sender));
    assert!(!other_receiver.same_channel(&receiver));
    let subscribed = sender.subscribe();
    assert!(subscribed.same_channel(&receiver) && subscribed.resubscribe().same_channel(&receiver));
    assert_eq!(sender.receiver_count(), 2);
    drop(subscribed);
    assert_eq!(sender.receiver_count(), 1);

    drop((sender, clone, upgraded));
    assert!(weak.upgrade().is_none());
    assert_eq!((weak.strong_count(), weak.weak_count()), (0, 1));
    assert_eq!(receiver.sender_strong_count(), 0);
    assert!(receiver.is_closed());
    drop(weak);
    assert_eq!(receiver.sender_weak_count(), 0);
}

// ---- sending and receiving ----

#[test]
fn everybody_gets_everything_in_order() {
    let (sender, mut first) = channel(8);
    let mut second = sender.subscribe();
    for value in 0..5 {
        assert_eq!(sender.send(value).unwrap(), 2);
    }
    let mut late = sender.subscribe();
    assert_eq!(sender.send(5).unwrap(), 3);
    for value in 0..6 {
        assert_eq!(first.try_recv(), Ok(value));
        assert_eq!(second.try_recv(), Ok(value));
    }
    assert_eq!(late.try_recv(), Ok(5));
    for receiver in [&mut first, &mut second, &mut late] {
        assert_eq!(receiver.try_recv(), Err(TryRecvError::Empty));
    }
}

/// 12, #7629: without receivers nothing is sent nor stored, and no position is consumed.
#[test]
fn sending_to_nobody() {
    let sender = Sender::new(2);
    assert_eq!(sender.receiver_count(), 0);
    let SendError(value) = sender.send("failed").unwrap_err();
    assert_eq!(value, "failed");
    assert!(
        pin_poll_once(sender.closed()).is_ready(),
        "a new sender has no receivers"
    );

    let mut receiver = sender.subscribe();
    assert!(pin_poll_once(sender.closed()).is_pending());
    assert_eq!(receiver.len(), 0);
    assert_eq!(receiver.try_recv(), Err(TryRecvError::Empty));
    assert_eq!(sender.send("sent").unwrap(), 1);
    assert_eq!(receiver.try_recv(), Ok("sent"));

    drop(receiver);
    assert_eq!(sender.send("failed again").unwrap_err().0, "failed again");
    let mut receiver = sender.subscribe();
    assert_eq!(receiver.try_recv(), Err(TryRecvError::Empty));
    sender.send("sent again").unwrap();
    assert_eq!(receiver.try_recv(), Ok("sent again"));
}

fn pin_poll_once<F: Future>(future: F) -> Poll<F::Output> {
    pin!(future).poll(&mut Context::from_waker(Waker::noop()))
}

/// 2: exact, reported once, then the oldest retained value; lagging again reports anew.
#[test]
fn lag() {
    let (sender, mut receiver) = channel(2);
    let send = |values: std::ops::Range<u32>| {
        for value in values {
            sender.send(value).unwrap();
        }
    };
    send(0..5);
    assert_eq!(receiver.try_recv(), Err(TryRecvError::Lagged(3)));
    assert_eq!(receiver.try_recv(), Ok(3));
    send(5..7); // 4, 5, 6 unread
    assert_eq!(receiver.blocking_recv(), Err(RecvError::Lagged(1)));
    send(7..10); // told, but lagging again before reading
    assert_eq!(
        pin_poll_once(receiver.recv()),
        Poll::Ready(Err(RecvError::Lagged(3)))
    );
    assert_eq!(receiver.try_recv(), Ok(8));
    assert_eq!(receiver.try_recv(), Ok(9));
    assert_eq!(receiver.try_recv(), Err(TryRecvError::Empty));
}

/// 2: each receiver's lag is its own.
#[test]
fn lag_is_per_receiver() {
    let (sender, mut slow) = channel(2);
    let mut fast = sender.subscribe();
    for value in 0..4 {
        sender.send(value).unwrap();
        assert_eq!(fast.try_recv(), Ok(value));
    }
    assert_eq!(slow.try_recv(), Err(TryRecvError::Lagged(2)));
    assert_eq!(slow.try_recv(), Ok(2));
    assert_eq!(fast.try_recv(), Err(TryRecvError::Empty));
}

/// 3, for any pace of reading: received + lagged = sent.
#[test]
fn everything_is_accounted_for() {
    for capacity in 1..=9 {
        for pace in 1..=20 {
            let (sender, mut receiver) = channel(capacity);
            let (mut received, mut lagged, mut next) = (0, 0, 0);
            let mut drain = |receiver: &mut Receiver<u64>, attempts: usize| {
                for _ in 0..attempts {
                    match receiver.try_recv() {
                        Ok(value) => {
                            assert_eq!(value, next);
                            next += 1;
                            received += 1;
                        }
                        Err(TryRecvError::Lagged(missed)) => {
                            next += missed;
                            lagged += missed;
                        }
                        Err(_) => break,
                    }
                }
                received + lagged
            };
            for value in 0..100 {
                sender.send(value).unwrap();
                if value % pace == 0 {
                    drain(&mut receiver, (value % 5) as usize);
                }
            }
            drop(sender);
            assert_eq!(drain(&mut receiver, usize::MAX), 100);
        }
    }
}

/// 13
#[test]
fn capacity_is_rounded_up() {
    for (capacity, retained) in [(1, 1), (2, 2), (3, 4), (4, 4), (5, 8), (9, 16)] {
        let (sender, mut receiver) = channel(capacity);
        for value in 0..retained {
            sender.send(value).unwrap();
        }
        assert_eq!(receiver.try_recv(), Ok(0), "{capacity} holds {retained}");

        let (sender, mut receiver) = channel(capacity);
        for value in 0..=retained {
            sender.send(value).unwrap();
        }
        assert_eq!(receiver.try_recv(), Err(TryRecvError::Lagged(1)));
    }
}

/// 13
#[test]
fn capacity_of_one() {
    let (sender, mut receiver) = channel(1);
    let woken = Woken::new();
    {
        let mut recv = pin!(receiver.recv());
        assert!(woken.poll(recv.as_mut()).is_pending());
        sender.send(0).unwrap();
        assert_eq!(woken.count(), 1);
        assert_eq!(woken.poll(recv.as_mut()), Poll::Ready(Ok(0)));
    }
    sender.send(1).unwrap();
    sender.send(2).unwrap();
    assert_eq!(receiver.try_recv(), Err(TryRecvError::Lagged(1)));
    sender.send(3).unwrap();
    assert_eq!(receiver.try_recv(), Err(TryRecvError::Lagged(1)));
    drop(sender);
    assert_eq!(receiver.try_recv(), Ok(3));
    assert_eq!(receiver.try_recv(), Err(TryRecvError::Closed));
}

/// 6: what some receiver still owes, at most the rounded capacity.
#[test]
fn lengths() {
    let (sender, mut first) = channel(3);
    let mut second = sender.subscribe();
    let check = |first: &Receiver<u32>, second: &Receiver<u32>, lengths: (usize, usize)| {
        assert_eq!((first.len(), second.len()), lengths);
        assert_eq!(first.is_empty(), lengths.0 == 0);
        assert_eq!(second.is_empty(), lengths.1 == 0);
        let owed = lengths.0.max(lengths.1).min(4);
        assert_eq!(sender.len(), owed);
        assert_eq!(sender.is_empty(), owed == 0);
    };
    check(&first, &second, (0, 0));
    sender.send(0).unwrap();
    sender.send(1).unwrap();
    check(&first, &second, (2, 2));
    first.try_recv().unwrap();
    check(&first, &second, (1, 2));
    second.try_recv().unwrap();
    second.try_recv().unwrap();
    check(&first, &second, (1, 0));
    for value in 2..7 {
        sender.send(value).unwrap();
    }
    check(&first, &second, (6, 5)); // both more than the capacity
    assert_eq!(first.try_recv(), Err(TryRecvError::Lagged(2)));
    check(&first, &second, (4, 5));
    drop(second);
    assert_eq!(sender.len(), 4);
    drop(first);
    assert_eq!((sender.len(), sender.is_empty()), (0, true));
}

// ---- closing ----

/// 1, #2425: with the channel exactly full.
#[test]
fn closing_costs_no_slot() {
    for capacity in [1, 2, 4] {
        let (sender, mut receiver) = channel(capacity);
        for value in 0..capacity {
            sender.send(value).unwrap();
        }
        drop(sender);
        assert!(receiver.is_closed());
        assert_eq!(receiver.len(), capacity);
        for value in 0..capacity {
            assert_eq!(receiver.try_recv(), Ok(value));
        }
        assert_eq!(receiver.try_recv(), Err(TryRecvError::Closed));
        assert_eq!(receiver.blocking_recv(), Err(RecvError::Closed));
        assert_eq!(receiver.try_recv(), Err(TryRecvError::Closed));
    }
}

#[test]
fn only_the_last_sender_closes() {
    let (sender, mut receiver) = channel::<u8>(1);
    let clone = sender.clone();
    let woken = Woken::new();
    let mut recv = pin!(receiver.recv());
    assert!(woken.poll(recv.as_mut()).is_pending());
    drop(sender);
    assert_eq!(woken.count(), 0);
    drop(clone);
    assert_eq!(woken.count(), 1);
    assert_eq!(woken.poll(recv), Poll::Ready(Err(RecvError::Closed)));
}

/// 12, #4814
#[test]
fn resubscribing_to_a_closed_channel() {
    let (sender, mut receiver) = channel(2);
    sender.send(0).unwrap();
    drop(sender);
    let mut fresh = receiver.resubscribe();
    assert_eq!(fresh.len(), 0);
    assert!(fresh.is_closed());
    assert_eq!(fresh.try_recv(), Err(TryRecvError::Closed));
    assert_eq!(fresh.blocking_recv(), Err(RecvError::Closed));
    assert_eq!(
        pin_poll_once(fresh.recv()),
        Poll::Ready(Err(RecvError::Closed))
    );
    assert_eq!(receiver.try_recv(), Ok(0));
}

#[test]
fn resubscribing_starts_at_the_tail() {
    let (sender, receiver) = channel(4);
    for value in 0..3 {
        sender.send(value).unwrap();
    }
    let mut fresh = receiver.resubscribe();
    assert_eq!((receiver.len(), fresh.len()), (3, 0));
    sender.send(3).unwrap();
    assert_eq!(fresh.try_recv(), Ok(3));
}

/// 9
#[test]
fn closed_waits_for_the_last_receiver() {
    let (sender, first) = channel::<u8>(1);
    let second = sender.subscribe();
    let woken = Woken::new();
    let mut closed = Box::pin(sender.closed());
    assert!(woken.poll(closed.as_mut()).is_pending());
    drop(first);
    assert_eq!(woken.count(), 0, "not the last one");
    assert!(woken.poll(closed.as_mut()).is_pending());
    drop(second);
    assert_eq!(woken.count(), 1);
    let third = sender.subscribe();
    assert!(
        woken.poll(closed.as_mut()).is_pending(),
        "subscribed meanwhile"
    );
    drop(third);
    assert_eq!(woken.count(), 2);
    assert!(woken.poll(closed.as_mut()).is_ready());
    assert!(pin_poll_once(sender.closed()).is_ready());
}

#[test]
fn closed_wakes_everybody_who_waits() {
    let (sender, receiver) = channel::<u8>(1);
    let clone = sender.clone();
    let (one, two, never) = (Woken::new(), Woken::new(), Woken::new());
    let mut first = Box::pin(sender.closed());
    let mut second = Box::pin(clone.closed());
    let mut cancelled = Box::pin(sender.closed());
    assert!(one.poll(first.as_mut()).is_pending());
    assert!(two.poll(second.as_mut()).is_pending());
    assert!(never.poll(cancelled.as_mut()).is_pending());
    drop(cancelled);
    drop(receiver);
    assert_eq!((one.count(), two.count(), never.count()), (1, 1, 0));
}

/// By the time somebody is woken, what the last receiver had not received is gone.
#[test]
fn closed_wakes_after_the_values_are_dropped() {
    struct Looking(Arc<()>, Mutex<Option<usize>>);
    impl std::task::Wake for Looking {
        fn wake(self: Arc<Self>) {
            *self.1.lock().unwrap() = Some(alive(&self.0) - 1); // its own token aside
        }
    }
    let token = Arc::new(());
    let (sender, receiver) = channel(4);
    for number in 0..3 {
        sender.send(Counted::new(number, &token)).unwrap();
    }
    let looking = Arc::new(Looking(Arc::clone(&token), Mutex::new(None)));
    let waker = Waker::from(Arc::clone(&looking));
    let mut closed = Box::pin(sender.closed());
    assert!(poll_dyn(&mut closed, &waker).is_pending());
    drop(receiver);
    assert_eq!(*looking.1.lock().unwrap(), Some(0));
}

// ---- waiting ----

/// 10
#[test]
fn the_last_waker_is_woken() {
    let (sender, mut receiver) = channel(1);
    let (first, second) = (Woken::new(), Woken::new());
    let mut recv = pin!(receiver.recv());
    assert!(first.poll(recv.as_mut()).is_pending());
    assert!(second.poll(recv.as_mut()).is_pending());
    sender.send(0).unwrap();
    assert_eq!((first.count(), second.count()), (0, 1));
    assert_eq!(second.poll(recv), Poll::Ready(Ok(0)));
}

/// 10
#[test]
fn a_future_that_was_never_polled() {
    let (sender, mut receiver) = channel(1);
    let woken = Woken::new();
    let mut recv = pin!(receiver.recv());
    sender.send(0).unwrap();
    assert_eq!(woken.count(), 0);
    assert_eq!(woken.poll(recv.as_mut()), Poll::Ready(Ok(0)));
    assert_eq!(woken.count(), 0);
}

/// 11
#[test]
fn woken_but_not_polled_gets_the_first_value() {
    let (sender, mut receiver) = channel(4);
    let woken = Woken::new();
    {
        let mut recv = pin!(receiver.recv());
        assert!(woken.poll(recv.as_mut()).is_pending());
        for value in 0..3 {
            sender.send(value).unwrap();
        }
        assert_eq!(woken.count(), 1, "woken once");
        assert_eq!(woken.poll(recv), Poll::Ready(Ok(0)));
    }
    assert_eq!(receiver.try_recv(), Ok(1));
}

/// 17, and cancel safety.
#[test]
fn a_cancelled_receive_leaves_nothing_behind() {
    let (sender, mut receiver) = channel(2);
    let mut other = sender.subscribe();
    let (cancelled, parked) = (Woken::new(), Woken::new());
    let mut recv = Box::pin(receiver.recv());
    assert!(cancelled.poll(recv.as_mut()).is_pending());
    let mut recv_other = Box::pin(other.recv());
    assert!(parked.poll(recv_other.as_mut()).is_pending());
    assert!(Arc::strong_count(&cancelled) > 1, "it keeps a waker");
    drop(recv);
    assert_eq!(Arc::strong_count(&cancelled), 1, "no waker is left");
    sender.send(0).unwrap();
    assert_eq!((cancelled.count(), parked.count()), (0, 1));
    drop(recv_other);
    assert_eq!(Arc::strong_count(&parked), 1);
    assert_eq!(receiver.try_recv(), Ok(0), "nothing was lost");
    assert_eq!(other.try_recv(), Ok(0));
}

/// 17: a receiver that was woken and then dropped takes nobody's wake-up with it.
#[test]
fn a_woken_receiver_that_is_dropped() {
    let (sender, first) = channel(2);
    let mut receivers = vec![first];
    receivers.extend((1..9).map(|_| sender.subscribe()));
    let woken: Vec<_> = (0..9).map(|_| Woken::new()).collect();
    for round in 0..3 {
        let mut futures: Vec<_> = receivers
            .iter_mut()
            .map(|one| Box::pin(one.recv()))
            .collect();
        for (recv, woken) in futures.iter_mut().zip(&woken) {
            assert!(woken.poll(recv.as_mut()).is_pending());
        }
        drop(futures.remove(round));
        sender.send(round).unwrap();
        drop(futures.remove(round));
        drop(futures);
        for (index, woken) in woken.iter().enumerate() {
            let skipped = (0..=round).filter(|skipped| *skipped == index).count();
            assert_eq!(
                woken.count(),
                round + 1 - skipped,
                "{index} in round {round}"
            );
        }
        for receiver in &mut receivers {
            assert_eq!(receiver.try_recv(), Ok(round));
        }
    }
    drop(receivers);
    assert!(woken.iter().all(|woken| Arc::strong_count(woken) == 1));
}

/// Receivers enough for each list of ours that there is for those who wait next.
fn wait_in_every_list(sender: &Sender<u8>) {
    for _ in 0..4 {
        assert!(pin_poll_once(sender.subscribe().recv()).is_pending());
    }
}

/// 7, #5578: the waker is replaced by another one, or dropped with its future, or after it was
/// woken.
#[test]
fn a_waker_whose_drop_sends() {
    watched(|| {
        let (sender, mut receiver) = channel::<u8>(8);
        let mut keep = sender.subscribe();
        let waker = |value: u8| {
            let sender = sender.clone();
            Waker::from(Arc::new(OnDrop::new(move || {
                sender.send(value).unwrap();
            })))
        };

        let mut recv = Box::pin(receiver.recv());
        assert!(poll_dyn(&mut recv, &waker(0)).is_pending());
        // Replaced: the drop sends, to this very receiver.
        let replacing = Woken::new();
        let replaced = replacing.poll(recv.as_mut());
        assert!(replaced.is_pending() || replaced == Poll::Ready(Ok(0)));
        drop(recv);
        while receiver.try_recv().is_ok() {}

        // Woken, then dropped.
        let mut recv = Box::pin(receiver.recv());
        assert!(poll_dyn(&mut recv, &waker(1)).is_pending());
        sender.send(2).unwrap();
        drop(recv);
        assert_eq!(receiver.try_recv(), Ok(2));
        assert_eq!(receiver.try_recv(), Ok(1));

        // Dropped with its future.
        let mut recv = Box::pin(receiver.recv());
        assert!(poll_dyn(&mut recv, &waker(3)).is_pending());
        drop(recv);
        assert_eq!(receiver.try_recv(), Ok(3));

        let all = std::iter::from_fn(|| keep.try_recv().ok());
        assert_eq!(all.collect::<Vec<_>>(), [0, 2, 1, 3]);
    });
}

/// 7: the waker is dropped as it is woken, its future being gone by then: one that was woken before
/// it has dropped that. Nine receivers, so that some share a list.
#[test]
fn a_waker_whose_drop_sends_as_it_is_woken() {
    type Recv = Pin<Box<dyn Future<Output = Result<u8, RecvError>> + Send>>;
    struct Dropping(Arc<Mutex<Vec<Recv>>>);
    impl std::task::Wake for Dropping {
        fn wake(self: Arc<Self>) {
            let others = std::mem::take(&mut *self.0.lock().unwrap());
            drop(others);
        }
    }
    watched(|| {
        let (sender, mut first) = channel::<u8>(16);
        let mut keep = sender.subscribe();
        let others = Arc::new(Mutex::new(Vec::new()));
        let dropping = Waker::from(Arc::new(Dropping(Arc::clone(&others))));
        let mut recv = Box::pin(first.recv());
        assert!(poll_dyn(&mut recv, &dropping).is_pending());
        for value in 1..9 {
            let sender = sender.clone();
            let mut receiver = sender.subscribe();
            let mut other: Recv = Box::pin(async move { receiver.recv().await });
            let waker = Waker::from(Arc::new(OnDrop::new(move || {
                sender.send(value).unwrap();
                wait_in_every_list(&sender);
            })));
            assert!(poll_dyn(&mut other, &waker).is_pending());
            others.lock().unwrap().push(other);
        }
        sender.send(0).unwrap();
        assert!(others.lock().unwrap().is_empty());
        assert_eq!(poll_dyn(&mut recv, &dropping), Poll::Ready(Ok(0)));
        let mut sent: Vec<_> = std::iter::from_fn(|| keep.try_recv().ok()).collect();
        sent.sort();
        assert_eq!(sent, [0, 1, 2, 3, 4, 5, 6, 7, 8]);
    });
}

fn poll_dyn<T>(recv: &mut Pin<Box<impl Future<Output = T> + ?Sized>>, waker: &Waker) -> Poll<T> {
    recv.as_mut().poll(&mut Context::from_waker(waker))
}

/// 16: wakers run with nothing held.
#[test]
fn a_waker_that_sends() {
    watched(|| {
        struct Sending(Sender<u8>);
        impl std::task::Wake for Sending {
            fn wake(self: Arc<Self>) {
                for value in 1..3 {
                    self.0.send(value).unwrap();
                    wait_in_every_list(&self.0);
                }
            }
        }
        let (sender, mut receiver) = channel(4);
        let waker = Waker::from(Arc::new(Sending(sender.clone())));
        let mut recv = Box::pin(receiver.recv());
        assert!(poll_dyn(&mut recv, &waker).is_pending());
        sender.send(0).unwrap();
        assert_eq!(poll_dyn(&mut recv, &waker), Poll::Ready(Ok(0)));
        drop(recv);
        assert_eq!(receiver.try_recv(), Ok(1));
        assert_eq!(receiver.try_recv(), Ok(2));
    });
}

/// 16: nor is anything held when the last receiver goes.
#[test]
fn a_waker_that_uses_the_channel_when_the_last_receiver_goes() {
    struct Using(Sender<u8>);
    impl std::task::Wake for Using {
        fn wake(self: Arc<Self>) {
            let receiver = self.0.subscribe();
            assert!(pin_poll_once(self.0.closed()).is_pending());
            assert_eq!(self.0.send(0).unwrap(), 1);
            drop(receiver);
        }
    }
    watched(|| {
        let (sender, receiver) = channel(1);
        let waker = Waker::from(Arc::new(Using(sender.clone())));
        let mut closed = Box::pin(sender.closed());
        assert!(poll_dyn(&mut closed, &waker).is_pending());
        drop(receiver);
        assert!(poll_dyn(&mut closed, &waker).is_ready());
    });
}

/// 8: one that always finds a value lets others run.
#[tokio::test]
async fn receiving_takes_part_in_the_budget() {
    const VALUES: usize = 1024;
    let (sender, mut receiver) = channel(VALUES);
    for value in 0..VALUES {
        sender.send(value).unwrap();
    }
    let received = Arc::new(Mutex::new(0));
    let counted = Arc::clone(&received);
    let busy = tokio::spawn(async move {
        for value in 0..VALUES {
            assert_eq!(receiver.recv().await, Ok(value));
            *counted.lock().unwrap() += 1;
        }
    });
    let seen = tokio::spawn(async move { *received.lock().unwrap() });
    let seen = seen.await.unwrap();
    assert!(
        (1..VALUES).contains(&seen),
        "another task ran after {seen} values"
    );
    busy.await.unwrap();
}

#[test]
fn blocking_recv_wakes_up() {
    watched(|| {
        let (sender, mut receiver) = channel(1);
        let blocked = std::thread::spawn(move || {
            let first = receiver.blocking_recv();
            (first, receiver.blocking_recv())
        });
        sender.send(0).unwrap();
        while !sender.is_empty() {
            std::thread::yield_now();
        }
        drop(sender);
        assert_eq!(blocked.join().unwrap(), (Ok(0), Err(RecvError::Closed)));
    });
}

// ---- values ----

/// 4: that value is consumed, nothing is poisoned. (Two receivers, so that both kinds of channel
/// clone.)
#[test]
fn a_clone_that_panics() {
    let (sender, mut receiver) = channel(4);
    let mut other = sender.subscribe();
    for value in 0..4 {
        sender.send(Fragile(value)).unwrap();
    }
    assert!(Fragile::clone_panics(|| receiver.try_recv()).is_none());
    assert_eq!(receiver.len(), 3);
    assert_eq!(receiver.try_recv(), Ok(Fragile(1)));
    assert!(Fragile::clone_panics(|| pin_poll_once(receiver.recv())).is_none());
    assert!(Fragile::clone_panics(|| receiver.blocking_recv()).is_none());
    assert_eq!(receiver.try_recv(), Err(TryRecvError::Empty));
    for value in 0..4 {
        assert_eq!(other.try_recv(), Ok(Fragile(value)));
    }
    sender.send(Fragile(4)).unwrap();
    assert_eq!(receiver.try_recv(), Ok(Fragile(4)));
}

/// 5: with the sender alive.
#[test]
fn the_last_receiver_drops_what_is_unread() {
    let token = Arc::new(());
    let (sender, first) = channel(4);
    let second = sender.subscribe();
    for number in 0..3 {
        sender.send(Counted::new(number, &token)).unwrap();
    }
    drop(first);
    assert_eq!(alive(&token), 3);
    drop(second);
    assert_eq!(alive(&token), 0);
    drop(sender.send(Counted::new(3, &token)).unwrap_err());
    assert_eq!(alive(&token), 0);
}

/// 5: once all receivers have them, and have found nothing more.
#[test]
fn values_are_released_when_all_have_them() {
    let token = Arc::new(());
    let (sender, first) = channel(4);
    let mut receivers = [first, sender.subscribe(), sender.subscribe()];
    for round in 0..3 {
        for number in 0..3 {
            sender.send(Counted::new(number, &token)).unwrap();
        }
        for (received, receiver) in receivers.iter_mut().enumerate() {
            assert_eq!(
                alive(&token),
                3,
                "{received} receivers have them in round {round}"
            );
            for number in 0..3 {
                assert_eq!(receiver.try_recv().unwrap().number, number);
            }
            assert_eq!(receiver.try_recv().unwrap_err(), TryRecvError::Empty);
        }
        assert_eq!(alive(&token), 0);
    }
}

/// 5: a receiver that goes without having read takes its share with it.
#[test]
fn values_are_released_when_the_laggard_drops() {
    let token = Arc::new(());
    let (sender, mut reading) = channel(4);
    let idle = sender.subscribe();
    for number in 0..6 {
        sender.send(Counted::new(number, &token)).unwrap();
    }
    assert_eq!(alive(&token), 4, "overwritten ones are gone");
    assert_eq!(reading.try_recv().unwrap_err(), TryRecvError::Lagged(2));
    for number in 2..6 {
        assert_eq!(reading.try_recv().unwrap().number, number);
    }
    assert_eq!(alive(&token), 4);
    drop(idle);
    assert_eq!(alive(&token), 0);
}

/// 5: the channel itself holds nothing back.
#[test]
fn everything_is_dropped_with_the_handles() {
    let token = Arc::new(());
    let (sender, receiver) = channel(4);
    let weak = sender.downgrade();
    for number in 0..6 {
        sender.send(Counted::new(number, &token)).unwrap();
    }
    drop(sender);
    assert_eq!(alive(&token), 4);
    drop(receiver);
    assert_eq!(alive(&token), 0);
    drop(weak);
}

/// 15, #3434: dropping with a backlog while another thread sends, and does not stop before that.
/// What others still need stays.
#[test]
fn dropping_with_a_backlog_while_somebody_sends() {
    watched(|| {
        for round in 0..100 {
            let capacity = [4, 64][round % 2];
            let token = Arc::new(());
            let (sender, receiver) = channel(capacity);
            let mut staying = sender.subscribe();
            for number in 0..3 {
                sender.send(Counted::new(number, &token)).unwrap();
            }
            assert_eq!(staying.try_recv().unwrap().number, 0);
            let dropped = AtomicBool::new(false);
            let sent = std::thread::scope(|scope| {
                let sending = scope.spawn(|| {
                    let mut number = 3;
                    while number < 40 || !dropped.load(Ordering::SeqCst) {
                        sender.send(Counted::new(number, &token)).unwrap();
                        number += 1;
                    }
                    number
                });
                drop(receiver);
                dropped.store(true, Ordering::SeqCst);
                sending.join().unwrap()
            });
            let oldest = sent.saturating_sub(capacity as u32).max(1);
            assert_eq!(sender.receiver_count(), 1);
            assert_eq!(sender.len(), (sent - oldest) as usize);
            if oldest > 1 {
                let lagged = TryRecvError::Lagged(u64::from(oldest) - 1);
                assert_eq!(staying.try_recv().unwrap_err(), lagged);
            }
            for number in oldest..sent {
                assert_eq!(staying.try_recv().unwrap().number, number);
            }
            assert_eq!(staying.try_recv().unwrap_err(), TryRecvError::Empty);
            assert_eq!(alive(&token), 0);
        }
    });
}
