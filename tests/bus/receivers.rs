//! Who is there: names, and what the bus knows of each receiver.

use crate::common::{backlog, block, overwrite, publish_all};
use eventring::{EventBus, ReceiverKind, Start, WaitStrategy};
use tokio_test::assert_pending;
use tokio_test::task::spawn;

fn names(bus: &EventBus<u64>) -> Vec<Option<String>> {
    let receivers = bus.receivers().into_iter();
    receivers
        .map(|one| one.name.map(|name| name.to_string()))
        .collect()
}

#[test]
fn they_come_and_go() {
    let bus = block(4);
    assert!(bus.receivers().is_empty());
    let sink = bus.receiver().name("sink").build();
    let page = bus.subscribe_lossy();
    let (clone, later) = (sink.clone(), sink.resubscribe());
    let sinks = Some(String::from("sink"));
    assert_eq!(
        names(&bus),
        [sinks.clone(), None, sinks.clone(), sinks.clone()]
    );
    assert!(bus.receivers().is_sorted_by_key(|one| one.id));
    drop((sink, page));
    let _other = bus.receiver().name("other").build();
    assert_eq!(names(&bus), [sinks.clone(), sinks, Some("other".into())]);
    drop((clone, later));
    assert_eq!(names(&bus), [Some("other".into())]);
}

#[test]
fn where_they_stand() {
    let bus = block(4);
    let mut gating = bus.subscribe();
    let mut lossy = bus.subscribe_lossy();
    let mut committing = bus.subscribe_committing();
    publish_all(&bus, 0..3);
    gating.try_recv().unwrap();
    lossy.try_recv_many(&mut Vec::new(), 2).unwrap();
    backlog(&mut committing);
    committing.commit(1);
    let seen: Vec<_> = bus
        .receivers()
        .into_iter()
        .map(|one| (one.kind, one.position, one.behind, one.missed, one.awaited))
        .collect();
    let expected = [
        (ReceiverKind::Gating, 1, 2, 0, false),
        (ReceiverKind::Lossy, 2, 1, 0, false),
        (ReceiverKind::Committing, 1, 2, 0, false),
    ];
    assert_eq!(seen, expected);
}

#[test]
fn who_holds_everybody_up() {
    let bus = block(2);
    let mut fast = bus.subscribe();
    let mut slow = bus.receiver().name("slow").build();
    publish_all(&bus, 0..2);
    backlog(&mut fast);
    let mut publish = spawn(bus.publish(2));
    assert_pending!(publish.poll());
    let awaited = bus.receivers().into_iter().filter(|one| one.awaited);
    assert!(awaited.eq(bus.receivers().into_iter().filter(|one| one.id == 1)));
    slow.try_recv().unwrap();
    assert!(bus.receivers().iter().all(|one| !one.awaited));
}

#[test]
fn what_they_missed() {
    let bus = overwrite(2);
    let mut page = bus.subscribe();
    publish_all(&bus, 0..5);
    let [info] = &bus.receivers()[..] else {
        panic!("there is one");
    };
    assert_eq!((info.position, info.behind, info.missed), (3, 2, 0));
    page.try_recv().unwrap();
    let [info] = &bus.receivers()[..] else {
        panic!("there is one");
    };
    assert_eq!((info.position, info.behind, info.missed), (4, 1, 3));
}

#[test]
fn one_that_reads_the_past_is_one() {
    let builder = EventBus::builder().capacity(4).history(2);
    let bus = builder.strategy(WaitStrategy::Block).build().unwrap();
    publish_all(&bus, 0..4);
    let mut resumed = bus.subscribe_from(Start::Sequence(1));
    let seen = |bus: &EventBus<u64>| {
        let [info] = &bus.receivers()[..] else {
            panic!("there is one");
        };
        (info.kind, info.position, info.missed)
    };
    assert_eq!(seen(&bus), (ReceiverKind::Gating, 2, 0));
    resumed.try_recv().unwrap();
    assert_eq!(seen(&bus), (ReceiverKind::Gating, 3, 1));
    backlog(&mut resumed);
    assert_eq!(
        seen(&bus),
        (ReceiverKind::Gating, 4, 1),
        "what it missed stays with it"
    );
}
