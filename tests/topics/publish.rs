//! All ways to publish: to somebody, to nobody, and while that changes.

use crate::common::{Wakes, watched};
use eventring::{PublishError, Topics, TryPublishError, WaitStrategy};
use futures::FutureExt;
use futures::executor::block_on;
use std::future::Future;
use std::pin::pin;
use std::task::Context;
use std::thread;

type Rooms = Topics<String, u64>;

fn rooms(strategy: WaitStrategy) -> Rooms {
    let builder = Rooms::builder().capacity(2).strategy(strategy);
    builder.build().unwrap()
}

/// A room with no room, and somebody in it.
fn full() -> (Rooms, eventring::Topic<String, u64>) {
    let rooms = rooms(WaitStrategy::Block);
    let topic = rooms.subscribe("lobby");
    rooms
        .publish_many_blocking("lobby", &mut vec![0, 1])
        .unwrap();
    (rooms, topic)
}

/// Polls it once, which must not be enough; then does something, which must wake it.
fn once<F: Future>(future: F, then: impl FnOnce()) -> F::Output {
    let mut future = pin!(future);
    let (wakes, waker) = Wakes::new();
    assert!(
        future
            .as_mut()
            .poll(&mut Context::from_waker(&waker))
            .is_pending()
    );
    then();
    assert!(wakes.count() > 0);
    block_on(future)
}

#[test]
fn to_nobody() {
    let rooms = rooms(WaitStrategy::Block);
    let _kitchen = rooms.subscribe("kitchen");
    let mut events = vec![1, 2];
    assert_eq!(block_on(rooms.publish("lobby", 1)), Ok(None));
    assert_eq!(rooms.publish_blocking("lobby", 1), Ok(None));
    assert_eq!(rooms.try_publish("lobby", 1), Ok(None));
    assert_eq!(
        block_on(rooms.publish_many("lobby", &mut events)),
        Ok(false)
    );
    assert!(events.is_empty());
    events.push(3);
    assert_eq!(rooms.publish_many_blocking("lobby", &mut events), Ok(false));
    assert!(events.is_empty());
    assert!(block_on(rooms.reserve("lobby")).unwrap().is_none());
    assert!(rooms.reserve_blocking("lobby").unwrap().is_none());
    assert!(rooms.try_reserve("lobby").unwrap().is_none());
    let stats = rooms.stats();
    assert_eq!((stats.topics, stats.opened, stats.published), (1, 1, 0));
}

#[test]
fn to_somebody() {
    let rooms = Rooms::new(16);
    let mut lobby = rooms.subscribe("lobby");
    assert_eq!(block_on(rooms.publish("lobby", 0)), Ok(Some(0)));
    assert_eq!(rooms.publish_blocking("lobby", 1), Ok(Some(1)));
    assert_eq!(rooms.try_publish("lobby", 2), Ok(Some(2)));
    assert_eq!(
        block_on(rooms.publish_many("lobby", &mut vec![3, 4])),
        Ok(true)
    );
    assert_eq!(rooms.publish_many_blocking("lobby", &mut vec![5]), Ok(true));
    let permits = [
        block_on(rooms.reserve("lobby")).unwrap().unwrap(),
        rooms.reserve_blocking("lobby").unwrap().unwrap(),
        rooms.try_reserve("lobby").unwrap().unwrap(),
    ];
    for (number, permit) in (6..).zip(permits) {
        assert_eq!(permit.key(), "lobby");
        assert_eq!(permit.publish(number), Ok(number));
    }
    assert!(lobby.try_iter().eq(0..9));
}

#[test]
fn no_room() {
    let (rooms, _topic) = full();
    assert_eq!(rooms.try_publish("lobby", 2), Err(TryPublishError::Full(2)));
    assert!(matches!(
        rooms.try_reserve("lobby"),
        Err(TryPublishError::Full(()))
    ));
    assert!(rooms.publish("lobby", 2).now_or_never().is_none());

    let rooms = self::rooms(WaitStrategy::DropNewest);
    let _topic = rooms.subscribe("lobby");
    let mut events = vec![0, 1, 2];
    let published = rooms.publish_many_blocking("lobby", &mut events);
    assert_eq!(
        (published, events),
        (Err(PublishError::Dropped(())), vec![2])
    );
    assert_eq!(
        rooms.publish_blocking("lobby", 3),
        Err(PublishError::Dropped(3))
    );
    assert_eq!(rooms.stats().dropped, 2);
}

#[test]
fn whoever_waits_while_all_leave_publishes_to_nobody() {
    let (rooms, topic) = full();
    assert_eq!(once(rooms.publish("lobby", 2), || drop(topic)), Ok(None));
    let (rooms, topic) = full();
    let mut events = vec![2, 3];
    let published = once(rooms.publish_many("lobby", &mut events), || drop(topic));
    assert_eq!((published, events.len()), (Ok(false), 0));
    let (rooms, topic) = full();
    let permit = once(rooms.reserve("lobby"), || drop(topic));
    assert!(permit.unwrap().is_none());
    assert!(rooms.is_empty());
}

#[test]
fn whoever_waits_while_others_come_publishes_to_them() {
    let (rooms, topic) = full();
    let mut newcomer = None;
    let published = once(rooms.publish("lobby", 2), || {
        drop(topic);
        newcomer = Some(rooms.subscribe("lobby"));
    });
    assert_eq!(published, Ok(Some(0)));
    assert!(newcomer.unwrap().try_iter().eq([2]));

    let (rooms, topic) = full();
    let mut newcomer = None;
    let mut events = vec![2, 3];
    let published = once(rooms.publish_many("lobby", &mut events), || {
        drop(topic);
        newcomer = Some(rooms.subscribe("lobby"));
    });
    assert_eq!((published, events.len()), (Ok(true), 0));
    assert!(newcomer.unwrap().try_iter().eq([2, 3]));

    let (rooms, topic) = full();
    let mut newcomer = None;
    let permit = once(rooms.reserve("lobby"), || {
        drop(topic);
        newcomer = Some(rooms.subscribe("lobby"));
    });
    assert_eq!(permit.unwrap().unwrap().publish(2), Ok(0));
    assert!(newcomer.unwrap().try_iter().eq([2]));
}

#[test]
fn whoever_waits_while_the_topics_are_closed_gets_the_events_back() {
    let (rooms, _topic) = full();
    let published = once(rooms.publish("lobby", 2), || rooms.close());
    assert_eq!(published, Err(PublishError::Closed(2)));
    let (rooms, _topic) = full();
    let mut events = vec![2, 3];
    let published = once(rooms.publish_many("lobby", &mut events), || rooms.close());
    assert_eq!(
        (published, events),
        (Err(PublishError::Closed(())), vec![2, 3])
    );
    let (rooms, _topic) = full();
    let permit = once(rooms.reserve("lobby"), || {
        rooms.get("lobby").unwrap().close()
    });
    assert!(matches!(permit, Err(PublishError::Closed(()))));
}

#[test]
fn a_future_that_is_dropped_has_published_nothing() {
    let (rooms, mut topic) = full();
    let mut events = vec![3, 4];
    assert!(rooms.publish("lobby", 2).now_or_never().is_none());
    assert!(
        rooms
            .publish_many("lobby", &mut events)
            .now_or_never()
            .is_none()
    );
    assert!(rooms.reserve("lobby").now_or_never().is_none());
    assert_eq!(events, [3, 4]);
    assert!(topic.try_iter().eq([0, 1]));
    assert_eq!(rooms.try_publish("lobby", 5), Ok(Some(2)));
}

#[test]
fn threads_that_wait_are_let_go() {
    watched(|| {
        let (rooms, topic) = full();
        thread::scope(|scope| {
            let one = scope.spawn(|| rooms.publish_blocking("lobby", 2));
            let many = scope.spawn(|| rooms.publish_many_blocking("lobby", &mut vec![3, 4]));
            let permit = scope.spawn(|| rooms.reserve_blocking("lobby").map(|some| some.is_some()));
            drop(topic);
            // Whoever came before it left may have found room behind nobody.
            assert!(matches!(one.join().unwrap(), Ok(None | Some(_))));
            assert!(many.join().unwrap().is_ok());
            assert!(permit.join().unwrap().is_ok());
        });
        assert!(rooms.is_empty());
    });
}

#[test]
fn a_permit_goes_with_its_topic() {
    let rooms = rooms(WaitStrategy::Block);
    let topic = rooms.subscribe("lobby");
    let permits = [(); 2].map(|()| rooms.try_reserve("lobby").unwrap().unwrap());
    drop(topic);
    let mut newcomer = rooms.subscribe("lobby");
    for permit in permits {
        assert_eq!(permit.publish(1), Err(PublishError::Closed(1)));
    }
    rooms
        .publish_many_blocking("lobby", &mut vec![2, 3])
        .unwrap();
    assert!(newcomer.try_iter().eq([2, 3]));
}
