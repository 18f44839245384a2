//! The room by itself, where threads can race harder than over sockets.

mod common;

use chatterbox::proto::Event;
use chatterbox::proto::event::What;
use chatterbox::room::Room;
use common::{Attendance, watched};
use futures::executor::block_on;
use futures::{FutureExt, Stream, StreamExt};
use std::thread;
use tonic::{Code, Status};

/// While members come and go on two threads, listeners begin on two others. Whenever they begin,
/// what they are sent fits together.
#[test]
fn snapshot_and_subscription_are_one_step() {
    const VISITS: usize = 20_000;
    const EVENTS: usize = 20;
    watched(async {
        // Nobody lags.
        let room = Room::new(4 * VISITS).unwrap();
        let visits = |name: &str| {
            for _ in 0..VISITS {
                let (member, _events) = room.join(name).unwrap();
                member.leave().unwrap();
            }
        };
        let listen = || {
            let mut listeners = 0;
            while let Ok(events) = room.listen() {
                block_on(follow(events, EVENTS));
                listeners += 1;
            }
            assert!(listeners > 0);
        };
        thread::scope(|scope| {
            scope.spawn(listen);
            scope.spawn(listen);
            thread::scope(|scope| {
                scope.spawn(|| visits("ann"));
                scope.spawn(|| visits("bob"));
            });
            room.close();
        });
    });
}

/// Checks the snapshot and the first events after it.
async fn follow(mut events: impl Stream<Item = Result<Event, Status>> + Unpin, live: usize) {
    let mut present = Attendance::default();
    let mut snapshot = events.by_ref().map(Result::unwrap);
    while let Some(event) = snapshot.next().await {
        if event.what() == What::Initialized {
            break;
        }
        present.follow(&event);
    }
    let mut live = events.map(Result::unwrap).take(live);
    while let Some(event) = live.next().await {
        present.follow(&event);
    }
}

#[test]
fn a_closed_room_takes_nobody() {
    let room = Room::new(4).unwrap();
    let (ann, events) = room.join("ann").unwrap();
    room.close();
    assert!(room.closed().now_or_never().is_some());
    assert_eq!(ann.say("hi".into()).unwrap_err().code(), Code::Unavailable);
    assert_eq!(room.join("bob").unwrap_err().code(), Code::Unavailable);
    assert_eq!(room.listen().unwrap_err().code(), Code::Unavailable);
    drop(ann);
    let events: Vec<_> = block_on(events.map(Result::unwrap).collect());
    assert_eq!(events, [Event::initialized(), Event::join("ann")]);
}

#[test]
fn an_open_room_is_not_closed() {
    let room = Room::new(4).unwrap();
    let _ann = room.join("ann").unwrap();
    assert!(room.closed().now_or_never().is_none());
}

#[test]
fn names() {
    let room = Room::new(4).unwrap();
    for name in ["ann", "Ann", "änne", "李", "x-1_2.3", &"x".repeat(32)] {
        drop(room.join(name).expect(name));
    }
    for name in ["", " ", "a b", "a:", "\u{1b}[2J", &"x".repeat(33)] {
        let status = room.join(name).expect_err(name);
        assert_eq!(status.code(), Code::InvalidArgument, "{name}");
        assert!(status.message().contains("is not a name"), "{status}");
    }
}
