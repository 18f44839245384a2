//! Subscriptions by type.

use eventring::stream::Typed;
use eventring::{EventBus, PublishError, TryPublishError, TypedBus, WaitStrategy};
use futures::{FutureExt, StreamExt};
use std::panic::{RefUnwindSafe, UnwindSafe};

#[derive(Debug, PartialEq)]
struct Unclonable(u32);

#[test]
fn each_gets_its_own_type_and_all_are_in_one_order() {
    let bus = TypedBus::new(16);
    let (mut numbers, mut notes) = (bus.subscribe::<u64>(), bus.subscribe::<&str>());
    let mut structs = bus.subscribe::<Unclonable>();
    let mut all = bus.subscribe_all();
    assert_eq!(bus.try_publish(1_u64), Ok(0));
    assert_eq!(bus.try_publish(2_u32), Ok(1));
    assert_eq!(bus.try_publish("note"), Ok(2));
    assert_eq!(bus.publish(Unclonable(3)).now_or_never(), Some(Ok(3)));
    assert_eq!(bus.try_publish(4_u64), Ok(4));
    bus.bus().close();
    let mut rest = || numbers.next().now_or_never().unwrap().map(|number| *number);
    assert_eq!([rest(), rest(), rest()], [Some(1), Some(4), None]);
    assert_eq!(*notes.next().now_or_never().unwrap().unwrap(), "note");
    let own = structs.next().now_or_never().unwrap().unwrap();
    assert_eq!(*own, Unclonable(3));
    assert_eq!(numbers.get_ref().missed(), 0);
    let types = all.try_iter().map(|event| (*event).is::<u64>());
    assert!(types.eq([true, false, false, false, true]));
}

#[test]
fn what_is_not_published_is_handed_back() {
    let bus = TypedBus::from(EventBus::with_strategy(1, WaitStrategy::DropNewest));
    let _numbers: Typed<u64> = bus.subscribe();
    bus.try_publish("fills it").unwrap();
    let full = bus.try_publish(Unclonable(1));
    assert_eq!(full, Err(TryPublishError::Full(Unclonable(1))));
    let dropped = bus.publish(Unclonable(2)).now_or_never().unwrap();
    assert_eq!(dropped, Err(PublishError::Dropped(Unclonable(2))));
    bus.bus().close();
    let late = bus.try_publish(Unclonable(3));
    assert_eq!(late, Err(TryPublishError::Closed(Unclonable(3))));
    let late = bus.publish(Unclonable(4)).now_or_never().unwrap();
    assert_eq!(late, Err(PublishError::Closed(Unclonable(4))));
}

#[test]
fn it_goes_everywhere() {
    fn everywhere<T: Send + Sync + Unpin + UnwindSafe + RefUnwindSafe>() {}
    fn sends<T: Send>(_: T) {}
    everywhere::<TypedBus>();
    everywhere::<Typed<u64>>();
    sends(TypedBus::new(1).publish(7));
}
