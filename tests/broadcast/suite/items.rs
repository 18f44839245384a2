// The items: signatures, names, auto traits, errors, panics, counts.

use crate::support::HOOK;
use broadcast::error::{RecvError, SendError, TryRecvError};
use broadcast::{Receiver, Sender, WeakSender, channel};
use std::future::Future;
use std::panic::catch_unwind;
use std::rc::Rc;
use std::sync::{Arc, Mutex};

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
        assert!(file.ends_with("items.rs"), "{file}");
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
