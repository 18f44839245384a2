//! Permits.

use crate::common::*;
use eventring::{EventBus, Permit, PublishError, TryPublishError, WaitStrategy};
use futures::FutureExt;
use tokio_test::task::spawn;
use tokio_test::{assert_pending, assert_ready, assert_ready_eq};

fn full<T: std::fmt::Debug>(result: Result<T, TryPublishError<()>>) {
    assert_eq!(result.unwrap_err(), TryPublishError::Full(()));
}

#[test]
fn a_permit_holds_room_back_until_it_is_dropped() {
    let bus = block(2);
    let mut receiver = bus.subscribe();
    let permits = [bus.try_reserve().unwrap(), bus.try_reserve().unwrap()];
    full(bus.try_reserve());
    assert_eq!(bus.try_publish(0), Err(TryPublishError::Full(0)));
    drop(permits);
    publish_all(&bus, 0..2);
    assert_eq!(backlog(&mut receiver), no_gaps(0..2));
}

#[test]
fn a_permit_takes_free_room_back() {
    let bus = block(3);
    let mut receiver = bus.subscribe();
    publish_all(&bus, 0..1);
    let permit = bus.try_reserve().unwrap();
    publish_all(&bus, 1..2);
    assert_eq!(bus.try_publish(9), Err(TryPublishError::Full(9)));
    assert_eq!(permit.publish(2), Ok(2));
    assert_eq!(backlog(&mut receiver), no_gaps(0..3));
}

#[test]
fn permits_come_without_receivers_and_hold_when_one_comes() {
    for strategy in STRATEGIES {
        let bus = EventBus::with_strategy(2, strategy);
        let permits = [bus.try_reserve().unwrap(), bus.try_reserve().unwrap()];
        full(bus.try_reserve());
        publish_all(&bus, 0..5);
        let mut receiver = bus.subscribe();
        for (permit, number) in permits.into_iter().zip(5..) {
            assert_eq!(permit.publish(number), Ok(number));
        }
        assert_eq!(backlog(&mut receiver), no_gaps(5..7), "{strategy:?}");
    }
}

#[test]
fn a_newcomer_is_not_lapped_by_who_publishes_beside_permits() {
    let bus = block(2);
    let permit = bus.try_reserve().unwrap();
    let mut receiver = bus.subscribe();
    publish_all(&bus, 0..1);
    assert_eq!(bus.try_publish(9), Err(TryPublishError::Full(9)));
    assert_eq!(permit.publish(1), Ok(1));
    assert_eq!(backlog(&mut receiver), no_gaps(0..2));
}

#[test]
fn a_permit_of_a_closed_bus_hands_the_event_back() {
    let bus = block(1);
    let permit = bus.try_reserve().unwrap();
    bus.close();
    assert_eq!(permit.publish('a'), Err(PublishError::Closed('a')));
    assert_eq!(bus.try_reserve().unwrap_err(), TryPublishError::Closed(()));
    assert_eq!(
        bus.reserve_blocking().unwrap_err(),
        PublishError::Closed(())
    );
    assert_eq!(
        bus.reserve_many(1).now_or_never().unwrap().unwrap_err(),
        PublishError::Closed(())
    );
}

#[test]
fn those_who_wait_for_permits_and_to_publish_stand_in_one_queue() {
    let bus = block(1);
    let mut receiver = bus.subscribe();
    publish_all(&bus, [0]);
    let mut first = spawn(bus.reserve());
    let mut second = spawn(bus.publish(2));
    assert_pending!(first.poll());
    assert_pending!(second.poll());
    full(bus.try_reserve());
    receiver.try_recv().unwrap();
    assert!(first.is_woken() && !second.is_woken());
    let permit = assert_ready!(first.poll()).unwrap();
    assert_pending!(second.poll());
    drop(permit);
    assert!(second.is_woken());
    assert_ready_eq!(second.poll(), Ok(1));
}

#[test]
fn several_permits_come_at_once() {
    let bus = block(3);
    let mut receiver = bus.subscribe();
    publish_all(&bus, 0..3);
    let mut many = spawn(bus.reserve_many(2));
    let mut one = spawn(bus.publish(5));
    assert_pending!(many.poll());
    assert_pending!(one.poll());
    receiver.try_recv().unwrap();
    // There is room for one, but who wants two came first.
    assert!(!many.is_woken() && !one.is_woken());
    receiver.try_recv().unwrap();
    assert!(many.is_woken());
    let mut permits = assert_ready!(many.poll()).unwrap();
    assert_eq!(permits.next().map(|permit| permit.publish(3)), Some(Ok(3)));
    assert_eq!(permits.len(), 1);
    assert_pending!(one.poll());
    drop(permits);
    assert_ready_eq!(one.poll(), Ok(4));
}

#[test]
fn who_wanted_much_and_gives_up_lets_the_next_one_go() {
    let bus = block(2);
    let mut receiver = bus.subscribe();
    publish_all(&bus, 0..2);
    let mut many = spawn(bus.reserve_many(2));
    let mut one = spawn(bus.publish(2));
    assert_pending!(many.poll());
    assert_pending!(one.poll());
    receiver.try_recv().unwrap();
    assert!(!one.is_woken());
    drop(many);
    assert!(one.is_woken());
    assert_ready_eq!(one.poll(), Ok(2));
}

#[test]
#[should_panic(expected = "3 permits can never be had of a bus with capacity 2")]
fn more_than_the_capacity_cannot_be_reserved() {
    drop(block::<u64>(2).reserve_many(3));
}

#[test]
fn the_last_receiver_to_go_makes_room() {
    let bus = block(1);
    let receiver = bus.subscribe();
    publish_all(&bus, [0]);
    let mut waiting: Vec<_> = (0..3).map(|_| spawn(bus.reserve())).collect();
    for reserve in &mut waiting {
        assert_pending!(reserve.poll());
    }
    drop(receiver);
    // One permit can be out at a time.
    for reserve in &mut waiting {
        assert!(reserve.is_woken());
        let permit = assert_ready!(reserve.poll()).unwrap();
        assert!(permit.publish(7).is_ok());
    }
}

#[test]
fn a_full_bus_that_drops_grants_nothing() {
    let bus = drop_newest(1);
    let _receiver = bus.subscribe();
    publish_all(&bus, [0]);
    let refused = bus.reserve().now_or_never().unwrap();
    assert_eq!(refused.unwrap_err(), PublishError::Dropped(()));
    assert_eq!(
        bus.reserve_blocking().unwrap_err(),
        PublishError::Dropped(())
    );
    assert_eq!(bus.stats().dropped, 0, "there was no event to drop");
}

#[test]
fn closing_wakes_those_who_wait_for_permits() {
    let bus = block(1);
    let _receiver = bus.subscribe();
    publish_all(&bus, [0]);
    let mut reserve = spawn(bus.reserve());
    assert_pending!(reserve.poll());
    bus.close();
    assert!(reserve.is_woken());
    assert_eq!(
        assert_ready!(reserve.poll()).unwrap_err(),
        PublishError::Closed(())
    );
}

#[tokio::test]
async fn an_owned_permit_goes_into_a_task() {
    let bus = EventBus::with_strategy(1, WaitStrategy::Block);
    let mut receiver = bus.subscribe();
    let permit = bus.clone().reserve_owned().await.unwrap();
    full(bus.try_reserve());
    let publishing = tokio::spawn(async move { permit.publish("event") });
    assert_eq!(publishing.await.unwrap(), Ok(0));
    assert_eq!(receiver.try_recv(), Ok("event"));
    drop(bus.clone().reserve_owned().await.unwrap());
    assert!(bus.try_reserve().is_ok());
}

#[test]
fn a_thread_blocks_for_a_permit() {
    let bus = block(1);
    let mut receiver = bus.subscribe();
    publish_all(&bus, [0]);
    std::thread::scope(|scope| {
        let permit = scope.spawn(|| {
            bus.reserve_blocking()
                .and_then(|permit| permit.publish(1).map_err(|_| PublishError::Closed(())))
        });
        assert_eq!(receiver.try_recv(), Ok(0));
        assert_eq!(permit.join().unwrap(), Ok(1));
    });
}

#[test]
fn permits_are_shared_by_threads() {
    fn send_and_sync<T: Send + Sync>(_: &T) {}
    let bus = block::<u64>(1);
    let permit: Permit<'_, u64> = bus.try_reserve().unwrap();
    send_and_sync(&permit);
}
