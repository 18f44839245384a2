//! Auto traits, and `Debug`, of every handle, future and stream.

use crate::common::overwrite;
use eventring::future::{
    Drained, Publish, PublishAll, PublishMany, Recv, RecvMany, RecvManyWith, RecvWith, RecvWithLag,
};
use eventring::iter::{BlockingIter, TryIter};
use eventring::stream::{BusSink, FilterMapRef, WithLag};
use eventring::{
    BuildError, Lagged, PublishError, RecvTimeoutError, TryPublishError, TryRecvError,
};
use eventring::{Builder, EventBus, Receiver, Start, Stats, WaitStrategy, WeakEventBus};
use std::cell::Cell;
use std::error::Error;
use std::fmt::Debug;
use std::marker::PhantomData;
use std::panic::{RefUnwindSafe, UnwindSafe, catch_unwind};
use std::rc::Rc;

type Filter = fn(&u64) -> Option<u64>;

#[test]
fn handles_futures_and_streams_go_everywhere() {
    fn everywhere<T: Send + Sync + Unpin>() {}
    everywhere::<EventBus<String>>();
    everywhere::<WeakEventBus<String>>();
    everywhere::<Builder<String>>();
    everywhere::<Receiver<String>>();
    everywhere::<Publish<'_, String>>();
    everywhere::<PublishMany<'_, String>>();
    everywhere::<Drained<'_, String>>();
    everywhere::<PublishAll<String, Receiver<String>>>();
    everywhere::<BusSink<String>>();
    everywhere::<TryIter<'_, String>>();
    everywhere::<BlockingIter<'_, String>>();
    everywhere::<Recv<'_, String>>();
    everywhere::<RecvWithLag<'_, String>>();
    everywhere::<RecvMany<'_, String>>();
    everywhere::<RecvWith<'_, u64, Filter>>();
    everywhere::<RecvManyWith<'_, u64, Filter>>();
    everywhere::<WithLag<String>>();
    everywhere::<FilterMapRef<u64, Filter>>();
    everywhere::<Stats>();
}

#[test]
fn nothing_is_pinned_whatever_the_event() {
    fn unpin<T: Unpin>() {}
    type Pinned = std::marker::PhantomPinned;
    unpin::<EventBus<Pinned>>();
    unpin::<Receiver<Pinned>>();
    unpin::<Publish<'_, Pinned>>();
    unpin::<PublishMany<'_, Pinned>>();
    unpin::<Drained<'_, Pinned>>();
    unpin::<PublishAll<Pinned, Receiver<Pinned>>>();
    unpin::<BusSink<Pinned>>();
    unpin::<Recv<'_, Pinned>>();
    unpin::<RecvWithLag<'_, Pinned>>();
    unpin::<RecvMany<'_, Pinned>>();
    unpin::<RecvWith<'_, Pinned, Pinned>>();
    unpin::<RecvManyWith<'_, Pinned, Pinned>>();
    unpin::<WithLag<Pinned>>();
    unpin::<FilterMapRef<Pinned, Pinned>>();
}

/// A panic that is caught leaves every handle as usable as any other.
#[test]
fn handles_may_be_used_inside_catch_unwind() {
    fn safe<T: UnwindSafe + RefUnwindSafe>() {}
    type Mutable = Cell<u64>;
    safe::<EventBus<Mutable>>();
    safe::<WeakEventBus<Mutable>>();
    safe::<Builder<Mutable>>();
    safe::<Receiver<Mutable>>();
    safe::<WithLag<Mutable>>();
    safe::<FilterMapRef<Mutable, fn(&Mutable) -> Option<u64>>>();
    safe::<BusSink<Mutable>>();
    let bus = EventBus::new(4);
    assert!(matches!(catch_unwind(|| bus.try_publish(1)), Ok(Ok(0))));
}

#[test]
fn errors_are_errors() {
    fn error<T: Error + Send + Sync + 'static>() {}
    error::<BuildError>();
    error::<Lagged>();
    error::<RecvTimeoutError>();
    error::<TryRecvError>();
    error::<PublishError<Opaque>>();
    error::<TryPublishError<Opaque>>();
}

/// Tells whether a type has a trait: an inherent constant comes before the one of `Otherwise`.
struct Has<T>(PhantomData<T>);

trait Otherwise {
    const SEND: bool = false;
    const SYNC: bool = false;
    const DEBUG: bool = false;
}

impl<T> Otherwise for Has<T> {}

impl<T: Send> Has<T> {
    const SEND: bool = true;
}

impl<T: Sync> Has<T> {
    const SYNC: bool = true;
}

impl<T: Debug> Has<T> {
    const DEBUG: bool = true;
}

macro_rules! assert_has_not {
    ($constant:ident: $($type:ty),* $(,)?) => {
        $(assert!(!Has::<$type>::$constant, stringify!($constant: $type));)*
    };
}

macro_rules! assert_has {
    ($constant:ident: $($type:ty),* $(,)?) => {
        $(assert!(Has::<$type>::$constant, stringify!($constant: $type));)*
    };
}

#[test]
fn an_event_that_stays_keeps_its_handles() {
    type Stays = Rc<u64>;
    assert_has!(SEND: String);
    assert_has!(SYNC: String);
    assert_has_not!(SEND: Stays, EventBus<Stays>, WeakEventBus<Stays>, Receiver<Stays>);
    assert_has_not!(SYNC: Stays, EventBus<Stays>, WeakEventBus<Stays>, Receiver<Stays>);
    assert_has_not!(SEND: Publish<'_, Stays>, PublishMany<'_, Stays>, Drained<'_, Stays>);
    assert_has_not!(SEND: Recv<'_, Stays>, RecvMany<'_, Stays>, RecvWith<'_, Stays, Filter>);
    assert_has_not!(SEND: RecvManyWith<'_, Stays, Filter>);
    assert_has_not!(SEND: WithLag<Stays>, FilterMapRef<Stays, Filter>);
}

/// Receivers on several threads clone one value at the same time.
#[test]
fn an_event_that_cannot_be_shared_keeps_its_handles() {
    type Unshared = Cell<u64>;
    assert_has!(SEND: Unshared);
    assert_has_not!(SYNC: Unshared, EventBus<Unshared>, Receiver<Unshared>);
    assert_has_not!(SEND: EventBus<Unshared>, WeakEventBus<Unshared>, Receiver<Unshared>);
}

#[test]
fn a_bus_works_on_one_thread_whatever_the_event() {
    let bus = overwrite(2);
    let mut receiver = bus.subscribe();
    bus.try_publish(Rc::new(Cell::new(1))).unwrap();
    assert_eq!(receiver.try_recv().unwrap().get(), 1);
}

/// Has no trait at all.
struct Opaque;

#[test]
fn everything_is_debug_whatever_the_event() {
    assert_has_not!(DEBUG: Opaque);
    assert_has!(DEBUG: EventBus<Opaque>, WeakEventBus<Opaque>, Builder<Opaque>, Receiver<Opaque>);
    assert_has!(DEBUG: Publish<'_, Opaque>, PublishMany<'_, Opaque>, Drained<'_, Opaque>);
    assert_has!(DEBUG: PublishError<Opaque>, TryPublishError<Opaque>);
    assert_has!(DEBUG: RecvMany<'_, Opaque>, RecvWith<'_, Opaque, Opaque>);
    assert_has!(DEBUG: RecvManyWith<'_, Opaque, Opaque>);
    assert_has!(DEBUG: FilterMapRef<Opaque, Opaque>, RecvWithLag<'_, Opaque>);
    assert_has!(DEBUG: BusSink<Opaque>, PublishAll<Opaque, Opaque>);
    assert_has!(DEBUG: TryIter<'_, Opaque>, BlockingIter<'_, Opaque>);
}

#[test]
fn recv_and_with_lag_are_debug_whatever_the_event() {
    assert_has!(DEBUG: Recv<'_, Opaque>, WithLag<Opaque>);
}

#[test]
fn debug_tells_what_matters() {
    let bus = EventBus::with_strategy(2, WaitStrategy::DropNewest);
    let receiver = bus.subscribe();
    bus.try_publish(Opaque).unwrap();
    let text = format!("{bus:?}");
    for part in [
        "EventBus",
        "capacity: 2",
        "DropNewest",
        "closed: false",
        "published: 1",
    ] {
        assert!(text.contains(part), "{part} in {text}");
    }
    let text = format!("{receiver:?}");
    for part in [
        "Receiver",
        "position: 0",
        "len: 1",
        "missed: 0",
        "lossy: false",
    ] {
        assert!(text.contains(part), "{part} in {text}");
    }
    let builder = EventBus::<Opaque>::builder().capacity(3).history(1);
    let text = format!("{builder:?}");
    for part in ["Builder", "capacity: 3", "history: 1", "Overwrite"] {
        assert!(text.contains(part), "{part} in {text}");
    }
    assert_eq!(format!("{:?}", PublishError::Closed(Opaque)), "Closed(..)");
    assert_eq!(
        format!("{:?}", PublishError::Dropped(Opaque)),
        "Dropped(..)"
    );
    assert_eq!(format!("{:?}", TryPublishError::Full(Opaque)), "Full(..)");
    assert_eq!(
        format!("{:?}", TryPublishError::Closed(Opaque)),
        "Closed(..)"
    );
    assert_eq!(format!("{:?}", Start::Last(3)), "Last(3)");
}
