//! What comes and goes, and everything that is published.

use crate::common::{Random, Wakes, panic_of, watched};
use eventring::topics::{Change, PatternError};
use eventring::{PublishError, Receiver, Topics, TryPublishError, TryRecvError, WaitStrategy};
use futures::{FutureExt, StreamExt};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Context;
use std::thread;

type Rooms = Topics<String, u64>;
type Audit = Receiver<(String, u64)>;

/// With room for one event in each topic, and two in all.
fn full_soon(strategy: WaitStrategy) -> Rooms {
    let builder = Topics::builder().capacity(1).all_capacity(2);
    builder.strategy(strategy).build().unwrap()
}

fn take(audit: &mut Audit) -> Vec<u64> {
    audit.try_iter().map(|(_, event)| event).collect()
}

#[test]
fn every_way_to_publish_is_in_it() {
    let rooms = Rooms::new(16);
    let _lobby = rooms.subscribe("lobby");
    let mut audit = rooms.all();
    futures::executor::block_on(async {
        assert_eq!(rooms.publish("lobby", 1).await, Ok(Some(0)));
        assert_eq!(rooms.publish("nobody", 2).await, Ok(None));
        let many = &mut vec![3, 4];
        assert_eq!(rooms.publish_many("lobby", many).await, Ok(true));
        let many = &mut vec![5, 6];
        assert_eq!(rooms.publish_many("nobody", many).await, Ok(false));
        assert!(many.is_empty());
        let permit = rooms.reserve("lobby").await.unwrap().unwrap();
        assert_eq!(permit.publish(7), Ok(3));
    });
    assert_eq!(rooms.try_publish("lobby", 8), Ok(Some(4)));
    assert_eq!(rooms.try_publish("nobody", 9), Ok(None));
    assert_eq!(rooms.publish_blocking("lobby", 10), Ok(Some(5)));
    let many = &mut vec![11];
    assert_eq!(rooms.publish_many_blocking("lobby", many), Ok(true));
    let permit = rooms.reserve_blocking("lobby").unwrap().unwrap();
    assert_eq!(permit.publish(12), Ok(7));
    let permit = rooms.try_reserve("lobby").unwrap().unwrap();
    assert_eq!(permit.publish(13), Ok(8));
    let events: Vec<_> = audit.try_iter().collect();
    assert!(events.iter().map(|(_, event)| *event).eq(1..=13));
    let nobody = events.iter().filter(|(key, _)| key == "nobody");
    assert!(nobody.map(|(_, event)| *event).eq([2, 5, 6, 9]));
}

#[test]
fn nobody_pays_who_is_not_heard() {
    struct Counted<'a>(&'a AtomicUsize);
    impl Clone for Counted<'_> {
        fn clone(&self) -> Self {
            self.0.fetch_add(1, Ordering::SeqCst);
            Self(self.0)
        }
    }
    let clones = &AtomicUsize::new(0);
    let rooms: Topics<u32, Counted<'_>> = Topics::new(16);
    let _room = rooms.subscribe(&1);
    let publish = || drop(rooms.try_publish(&1, Counted(clones)));
    publish();
    let audit = rooms.all();
    publish();
    assert_eq!(clones.load(Ordering::SeqCst), 1);
    drop(audit);
    publish();
    assert_eq!(clones.load(Ordering::SeqCst), 1);
}

/// An event is published to both or to neither.
#[test]
fn no_room_in_one_of_them() {
    let rooms = full_soon(WaitStrategy::Block);
    let mut lobby = rooms.subscribe("lobby");
    let mut audit = rooms.all();
    assert_eq!(rooms.try_publish("lobby", 1), Ok(Some(0)));
    assert_eq!(rooms.try_publish("lobby", 2), Err(TryPublishError::Full(2)));
    assert_eq!(rooms.publish("lobby", 2).now_or_never(), None);
    assert_eq!(rooms.try_publish("nobody", 3), Ok(None));
    assert_eq!(lobby.try_recv(), Ok(1));
    // Now it is the tap that is full.
    assert_eq!(rooms.try_publish("lobby", 4), Err(TryPublishError::Full(4)));
    assert_eq!(
        rooms.try_publish("nobody", 4),
        Err(TryPublishError::Full(4))
    );
    assert_eq!(rooms.publish("lobby", 4).now_or_never(), None);
    assert_eq!(rooms.publish("nobody", 4).now_or_never(), None);
    let many = &mut vec![4, 5];
    assert_eq!(rooms.publish_many("nobody", many).now_or_never(), None);
    assert_eq!(*many, [4, 5]);
    assert!(rooms.try_reserve("lobby").is_err());
    assert_eq!(take(&mut audit), [1, 3]);
    assert_eq!(lobby.try_recv(), Err(TryRecvError::Empty));
    assert_eq!(rooms.publish_many("lobby", many).now_or_never(), None);
    assert_eq!(*many, [5]);
    assert_eq!((lobby.try_recv(), take(&mut audit)), (Ok(4), vec![4]));
}

#[test]
fn handed_back_with_drop_newest() {
    let rooms = full_soon(WaitStrategy::DropNewest);
    let _audit = rooms.all();
    let many = &mut vec![1, 2, 3];
    let published = rooms.publish_many_blocking("nobody", many);
    assert_eq!(published, Err(PublishError::Dropped(())));
    assert_eq!(*many, [3]);
    assert_eq!(
        rooms.publish_blocking("nobody", 3),
        Err(PublishError::Dropped(3))
    );
}

#[test]
fn whoever_waits_for_the_tap_is_let_go() {
    watched(|| {
        for close in [false, true] {
            let rooms = full_soon(WaitStrategy::Block);
            let mut audit = rooms.all();
            rooms.publish_blocking("nobody", 1).unwrap();
            rooms.publish_blocking("nobody", 2).unwrap();
            let waiting = {
                let rooms = rooms.clone();
                thread::spawn(move || rooms.publish_blocking("nobody", 3))
            };
            if close {
                rooms.close();
                let refused = waiting.join().unwrap();
                assert_eq!(refused, Err(PublishError::Closed(3)));
            } else {
                assert_eq!(audit.try_recv().unwrap().1, 1);
                assert_eq!(waiting.join().unwrap(), Ok(None));
            }
        }
    });
}

/// What a permit publishes to a topic that is gone is published to nobody.
#[test]
fn a_permit_whose_topic_is_gone_is_not_in_it() {
    let rooms = Rooms::new(16);
    let lobby = rooms.subscribe("lobby");
    let mut audit = rooms.all();
    let permit = rooms.try_reserve("lobby").unwrap().unwrap();
    drop(lobby);
    assert_eq!(permit.publish(1), Err(PublishError::Closed(1)));
    assert_eq!(take(&mut audit), []);
}

#[test]
fn closing_ends_it() {
    let rooms = Rooms::new(16);
    let mut audit = rooms.all();
    rooms.try_publish("lobby", 1).unwrap();
    rooms.close();
    assert_eq!(audit.try_recv().unwrap().1, 1);
    assert_eq!(audit.try_recv(), Err(TryRecvError::Closed));
    assert_eq!(rooms.all().try_recv(), Err(TryRecvError::Closed));
    assert_eq!(
        rooms.try_publish("lobby", 2),
        Err(TryPublishError::Closed(2))
    );
    let unopened = Rooms::new(16);
    unopened.close();
    assert_eq!(unopened.all().try_recv(), Err(TryRecvError::Closed));
    assert_eq!(unopened.changes().next().now_or_never(), Some(None));
}

/// The copy for the tap is made before anything is published.
#[test]
fn a_clone_that_panics_publishes_nothing() {
    #[derive(Debug, PartialEq)]
    struct Hostile;
    impl Clone for Hostile {
        fn clone(&self) -> Self {
            panic!("clone")
        }
    }
    let rooms: Topics<u32, Hostile> = full_of_one();
    let room = rooms.subscribe(&1);
    let audit = rooms.all();
    assert_eq!(panic_of(|| rooms.try_publish(&1, Hostile)), "clone");
    assert_eq!((room.len(), audit.len()), (0, 0));
    // The room that was taken is given back.
    assert!(rooms.try_reserve(&1).unwrap().is_some());
    drop(audit);
    assert_eq!(rooms.try_publish(&1, Hostile), Ok(Some(0)));
}

fn full_of_one<K, E>() -> Topics<K, E> {
    let builder = Topics::builder().capacity(1).all_capacity(1);
    builder.strategy(WaitStrategy::Block).build().unwrap()
}

#[test]
fn who_waits_for_changes_is_woken() {
    let rooms = Rooms::new(16);
    let mut changes = rooms.changes();
    let (wakes, waker) = Wakes::new();
    let cx = &mut Context::from_waker(&waker);
    let wait = |changes: &mut eventring::topics::Changes<_, _>, cx: &mut Context<'_>| {
        assert!(changes.poll_next_unpin(cx).is_pending());
    };
    wait(&mut changes, cx);
    let lobby = rooms.subscribe("lobby");
    assert_eq!(wakes.count(), 1);
    let opened = Change::Opened("lobby".to_owned());
    assert_eq!(changes.next().now_or_never(), Some(Some(opened)));
    wait(&mut changes, cx);
    let again = lobby.clone();
    drop(again);
    assert_eq!(wakes.count(), 1);
    drop(lobby);
    assert_eq!(wakes.count(), 2);
    let vacated = Change::Vacated("lobby".to_owned());
    assert_eq!(changes.next().now_or_never(), Some(Some(vacated)));
    wait(&mut changes, cx);
    rooms.close();
    assert_eq!(wakes.count(), 3);
    assert_eq!(changes.next().now_or_never(), Some(None));
}

#[test]
fn what_nobody_polls_is_bounded() {
    let rooms = Rooms::new(1);
    let mut changes = rooms.changes();
    let told = rooms.subscribe("told");
    assert!(changes.next().now_or_never().is_some());
    drop(told);
    for number in 0..1_000 {
        drop(rooms.subscribe(&number.to_string()));
        drop(rooms.subscribe("told"));
    }
    let _stays = rooms.subscribe("told");
    let rest = std::iter::from_fn(|| changes.next().now_or_never().flatten());
    let told = "told".to_owned();
    let expected = [Change::Vacated(told.clone()), Change::Opened(told)];
    assert_eq!(rest.collect::<Vec<_>>(), expected);
}

/// By the definition.
fn naive(pattern: &[&str], subject: &[&str]) -> bool {
    match (pattern, subject) {
        ([], []) => true,
        ([">"], [_, ..]) => true,
        (["*", pattern @ ..], [_, subject @ ..]) => naive(pattern, subject),
        ([token, pattern @ ..], [other, subject @ ..]) => token == other && naive(pattern, subject),
        _ => false,
    }
}

#[test]
fn patterns_match_as_defined() {
    let mut random = Random::new();
    let rooms = Topics::<String, u64>::new(1);
    let mut matched = 0;
    for _ in 0..crate::common::times(3_000) {
        let mut draw = |tokens: &[&'static str]| {
            let length = 1 + random.below(4);
            Vec::from_iter((0..length).map(|_| random.one_of(tokens)))
        };
        let mut pattern = draw(&["a", "b", "*", "*"]);
        let subject = draw(&["a", "b", "ab", ""]);
        if draw(&["a", "b"])[0] == "a" {
            pattern.push(">");
        }
        let mut stream = rooms.subscribe_matching(&pattern.join(".")).unwrap();
        rooms.try_publish(&subject.join("."), 7).unwrap();
        let expected = naive(&pattern, &subject).then(|| (subject.join("."), 7));
        matched += u64::from(expected.is_some());
        assert_eq!(
            stream.next().now_or_never().flatten(),
            expected,
            "{pattern:?}"
        );
    }
    assert!(matched > 100 || cfg!(miri));
}

#[test]
fn patterns_that_are_none() {
    let rooms = Rooms::new(1);
    let error = |pattern: &str| rooms.subscribe_matching(pattern).err();
    for pattern in ["", ".", "a.", ".a", "a..b", "*.", ".>"] {
        assert_eq!(error(pattern), Some(PatternError::EmptyToken), "{pattern}");
    }
    for pattern in [">.a", "a.>.b", ">.>"] {
        assert_eq!(error(pattern), Some(PatternError::NotAtEnd), "{pattern}");
    }
    for token in ["a*", "*a", "a>", ">>", "**"] {
        let part = PatternError::PartOfToken(token.to_owned());
        assert_eq!(error(&format!("x.{token}")), Some(part), "{token}");
    }
    for pattern in ["a", "*", ">", "a.*.b", "*.*", "*.>"] {
        assert_eq!(error(pattern), None, "{pattern}");
    }
}
